"""Hooks: from an Airflow connection of type ``kinde`` to Kinde's Management API, sync and async."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook

from airflow_provider_kinde.client.endpoints.base import Endpoint, coroutines
from airflow_provider_kinde.client.endpoints.catalog import EndpointMethods
from airflow_provider_kinde.exceptions import KindeInputError
from airflow_provider_kinde.hooks.connection_form import CONNECTION_TYPE, FIELD_BEHAVIOUR, FIELDS
from airflow_provider_kinde.hooks.connection_settings import connection_settings

if TYPE_CHECKING:
    from airflow_provider_kinde.client import AsyncKindeClient, KindeClient
    from airflow_provider_kinde.client.settings import Settings


class _Form(BaseHook):
    """What makes a connection of this type, for the sync and the async hook."""

    conn_name_attr = "kinde_conn_id"
    default_conn_name = "kinde_default"
    conn_type = CONNECTION_TYPE["connection-type"]
    hook_name = CONNECTION_TYPE["hook-name"]

    def __init__(self, kinde_conn_id: str = default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kinde_conn_id = kinde_conn_id

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """Fields of the form before Airflow 3.2; later versions read them from the provider's metadata."""
        # By name: these are not there on later versions, which never call this.
        widget = import_module("flask_appbuilder.fieldwidgets").BS3TextFieldWidget
        text = import_module("flask_babel").lazy_gettext
        return {
            name: import_module("wtforms").StringField(
                text(field["label"]),
                widget=widget(),
                description=field["description"],
                default=field["schema"]["default"],
            )
            for name, field in FIELDS.items()
        }

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Which of the standard fields are shown before Airflow 3.2, and under which names."""
        behaviour = {key.replace("-", "_"): value for key, value in FIELD_BEHAVIOUR.items()}
        return {**behaviour, "hidden_fields": list(behaviour["hidden_fields"])}


@contextmanager
def _usable(conn_id: str) -> Iterator[None]:
    """Turn what is wrong with a connection into an error that says so."""
    try:
        yield
    except (ValueError, AirflowNotFoundException) as error:
        if unread := _unreadable_variable(conn_id):
            raise KindeInputError(unread) from None  # Airflow says only that there is no such connection
        if isinstance(error, AirflowNotFoundException):
            raise KindeInputError(_missing(conn_id)) from error
        raise KindeInputError(f"the Airflow connection {conn_id!r} cannot be used: {error}") from error


def _missing(conn_id: str) -> str:
    """Say that there is no such connection, and how to add one."""
    add = f"airflow connections add {shlex.quote(conn_id)} --conn-type kinde --conn-host YOURS.kinde.com"
    return (
        f"there is no Airflow connection {conn_id!r}. Correct the id, or add the connection: `{add} --conn-login "
        "CLIENT_ID --conn-password CLIENT_SECRET`, with the client ID and secret of a machine-to-machine application"
    )


def _unreadable_variable(conn_id: str) -> str:
    """Say what is wrong with the environment variable of a connection, without its content; empty if it can be read."""
    name = f"AIRFLOW_CONN_{conn_id.upper()}"
    value = os.environ.get(name, "").strip()
    if not value.startswith("{"):
        return ""
    try:
        json.loads(value)
    except ValueError as error:
        return (
            f"the environment variable {name} is not valid JSON: {error}. A shell removes double quotes that do not "
            "stand in single quotes"
        )
    return ""


# `get_connection` of a hook is Airflow's; Kinde's is `call("get_connection", ...)`.
class KindeHook(_Form, EndpointMethods[Any, Iterator[dict[str, Any]]]):
    """Kinde's Management API by way of an Airflow connection.

    Has a method for every operation, named like Kinde's ``operationId`` in snake case (``get_users``,
    ``update_organization_users``), and ``iter_...`` and ``search_users``, which yield the items of all pages. May be
    used by many threads at once.

    :param kinde_conn_id: a connection of type ``kinde``: the Kinde domain as host, client ID as login and client secret
        as password of a machine-to-machine application.
    :param kwargs: of Airflow's ``BaseHook``.
    """

    get_connections = EndpointMethods.get_connections  # Airflow 2.11 has a method of this name too, and does not use it

    def __init__(self, kinde_conn_id: str = _Form.default_conn_name, **kwargs: Any) -> None:
        super().__init__(kinde_conn_id, **kwargs)
        self._client: KindeClient | None = None
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        """A copy, or a pickled hook, opens a client of its own: connections and locks belong to one process."""
        return {name: value for name, value in self.__dict__.items() if name not in ("_client", "_lock")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _client=None, _lock=threading.Lock())

    def get_conn(self) -> KindeClient:
        """Return the client. It is made once, and sends nothing before the first call.

        :raises KindeInputError: there is no such connection, or it lacks something; the message names it.
        """
        from airflow_provider_kinde.client.client import KindeClient
        from airflow_provider_kinde.version_compat import mask

        with self._lock:
            if self._client is None:
                with _usable(self.kinde_conn_id):
                    self._client = KindeClient(self._settings(), on_token=mask)
            return self._client

    def request(self, method: str, path: str, params: Mapping[str, Any] | None = None, json: Any = None) -> Any:
        """Send a request to an endpoint that has no method here. A POST is not sent again by itself.

        :param method: HTTP method.
        :param path: path on the Kinde domain: ``/api/v1/environment``.
        :param params: query; ``None`` values are left out.
        :param json: body.
        :returns: decoded JSON, or ``None`` for an empty body.
        :raises KindeError: Kinde refused, or could not be reached.
        """
        return self.get_conn().request(method, path, params, json)

    def call(self, name: str, /, *args: Any, **kwargs: Any) -> Any:
        """Call a method of Kinde's API by name; of a search it returns one page.

        :param name: the name of the method, such as ``get_users``.
        :param args: as of the method.
        :param kwargs: as of the method.
        :returns: decoded JSON, or ``None`` for an empty body.
        :raises ValueError: there is no such method.
        """
        return self.get_conn().call(name, *args, **kwargs)

    def test_connection(self) -> tuple[bool, str]:
        """Try the connection, changing nothing; says which of domain, credentials, audience and scopes is wrong.

        :returns: whether it works, and a message; never raises.
        """
        from airflow_provider_kinde.hooks.connection_test import check
        from airflow_provider_kinde.version_compat import mask

        try:
            settings = self._settings()
        except Exception as error:
            return False, str(error)
        return check(settings, mask)

    def close(self) -> None:
        """Close the client's connections."""
        with self._lock:
            client, self._client = self._client, None
        if client:
            client.close()

    def __enter__(self) -> KindeHook:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def settings(self) -> Settings:
        """Return what the connection says, without opening it.

        :raises KindeInputError: there is no such connection, or it lacks something; the message names it.
        """
        with _usable(self.kinde_conn_id):
            return self._settings()

    def _settings(self) -> Settings:
        from airflow_provider_kinde.version_compat import user_agent

        connection = self.get_connection(self.kinde_conn_id)
        return connection_settings(connection, connection.extra_dejson, self.kinde_conn_id, user_agent())

    def _call(self, endpoint: Endpoint, arguments: dict[str, Any]) -> Any:
        return self.get_conn()._call(endpoint, arguments)

    def _walk(self, endpoint: Endpoint, arguments: dict[str, Any]) -> Iterator[dict[str, Any]]:
        return self.get_conn()._walk(endpoint, arguments)


