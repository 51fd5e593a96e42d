"""What is sent again, when, and what never is."""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from typing import Any

import pytest

from airflow_provider_kinde.client.responses import requested_wait
from airflow_provider_kinde.exceptions import (
    KindeConflictError,
    KindeError,
    KindeNotFoundError,
    KindeRateLimitError,
    KindeResponseError,
    KindeServerError,
)
from tests.support.loopback import Clock, Reply, Server, make_client

USERS = "GET /api/v1/users"
CREATE = "POST /api/v1/user"
OK = Reply({"users": [], "id": "kp_1"})

FAILURES = [
    Reply(status=500),
    Reply(status=502, body=b"<html>Bad gateway</html>"),
    Reply(status=503, headers={"Retry-After": "1"}),
    Reply(status=504),
    Reply(status=408),
    Reply(way="drop"),
    Reply(way="reset"),
    Reply({"users": []}, way="cut"),
    Reply(body=b"<html>Welcome to the hotel Wi-Fi</html>"),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda reply: reply.way or str(reply.status))
def test_reads_and_absolute_writes_are_sent_again(failure: Reply, client: Any, server: Server) -> None:
    done = Reply({"message": "Success", "code": "OK", "users": []})
    calls = {
        USERS: client.get_users,
        "PATCH /api/v1/user": lambda: client.update_user("kp_1", given_name="A"),
        "PUT /api/v1/users/kp_1/properties/k": lambda: client.update_user_property("kp_1", "k", "v"),
        "DELETE /api/v1/user": lambda: client.delete_user("kp_1"),
        "POST /api/v1/organizations/o/users": lambda: client.add_organization_users("o", ["kp_1"]),
        "POST /api/v1/organizations/o/users/u/roles": lambda: client.create_organization_user_role("o", "u", "r"),
    }
    for call, method in calls.items():
        server.on(call, failure, done)
        assert method() == done.json
        assert len(server.sent(call)) == 2
    assert (client.counts.read, client.counts.write, client.counts.total) == (2, 10, 12)


@pytest.mark.parametrize("failure", FAILURES, ids=lambda reply: reply.way or str(reply.status))
def test_a_request_that_could_create_twice_is_not_sent_again(failure: Reply, client: Any, server: Server) -> None:
    calls = {
        CREATE: client.create_user,
        "POST /api/v1/organization": lambda: client.create_organization("Sales"),
        "POST /api/v1/users/u/identities": lambda: client.create_user_identity("u", type="email", value="a@x.com"),
        "POST /api/v1/organization/o/invites": lambda: client.create_organization_invite("o", "a@x.com", []),
        "POST /api/v1/roles": lambda: client.create_role("Admin", "admin"),
        "POST /api/v1/permissions": lambda: client.create_permission("Read", key="read"),
        "POST /api/v1/properties": lambda: client.create_property("N", "k", "t", "usr", True, "c"),
        "POST /api/v1/webhooks": lambda: client.request("POST", "/api/v1/webhooks", json={}),
    }
    for call, method in calls.items():
        server.on(call, failure, OK)
        with pytest.raises((KindeServerError, KindeResponseError)) as caught:
            method()
        assert caught.value.fate_unknown
        assert "may have been carried out" in str(caught.value)
        assert len(server.sent(call)) == 1


def test_429_is_safe_to_send_again_whatever_it_was(client: Any, server: Server, clock: Clock) -> None:
    server.on(CREATE, Reply(status=429, headers={"RateLimit-Reset": "12"}), OK)
    assert client.create_user() == OK.json
    assert 12 <= clock.sleeps[0] <= 13
    assert len(clock.sleeps) == 1


def test_a_connection_that_was_never_made_is_safe_too(connect: Any, server: Server, clock: Clock) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
    broken = connect(domain=host, max_tries=3)
    with pytest.raises(KindeServerError, match="cannot connect") as caught:
        broken.create_user()
    assert len(clock.sleeps) == 2
    assert not caught.value.fate_unknown
    assert broken.counts.total == broken.counts.token == 0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"ratelimit-reset": "30"}, 30),
        ({"retry-after": "2.5"}, 2.5),
        ({"ratelimit-reset": "3", "retry-after": "9"}, 9),
        ({"retry-after": formatdate(1_700_000_045, usegmt=True)}, 45),
        ({"retry-after": formatdate(1_600_000_000, usegmt=True)}, 0),
        ({"ratelimit-reset": "1700000020"}, 20),
        ({"retry-after": "-5"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "soon", "ratelimit-reset": "4"}, 4),
        ({}, None),
    ],
)
def test_the_wait_that_kinde_asks_for_is_read(headers: dict[str, str], seconds: float | None) -> None:
    assert requested_wait(headers, lambda: 1_700_000_000.0) == seconds


