"""Tokens: how few are asked for, when they are renewed, and that they show nowhere."""

from __future__ import annotations

import pickle
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs

import pytest

from airflow_provider_kinde.exceptions import (
    KindeAuthError,
    KindeError,
    KindeNotFoundError,
    KindePermissionError,
    KindeResponseError,
    KindeServerError,
)
from tests.support.loopback import SECRET, Call, Clock, Reply, Server, make_client

TOKEN = "POST /oauth2/token"
USERS = "GET /api/v1/users"


def token(value: str, **fields: Any) -> Reply:
    return Reply({"access_token": value, "expires_in": 3600, "token_type": "Bearer", **fields})


def accepts(*good: str, status: int = 401) -> Any:
    def reply(call: Call) -> Reply:
        return Reply({"users": []}) if call.token in good else Reply(status=status)

    return reply


def test_the_token_request_is_the_documented_one(connect: Any, server: Server) -> None:
    connect().get_users()
    connect(audience="https://acme.kinde.com/api", scopes="read:users, update:users").get_users()
    connect(scopes=["update:users", "read:users"]).get_users()
    first, second, third = (parse_qs(call.body.decode()) for call in server.sent(TOKEN))
    assert server.sent(TOKEN)[0].headers["content-type"] == "application/x-www-form-urlencoded"
    assert first == {
        "grant_type": ["client_credentials"],
        "client_id": ["id"],
        "client_secret": [SECRET],
        "audience": [f"http://{server.host}/api"],
    }
    assert second["audience"] == ["https://acme.kinde.com/api"]
    assert second["scope"] == third["scope"] == ["read:users update:users"]


@pytest.mark.parametrize(
    ("fields", "good_for", "renewed_after"),
    [
        ({"expires_in": 3600}, 3500, 3550),
        ({"expires_in": 86400}, 86300, 86350),
        ({"expires_in": "3600"}, 3500, 3550),
        ({"expires_in": None}, 3500, 3550),
        ({"expires_in": "soon"}, 3500, 3550),
        ({"expires_in": 100}, 80, 95),
    ],
)
def test_a_token_is_reused_until_shortly_before_its_end(
    fields: dict[str, Any], good_for: float, renewed_after: float, client: Any, server: Server, clock: Clock
) -> None:
    server.on(TOKEN, token("a", **fields), token("b"))
    client.get_users()
    clock.now += good_for
    client.get_users()
    assert server.tokens == 1
    clock.now += renewed_after - good_for
    client.get_users()
    assert [call.token for call in server.sent()] == ["a", "a", "b"]
    assert client.counts.token == 2
    assert client.counts.total == 3


def test_a_token_that_has_ended_already_is_still_used_once(client: Any, server: Server) -> None:
    server.on(TOKEN, token("a", expires_in=0))
    client.get_users()
    assert server.sent()[0].token == "a"


def test_many_threads_make_one_token_request(server: Server) -> None:
    server.on(TOKEN, Reply({"access_token": "a", "expires_in": 3600}, delay=0.1))
    with make_client("sync", server, None, max_concurrency=16) as client, ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda _: client.get_users(), range(64)))
    assert (server.tokens, len(server.sent())) == (1, 64)


def test_many_tasks_make_one_token_request(server: Server) -> None:
    import asyncio

    server.on(TOKEN, Reply({"access_token": "a", "expires_in": 3600}, delay=0.1))
    client = make_client("async", server, None)

    async def many() -> None:
        await asyncio.gather(*(client.client.get_users() for _ in range(64)))

    client._run(many())
    client.stop()
    assert (server.tokens, len(server.sent())) == (1, 64)
    assert server.together <= 8


def test_401_has_the_token_renewed_once(client: Any, server: Server) -> None:
    server.on(USERS, accepts("token-2"))
    assert client.get_users() == {"users": []}
    assert [call.token for call in server.sent()] == ["token-1", "token-2"]
    assert client.get_users() == {"users": []}
    assert server.tokens == 2


def test_a_create_is_sent_again_after_401(client: Any, server: Server) -> None:
    server.on("POST /api/v1/user", Reply(status=401), Reply({"id": "kp_1"}))
    assert client.create_user() == {"id": "kp_1"}


