"""People who leave, come back, or may not be let go unseen."""

from __future__ import annotations

import pytest

from airflow_provider_kinde.sync.report.overview import categories
from kinde_emulator import Settings
from tests.support.world import SPEC, World, people, person

TODAY = "~left=2026-03-02"


def test_a_leaver_is_suspended_then_signed_out_then_marked(world: World) -> None:
    rows = people(20)
    world.apply(rows)
    world.kinde.seed({"users": [{"email": "p1@example.com", "sessions": 2}]})
    world.kinde.clear_log()
    rows[0] = person(1, status="Terminated")
    report = world.apply(rows)
    assert report.plan.summary["suspend"] == 1
    assert [(e["method"], e["path"].rsplit("/", 1)[-1]) for e in world.writes()] == [
        ("PATCH", "user"),
        ("DELETE", "sessions"),
        ("PATCH", "user"),
    ]
    user = world.users()["p1@example.com"]
    assert (user["is_suspended"], user["provided_id"], user["sessions"]) == (True, "hr:1" + TODAY, 0)
    assert world.memberships("p1@example.com") == {"Sales": []}
    world.settled(rows)


@pytest.mark.parametrize("settings", [Settings(no_sessions_status=404)])
def test_a_leaver_without_sessions_is_no_failure(world: World) -> None:
    world.apply(people(20))
    assert world.apply([person(1, status="Terminated"), *people(20)[1:]]).outcome == "changes"


def test_an_unfinished_leaver_is_finished(world: World) -> None:
    rows = people(20)
    world.apply(rows)
    rows[0] = person(1, status="Terminated")
    world.kinde.fault("DELETE", "/sessions", status=400)
    assert world.apply(rows).outcome == "failed"
    assert world.users()["p1@example.com"]["is_suspended"]
    report = world.apply(rows)
    assert (report.outcome, report.plan.summary["suspend"]) == ("changes", 1)
    assert world.users()["p1@example.com"]["provided_id"] == "hr:1" + TODAY
    world.settled(rows)


def test_a_rehire_is_enabled_last_with_roles_and_name_restored(world: World) -> None:
    rows = people(20, dept="Eng")
    world.apply(rows)
    world.apply([person(1, dept="Eng", status="Terminated"), *rows[1:]])
    world.kinde.clear_log()
    rows[0] = person(1, "Back", "Again")
    report = world.apply(rows)
    assert {o.kind for o in report.plan.operations} == {"update", "add_membership", "remove_membership", "enable"}
    last = world.writes()[-1]
    assert (last["method"], last["body"]["is_suspended"], last["body"]["given_name"]) == ("PATCH", False, "Back")
    user = world.users()["p1@example.com"]
    assert (user["is_suspended"], user["provided_id"], user["first_name"]) == (False, "hr:1", "Back")
    assert world.memberships("p1@example.com") == {"Sales": []}
    world.settled(rows)


def test_enabling_waits_for_the_roles(world: World) -> None:
    rows = people(20, dept="Eng")
    world.apply(rows)
    world.apply([person(1, dept="Eng", status="Terminated"), *rows[1:]])
    world.kinde.fault("PATCH", "/users$", status=400, times=None)
    rows[0] = person(1)
    report = world.apply(rows)
    assert {o.kind: o.outcome for o in report.plan.operations}["enable"] == "skipped"
    assert world.users()["p1@example.com"]["is_suspended"]


def test_an_account_suspended_by_hand_stays_suspended(world: World) -> None:
    world.apply(people(3))
    world.client.update_user(world.users()["p1@example.com"]["id"], is_suspended=True)
    report = world.apply(people(3))
    assert [held.id for held in report.plan.held] == ["1"]
    assert "someone else" in report.plan.held[0].reason
    assert world.users()["p1@example.com"]["is_suspended"]


