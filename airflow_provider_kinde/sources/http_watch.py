"""An end for answers that never end.

A time-out between two bytes does not see a server that sends one byte now and then: in its status line, in its headers,
in its body, or in compressed blocks that hold nothing. A watch sees them all: it shuts the connection down.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Any

import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

_here = threading.local()


class Watch:
    """Watches the requests that this thread sends through a :class:`WatchedAdapter` while it is entered.

    :param seconds: how long they may take together.
    """

    def __init__(self, seconds: float) -> None:
        self.ended = False
        """Whether the time was up; what was read until then is not whole."""
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> Watch:
        _here.watch = self
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        # A connection that goes back to its pool is no longer ours to shut down.
        with self._lock:
            self._socket = None
        _here.watch = None

    def guard(self, connection: socket.socket) -> None:
        """Shut this connection down when the time is up."""
        with self._lock:
            self._socket = connection
        if self.ended:
            self._end()

    def _end(self) -> None:
        with self._lock:
            self.ended = True
            if self._socket is not None:
                # Not the method of a TLS connection, which would take away what another thread is reading with.
                with suppress(OSError):
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


class _Watched:
    sock: Any

    def getresponse(self, *args: Any, **kwargs: Any) -> Any:
        watch: Watch | None = getattr(_here, "watch", None)
        if watch is not None and isinstance(self.sock, socket.socket):
            watch.guard(self.sock)
        return super().getresponse(*args, **kwargs)  # type: ignore[misc]


class _Http(_Watched, HTTPConnection):
    pass


class _Https(_Watched, HTTPSConnection):
    pass


class _HttpPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _Https


_POOLS = {"http": _HttpPool, "https": _HttpsPool}


class WatchedAdapter(HTTPAdapter):
    """Connections that a :class:`Watch` can shut down."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        # A SOCKS proxy has connections of its own.
        if isinstance(manager, urllib3.ProxyManager):
            manager.pool_classes_by_scheme = _POOLS
        return manager
