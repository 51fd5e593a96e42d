"""What a plan holds: counts, names, warnings, its moment, its file."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pendulum
import pytest

from airflow_provider_kinde.exceptions import SyncError
from airflow_provider_kinde.sources import make_source
from airflow_provider_kinde.sync import SyncSpec, make_plan
from airflow_provider_kinde.sync.plan.run_request import moment
from tests.support.world import NOW, SPEC, World, people, person

NO_MOMENT = ["12:00", "now", "T12", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "9999-12-31", "P1D", ""]


def test_everybody_who_stays_as_they_are_is_counted(world: World) -> None:
    world.apply(people(6))
    plan = world.plan([person(1, "Other"), *people(6)[1:]])
    assert (plan.summary["update"], plan.summary["unchanged"]) == (1, 5)
    assert world.plan(people(6)).summary["unchanged"] == 6
    assert world.plan(people(6), ids=["2", "3"]).summary["unchanged"] == 2
    rejected = world.plan([person(1, status="??"), *people(6)[1:]])
    assert (rejected.summary["rejected"], rejected.summary["unchanged"]) == (1, 5)
    graced = world.plan([person(1, end="2026-02-27"), *people(6)[1:]], SPEC + "leaver: {grace_days: 9}\n")
    assert (graced.operations, graced.summary["unchanged"]) == ([], 6)


def test_an_operation_names_people_as_hr_does(world: World) -> None:
    world.apply(people(20))
    rows = [person(1, "Ada", "Roe", email="new@example.com"), *people(20)[1:]]
    named = {(operation.kind, operation.who) for operation in world.plan(rows).operations}
    assert named == {("rename", "Ada Roe <new@example.com>"), ("update", "Ada Roe <new@example.com>")}


def test_the_plan_holds_the_warnings_of_the_source(world: World, tmp_path: Path) -> None:
    file = tmp_path / "hr.csv"
    file.write_text("id,email,first,last,dept,status,start,end\n1,p1@example.com,Given1,Doe,Sales,Active,,")
    spec = SyncSpec.parse(SPEC.replace("hr.csv", str(file)))
    plan = make_plan(spec, make_source(spec), world.client, now=NOW)
    assert plan.summary["create"] == 1
    assert [warning.rpartition(": ")[2] for warning in plan.warnings] == ["the last line has no line break"]


def test_without_a_moment_it_is_now(world: World) -> None:
    moment = dt.datetime(2026, 3, 2, 12, tzinfo=dt.timezone.utc)
    assert make_plan(world.spec(), people(1), world.client, now=moment).now == pendulum.parse(NOW)  # type: ignore[arg-type]
    before = pendulum.now("UTC")
    plan = make_plan(world.spec(), people(1), world.client)
    assert before <= plan.now <= pendulum.now("UTC")
    for wrong in ("P1D", "soon"):
        with pytest.raises(SyncError, match="not a moment in ISO 8601"):
            make_plan(world.spec(), people(1), world.client, now=wrong)


def test_an_approval_of_another_plan_is_reported(world: World) -> None:
    world.apply(people(20))
    world.kinde.clear_log()
    report = world.apply(people(20, dept="Other"), approve="0" * 64)
    reasons = [block["reason"] for block in report.to_json()["blocked"]]
    assert any(reason.startswith(f"the approved hash {'0' * 64} is not that of this plan") for reason in reasons)
    assert world.writes() == []


def test_a_plan_for_ids_lists_only_their_rejected_rows(world: World) -> None:
    rows = [person(1, status="??"), person(2, status="??"), person(3)]
    assert [rejected.id for rejected in world.plan(rows, ids=["2", "3"]).rejected] == ["2"]


def test_statuses_are_compared_with_blanks_collapsed(world: World) -> None:
    spec = SPEC.replace("active: [Active]", "active: [Active, 'Leave  of Absence']")
    assert world.plan([person(1, status=" leave of   absence ")], spec).summary["create"] == 1


def test_a_plan_from_the_future_is_refused(world: World) -> None:
    plan = world.plan(people(1), now="2026-03-03T12:00:00Z").to_json()
    with pytest.raises(SyncError, match="future"):
        world.apply(people(1), plan_file=plan)


@pytest.mark.parametrize("text", NO_MOMENT)
def test_an_invalid_moment_is_reported(text: str) -> None:
    with pytest.raises(SyncError, match="not a moment in ISO 8601"):
        moment(text)


def test_a_day_alone_is_a_moment() -> None:
    assert moment("2026-03-02").to_iso8601_string() == "2026-03-02T00:00:00Z"


@pytest.mark.parametrize("created", [None, 5, "nonsense", "9999-12-31T23:59:59-23:59"])
def test_a_plan_file_without_its_moment_is_damaged(world: World, created: object) -> None:
    document = {**world.plan([person(1)]).to_json(), "created_at": created}
    with pytest.raises(SyncError, match=r"not a plan file|not a moment"):
        world.apply([person(1)], plan_file=document)
    assert world.writes() == []
