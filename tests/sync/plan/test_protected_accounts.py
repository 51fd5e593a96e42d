"""What HR's rows alone never do to a protected account: rename it, adopt it, or take its protected role."""

from __future__ import annotations

import pytest

from airflow_provider_kinde.exceptions import SpecError
from airflow_provider_kinde.sync import Plan
from airflow_provider_kinde.sync.report.headline import headline
from airflow_provider_kinde.sync.report.overview import categories
from airflow_provider_kinde.sync.report.text import plan_text
from tests.support.world import SPEC, World, people, person

RENAMED = [person(1, email="new@example.com"), *people(20)[1:]]


def kinds(plan: Plan) -> set[str]:
    return {operation.kind for operation in plan.operations}


def held(plan: Plan) -> dict[str, tuple[str, bool]]:
    return {held.id: (held.reason, held.protected) for held in plan.held}


def give(world: World, organization: str, role: str) -> None:
    """As an administrator gives the first person a role in an organization."""
    world.kinde.seed({"users": [{"email": "p1@example.com", "memberships": {organization: [role]}}]})


@pytest.mark.parametrize("organization", ["Sales", "Press"], ids=["managed", "not managed"])
def test_the_account_of_an_owner_is_not_renamed_without_approval(world: World, organization: str) -> None:
    world.kinde.seed({"organizations": [{"name": "Press"}]})
    world.apply(people(20))
    give(world, organization, "owner")
    report = world.apply([*RENAMED, person(21)])
    reason = "HR has another address, but protected: change the address by hand or approve with --approve-protected 1"
    assert (report.outcome, held(report.plan)) == ("failed", {"1": (reason, True)})
    assert {"p1@example.com", "p21@example.com"} < set(world.users())
    assert world.apply(RENAMED, ids=["1"], approve_protected=["1"]).outcome == "changes"
    assert "new@example.com" in world.users()


def test_other_roles_in_other_organizations_hold_no_person(world: World) -> None:
    world.kinde.seed({"organizations": [{"name": "Press"}]})
    world.apply(people(20))
    give(world, "Press", "auditor")
    assert kinds(world.plan(RENAMED)) == {"rename"}


@pytest.mark.parametrize("case", ["protect.emails", "owner of a managed one", "owner elsewhere"])
def test_an_unmanaged_account_with_rights_is_not_adopted_without_approval(world: World, case: str) -> None:
    world.kinde.seed({"organizations": [{"name": "Press"}]})
    memberships = {"owner of a managed one": {"Engineering": ["owner"]}, "owner elsewhere": {"Press": ["owner"]}}
    boss = {"email": "p1@example.com", "memberships": memberships.get(case, {})}
    world.kinde.seed({"users": [boss]})
    spec = SPEC + ("protect: {emails: [P1@example.com]}\n" if case == "protect.emails" else "")
    plan = world.plan(people(2), spec)
    reason = "a Kinde account has this address, but protected: adopt it by hand or approve with --approve-protected 1"
    taken = "membership in 'eng' with owner" if case == "owner of a managed one" else "no access away"
    assert held(plan) == {"1": (f"{reason} (approval adopts it and takes {taken})", True)}
    assert kinds(plan) == {"create", "add_membership"}
    approved = world.apply(people(2), spec, approve_protected=["1"])
    assert approved.plan.summary["adopt"] == 1


def test_the_hold_of_an_adoption_names_all_that_its_approval_takes(world: World) -> None:
    boss = {"email": "p1@example.com", "memberships": {"Engineering": ["admin", "lead"], "Sales": ["auditor"]}}
    world.kinde.seed({"users": [boss]})
    spec = SPEC + "retired: {roles: [auditor]}\n"
    (reason, _) = held(world.plan(people(2), spec))["1"]
    taken = "membership in 'eng' with admin, lead; auditor in 'sales'"
    assert reason.endswith(f"--approve-protected 1 (approval adopts it and takes {taken})")
    world.apply(people(2), spec, approve_protected=["1"])
    assert world.memberships("p1@example.com") == {"Sales": []}


def test_a_protected_role_is_not_lost_with_a_membership(world: World) -> None:
    world.apply(people(20))
    give(world, "Sales", "admin")
    rows = [person(1, dept="Eng"), *people(20)[1:]]
    plan = world.plan(rows)
    reason = "admin in 'sales' would be taken away, but protected: take it away by hand"
    assert held(plan) == {"1": (f"{reason} or approve with --approve-protected 1", True)}
    assert plan.operations == []
    world.apply(rows, approve_protected=["1"])
    assert world.memberships("p1@example.com") == {"Engineering": ["engineer"]}


def test_a_retired_protected_role_is_not_taken_without_approval(world: World) -> None:
    world.apply(people(20))
    give(world, "Sales", "admin")
    spec = SPEC + "retired: {roles: [admin]}\n"
    assert "admin in 'sales' would be taken away" in held(world.plan(people(20), spec))["1"][0]
    assert kinds(world.plan(people(20), spec, approve_protected=["1"])) == {"remove_role"}


