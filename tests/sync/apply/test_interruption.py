"""Ctrl-C, SIGTERM and the end of an Airflow task drop what was not begun, and the report says what was done."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from airflow_provider_kinde.client import KindeClient
from airflow_provider_kinde.sync import Report, SyncSpec
from airflow_provider_kinde.sync.apply.interruption import NOT_BEGUN, UNVERIFIED, finish_if_interrupted
from airflow_provider_kinde.sync.apply.run import apply
from airflow_provider_kinde.sync.plan.run_request import RunRequest
from tests.support.world import NOW, SPEC, World, people, person


class Ended(BaseException):
    """As Airflow raises it in a task that it ends."""


@contextmanager
def ended_when(reached: Callable[[], bool]) -> Iterator[list[float]]:
    """Raise ``Ended`` in the main thread, as a handler of SIGTERM does, once something is reached."""

    def handler(*_: object) -> None:
        raise Ended

    moments: list[float] = []
    over = threading.Event()

    def end() -> None:
        while not reached() and not over.is_set():
            time.sleep(0.005)
        if not over.is_set():
            moments.append(time.monotonic())
            os.kill(os.getpid(), signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, handler)
    killer = threading.Thread(target=end)
    killer.start()
    try:
        yield moments
    finally:
        over.set()
        killer.join()
        signal.signal(signal.SIGTERM, before)


def run(world: World, count: int, client: KindeClient, **columns: str) -> Report:
    return apply(SyncSpec.parse(SPEC), people(count, **columns), client, RunRequest.of(now=NOW))


def done(report: Report, kind: str) -> set[str]:
    return {change.id for change in report.plan.operations.of(kind) if change.outcome == "done"}


def test_changes_that_were_not_begun_are_dropped_at_once_and_reported(world: World) -> None:
    world.kinde.set(latency=30)
    with (
        KindeClient(world.kinde.url, world.kinde.client_id, world.kinde.client_secret, max_concurrency=4) as client,
        ended_when(lambda: len(world.writes()) >= 10) as moments,
    ):
        report = run(world, 200, client)
        took = time.monotonic() - moments[0]
        sent = len(world.writes())
    assert took < 2
    assert isinstance(report.interruption, Ended)
    assert report.outcome == "failed"
    assert report.to_json()["interrupted"] is True
    there = {user["provided_id"].split(":")[1] for user in world.kinde.state()["users"] if user["provided_id"]}
    assert done(report, "create") == there
    assert 10 <= len(there) < 30
    assert {c.error for c in report.plan.operations if c.outcome == "skipped"} == {NOT_BEGUN}
    assert report.requests["write"] == sent
    world.kinde.set(latency=0)
    assert world.apply(people(200)).outcome == "changes"
    world.settled(people(200))


def test_members_that_kinde_took_are_done_though_not_verified(world: World) -> None:
    world.kinde.set(latency=30)

    def patched() -> bool:
        return any(entry["method"] == "PATCH" for entry in world.writes())

    with (
        KindeClient(world.kinde.url, world.kinde.client_id, world.kinde.client_secret, max_concurrency=1) as client,
        ended_when(patched),
    ):
        report = run(world, 5, client, dept="Eng")
    joins = list(report.plan.operations.of("add_role"))
    assert {(change.outcome, change.error) for change in joins} == {("done", UNVERIFIED)}
    world.kinde.set(latency=0)
    world.settled(people(5, dept="Eng"))


def test_a_wait_that_kinde_asked_for_ends_at_once(world: World) -> None:
    world.kinde.fault("POST", "/api/v1/user$", status=429, headers={"Retry-After": "30"}, times=None)
    began = time.monotonic()
    with (
        KindeClient(world.kinde.url, world.kinde.client_id, world.kinde.client_secret) as client,
        ended_when(lambda: len(world.writes()) > 0),
    ):
        report = run(world, 40, client)
    assert time.monotonic() - began < 10
    assert report.outcomes["done"] == 0


def test_an_error_of_the_work_itself_is_raised() -> None:
    def work() -> None:
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        finish_if_interrupted(work, lambda: None)


def test_an_interruption_after_the_last_change_interrupted_nothing(world: World) -> None:
    world.apply(people(20))
    rows = [*people(19), person(20, status="Terminated")]
    stages = []
    arrived = threading.Event()

    def progress(stage: str, done: int, total: int | None) -> None:
        stages.append(stage)
        if stage == "leavers" and done == total and not arrived.is_set():
            arrived.set()
            time.sleep(0.5)  # the interruption comes while the run still looks what else there is

    with ended_when(arrived.is_set) as moments:
        report = world.apply(rows, progress=progress)
    assert (len(moments), isinstance(report.interruption, Ended)) == (1, True)
    assert (report.interrupted, report.outcome, report.outcomes["done"]) == (False, "changes", 1)
    assert "interrupted" not in report.to_json()
    assert stages[-1] == "written"
    World(world.kinde).settled(rows)
