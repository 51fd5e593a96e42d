"""Who is absent, who is protected, who counts as having access."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from airflow_provider_kinde.exceptions import UnknownIdsError
from airflow_provider_kinde.sources import make_source
from airflow_provider_kinde.sync import SyncSpec, make_plan
from tests.support.world import NOW, SPEC, World, people, person

SCOPED = SPEC.replace("employment:", "scope: \"{{ row.kind == 'Staff' }}\"\nemployment:")


def test_an_absent_person_is_named_as_in_kinde(world: World) -> None:
    world.apply(people(20))
    (suspend,) = world.plan(people(19), SPEC + "absent: suspend\n").operations
    assert (suspend.kind, suspend.who) == ("suspend", "Given20 Doe <p20@example.com>")


def test_absent_hold_leaves_an_account_suspended_by_hand(world: World) -> None:
    world.apply(people(20))
    world.kinde.seed({"users": [{"email": "p20@example.com", "is_suspended": True}]})
    plan = world.plan(people(19), SPEC + "absent: hold\n")
    assert (plan.operations, plan.held, plan.summary["unchanged"]) == ([], [], 20)


def test_the_protected_stand_first_among_the_held(world: World) -> None:
    spec = SPEC + "protect: {emails: [p9@example.com]}\n"
    world.apply(people(20), spec)
    rows = [*people(8), person(9, status="Terminated"), *people(20)[9:19], person(20, email="p1@example.com")]
    first = [("9", True), ("1", False), ("20", False)]
    assert [(held.id, held.protected) for held in world.plan(rows, spec).held] == first
    plan = world.plan(rows, spec, only=["create"], approve_protected=["9"])
    assert [(held.id, held.protected) for held in plan.held] == first


def test_the_approval_of_an_id_that_nothing_has_is_refused(world: World) -> None:
    with pytest.raises(UnknownIdsError, match="'77': no HR row and no account"):
        world.apply(people(2), approve_protected=["1", "77"])
    assert world.writes() == []


def test_a_protected_leaver_without_access_needs_no_approval(world: World) -> None:
    world.apply(people(20))
    world.apply([person(1, status="Terminated"), *people(20)[1:]])
    protecting = SPEC + "protect: {emails: [p1@example.com]}\n"
    again = person(21, "Given1", email="p1@example.com")
    plan = world.plan([person(1, status="Terminated"), *people(20)[1:], again], protecting)
    assert {held.id: held.protected for held in plan.held} == {"1": False, "21": False}


def test_an_account_in_no_organization_has_access_unless_marked_as_left(world: World) -> None:
    removing = SPEC + "leaver: {action: remove}\n"
    world.apply([person(1, dept="Other"), *people(9)[1:]], removing)
    renamed = person(1, last="Roe", dept="Other", start="2026-04-01")
    plan = world.plan([renamed, *people(9)[1:]], removing)
    assert [operation.kind for operation in plan.operations] == ["update"]


def test_a_protected_leaver_without_access_waits_for_no_suspension(world: World) -> None:
    world.apply(people(20))
    rows = [person(1, status="Terminated"), *people(20)[1:]]
    world.apply(rows)
    protecting = SPEC + "protect: {emails: [p1@example.com]}\n"
    assert world.plan(rows, protecting, only=["create"], approve_protected=["1"]).held == []


def test_the_protected_are_never_deleted(world: World) -> None:
    spec = SPEC + "leaver: {delete_after_days: 1}\n"
    rows = [person(1, status="Terminated"), *people(20)[1:]]
    world.apply(people(20), spec)
    world.apply(rows, spec)
    later = {"now": "2026-03-09T12:00:00Z"}
    assert [operation.kind for operation in world.plan(rows, spec, **later).operations] == ["delete"]
    assert world.plan(rows, spec + "protect: {emails: [p1@example.com]}\n", **later).operations == []


def test_the_plan_lists_the_steps_that_an_interrupted_run_left(world: World) -> None:
    rows = [person(1, email="new@example.com"), person(2, status="Terminated"), *people(40)[2:]]
    world.apply(people(40))
    world.kinde.fault("DELETE", "/identities/", status=400, times=None)
    world.kinde.fault("DELETE", "/sessions", status=400, times=None)
    world.apply(rows)
    suspend, rename = sorted(world.plan(rows).operations, key=lambda operation: operation.id, reverse=True)
    assert (suspend.before, suspend.after) == (
        {"suspended": True, "finished": False},
        {"suspended": True, "finished": True},
    )
    assert (rename.before, rename.after) == (
        {"email": "new@example.com", "unfinished": True},
        {"email": "new@example.com"},
    )


def test_a_protected_leaver_is_approved_with_a_plan_file(world: World) -> None:
    spec = SPEC + "protect: {emails: [p1@example.com]}\n"
    world.apply(people(20), spec)
    rows = [person(1, status="Terminated"), *people(20)[1:]]
    plan = json.loads(json.dumps(world.plan(rows, spec).to_json()))
    assert world.apply(rows, spec, plan_file=plan).outcome == "failed"
    assert world.apply(rows, spec, only=["create"], approve_protected=["1"]).outcome == "failed"
    assert world.apply(rows, spec, plan_file=plan, approve_protected=["1"]).outcome == "changes"
    assert world.users()["p1@example.com"]["is_suspended"]


def test_people_taken_out_for_absence_no_longer_count(world: World) -> None:
    spec = SPEC + "absent: remove\n"
    world.apply(people(20), spec)
    for day, gone in enumerate(range(1, 7)):
        report = world.apply(people(20)[gone:], spec, now=f"2026-03-{2 + 2 * day:02d}T12:00:00Z")
        assert report.outcome == "changes"
    back = [person(1, start="2026-12-01"), *people(20)[6:]]
    assert world.plan(back, spec, now="2026-03-20T12:00:00Z").operations == []


def test_a_leaver_with_a_blank_scope_column_leaves(world: World) -> None:
    rows = people(20, kind="Staff")
    world.apply(rows, SCOPED)
    rows[0] = person(1, kind="", status="Terminated")
    rows[1] = person(2, kind="")
    plan = world.plan(rows, SCOPED)
    assert [(o.id, o.kind) for o in plan.operations] == [("1", "suspend")]
    assert [held.id for held in plan.held] == ["2"]


def test_an_unclear_rule_deletes_no_account(world: World) -> None:
    spec = SCOPED + "leaver: {delete_after_days: 1}\nguards: {max_deletes: 5}\n"
    rows = people(20, kind="Staff")
    world.apply(rows, spec)
    world.apply([person(1, kind="Staff", status="Terminated"), *rows[1:]], spec)
    plan = world.plan([person(1, kind=""), *rows[1:]], spec, now="2026-04-01T00:00:00Z")
    assert (plan.operations, [held.id for held in plan.held]) == ([], ["1"])


def test_stripping_counts_as_leaving_whatever_kinds_are_asked_for(world: World) -> None:
    spec = SPEC + "leaver: {action: remove}\nguards: {max_membership_removals: 1000}\n"
    rows = people(20)
    world.apply(rows, spec)
    rows[:12] = [person(n, status="Terminated") for n in range(1, 13)]
    plan = world.plan(rows, spec, only=["remove_membership"])
    assert any("max_leavers" in block.reason for block in plan.blocked)


def test_an_incomplete_source_suspends_no_absent_person(world: World, tmp_path: Path) -> None:
    rows = people(20)
    world.apply(rows)
    lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows[1:])]
    (tmp_path / "hr.csv").write_text("\n".join(lines) + "\n")
    for expect, kinds in (("", []), (", expect: {min_rows: 19}", ["suspend"])):
        text = SPEC.replace("path: hr.csv", f"path: '{tmp_path / 'hr.csv'}'{expect}")
        spec = SyncSpec.parse(text, str(tmp_path / "hr.yaml"))
        assert [o.kind for o in make_plan(spec, make_source(spec), world.client, now=NOW).operations] == kinds
