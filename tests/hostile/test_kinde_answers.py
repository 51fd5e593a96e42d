"""Answers that no Kinde would give: nothing is written because of them, nothing leaks, and the reason is told."""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator
from typing import Any

import pytest

from airflow_provider_kinde.client import KindeClient
from airflow_provider_kinde.exceptions import KindeError, KindeResponseError, SyncError
from airflow_provider_kinde.sync.report.table import csv_lines
from airflow_provider_kinde.sync.report.text import plan_text, report_text
from tests.support.loopback import Reply, Server, make_client
from tests.support.world import World, people, person

USERS = r"^/api/v1/users\?.*expand"
ORGANIZATIONS = "^/api/v1/organizations"
MEMBERS = "^/api/v1/organizations/[^/]+/users"


def user(**fields: Any) -> dict[str, Any]:
    return {"users": [{"id": "kp_1", "email": "p1@example.com", "first_name": "Given1", "last_name": "Doe", **fields}]}


def members(**fields: Any) -> dict[str, Any]:
    return {"organization_users": [{"id": "kp_1", **fields}]}


FORMS = [
    (USERS, {"up": True}),
    (USERS, {"users": [{"email": "p1@example.com"}]}),
    (USERS, user(id="..")),
    (USERS, user(id="")),
    (USERS, user(id="kp_1\r\nX-Admin: yes")),
    (USERS, user(id={"$ne": 1})),
    (USERS, user(id=True)),
    (USERS, user(id=float("nan"))),
    (USERS, user(id=float("inf"))),
    (USERS, user(identities=7)),
    (USERS, user(organizations=7)),
    ("^/api/v1/roles", {"roles": [{"key": "engineer"}]}),
    ("^/api/v1/roles", {"up": True}),
    (ORGANIZATIONS, {"up": True}),
    (ORGANIZATIONS + r"(\?|$)", {"organizations": [{"name": "Engineering"}, {"name": "Sales"}]}),
    (ORGANIZATIONS + r"(\?|$)", {"organizations": [{"name": n, "code": ".."} for n in ("Engineering", "Sales")]}),
    (MEMBERS, {"up": True}),
    (MEMBERS, members(id="..")),
    (MEMBERS, members(roles="engineer")),
    (MEMBERS, members(roles={"engineer": True})),
    (MEMBERS, members(roles=7)),
    (MEMBERS, members(roles=[["engineer"], 7, {"key": ["x"]}], id=["kp_1"])),
]


def test_a_list_of_no_known_form_stops_the_run_before_any_write(world: World) -> None:
    for path, answer in FORMS:
        world.kinde.fault("GET", path, status=200, body=answer, times=None)
        with pytest.raises((SyncError, KindeError)):
            world.apply(people(2))
        world.kinde.clear_faults()
        assert world.writes() == [], (path, answer)


@pytest.mark.parametrize(
    "answer", [{"up": True}, members(roles="engineer"), members(id=".."), {"organization_users": 7}]
)
def test_a_list_that_changes_its_form_halfway_still_ends_in_a_report(world: World, answer: Any) -> None:
    world.kinde.fault("GET", MEMBERS, status=200, body=answer, times=None, skip=2)
    report = world.apply([person(1, dept="Eng")])
    assert {o.kind: o.outcome for o in report.plan.operations} == {
        "create": "done", "add_membership": "failed", "add_role": "failed",
    }  # fmt: skip
    assert report.requests["total"] == len(world.reads()) + len(world.writes())
    world.kinde.clear_faults()
    world.apply([person(1, dept="Eng")])
    assert world.memberships("p1@example.com") == {"Engineering": ["engineer"]}


IDS = ("../../admin", "kp_1/../../x", "a?b=c&d#e", "%2e%2e%2fx", "kp 1", "\u202ekp", "x" * 5000)


def test_an_id_made_up_by_a_creation_reaches_no_other_path(world: World) -> None:
    for n, id in enumerate(IDS):
        world.kinde.fault("POST", "^/api/v1/user$", match=f"p{n}@", status=200, body={"id": id, "created": True})
    report = world.apply([person(n, dept="Eng") for n in range(len(IDS))])
    assert {o.outcome for o in report.plan.operations if o.kind == "add_membership"} <= {"failed", "skipped"}
    rest = ("organizations", "roles", "directories")
    known = ("/api/v1/users", "/api/v1/user", *(f"/api/v1/{name}" for name in rest), "/oauth2/token")
    members = {f"/api/v1/organizations/{world.code(name)}/users" for name in ("Engineering", "Sales")}
    assert {entry["path"] for entry in world.kinde.log()} <= {*known, *members}


def test_names_from_kinde_turn_no_terminal_and_no_spreadsheet(world: World) -> None:
    evil = "\x1b]0;owned\x07\u202e\u2028\x9b31m"
    world.apply(people(20))
    listed = {
        "id": "kp_x", "email": f"=cmd|{evil}@x.com", "provided_id": "hr:1", "first_name": f"=HYPERLINK(1){evil}",
        "last_name": "@SUM(1)", "is_suspended": False,
    }  # fmt: skip
    world.kinde.fault("GET", USERS, status=200, body={"users": [listed]}, times=None)
    world.kinde.fault("PATCH", r"/user\?", status=400, times=None, body={"errors": {"code": "X", "message": evil}})
    report = world.apply([person(1), person(2, status="Terminated")], approve=None)
    for text in (plan_text(report.plan), report_text(report), "".join(csv_lines(report))):
        assert not {"\x1b", "\x07", "\u202e", "\u2028", "\x9b"} & set(text)
    for line in "".join(csv_lines(report)).splitlines():
        assert not [cell for cell in line.split(",") if cell.strip('"')[:1] in ("=", "+", "@")]