def test_an_account_suspended_by_hand_is_held_after_a_night_as_a_leaver(world: World) -> None:
    rows = people(20)
    world.apply(rows)
    user_id = world.users()["p1@example.com"]["id"]
    world.client.update_user(user_id, is_suspended=True)
    assert world.apply([person(1, status="Terminated"), *rows[1:]]).outcome == "changes"
    assert world.users()["p1@example.com"]["provided_id"] == "hr:1" + TODAY + "~barred"
    for _ in range(2):
        (held,) = world.apply(rows).plan.held
        assert (held.id, "before the person left" in held.reason) == ("1", True)
        assert world.users()["p1@example.com"]["is_suspended"]
    world.client.update_user(user_id, is_suspended=False)
    assert world.apply(rows).plan.summary["enable"] == 1
    assert world.users()["p1@example.com"]["provided_id"] == "hr:1"
    world.settled(rows)


def test_a_barred_leaver_who_was_enabled_by_hand_is_suspended_by_the_sync_and_may_return(world: World) -> None:
    rows = people(20)
    world.apply(rows)
    user_id = world.users()["p1@example.com"]["id"]
    world.client.update_user(user_id, is_suspended=True)
    gone = [person(1, status="Terminated"), *rows[1:]]
    world.apply(gone)
    world.client.update_user(user_id, is_suspended=False)
    world.apply(gone)
    assert world.users()["p1@example.com"]["provided_id"] == "hr:1" + TODAY
    assert world.apply(rows).plan.summary["enable"] == 1
    world.settled(rows)


def test_with_action_remove_a_leaver_suspended_by_hand_is_barred(world: World) -> None:
    spec = SPEC + "leaver: {action: remove}\n"
    rows = people(20)
    world.apply(rows, spec)
    world.client.update_user(world.users()["p1@example.com"]["id"], is_suspended=True)
    world.apply([person(1, status="Terminated"), *rows[1:]], spec)
    assert world.users()["p1@example.com"]["provided_id"] == "hr:1" + TODAY + "~barred"
    assert world.memberships("p1@example.com") == {}
    (held,) = world.apply(rows, spec).plan.held
    assert "before the person left" in held.reason


def test_the_suspension_and_its_mark_are_one_request(world: World) -> None:
    rows = people(20)
    world.apply(rows)
    world.kinde.clear_log()
    world.kinde.fault("DELETE", "/sessions$", status=400)
    world.apply([person(1, status="Terminated"), *rows[1:]])
    assert world.writes()[0]["body"] == {"is_suspended": True, "provided_id": "hr:1~leaving=2026-03-02"}
    assert world.users()["p1@example.com"]["provided_id"] == "hr:1~leaving=2026-03-02"


def test_a_leaver_who_is_not_finished_is_finished_or_enabled_as_hr_says(world: World) -> None:
    rows = people(40)
    world.apply(rows)
    gone = [person(n, status="Terminated") for n in (1, 2, 3, 4)] + rows[4:]
    world.kinde.fault("DELETE", "/sessions$", status=400, times=None)
    assert world.apply(gone).outcome == "failed"
    world.kinde.clear_faults()
    corrected = [*rows[:2], *gone[2:]]
    report = world.apply(corrected)
    assert (report.outcome, report.plan.held) == ("changes", [])
    assert (report.plan.summary["enable"], report.plan.summary["suspend"]) == (2, 2)
    links = {n: world.users()[f"p{n}@example.com"]["provided_id"] for n in (1, 2, 3, 4)}
    assert links == {1: "hr:1", 2: "hr:2", 3: "hr:3" + TODAY, 4: "hr:4" + TODAY}
    assert not world.users()["p1@example.com"]["is_suspended"]
    world.settled(corrected)


def test_a_leaver_who_has_access_again_is_suspended_again(world: World) -> None:
    rows = people(20)
    world.apply(rows)
    rows[0] = person(1, status="Terminated")
    world.apply(rows)
    world.client.update_user(world.users()["p1@example.com"]["id"], is_suspended=False)
    assert world.apply(rows).plan.summary["suspend"] == 1
    assert world.users()["p1@example.com"]["is_suspended"]
    world.settled(rows)


def test_the_mark_of_an_enabled_active_person_is_dropped(world: World) -> None:
    rows = people(20)
    world.apply(rows)
    world.apply([person(1, status="Terminated"), *rows[1:]])
    world.client.update_user(world.users()["p1@example.com"]["id"], is_suspended=False)
    assert world.apply(rows).plan.summary["enable"] == 1
    assert world.users()["p1@example.com"]["provided_id"] == "hr:1"
    world.settled(rows)


