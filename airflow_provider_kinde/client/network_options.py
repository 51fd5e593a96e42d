"""The proxy and the certificates of a client, its settings and the environment taken together, for both transports.

Both HTTP libraries read the environment, each in its own way: one does not know ``NO_PROXY`` with IPv6, the other one
not ``SSL_CERT_FILE``. So neither of them reads it here.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit
from urllib.request import getproxies

from airflow_provider_kinde.client.responses import TransportError
from airflow_provider_kinde.client.settings import Settings

_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
PROXY_LOGIN = 407
"""HTTP status with which a proxy asks for a login."""


@dataclass(frozen=True)
class NetworkOptions:
    """How to reach one host.

    :param host: the host, for messages.
    :param proxy: the URL of a proxy, or ``None``.
    :param verify: whether to check certificates, or the path of a CA bundle (a file or a folder).
    """

    host: str
    proxy: str | None
    verify: bool | str

    @classmethod
    def of(cls, settings: Settings) -> NetworkOptions:
        """Read settings and environment.

        :param settings: of the client.
        :raises ValueError: the environment names a CA bundle that is not there.
        """
        parts = urlsplit(settings.base_url)
        proxies: Mapping[str, str] = settings.proxies or {}
        if not proxies and not settings.local and not _excepted(parts.hostname or "", parts.port):
            proxies = getproxies()
        proxy = proxies.get(parts.scheme) or proxies.get("all") or None
        if proxy and "://" not in proxy:
            proxy = f"http://{proxy}"
        environment = settings.verify is True and parts.scheme == "https"
        return cls(settings.host, proxy, _bundle() if environment else settings.verify)

    def proxy_failed(self, words: str) -> TransportError:
        """Return the failure of a request that did not get past the proxy, with what to do.

        :param words: what happened, in the words of the HTTP library.
        """
        parts = urlsplit(self.proxy or "")
        where = f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname
        source = "`proxies` in the connection's extra, or HTTPS_PROXY in the environment"
        if str(PROXY_LOGIN) in words:
            what = (
                f"the proxy {where} wants a login (HTTP 407) before it connects to {self.host}: put user and password "
                f"into its URL, http://user:password@{where} ({source})"
            )
            return TransportError(what, sent=False, final=True)
        what = (
            f"the proxy {where} does not connect to {self.host}: check that it runs and that its address is right "
            f"({source}), or except the host by NO_PROXY"
        )
        return TransportError(what, sent=False)


def _bundle() -> bool | str:
    for name in _BUNDLES:
        path = os.environ.get(name)
        if path:
            if not os.path.exists(path):  # noqa: PTH110 - as in settings
                raise ValueError(f"{name} in the environment: there is no {path[:200]!r}")
            return path
    return True


def _excepted(host: str, port: int | None) -> bool:
    """Whether ``NO_PROXY`` names a host: by ``*``, a domain above it, an address or a network, IPv6 as well."""
    names = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    return any(_names(entry, host, port) for entry in re.split(r"[\s,]+", names) if entry)


def _names(entry: str, host: str, port: int | None) -> bool:
    if entry == "*":
        return True
    entry = entry.rpartition("://")[2]
    try:
        network = ipaddress.ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        name, separator, number = entry.rpartition(":")
        if not (separator and number.isdigit()):
            name = entry
        elif port is not None and port != int(number):
            return False
        name = name.strip("[]").strip(".").removeprefix("*.").lower()
        return bool(name) and (host == name or host.endswith(f".{name}"))
    try:
        return ipaddress.ip_address(host) in network
    except ValueError:
        return False
