"""The way back from a report, as far as Kinde is still as that run left it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_kinde.exceptions import SyncError
from airflow_provider_kinde.sync import Report, apply_plan
from airflow_provider_kinde.sync.repair.undo import Undo, make_undo
from tests.support.world import NOW, SPEC, World, people, person

OPEN = SPEC + "guards: {floor: 1000, max_leavers: 1000, max_membership_removals: 1000, max_deletes: 1000}\n"


def stored(report: Report) -> dict[str, Any]:
    """A report as it comes back from its file."""
    found: dict[str, Any] = json.loads(json.dumps(report.to_json()))
    return found


def undo(world: World, report: Report | dict[str, Any], spec: str = OPEN, **options: Any) -> Undo:
    document = stored(report) if isinstance(report, Report) else report
    return make_undo(world.spec(spec), world.client, document, **{"now": NOW, **options})


def carry_out(world: World, found: Undo, approve: str | None = None) -> Report:
    return apply_plan(found.plan, world.client, approve=approve)


def tenant(world: World) -> dict[str, Any]:
    """Everything that a run may change, by HR id."""
    return {
        str(user["provided_id"]): (
            user["email"], user["first_name"], user["last_name"], user["is_suspended"],
            world.memberships(user["email"]), sorted(i["value"] for i in user["identities"]),
        )
        for user in world.kinde.state()["users"]
    }  # fmt: skip


def test_a_whole_mixed_run_goes_back_to_before(world: World) -> None:
    rows = people(20, dept="Eng")
    world.apply(rows, OPEN)
    rows[0] = person(1, dept="Eng", status="Terminated")
    world.apply(rows, OPEN)
    before = tenant(world)
    rows[0] = person(1, "Back", dept="Sales")
    rows[1] = person(2, dept="Eng", status="Terminated")
    rows[2] = person(3, "Other", "Name")
    rows[3] = person(4, dept="Eng", email="new4@example.com")
    rows[4] = person(5, dept="")
    report = world.apply(rows, OPEN)
    kinds = {o.kind for o in report.plan.operations}
    assert kinds >= {"enable", "suspend", "update", "rename", "add_membership", "remove_membership"}
    found = undo(world, report)
    assert (found.plan.outcome, found.left) == ("changes", [])
    back = carry_out(world, found)
    assert back.outcome == "changes"
    assert tenant(world) == before
    again = undo(world, report)
    assert (again.plan.operations, {left.reason.split(":")[0] for left in again.left}) == ([], {"already"})


def test_people_who_get_their_access_back_are_no_leavers_of_the_undo(world: World) -> None:
    rows = [*people(60, dept="Eng"), *(person(number) for number in range(61, 101))]
    world.apply(rows)
    rows[:10] = [person(number, dept="Eng", status="Terminated") for number in range(1, 11)]
    rows[10] = person(11, dept="Sales")
    report = world.apply(rows)
    assert report.plan.summary["suspend"] == 10
    found = undo(world, report, SPEC)
    assert (found.plan.outcome, found.plan.blocked) == ("changes", [])
    checks = {check["guard"]: check for check in found.to_json()["guards"]}
    assert checks["max_leavers"]["count"] == 0
    assert found.to_json()["managed"] == 100
    assert carry_out(world, found).outcome == "changes"


def test_accounts_that_an_undo_suspends_count_with_the_leavers_of_today(world: World) -> None:
    world.apply(people(90))
    joined = world.apply(people(98))
    world.apply([person(number, status="Terminated") if number <= 4 else person(number) for number in range(1, 99)])
    found = undo(world, joined, SPEC)
    (block,) = found.plan.blocked
    assert block.reason.startswith("max_leavers (10%): 12 people would lose access (4 of them in an earlier run")


def test_an_undo_is_undone_by_its_own_report(world: World) -> None:
    rows = people(20, dept="Eng")
    world.apply(rows, OPEN)
    rows[0] = person(1, dept="Eng", status="Terminated")
    rows[1] = person(2, "Other")
    report = world.apply(rows, OPEN)
    after = tenant(world)
    back = carry_out(world, undo(world, report))
    assert tenant(world) != after
    assert carry_out(world, undo(world, back)).outcome == "changes"
    assert tenant(world) == after
    world.settled(rows, OPEN)


def test_created_people_are_suspended_and_never_deleted(world: World) -> None:
    world.apply(people(20), OPEN)
    report = world.apply(people(22), OPEN)
    found = undo(world, report)
    assert [(o.id, o.kind) for o in found.plan.operations] == [("21", "suspend"), ("22", "suspend")]
    carry_out(world, found)
    users = world.users()
    assert users["p21@example.com"]["is_suspended"]
    assert users["p21@example.com"]["provided_id"] == "hr:21~left=2026-03-02"
    assert not users["p20@example.com"]["is_suspended"]
    world.settled(people(20), OPEN)
    assert {o.kind for o in world.plan(people(22), OPEN).operations} == {"enable"}


def test_a_leaver_who_was_taken_out_comes_back_in_with_roles(world: World) -> None:
    spec = OPEN + "leaver: {action: remove}\n"
    rows = people(20, dept="Eng")
    world.apply(rows, spec)
    before = tenant(world)
    rows[0] = person(1, dept="Eng", status="Terminated")
    report = world.apply(rows, spec)
    carry_out(world, undo(world, report, spec))
    assert tenant(world) == before
    rows[0] = person(1, dept="Eng")
    world.settled(rows, spec)
    rows[0] = person(1, dept="Eng", status="Terminated")
    left = world.apply(rows, spec)
    rows[0] = person(1, dept="Eng")
    returned = world.apply(rows, spec)
    assert left.outcome == returned.outcome == "changes"
    carry_out(world, undo(world, returned, spec))
    assert world.memberships("p1@example.com") == {}
    assert world.users()["p1@example.com"]["provided_id"] == "hr:1~left=2026-03-02"


def test_properties_go_back_too(world: World) -> None:
    spec = OPEN.replace("employment:", '  properties: {kp_usr_job_title: "{{ row.title }}"}\nemployment:')
    world.kinde.seed({"properties": [{"key": "kp_usr_job_title", "name": "Title", "context": "usr"}]})
    world.apply(people(3, title="Clerk"), spec)
    report = world.apply(people(3, title="Boss"), spec)
    carry_out(world, undo(world, report, spec))
    world.settled(people(3, title="Clerk"), spec)


def test_changes_made_since_the_report_are_listed_and_kept(world: World) -> None:
    rows = people(20, dept="Eng")
    world.apply(rows, OPEN)
    rows[0] = person(1, "New", dept="Eng")
    rows[1] = person(2, dept="Eng", email="new2@example.com")
    rows[2] = person(3, dept="Eng", status="Terminated")
    rows[3] = person(4, dept="Sales")
    rows[4] = person(5, dept="Eng", status="Terminated")
    rows[5] = person(6, "New", dept="Eng")
    rows[6] = person(7, "New", dept="Eng")
    rows.append(person(21))
    report = world.apply(rows, OPEN)
    users = {str(u["provided_id"]).split("~")[0]: u for u in world.kinde.state()["users"]}
    world.client.update_user(users["hr:1"]["id"], given_name="Newer")
    world.client.create_user_identity(users["hr:2"]["id"], type="email", value="newest@example.com")
    newest = next(
        i["id"] for i in world.client.iter_user_identities(users["hr:2"]["id"]) if i["name"] == "newest@example.com"
    )
    world.client.update_identity(newest, is_primary=True)
    world.client.update_user(users["hr:3"]["id"], is_suspended=False)
    member = {"id": users["hr:4"]["id"], "roles": ["auditor"]}
    world.client.update_organization_users(world.code("Sales"), users=[member])
    world.client.update_user(users["hr:5"]["id"], provided_id="hr:5~left=2026-03-01")
    world.client.update_user(users["hr:6"]["id"], is_suspended=True)
    world.client.update_user(users["hr:7"]["id"], provided_id="other:7")
    world.client.update_user(users["hr:21"]["id"], is_suspended=True)
    world.kinde.clear_log()
    found = undo(world, report)
    reasons = {(left.operation.id, left.operation.kind): left.reason for left in found.left}
    assert "given_name is 'Newer' now" in reasons["1", "update"]
    assert "newest@example.com now" in reasons["2", "rename"]
    assert "enabled since" in reasons["3", "suspend"]
    assert "other roles" in reasons["4", "add_membership"]
    assert "left on 2026-03-01" in reasons["5", "suspend"]
    assert "suspended since" in reasons["6", "update"]
    assert "no Kinde account" in reasons["7", "update"]
    assert "already" in reasons["21", "create"]
    assert [(o.id, o.kind) for o in found.plan.operations] == [("4", "add_membership"), ("4", "add_role")]
    assert world.writes() == []
    assert "Left as it is" in found.text()
    assert "The next scheduled sync will do again" in found.text()


def test_roles_go_back(world: World) -> None:
    spec = OPEN.replace("floor", "max_role_removals: 1000, max_role_grants: 1000, floor")
    spec += "retired: {roles: [lead, owner]}\n"
    world.apply(people(20, dept="Eng"), spec)
    roles = {"Engineering": ["lead", "owner", "auditor"]}
    world.kinde.seed({"users": [{"email": "p1@example.com", "memberships": roles}]})
    report = world.apply(people(20, dept="Eng"), spec, approve_protected=["1"])
    assert world.memberships("p1@example.com") == {"Engineering": ["auditor", "engineer"]}
    found = undo(world, report, spec)
    assert sorted((o.kind, o.role) for o in found.plan.operations) == [
        ("add_role", "lead"),
        ("remove_role", "engineer"),
    ]
    assert [left.reason for left in found.left] == ["final: a protected role is given in Kinde only"]
    carry_out(world, found)
    assert world.memberships("p1@example.com") == {"Engineering": ["auditor", "lead"]}


def test_final_changes_are_listed(world: World) -> None:
    spec = OPEN.replace("sales: {name: Sales}", "sales: {name: Selling, create: true}")
    spec += "leaver: {delete_after_days: 1}\n"
    world.kinde.seed({"users": [{"email": "p1@example.com", "first_name": "Given1", "last_name": "Doe"}]})
    rows = people(20)
    first = world.apply(rows, spec)
    assert {"adopt", "create_organization", "create"} <= {o.kind for o in first.plan.operations}
    rows[1] = person(2, status="Terminated")
    world.apply(rows, spec)
    deleted = world.apply(rows, spec, now="2026-03-05T00:00:00Z")
    assert [o.kind for o in deleted.plan.operations] == ["delete"]
    found = undo(world, deleted, spec)
    assert (found.plan.operations, found.left[0].reason[:5]) == ([], "final")
    assert "Nothing to undo." in found.text()
    reasons = {left.operation.kind for left in undo(world, first, spec).left if left.reason.startswith("final")}
    assert reasons == {"adopt", "create_organization"}


def test_only_what_was_done_is_undone(world: World) -> None:
    world.apply(people(3), OPEN)
    world.kinde.fault("PATCH", r"/user\?id=", status=400)
    report = world.apply([person(1, "New"), person(2, "New"), person(3)], OPEN)
    assert report.outcomes == {"done": 1, "failed": 1, "skipped": 0}
    assert len(undo(world, report).plan.operations) == 1


def test_the_guards_stop_an_undo_as_any_plan(world: World) -> None:
    world.apply(people(20), SPEC)
    report = world.apply(people(60), SPEC + "guards: {max_joiners: 40}\n")
    found = undo(world, report, SPEC)
    assert found.plan.outcome == "blocked"
    assert "max_leavers" in found.plan.blocked[0].reason
    assert found.plan.hash in found.text()
    world.kinde.clear_log()
    stopped = carry_out(world, found)
    assert stopped.outcome == "blocked"
    assert "Undone" not in found.text(stopped)
    assert world.writes() == []
    assert carry_out(world, undo(world, report, SPEC), approve=found.plan.hash).outcome == "changes"
    assert sum(user["is_suspended"] for user in world.users().values()) == 40


def test_a_protected_person_does_not_lose_access_unseen(world: World) -> None:
    report = world.apply(people(20, dept="Eng"), OPEN)
    roles = {"Engineering": ["engineer", "owner"]}
    world.kinde.seed({"users": [{"email": "p1@example.com", "memberships": roles}]})
    found = undo(world, report, ids=["1", "2"])
    assert ([h.id for h in found.plan.held], [o.id for o in found.plan.operations]) == (["1"], ["2"])
    assert carry_out(world, found).outcome == "failed"
    assert len(undo(world, report, ids=["1"], approve_protected=["1"]).plan.operations) == 1


def test_an_account_suspended_by_hand_before_stays_suspended(world: World) -> None:
    rows = people(20)
    world.apply(rows, OPEN)
    world.client.update_user(world.users()["p1@example.com"]["id"], is_suspended=True)
    rows[0] = person(1, status="Terminated")
    found = undo(world, world.apply(rows, OPEN))
    assert (found.plan.operations, found.left[0].reason.split(":")[0]) == ([], "final")


def test_an_address_that_another_account_has_now_is_not_restored(world: World) -> None:
    world.apply(people(20), OPEN)
    rows = [person(1, email="new1@example.com"), *people(20)[1:]]
    report = world.apply(rows, OPEN)
    world.apply([*rows, person(21, email="p1@example.com")], OPEN)
    assert "another account" in undo(world, report).left[0].reason


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"host": "other.kinde.com"}, "the report is for hr on other.kinde.com"),
        ({"spec": "other"}, "the report is for other"),
        ({"hash": "0" * 64}, "the report was changed"),
        ({"operations": [{"kind": "explode", "before": None, "after": None}]}, "not a report"),
        ({"operations": None}, "not a report"),
        ({"created_at": "yesterday"}, r"not a report \(created_at: not a moment"),
        ({"created_at": "2999-01-01T00:00:00Z"}, "its signature does not match its content"),
        ({"host": None}, "the report is for hr on None"),
        ({"spec": ["hr"]}, r"the report is for \['hr'\]"),
        ({"operations": {}}, "its signature does not match its content"),
        ({"operations": ["x"]}, "not a report"),
        ({"operations": [{"kind": "suspend", "before": ["x"], "after": None}]}, "before and after must be objects"),
        ({"organizations": {"eng": "org_other"}}, "its signature does not match its content"),
        ({"redacted": "no"}, "the report is redacted"),
        ({"signature": None}, "the report has no signature"),
        ({"signature": 3}, "signed with another client secret"),
        ({"more": "\ud800"}, "its signature does not match its content"),
    ],
)
def test_a_report_that_is_none_is_refused(world: World, change: dict[str, Any], words: str) -> None:
    report = stored(world.apply(people(2), OPEN))
    with pytest.raises(SyncError, match=words):
        undo(world, {**report, **change})


def test_people_who_changed_meanwhile_are_left_and_named(world: World) -> None:
    world.apply(people(8), OPEN)
    report = world.apply(
        [person(1, email="new1@example.com"), person(2, last="New"), person(3, status="Terminated"),
         person(4, dept="Eng"), person(5), person(6), person(7), person(8, dept="Eng"), person(9)], OPEN,
    )  # fmt: skip
    ids = {str(user["provided_id"]).partition(":")[2].partition("~")[0]: user["id"] for user in world.users().values()}
    world.client.delete_user(ids["9"])
    world.client.update_user(ids["3"], is_suspended=False)
    world.client.update_user(ids["2"], family_name="Third")
    world.client.update_user(ids["1"], provided_id="")
    world.client.update_user(ids["5"], provided_id="hr:4")
    found = undo(world, report)
    assert {operation.id for operation in found.plan.operations} == {"8"}
    assert {(left.operation.id, left.reason) for left in found.left} == {
        ("1", "changed: no Kinde account carries the link hr:1"),
        ("2", "changed: family_name is 'Third' now"),
        ("3", "changed: enabled since that run"),
        ("4", "changed: 2 Kinde accounts carry the link hr:4"),
        ("9", "changed: no Kinde account carries the link hr:9"),
    }
    assert carry_out(world, found).outcome == "changes"
    assert world.memberships("p8@example.com") == {"Sales": []}


def test_a_plan_is_no_report(world: World) -> None:
    with pytest.raises(SyncError, match="this is a plan"):
        undo(world, json.loads(json.dumps(world.plan(people(2), OPEN).to_json())))


def test_the_wrong_tenant_blocks(world: World) -> None:
    report = world.apply(people(2), OPEN)
    found = undo(world, report, OPEN + "tenant: other.kinde.com\n")
    assert (found.plan.outcome, found.plan.blocked[0].approvable) == ("blocked", False)


def test_the_json_names_what_it_undoes_and_what_it_leaves(world: World) -> None:
    world.kinde.seed({"users": [{"email": "p1@example.com", "first_name": "Given1", "last_name": "Doe"}]})
    report = world.apply(people(2), OPEN)
    found = undo(world, report)
    document = found.to_json()
    assert document["undoes"] == report.plan.hash
    (adopted,) = document["not_undone"]
    assert (adopted["id"], adopted["kind"], adopted["reason"][:6]) == ("1", "adopt", "final:")
    done = found.to_json(carry_out(world, found))
    assert {o["outcome"] for o in done["operations"]} == {"done"}
    assert done["requests"]["write"] > 0
