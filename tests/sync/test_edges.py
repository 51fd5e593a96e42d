"""Edges that mutants of the engine showed to be unwatched: each of these fails when one condition is left out."""

from __future__ import annotations

import pytest

from airflow_provider_kinde.emulator import Settings
from tests.sync.conftest import SPEC, World, people, person

LEAVE_DEFAULT = SPEC + "joiner: {leave_default_organization: true}\n"
SITES = SPEC.replace("when: \"{{ row.dept == 'Sales' }}\"", "when: \"{{ row.site == 'X' }}\"")
TITLES = SPEC.replace(
    'family_name: "{{ row.last }}"', 'family_name: "{{ row.last }}"\n  properties: {kp_usr_job_title: "{{ row.dept }}"}'
)


def test_an_account_whose_properties_failed_leaves_the_default_organization_all_the_same(world: World) -> None:
    world.kinde.seed({"properties": ["kp_usr_job_title"]})
    world.kinde.fault("PATCH", "/properties$", status=400)
    spec = TITLES + "joiner: {leave_default_organization: true}\n"
    report = world.apply([person(1, dept="Other")], spec)
    assert (report.outcome, world.memberships("p1@example.com")) == ("failed", {})
    world.apply([person(1, dept="Other")], spec)
    world.settled([person(1, dept="Other")], spec)


def test_a_look_up_that_ignores_the_address_finds_nobody(world: World) -> None:
    """A filter that Kinde does not heed shows strangers: they are neither taken nor in the way."""
    world.kinde.fault("POST", "/api/v1/user$", drop=True)
    stranger = {"users": [{"id": "kp_x", "email": "stranger@example.com", "provided_id": None}]}
    world.kinde.fault("GET", r"/users\?.*email=", status=200, body=stranger, times=None)
    assert world.apply([person(1)]).outcome == "changes"
    assert list(world.users()) == ["p1@example.com"]


def test_unfinished_leavers_count_with_those_of_this_plan(world: World) -> None:
    world.apply(people(20))
    world.kinde.seed({"users": [{"email": f"p{n}@example.com", "is_suspended": True} for n in range(1, 4)]})
    rows = [person(n, status="Terminated") for n in range(1, 7)] + people(20)[6:]
    (block,) = world.plan(rows).blocked
    assert "6 leavers (3 of them unfinished or of today and yesterday), at most 5 of 20" in block.reason
    assert world.plan([*rows[1:], person(1, status="Terminated", email="")], ids=["1"]).blocked == []


def test_deletions_are_no_unfinished_leavers(world: World) -> None:
    spec = SPEC + "leaver: {delete_after_days: 1}\nguards: {max_deletes: 9}\n"
    world.apply(people(40), spec)
    rows = [person(n, status="Terminated") for n in range(1, 4)] + people(40)[3:]
    world.apply(rows, spec)
    later = [person(n, status="Terminated") for n in range(1, 8)] + people(40)[7:]
    plan = world.plan(later, spec, now="2026-03-20T12:00:00Z")
    assert [block.reason.split(":")[0] for block in plan.blocked] == []
    assert (plan.summary["delete"], plan.summary["suspend"]) == (3, 4)


def test_a_doubt_about_one_organization_holds_nobody_for_another(world: World) -> None:
    rows = people(20, site="X", dept="Other")
    world.apply(rows, SITES)
    rows[0] = person(1, site="Y", dept="")
    plan = world.plan(rows, SITES)
    assert (plan.held, [(o.kind, o.alias) for o in plan.operations]) == ([], [("remove_membership", "sales")])


def test_who_has_no_access_yet_and_starts_later_stands_in_nobodys_way(world: World) -> None:
    rows = people(20)
    world.apply(rows)
    rows[0] = person(1, status="Terminated")
    world.apply(rows)
    rows[0] = person(1, email="p2@example.com", start="2027-01-01")
    rows[1] = person(2)
    assert world.plan(rows).held == []


def test_people_whose_rows_share_an_address_are_held_and_named(world: World) -> None:
    rows = [person(1, email="same@example.com"), person(2, email="Same@example.com"), *people(20)[2:]]
    assert [held.id for held in world.plan(rows).held] == ["1", "2"]


@pytest.mark.parametrize("settings", [Settings(), Settings(patch_roles="merge")])
def test_a_removal_that_worked_is_sent_once(world: World) -> None:
    rows = people(20, dept="Eng")
    world.apply(rows)
    rows[0] = person(1, dept="Other")
    world.kinde.clear_log()
    world.apply(rows)
    assert [(e["method"], e["body"]) for e in world.writes()] == [
        ("PATCH", {"users": [{"id": world.users()["p1@example.com"]["id"], "operation": "delete"}]})
    ]