@pytest.fixture(params=["sync", "async"])
def hostile(request: pytest.FixtureRequest) -> Iterator[tuple[Server, Any]]:
    server = Server()
    client = make_client(request.param, server, None, timeout=5.0, max_tries=1)
    yield server, client
    client.close() if isinstance(client, KindeClient) else client.stop()
    server.close()


def test_a_zip_bomb_is_not_unpacked(hostile: tuple[Server, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airflow_provider_kinde.client.transport_base.MAX_BODY", 1_000_000)
    server, client = hostile
    server.on("GET /api/v1/users", Reply(body=gzip.compress(b" " * 30_000_000), headers={"Content-Encoding": "gzip"}))
    with pytest.raises(KindeError, match="larger than"):
        client.get_users()


def test_json_nested_beyond_reading_and_numbers_beyond_measure(hostile: tuple[Server, Any]) -> None:
    server, client = hostile
    for body in (b"[" * 200_000, b'{"users": [' + b"9" * 100_000 + b"]}", b'{"users": ' + b'{"a":' * 100_000):
        server.on("GET /api/v1/users", Reply(body=body))
        began = time.monotonic()
        with pytest.raises(KindeResponseError):
            client.get_users()
        assert time.monotonic() - began < 5


def test_headers_without_measure_end_the_answer(hostile: tuple[Server, Any]) -> None:
    server, client = hostile
    for headers in ({f"X-{number}": "y" for number in range(20_000)}, {"X": "y" * 5_000_000}):
        server.on("GET /api/v1/users", Reply(body=b'{"users": []}', headers=headers))
        with pytest.raises(KindeError, match="broke before"):
            client.get_users()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_neither_token_nor_secret_goes_where_a_redirect_points(hostile: tuple[Server, Any], status: int) -> None:
    server, client = hostile
    elsewhere = Server()
    to = {"Location": f"http://{elsewhere.host}/collect"}
    server.on("GET /api/v1/users", Reply(status=status, headers=to))
    server.on("PATCH /api/v1/user", Reply(status=status, headers=to))
    for call in (lambda: client.get_users(), lambda: client.update_user("kp_1", is_suspended=True)):
        with pytest.raises(KindeResponseError, match="not followed"):
            call()
    server.on("POST /oauth2/token", Reply(status=status, headers=to))
    with make_client("sync", server, None, max_tries=1) as fresh, pytest.raises(KindeError):
        fresh.get_users()
    assert elsewhere.calls == []
    elsewhere.close()


VALUE = "eyJhbGciOiJSUzI1NiJ9-payload-signature-0123456789"
ECHOES = {
    "request id": Reply({"errors": [{"code": "X"}]}, status=400, headers={"X-Request-Id": f"Bearer {VALUE}"}),
    "request id, cut": Reply({}, status=400, headers={"X-Request-Id": "r" * 100 + VALUE}),
    "code, cut": Reply({"errors": [{"code": "z" * 70 + VALUE}]}, status=400),
    "message, cut": Reply({"errors": [{"code": "X", "message": "z" * 470 + VALUE}]}, status=400),
    "message, cut early": Reply({"errors": [{"code": "X", "message": " " * 1980 + VALUE}]}, status=400),
    "field": Reply({"errors": [{"field": "z" * 80 + VALUE, "message": "m"}]}, status=400),
    "redirect, cut": Reply(status=302, headers={"Location": "http://127.0.0.1:1/" + "p" * 170 + VALUE}),
    "redirect, put together": Reply(status=302, headers={"Location": f"/a{VALUE[:9]}\t{VALUE[9:]}"}),
    "type, cut": Reply(body=b"<a>", headers={"Content-Type": "x" * 30 + VALUE}),
    "title, cut": Reply(body=f"<title>{'q' * 80}{VALUE}</title>".encode(), headers={"Content-Type": "text/html"}),
    "title, cut early": Reply(body=f"<title>{' ' * 180}{VALUE}</title>".encode()),
}


@pytest.mark.parametrize("where", ECHOES)
def test_not_even_the_beginning_of_an_echoed_token_is_quoted(where: str, hostile: tuple[Server, Any]) -> None:
    server, client = hostile
    server.on("POST /oauth2/token", Reply({"access_token": VALUE, "expires_in": 3600}))
    server.on("GET /api/v1/users", ECHOES[where])
    with pytest.raises(KindeError) as caught:
        client.get_users()
    assert VALUE[:9] not in f"{caught.value} {caught.value!r} {caught.value.__dict__}"


def test_numbers_beyond_measure_in_a_refusal_and_in_a_token(hostile: tuple[Server, Any]) -> None:
    server, client = hostile
    server.on("POST /oauth2/token", Reply(body=b'{"access_token": "abcd", "expires_in": 1' + b"0" * 400 + b"}"))
    server.on("GET /api/v1/users", Reply({}, status=429, headers={"RateLimit-Reset": "1e308"}))
    with pytest.raises(KindeError, match="JSON that names no error") as caught:
        client.get_users()
    assert len(str(caught.value)) < 300


def test_an_id_without_measure_is_not_quoted_in_full(hostile: tuple[Server, Any]) -> None:
    _, client = hostile
    with pytest.raises(KindeError) as caught:
        client.delete_organization("a" * 100_000)
    assert len(str(caught.value)) < 1000
