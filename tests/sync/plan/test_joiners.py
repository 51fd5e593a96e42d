"""Hires, adoptions, and what may not be adopted."""

from __future__ import annotations

import pytest

from airflow_provider_kinde.sync.report.text import plan_text
from kinde_emulator import Settings
from tests.support.world import SPEC, World, people, person


def test_a_hire_gets_an_account_in_the_right_organizations_with_the_right_roles(world: World) -> None:
    rows = [person(1, "Ada", dept="Eng"), person(2, "Bob"), person(3, "Cat", dept="Other")]

    report = world.apply(rows)

    assert report.outcome == "changes"
    assert report.plan.summary["create"] == 3
    users = world.users()
    assert users["p1@example.com"]["provided_id"] == "hr:1"
    assert (users["p1@example.com"]["first_name"], users["p1@example.com"]["last_name"]) == ("Ada", "Doe")
    assert world.memberships("p1@example.com") == {"Engineering": ["engineer"]}
    assert world.memberships("p2@example.com") == {"Sales": []}
    world.settled(rows)


def test_a_create_with_one_organization_and_no_role_is_one_request(world: World) -> None:
    report = world.apply(people(7))
    # users, roles, organizations, members of two; seven creations; one organization read again
    assert report.requests == {"read": 6, "write": 7, "total": 13}
    assert len(world.writes()) == 7
    assert len(world.reads()) == 6


def test_a_hundred_memberships_are_one_request(world: World) -> None:
    report = world.apply(people(120, dept="Eng"))
    assert report.requests == {"read": 6, "write": 120 + 2, "total": 128}
    world.settled(people(120, dept="Eng"))


def test_the_report_counts_what_was_sent(world: World) -> None:
    world.apply(people(30, dept="Eng"))
    world.kinde.clear_log()
    rows = [*people(25, dept="Sales"), person(31)]
    report = world.apply(
        rows,
        SPEC
        + "guards: {max_membership_removals: 100%, max_row_drop: 100%, max_leavers: 100%, max_membership_grants: 30}\n",
    )
    assert report.outcome == "changes"
    assert report.requests["read"] == len(world.reads())
    assert report.requests["write"] == len(world.writes())


def test_members_of_the_default_organization_stay_unless_the_spec_removes_them(world: World) -> None:
    world.apply([person(1, dept="Other")])
    assert world.memberships("p1@example.com") == {"Default Organization": []}
    world.apply(
        [person(1, dept="Other"), person(2, dept="Other")], SPEC + "joiner: {leave_default_organization: true}\n"
    )
    assert world.memberships("p1@example.com") == {"Default Organization": []}
    assert world.memberships("p2@example.com") == {}


def test_an_organization_is_created_by_the_first_plan_that_needs_it(world: World) -> None:
    spec = SPEC.replace("{name: Sales}", "{name: Field Sales, create: true}")
    assert world.plan([person(1, dept="Eng")], spec).summary["create_organization"] == 0
    report = world.apply([person(1)], spec)
    assert report.plan.summary["create_organization"] == 1
    assert world.memberships("p1@example.com") == {"Field Sales": []}
    world.settled([person(1)], spec)


def test_a_creation_whose_answer_was_lost_is_looked_up_and_not_repeated(world: World) -> None:
    world.kinde.fault("POST", "/api/v1/user$", after_work=True)
    world.kinde.fault("POST", "/api/v1/user$", status=503, skip=1)
    report = world.apply(people(4, dept="Eng"))
    assert report.outcome == "changes"
    assert sorted(user["provided_id"] for user in world.users().values()) == ["hr:1", "hr:2", "hr:3", "hr:4"]
    assert world.memberships("p1@example.com") == {"Engineering": ["engineer"]}
    world.settled(people(4, dept="Eng"))


def test_an_organization_whose_creation_was_lost_is_not_created_twice(world: World) -> None:
    spec = SPEC.replace("{name: Sales}", "{name: Field Sales, create: true}")
    world.kinde.fault("POST", "/api/v1/organization$", after_work=True)
    assert world.apply([person(1)], spec).outcome == "changes"
    assert [o["name"] for o in world.kinde.state()["organizations"]].count("Field Sales") == 1


def test_one_refused_creation_does_not_stop_the_others(world: World) -> None:
    world.kinde.fault("POST", "/api/v1/user$", match="p2@example.com", status=400)
    report = world.apply(people(3, dept="Eng"))
    assert report.outcome == "failed"
    outcomes = {(o.id, o.kind): o.outcome for o in report.plan.operations}
    assert outcomes[("2", "create")] == "failed"
    assert outcomes[("2", "add_membership")] == outcomes[("2", "add_role")] == "skipped"
    assert outcomes[("3", "add_role")] == "done"
    rest = world.apply(people(3, dept="Eng"))
    assert (rest.outcome, rest.plan.summary["create"]) == ("changes", 1)


