"""The class :class:`Emulator`: a web server in a thread, and methods for what is inside."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from kinde_emulator import resources
from kinde_emulator.data.imports import import_users
from kinde_emulator.data.seeding import seed
from kinde_emulator.data.sign_ins import accept_invitation, sign_in
from kinde_emulator.data.state import state
from kinde_emulator.server import control, oauth, page
from kinde_emulator.server.app import App
from kinde_emulator.server.faults import Fault
from kinde_emulator.server.loopback import is_loopback
from kinde_emulator.server.tenant import Tenant
from kinde_emulator.server.web_server import BACKLOG, WebServer, closable_protocol
from kinde_emulator.settings import Settings

if TYPE_CHECKING:
    from typing_extensions import Self


ROUTES = (resources, control, oauth, page)
"""The modules that declare routes when they are imported."""


class Emulator:
    """A local Kinde over HTTP. Use it as a context manager, or call :meth:`start` and :meth:`stop`.

    :param settings: how it behaves; :meth:`set` changes that while it runs.
    :param data: the SQLite file that keeps the data; in memory when ``None``.
    :param port: the TCP port; 0 for a free one.
    :param host: the address to listen at; by default only this machine reaches it.
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
        self._server: WebServer | None = None
        self._thread: threading.Thread | None = None
        self._socket: socket.socket | None = None

    def start(self) -> Self:
        """Starts the web server; returns when it answers.

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
        """Takes the port; requests wait until :meth:`start`.

        :returns: the emulator itself.
        :raises OSError: if the port is taken.
        """
        if self._socket is None:
            family = socket.AF_INET6 if ":" in self._bind[0] else socket.AF_INET
            # The socket names TCP: otherwise asyncio leaves Nagle's algorithm on, and a response takes 40 ms.
            listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
            try:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind(self._bind)
                listener.listen(BACKLOG)
            except OSError:
                listener.close()
                raise
            self._socket = listener
        return self

    def _prepare(self) -> WebServer:
        self.bind()
        app = App(self._tenant, local=is_loopback(self._bind[0]))
        protocol = closable_protocol()
        app.close_connection = protocol.close_connection
        self._server = WebServer(app, protocol)
        return self._server

    def stop(self) -> None:
        """Stops the web server and closes the data."""
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
        """The id of the client that the settings describe."""
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

        :param changes: new value by name of the setting.
        :returns: the settings now.
        :raises ValueError: for an unknown name or a wrong value.
        """
        return self._tenant.change(changes)

    def seed(self, data: Mapping[str, Any]) -> dict[str, dict[str, str]]:
        """Adds organizations, roles, permissions, properties, clients and users; changes those that exist.

        :param data: the seed, as :class:`~.data.seed.Seed` describes it.
        :returns: ids by name: ``{"organizations": {name: code}, "roles": {key: id}, "users": {email: id}, ...}``.
        :raises ValueError: if the seed is wrong; the message names the place, and nothing is changed.
        """
        return seed(self._tenant.store, self.settings, data)

    def sign_in(self, email: str, connection_id: str, **profile: Any) -> dict[str, Any]:
        """Signs a user in by a connection, which overwrites names and picture unless ``profile_sync`` is off.

        :param email: the address as the identity provider writes it. Case counts: where no identity of the connection
            has exactly this address, a user is made.
        :param connection_id: the connection.
        :param profile: ``first_name``, ``last_name`` and ``picture`` of the identity provider.
        :returns: ``{"id": ..., "created": ..., "allowed": ...}``; a suspended user is not allowed in.
        :raises ValueError: for an unknown connection or a wrong field.
        """
        data = {"email": email, "connection_id": connection_id, **profile}
        return sign_in(self._tenant.store, self.settings, data)

    def import_users(self, text: str) -> dict[str, Any]:
        """Imports users from an NDJSON file, as Kinde's own import does. Users that exist are not changed.

        :param text: the file, one user a line: ``id``, ``first_name``, ``last_name``, ``identities``, ``properties``,
            and ``organizations`` with ``external_id`` and ``roles``.
        :returns: ``{"imported": number, "errors": [{"line": ..., "message": ...}]}``.
        :raises ValueError: if the file is larger than 49 MB.
        """
        return import_users(self._tenant.store, self.settings, text)

    def accept_invitation(self, code: str) -> str:
        """Accepts an invitation, as its address would in a browser.

        :param code: the invitation's code.
        :returns: the id of the user, who is a member now.
        :raises ValueError: if there is no such invitation, or if it was revoked or accepted before.
        """
        return accept_invitation(self._tenant.store, self.settings, code)

    def webhook(self, type: str, data: Mapping[str, Any], **claims: Any) -> str:
        """Signs the message of a webhook, as the body of the POST that Kinde sends.

        :param type: the type of the event, such as ``user.updated``.
        :param data: what it is about, such as ``{"user": {"id": "kp_1"}}``.
        :param claims: further claims, which replace the usual ones (``event_id``, ``timestamp``, ``source``, ``iss``).
        :returns: the token; its content type is ``application/jwt``.
        """
        return self._tenant.tokens.sign_webhook({"type": type, "data": data, "iss": self.url, **claims})

    def state(self) -> dict[str, Any]:
        """Everything in the tenant, in the form that :meth:`seed` takes."""
        return state(self._tenant.store)

    def log(self, last: int | None = None) -> list[dict[str, Any]]:
        """The requests in the order in which they arrived.

        Each has ``n``, ``at``, ``kind`` (``api``, ``token`` or ``public``), ``method``, ``path``, ``query``, ``body``,
        ``status`` (``None``: the client got no response), ``worked`` (the status of the work; ``None``: not done),
        ``fault``, ``ms``, ``client``, ``user_agent``. Secrets are masked.

        :param last: only the latest of them, so many; all when ``None``.
        """
        return self._tenant.log.entries(last)

    def clear_log(self) -> None:
        """Empties the log."""
        self._tenant.log.clear()

    def fault(self, method: str | None = None, path: str = "", **kind: Any) -> Fault:
        """Injects a fault.

        :param method: the HTTP method of the requests that it hits; any when ``None``.
        :param path: a regular expression that is searched in their path.
        :param kind: further fields of :class:`~.server.faults.Fault`.
        :returns: the fault; ``hits`` counts the requests that it has hit.
        :raises ValueError: if the fields contradict each other.
        """
        return self._tenant.faults.add(Fault(method=method, path=path, **kind))

    def clear_faults(self) -> None:
        """Removes all faults."""
        self._tenant.faults.clear()

    def revoke_tokens(self) -> None:
        """Makes every token issued so far invalid."""
        self._tenant.tokens.revoke_all()
