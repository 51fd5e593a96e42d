"""Of a large company, Kinde is read while HR is still read; of any other, HR is read first."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from airflow_provider_kinde.exceptions import KindeError, SourceError
from airflow_provider_kinde.sync import Plan
from airflow_provider_kinde.sync.model import Row
from airflow_provider_kinde.sync.plan import snapshot_reading
from airflow_provider_kinde.sync.plan.planner import plan_run
from airflow_provider_kinde.sync.plan.run_request import RunRequest
from airflow_provider_kinde.thread_pool import ThreadPool
from tests.support.world import NOW, SPEC, World, people

MANY = 400


@pytest.fixture(autouse=True)
def large_from_400_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot_reading, "MANY_ROWS", MANY)


class Hr:
    """A source that waits before its last row until Kinde is read, and may break there."""

    name, columns, proven = "hr", None, True

    def __init__(self, world: World, count: int, error: BaseException | None = None, incomplete: str = "") -> None:
        self.world, self.rows, self.error, self.wait = world, people(count), error, count > MANY
        self.missing = incomplete
        self.incomplete: list[str] = []
        self.warnings: list[str] = []
        self.read_meanwhile: list[str] = []

    def read(self) -> Hr:
        return self

    def __iter__(self) -> Iterator[Row]:
        for number, row in enumerate(self.rows, 1):
            if number == len(self.rows):
                self.read_meanwhile = self.wait_for_users() if self.wait else paths(self.world)
                if self.error:
                    raise self.error
                self.incomplete = [self.missing] if self.missing else []
            yield Row(number, row)

    def wait_for_users(self) -> list[str]:
        until = time.monotonic() + 10
        while "/api/v1/users" not in paths(self.world) and time.monotonic() < until:
            time.sleep(0.01)
        return paths(self.world)


def paths(world: World) -> list[str]:
    return [entry["path"] for entry in world.reads()]


def no_thread_is_left() -> bool:
    return not any(thread.name.startswith("kinde-pool") for thread in threading.enumerate())


def plan_of(world: World, source: Any, spec: str = SPEC) -> Plan:
    world.kinde.clear_log()
    return plan_run(world.spec(spec), source, world.client, RunRequest.of(now=NOW))


def test_users_of_a_large_company_are_read_before_hr_is_at_its_end(world: World) -> None:
    small = plan_of(world, people(MANY + 100))
    hr = Hr(world, MANY + 100)
    plan = plan_of(world, hr)
    assert "/api/v1/users" in hr.read_meanwhile
    # Beside the users, one organization at a time until HR is read.
    assert sum(path.endswith("/users") and "organizations" in path for path in hr.read_meanwhile) <= 1
    assert len(paths(world)) == len(set(paths(world))) == 5
    assert plan.summary == small.summary
    assert no_thread_is_left()


def test_a_small_source_is_read_to_its_end_first(world: World) -> None:
    hr = Hr(world, MANY - 100)
    plan_of(world, hr)
    assert hr.read_meanwhile == []


@pytest.mark.parametrize(
    "error", [SourceError("the disk is gone"), KeyboardInterrupt()], ids=["broken", "ended by the user"]
)
def test_hr_that_breaks_ends_the_reading_of_kinde(world: World, error: BaseException) -> None:
    with pytest.raises(type(error)):
        plan_of(world, Hr(world, MANY + 100, error))
    assert no_thread_is_left()


def test_hr_that_is_not_whole_blocks_as_ever(world: World) -> None:
    plan = plan_of(world, Hr(world, MANY + 100, incomplete="half of it is missing"))
    assert [block.reason for block in plan.blocked] == ["half of it is missing"]
    assert plan.snapshot is None
    assert no_thread_is_left()


def test_the_error_of_kinde_comes_after_hr(world: World) -> None:
    world.kinde.fault("GET", "/v1/users", status=403, times=None)
    with pytest.raises(KindeError, match="403"):
        plan_of(world, Hr(world, MANY + 100))
    assert no_thread_is_left()


def test_another_tenant_is_not_read(world: World) -> None:
    plan = plan_of(world, people(MANY + 100), SPEC + "tenant: acme.kinde.com\n")
    assert "wrong tenant" in plan.blocked[0].reason
    assert world.kinde.log() == []


def test_without_a_thread_hr_is_read_first(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ThreadPool, "threaded", False)
    hr = Hr(world, MANY + 100)
    hr.wait = False
    assert plan_of(world, hr).summary["create"] == MANY + 100
    assert hr.read_meanwhile == []