def test_without_a_word_the_waits_grow_and_differ(client: Any, server: Server, clock: Clock) -> None:
    server.on(USERS, Reply(status=500))
    with pytest.raises(KindeServerError) as caught:
        client.get_users()
    assert caught.value.status == 500
    assert len(server.sent()) == 6
    assert len(clock.sleeps) == len(set(clock.sleeps)) == 5
    assert all(0 < wait <= 0.5 * 2**n + 0.06 for n, wait in enumerate(clock.sleeps))


def test_tries_and_time_are_bounded(connect: Any, server: Server, clock: Clock) -> None:
    server.on(USERS, Reply(status=429, headers={"RateLimit-Reset": "40"}))
    with pytest.raises(KindeRateLimitError) as caught:
        connect(retry_time=100).get_users()
    assert caught.value.retry_after == 40
    assert sum(clock.sleeps) <= 100
    assert len(server.sent()) == 3
    server.on(USERS, Reply(status=429, headers={"RateLimit-Reset": "1"}))
    with pytest.raises(KindeRateLimitError):
        connect(max_tries=4).get_users()
    assert len(server.sent()) == 3 + 8


def test_a_wait_beyond_all_patience_is_not_begun(client: Any, server: Server, clock: Clock) -> None:
    server.on(USERS, Reply(status=429, headers={"Retry-After": "86400"}))
    with pytest.raises(KindeRateLimitError, match="asks to wait 86400 s, longer than the 300 s") as caught:
        client.get_users()
    assert caught.value.retry_after == 86400
    assert clock.sleeps == []


def test_one_limit_makes_all_threads_wait(server: Server) -> None:
    server.on(USERS, Reply(status=429, headers={"RateLimit-Reset": "1"}), OK)
    with make_client("sync", server, None) as client:
        client.get_organizations()
        began = time.monotonic()
        with ThreadPoolExecutor(4) as threads:
            limited = threads.submit(client.get_users)
            while len(server.sent(USERS)) < 1 or client._queue.paused() == 0:
                time.sleep(0.005)
            others = [threads.submit(client.get_organizations) for _ in range(3)]
            assert [f.result() for f in (limited, *others)]
        assert time.monotonic() - began >= 0.95
    assert len(server.sent()) == 1 + 2 + 3


def test_a_delete_that_happened_unanswered_is_done(client: Any, server: Server) -> None:
    for code in ("USER_NOT_FOUND", "USER_NOT_IN_ORGANIZATION", ""):
        gone = Reply({"errors": [{"code": code, "message": "gone"}]}, status=400 if code else 404)
        server.on("DELETE /api/v1/organizations/o/users/u", Reply(way="drop"), gone)
        assert client.remove_organization_user("o", "u") is None
        server.on("DELETE /api/v1/organizations/o/users/u", gone)
        with pytest.raises(KindeNotFoundError):
            client.remove_organization_user("o", "u")
        # Nobody can have done it meanwhile: 429 means that nothing was done.
        server.on("DELETE /api/v1/organizations/o/users/u", Reply(status=429), gone)
        with pytest.raises(KindeNotFoundError):
            client.remove_organization_user("o", "u")


def test_an_operation_that_the_server_does_not_have_is_not_asked_for_again(client: Any, server: Server) -> None:
    missing = Reply({"errors": [{"code": "NOT_IMPLEMENTED", "message": "no such operation"}]}, status=501)
    server.on(USERS, missing, OK)
    with pytest.raises(KindeError, match="no such operation") as caught:
        client.get_users()
    assert not caught.value.retryable
    assert len(server.sent(USERS)) == 1


def test_an_unknown_route_is_never_a_delete_that_happened(client: Any, server: Server) -> None:
    missing = Reply({"errors": {"code": "ROUTE_NOT_FOUND", "message": "no route"}}, status=404)
    server.on("DELETE /api/v1/user", Reply(status=500), missing)
    with pytest.raises(KindeNotFoundError):
        client.delete_user("kp_1")


def test_a_grant_that_happened_unanswered_is_done(client: Any, server: Server) -> None:
    server.on("POST /api/v1/organizations/o/users", Reply(status=502), Reply(status=409))
    assert client.add_organization_users("o", ["kp_1"]) is None
    server.on("POST /api/v1/organizations/o/users", Reply(status=409))
    with pytest.raises(KindeConflictError):
        client.add_organization_users("o", ["kp_1"])