def test_absent_people_are_suspended_when_the_source_is_complete(world: World) -> None:
    world.apply(people(20))
    report = world.apply(people(20)[1:])
    assert (report.plan.summary["suspend"], report.plan.operations[0].id) == (1, "1")
    world.settled(people(20)[1:])


def test_absent_people_are_held_where_the_spec_says_so(world: World) -> None:
    world.apply(people(20))
    plan = world.plan(people(20)[1:], SPEC + "absent: hold\n")
    assert [(held.id, held.absent) for held in plan.held] == [("1", True)]


def test_a_row_with_an_uncertain_id_makes_no_person_absent(world: World) -> None:
    world.apply(people(40))
    rows = [*people(40)[1:], person("", "Nobody")]
    plan = world.plan(rows)
    assert (plan.summary["suspend"], plan.summary["rejected"]) == (0, 1)


def test_a_rejected_row_leaves_its_person_alone(world: World) -> None:
    world.apply(people(100))
    rows = people(100)
    rows[0] = person(1, email="not an address")
    rows[1] = person(2, status="???")
    rows[2] = {**person(3), "first": ""}
    rows[3] = person(4, "Moved")
    report = world.apply(rows)
    assert sorted(r.id or "" for r in report.plan.rejected) == ["1", "2", "3"]
    assert [(o.id, o.kind) for o in report.plan.operations] == [("4", "update")]


def test_leavers_can_be_taken_out_of_the_organizations_instead(world: World) -> None:
    spec = SPEC + "leaver: {action: remove}\nkeep: [{email: p1@example.com, organization: eng}]\n"
    rows = people(20, dept="Eng")
    world.apply(rows, spec)
    rows[0] = person(1, dept="Eng", status="Terminated")
    rows[1] = person(2, dept="Eng", status="Terminated")
    report = world.apply(rows, spec)
    assert report.outcome == "changes"
    first, second = world.users()["p1@example.com"], world.users()["p2@example.com"]
    assert not first["is_suspended"]
    assert first["provided_id"] == "hr:1" + TODAY
    assert world.memberships("p1@example.com") == {"Engineering": ["engineer"]}
    assert (second["provided_id"], world.memberships("p2@example.com")) == ("hr:2" + TODAY, {})
    world.settled(rows, spec)
    rows[1] = person(2, dept="Eng")
    world.apply(rows, spec)
    assert world.users()["p2@example.com"]["provided_id"] == "hr:2"
    assert world.memberships("p2@example.com") == {"Engineering": ["engineer"]}
    world.settled(rows, spec)


def test_leavers_are_deleted_only_when_the_spec_asks_and_the_days_have_passed(world: World) -> None:
    spec = SPEC + "leaver: {delete_after_days: 30}\nguards: {max_deletes: 1}\n"
    rows = people(20)
    world.apply(rows, spec)
    rows[0] = person(1, status="Terminated")
    world.apply(rows, spec)
    assert world.plan(rows, spec, now="2026-03-31T23:59:00Z").operations == []
    report = world.apply(rows, spec, now="2026-04-01T00:00:00Z")
    assert report.plan.summary["delete"] == 1
    assert "p1@example.com" not in world.users()
    world.settled(rows, spec, now="2026-04-02T00:00:00Z")


def test_a_protected_leaver_waits_for_a_person(world: World) -> None:
    world.apply(people(20, dept="Eng"))
    roles = {"Engineering": ["engineer", "owner"]}
    world.kinde.seed({"users": [{"email": "p1@example.com", "memberships": roles}]})
    rows = people(20, dept="Eng")
    rows[0] = person(1, dept="Eng", status="Terminated")
    rows[1] = person(2, dept="Eng", status="Terminated")
    report = world.apply(rows)
    assert report.outcome == "failed"
    assert (report.plan.held[0].id, report.plan.held[0].protected) == ("1", True)
    assert not world.users()["p1@example.com"]["is_suspended"]
    assert world.users()["p2@example.com"]["is_suspended"]
    approved = world.apply(rows, approve_protected=["1"])
    assert approved.outcome == "changes"
    assert world.users()["p1@example.com"]["is_suspended"]


