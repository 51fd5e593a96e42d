"""People who change: names, addresses, organizations, roles."""

from __future__ import annotations

import pytest

from kinde_emulator import Settings
from tests.support.world import SPEC, World, people, person

OTHERS = [person(number) for number in range(101, 121)]
WIDE = (
    SPEC + "guards: {floor: 1000, max_membership_removals: 100%, max_membership_grants: 100%, "
    "max_role_removals: 100%, max_role_grants: 100%}\n"
)


def test_a_new_name_is_one_request_and_a_formatted_one_none(world: World) -> None:
    world.apply([person(1, "Zoë", "van  Dyke")])
    world.kinde.clear_log()
    rows = [person(1, "Zoe\u0308", " Van Dyke ")]
    report = world.apply(rows)
    assert [(o.kind, o.before, o.after) for o in report.plan.operations] == [
        ("update", {"family_name": "van Dyke"}, {"family_name": "Van Dyke"})
    ]
    assert len(world.writes()) == 1
    world.settled(rows)


def test_names_are_written_at_creation_alone_where_the_spec_says_so(world: World) -> None:
    spec = SPEC.replace("person:", "person:\n  names: at_creation")
    world.kinde.seed(
        {"users": [{"email": "p2@example.com", "first_name": "Eve", "last_name": "X", "is_confirmed": True}]}
    )
    report = world.apply([person(1, "Ann"), person(2)], spec)
    assert report.plan.summary["adopt"] == 1
    users = world.users()
    assert (users["p1@example.com"]["first_name"], users["p2@example.com"]["first_name"]) == ("Ann", "Eve")
    world.settled([person(1, "Anna", "Roe"), person(2)], spec)
    moved = world.plan([person(1, "Anna", dept="Eng"), person(2)], spec)
    assert "update" not in {change.kind for change in moved.operations}


def test_a_name_that_hr_leaves_blank_stays(world: World) -> None:
    spec = SPEC.replace("may_be_empty: [start, end]", "may_be_empty: [start, end, last]")
    world.apply(people(2), spec)
    assert world.plan([person(1, last=""), person(2)], spec).outcome == "no changes"


def test_another_address_is_the_same_account(world: World) -> None:
    world.apply([person(1, "Ada", dept="Eng"), *OTHERS])
    before = world.users()["p1@example.com"]
    world.kinde.clear_log()
    rows = [person(1, "Ada", "Lovelace", dept="Eng", email="ada.l@example.com"), *OTHERS]
    report = world.apply(rows)
    assert report.plan.summary["rename"] == report.plan.summary["update"] == 1
    assert [(e["method"], e["path"].rsplit("/", 1)[-1]) for e in world.writes()[:5]] == [
        ("PATCH", "user"),
        ("POST", "identities"),
        ("PATCH", world.users()["ada.l@example.com"]["identities"][0]["id"]),
        ("DELETE", before["identities"][0]["id"]),
        ("PATCH", "user"),
    ]
    after = world.users()["ada.l@example.com"]
    assert (after["id"], after["email"], after["provided_id"]) == (before["id"], "ada.l@example.com", "hr:1")
    assert [identity["value"] for identity in after["identities"]] == ["ada.l@example.com"]
    assert world.memberships("ada.l@example.com") == {"Engineering": ["engineer"]}
    world.settled(rows)


@pytest.mark.parametrize("step", range(5))
@pytest.mark.parametrize("lost", [False, True])
def test_an_address_change_that_was_cut_off_is_finished_by_the_next_run(world: World, step: int, lost: bool) -> None:
    """Whichever of its five writes fails, before or after its work was done."""
    world.apply([person(1), *OTHERS])
    rows = [person(1, email="new@example.com"), *OTHERS]
    trouble = {"after_work": True, "status": 400} if lost else {"status": 400}
    own = world.users()["p1@example.com"]
    path = rf"/api/v1/(user\?id=|users/{own['id']}/identities|identities/)"
    for method in ("POST", "PATCH", "DELETE"):
        world.kinde.fault(method, path, skip=_STEPS[step].count(method) - 1, **trouble) if _STEPS[step][
            -1
        ] == method else None
    first = world.apply(rows)
    world.kinde.clear_faults()
    second = world.apply(rows)
    assert first.outcome == "failed"
    assert second.outcome == ("no changes" if lost and step == 4 else "changes")
    user = world.users()["new@example.com"]
    assert (user["id"], user["provided_id"]) == (own["id"], "hr:1")
    assert [identity["value"] for identity in user["identities"]] == ["new@example.com"]
    world.settled(rows)