def test_the_fate_stays_unknown_when_later_tries_do_not_settle_it(connect: Any, server: Server) -> None:
    client = connect(max_tries=2)
    server.on("PATCH /api/v1/user", Reply(way="drop"), Reply(status=429))
    with pytest.raises(KindeRateLimitError) as caught:
        client.update_user("kp_1", given_name="A")
    assert caught.value.fate_unknown
    server.on(USERS, Reply(way="drop"))
    with pytest.raises(KindeServerError) as caught_read:
        client.get_users()
    assert not caught_read.value.fate_unknown


def test_answers_that_cannot_be_kindes_are_not_asked_for_for_ever(client: Any, server: Server) -> None:
    page = Reply(body=b"<html><title>Log in\n to Wi-Fi</title>", headers={"Content-Type": "text/html"})
    for reply in (page, Reply(body=b'{"users": ['), Reply(body=b"[" * 100_000), Reply(body=b""), Reply(body=b"\xff")):
        server.on(USERS, reply)
        before = len(server.sent())
        with pytest.raises(KindeResponseError) as caught:
            client.get_users()
        assert len(server.sent()) - before == 3
        assert caught.value.status == 200
    server.on(USERS, page)
    with pytest.raises(KindeResponseError, match=r"text/html.*'Log in to Wi-Fi'"):
        client.get_users()


def test_a_hanging_answer_ends_with_the_timeout(connect: Any, server: Server) -> None:
    server.on(CREATE, Reply({"id": "x"}, delay=1.0))
    began = time.monotonic()
    with pytest.raises(KindeServerError, match=r"within 0\.2 s") as caught:
        connect(timeout=0.2).create_user()
    assert caught.value.fate_unknown
    assert time.monotonic() - began < 0.9


def test_a_body_that_drips_ends_too(connect: Any) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                asked = connection.recv(65536)
                if b"oauth2" in asked:
                    body = b'{"access_token": "a"}'
                    connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 21\r\n\r\n" + body)
                    continue
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                try:
                    while not stop.wait(0.05):
                        connection.sendall(b" ")
                except OSError:
                    continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    port = listener.getsockname()[1]
    with pytest.raises(KindeServerError, match=r"no whole response within 0\.6 s"):
        connect(domain=f"127.0.0.1:{port}", timeout=0.3, max_tries=1).get_users()
    stop.set()
    listener.close()


def test_an_endless_answer_is_cut_off(connect: Any, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_provider_kinde.client.transport_base.MAX_BODY", 100_000)
    server.on(USERS, Reply(body=b" " * 300_000))
    with pytest.raises(KindeServerError, match="larger than"):
        connect().get_users()
    assert len(server.sent()) == 1


def test_redirects_are_not_followed(client: Any, server: Server) -> None:
    for status in (301, 302, 303, 307, 308):
        where = f"http://evil.example:99/path?code={status}"
        server.on(USERS, Reply(status=status, headers={"Location": where}))
        with pytest.raises(KindeResponseError, match=r"evil\.example:99/path") as caught:
            client.get_users()
        assert "code=" not in str(caught.value)
    assert len(server.sent()) == 5
    server.on(CREATE, Reply(status=302, headers={"Location": "/login"}))
    with pytest.raises(KindeResponseError, match="/login"):
        client.create_user()


def test_as_many_at_once_as_allowed(connect: Any, server: Server) -> None:
    server.on(USERS, Reply({"users": []}, delay=0.02))
    client = connect(max_concurrency=3)
    client.get_organizations()
    with ThreadPoolExecutor(12) as threads:
        list(threads.map(lambda _: client.get_users(), range(24)))
    assert server.together == 3
    assert client.max_concurrency == 3


def test_requests_per_minute_are_spread(connect: Any, server: Server, clock: Clock) -> None:
    client = connect(requests_per_minute=120)
    began = clock.now
    for _ in range(21):
        client.get_users()
    assert clock.now - began == pytest.approx(10.0, abs=0.5)


def test_a_connection_is_used_again(client: Any, server: Server) -> None:
    client.get_users()
    before = server.connections
    for _ in range(5):
        client.get_users()
    assert server.connections == before


def test_a_closed_keep_alive_connection_costs_a_create_nothing(client: Any, server: Server) -> None:
    server.on(CREATE, Reply({"id": "kp_1"}, headers={"Connection": "close"}))
    for _ in range(3):
        assert client.create_user() == {"id": "kp_1"}
        time.sleep(0.05)
    assert len(server.sent()) == 3