def test_a_protected_leaver_whom_a_person_suspended_is_finished(world: World) -> None:
    spec = SPEC + "protect: {emails: [P1@example.com]}\n"
    rows = people(20)
    world.apply(rows, spec)
    rows[0] = person(1, status="Terminated")
    assert world.plan(rows, spec).held[0].protected
    world.client.update_user(world.users()["p1@example.com"]["id"], is_suspended=True)
    assert world.apply(rows, spec).outcome == "changes"
    assert world.users()["p1@example.com"]["provided_id"] == "hr:1" + TODAY + "~barred"
    world.settled(rows, spec)


def test_a_new_hire_with_a_leavers_address_is_held_and_the_leaver_leaves(world: World) -> None:
    world.apply(people(20))
    rows = [person(1, status="Terminated"), *people(20)[1:], person(21, "Other", email="p1@example.com")]
    report = world.apply(rows)
    assert [held.id for held in report.plan.held] == ["21"]
    assert "release" in report.plan.held[0].reason
    assert world.users()["p1@example.com"]["is_suspended"]
    world.settled(rows)


def test_the_same_name_and_address_under_a_new_id_is_held_for_both(world: World) -> None:
    world.apply(people(20))
    rows = [*people(20)[1:], person(21, " GIVEN1", "doe", email="P1@example.com")]
    report = world.apply(rows)
    assert sorted(held.id for held in report.plan.held) == ["1", "21"]
    assert "relink" in report.plan.held[0].reason
    assert not world.users()["p1@example.com"]["is_suspended"]


def test_two_accounts_with_one_link_are_held(world: World) -> None:
    seen = {"a": {"last_signed_in": "2026-02-01T10:00:00+00:00"}, "b": {}}
    world.kinde.seed({"users": [{"email": f"{n}@example.com", "provided_id": "hr:1", **seen[n]} for n in "ab"]})
    ids = sorted(user["id"] for user in world.users().values())
    (held,) = world.plan([person(1)]).held
    assert held.reason.startswith("2 Kinde accounts carry the link hr:1: ")
    # Both are named, so that an administrator finds them.
    assert all(id in held.reason for id in ids)
    assert "(last sign-in 2026-02-01" in held.reason
    assert "(no sign-in)" in held.reason
    report = world.apply([person(1)])
    assert (world.writes(), report.plan.summary["held"]) == ([], 1)


def test_an_unknown_mark_is_held(world: World) -> None:
    world.kinde.seed({"users": [{"email": "p1@example.com", "provided_id": "hr:1~frozen=1"}]})
    assert "frozen" in world.plan([person(1)]).held[0].reason


def test_an_account_whose_link_names_no_id_is_held_under_its_own_id_with_the_way_out(world: World) -> None:
    world.kinde.seed({"users": [{"email": "p1@example.com", "provided_id": "hr:"}]})
    user = world.users()["p1@example.com"]["id"]
    plan = world.plan([person(1)])
    problem = "its provided_id names no HR id after 'hr:': write the id behind it in Kinde, or clear it"
    assert {one.id: one.reason for one in plan.held} == {
        user: problem,
        "1": f"the address is on the account {user}, and {problem}",
    }
    assert plan.operations == []


def test_each_of_several_accounts_whose_links_name_no_id_is_held_on_its_own(world: World) -> None:
    world.kinde.seed({"users": [{"email": f"{name}@example.com", "provided_id": "hr:"} for name in "ab"]})
    held = {one.id: one.reason for one in world.plan([person(1)]).held}
    assert held.keys() == {user["id"] for user in world.users().values()}
    assert all("names no HR id" in reason for reason in held.values())


def test_grace_keeps_access_and_gives_none(world: World) -> None:
    spec = SPEC + "leaver: {grace_days: 5}\n"
    world.apply(people(20), spec)
    rows = [person(1, status="Terminated", end="2026-02-27"), *people(20)[1:]]
    rows.append(person(21, status="Terminated", end="2026-02-27"))
    plan = world.plan(rows, spec)
    assert plan.operations == []
    assert world.plan(rows, spec, now="2026-03-05T12:00:00Z").summary["suspend"] == 1


