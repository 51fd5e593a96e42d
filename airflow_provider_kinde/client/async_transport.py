"""Sends requests over ``httpx``: the async twin of ``transport``, and the blocking sender for its token requests."""

from __future__ import annotations

import asyncio
import logging
import ssl
import sys
from collections.abc import Coroutine
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any

import httpx

from airflow_provider_kinde.client import transport_base
from airflow_provider_kinde.client.endpoints.base import Request
from airflow_provider_kinde.client.network_options import PROXY_LOGIN, NetworkOptions
from airflow_provider_kinde.client.responses import Response, TransportError
from airflow_provider_kinde.client.settings import Settings
from airflow_provider_kinde.client.tokens import Token
from airflow_provider_kinde.client.transport_base import (
    CONNECT_TIMEOUT,
    Body,
    check_socks,
    never_left,
    request_headers,
    too_late,
)

_hosts: set[str] = set()


def _quiet(record: logging.LogRecord) -> bool:
    # At INFO, httpx logs whole URLs, and these hold people's e-mail addresses.
    args = record.args if isinstance(record.args, tuple) else ()
    return not any(isinstance(arg, httpx.URL) and arg.netloc.decode() in _hosts for arg in args)


logging.getLogger("httpx").addFilter(_quiet)


class AsyncTransport:
    """A pool of connections to one host, for one event loop.

    :param settings: of the client.
    :raises ValueError: the proxy cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._options = NetworkOptions.of(settings)
        check_socks(self._options.proxy, "socksio", "httpx[socks]")
        try:
            self._client = httpx.AsyncClient(**_arguments_of(settings, self._options))
        except (ImportError, ValueError):
            # The error is not quoted: it shows the password of a proxy.
            raise ValueError("proxies: the proxy, or that of the environment, cannot be used") from None
        self._client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    async def send(self, request: Request, token: Token | None) -> Response:
        """Send a request once.

        :param request: the request.
        :param token: goes into the ``Authorization`` header.
        :raises TransportError: no whole response came.
        """
        try:
            return await _within(self._settings.response_time, self._send(request, token))
        except asyncio.TimeoutError:
            raise too_late(self._settings) from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
            raise _reason(error, self._settings, self._options) from None

    async def _send(self, request: Request, token: Token | None) -> Response:
        async with self._client.stream(**_arguments(self._settings, request, token)) as response:
            body = Body(response.headers.get("content-encoding", ""), self._settings)
            async for part in response.aiter_raw():
                body.add(part)
        if self._options.proxy and response.status_code == PROXY_LOGIN:
            raise self._options.proxy_failed(str(PROXY_LOGIN))
        return Response(response.status_code, {k.lower(): v for k, v in response.headers.items()}, body.end())

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()


def send_blocking(settings: Settings, request: Request, token: Token | None) -> Response:
    """Send a request and wait for it, on a connection of its own; not in the thread of an event loop.

    :param settings: of the client.
    :param request: the request.
    :param token: goes into the ``Authorization`` header.
    :raises TransportError: no whole response came.
    """

    async def send() -> Response:
        transport = AsyncTransport(settings)
        try:
            return await transport.send(request, token)
        finally:
            await transport.close()

    try:
        return asyncio.run(send())
    except OSError as error:
        # The event loop itself needs file descriptors.
        raise TransportError(f"cannot connect to {settings.host}: {error.strerror}", sent=False) from None


async def _within(seconds: float, work: Coroutine[Any, Any, Response]) -> Response:
    if sys.version_info >= (3, 11):
        async with asyncio.timeout(seconds):
            return await work
    return await asyncio.wait_for(work, seconds)


def _arguments_of(settings: Settings, options: NetworkOptions) -> dict[str, Any]:
    _hosts.add(settings.host)
    return {
        "timeout": httpx.Timeout(settings.timeout, connect=min(CONNECT_TIMEOUT, settings.timeout)),
        "limits": httpx.Limits(max_connections=settings.max_concurrency + 1, keepalive_expiry=transport_base.IDLE_TIME),
        "follow_redirects": False,
        "trust_env": False,
        "proxy": options.proxy,
        # Loading the certificates takes longer than a request; on loopback there is none.
        "verify": _trust(options.verify) if settings.base_url.startswith("https:") else False,
    }


def _trust(verify: bool | str) -> bool | ssl.SSLContext:
    if isinstance(verify, bool):
        return verify
    folder = Path(verify).is_dir()
    return ssl.create_default_context(cafile=None if folder else verify, capath=verify if folder else None)


def _arguments(settings: Settings, request: Request, token: Token | None) -> dict[str, Any]:
    return {
        "method": request.method,
        "url": settings.base_url + request.target,
        "content": request.body,
        "headers": request_headers(settings, request, token),
    }


def _reason(error: Exception, settings: Settings, options: NetworkOptions) -> TransportError:
    host = settings.host
    words = " ".join(str(error).split())[:200]
    secure = isinstance(error, httpx.ConnectError) and "SSL" in words.upper()
    if options.proxy and not secure and isinstance(error, (httpx.ProxyError, httpx.ConnectError, httpx.ConnectTimeout)):
        # With a proxy, what httpx connects to is the proxy.
        return options.proxy_failed(words)
    if isinstance(error, httpx.ConnectTimeout):
        return TransportError(f"cannot connect to {host} in time", sent=False)
    if isinstance(error, httpx.ConnectError):
        distrusted = "CERTIFICATE" in words.upper()
        what = "no trusted connection" if distrusted else "cannot connect"
        return TransportError(f"{what} to {host}: {words}", sent=False, final=distrusted)
    if never_left(error):
        return TransportError(f"cannot connect to {host}: {words}", sent=False)
    if isinstance(error, httpx.PoolTimeout):
        return TransportError(f"no free connection to {host} in time", sent=False)
    if isinstance(error, httpx.TimeoutException):
        return TransportError(f"no response from {host} within {settings.timeout:g} s", sent=True)
    if isinstance(error, (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError)):
        return TransportError(f"the request to {host} cannot be sent: {type(error).__name__}", sent=False, final=True)
    return TransportError(f"the connection to {host} broke before the response was complete", sent=True)
