"""An apply in several places ends as one in one place: the same tenant, the same report, hardly more requests."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TextIO

import pytest

from airflow_provider_kinde.exceptions import SyncError
from airflow_provider_kinde.sync import Plan, Report, SyncSpec, shards
from kinde_emulator import Emulator, Settings
from tests.sync.conftest import SPEC, TENANT, World, people, person

SHARDS = 3
SPEC_WITH_ALL = (
    SPEC.replace("  sales: {name: Sales}", "  sales: {name: Sales}\n  new: {name: New, create: true}").replace(
        "may_be_empty: [start, end]",
        "may_be_empty: [start, end]\nleaver: {delete_after_days: 1}\nguards: {floor: 1000, "
        "max_leavers: 1000, max_membership_removals: 1000, max_role_removals: 1000, max_role_grants: 1000, "
        "max_email_changes: 1000, max_deletes: 1000, max_held: 1000}",
    )
    + """  - organization: new
    when: "{{ row.dept == 'New' }}"
    roles: [lead]
"""
)


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "FEWEST", 1)


def opened(text: str) -> Callable[[], TextIO]:
    return lambda: io.StringIO(text)


def in_shards(
    world: World, plan: Plan, spec: SyncSpec, count: int = SHARDS, again: Sequence[int] = ()
) -> tuple[Report, list[str]]:
    """Prepare, carry out each shard (those in ``again`` twice, from the beginning), settle."""
    prepared = shards.prepare(plan, world.client, count)
    if prepared.report.blocked:
        return prepared.report, []
    head = json.loads(json.dumps(shards.head(prepared, world.client)))
    works = ["".join(shards.work(prepared, number)) for number in range(prepared.shards)]
    results = []
    for number, work in enumerate(works):
        for _ in range(2 if number in again else 1):
            _, lines = shards.carry_out(spec, head, opened(work), world.client)
            result = "".join(lines)
        results.append(result)
    return shards.settle(spec, head, list(map(opened, works)), list(map(opened, results)), world.client), works


def state(world: World) -> dict[str, Any]:
    found = {}
    for email, user in world.users().items():
        provided = str(user["provided_id"] or "").partition("~renaming")[0]
        found[email] = (provided, user["first_name"], user["is_suspended"], world.memberships(email))
    return found


def outcomes(report: Report) -> list[tuple[str, ...]]:
    return sorted((o.id, o.kind, o.alias or "", o.role or "", o.outcome) for o in report.plan.operations)


def days() -> Iterator[list[dict[str, Any]]]:
    """Everything that a day can bring, on several days."""
    yield [person(n, dept=("Eng", "Sales", "")[n % 3]) for n in range(1, 25)]
    second = [person(n, dept=("Sales", "New", "Eng")[n % 3]) for n in range(1, 30)]
    second[0] |= {"email": "moved@example.com"}
    second[1] |= {"first": "Renamed"}
    second[2] |= {"status": "Terminated"}
    second[3] |= {"status": "Terminated"}
    yield second[:-2]
    third = [dict(row) for row in second]
    third[3] |= {"status": "Active"}
    yield third


@pytest.fixture
def worlds() -> Iterator[tuple[World, World]]:
    with Emulator(settings=Settings()) as one, Emulator(settings=Settings()) as other:
        for kinde in (one, other):
            kinde.seed(TENANT)
        first, second = World(one), World(other)
        with first.client, second.client:
            yield first, second


def test_the_same_tenant_and_the_same_report(worlds: tuple[World, World]) -> None:
    alone, divided = worlds
    spec = SyncSpec.parse(SPEC_WITH_ALL)
    for number, rows in enumerate(days()):
        now = f"2026-03-0{2 + 2 * number}T12:00:00Z"
        expected = alone.apply(rows, spec, now=now)
        report, works = in_shards(divided, divided.plan(rows, spec, now=now), spec)
        assert len(works) == SHARDS
        assert (report.outcome, report.plan.summary) == (expected.outcome, expected.plan.summary)
        assert outcomes(report) == outcomes(expected)
        assert state(divided) == state(alone)
        assert report.requests["total"] <= expected.requests["total"] + SHARDS * 3
        divided.settled(rows, spec, now=now)


def test_a_person_is_in_one_shard_whatever_else_there_is(world: World) -> None:
    spec = SyncSpec.parse(SPEC)
    _, works = in_shards(world, world.plan(people(40)), spec)
    ids = [{json.loads(line)[0][0][1] for line in work.splitlines()} for work in works]
    assert sorted(id for shard in ids for id in shard) == sorted(str(n) for n in range(1, 41))
    assert all(shards.shard_of(id, SHARDS) == number for number, shard in enumerate(ids) for id in shard)


def test_a_shard_that_is_run_again_does_nothing_twice(world: World) -> None:
    spec = SyncSpec.parse(SPEC_WITH_ALL)
    rows = list(days())
    in_shards(world, world.plan(rows[0], spec), spec, again=[0, 1, 2])
    assert len(world.users()) == 24
    world.settled(rows[0], spec)
    report, _ = in_shards(world, world.plan(rows[1], spec), spec, again=[0, 1, 2])
    assert report.outcome == "changes"
    assert sum(user["is_suspended"] for user in world.users().values()) == 2
    world.settled(rows[1], spec)


def test_one_that_fails_is_in_the_report_and_the_others_are_done(world: World) -> None:
    spec = SyncSpec.parse(SPEC)
    plan = world.plan(people(20))
    world.kinde.seed({"users": [{"email": "p7@example.com"}]})
    report, _ = in_shards(world, plan, spec)
    assert (report.outcome, report.outcomes["failed"], report.outcomes["skipped"]) == ("failed", 1, 1)
    wrong = [o for o in report.plan.operations if o.outcome == "failed"]
    assert ([o.id for o in wrong], "took this address" in wrong[0].error) == (["7"], True)
    assert len(world.users()) == 20


def test_few_changes_are_one_shard_and_none_are_none(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "FEWEST", 10)
    assert shards.prepare(world.plan(people(25)), world.client, 8).shards == 2
    assert shards.prepare(world.plan(people(3)), world.client, 8).shards == 1
    world.apply(people(3))
    prepared = shards.prepare(world.plan(people(3)), world.client, 8)
    assert (prepared.shards, prepared.report.outcome) == (0, "no changes")


def test_a_blocked_plan_is_not_divided(world: World) -> None:
    world.apply(people(40))
    plan = world.plan(people(40)[:20], SPEC + "absent: suspend\n")
    world.kinde.clear_log()
    prepared = shards.prepare(plan, world.client, 3)
    assert (prepared.shards, prepared.report.outcome, world.writes()) == (0, "blocked", [])


def test_work_for_another_sync_is_refused(world: World) -> None:
    prepared = shards.prepare(world.plan(people(3)), world.client, 1)
    head: Mapping[str, Any] = {**shards.head(prepared, world.client), "host": "other.kinde.com"}
    with pytest.raises(SyncError, match="this work is for"):
        shards.carry_out(SyncSpec.parse(SPEC), head, opened(""), world.client)