def test_a_hire_who_has_not_started_gets_nothing_and_keeps_what_there_is(world: World) -> None:
    assert world.plan([person(1, start="2026-03-03"), person(2)]).summary["create"] == 1
    world.apply(people(2))
    rows = [person(1, "New", start="2026-03-03"), person(2)]
    assert [o.kind for o in world.plan(rows).operations] == ["update"]


def test_out_of_scope_is_a_leaver_if_managed(world: World) -> None:
    spec = SPEC.replace("employment:", "scope: \"{{ row.kind != 'Contractor' }}\"\nemployment:")
    world.apply(people(20, kind="Staff"), spec)
    rows = people(20, kind="Staff")
    rows[0] = person(1, kind="Contractor")
    rows.append(person(21, kind="Contractor"))
    plan = world.plan(rows, spec)
    assert [(o.id, o.kind) for o in plan.operations] == [("1", "suspend")]


@pytest.mark.parametrize("end", ["4712-12-31", "2999-12-31", "9999-12-31"])
def test_a_leaver_whose_end_means_no_end_has_no_access_and_is_given_no_account(world: World, end: str) -> None:
    world.apply(people(20))
    rows = [person(1, end=end, status="Terminated"), *people(20)[1:], person(21, end=end, status="Terminated")]
    assert [(change.kind, change.id) for change in world.plan(rows).operations] == [("suspend", "1")]


def test_before_the_first_day_nothing_is_given_or_taken(world: World) -> None:
    world.apply(people(20))
    moved = [person(1, dept="Eng", start="2026-04-01"), *people(20)[1:]]
    world.settled(moved)
    report = world.apply(moved, now="2026-04-01T12:00:00Z")
    assert [(change.kind, change.alias) for change in report.plan.operations] == [
        ("add_membership", "eng"),
        ("remove_membership", "sales"),
        ("add_role", "eng"),
    ]


def test_an_absent_person_who_returns_as_terminated_is_suspended(world: World) -> None:
    spec = SPEC + "absent: remove\n"
    world.apply(people(20), spec)
    world.apply(people(20)[1:], spec)
    assert (world.memberships("p1@example.com"), world.users()["p1@example.com"]["is_suspended"]) == ({}, False)
    rows = [person(1, status="Terminated"), *people(20)[1:]]
    world.apply(rows, spec)
    assert world.users()["p1@example.com"]["is_suspended"] is True
    world.settled(rows, spec)


def test_an_account_of_the_onboarding_form_whose_row_says_left_is_suspended(world: World) -> None:
    rows = people(20)
    world.apply(rows)
    made = {"email": "New@example.com", "provided_id": "hr~onboarded:2026-03-01", "memberships": {"Sales": []}}
    world.kinde.seed({"users": [made]})
    gone = [*rows, person(21, email="new@example.com", status="Terminated")]
    assert world.plan(gone, ids=["20"]).operations == []
    report = world.apply(gone)
    assert (report.outcome, report.plan.summary["suspend"]) == ("changes", 1)
    user = world.users()["New@example.com"]
    assert (user["is_suspended"], user["provided_id"]) == (True, "hr:21" + TODAY)
    world.settled(gone)


def test_a_plan_shows_the_memberships_and_roles_that_a_person_gets_back(world: World) -> None:
    world.apply([person(1), person(2, dept="Eng")])
    world.apply([person(1), person(2, dept="Eng", status="Terminated")])
    plan = world.plan([person(1), person(2, dept="Eng")])
    (back,) = plan.operations
    assert (back.kind, back.organizations) == ("enable", ("eng",))
    assert back.reason.endswith("; is still in eng with engineer")
    (category,) = categories(plan.operations, 10)
    assert [group.organization for group in category.groups] == ["eng"]
    moved = world.plan([person(1), person(2)])
    assert {change.kind: change.organizations for change in moved.operations}["enable"] == ()
