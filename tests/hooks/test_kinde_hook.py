"""The hooks: the client by way of an Airflow connection, on every line of Airflow."""

from __future__ import annotations

import asyncio
import inspect
import os
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import BaseHook, redact

from airflow_provider_kinde import __version__
from airflow_provider_kinde.client import AsyncKindeClient, KindeClient
from airflow_provider_kinde.client.endpoints.base import WALKED
from airflow_provider_kinde.client.endpoints.catalog import ENDPOINTS
from airflow_provider_kinde.exceptions import KindeNotFoundError
from airflow_provider_kinde.hooks.kinde import KindeAsyncHook, KindeHook
from tests.support.loopback import Reply, Server

ROOT = Path(__file__).resolve().parents[2]
USERS = "GET /api/v1/users"
Connect = Callable[..., str]


def test_the_default_connection() -> None:
    for kind in (KindeHook, KindeAsyncHook):
        assert kind().kinde_conn_id == "kinde_default"
        assert kind("mine").kinde_conn_id == kind(kinde_conn_id="mine").kinde_conn_id == "mine"
        assert issubclass(kind, BaseHook)
        assert (kind.conn_type, kind.conn_name_attr, kind.hook_name) == ("kinde", "kinde_conn_id", "Kinde")


WALKS = [name for name in dir(KindeClient) if name.startswith("iter_")]


@pytest.mark.smoke
@pytest.mark.parametrize("name", [*(name for name in ENDPOINTS if name != "get_connection"), "request", "call", *WALKS])
def test_every_method_is_the_clients(name: str) -> None:
    signature = inspect.signature(getattr(KindeClient, name))
    assert inspect.signature(getattr(KindeHook, name)) == signature
    assert inspect.signature(getattr(KindeAsyncHook, name)) == signature
    walks = name in WALKED or name.startswith("iter_")
    assert inspect.iscoroutinefunction(getattr(KindeAsyncHook, name)) is not walks
    assert inspect.iscoroutinefunction(getattr(AsyncKindeClient, name)) is not walks


def test_get_connection_of_a_hook_is_airflows(connection: Connect, server: Server) -> None:
    server.on("GET /api/v1/connections/conn_1", Reply({"connection": {"id": "conn_1"}}))
    with KindeHook(connection()) as hook:
        assert hook.get_connection(hook.kinde_conn_id).conn_type == "kinde"
        assert hook.call("get_connection", "conn_1") == {"connection": {"id": "conn_1"}}
    assert not inspect.iscoroutinefunction(KindeAsyncHook.get_connection)


@pytest.mark.smoke
def test_the_sync_hook(connection: Connect, server: Server) -> None:
    server.on(USERS, Reply({"users": [{"id": "kp_1"}], "next_token": "n"}), Reply({"users": [{"id": "kp_2"}]}))
    with KindeHook(connection()) as hook:
        assert server.calls == []
        assert isinstance(hook.get_conn(), KindeClient)
        assert hook.get_conn() is hook.get_conn()
        assert server.calls == []
        assert [user["id"] for user in hook.iter_users()] == ["kp_1", "kp_2"]
        hook.update_user("kp_1", is_suspended=True)
        hook.request("GET", "/api/v1/environment", params={"a": 1})
        hook.call("delete_user", "kp_1")
        assert list(hook.search_users("x")) == []
        with pytest.raises(TypeError, match="is_delete_profile"):
            hook.delete_user("kp_1", profile=True)
        assert hook.get_conn().counts.total == len(server.sent())
    assert server.tokens == 1
    targets = [call.target for call in server.sent()][2:5]
    assert targets == ["/api/v1/user?id=kp_1", "/api/v1/environment?a=1", "/api/v1/user?id=kp_1"]


@pytest.mark.smoke
def test_the_async_hook(connection: Connect, server: Server) -> None:
    server.on(USERS, Reply({"users": [{"id": "kp_1"}], "next_token": "n"}), Reply({"users": [{"id": "kp_2"}]}))

    async def work(hook: KindeAsyncHook) -> list[str]:
        client = await hook.get_conn()
        assert isinstance(client, AsyncKindeClient)
        assert await hook.get_conn() is client
        found = [user["id"] async for user in hook.iter_users()]
        await asyncio.gather(*(hook.update_user("kp_1", is_suspended=True) for _ in range(5)))
        await hook.request("GET", "/api/v1/environment")
        await hook.call("delete_user", "kp_1")
        assert client.counts.total == len(server.sent())
        return found

    async def main() -> list[str]:
        async with KindeAsyncHook(connection()) as hook:
            return await work(hook)

    assert asyncio.run(main()) == ["kp_1", "kp_2"]
    assert server.tokens == 1


