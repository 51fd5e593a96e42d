"""Sends requests over ``requests``. Bounded in time and size; follows no redirects, keeps no cookies."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import requote_uri

from airflow_provider_kinde.client import transport_base
from airflow_provider_kinde.client.endpoints.base import Request
from airflow_provider_kinde.client.network_options import PROXY_LOGIN, NetworkOptions
from airflow_provider_kinde.client.responses import Response, TransportError
from airflow_provider_kinde.client.settings import Settings
from airflow_provider_kinde.client.tokens import Token
from airflow_provider_kinde.client.transport_base import CONNECT_TIMEOUT, Body, check_socks, never_left, request_headers


class Transport:
    """A pool of connections to one host.

    :param settings: of the client.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._options = NetworkOptions.of(settings)
        check_socks(self._options.proxy, "socks", "requests[socks]")
        self._adapter = HTTPAdapter(pool_connections=4, pool_maxsize=settings.max_concurrency + 1, max_retries=0)
        self._lock = threading.Lock()
        self._last_used = time.monotonic()

    def send(self, request: Request, token: Token | None) -> Response:
        """Send a request once.

        :param request: the request.
        :param token: goes into the ``Authorization`` header.
        :raises TransportError: no whole response came.
        """
        settings = self._settings
        prepared = requests.PreparedRequest()
        # By hand: what a session adds (cookies, passwords from .netrc, redirects) is not wanted, and costs as much
        # time as the sending.
        prepared.method = request.method
        prepared.url = requote_uri(settings.base_url + request.target)
        prepared.headers = CaseInsensitiveDict(request_headers(settings, request, token))
        prepared.body = request.body
        if request.body is not None:
            prepared.headers["Content-Length"] = str(len(request.body))
        options = self._options
        proxies = {settings.base_url.partition("://")[0]: options.proxy} if options.proxy else {}
        timeout = (min(CONNECT_TIMEOUT, settings.timeout), settings.timeout)
        self._close_idle()
        try:
            with self._adapter.send(
                prepared, stream=True, timeout=timeout, verify=options.verify, proxies=proxies
            ) as response:
                body = Body(response.headers.get("content-encoding", ""), settings)
                for part in _parts(response):
                    body.add(part)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise _reason(error, settings, options) from None
        if options.proxy and response.status_code == PROXY_LOGIN:
            raise options.proxy_failed(str(PROXY_LOGIN))
        return Response(response.status_code, {k.lower(): v for k, v in response.headers.items()}, body.end())

    def close(self) -> None:
        """Close all connections; a later request opens new ones."""
        self._adapter.close()

    def _close_idle(self) -> None:
        now = time.monotonic()
        with self._lock:
            if now - self._last_used > transport_base.IDLE_TIME:
                self._adapter.close()
            self._last_used = now


def _parts(response: requests.Response) -> Iterator[bytes]:
    """Yield bytes as they come, still packed: ``iter_content`` would wait until a chunk is full."""
    read = getattr(response.raw, "read1", None)
    if read is None:  # urllib3 before 2.1
        yield from response.raw.stream(512, decode_content=False)
        return
    while part := read(65536, decode_content=False):
        yield part


def _reason(error: Exception, settings: Settings, options: NetworkOptions) -> TransportError:
    inner: BaseException = error.args[0] if error.args and isinstance(error.args[0], BaseException) else error
    inner = getattr(inner, "reason", None) or inner
    host = settings.host
    if isinstance(error, requests.exceptions.ProxyError):
        return options.proxy_failed(str(error))
    if never_left(error):
        return TransportError(f"cannot connect to {host}: {_short(inner)}", sent=False)
    if isinstance(error, requests.exceptions.SSLError) or isinstance(inner, ssl.SSLError):
        distrusted = "CERTIFICATE" in str(error).upper()
        return TransportError(
            f"no trusted connection to {host}: {_short(inner)}", sent=not distrusted, final=distrusted
        )
    if isinstance(error, requests.exceptions.ConnectTimeout):
        if options.proxy:
            return options.proxy_failed(str(error))
        return TransportError(f"cannot connect to {host} in time", sent=False)
    if isinstance(error, (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError)) or isinstance(
        inner, urllib3.exceptions.ReadTimeoutError
    ):
        return TransportError(f"no response from {host} within {settings.timeout:g} s", sent=True)
    if isinstance(inner, (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ClosedPoolError)):
        return TransportError(f"cannot connect to {host}: {_short(inner)}", sent=False)
    if isinstance(error, (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema)):
        return TransportError(f"the request to {host} cannot be sent: {type(error).__name__}", sent=False, final=True)
    return TransportError(f"the connection to {host} broke before the response was complete", sent=True)


def _short(error: BaseException) -> str:
    return " ".join(str(error).rpartition(": ")[2].split())[:200]
