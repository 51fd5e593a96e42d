"""The web server: uvicorn, made to stop at once and to close connections without a response."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

BACKLOG = 512
"""Connections that wait to be accepted."""


class WebServer(uvicorn.Server):
    """A uvicorn server that stops at once.

    uvicorn looks every tenth of a second whether it should stop; a test suite starts and stops hundreds of servers.

    :param app: the ASGI application.
    :param protocol: the HTTP protocol class.
    """

    def __init__(self, app: Any, protocol: Any) -> None:
        config = uvicorn.Config(
            app,
            http=protocol,
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_level="error",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            backlog=BACKLOG,
        )
        super().__init__(config)
        self._ended = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def end(self) -> None:
        """Tells the server to stop; may be called from any thread."""
        self.should_exit = True
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._ended.set)

    async def main_loop(self) -> None:
        """Waits until the server is told to stop; renews the ``Date`` header every second."""
        self._loop = asyncio.get_running_loop()
        while not await self.on_tick(0):
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._ended.wait(), 1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Waits up to a second for the requests that are being answered, then closes their connections.

        :param sockets: the listening sockets, as uvicorn passes them.
        """
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        until = asyncio.get_running_loop().time() + 1
        while self.server_state.connections and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(0.002)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        for task in self.server_state.tasks:
            task.cancel()


def closable_protocol() -> Any:
    """An HTTP protocol for uvicorn whose connections can be closed in the middle of a request, by client address."""
    transports: dict[Any, Any] = {}

    class Protocol(H11Protocol):
        """HTTP/1.1 whose connections can be closed by client address."""

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            transports[self.client] = transport

        def connection_lost(self, exc: Exception | None) -> None:
            transports.pop(self.client, None)
            super().connection_lost(exc)

        @staticmethod
        def close_connection(client: Any) -> None:
            """Closes the connection of a client address."""
            if client in transports:
                transports[client].close()

    return Protocol
