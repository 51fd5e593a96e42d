"""The emulator as an object: a web server in a thread, and a short way to everything inside."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from .app import Gate
from .faults import Fault
from .seeding import seed
from .settings import Settings
from .state import state
from .tenant import Tenant
from .visitors import is_loopback

if TYPE_CHECKING:
    from typing_extensions import Self


class Emulator:
    """A local Kinde over HTTP. Use it as a context manager, or call :meth:`start` and :meth:`stop`.

    :param settings: how it behaves; :meth:`set` changes that while it runs.
    :param data: a file that the data outlives a restart in; in memory when ``None``.
    :param port: 0 for a free one.
    :param host: the address to listen at; this machine only unless told otherwise.
    :raises ValueError: if ``data`` is not a file of the emulator.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        data: str | os.PathLike[str] | None = None,
        port: int = 0,
        host: str = "127.0.0.1",
    ) -> None:
        self._bind = (host, port)
        self._tenant = Tenant(settings or Settings(), data)
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self._socket: socket.socket | None = None

    def start(self) -> Self:
        """Starts answering; returns once it does.

        :returns: the emulator itself.
        :raises OSError: if the port is taken.
        """
        server = self._prepare()
        self._thread = threading.Thread(
            target=server.run, kwargs={"sockets": [self._socket]}, name="kinde-emulator", daemon=True
        )
        self._thread.start()
        while not server.started:
            if not self._thread.is_alive():
                raise RuntimeError("the emulator's web server did not start")
            self._thread.join(0.002)
        return self

    def bind(self) -> Self:
        """Takes the port without answering yet.

        :returns: the emulator itself.
        :raises OSError: if the port is taken.
        """
        if self._socket is None:
            family = socket.AF_INET6 if ":" in self._bind[0] else socket.AF_INET
            # Named as TCP, or asyncio leaves Nagle's algorithm on and every answer takes 40 ms.
            listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
            try:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind(self._bind)
                listener.listen(512)
            except OSError:
                listener.close()
                raise
            self._socket = listener
        return self

    def _prepare(self) -> _Server:
        self.bind()
        gate = Gate(self._tenant, local=is_loopback(self._bind[0]))
        protocol = _protocol()
        gate.close_connection = protocol.close_connection
        config = uvicorn.Config(
            gate,
            http=protocol,
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_level="error",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            backlog=512,
        )
        self._server = _Server(config)
        return self._server

    def stop(self) -> None:
        """Stops answering and closes the data."""
        if self._server is not None:
            self._server.end()
        if self._thread is not None:
            self._thread.join(10)
        if self._socket is not None:
            self._socket.close()
        self._server = self._thread = self._socket = None
        self._tenant.store.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The port it listens at."""
        if self._socket is None:
            raise RuntimeError("the emulator is not running")
        return int(self._socket.getsockname()[1])

    @property
    def host(self) -> str:
        """``127.0.0.1:8900`` and the like."""
        address = self._bind[0]
        if address in ("0.0.0.0", "::", ""):
            address = "127.0.0.1"
        return f"[{address}]:{self.port}" if ":" in address else f"{address}:{self.port}"

    @property
    def url(self) -> str:
        """``http://127.0.0.1:8900`` and the like."""
        return f"http://{self.host}"

    @property
    def client_id(self) -> str:
        """The client that may do everything unless the settings say otherwise."""
        return self.settings.client_id

    @property
    def client_secret(self) -> str:
        """Its secret."""
        return self.settings.client_secret

    @property
    def settings(self) -> Settings:
        """The settings now."""
        return self._tenant.settings

    def set(self, **changes: Any) -> Settings:
        """Changes settings while it runs, for example ``kinde.set(patch_roles="merge")``.

        :returns: the settings now.
        :raises ValueError: for an unknown name or a wrong value.
        """
        return self._tenant.change(changes)

    def seed(self, data: Mapping[str, Any]) -> dict[str, dict[str, str]]:
        """Puts in organizations, roles, permissions, properties, clients, users, as :class:`~.seed_model.Seed` says.

        Organizations may be named by code, name or handle. What is there already is changed.

        :returns: ids by name: ``{"organizations": {name: code}, "roles": {key: id}, "users": {email: id}, ...}``.
        :raises ValueError: naming what is wrong; then nothing is changed.
        """
        return seed(self._tenant.store, self.settings, data)

    def state(self) -> dict[str, Any]:
        """Everything in the tenant, in the form that :meth:`seed` takes."""
        return state(self._tenant.store)

    def log(self, last: int | None = None) -> list[dict[str, Any]]:
        """The requests in the order of their arrival.

        Each has ``n``, ``at``, ``kind`` (``api``, ``token`` or ``public``), ``method``, ``path``, ``query``, ``body``,
        ``status`` (``None``: no answer reached the client), ``worked`` (the status of the work; ``None``: not done),
        ``fault``, ``ms``, ``client``, ``user_agent``. Secrets are masked.

        :param last: only so many, counted from the end.
        """
        return self._tenant.log.entries(last)

    def clear_log(self) -> None:
        """Forgets the requests so far."""
        self._tenant.log.clear()

    def fault(self, method: str | None = None, path: str = "", **kind: Any) -> Fault:
        """Orders trouble; see :class:`~.faults.Fault` for the kinds.

        :returns: the fault, whose ``hits`` counts.
        :raises ValueError: if it makes no sense.
        """
        return self._tenant.faults.add(Fault(method=method, path=path, **kind))

    def clear_faults(self) -> None:
        """Takes back all trouble still to come."""
        self._tenant.faults.clear()

    def revoke_tokens(self) -> None:
        """Makes every token issued so far invalid."""
        self._tenant.tokens.revoke_all()


class _Server(uvicorn.Server):
    """Ends at once where uvicorn looks every tenth of a second: a suite of tests starts and ends hundreds."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ended = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def end(self) -> None:
        """Asks it to end, from any thread."""
        self.should_exit = True
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._ended.set)

    async def main_loop(self) -> None:
        """Waits for the end, renewing the date in the headers."""
        self._loop = asyncio.get_running_loop()
        while not await self.on_tick(0):
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._ended.wait(), 1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Lets requests under way finish for a second, then drops them."""
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


def _protocol() -> Any:
    transports: dict[Any, Any] = {}

    class Protocol(H11Protocol):
        """HTTP whose connections can be closed in the middle of a request."""

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            transports[self.client] = transport

        def connection_lost(self, exc: Exception | None) -> None:
            transports.pop(self.client, None)
            super().connection_lost(exc)

        @staticmethod
        def close_connection(client: Any) -> None:
            """Closes the connection that comes from an address."""
            if client in transports:
                transports[client].close()

    return Protocol
