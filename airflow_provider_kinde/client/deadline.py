"""An end to waiting for an answer whose every byte comes in time: the line is cut when the time for the whole is up.
And an end to connections that lay idle for so long that the server may be closing them.

The timeouts of sockets start anew with each byte, and the libraries in between read lines, chunks and trailers of their
own accord. One thread looks after all requests of a process that have the same time, and ends when there are none.
"""

from __future__ import annotations

import contextlib
import functools
import math
import os
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

from requests.adapters import HTTPAdapter

STALE = 4.0
"""Seconds: a connection that lay idle for longer is not used again. Many servers (Node's, uvicorn) close theirs after
five, and a create that meets the closing is in doubt."""
_here = threading.local()


class Line:
    """The connection that one request goes over.

    :param end: when it is cut, by the monotonic clock.
    """

    def __init__(self, end: float) -> None:
        self.end = end
        self.cut = False
        """Whether the time was up before the answer was there."""
        self._copy: int | None = None
        self._lock = threading.Lock()

    def follow(self, fileno: int) -> None:
        """Take this socket for the one to cut; a copy, which stays what it is when TLS is laid around the socket."""
        with self._lock:
            if self._copy is not None:
                os.close(self._copy)
            self._copy = os.dup(fileno)
            if self.cut:
                self._shut()

    def expire(self) -> None:
        """Cut the line: who waits for it sees its end."""
        with self._lock:
            self.cut = True
            self._shut()

    def close(self) -> None:
        """Let go of the line, which may serve other requests after this one."""
        with self._lock:
            copy, self._copy = self._copy, None
            if copy is not None:
                os.close(copy)

    def _shut(self) -> None:
        if self._copy is not None:
            line, self._copy = socket.socket(fileno=self._copy), None
            with line, contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)


class Watch:
    """Looks after all requests that have the same time.

    :param seconds: how long each of them may take.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lines: dict[Line, None] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    @contextlib.contextmanager
    def line(self) -> Iterator[Line]:
        """The line of the request that this thread sends; cut when its time is up."""
        line = Line(time.monotonic() + self._seconds)
        with self._lock:
            self._lines[line] = None
            # Not alive in the child of a fork either.
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._look, name="kinde-deadlines", daemon=True)
                self._thread.start()
        _here.line = line
        try:
            yield line
        finally:
            _here.line = None
            with self._lock:
                self._lines.pop(line, None)
            line.close()

    def _look(self) -> None:
        idle = False
        while True:
            with self._lock:
                now = time.monotonic()
                # Each has as long as the others: the oldest comes first, and none ends before it.
                while self._lines and (first := next(iter(self._lines))).end <= now:
                    del self._lines[first]
                    first.expire()
                if idle and not self._lines:
                    self._thread = None
                    return
                idle = not self._lines
                # Nobody has to wake this thread: a request that begins now ends later than this sleep.
                pause = self._seconds if idle else next(iter(self._lines)).end - now
            time.sleep(max(pause, 0.001))


@functools.lru_cache(maxsize=64)
def watch(seconds: float) -> Watch:
    """The one watch of this process for requests that may take so long."""
    return Watch(seconds)


class _Followed:
    """A connection of urllib3 that tells the line of this thread's request which socket it has."""

    sock: Any
    _used = math.inf

    @property
    def is_connected(self) -> bool:
        """Whether it can be used again; the pool asks before it does."""
        connected: bool = super().is_connected  # type: ignore[misc]
        return connected and time.monotonic() - self._used <= STALE

    def getresponse(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().getresponse(*args, **kwargs)  # type: ignore[misc]
        finally:
            self._used = time.monotonic()

    def _new_conn(self) -> Any:
        made = super()._new_conn()  # type: ignore[misc]
        _follow(made)
        return made

    def request(self, *args: Any, **kwargs: Any) -> Any:
        _follow(self.sock)
        return super().request(*args, **kwargs)  # type: ignore[misc]


def _follow(sock: Any) -> None:
    line: Line | None = getattr(_here, "line", None)
    if line is not None and sock is not None:
        line.follow(sock.fileno())


@functools.cache
def _followed(kind: type) -> type:
    return type(kind.__name__, (_Followed, kind), {})


class Adapter(HTTPAdapter):
    """Sends requests over connections whose line can be cut, through whatever proxy."""

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        kind = pool.ConnectionCls
        if not issubclass(kind, _Followed):
            pool.ConnectionCls = _followed(kind)
        return pool
