"""Exceptions that end (`keep` with `until`), and roles that no person may hold together (`conflicts`)."""

from __future__ import annotations

import pytest

from airflow_provider_kinde.exceptions import SpecError
from airflow_provider_kinde.sync import SyncSpec
from tests.support.world import SPEC, World, people, person

KEEP = SPEC + 'keep: [{id: "1", organization: eng, until: 2026-03-09, owner: Ann, reason: ticket 7}]\n'
CONFLICTS = SPEC.replace("dept == 'Sales' }}\"", "dept == 'Sales' }}\"\n    roles: [auditor]") + (
    "conflicts: [[engineer, auditor], [lead, engineer]]\n"
)


def test_a_kept_membership_stays_until_its_last_day(world: World) -> None:
    world.apply([person(1, dept="Eng"), person(2, dept="Eng"), person(3, dept="Eng"), person(4, dept="Eng")])
    moved = [person(1), *(person(n, dept="Eng") for n in (2, 3, 4))]
    assert not world.plan(moved, KEEP, now="2026-03-09T23:00:00Z").summary["remove_membership"]
    assert world.plan(moved, KEEP, now="2026-03-10T00:00:00Z").summary["remove_membership"] == 1


@pytest.mark.parametrize(
    ("day", "words"),
    [
        ("2026-03-01", ""),
        ("2026-03-02", "keep[0] (id 1, eng) ends on 2026-03-09, in 7 days: the rules decide afterwards. Owner: Ann"),
        ("2026-03-09", "ends on 2026-03-09, today"),
        ("2026-03-10", "keep[0] (id 1, eng) ended on 2026-03-09 and keeps nothing any more: remove the entry"),
    ],
)
def test_the_end_is_told_a_week_before(world: World, day: str, words: str) -> None:
    found = [warning for warning in world.plan(people(3), KEEP, now=f"{day}T12:00:00Z").warnings if "keep[" in warning]
    assert [words in warning for warning in found] == ([True] if words else [])


def held(world: World, rows: list[dict[str, object]]) -> dict[str, str]:
    plan = world.plan(rows, CONFLICTS)
    assert not {operation.id for operation in plan.operations} & {one.id for one in plan.held}
    return {one.id: one.reason for one in plan.held}


def test_roles_in_conflict_are_not_given(world: World) -> None:
    two_jobs = CONFLICTS.replace('family_name: "{{ row.last }}"', 'family_name: "{{ row.last }}"\n  rows: all')
    rows = [person(1, dept="Eng"), person(1), *people(9)[1:]]
    plan = world.plan(rows, two_jobs)
    assert {one.id: one.reason for one in plan.held} == {
        "1": "conflicts: engineer in 'eng' and auditor in 'sales' may not be held together: take one away in Kinde, or "
        "correct HR or the rules"
    }
    assert plan.summary["create"] == 8


def test_a_person_who_holds_them_already_is_held(world: World) -> None:
    rows = people(5, dept="Eng")
    world.apply(rows, CONFLICTS)
    assert held(world, rows) == {}
    user = world.users()["p1@example.com"]["id"]
    world.client.update_organization_users(world.code("Engineering"), [{"id": user, "roles": ["engineer", "lead"]}])
    assert "lead in 'eng' and engineer in 'eng'" in held(world, rows)["1"]
    rows[0]["last"] = "Roe"
    assert set(held(world, rows)) == {"1"}


def test_a_change_that_ends_the_conflict_is_made(world: World) -> None:
    rows = people(9, dept="Eng")
    world.apply(rows, CONFLICTS)
    user = world.users()["p1@example.com"]["id"]
    # The membership in Sales goes with the rules, and the role with it.
    world.client.update_organization_users(world.code("Sales"), [{"id": user, "roles": ["auditor"]}])
    plan = world.plan(rows, CONFLICTS)
    assert [(o.id, o.kind, o.alias) for o in plan.operations] == [("1", "remove_membership", "sales")]
    assert not plan.held


def test_a_leaver_with_roles_in_conflict_leaves(world: World) -> None:
    rows = people(9, dept="Eng")
    world.apply(rows, CONFLICTS)
    user = world.users()["p1@example.com"]["id"]
    world.client.update_organization_users(world.code("Engineering"), [{"id": user, "roles": ["engineer", "lead"]}])
    rows[0]["status"] = "Terminated"
    assert [(o.id, o.kind) for o in world.plan(rows, CONFLICTS).operations] == [("1", "suspend")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("conflicts: [[engineer]]\n", "conflicts[0]: two different role keys are expected, found engineer"),
        ("conflicts: [[engineer, engineer]]\n", "two different role keys are expected"),
        ("conflicts: [[a, b, c]]\n", "two different role keys are expected, found a, b, c"),
        ("conflicts: engineer\n", "conflicts"),
        ('keep: [{id: "1", organization: eng, until: soon}]\n', "'soon' is not a day such as 2026-12-31"),
    ],
)
def test_mistakes_are_named(text: str, words: str) -> None:
    with pytest.raises(SpecError) as error:
        SyncSpec.parse(SPEC + text)
    assert words in str(error.value)


def test_a_rule_that_gives_both_is_a_mistake_and_so_is_a_role_that_kinde_lacks(world: World) -> None:
    with pytest.raises(SpecError, match="gives engineer and lead, which conflicts\\[0\\] forbids"):
        SyncSpec.parse(SPEC.replace("[engineer]", "[engineer, lead]") + "conflicts: [[engineer, lead]]\n")
    with pytest.raises(SpecError, match="Kinde has no role with the key 'boss'"):
        world.plan(people(2), SPEC + "conflicts: [[engineer, boss]]\n")


def test_names_of_no_person_in_keep_and_protect_are_told(world: World) -> None:
    world.apply(people(20))
    named = SPEC + "protect: {ids: ['012', '777'], emails: [nobody@example.com]}\n"
    keep = "keep: [{id: '778', organization: eng}, {email: P3@example.com, organization: eng}]\n"
    found = [w for w in world.plan(people(20), named + keep).warnings if " names " in w]
    assert found == [
        "keep[0] names the id 778: no HR row and no account of this sync has it",
        "protect.ids names the id 012: no HR row and no account of this sync has it (did you mean 12?)",
        "protect.ids names the id 777: no HR row and no account of this sync has it",
        "protect.emails names nobody@example.com: no HR row and no account has this address",
    ]
