"""Sends requests over ``httpx``: the async twin of ``transport``, and the blocking sender for its token requests."""

from __future__ import annotations

import logging
import os
import ssl
import time
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any

import httpx

from airflow_provider_kinde.api.answers import Answer, Lost
from airflow_provider_kinde.api.exchange import CONNECT_TIMEOUT, MAX_BODY, Settings
from airflow_provider_kinde.api.operation import Request
from airflow_provider_kinde.api.tokens import Token

_STALE = 20.0
_hosts: set[str] = set()


def _quiet(record: logging.LogRecord) -> bool:
    # At INFO, httpx logs whole URLs, and ours have people's addresses in them.
    args = record.args if isinstance(record.args, tuple) else ()
    return not any(isinstance(arg, httpx.URL) and arg.netloc.decode() in _hosts for arg in args)


logging.getLogger("httpx").addFilter(_quiet)


class AsyncTransport:
    """A pool of connections to one host, for one event loop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client = httpx.AsyncClient(**_options(settings))
        self._client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    async def send(self, request: Request, token: Token | None) -> Answer:
        """Send a request.

        :raises Lost: no whole answer came.
        """
        body = _Body(self._settings)
        try:
            async with self._client.stream(**_arguments(self._settings, request, token)) as response:
                async for part in response.aiter_bytes():
                    body.add(part)
                return body.answer(response)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
            raise _reason(error, self._settings) from None

    async def close(self) -> None:
        await self._client.aclose()


def send_blocking(settings: Settings, request: Request, token: Token | None) -> Answer:
    """Send a request and wait for it, on a connection of its own.

    :raises Lost: no whole answer came.
    """
    body = _Body(settings)
    try:
        with (
            httpx.Client(**_options(settings)) as client,
            client.stream(**_arguments(settings, request, token)) as response,
        ):
            for part in response.iter_bytes():
                body.add(part)
            return body.answer(response)
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
        raise _reason(error, settings) from None


class _Body:
    """What has come of an answer, bounded in size and time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._bytes = bytearray()
        self._deadline = 0.0

    def add(self, part: bytes) -> None:
        self._deadline = self._deadline or time.monotonic() + self._settings.timeout
        self._bytes += part
        if len(self._bytes) > MAX_BODY:
            raise Lost(f"the answer is larger than {MAX_BODY} bytes", sent=True, final=True)
        if time.monotonic() > self._deadline:
            raise Lost(f"no whole answer within {self._settings.timeout:g} s", sent=True)

    def answer(self, response: httpx.Response) -> Answer:
        return Answer(response.status_code, {k.lower(): v for k, v in response.headers.items()}, bytes(self._bytes))


def _options(settings: Settings) -> dict[str, Any]:
    _hosts.add(settings.host)
    proxies = settings.proxies
    scheme = settings.base_url.partition("://")[0]
    return {
        "timeout": httpx.Timeout(settings.timeout, connect=min(CONNECT_TIMEOUT, settings.timeout)),
        "limits": httpx.Limits(max_connections=settings.max_concurrency + 1, keepalive_expiry=_STALE),
        "follow_redirects": False,
        "trust_env": not settings.local,
        "proxy": (proxies.get(scheme) or proxies.get("all")) if proxies else None,
        # Loading the certificates takes longer than a request; on loopback nobody shows one.
        "verify": _trust(settings.verify) if scheme == "https" else False,
    }


def _trust(verify: bool | str) -> bool | ssl.SSLContext:
    if verify is True:
        # As the sync client does: whoever looks into TLS on the way out has one of these set.
        verify = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
    if isinstance(verify, bool):
        return verify
    folder = Path(verify).is_dir()
    return ssl.create_default_context(cafile=None if folder else verify, capath=verify if folder else None)


def _arguments(settings: Settings, request: Request, token: Token | None) -> dict[str, Any]:
    return {
        "method": request.method,
        "url": settings.base_url + request.target,
        "content": request.body,
        "headers": settings.headers(request, token),
    }


def _reason(error: Exception, settings: Settings) -> Lost:
    host = settings.host
    words = " ".join(str(error).split())[:200]
    if isinstance(error, httpx.ConnectTimeout):
        return Lost(f"cannot connect to {host} in time", sent=False)
    if isinstance(error, httpx.ProxyError):
        return Lost(f"cannot reach {host} through the proxy", sent=False)
    if isinstance(error, httpx.ConnectError):
        distrusted = "CERTIFICATE" in words.upper()
        what = "no trusted connection" if distrusted else "cannot connect"
        return Lost(f"{what} to {host}: {words}", sent=False, final=distrusted)
    if isinstance(error, httpx.PoolTimeout):
        return Lost(f"no free connection to {host} in time", sent=False)
    if isinstance(error, httpx.TimeoutException):
        return Lost(f"no answer from {host} within {settings.timeout:g} s", sent=True)
    if isinstance(error, (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError)):
        return Lost(f"the request to {host} cannot be sent: {type(error).__name__}", sent=False, final=True)
    return Lost(f"the connection to {host} broke before the answer was there", sent=True)
