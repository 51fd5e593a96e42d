"""Users and the members of all organizations are read at the same time, and one error ends all of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from airflow_provider_kinde.client import KindeClient
from airflow_provider_kinde.exceptions import KindeError, SpecError
from airflow_provider_kinde.sync import make_plan
from airflow_provider_kinde.thread_pool import ThreadPool
from kinde_emulator import Settings
from tests.support.world import NOW, SPEC, World, people

SMALL_PAGES = Settings(max_page_size=100, latency=40)


@pytest.fixture
def synced(world: World) -> World:
    """900 users in nine pages, half of them in each organization."""
    users: list[dict[str, Any]] = [
        {
            "email": row["email"],
            "first_name": row["first"],
            "last_name": row["last"],
            "provided_id": f"hr:{row['id']}",
            "memberships": {"Engineering": ["engineer"]} if number % 2 else {"Sales": []},
        }
        for number, row in enumerate(people(900))
    ]
    world.kinde.seed({"users": users})
    world.kinde.clear_log()
    return world


def rows_of_the_synced() -> list[dict[str, str]]:
    return [{**row, "dept": "Eng" if number % 2 else "Sales"} for number, row in enumerate(people(900))]


def spans(world: World, path: str) -> list[tuple[float, float]]:
    """Begin and end of the requests to a path."""
    begun = [(datetime.fromisoformat(e["at"]).timestamp(), e["ms"]) for e in world.reads() if e["path"].endswith(path)]
    return [(at, at + ms / 1000) for at, ms in begun]


@pytest.mark.parametrize("settings", [SMALL_PAGES])
def test_members_are_read_while_users_are_read(synced: World) -> None:
    assert synced.plan(rows_of_the_synced()).outcome == "no changes"
    users = spans(synced, "/v1/users")
    for name in ("Engineering", "Sales"):
        members = spans(synced, f"{synced.code(name)}/users")
        assert members[0][0] < users[-1][0], f"the members of {name} were read after the users"


@pytest.mark.parametrize("settings", [Settings(max_page_size=100, latency=5, concurrency=1)])
def test_a_client_that_may_send_one_request_at_a_time_does(synced: World) -> None:
    with KindeClient(synced.kinde.url, "emulator-client", "emulator-secret", max_concurrency=1) as client:
        plan = make_plan(synced.spec(), rows_of_the_synced(), client, now=NOW)
    assert plan.outcome == "no changes"
    assert [entry["status"] for entry in synced.kinde.log() if entry["status"] == 429] == []


@pytest.mark.parametrize("settings", [SMALL_PAGES])
@pytest.mark.parametrize("broken", ["/v1/users", "users of an organization"])
def test_the_error_of_one_list_ends_the_others(synced: World, broken: str) -> None:
    path = broken if broken.startswith("/") else f"{synced.code('Sales')}/users"
    synced.kinde.fault("GET", f"{path}[?].*page_size=100", status=400, body={"errors": [{"code": "BROKEN_LIST"}]})
    with pytest.raises(KindeError, match="BROKEN_LIST"):
        synced.plan(rows_of_the_synced())
    # A page of 500, which is too large, then pages of 100: five of them are handed on together.
    assert len(spans(synced, "/v1/users")) <= 1 + 5
    assert not any(thread.name.startswith("kinde-pool") for thread in threading.enumerate())


@pytest.mark.parametrize("wrong", [("roles: [engineer]", "roles: [enginer]"), ("{name: Sales}", "{name: Sails}")])
def test_a_wrong_name_in_the_spec_is_told_before_any_long_list_is_read(synced: World, wrong: tuple[str, str]) -> None:
    with pytest.raises(SpecError, match="Kinde has no"):
        synced.plan(people(3), SPEC.replace(*wrong))
    assert {entry["path"] for entry in synced.reads()} <= {"/api/v1/roles", "/api/v1/organizations"}


def test_lists_are_read_ahead_of_the_caller_and_not_further() -> None:
    begun: list[int] = []

    def numbers(first: int) -> Iterator[int]:
        for number in range(first, first + 100):
            begun.append(number)
            yield number

    with ThreadPool(2) as pool:
        parts = pool.read([numbers(0), numbers(1000)], size=5, ahead=4)
        assert len(next(parts)[1]) == 5
        until = time.monotonic() + 5
        while len(begun) < 7 * 5 and time.monotonic() < until:  # one was taken, four wait, one stands at each door
            time.sleep(0.01)
        time.sleep(0.05)
        assert len(begun) == 7 * 5
        rest = list(parts)
    assert sorted(begun) == [*range(100), *range(1000, 1100)]
    assert [part for _, part in rest].count([]) == 2
    assert [n for number, part in rest if number == 1 for n in part][-1] == 1099


def test_no_list_is_read_to_its_end_at_once() -> None:
    with ThreadPool(2) as pool:
        assert list(pool.read([], size=5, ahead=1)) == []


def test_a_caller_that_stops_ends_the_threads() -> None:
    def endless() -> Iterator[int]:
        while True:
            yield 1

    def stops() -> None:
        with ThreadPool(3) as pool:
            for _ in pool.read([endless(), endless(), endless(), [1, 2]], size=10, ahead=3):
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stops()
    assert not any(thread.name.startswith("kinde-pool") for thread in threading.enumerate())


def test_without_a_thread_lists_are_read_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with ThreadPool(8) as pool:
        assert list(pool.read(["abc", "d"], size=2, ahead=1)) == [
            (0, ["a", "b"]),
            (0, ["c"]),
            (0, []),
            (1, ["d"]),
            (1, []),
        ]