_WRITES = ["PATCH", "POST", "PATCH", "DELETE", "PATCH"]
_STEPS = [_WRITES[: step + 1] for step in range(5)]


def test_an_address_that_is_a_social_sign_in_is_held(world: World) -> None:
    world.apply(OTHERS)
    social = {"value": "p1@example.com", "type": "oauth2:google"}
    world.kinde.seed({"users": [{"provided_id": "hr:1", "email": "p1@example.com", "identities": [social]}]})
    plan = world.plan([person(1, email="new@example.com"), *OTHERS])
    assert "oauth2:google" in plan.held[0].reason


def test_people_who_swap_addresses_are_held(world: World) -> None:
    world.apply(people(2))
    before = world.kinde.state()
    report = world.apply([person(1, email="p2@example.com"), person(2, email="p1@example.com")])
    assert sorted(held.id for held in report.plan.held) == ["1", "2"]
    assert world.kinde.state() == before


def _rename_by_hand(world: World, present: str, new: str) -> None:
    """Give an account another address, as an administrator does in Kinde."""
    account = world.users()[present]
    added = world.client.create_user_identity(account["id"], type="email", value=new)["identity"]["id"]
    world.client.update_identity(added, is_primary=True)
    world.client.delete_identity(account["identities"][0]["id"])


def test_what_the_reason_of_swapped_addresses_says_settles_them(world: World) -> None:
    world.apply(people(3))
    rows = [person(1, email="p2@example.com"), person(2, email="p1@example.com"), person(3)]
    step = "give the account of 1 a temporary address, then the account of 2 its new address in Kinde"
    assert [step in held.reason for held in world.plan(rows).held] == [True, True]
    _rename_by_hand(world, "p1@example.com", "later@example.com")
    _rename_by_hand(world, "p2@example.com", "p1@example.com")
    assert world.apply(rows).outcomes["done"] == 1
    world.settled(rows)


def test_what_the_reason_of_an_address_handed_on_says_settles_it(world: World) -> None:
    world.apply(people(1))
    rows = [person(1, email="new@example.com"), person(2, email="p1@example.com")]
    step = "If HR is right, give the account of 1 its new address in Kinde"
    assert [step in held.reason for held in world.plan(rows).held] == [True, True]
    _rename_by_hand(world, "p1@example.com", "new@example.com")
    world.apply(rows)
    world.settled(rows)


def test_a_rehire_under_a_new_id_and_name_is_told_both_commands(world: World) -> None:
    rows = [person(1, status="Terminated"), *people(20)[1:]]
    world.apply(people(20))
    world.apply(rows)
    (held,) = world.plan([*rows, person(310, email="p1@example.com", last="Married")]).held
    said, _, ways = held.reason.partition(": ")
    assert said == "the address is still on the account of 1, who left"
    assert ways == "if it is the same person, relink --from 1 --to 310; if not, release --id 1"


def test_an_address_that_is_handed_on_is_held_for_both(world: World) -> None:
    """Otherwise the second run would do what the first one held."""
    world.apply(people(1))
    rows = [person(1, email="new@example.com"), person(2, email="p1@example.com")]
    assert sorted(held.id for held in world.plan(rows).held) == ["1", "2"]
    assert sorted(held.id for held in world.plan(rows[::-1]).held) == ["1", "2"]


def test_an_address_on_an_unmanaged_account_is_held(world: World) -> None:
    world.apply(people(1))
    world.kinde.seed({"users": [{"email": "boss@example.com"}]})
    assert "not this person's" in world.plan([person(1, email="boss@example.com")]).held[0].reason


def test_a_mover_leaves_one_organization_and_joins_the_other(world: World) -> None:
    rows = people(20, dept="Eng")
    world.apply(rows)
    rows[0] = person(1)
    report = world.apply(rows)
    assert {o.kind for o in report.plan.operations} == {"add_membership", "remove_membership"}
    assert world.memberships("p1@example.com") == {"Sales": []}
    world.settled(rows)


@pytest.mark.parametrize("settings", [Settings(patch_roles="merge"), Settings(patch_roles="replace")])
def test_roles_end_right_whether_a_patch_merges_or_replaces(world: World) -> None:
    rows = people(6, dept="Eng")
    world.apply(rows)
    for email in ("p1@example.com", "p2@example.com"):
        world.kinde.seed({"users": [{"email": email, "memberships": {"Engineering": ["engineer", "auditor"]}}]})
    spec = WIDE.replace("roles: [engineer]", "roles: [lead]") + "retired: {roles: [engineer]}\n"
    report = world.apply(rows, spec)
    assert report.outcome == "changes"
    assert world.memberships("p1@example.com") == {"Engineering": ["auditor", "lead"]}
    assert world.memberships("p6@example.com") == {"Engineering": ["lead"]}
    world.settled(rows, spec)


