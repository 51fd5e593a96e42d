"""Killed at the n-th write, and HR corrects itself: no person stays locked out, and none keeps a second sign-in."""

from __future__ import annotations

import os
import random
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_kinde.client import KindeClient
from airflow_provider_kinde.sync import apply_plan
from airflow_provider_kinde.sync.repair.undo import make_undo
from kinde_emulator import Emulator
from tests.laws.test_sync_laws import OPEN
from tests.laws.trouble import plain
from tests.support.world import SPEC, TENANT, World, _nap, people, person

SOAK = os.environ.get("KINDE_SOAK") == "1"
SPEC_TEXT = SPEC + OPEN
NOW = "2026-03-02T12:00:00Z"


class Killed(BaseException):
    """The process ended. Nothing in the engine catches this."""


class KilledAt:
    """A transport that ends the process at its n-th write.

    :param straight: the transport that sends.
    :param number: which write; from 1.
    :param worked: whether Kinde still received this write.
    """

    def __init__(self, straight: Any, number: int, worked: bool) -> None:
        self.straight, self.left, self.worked = straight, number, worked
        self._lock = threading.Lock()

    def send(self, request: Any, token: Any) -> Any:
        with self._lock:
            if request.method != "GET" and token is not None:
                self.left -= 1
            if self.left < 0 or (self.left == 0 and request.method != "GET" and not self.worked):
                self.left = -1
                raise Killed
            dies = self.left == 0 and request.method != "GET"
        answer = self.straight.send(request, token)
        if dies:
            self.left = -1
            raise Killed
        return answer

    def close(self) -> None:
        self.straight.close()


@dataclass
class Company:
    """A prepared tenant, and what HR says: as it is, and wrongly for one run."""

    base: Path
    right: list[dict[str, Any]]
    wrong: list[dict[str, Any]]

    @contextmanager
    def tenant(self, port: int = 0) -> Iterator[World]:
        copy = self.base.with_name("copy.db")
        shutil.copy(self.base, copy)
        with Emulator(data=copy, port=port) as kinde:
            world = World(kinde)
            world.client = _client(kinde)
            with world.client:
                yield world


def _client(kinde: Emulator) -> KindeClient:
    return KindeClient(kinde.url, kinde.client_id, kinde.client_secret, sleep=_nap, max_concurrency=1)


@contextmanager
def killed_at(world: World, number: int, worked: bool) -> Iterator[None]:
    """Whatever is done within ends at the n-th write; afterwards the client is a new process's."""
    world.client._transport = KilledAt(world.client._transport, number, worked)  # type: ignore[assignment]
    with pytest.raises(Killed):
        yield
    world.client = _client(world.kinde)


@pytest.fixture
def company(tmp_path: Path) -> Company:
    """A person leaves, gets an address, a department, a name, returns, and one whom security suspended leaves."""
    right = people(12)
    right[3] = person(4, status="Terminated")
    wrong = [dict(row) for row in right]
    wrong[0] = person(1, status="Terminated")
    wrong[1] = person(2, status="Terminated")
    wrong[2] = person(3, email="wrong3@example.com")
    wrong[3] = person(4)
    wrong[4] = person(5, dept="Eng")
    wrong[5] = person(6, last="Roe")
    wrong[6] = person(7, status="Terminated")
    found = Company(tmp_path / "base.db", right, wrong)
    with Emulator(data=found.base) as kinde:
        kinde.seed(TENANT)
        world = World(kinde)
        with world.client:
            world.apply([*right[:3], person(4), *right[4:]], SPEC_TEXT, now=NOW)
            world.apply(right, SPEC_TEXT, now=NOW)
            world.client.update_user(world.users()["p7@example.com"]["id"], is_suspended=True)
            user_id = world.users()["p3@example.com"]["id"]
            world.client.create_user_identity(user_id, type="email", value="own3@example.com")
    return found


def kills(writes: int) -> list[tuple[int, bool]]:
    every = [(number, worked) for number in range(1, writes + 1) for worked in (False, True)]
    return every if SOAK else random.Random(writes).sample(every, 8)


def state_of(world: World) -> dict[str, Any]:
    """The tenant, without whether the mark of the barred account was written."""
    found = plain(world.kinde.state())
    for user in found["users"]:
        if user["email"] == "p7@example.com":
            user["provided_id"] = user["provided_id"].partition("~")[0]
    return found


def test_hr_corrects_itself_after_a_kill(company: Company) -> None:
    with company.tenant() as world:
        before = state_of(world)
        world.kinde.clear_log()
        assert world.apply(company.wrong, SPEC_TEXT, now=NOW).outcome == "changes"
        writes = len(world.writes())
        after = state_of(world)
    assert before != after
    for number, worked in kills(writes):
        with company.tenant() as world:
            with killed_at(world, number, worked):
                world.apply(company.wrong, SPEC_TEXT, now=NOW)
            world.apply(company.right, SPEC_TEXT, now=NOW)
            assert state_of(world) == before, (number, worked)
            assert [held.id for held in world.apply(company.right, SPEC_TEXT, now=NOW).plan.held] == ["7"]
            world.settled(company.right, SPEC_TEXT, now=NOW)


def test_hr_names_a_third_address_after_a_kill(company: Company) -> None:
    wrong = [person(n, email=f"wrong{n}@example.com") for n in (1, 2, 3)] + company.right[3:]
    third = [person(n, email=f"third{n}@example.com") for n in (1, 2, 3)] + company.right[3:]
    for number, worked in kills(15):
        with company.tenant() as world:
            with killed_at(world, number, worked):
                world.apply(wrong, SPEC_TEXT, now=NOW)
            world.apply(third, SPEC_TEXT, now=NOW)
            for n in (1, 2, 3):
                user = world.users()[f"third{n}@example.com"]
                own = ["own3@example.com"] if n == 3 else []
                assert sorted(i["value"] for i in user["identities"]) == [*own, f"third{n}@example.com"]
                assert user["provided_id"] == f"hr:{n}"
            world.settled(third, SPEC_TEXT, now=NOW)


def test_an_undo_that_was_killed_finishes_what_it_began(company: Company) -> None:
    spec = World.spec(None, SPEC_TEXT)  # type: ignore[arg-type]
    with company.tenant() as world:
        report = world.apply(company.wrong, SPEC_TEXT, now=NOW).to_json()
        port = int(world.client.host.rpartition(":")[2])
    shutil.copy(company.base.with_name("copy.db"), company.base)

    def undo(world: World) -> Any:
        return apply_plan(make_undo(spec, world.client, report, now=NOW).plan, world.client)

    with company.tenant(port) as world:
        world.kinde.clear_log()
        assert undo(world).outcome == "changes"
        writes = len(world.writes())
        expected = plain(world.kinde.state())
    for number, worked in kills(writes):
        with company.tenant(port) as world:
            with killed_at(world, number, worked):
                undo(world)
            undo(world)
            assert plain(world.kinde.state()) == expected, (number, worked)
            assert undo(world).outcome == "no changes"
