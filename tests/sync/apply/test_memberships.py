"""Members and roles: added, taken, and what Kinde did of it."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_kinde.sync import Report, apply_plan
from kinde_emulator import Settings
from tests.support.world import SPEC, World, people, person

LEADS = SPEC.replace(
    "roles: [engineer]",
    """roles: [engineer]
  - organization: eng
    when: "{{ row.dept == 'Lead' }}"
    roles: [lead]""",
)


MEMBERS = "/organizations/[^/]+/users$"


def outcomes(report: Report) -> set[tuple[str, str]]:
    return {(operation.kind, operation.outcome) for operation in report.plan.operations}


def test_a_role_that_kinde_does_not_give_is_told(world: World) -> None:
    rows = [person(number, dept="Eng") for number in range(1, 21)]
    world.apply(rows, LEADS)
    world.kinde.fault("PATCH", MEMBERS, status=200, body='{"code": "OK"}', times=None)
    more = LEADS.replace("roles: [engineer]", "roles: [engineer, lead]") + "guards: {max_role_grants: 20}\n"
    assert outcomes(world.apply(rows, more)) == {("add_role", "failed")}


@pytest.mark.parametrize("status", [400, 404, 409, 422])
def test_a_list_that_kinde_finds_wrong_is_halved(world: World, status: int) -> None:
    world.kinde.fault("PATCH", MEMBERS, status=status, times=2)
    rows = [person(number, dept="Eng") for number in range(1, 9)]
    assert {outcome for _, outcome in outcomes(world.apply(rows))} == {"done"}


@pytest.mark.parametrize("settings", [Settings(patch_roles="merge")], ids=["merge"])
def test_roles_are_removed_from_members_who_stay_when_others_leave(world: World) -> None:
    world.apply([person(number, dept="Lead") for number in range(1, 21)], LEADS)
    goes = {1, 3, 5}
    now = [person(n, dept="Other" if n in goes else "Eng" if n in (2, 4) else "Lead") for n in range(1, 21)]
    report = world.apply(now, LEADS)
    assert {outcome for _, outcome in outcomes(report)} == {"done"}
    assert world.memberships("p2@example.com") == world.memberships("p4@example.com") == {"Engineering": ["engineer"]}
    world.settled(now, LEADS)


@pytest.mark.parametrize("settings", [Settings(patch_roles="merge")], ids=["merge"])
def test_a_role_that_kinde_does_not_take_away_is_told(world: World) -> None:
    rows = [person(number, dept="Lead") for number in range(1, 21)]
    world.apply(rows, LEADS)
    world.kinde.fault("DELETE", "/roles/", status=400, times=None)
    report = world.apply([person(1, dept="Eng"), *rows[1:]], LEADS)
    assert outcomes(report) == {("add_role", "done"), ("remove_role", "failed")}


def test_unmanaged_members_are_not_counted_as_managed(world: World) -> None:
    world.apply(people(9))
    others = [{"email": f"x{number}@example.net", "memberships": {"Engineering": ["lead"]}} for number in range(40)]
    world.kinde.seed({"users": others})
    world.settled(people(9))


def test_a_user_found_instead_of_created_is_added_to_the_organization(world: World) -> None:
    world.kinde.fault("POST", "^/api/v1/user$", status=502, after_work=True)
    world.apply(people(1))
    assert [entry["method"] for entry in world.writes()] == ["POST", "PATCH"]


def test_a_list_that_kinde_fails_at_is_not_halved(world: World) -> None:
    rows = [person(number, dept="Eng") for number in range(1, 9)]
    world.apply([person(number, dept="Other") for number in range(1, 9)])
    world.kinde.fault("PATCH", MEMBERS, status=500, times=None)
    sent = []
    for wanted in (rows, rows[:1]):
        world.kinde.clear_log()
        assert {outcome for _, outcome in outcomes(world.apply(wanted, ids=[row["id"] for row in wanted]))} == {
            "failed"
        }
        sent.append(len(world.writes()))
    assert sent[0] == sent[1] > 0


def test_a_removal_shows_the_previous_roles_in_the_plan(world: World) -> None:
    removing = SPEC + "leaver: {action: remove}\n"
    world.apply([person(number, dept="Eng") for number in range(1, 21)], removing)
    rows = [person(number, dept="Eng", status="Terminated" if number == 1 else "Active") for number in range(1, 21)]
    marked, taken = world.plan(rows, removing).operations
    assert (taken.kind, taken.before) == ("remove_membership", {"roles": ["engineer"]})
    assert (marked.kind, marked.before, marked.after) == ("suspend", {"taken out": False}, {"taken out": True})


def test_members_whose_roles_come_as_objects_or_null(world: World) -> None:
    from airflow_provider_kinde.resources.members import read_members

    class Client:
        def iter_organization_users(self, code: str) -> list[dict[str, Any]]:
            return [
                {"id": "kp_1", "roles": [{"key": "lead"}, None, "engineer"]},
                {"id": None},
                {"id": "kp_2", "roles": None},
            ]

    assert read_members(Client(), "org_1") == {"kp_1": frozenset({"lead", "engineer"}), "kp_2": frozenset()}


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


def test_a_removed_member_is_marked_last(world: World) -> None:
    spec = SPEC + "leaver: {action: remove}\n"
    rows = people(20)
    world.apply(rows, spec)
    rows[0] = person(1, status="Terminated")
    world.kinde.clear_log()
    world.kinde.fault("PATCH", "/users$", status=400, times=2)
    failed = world.apply(rows, spec)
    assert {o.kind: o.outcome for o in failed.plan.operations} == {"remove_membership": "failed", "suspend": "skipped"}
    assert world.users()["p1@example.com"]["provided_id"] == "hr:1"
    world.apply(rows, spec)
    assert "~left=" in world.writes()[-1]["body"]["provided_id"]
    assert world.memberships("p1@example.com") == {}
    assert [n for n, write in enumerate(world.writes()) if "~left=" in str(write["body"])] == [len(world.writes()) - 1]


def test_a_member_who_left_since_the_plan_gets_no_role(world: World) -> None:
    spec = SPEC + "  - {organization: sales, when: \"{{ row.last == 'Lead' }}\", roles: [lead]}\n"
    world.apply(people(20), spec)
    plan = world.plan([person(1, last="Lead"), *people(20)[1:]], spec)
    user = world.users()["p1@example.com"]["id"]
    world.client.update_organization_users(world.code("Sales"), users=[{"id": user, "operation": "delete"}])
    assert plan.snapshot is not None
    plan.snapshot.organizations["sales"].read_at -= 61  # so that the members are read again
    report = apply_plan(plan, world.client)
    assert {o.kind: o.outcome for o in report.plan.operations} == {"update": "done", "add_role": "failed"}
    assert world.memberships("p1@example.com") == {}
