"""What apply reports: what was done, what was refused, how far it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pendulum
import pytest

from airflow_provider_kinde.resources.members import UNSEEN
from airflow_provider_kinde.sync import Report
from airflow_provider_kinde.sync.apply import stages
from airflow_provider_kinde.sync.apply.stages import Run
from airflow_provider_kinde.sync.plan import matching as joined
from airflow_provider_kinde.sync.plan.matching import Matches
from airflow_provider_kinde.thread_pool import ThreadPool
from tests.support.world import NOW, SPEC, World, people, person

TITLES = SPEC.replace("employment:", '  properties: {kp_usr_job_title: "{{ row.dept }}"}\nemployment:')


MEMBERS = "/organizations/[^/]+/users$"


def outcomes(report: Report) -> set[tuple[str, str]]:
    return {(operation.kind, operation.outcome) for operation in report.plan.operations}


LEADS = SPEC.replace(
    "roles: [engineer]",
    """roles: [engineer]
  - organization: eng
    when: "{{ row.dept == 'Lead' }}"
    roles: [lead]""",
)


def test_both_things_that_went_wrong_are_told(world: World) -> None:
    world.kinde.seed({"properties": ["kp_usr_job_title"]})
    world.kinde.fault("PATCH", "/properties$", status=400, times=None)
    world.kinde.fault("DELETE", "/organizations/", status=400, times=None)
    world.kinde.fault("PATCH", "/organizations/[^/]+/users", status=400, times=None)
    report = world.apply([person(1, dept="Other")], TITLES + "joiner: {leave_default_organization: true}\n")
    (create,) = report.plan.operations
    assert create.outcome == "failed"
    first, _, second = create.error.partition("; ")
    assert "/properties" in first
    assert second.startswith("created, but still in the default organization")
    assert UNSEEN not in second


def test_refused_credentials_end_the_run_instead_of_failing_for_everybody(world: World) -> None:
    world.kinde.fault("POST", "^/api/v1/user$", status=401, times=None)
    report = world.apply(people(60))
    creates = [operation for operation in report.plan.operations if operation.kind == "create"]
    failed = [operation for operation in creates if operation.outcome == "failed"]
    skipped = [operation for operation in creates if operation.outcome == "skipped"]
    # Those that were under way at the same time fail as well.
    assert 1 <= len(failed) <= world.client.max_concurrency
    assert len(failed) + len(skipped) == 60
    assert all(operation.error.startswith("Kinde refused the credentials") for operation in skipped)


def test_a_change_that_kinde_accepts_and_ignores_is_reported(world: World) -> None:
    world.apply(people(20))
    world.kinde.fault("PATCH", MEMBERS, status=200, body='{"code": "OK"}', times=None)
    report = world.apply([person(1, dept="Eng"), *people(20)[1:]])
    assert outcomes(report) == {
        ("add_membership", "failed"), ("add_role", "failed"), ("remove_membership", "failed")
    }  # fmt: skip
    assert {operation.error for operation in report.plan.operations} == {UNSEEN}


def test_a_change_that_kinde_ignored_is_sent_once_more(world: World) -> None:
    rows = [person(number, dept="Eng") for number in range(1, 21)]
    world.apply(rows, LEADS)
    world.kinde.fault("PATCH", MEMBERS, status=200, body='{"code": "OK"}', times=1)
    more = LEADS.replace("roles: [engineer]", "roles: [engineer, lead]") + "guards: {max_role_grants: 20}\n"
    assert outcomes(world.apply(rows, more)) == {("add_role", "done")}


def test_every_stage_tells_how_far_it_is(world: World) -> None:
    told: dict[str, tuple[int, int | None]] = {}

    def progress(stage: str, done: int, total: int | None) -> None:
        told[stage] = done, total

    new = SPEC.replace("eng: {name: Engineering}", "eng: {name: Laboratory, create: true}")
    world.apply([person(1, dept="Eng"), person(2)], new, progress=progress)
    assert told["organizations"] == (1, 1)
    assert told["people"][0] == told["people"][1]
    assert told["memberships"] == (2, 2)


def test_a_change_with_an_outcome_is_not_repeated(world: World) -> None:
    plan = world.plan(people(3))
    found = list(plan.operations)
    for operation in found:
        operation.outcome = "done"
    plan.operations.save(found)
    with Run(plan, world.client) as run:
        run.people()
        run.rest()
    assert world.writes() == []


def test_outcomes_are_kept_while_a_large_plan_is_applied(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "_SAVED", 2)
    report = world.apply(people(7))
    assert [operation.outcome for operation in report.plan.operations] == ["done"] * 14


def test_of_many_people_few_are_under_way_at_a_time() -> None:
    begun: list[int] = []

    def groups() -> Iterator[Any]:
        for number in range(1000):
            begun.append(number)
            yield [number]

    with ThreadPool(1) as pool:
        results = stages._side_by_side(pool, lambda group: group, groups())
        assert next(results) == [0]
        assert len(begun) == 9
        assert [group for (group,) in results] == list(range(1, 1000))


@pytest.mark.parametrize("many", [0, 1, 20_000])
def test_members_and_holders_are_counted_whole(world: World, monkeypatch: pytest.MonkeyPatch, many: int) -> None:
    monkeypatch.setattr(joined, "_MANY", many)
    world.apply([person(number, dept="Eng" if number < 4 else "Sales") for number in range(1, 10)])
    plan = world.plan(people(9))
    assert plan.snapshot is not None
    pairs = Matches(plan.spec, plan.snapshot, lambda account: True, pendulum.parse(NOW))
    assert [pair.listed for pair in pairs] == [True] * 9
    counts = pairs.counts
    assert (counts.members, counts.holders) == ({"eng": 3, "sales": 6}, {"engineer": 3})
    assert (counts.managed, counts.with_access, counts.settled, counts.dropped) == (9, 9, 9, 0)


def test_a_refusal_is_told_in_the_words_of_kinde(world: World) -> None:
    world.kinde.fault("POST", "^/api/v1/user$", status=400, times=None)
    (create,) = world.apply([person(1, dept="Other")]).plan.operations
    assert create.error.startswith("POST /api/v1/user: ")


def test_of_a_stage_without_work_nothing_is_told(world: World) -> None:
    told: set[str] = set()
    world.apply(people(2), progress=lambda stage, done, total: told.add(stage))
    assert told >= {"people", "memberships"}
    assert not told & {"organizations", "leavers", "enabling", "deleting"}


def test_an_answer_of_an_unforeseen_form_fails_one_operation(world: World) -> None:
    world.kinde.fault("POST", "/api/v1/user$", match="p2@example", status=200, body={"id": "kp_1", "identities": 7})
    report = world.apply(people(3))
    outcomes = {o.id: o.outcome for o in report.plan.operations if o.kind == "create"}
    assert outcomes == {"1": "done", "2": "failed", "3": "done"}
    assert "a list is expected" in next(o.error for o in report.plan.operations if o.outcome == "failed")


def test_an_update_that_rides_on_a_failed_enabling_is_skipped(world: World) -> None:
    rows = people(20, dept="Eng")
    world.apply(rows)
    world.apply([person(1, dept="Eng", status="Terminated"), *rows[1:]])
    world.kinde.fault("PATCH", "/users$", status=400, times=None)
    report = world.apply([person(1, "New"), *rows[1:]])
    assert {o.kind: o.outcome for o in report.plan.operations}["update"] == "skipped"


def test_long_work_is_told_now_and_then(world: World) -> None:
    told: list[tuple[str, int, int | None]] = []
    world.apply(people(60), progress=lambda *stage: told.append(stage))
    assert [stage for stage in told if stage[0] == "people"] == [("people", 50, 60), ("people", 60, 60)]
