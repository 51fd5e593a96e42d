"""Exceptions that end (`keep` with `until`), and roles that no person may hold together (`conflicts`)."""

from __future__ import annotations

import pytest

from airflow_provider_kinde.exceptions import SpecError
from airflow_provider_kinde.sync import SyncSpec, apply_plan
from airflow_provider_kinde.sync.repair.undo import make_undo
from tests.support.world import NOW, SPEC, World, people, person

KEEP = SPEC + 'keep: [{id: "1", organization: eng, until: 2026-03-09, owner: Ann, reason: ticket 7}]\n'
CONFLICTS = SPEC.replace("dept == 'Sales' }}\"", "dept == 'Sales' }}\"\n    roles: [auditor]") + (
    "conflicts: [[engineer, auditor], [lead, engineer]]\n"
)
WHY = "conflicts: engineer in 'eng' may not be held together with auditor, which stays in 'sales'"


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


def auditor_who_moves(world: World) -> list[dict[str, object]]:
    """Person 1 is an auditor in Sales, and HR moves the person to Engineering, where the role is engineer."""
    rows = people(9)
    world.apply(rows, CONFLICTS)
    return [person(1, dept="Eng"), *rows[1:]]


def refuse(world: World, organization: str) -> None:
    world.kinde.fault("PATCH", f"/organizations/{world.code(organization)}/users", status=403, times=None)


def test_a_role_is_given_after_the_one_in_conflict_is_taken(world: World) -> None:
    rows = auditor_who_moves(world)
    world.kinde.clear_log()
    assert world.apply(rows, CONFLICTS).outcome == "changes"
    sales, eng = (f"/organizations/{world.code(name)}/users" for name in ("Sales", "Engineering"))
    assert [write["path"].removeprefix("/api/v1") for write in world.writes()] == [sales, eng]
    assert world.memberships("p1@example.com") == {"Engineering": ["engineer"]}
    world.settled(rows, CONFLICTS)


def test_a_role_is_not_given_when_the_one_in_conflict_could_not_be_taken(world: World) -> None:
    rows = auditor_who_moves(world)
    refuse(world, "Sales")
    report = world.apply(rows, CONFLICTS)
    found = {o.kind: (o.outcome, o.error) for o in report.plan.operations}
    assert found["remove_membership"][0] == "failed"
    assert found["add_role"] == (
        "skipped",
        f"{WHY}: remove_membership did not succeed",
    )
    assert world.memberships("p1@example.com") == {"Engineering": [], "Sales": ["auditor"]}
    world.kinde.clear_faults()
    world.apply(rows, CONFLICTS)
    assert world.memberships("p1@example.com") == {"Engineering": ["engineer"]}


def test_a_role_in_the_same_organization_waits_as_well(world: World) -> None:
    text = CONFLICTS.replace("dept == 'Eng' }}", "dept == 'Eng' and row.last != 'Lead' }}", 1).replace(
        "conflicts:", "  - {organization: eng, when: \"{{ row.last == 'Lead' }}\", roles: [lead]}\nconflicts:"
    )
    rows = people(9, dept="Eng")
    world.apply(rows, text)
    rows[0]["last"] = "Lead"
    refuse(world, "Engineering")
    world.kinde.fault("DELETE", "/roles/", status=403, times=None)
    world.apply(rows, text)
    assert world.memberships("p1@example.com") == {"Engineering": ["engineer"]}
    world.kinde.clear_faults()
    world.kinde.clear_log()
    world.apply(rows, text)
    assert [write["body"]["users"][0]["roles"] for write in world.writes() if write["method"] == "PATCH"] == [
        [],
        ["lead"],
    ]
    assert world.memberships("p1@example.com") == {"Engineering": ["lead"]}
    world.settled(rows, text)


def test_who_would_get_both_is_held_in_a_run_that_takes_no_role(world: World) -> None:
    rows = auditor_who_moves(world)
    for _ in range(2):
        report = world.apply(rows, CONFLICTS, only=["add_membership", "add_role"])
        assert [(one.id, one.reason) for one in report.plan.held] == [
            (
                "1",
                f"{WHY}: its removal is not among the kinds asked for",
            )
        ]
        assert list(report.plan.operations) == []
    assert world.memberships("p1@example.com") == {"Sales": ["auditor"]}
    plan = world.plan(rows, CONFLICTS, only=["add_membership"])
    assert ([o.kind for o in plan.operations], plan.held) == (["add_membership"], [])


def test_an_approved_plan_gives_no_role_while_one_in_conflict_was_given_since(world: World) -> None:
    rows = [person(1, dept="Eng"), *people(9)[1:]]
    world.apply([person(1, dept=""), *rows[1:]], CONFLICTS)
    approved = world.plan(rows, CONFLICTS).to_json()
    user = world.users()["p1@example.com"]["id"]
    world.client.update_organization_users(world.code("Sales"), [{"id": user, "roles": ["auditor"]}])
    report = world.apply(rows, CONFLICTS, plan_file=approved)
    assert world.memberships("p1@example.com") == {"Engineering": [], "Sales": ["auditor"], "Default Organization": []}
    said = [one.text for one in report.changed_since_plan]
    assert f"waits for something new, not done: add_role 1 eng engineer ({WHY})" in said


@pytest.mark.parametrize("by_hand", [False, True])
def test_an_undo_gives_no_role_while_the_one_in_conflict_stays(world: World, by_hand: bool) -> None:
    rows = auditor_who_moves(world)
    document = world.apply(rows, CONFLICTS).to_json()
    if by_hand:
        user = world.users()["p1@example.com"]["id"]
        world.client.update_organization_users(
            world.code("Engineering"), [{"id": user, "roles": ["engineer", "owner"]}]
        )
    else:
        refuse(world, "Engineering")
    undo = make_undo(world.spec(CONFLICTS), world.client, document, now=NOW)
    apply_plan(undo.plan, world.client, approve=undo.plan.hash)
    assert "auditor" not in world.memberships("p1@example.com").get("Sales", [])
    assert "engineer" in world.memberships("p1@example.com")["Engineering"]
    reasons = [held.reason for held in undo.plan.held] + [o.error for o in undo.plan.operations if o.kind == "add_role"]
    assert [reason.startswith("conflicts: ") for reason in reasons] == [True]


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
