"""The Kinde domain as users type it, and the one address that requests go to."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

_NAME = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")


def base_url(domain: str) -> str:
    """Return ``https://acme.kinde.com`` for any form of it that a user pastes.

    :param domain: ``acme.kinde.com``, or a URL whose path is dropped. Loopback is plain HTTP unless it says https.
    :returns: scheme and host, without a trailing slash.
    :raises ValueError: it cannot be a Kinde domain, or it is ``http://`` to another machine.
    """
    text = domain.strip()
    if not text:
        raise ValueError("the Kinde domain is empty: expected something like acme.kinde.com")
    if any(ord(char) < 33 or ord(char) == 127 for char in text) or "\\" in text:
        raise ValueError("the Kinde domain holds spaces or control characters")
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "", text.lstrip("/")
    rest = in_brackets(rest)
    try:
        parts = urlsplit("//" + rest)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError as error:
        raise ValueError(
            f"the Kinde domain is not an address ({error}): expected something like acme.kinde.com"
        ) from None
    if "@" in parts.netloc:
        raise ValueError(
            "the Kinde domain must not hold a user name or password: the connection has its own fields for these"
        )
    host = _ascii(host)
    local = is_loopback(host)
    scheme = scheme.lower() or ("http" if local else "https")
    if scheme not in ("http", "https"):
        raise ValueError(f"the Kinde domain begins with {scheme}://: expected https://")
    if scheme == "http" and not local:
        raise ValueError(f"http://{host} would send the client secret unencrypted: use https:// (http is for loopback)")
    netloc = f"[{host}]" if ":" in host else host
    if port and port != {"http": 80, "https": 443}[scheme]:
        netloc += f":{port}"
    return f"{scheme}://{netloc}"


def in_brackets(host: str) -> str:
    """Return an IPv6 address as it stands in a URL, and any other text as it is.

    :param host: a name or an address, without port.
    """
    try:
        return f"[{ipaddress.IPv6Address(host)}]"
    except ValueError:
        return host


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine.

    :param host: a name or an address, without port.
    """
    host = host.strip("[]").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _ascii(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        name = host.lower().encode("ascii" if host.isascii() else "idna").decode()
    except UnicodeError:
        name = ""
    if not all(_NAME.fullmatch(label) for label in name.split(".")):
        raise ValueError(f"{host!r} is not a Kinde domain: expected something like acme.kinde.com")
    if "." not in name and name != "localhost":
        raise ValueError(f"{name!r} is not a whole Kinde domain: did you mean {name}.kinde.com?")
    return name
