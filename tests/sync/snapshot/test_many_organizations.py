"""Hundreds of organizations, matched by the beginning of their external_id, with a few members each."""

from __future__ import annotations

from datetime import datetime

import pytest

from airflow_provider_kinde.exceptions import KindeError
from airflow_provider_kinde.sync.apply.stages import apply_plan
from kinde_emulator import Settings
from tests.laws.test_sync_laws import OPEN
from tests.support.world import SPEC, World, person

COUNT = 300
MANY = (
    SPEC.partition("organizations:")[0]
    + """
organizations: {match: external_id, prefix: "hr-"}
memberships:
  - organization: "hr-{{ row.dept }}"
    roles: [engineer]
"""
    + OPEN
)


@pytest.fixture
def units(world: World) -> World:
    named = [{"name": f"Unit {n}", "external_id": f"hr-{n}"} for n in range(COUNT)]
    world.kinde.seed({"organizations": [*named, {"name": "Other", "external_id": "crm-1"}]})
    return world


def test_each_is_read_once_and_written_once(units: World) -> None:
    """The requests are those of the formula, as few as can be; progress is told of users, then of organizations."""
    rows = [person(n, dept=str(n)) for n in range(COUNT)]
    seeded = [
        {
            "email": row["email"],
            "first_name": row["first"],
            "last_name": row["last"],
            "provided_id": f"hr:{row['id']}",
            "memberships": {f"Unit {row['id']}": ["engineer"]},
        }
        for row in rows
    ]
    units.kinde.seed({"users": seeded})
    units.settled(rows, MANY)
    rows = [{**row, "dept": str((n + (n % 10 == 0)) % COUNT)} for n, row in enumerate(rows)]
    units.kinde.clear_log()
    told: list[tuple[str, int, int | None]] = []
    plan = units.plan(rows, MANY, progress=lambda *call: told.append(call))
    # One page of users, roles and organizations each; every organization's members.
    assert len(units.reads()) == COUNT + 3
    assert len({entry["path"] for entry in units.reads()}) == COUNT + 3
    assert told[-1] == ("reading organizations", COUNT, COUNT)
    stages = [stage for stage, _, _ in told if stage in ("reading users", "reading organizations")]
    assert stages == sorted(stages, reverse=True)  # not one and the other by turns
    counts = [done for stage, done, _ in told if stage == "reading organizations"]
    assert counts == sorted(counts)
    assert set(counts) >= set(range(counts[0], COUNT + 1))
    moved = COUNT // 10
    assert plan.summary["remove_membership"] == plan.summary["add_membership"] == moved
    units.kinde.clear_log()
    report = apply_plan(plan, units.client)
    assert report.outcomes["done"] == 3 * moved
    assert (len(units.writes()), len(units.reads())) == (2 * moved, 2 * moved)
    assert units.memberships("p10@example.com") == {"Unit 11": ["engineer"]}
    units.settled(rows, MANY)


@pytest.mark.parametrize("settings", [Settings(latency=30)])
def test_side_by_side(units: World) -> None:
    units.kinde.clear_log()
    units.plan([person(1, dept="1")], MANY)
    taken = [entry["ms"] / 1000 for entry in units.reads()]
    began = [datetime.fromisoformat(entry["at"]).timestamp() for entry in units.reads()]
    assert sum(taken) > 3 * (max(began) - min(began))


def test_one_that_cannot_be_read_stops_the_run_and_the_others_with_it(units: World) -> None:
    code = units.code("Unit 0")  # the first in Kinde's list
    units.kinde.fault("GET", f"{code}/users", status=400, times=None)
    with pytest.raises(KindeError, match="400"):
        units.apply([person(1, dept="1")], MANY)
    assert units.writes() == []
    assert len(units.reads()) < COUNT


def test_one_that_cannot_be_written_fails_alone(units: World) -> None:
    rows = [person(n, dept="None") for n in range(20)]
    assert (
        units.apply(
            rows, MANY.replace("  - organization", "  - when: \"{{ row.dept != 'None' }}\"\n    organization")
        ).failed
        == 0
    )
    code = units.code("Unit 7")
    units.kinde.fault("PATCH", f"{code}/users", status=400, times=None)
    report = units.apply([{**row, "dept": row["id"]} for row in rows], MANY)
    assert {o.alias for o in report.plan.operations if o.outcome == "failed"} == {"hr-7"}
    assert report.outcomes["failed"] == 2
    assert report.outcomes["done"] == 38