CONFIRMED = {"email": "P1@Example.com", "first_name": "Ada", "last_name": "Doe", "is_confirmed": True}


def test_a_confirmed_account_without_a_link_is_adopted(world: World) -> None:
    world.kinde.seed({"users": [{**CONFIRMED, "memberships": {"Engineering": ["lead", "engineer"]}}]})
    rows = [person(1, "Ada", "Lovelace", dept="Eng")]
    report = world.apply(rows)
    assert report.plan.summary["adopt"] == 1
    assert report.plan.operations[0].before is not None
    assert report.plan.operations[0].before["identities"] == ["email:P1@Example.com"]
    (user,) = world.kinde.state()["users"]
    assert (user["provided_id"], user["last_name"], user["email"]) == ("hr:1", "Lovelace", "P1@Example.com")
    assert world.memberships("P1@Example.com") == {"Engineering": ["engineer", "lead"]}
    world.settled(rows)


def test_what_an_adopted_account_has_is_said_in_words(world: World) -> None:
    world.kinde.seed({"organizations": [{"name": "Partners"}]})
    world.kinde.seed({"users": [{**CONFIRMED, "memberships": {"Engineering": [], "Partners": []}}]})
    text = plan_text(world.plan([person(1, "Ada", dept="Eng")]))
    assert "has given name: Ada, has family name: Doe, signs in by: [email:P1@Example.com]" in text
    assert f"is in: [eng, {world.code('Partners')}]" in text


@pytest.mark.parametrize(
    ("account", "reason"),
    [
        ({**CONFIRMED, "is_confirmed": False}, "never confirmed"),
        ({**CONFIRMED, "is_confirmed": None}, "Kinde does not say whether"),
        ({**CONFIRMED, "is_suspended": True}, "suspended"),
        ({**CONFIRMED, "provided_id": "other:1"}, "another source"),
        ({**CONFIRMED, "provided_id": "anything"}, "another source"),
        ({**CONFIRMED, "email": "x@example.com", "identities": ["p1@example.com"]}, "secondary"),
    ],
)
def test_an_account_that_may_belong_to_another_person_is_held(
    world: World, account: dict[str, object], reason: str
) -> None:
    world.kinde.seed({"users": [account]})
    before = world.kinde.state()
    report = world.apply([person(1)])
    assert [held.id for held in report.plan.held] == ["1"]
    assert reason in report.plan.held[0].reason
    assert world.kinde.state() == before


@pytest.mark.parametrize("confirmed", [False, None])
def test_a_hold_for_want_of_confirmation_says_how_to_link_the_account(world: World, confirmed: bool | None) -> None:
    world.kinde.seed({"users": [{**CONFIRMED, "is_confirmed": confirmed}]})
    (held,) = world.plan([person(1)]).held
    assert held.reason.endswith("If it is this person's, set its provided_id to hr:1")
    world.client.update_user(world.users()["P1@Example.com"]["id"], provided_id="hr:1")
    assert not world.apply([person(1)]).plan.held


def test_adoption_can_be_switched_off(world: World) -> None:
    world.kinde.seed({"users": [CONFIRMED]})
    plan = world.plan([person(1)], SPEC + "joiner: {adopt: false}\n")
    assert "joiner.adopt" in plan.held[0].reason


def test_an_account_is_adopted_by_the_provided_id_that_the_spec_expects(world: World) -> None:
    world.kinde.seed({"users": [{**CONFIRMED, "provided_id": "legacy-1"}]})
    spec = SPEC + "joiner: {adopt_provided_id: 'legacy-{{ row.id }}'}\n"
    assert world.plan([person(1)], spec).summary["adopt"] == 1
    assert world.plan([person(2, email="p1@example.com")], spec).summary["held"] == 1


def test_an_onboarded_account_is_adopted_by_its_address_alone(world: World) -> None:
    world.kinde.seed({"users": [{**CONFIRMED, "is_confirmed": False, "provided_id": "hr~onboarded:2026-03-01"}]})
    rows = [person(1, "Ada")]
    assert world.apply(rows).plan.summary["adopt"] == 1
    world.settled(rows)


def test_an_address_in_two_rows_adopts_no_account(world: World) -> None:
    world.kinde.seed({"users": [CONFIRMED]})
    rows = [person(1), person(2, email="p1@example.com", status="Terminated")]
    assert "more than one HR row" in world.plan(rows).held[0].reason


@pytest.mark.parametrize("settings", [Settings(provided_id_unique=True, next_token_end="absent", extra_fields=True)])
def test_a_hire_and_an_account_with_the_same_address_in_other_letters_is_one_person(world: World) -> None:
    world.kinde.seed({"users": [{**CONFIRMED, "email": "Bärbel@xn--bcher-kva.example"}]})
    rows = [person(1, "Ada", email=" bÄRBEL@Bücher.example ")]
    assert world.apply(rows).plan.summary["adopt"] == 1
    world.settled(rows)