def test_a_fresh_token_that_is_refused_ends_it(client: Any, server: Server) -> None:
    server.on(USERS, Reply({"errors": [{"code": "NOPE", "message": "Who are you?"}]}, status=401))
    for _ in range(5):
        with pytest.raises(KindeAuthError, match="Who are you") as caught:
            client.get_users()
    assert caught.value.status == 401
    assert "audience" in str(caught.value)
    # Two for the first call, and not one more for the others: each counts against the quota.
    assert server.tokens == 2


def test_threads_refused_at_once_renew_once(server: Server) -> None:
    server.on(USERS, accepts("token-2"))
    with make_client("sync", server, None) as client, ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: client.get_users(), range(32)))
    assert server.tokens == 2


def test_403_renews_a_token_that_was_good_before(client: Any, server: Server) -> None:
    server.on(USERS, accepts("token-1", status=403))
    client.get_users()
    server.on(USERS, accepts("token-2", status=403))
    client.get_users()
    assert server.tokens == 2


def test_403_on_a_first_token_is_final(client: Any, server: Server) -> None:
    server.on(USERS, Reply(status=403))
    with pytest.raises(KindePermissionError):
        client.get_users()
    assert server.tokens == 1


def test_a_forbidden_operation_does_not_burn_tokens(client: Any, server: Server) -> None:
    client.get_organizations()
    server.on("DELETE /api/v1/users/kp_1/sessions", Reply(status=403))
    server.on("DELETE /api/v1/users/kp_2/sessions", Reply(status=403))
    for user in ["kp_1", "kp_2"] * 5:
        with pytest.raises(KindePermissionError) as caught:
            client.delete_user_sessions(user)
    assert caught.value.scope == "delete:user_sessions"
    assert server.tokens == 2


def test_a_scope_enabled_later_is_noticed(client: Any, server: Server, clock: Clock) -> None:
    server.on(TOKEN, token("old", scope="read:organizations"), token("new", scope="read:organizations read:users"))
    client.get_organizations()
    server.on(USERS, accepts("new", status=403))
    with pytest.raises(KindePermissionError):
        client.get_users()
    assert server.tokens == 1
    clock.now += 700
    assert client.get_users() == {"users": []}


OAUTH = [
    (401, "invalid_client", "Client authentication failed", "client secret"),
    (400, "invalid_scope", "scope x is not allowed", "scopes"),
    (400, "invalid_request", "audience is missing", "audience"),
    (403, "unauthorized_client", "not authorised for audience", "audience"),
    (418, "brand_new", "", "client ID"),
    (200, "invalid_client", "on a 200", "client secret"),
]


@pytest.mark.parametrize(("status", "error", "words", "advice"), OAUTH)
def test_oauth_errors_are_shown_as_kinde_words_them(
    status: int, error: str, words: str, advice: str, client: Any, server: Server
) -> None:
    server.on(TOKEN, Reply({"error": error, "error_description": words}, status=status))
    with pytest.raises(KindeAuthError) as caught:
        client.create_user()
    assert f"{error}: {words}" in str(caught.value) or not words
    assert error in str(caught.value)
    assert advice in str(caught.value)
    assert (caught.value.code, caught.value.status, caught.value.path) == (error, status, "/oauth2/token")
    assert not caught.value.fate_unknown
    assert server.tokens == 1
    assert server.sent() == []


def test_errors_of_the_token_endpoint_in_the_apis_shape(client: Any, server: Server) -> None:
    server.on(TOKEN, Reply({"errors": [{"code": "BAD", "message": "Bad client"}]}, status=400))
    with pytest.raises(KindeAuthError, match="BAD: Bad client"):
        client.get_users()


@pytest.mark.parametrize(
    "reply",
    [
        Reply(body=b"<html>", status=404),
        Reply(body=b"<html>Hello</html>"),
        Reply({"token": "x"}),
        Reply({"access_token": ""}),
        Reply({"access_token": "a\r\nX: y"}),
        Reply({"access_token": "a", "token_type": "mac"}),
        Reply([]),
        Reply(status=302, headers={"Location": "https://login.example/"}),
    ],
)
def test_an_answer_without_a_token_is_an_error(reply: Reply, client: Any, server: Server) -> None:
    server.on(TOKEN, reply)
    with pytest.raises(KindeResponseError, match=r"domain|Kinde"):
        client.get_users()
    assert server.sent() == []


def test_the_token_endpoint_is_tried_again(client: Any, server: Server, clock: Clock) -> None:
    busy = Reply(status=429, headers={"RateLimit-Reset": "7"})
    server.on(TOKEN, Reply(status=503), busy, Reply(way="drop"), token("a"))
    client.create_user()
    assert server.tokens == 4
    assert max(clock.sleeps) >= 7
    assert len(server.sent()) == 1