@coroutines
class KindeAsyncHook(  # type: ignore[misc]  # as above
    _Form, EndpointMethods[Coroutine[Any, Any, Any], AsyncIterator[dict[str, Any]]]
):
    """The same methods as coroutines, for triggers and ``async def`` tasks; ``iter_...`` yield asynchronously.

    :param kinde_conn_id: a connection of type ``kinde``.
    :param kwargs: of Airflow's ``BaseHook``.
    """

    get_connections = EndpointMethods.get_connections  # as above

    def __init__(self, kinde_conn_id: str = _Form.default_conn_name, **kwargs: Any) -> None:
        super().__init__(kinde_conn_id, **kwargs)
        self._client: AsyncKindeClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def __getstate__(self) -> dict[str, Any]:
        """A copy, or a pickled hook, opens a client of its own: connections belong to one event loop."""
        return {**self.__dict__, "_client": None, "_loop": None}

    async def get_conn(self) -> AsyncKindeClient:
        """Return the client of the running event loop.

        :raises KindeInputError: there is no such connection, or it lacks something; the message names it.
        """
        from airflow_provider_kinde.client.async_client import AsyncKindeClient
        from airflow_provider_kinde.version_compat import amask

        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            with _usable(self.kinde_conn_id):
                settings = await self._settings()
                # Another task may have been faster while this one waited.
                if self._client is None or self._loop is not loop:
                    self._client = AsyncKindeClient(settings, on_token=amask)
                    self._loop = loop
        return self._client

    async def request(self, method: str, path: str, params: Mapping[str, Any] | None = None, json: Any = None) -> Any:
        """Send a request to an endpoint that has no method here. A POST is not sent again by itself.

        :param method: HTTP method.
        :param path: path on the Kinde domain: ``/api/v1/environment``.
        :param params: query; ``None`` values are left out.
        :param json: body.
        :returns: decoded JSON, or ``None`` for an empty body.
        :raises KindeError: Kinde refused, or could not be reached.
        """
        return await (await self.get_conn()).request(method, path, params, json)

    async def call(self, name: str, /, *args: Any, **kwargs: Any) -> Any:
        """Call a method of Kinde's API by name; of a search it returns one page.

        :param name: the name of the method, such as ``get_users``.
        :param args: as of the method.
        :param kwargs: as of the method.
        :returns: decoded JSON, or ``None`` for an empty body.
        :raises ValueError: there is no such method.
        """
        return await (await self.get_conn()).call(name, *args, **kwargs)

    async def test_connection(self) -> tuple[bool, str]:
        """Try the connection without changing anything; see ``KindeHook.test_connection``."""
        from airflow_provider_kinde.hooks.connection_test import check

        try:
            settings = await self._settings()
        except Exception as error:
            return False, str(error)
        return await asyncio.to_thread(check, settings)

    async def close(self) -> None:
        """Close the client's connections."""
        client, self._client = self._client, None
        if client and self._loop is asyncio.get_running_loop():
            await client.close()

    async def __aenter__(self) -> KindeAsyncHook:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def _settings(self) -> Settings:
        from airflow_provider_kinde.version_compat import connection_of, user_agent

        connection, extra = await connection_of(self.kinde_conn_id)
        return connection_settings(connection, extra, self.kinde_conn_id, user_agent())

    async def _call(self, endpoint: Endpoint, arguments: dict[str, Any]) -> Any:
        return await (await self.get_conn())._call(endpoint, arguments)

    async def _walk(self, endpoint: Endpoint, arguments: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        async for item in (await self.get_conn())._walk(endpoint, arguments):
            yield item
