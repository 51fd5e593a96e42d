"""Edges that mutants of the engine showed to be unwatched: each of these fails when one condition is left out."""

from __future__ import annotations

import pytest

from airflow_provider_kinde.emulator import Settings
from airflow_provider_kinde.sync import apply_plan
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


def test_an_organization_made_since_the_plan_is_used(world: World) -> None:
    spec = SPEC.replace("{name: Sales}", "{name: Field, create: true}")
    plan = world.plan([person(1)], spec)
    world.kinde.seed({"organizations": [{"name": "Field"}]})
    assert apply_plan(plan, world.client).outcome == "changes"
    assert [o["name"] for o in world.kinde.state()["organizations"]].count("Field") == 1
    assert world.memberships("p1@example.com") == {"Field": []}


def test_an_organization_that_is_created_and_not_listed_fails(world: World) -> None:
    spec = SPEC.replace("{name: Sales}", "{name: Field, create: true}")
    world.kinde.fault("POST", "/api/v1/organization$", status=200, body={"organization": {"code": "org_x"}})
    report = world.apply([person(1)], spec)
    assert "lists no such organization" in report.plan.operations[0].error


def test_hr_takes_an_address_change_back_before_it_began(world: World) -> None:
    rows = people(20)
    world.apply(rows)
    world.kinde.fault("POST", "/identities$", status=400)
    world.apply([person(1, email="new@example.com"), *rows[1:]])
    world.kinde.clear_log()
    world.apply(rows)
    (write,) = world.writes()
    assert write["body"] == {"provided_id": "hr:1"}
    assert [i["value"] for i in world.users()["p1@example.com"]["identities"]] == ["p1@example.com"]


def test_an_account_without_an_address_is_given_one_and_no_mark_is_left(world: World) -> None:
    rows = people(20)
    world.apply(rows[1:])
    world.kinde.seed({"users": [{"provided_id": "hr:1", "first_name": "Given1", "last_name": "Doe"}]})
    world.kinde.clear_log()
    world.apply(rows)
    assert world.users()["p1@example.com"]["provided_id"] == "hr:1"
    assert not [entry for entry in world.writes() if "renaming" in str(entry["body"])]
    world.settled(rows)


@pytest.mark.parametrize(
    ("columns", "words"),
    [({"status": "Terminated"}, "1, who left"), ({"status": "??"}, "1, who has access"), (None, "1, who left")],
)
def test_whose_account_an_address_is_still_on(world: World, columns: dict[str, str] | None, words: str) -> None:
    world.apply(people(20))
    first = [] if columns is None else [person(1, email="other@example.com", **columns)]
    rows = [*first, *people(20)[1:], person(99, "New", "Comer", email="p1@example.com")]
    (held,) = (held for held in world.plan(rows).held if held.id == "99")
    assert words in held.reason
    uncertain = [*rows[len(first) :], person("", email="x@example.com")]
    (held,) = (held for held in world.plan(uncertain).held if held.id == "99")
    assert "1, whom no row holds" in held.reason


def test_a_reason_names_the_rules_of_that_organization_alone(world: World) -> None:
    spec = SPEC + "  - {organization: eng, when: \"{{ row.last == 'Doe' }}\"}\n"
    reasons = {o.alias: o.reason for o in world.plan([person(1)], spec).operations if o.kind == "add_membership"}
    assert reasons == {"eng": "given by memberships[2] (line 26)", "sales": "given by memberships[1] (line 24)"}


def test_long_work_is_told_now_and_then(world: World) -> None:
    told: list[tuple[str, int, int | None]] = []
    world.apply(people(60), progress=lambda *stage: told.append(stage))
    assert [stage for stage in told if stage[0] == "people"] == [("people", 50, 60), ("people", 60, 60)]