def test_one_async_hook_in_two_event_loops(connection: Connect, server: Server) -> None:
    hook = KindeAsyncHook(connection())
    for _ in range(2):
        assert asyncio.run(hook.get_organizations())["code"] == "OK"
    assert len(server.sent()) == 2


def test_both_hooks_share_the_token_of_the_host(connection: Connect, server: Server) -> None:
    conn_id = connection()
    KindeHook(conn_id).get_organizations()
    asyncio.run(KindeAsyncHook(conn_id).get_organizations())
    KindeHook(conn_id).get_organizations()
    assert server.tokens == 1
    KindeHook(connection({"token_cache": "none"})).get_organizations()
    assert server.tokens == 2


def test_the_minted_token_is_masked_in_logs(connection: Connect, server: Server) -> None:
    for number, use in enumerate(
        [
            lambda conn_id: KindeHook(conn_id).get_organizations(),
            lambda conn_id: asyncio.run(KindeAsyncHook(conn_id).get_organizations()),
        ]
    ):
        # Not "token-1": the server hands those out, and they are masked from earlier tests on.
        token = f"eyJ-minted-for-this-test-{number}"
        server.on("POST /oauth2/token", Reply({"access_token": token, "expires_in": 3600}))
        assert redact(f"token {token}") == f"token {token}"
        use(connection({"token_cache": "none"}))
        assert server.sent()[-1].token == token
        assert redact(f"token {token}") == "token ***"


def test_the_user_agent_names_provider_and_airflow(connection: Connect, server: Server) -> None:
    KindeHook(connection()).get_organizations()
    asyncio.run(KindeAsyncHook("kinde_test").get_organizations())
    wanted = f"airflow-provider-kinde/{__version__} Airflow/{metadata.version('apache-airflow')} Python/"
    assert all(call.headers["user-agent"].startswith(wanted) for call in server.calls)


def test_errors_come_through(connection: Connect, server: Server) -> None:
    server.on("DELETE /api/v1/user", Reply({"errors": {"code": "USER_NOT_FOUND", "message": "m"}}, status=404))
    with pytest.raises(KindeNotFoundError):
        KindeHook(connection()).delete_user("kp_1")
    with pytest.raises(KindeNotFoundError):
        asyncio.run(KindeAsyncHook("kinde_test").delete_user("kp_1"))


def test_extras_reach_the_client(connection: Connect, server: Server) -> None:
    extra = {
        "audience": "https://acme.kinde.com/api",
        "extra__kinde__scopes": "read:users",
        "timeout": "7",
        "max_concurrency": 3,
        "requests_per_minute": "600",
        "token_cache": "process",
        "verify": "false",
    }
    client = KindeHook(connection(extra)).get_conn()
    settings = client._settings
    assert (settings.timeout, settings.max_concurrency, settings.requests_per_minute) == (7.0, 3, 600.0)
    assert (settings.token_cache, settings.verify, client.max_concurrency) == ("process", False, 3)
    client.get_organizations()
    form = server.sent("POST /oauth2/token")[0].body.decode()
    assert "audience=https%3A%2F%2Facme.kinde.com%2Fapi" in form
    assert "scope=read%3Ausers" in form


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"host": ""}, ["kinde_test", "host", "Kinde domain"]),
        ({"host": None}, ["kinde_test", "host"]),
        ({"login": " "}, ["kinde_test", "login", "Client ID"]),
        ({"password": None}, ["kinde_test", "password", "Client secret"]),
        ({"host": "http://acme.kinde.com"}, ["kinde_test", "host", "unencrypted"]),
        ({"host": "acme"}, ["kinde_test", "acme.kinde.com"]),
        ({"extra": {"timeout": "soon"}}, ["kinde_test", "timeout", "soon"]),
    ],
)
def test_a_missing_connection_field_is_named(fields: dict[str, Any], words: list[str], connection: Connect) -> None:
    conn_id = connection(fields.pop("extra", None), **fields)

    async def asynchronous() -> None:
        await KindeAsyncHook(conn_id).get_users()

    for use in (lambda: KindeHook(conn_id).get_users(), lambda: asyncio.run(asynchronous())):
        with pytest.raises(ValueError, match=words[-1]) as caught:
            use()
        assert all(word in str(caught.value) for word in words)
    for worked, message in (
        KindeHook(conn_id).test_connection(),
        asyncio.run(KindeAsyncHook(conn_id).test_connection()),
    ):
        assert not worked
        assert all(word in message for word in words)


