"""What stops a plan, what may pass once it was approved, and what may never."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_kinde.exceptions import SpecError, SyncError
from airflow_provider_kinde.sync import apply_plan
from airflow_provider_kinde.sync.plan.guards import allowance
from airflow_provider_kinde.sync.report.plan_file import PlanFile
from airflow_provider_kinde.sync.report.text import plan_text, report_text
from airflow_provider_kinde.sync.spec.fields import Limit
from tests.support.world import SPEC, World, people, person


def gone(count: int, out_of: int) -> list[dict[str, object]]:
    """The first ``count`` of ``out_of`` people are terminated."""
    return [person(n, status="Terminated" if n <= count else "Active") for n in range(1, out_of + 1)]


def blocked(world: World, rows: list[dict[str, object]], spec: str = SPEC, **options: object) -> list[str]:
    world.kinde.clear_log()
    report = world.apply(rows, spec, **options)
    assert report.outcome == "blocked"
    assert world.writes() == []
    assert not any(operation.outcome for operation in report.plan.operations)
    return [str(block["reason"]) for block in report.blocked]


@given(st.integers(0, 100), st.integers(0, 100_000), st.integers(0, 50), st.integers(0, 100_000))
def test_a_share_has_a_floor_that_is_never_more_than_half(percent: int, base: int, floor: int, count: int) -> None:
    allowed = allowance(Limit(share=percent / 100, number=None), base, floor)
    passes = count * 100 <= percent * base or count <= min(floor, base / 2)
    assert (count <= allowed) == passes
    assert allowance(Limit(share=None, number=3), base, floor) == 3


def test_five_leavers_pass_in_any_tenant_of_ten_and_six_do_not(world: World) -> None:
    world.apply(people(12))
    assert world.plan(gone(5, 12)).outcome == "changes"
    reason = blocked(world, gone(6, 12))[0]
    assert "max_leavers (10%): 6 people would lose access. The limit without approval is 5 (10 % of 12" in reason


def test_a_plain_number_is_the_limit_itself(world: World) -> None:
    world.apply(people(12))
    spec = SPEC + "guards: {max_leavers: 0}\n"
    assert world.plan(people(12), spec).outcome == "no changes"
    assert "max_leavers (0)" in blocked(world, gone(1, 12), spec)[0]


def test_leavers_of_two_days_count_together(world: World) -> None:
    world.apply(people(50))
    world.apply(gone(5, 50))
    assert (
        "6 people would lose access (5 of them in an earlier run: unfinished, or since yesterday)"
        in blocked(world, gone(6, 50))[0]
    )
    assert world.plan(gone(6, 50), now="2026-03-03T23:00:00Z").outcome == "blocked"
    assert world.plan(gone(6, 50), now="2026-03-04T00:00:00Z").outcome == "changes"
    assert world.plan(gone(5, 50)).outcome == "no changes"


def test_a_feed_that_loses_nine_percent_every_run_is_stopped_on_the_second(world: World) -> None:
    rows = people(100)
    world.apply(rows)
    assert world.apply(rows[9:]).outcome == "changes"
    assert "max_leavers" in blocked(world, rows[17:])[0]


def test_people_missing_from_the_rows_count_whatever_absent_says(world: World) -> None:
    world.apply(people(30))
    reasons = blocked(world, people(30)[10:], SPEC + "absent: hold\n")
    assert "max_row_drop (20%): 10 people with access have no HR row" in reasons[0]
    assert not any("max_held" in reason for reason in reasons)


def test_one_person_is_not_a_row_drop(world: World) -> None:
    world.apply(people(30))
    assert world.plan(people(30)[10:], ids=["30"]).blocked == []


def test_removing_an_organizations_members_is_guarded_for_each_organization(world: World) -> None:
    rows = [*people(20, dept="Eng"), *[person(n) for n in range(21, 101)]]
    world.apply(rows)
    moved = [person(n) if n <= 6 else row for n, row in enumerate(rows, 1)]
    assert (
        "6 memberships of 'eng' would be removed. The limit without approval is 5 (25 % of 20)"
        in blocked(world, moved)[0]
    )


def test_a_rule_that_drops_a_role_for_many_trips_the_role_guard(world: World) -> None:
    world.apply(people(20, dept="Eng"))
    spec = SPEC.replace("roles: [engineer]", "roles: [lead]") + "retired: {roles: [engineer]}\n"
    reasons = blocked(world, people(20, dept="Eng"), spec)
    assert any("20 people would lose role 'engineer'" in reason for reason in reasons)
    assert any("20 people who had access already would be given role 'lead'" in reason for reason in reasons)


def test_grants_to_new_people_do_not_count(world: World) -> None:
    world.apply(people(5, dept="Eng"))
    assert world.plan(people(60, dept="Eng")).outcome == "changes"


def made(world: World, count: int, created_on: str) -> None:
    """As a run leaves them that is killed before the roles: in the organization that they were created in."""
    code = world.code("Engineering")
    link = {n: {"first_name": f"Given{n}", "last_name": "Doe", "provided_id": f"hr:{n}"} for n in range(1, count + 1)}
    begun = [{"email": f"p{n}@example.com", **link[n], "memberships": {code: []}} for n in link]
    world.kinde.seed({"users": [{**user, "created_on": created_on} for user in begun]})


@pytest.mark.parametrize("created_on", ["2026-03-02T11:50:00Z", "2026-03-01T14:30:00.123456+02:00"])
def test_a_killed_first_run_is_finished_without_approval(world: World, created_on: str) -> None:
    made(world, 40, created_on)
    rows = people(60, dept="Eng")
    report = world.apply(rows)
    assert (report.outcome, report.plan.summary["create"], report.plan.summary["add_role"]) == ("changes", 20, 60)
    world.settled(rows)


@pytest.mark.parametrize("created_on", ["2026-03-01T11:00:00Z", "2026-03-05T12:00:00Z"])
def test_roles_for_accounts_that_are_not_known_to_be_young_are_guarded(world: World, created_on: str) -> None:
    made(world, 40, created_on)
    rows = people(40, dept="Eng")
    plan = world.plan(rows)
    assert [block.reason.split(":")[0] for block in plan.blocked] == ["max_role_grants (25%)"]
    assert "40 people who had access already would be given role 'engineer'" in plan.blocked[0].reason
    assert world.apply(rows, approve=plan.hash).outcome == "changes"
    world.settled(rows)


def test_a_plan_file_exempts_no_change_from_a_guard(world: World) -> None:
    """Its creations may have been added by hand, and its hash computed again."""
    made(world, 40, "2026-01-02T12:00:00Z")
    empty = World(world.kinde)
    rows = people(40, dept="Eng")
    forged = world.plan(rows).to_json()
    creations = [{**entry, "kind": "create", "role": None, "alias": None} for entry in forged["operations"]]
    forged["operations"] += creations
    operations = PlanFile.of(forged).operations
    forged["hash"] = operations.hash(forged["host"], forged["spec"])
    assert "max_role_grants" in blocked(empty, rows, plan_file=world.sign(forged))[0]


def test_a_date_column_blank_in_all_rows_blocks_the_plan(world: World) -> None:
    """Leavers come back and a future hire is let in, where nothing but the dates kept them out."""
    rows = people(20)
    world.apply(rows)
    wide = SPEC + "guards: {max_leavers: 100%}\n"
    ended = [{**row, "end": "2026-02-20"} if n <= 15 else row for n, row in enumerate(rows, 1)]
    world.apply(ended, wide)
    future = person(31, start="2026-12-01")
    assert world.plan([*ended, future], wide).outcome == "no changes"
    reasons = blocked(world, [*rows, {**future, "start": ""}])
    limit = "The limit without approval is 5 (20 % of 20 is 4; guards.floor lets 5 pass in any case)"
    assert reasons == [f"max_joiners (20%): 16 people would be given access (created, adopted or enabled). {limit}"]


def test_joiners_are_not_judged_in_a_tenant_of_fewer_than_twenty_old_accounts(world: World) -> None:
    made(world, 19, "2026-01-02T12:00:00Z")
    rows = people(19, dept="Eng")
    world.apply(rows, approve=world.plan(rows).hash)
    more = people(60, dept="Eng")
    assert world.plan(more).outcome == "changes"
    world.kinde.seed(
        {"users": [{"email": "p20@example.com", "provided_id": "hr:20", "created_on": "2026-03-02T11:00Z"}]}
    )
    assert world.plan(more).outcome == "changes"
    world.kinde.seed(
        {"users": [{"email": "p21@example.com", "provided_id": "hr:21", "created_on": "2026-01-02T11:00Z"}]}
    )
    assert "max_joiners (20%): 39 people" in blocked(world, more)[0]


def test_a_new_membership_for_many_who_were_members_elsewhere_is_guarded(world: World) -> None:
    world.apply(people(40))
    both = SPEC + "  - {organization: eng}\n"
    (reason,) = blocked(world, people(40), both)
    assert reason.startswith(
        "max_membership_grants (25%): 40 people who were in a managed organization already would join 'eng'."
    )
    assert (
        world.plan(
            [*people(10, dept="Eng"), *people(40)[10:]], SPEC + "guards: {max_membership_removals: 100%}\n"
        ).blocked
        == []
    )


def test_a_typo_that_changes_every_domain_is_stopped(world: World) -> None:
    world.apply(people(30))
    rows = [{**row, "email": row["email"].replace("example.com", "exmaple.com")} for row in people(30)]
    assert "max_email_changes (5%): 30 e-mail addresses would change" in blocked(world, rows)[0]


def test_too_many_rejected_rows_stop_the_run(world: World) -> None:
    rows = people(100)
    world.apply(rows)
    for row in rows[:6]:
        row["status"] = "??"
    assert "max_rejected_rows (5%): 6 rows are rejected" in blocked(world, rows)[0]


def test_too_many_held_people_stop_the_run(world: World) -> None:
    world.kinde.seed({"users": [{"email": f"p{n}@example.com", "provided_id": "other:1"} for n in range(1, 7)]})
    assert "max_held (5%): 6 people are held" in blocked(world, people(100))[0]


def test_deletions_are_guarded(world: World) -> None:
    spec = SPEC + "leaver: {delete_after_days: 1}\n"
    world.apply(people(20), spec)
    world.apply(gone(5, 20), spec)
    assert world.plan(gone(5, 20), spec, now="2026-04-01T00:00:00Z").outcome == "changes"
    spec += "guards: {max_deletes: 4}\n"
    assert (
        "max_deletes (4): 5 accounts would be deleted"
        in blocked(world, gone(5, 20), spec, now="2026-04-01T00:00:00Z")[0]
    )


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([], "empty"),
        ([{**row, "email": ""} for row in people(20)], "email"),
        ([{key: value for key, value in row.items() if key != "status"} for row in people(20)], "status"),
        ([{**row, "dept": "  "} for row in people(20)], "dept"),
    ],
)
def test_an_empty_or_drifted_source_is_never_approvable(
    world: World, rows: list[dict[str, object]], reason: str
) -> None:
    world.apply(people(20))
    assert reason in blocked(world, rows)[0]
    plan = world.plan(rows)
    report = apply_plan(plan, world.client, approve=plan.hash)
    assert report.outcome == "blocked"
    for text in (plan_text(plan), report_text(report)):
        assert "nothing to do" not in text
        assert rows or "Plan: nothing planned" in text


def test_another_tenant_than_the_spec_names_blocks(world: World) -> None:
    spec = SPEC + "tenant: acme.kinde.com\n"
    assert "wrong tenant" in blocked(world, people(3), spec)[0]
    assert world.kinde.log() == []
    assert world.plan(people(3), SPEC + f"tenant: '{world.kinde.host}'\n").outcome == "changes"


def test_an_approved_plan_passes_once(world: World) -> None:
    world.apply(people(40))
    plan = world.plan(gone(20, 40))
    assert apply_plan(plan, world.client).outcome == "blocked"
    assert world.apply(gone(20, 40), approve="0" * 64).outcome == "blocked"
    assert world.apply(gone(20, 40), approve=plan.hash).outcome == "changes"
    assert sum(user["is_suspended"] for user in world.users().values()) == 20
    world.settled(gone(20, 40))
    assert "max_leavers" in blocked(world, gone(21, 40))[0]


def test_an_approval_of_another_plan_is_refused_even_where_no_guard_trips(world: World) -> None:
    world.apply(people(20))
    rows = [*people(20), person(21)]
    wrong = "0" * 64
    (reason,) = blocked(world, rows, approve=wrong)
    assert reason.startswith(f"the approved hash {wrong} is not that of this plan ({world.plan(rows).hash})")
    assert world.apply(people(20), approve=wrong).outcome == "no changes"
    assert world.apply(rows, approve=world.plan(rows).hash).outcome == "changes"


def test_the_hash_names_what_is_done_and_nothing_else(world: World) -> None:
    rows = [*people(20, dept="Eng"), person(21)]
    first = world.plan(rows)
    again = world.plan(rows[::-1], now="2026-03-02T13:00:00Z")
    assert first.hash == again.hash
    assert [o.key for o in first.operations] == [o.key for o in again.operations]
    assert world.plan([*rows[:-1], person(21, "Other")]).hash != first.hash
    assert world.plan(rows, SPEC.replace("name: hr", "name: hr2")).hash != first.hash
    assert world.plan(rows, SPEC.replace("dept == 'Eng'", "dept in ['Eng']")).hash == first.hash


def test_apply_does_what_the_plan_file_and_the_fresh_plan_both_hold(world: World) -> None:
    world.apply(people(20))
    approved = json.loads(json.dumps(world.plan(gone(3, 20)).to_json()))
    report = world.apply([*gone(2, 20), person(21)], plan_file=approved)
    assert {(o.id, o.kind) for o in report.plan.operations} == {("1", "suspend"), ("2", "suspend")}
    assert any("no longer stands: suspend 3" in one.text for one in report.changed_since_plan)
    assert any("new, not done: create 21" in one.text for one in report.changed_since_plan)
    assert "p21@example.com" not in world.users()


def test_the_hash_of_a_plan_file_approves_what_still_stands(world: World) -> None:
    world.apply(people(40))
    approved = world.plan(gone(20, 40)).to_json()
    assert world.apply(gone(19, 40), plan_file=approved).outcome == "blocked"
    report = world.apply(gone(19, 40), plan_file=approved, approve=approved["hash"])
    assert (report.outcome, report.plan.summary["suspend"]) == ("changes", 19)


def test_a_plan_file_that_was_changed_or_is_old_or_of_another_spec_is_refused(world: World) -> None:
    plan = world.plan(people(3)).to_json()
    changed = copy.deepcopy(plan)
    changed["operations"][0]["after"]["email"] = "evil@example.com"
    for file, now, spec, message in (
        (changed, "2026-03-02T13:00:00Z", SPEC, "changed"),
        (plan, "2026-03-10T12:00:00Z", SPEC, "days old"),
        (plan, "2026-03-02T13:00:00Z", SPEC.replace("name: hr", "name: other"), "is for hr"),
        ({"spec": "hr"}, "2026-03-02T13:00:00Z", SPEC, "not a plan file"),
    ):
        with pytest.raises(SyncError, match=message):
            world.apply(people(3), spec, plan_file=file, now=now)
    with pytest.raises(SyncError, match="not that of the plan file"):
        world.apply(people(3), plan_file=plan, approve="0" * 64)
    assert world.users() == {}


def test_a_run_can_be_limited_to_some_kinds_of_operations(world: World) -> None:
    world.apply(people(20, dept="Eng"))
    rows = [*gone(1, 20), person(21)]
    assert {o.kind for o in world.plan(rows, only=["create"]).operations} == {"create"}
    assert {o.kind for o in world.plan(rows, only=["suspend"]).operations} == {"suspend"}
    assert world.plan([person(21)], only=["add_membership"]).operations == []
    with pytest.raises(SyncError, match="no such kind"):
        world.plan(rows, only=["destroy"])


def test_accounts_are_enabled_after_their_roles_are_right(world: World) -> None:
    world.apply(people(20, dept="Eng"))
    world.apply([person(1, dept="Eng", status="Terminated"), *people(20, dept="Eng")[1:]])
    back = [person(1), *people(20, dept="Eng")[1:]]
    assert world.plan(back, only=["enable"]).operations == []


def test_one_person_by_id(world: World) -> None:
    report = world.apply(people(3), ids=["2"])
    assert list(world.users()) == ["p2@example.com"]
    assert report.plan.summary["create"] == 1
    assert world.plan(people(1), ids=["2"]).operations == []  # absence is not judged
    assert "no HR row" in world.plan(people(1), ids=["77"]).warnings[0]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("roles: [engineer]", "roles: [enginer]", "no role with the key 'enginer'"),
        ("{name: Sales}", "{name: Sale}", "no organization with the name 'Sale'"),
        ("{name: Sales}", "org_0000000000a", "no organization with the code"),
        ("{name: Sales}", "{external_id: eng-7}", "are the same organization"),
    ],
)
def test_unknown_organizations_and_roles_stop_the_run(world: World, old: str, new: str, message: str) -> None:
    world.kinde.seed({"organizations": [{"name": "Engineering", "external_id": "eng-7"}]})
    with pytest.raises(SpecError, match=message):
        world.plan(people(1), SPEC.replace(old, new))


def test_two_organizations_with_one_name_stop_the_run(world: World) -> None:
    world.client.create_organization(name="Sales")
    with pytest.raises(SpecError, match="2 organizations in Kinde have the name 'Sales'"):
        world.plan(people(1))


def test_a_missing_scope_is_told_before_anything_is_written(world: World) -> None:
    from airflow_provider_kinde.exceptions import KindePermissionError

    world.apply(people(20))
    reading = ("read:users", "read:roles", "read:organizations", "read:organization_users", "update:users")
    world.kinde.set(scopes=reading)
    world.kinde.revoke_tokens()
    world.kinde.clear_log()
    with pytest.raises(KindePermissionError, match="delete:user_sessions"):
        world.apply(gone(1, 20))
    assert world.writes() == []


def test_a_scope_that_was_enabled_since_the_token_was_made_is_not_missing(world: World) -> None:
    world.apply(people(20))
    reading = ("read:users", "read:roles", "read:organizations", "read:organization_users", "update:users")
    world.kinde.set(scopes=reading)
    world.kinde.revoke_tokens()
    plan = world.plan(gone(1, 20))
    world.kinde.set(scopes=None)
    assert apply_plan(plan, world.client).outcome == "changes"