def test_an_account_protected_by_address_is_renamed_once_the_spec_names_the_new_one(world: World) -> None:
    world.apply(people(20))
    spec = SPEC + "protect: {emails: [p1@example.com]}\n"
    plan = world.plan(RENAMED, spec, approve_protected=["1"])
    reason, protected = held(plan)["1"]
    assert (protected, plan.operations) == (True, [])
    assert "protect.emails names the present one: add new@example.com to it first" in reason
    both = SPEC + "protect: {emails: [p1@example.com, new@example.com]}\n"
    assert "--approve-protected 1" in held(world.plan(RENAMED, both))["1"][0]
    world.apply(RENAMED, both, approve_protected=["1"])
    left = [person(1, email="new@example.com", status="Terminated"), *people(20)[1:]]
    assert held(world.plan(left, both))["1"][1]


def test_a_kept_membership_stays_through_a_rename(world: World) -> None:
    world.apply([person(1, dept="Eng"), *people(20)[1:]])
    spec = SPEC + "keep: [{email: p1@example.com, organization: eng}]\n"
    plan = world.plan(RENAMED, spec)
    assert plan.operations == []
    assert "keep names the present one for 'eng': add new@example.com to it first" in held(plan)["1"][0]
    by_id = SPEC + "keep: [{id: 1, organization: eng}]\n"
    world.apply(RENAMED, by_id)
    assert world.memberships("new@example.com") == {"Engineering": ["engineer"], "Sales": []}
    world.settled(RENAMED, by_id)


def test_an_account_protected_by_id_stays_protected_under_another_address(world: World) -> None:
    world.apply(people(20))
    spec = SPEC + "protect: {ids: [1]}\n"
    assert held(world.plan(RENAMED, spec))["1"][1]
    world.apply(RENAMED, spec, approve_protected=["1"])
    left = [person(1, email="new@example.com", status="Terminated"), *people(20)[1:]]
    assert held(world.plan(left, spec))["1"][1]


@pytest.mark.parametrize("entry", ["{organization: eng}", "{id: '1', email: a@example.com, organization: eng}"])
def test_keep_names_a_person_in_one_way(world: World, entry: str) -> None:
    with pytest.raises(SpecError, match="exactly one of email and id"):
        world.spec(SPEC + f"keep: [{entry}]\n")


def test_an_address_of_other_letters_is_not_adopted(world: World) -> None:
    world.kinde.seed({"users": [{"email": "straße@example.com"}, {"email": "P2@Example.com"}]})
    plan = world.plan([person(1, email="strasse@example.com"), person(2)])
    assert "spells this address with other letters" in held(plan)["1"][0]
    assert [operation.id for operation in plan.operations if operation.kind == "adopt"] == ["2"]


def test_a_limited_plan_without_changes_says_what_was_asked_for(world: World) -> None:
    world.apply(people(2))
    rows = [person(1, "Other"), person(2), person(3)]
    assert "No changes for this selection: id 2." in plan_text(world.plan(rows, ids=["2"]))
    assert "No changes for this selection: only delete, suspend." in plan_text(
        world.plan(rows, only=["suspend", "delete"])
    )
    assert "No changes. Kinde agrees with HR." in plan_text(world.plan(people(2)))


def test_a_plan_without_changes_says_who_waits_and_what_is_rejected(world: World) -> None:
    rows = people(40)
    world.apply(rows)
    user = world.users()["p1@example.com"]
    world.client.update_organization_users(world.code("Sales"), users=[{"id": user["id"], "roles": ["owner"]}])
    world.client.update_user(world.users()["p2@example.com"]["id"], is_suspended=True)
    waits = [person(1, status="Terminated"), *rows[1:]]
    for spoken, words in (
        (waits, "No changes. 1 protected person waits for a decision, 1 person is held."),
        (rows, "No changes. 1 person is held."),
        ([*rows, person("x", status="?")], "No changes. 1 person is held, 1 row is rejected."),
    ):
        plan = world.plan(spoken)
        for text in (plan_text(plan), headline(plan.content(), categories(plan.operations, 0))):
            assert "agrees" not in text
        assert words in plan_text(plan)
    assert "No changes for this selection: id 2. 1 person is held." in plan_text(world.plan(rows, ids=["2"]))
    plan = world.plan(rows, ids=["no such id"])
    for text in (plan_text(plan), headline(plan.content(), categories(plan.operations, 0))):
        assert "No changes for this selection: id no such id" in text
    assert "id no such id: no HR row and no account of this sync has it" in plan_text(plan)
    unread = world.plan([*rows[1:], person(" ")])
    for text in (plan_text(unread), headline(unread.content(), categories(unread.operations, 0))):
        assert "agrees" not in text