def test_a_token_endpoint_that_stays_away(client: Any, server: Server) -> None:
    server.on(TOKEN, Reply(status=503))
    with pytest.raises(KindeServerError) as caught:
        client.create_user()
    assert not caught.value.fate_unknown
    assert client.counts.token == server.tokens == 6


def test_every_token_is_shown_to_the_mask_before_it_is_used(connect: Any, server: Server) -> None:
    masked: list[tuple[str, int]] = []
    server.on(USERS, accepts("token-2"))
    connect(on_token=lambda value: masked.append((value, len(server.sent())))).get_users()
    assert masked == [("token-1", 0), ("token-2", 1)]


def test_neither_secret_nor_token_shows_anywhere(
    connect: Any, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    value = "eyJhbGciOiJSUzI1NiJ9.payload.signature"
    echo = f"{SECRET} {value} s3cret%2B%2Fvery%3Dlong"
    texts: list[str] = []
    for reply in (
        Reply({"errors": [{"code": "X", "message": echo}]}, status=400),
        Reply({"errors": {"code": echo, "message": "m"}}, status=404),
        Reply({"code": "X", "message": echo}, status=403),
        Reply({"errors": [{"message": echo, "field": echo}]}),
        Reply(body=f"<title>{echo}</title>".encode(), headers={"Content-Type": echo}),
        Reply(status=302, headers={"Location": f"https://evil.example/{value}?token={value}"}),
        Reply(way="drop"),
    ):
        server.on(TOKEN, token(value))
        server.on(USERS, reply)
        client = connect()
        with pytest.raises(KindeError) as caught:
            client.get_users()
        error = pickle.loads(pickle.dumps(caught.value))
        texts += [str(error), repr(error), repr(error.__dict__), repr(client)]
        texts += traceback.format_exception(caught.value)
    server.on(TOKEN, Reply({"error": "invalid_client", "error_description": SECRET}, status=401))
    with pytest.raises(KindeAuthError) as caught:
        connect().get_users()
    texts += traceback.format_exception(caught.value)
    texts += [record.getMessage() for record in caplog.records if record.name.startswith("airflow_provider_kinde")]
    assert "Bearer" not in caplog.text
    for hidden in (SECRET, value, "s3cret%2B"):
        assert not [text for text in texts if hidden in text]
    assert any("***" in text for text in texts)


def test_errors_survive_pickling() -> None:
    error = KindePermissionError("no", scope="read:users", status=403, code="C", method="GET", path="/x")
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), copy.__dict__) == (KindePermissionError, str(error), error.__dict__)


def test_a_netrc_password_does_not_take_the_tokens_place(
    connect: Any, server: Server, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password mine\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    # As on any other host, where the environment counts.
    monkeypatch.setattr("airflow_provider_kinde.client.settings.is_loopback", lambda _: False)
    connect().get_users()
    assert server.sent()[0].token == "token-1"
    assert "authorization" not in server.sent(TOKEN)[0].headers


def test_a_proxy_of_the_environment_is_not_asked_for_loopback(
    connect: Any, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    connect().get_users()
    assert len(server.sent()) == 1


def test_cookies_are_not_kept(client: Any, server: Server) -> None:
    server.on(USERS, Reply({"users": []}, headers={"Set-Cookie": "session=1; Path=/"}))
    client.get_users()
    client.get_users()
    assert all("cookie" not in call.headers for call in server.calls)


def test_a_token_is_not_asked_for_twice_while_one_thread_waits(server: Server) -> None:
    gate = threading.Event()

    def reply(call: Call) -> Reply:
        gate.wait(5)
        return token("a")

    server.on(TOKEN, reply)
    with make_client("sync", server, None) as client, ThreadPoolExecutor(4) as threads:
        waiting = [threads.submit(client.get_users) for _ in range(4)]
        gate.set()
        assert all(future.result() for future in waiting)
    assert server.tokens == 1


def test_a_missing_user_is_no_reason_for_another_token(client: Any, server: Server) -> None:
    server.on("GET /api/v1/user", Reply({"errors": {"code": "USER_NOT_FOUND", "message": "m"}}, status=404))
    with pytest.raises(KindeNotFoundError):
        client.get_user_data("kp_1")
    assert server.tokens == 1