def test_merging_tenants_cost_one_request_more_for_each_role_taken(world: World) -> None:
    rows = people(6, dept="Eng")
    world.apply(rows)
    world.kinde.set(patch_roles="merge")
    world.kinde.clear_log()
    world.apply(rows, WIDE.replace("roles: [engineer]", "roles: [lead]") + "retired: {roles: [engineer]}\n")
    assert [e["method"] for e in world.writes()] == ["PATCH"] + ["DELETE"] * 6


def test_roles_and_memberships_outside_the_spec_stay(world: World) -> None:
    world.kinde.seed({"organizations": [{"name": "Club"}]})
    rows = people(2, dept="Eng")
    world.apply(rows)
    hand = {"Engineering": ["engineer", "auditor"], "Club": ["lead"]}
    world.kinde.seed({"users": [{"email": "p1@example.com", "memberships": hand}]})
    rows[0] = person(1, "Changed", dept="Eng")
    world.apply(rows)
    assert world.memberships("p1@example.com") == {"Club": ["lead"], "Engineering": ["auditor", "engineer"]}
    world.settled(rows)


def test_a_membership_to_keep_stays(world: World) -> None:
    spec = WIDE + "keep: [{email: P1@example.com, organization: eng}]\n"
    world.apply(people(2, dept="Eng"), spec)
    rows = people(2)
    world.apply(rows, spec)
    assert world.memberships("p1@example.com") == {"Engineering": ["engineer"], "Sales": []}
    assert world.memberships("p2@example.com") == {"Sales": []}
    world.settled(rows, spec)


def test_a_retired_organization_is_still_taken(world: World) -> None:
    world.kinde.seed({"organizations": [{"name": "Old"}]})
    world.apply(people(2))
    world.kinde.seed({"users": [{"email": "p1@example.com", "memberships": {"Sales": [], "Old": []}}]})
    spec = WIDE + "retired: {organizations: [{name: Old}]}\n"
    world.apply(people(2), spec)
    assert world.memberships("p1@example.com") == {"Sales": []}


def test_a_blank_department_takes_nothing_away(world: World) -> None:
    rows = people(8, dept="Eng")
    world.apply(rows)
    rows[0] = person(1, dept="")
    plan = world.plan(rows)
    assert [held.id for held in plan.held] == ["1"]
    assert "'dept'" in plan.held[0].reason
    assert plan.operations == []


def test_a_blank_department_that_may_be_empty_is_an_answer(world: World) -> None:
    spec = SPEC.replace("may_be_empty: [start, end]", "may_be_empty: [start, end, dept]")
    world.apply(people(8, dept="Eng"), spec)
    assert world.plan([person(1, dept=""), *people(8, dept="Eng")[1:]], spec).summary["remove_membership"] == 1


def test_properties_are_written_where_they_differ(world: World) -> None:
    world.kinde.seed({"properties": ["kp_usr_job_title"]})
    spec = SPEC.replace(
        'family_name: "{{ row.last }}"',
        'family_name: "{{ row.last }}"\n  properties: {kp_usr_job_title: "{{ row.job }}"}',
    )
    rows = [person(1, job="Chef"), person(2, job="Cook")]
    world.apply(rows, spec)
    assert world.users()["p1@example.com"]["properties"] == {"kp_usr_job_title": "Chef"}
    world.settled(rows, spec)
    rows[1]["job"] = "Baker"
    world.kinde.clear_log()
    report = world.apply(rows, spec)
    assert [(o.before, o.after) for o in report.plan.operations] == [
        ({"properties": {"kp_usr_job_title": "Cook"}}, {"properties": {"kp_usr_job_title": "Baker"}})
    ]
    assert len(world.writes()) == 1
    world.settled(rows, spec)


@pytest.mark.parametrize("bulk", ["atomic", "partial", "silent"])
def test_a_member_whom_kinde_refuses_fails_alone(world: World, bulk: str) -> None:
    world.kinde.set(bulk_failure=bulk)
    world.apply(people(9, dept="None"))
    gone = world.users()["p5@example.com"]["id"]
    plan = world.plan(people(9, dept="Eng"))
    world.client.delete_user(gone)
    from airflow_provider_kinde.sync import apply_plan

    report = apply_plan(plan, world.client)
    outcomes = {o.id: o.outcome for o in report.plan.operations if o.kind == "add_role"}
    assert outcomes == {str(n): "failed" if n == 5 else "done" for n in range(1, 10)}