TOKEN = "POST /oauth2/token"
VERDICTS = [
    ({}, True, "Connected to 127.0.0.1"),
    ({TOKEN: Reply({"error": "invalid_client", "error_description": "no"}, status=401)}, False, "Credentials: "),
    ({TOKEN: Reply({"error": "invalid_scope"}, status=400)}, False, "Scope: "),
    ({TOKEN: Reply({"error": "invalid_request"}, status=400)}, False, "Audience: "),
    ({TOKEN: Reply({"error": "unauthorized_client"}, status=403)}, False, "Audience: "),
    ({TOKEN: Reply(body=b"<html>", status=404)}, False, "Domain: "),
    ({TOKEN: Reply(way="drop")}, False, "Domain: "),
    ({TOKEN: Reply(status=500)}, False, "Kinde: "),
    ({USERS: Reply(status=401)}, False, "Audience: "),
    ({USERS: Reply(status=403)}, False, "Scope (domain and credentials are right): "),
    ({USERS: Reply(body=b"<html>")}, False, "Domain: "),
    ({USERS: Reply(status=429)}, False, "Rate limit"),
]


@pytest.mark.parametrize(("replies", "works", "begins"), VERDICTS)
def test_the_test_button(
    replies: dict[str, Reply], works: bool, begins: str, connection: Connect, server: Server
) -> None:
    for call, reply in replies.items():
        server.on(call, reply)
    for worked, message in (
        KindeHook(connection()).test_connection(),
        asyncio.run(KindeAsyncHook(connection()).test_connection()),
    ):
        assert worked is works
        assert message.startswith(begins)
        assert ". Next: " in message
    assert {call.method for call in server.sent()} <= {"GET"}
    if begins.startswith("Scope ("):
        assert "read:users" in message


def test_the_test_button_on_an_unknown_connection() -> None:
    worked, message = KindeHook("no_such_connection").test_connection()
    assert not worked
    assert "no_such_connection" in message


def test_the_test_button_does_not_trust_the_cache(connection: Connect, server: Server) -> None:
    KindeHook(connection()).get_organizations()
    server.on(TOKEN, Reply({"error": "invalid_client"}, status=401))
    assert not KindeHook(connection()).test_connection()[0]


def test_importing_the_hook_costs_no_more_than_airflow() -> None:
    script = (
        "import sys, airflow.providers.common.compat.sdk as sdk; sdk.BaseHook; before = set(sys.modules)\n"
        "import airflow_provider_kinde.hooks.kinde\n"
        "new = {name.split('.')[0] for name in set(sys.modules) - before}\n"
        "heavy = new & {'requests', 'httpx', 'urllib3', 'tenacity', 'cryptography', 'jinja2', 'pendulum'}\n"
        "assert not heavy, heavy\n"
        "assert 'airflow_provider_kinde.sync' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})


def test_hooks_are_copied_and_pickled(monkeypatch: pytest.MonkeyPatch) -> None:
    import copy
    import pickle

    monkeypatch.setenv("AIRFLOW_CONN_KINDE_TEST", "kinde://id:secret@acme.kinde.com")
    hook = KindeHook("kinde_test")
    hook.get_conn()
    for made in (copy.copy(hook), copy.deepcopy(hook), pickle.loads(pickle.dumps(hook))):
        assert made.kinde_conn_id == "kinde_test"
        assert made.get_conn() is not hook.get_conn()
    assert pickle.loads(pickle.dumps(KindeAsyncHook("kinde_test"))).kinde_conn_id == "kinde_test"


@pytest.mark.parametrize("uri", ["kinde://id:secret@[::1]:8934", "kinde://id:secret@http%3A%2F%2F%5B%3A%3A1%5D:8934"])
def test_a_connection_to_an_ipv6_address(monkeypatch: pytest.MonkeyPatch, uri: str) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_KINDE_SIX", uri)
    with KindeHook("kinde_six").get_conn() as client:
        assert client.base_url == "http://[::1]:8934"
