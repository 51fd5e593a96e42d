"""What the sync and the async transport do alike: headers out, the body in, both sizes and the time of it bounded."""

from __future__ import annotations

import errno
import socket
import time
import zlib
from importlib.util import find_spec
from typing import Any

from airflow_provider_kinde.client.endpoints.base import Request
from airflow_provider_kinde.client.responses import TransportError
from airflow_provider_kinde.client.settings import Settings
from airflow_provider_kinde.client.tokens import Token

CONNECT_TIMEOUT = 6.0
"""Seconds: six tries to reach a host that does not respond stay below a minute."""
IDLE_TIME = 4.0
"""Seconds: a connection that was idle for longer is not used again. Many servers (Node's, uvicorn) close theirs after
five seconds, and a create that is sent in that moment may or may not have been carried out."""

MAX_BODY = 16 * 1024 * 1024
"""Bytes. A page of 500 items is never larger, and decoded JSON takes twenty times as much memory."""

_NOT_CONNECTED = frozenset(
    {errno.EMFILE, errno.ENFILE, errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EADDRNOTAVAIL}
)
"""What the operating system says where there is no connection: no file descriptor, no port, no way to the host."""
_WINDOWS = {"gzip": 31, "x-gzip": 31, "deflate": 15}


class Body:
    """The body of one response, unpacked while it comes in.

    :param encoding: its ``Content-Encoding``.
    :param settings: how long the whole response may take; the time runs from here.
    :raises TransportError: it is packed in a way that was not requested. Several layers serve only to exhaust memory.
    """

    def __init__(self, encoding: str, settings: Settings) -> None:
        kind = encoding.strip().lower()
        if kind not in ("", "identity", *_WINDOWS):
            raise TransportError("the response is packed in a way that was not requested", sent=True, final=True)
        self._window = _WINDOWS.get(kind)
        self._unpacker = zlib.decompressobj(self._window) if self._window else None
        self._bytes = bytearray()
        self._received = 0
        self._settings = settings
        self._deadline = time.monotonic() + settings.response_time

    def add(self, raw: bytes) -> None:
        """Take the next bytes as they came over the wire.

        :param raw: the bytes, still packed.
        :raises TransportError: the time is up, these are too many bytes, or they cannot be unpacked.
        """
        if time.monotonic() > self._deadline:
            raise too_late(self._settings)
        first = not self._received
        self._received += len(raw)
        if self._received > MAX_BODY:
            raise _too_large()
        try:
            self._bytes += self._unpacked(raw, first)
        except zlib.error:
            raise TransportError("the response cannot be unpacked", sent=True) from None
        if len(self._bytes) > MAX_BODY:
            raise _too_large()

    def end(self) -> bytes:
        """Return the whole body, unpacked.

        :raises TransportError: its end is missing.
        """
        if self._unpacker and self._received and not self._unpacker.eof:
            raise TransportError("the response is cut off", sent=True)
        return bytes(self._bytes)

    def _unpacked(self, raw: bytes, first: bool) -> bytes:
        if not self._unpacker:
            return raw
        if self._unpacker.eof:
            # Bytes after the end of the packed data mean nothing.
            return b""
        if first and self._window == 15 and raw[:1] and raw[0] & 0x0F != 8:
            # Some servers send deflate without the envelope that the standard requires.
            self._unpacker = zlib.decompressobj(-15)
        # One byte more than allowed: enough to see that it is too much, without unpacking the rest.
        return self._unpacker.decompress(raw, MAX_BODY + 1 - len(self._bytes))


def request_headers(settings: Settings, request: Request, token: Token | None) -> dict[str, str]:
    """Return every header of a request except ``Host`` and the ``Content-Length`` of a body.

    :param settings: of the client.
    :param request: the request.
    :param token: goes into the ``Authorization`` header.
    """
    headers = {
        "Accept": "application/json",
        "Accept-Encoding": "gzip, deflate",
        "User-Agent": settings.user_agent,
        "Connection": "keep-alive",
    }
    if request.content_type:
        headers["Content-Type"] = request.content_type
    if request.body is None and request.method != "GET":
        headers["Content-Length"] = "0"
    if token:
        headers["Authorization"] = f"Bearer {token.value}"
    return headers


def never_left(error: BaseException) -> bool:
    """Whether a request failed before a byte of it was sent: no socket, no address, no connection.

    :param error: what the HTTP library raised; the operating system's error may be wrapped in it several times.
    """
    seen: set[int] = set()
    found: list[Any] = [error]
    while found:
        each = found.pop()
        if not isinstance(each, BaseException) or id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, socket.gaierror) or (isinstance(each, OSError) and each.errno in _NOT_CONNECTED):
            return True
        found += [*each.args, each.__cause__, getattr(each, "reason", None)]
    return False


def check_socks(proxy: str | None, module: str, extra: str) -> None:
    """Check that the package for SOCKS proxies is installed if one is used.

    :param proxy: the URL of the proxy.
    :param module: the package that is needed.
    :param extra: what to install for it.
    :raises ValueError: it is not installed.
    """
    if proxy and proxy.startswith("socks") and not find_spec(module):
        raise ValueError(f"proxies: socks5:// needs a package that is not installed: pip install '{extra}'")


def too_late(settings: Settings) -> TransportError:
    """Return the failure of a response that did not end in time, although bytes kept coming.

    :param settings: of the client.
    """
    return TransportError(f"no whole response within {settings.response_time:g} s", sent=True)


def _too_large() -> TransportError:
    return TransportError(f"the response is larger than {MAX_BODY} bytes", sent=True, final=True)
