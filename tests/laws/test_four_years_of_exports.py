"""Years of HR exports, replayed at fixed moments: after each run Kinde is what the rules say, nothing else moved."""

from __future__ import annotations

import os
from datetime import date
from typing import Any

import pytest

from airflow_provider_kinde.sync import SyncSpec
from tests.support.hr_history import SPEC, TENANT, Company, Known, Oracle, moments
from tests.support.world import World

SOAK = bool(os.environ.get("KINDE_SOAK"))
SEEDS = range(1, 9) if SOAK else (1,)
MONTHS = 120 if SOAK else 48
START = date(2022, 1, 3)


def managed(state: dict[str, Any]) -> dict[str, Known]:
    """What Kinde holds of this sync's people, by HR id."""
    names = {organization["code"]: organization["name"] for organization in state["organizations"]}
    found = {}
    for user in state["users"]:
        link = user["provided_id"] or ""
        if link.startswith("years:"):
            id, _, left = link.removeprefix("years:").partition("~left=")
            memberships = {names[code]: set(roles) for code, roles in user["memberships"].items()}
            memberships.pop("Default Organization", None)
            name = (user["first_name"], user["last_name"])
            day = date.fromisoformat(left) if left else None
            found[id] = Known(user["email"].lower(), name, memberships, not user["is_suspended"], day)
    return found


def strangers(state: dict[str, Any]) -> list[dict[str, Any]]:
    return [user for user in state["users"] if not (user["provided_id"] or "").startswith("years:")]


@pytest.mark.parametrize("seed", SEEDS)
def test_after_each_run_of_four_years_kinde_is_what_the_rules_say(world: World, seed: int) -> None:
    world.kinde.seed(TENANT)
    untouched = strangers(world.kinde.state())
    spec, oracle, company = SyncSpec.parse(SPEC), Oracle(), Company(seed, START, 22)
    seen: set[str] = set()
    for step, (now, days) in enumerate(moments(seed, START, MONTHS)):
        company.live(now.date(), days)
        if step % 25 == 13:
            company.lay_off(0.3)
        rows = company.export()
        oracle.run(rows, now)
        at = now.isoformat()
        world.kinde.clear_log()
        report = world.apply(rows, spec, now=at)
        assert {str(block["reason"]).split()[0] for block in report.blocked} == oracle.trips, at
        if oracle.trips:
            assert world.writes() == []
            report = world.apply(rows, spec, now=at, approve=report.plan.hash)
        assert report.outcome in ("changes", "no changes"), (at, report.plan.blocked)
        assert {held.id for held in report.plan.held} == oracle.held, at
        state = world.kinde.state()
        assert managed(state) == oracle.people, at
        assert strangers(state) == untouched, at
        seen |= {operation.kind for operation in report.plan.operations} | oracle.trips
        seen |= {"held"} if report.plan.held else set()
        seen |= {"rejected"} if report.plan.rejected else set()
        if step % 12 == 0:
            world.settled(rows, spec, now=at)
    assert seen >= {
        "create", "update", "rename", "enable", "suspend", "delete", "add_membership", "remove_membership", "add_role",
        "remove_role", "held", "rejected", "max_leavers",
    }  # fmt: skip
