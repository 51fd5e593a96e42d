"""Accounts of the onboarding form that no HR row has adopted."""

from __future__ import annotations

import pytest

from airflow_provider_kinde.sync.report.text import report_text
from tests.support.world import SPEC, World, people, person

SUSPEND = SPEC + "joiner: {onboarded_action: suspend}\n"


def onboarded(world: World, day: str = "2026-02-01", **more: object) -> str:
    """The form made an account for Nina New, in Sales; its Kinde id."""
    made = {"email": "nina@example.com", "first_name": "Nina", "last_name": "New"}
    made |= {"provided_id": f"hr~onboarded:{day}", "memberships": {"Sales": []}, **more}
    world.kinde.seed({"users": [made]})
    return str(world.users()[str(made["email"])]["id"])


def test_an_account_that_no_row_adopts_is_listed_in_every_plan_and_report(world: World) -> None:
    world.apply(people(20))
    id = onboarded(world, "2026-02-17")
    onboarded(world, "2026-02-16", email="older@example.com", last_name="Older")
    for options in ({}, {"ids": ["1"]}, {"only": ["create"]}):
        plan = world.plan(people(20), **options)
        (line,) = plan.warnings
        assert "older@example.com) on 2026-02-16, and no HR row has its address since" in line
    report = world.apply(people(20), now="2026-03-03T12:00:00Z")
    assert report.outcome == "no changes"
    assert len(report.to_json()["warnings"]) == 2
    assert f"{id} (nina@example.com) on 2026-02-17, and no HR row" in report_text(report)
    assert not world.users()["nina@example.com"]["is_suspended"]
    assert world.plan(people(20), SPEC + "joiner: {onboarded_days: 30}\n").warnings == []


def test_an_account_that_no_row_adopts_is_suspended_if_the_spec_says_so(world: World) -> None:
    world.apply(people(20))
    onboarded(world, "2026-02-10")
    onboarded(world, "2026-03-01", email="young@example.com", last_name="Young")
    assert world.plan(people(20), SUSPEND, ids=["1"]).operations == []
    report = world.apply(people(20), SUSPEND)
    assert (report.outcome, report.outcomes["done"]) == ("changes", 1)
    user = world.users()["nina@example.com"]
    assert (user["is_suspended"], user["provided_id"]) == (True, "hr~onboarded:2026-02-10")
    assert world.memberships("nina@example.com") == {"Sales": []}
    assert not world.users()["young@example.com"]["is_suspended"]
    world.settled(people(20), SUSPEND)
    # A row that comes late does not enable it: a person decides.
    late = [*people(20), person(21, "Nina", "New", email="nina@example.com")]
    assert "suspended: not adopted" in world.plan(late, SUSPEND).held[0].reason


def test_accounts_made_on_one_day_are_two_people(world: World) -> None:
    world.apply(people(20))
    ids = [onboarded(world), onboarded(world, email="other@example.com", last_name="Other")]
    plan = world.plan(people(20), SUSPEND)
    assert sorted(o.id for o in plan.operations) == sorted(f"onboarded:2026-02-01:{id}" for id in ids)
    assert len({o.digest for o in plan.operations}) == 2
    assert world.apply(people(20), SUSPEND, approve=plan.hash).outcomes["done"] == 2


def test_many_accounts_that_no_row_adopts_are_stopped_by_the_guard_on_leavers(world: World) -> None:
    world.apply(people(20))
    for number in range(6):
        onboarded(world, email=f"n{number}@example.com", last_name=f"New{number}")
    report = world.apply(people(20), SUSPEND)
    assert report.outcome == "blocked"
    assert "max_leavers (10%): 6 people" in str(report.blocked[0]["reason"])


def test_a_new_row_with_the_name_of_an_account_is_held_with_it(world: World) -> None:
    world.apply(people(20))
    id = onboarded(world, "2026-03-01")
    rows = [*people(20), person(21, "NINA", "New", email="nina.new@example.com")]
    for spec in (SPEC, SUSPEND + "# the account is old\n"):
        plan = world.plan(rows, spec, now="2026-03-20T12:00:00Z")
        assert [held.id for held in plan.held] == ["21", f"onboarded:2026-03-01:{id}"]
        assert plan.operations == []
        assert "if it is one person, correct the address in HR or in Kinde" in plan.held[0].reason
    rows[-1]["email"] = "nina@example.com"
    report = world.apply(rows)
    assert (report.outcomes["done"], report.plan.held) == (report.plan.summary["adopt"], [])
    world.settled(rows)


def test_an_account_that_was_offboarded_holds_a_new_row_with_its_name(world: World) -> None:
    world.apply(people(20))
    onboarded(world, "2026-03-01", is_suspended=True)
    rows = [*people(20), person(21, "Nina", "New", email="nina.new@example.com")]
    assert world.plan(rows).held[0].id == "21"
    assert world.plan(people(20), now="2026-03-20T12:00:00Z").warnings == []


def test_an_account_whose_namesake_left_is_listed_at_once(world: World) -> None:
    world.apply(people(20))
    onboarded(world, "2026-03-01")
    rows = [*people(20), person(21, "Nina", "New", email="nina.new@example.com", status="Terminated")]
    plan = world.plan(rows)
    assert (plan.operations, plan.held) == ([], [])
    assert "the row of 21, who left, has the same name and another address" in plan.warnings[0]


@pytest.mark.parametrize(
    ("row", "more"),
    [
        (person(21, "Nina", "New", email="nina@example.com", status="Odd"), {}),
        (person(21, "Nina", "New", email="no address", status="Active"), {}),
        (person(21, "Nina", "New", email="nina@example.com", start="2027-01-01"), {}),
        (person("", "Ann", "Other"), {}),
        (None, {"memberships": {"Sales": ["owner"]}}),
    ],
    ids=["its row is rejected", "a rejected row has its name", "its row starts later", "absence unknown", "protected"],
)
def test_an_account_is_not_suspended_in_doubt(
    world: World, row: dict[str, object] | None, more: dict[str, object]
) -> None:
    world.apply(people(20))
    onboarded(world, **more)
    plan = world.plan([*people(20), *([row] if row else [])], SUSPEND)
    assert plan.operations == []
    assert any("nina@example.com" in warning for warning in plan.warnings)
