"""Edges that mutants of the engine showed to be unwatched: each of these fails when one condition is left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_provider_kinde.exceptions import SyncError
from airflow_provider_kinde.sources import make_source
from airflow_provider_kinde.sync import SyncSpec, apply_plan, make_plan
from airflow_provider_kinde.sync.person.explain import explain
from airflow_provider_kinde.sync.plan.run_request import moment
from kinde_emulator import Settings
from tests.support.world import NOW, SPEC, World, people, person

LEAVE_DEFAULT = SPEC + "joiner: {leave_default_organization: true}\n"
SITES = SPEC.replace("when: \"{{ row.dept == 'Sales' }}\"", "when: \"{{ row.site == 'X' }}\"")
TITLES = SPEC.replace(
    'family_name: "{{ row.last }}"', 'family_name: "{{ row.last }}"\n  properties: {kp_usr_job_title: "{{ row.dept }}"}'
)


def test_an_account_whose_properties_failed_leaves_the_default_organization_all_the_same(world: World) -> None:
    world.kinde.seed({"properties": ["kp_usr_job_title"]})
    world.kinde.fault("PATCH", "/properties$", status=400)
    spec = TITLES + "joiner: {leave_default_organization: true}\n"
    report = world.apply([person(1, dept="Other")], spec)
    assert (report.outcome, world.memberships("p1@example.com")) == ("failed", {})
    world.apply([person(1, dept="Other")], spec)
    world.settled([person(1, dept="Other")], spec)


def test_a_look_up_that_ignores_the_address_finds_nobody(world: World) -> None:
    """A filter that Kinde does not heed shows strangers: they are neither taken nor in the way."""
    world.kinde.fault("POST", "/api/v1/user$", drop=True)
    stranger = {"users": [{"id": "kp_x", "email": "stranger@example.com", "provided_id": None}]}
    world.kinde.fault("GET", r"/users\?.*email=", status=200, body=stranger, times=None)
    assert world.apply([person(1)]).outcome == "changes"
    assert list(world.users()) == ["p1@example.com"]


def test_unfinished_leavers_count_with_those_of_this_plan(world: World) -> None:
    world.apply(people(20))
    world.kinde.seed({"users": [{"email": f"p{n}@example.com", "is_suspended": True} for n in range(1, 4)]})
    rows = [person(n, status="Terminated") for n in range(1, 7)] + people(20)[6:]
    (block,) = world.plan(rows).blocked
    assert "6 people would lose access (3 of them in an earlier run: unfinished, or since yesterday)." in block.reason
    assert "The limit without approval is 5 (10 % of 20" in block.reason
    assert world.plan([*rows[1:], person(1, status="Terminated", email="")], ids=["1"]).blocked == []


def test_deletions_are_no_unfinished_leavers(world: World) -> None:
    spec = SPEC + "leaver: {delete_after_days: 1}\nguards: {max_deletes: 9}\n"
    world.apply(people(40), spec)
    rows = [person(n, status="Terminated") for n in range(1, 4)] + people(40)[3:]
    world.apply(rows, spec)
    later = [person(n, status="Terminated") for n in range(1, 8)] + people(40)[7:]
    plan = world.plan(later, spec, now="2026-03-20T12:00:00Z")
    assert [block.reason.split(":")[0] for block in plan.blocked] == []
    assert (plan.summary["delete"], plan.summary["suspend"]) == (3, 4)


def test_a_doubt_about_one_organization_holds_nobody_for_another(world: World) -> None:
    rows = people(20, site="X", dept="Other")
    world.apply(rows, SITES)
    rows[0] = person(1, site="Y", dept="")
    plan = world.plan(rows, SITES)
    assert (plan.held, [(o.kind, o.alias) for o in plan.operations]) == ([], [("remove_membership", "sales")])


def test_who_has_no_access_yet_and_starts_later_stands_in_nobodys_way(world: World) -> None:
    rows = people(20)
    world.apply(rows)
    rows[0] = person(1, status="Terminated")
    world.apply(rows)
    rows[0] = person(1, email="p2@example.com", start="2027-01-01")
    rows[1] = person(2)
    assert world.plan(rows).held == []


def test_people_whose_rows_share_an_address_are_held_and_named(world: World) -> None:
    rows = [person(1, email="same@example.com"), person(2, email="Same@example.com"), *people(20)[2:]]
    assert [held.id for held in world.plan(rows).held] == ["1", "2"]


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


def test_an_organization_made_since_the_plan_is_used(world: World) -> None:
    spec = SPEC.replace("{name: Sales}", "{name: Field, create: true}")
    plan = world.plan([person(1)], spec)
    world.kinde.seed({"organizations": [{"name": "Field"}]})
    assert apply_plan(plan, world.client).outcome == "changes"
    assert [write["path"] for write in world.writes() if write["path"].endswith("/organization")] == []
    assert world.memberships("p1@example.com") == {"Field": []}


def test_an_organization_that_is_created_and_not_listed_fails(world: World) -> None:
    spec = SPEC.replace("{name: Sales}", "{name: Field, create: true}")
    world.kinde.fault("POST", "/api/v1/organization$", status=200, body={"organization": {"code": "org_x"}})
    report = world.apply([person(1)], spec)
    assert "lists no such organization" in report.plan.operations[0].error


def test_hr_takes_an_address_change_back_before_it_began(world: World) -> None:
    rows = people(20)
    world.apply(rows)
    world.kinde.fault("POST", "/identities$", status=400)
    world.apply([person(1, email="new@example.com"), *rows[1:]])
    world.kinde.clear_log()
    world.apply(rows)
    (write,) = world.writes()
    assert write["body"] == {"provided_id": "hr:1"}
    assert [i["value"] for i in world.users()["p1@example.com"]["identities"]] == ["p1@example.com"]


def test_an_account_without_an_address_is_given_one_and_no_mark_is_left(world: World) -> None:
    rows = people(20)
    world.apply(rows[1:])
    world.kinde.seed({"users": [{"provided_id": "hr:1", "first_name": "Given1", "last_name": "Doe"}]})
    world.kinde.clear_log()
    world.apply(rows)
    assert world.users()["p1@example.com"]["provided_id"] == "hr:1"
    assert not [entry for entry in world.writes() if "renaming" in str(entry["body"])]
    world.settled(rows)


@pytest.mark.parametrize(
    ("columns", "words"),
    [({"status": "Terminated"}, "1, who left"), ({"status": "??"}, "1, who has access"), (None, "1, who left")],
)
def test_whose_account_an_address_is_still_on(world: World, columns: dict[str, str] | None, words: str) -> None:
    world.apply(people(20))
    first = [] if columns is None else [person(1, email="other@example.com", **columns)]
    rows = [*first, *people(20)[1:], person(99, "New", "Comer", email="p1@example.com")]
    (held,) = (held for held in world.plan(rows).held if held.id == "99")
    assert words in held.reason
    uncertain = [*rows[len(first) :], person("", email="x@example.com")]
    (held,) = (held for held in world.plan(uncertain).held if held.id == "99")
    assert "1, who has no HR row" in held.reason


def test_a_reason_names_the_rules_of_that_organization_alone(world: World) -> None:
    spec = SPEC + "  - {organization: eng, when: \"{{ row.last == 'Doe' }}\"}\n"
    reasons = {o.alias: o.reason for o in world.plan([person(1)], spec).operations if o.kind == "add_membership"}
    assert reasons == {"eng": "rule in line 26: last is Doe", "sales": "rule in line 24: dept is Sales"}


def test_long_work_is_told_now_and_then(world: World) -> None:
    told: list[tuple[str, int, int | None]] = []
    world.apply(people(60), progress=lambda *stage: told.append(stage))
    assert [stage for stage in told if stage[0] == "people"] == [("people", 50, 60), ("people", 60, 60)]


def test_who_is_taken_out_is_marked_last(world: World) -> None:
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


@pytest.mark.parametrize("settings", [Settings(search_lag=3600)])
def test_properties_that_the_search_does_not_show_yet_are_read_one_by_one(world: World) -> None:
    world.kinde.seed({"properties": ["kp_usr_job_title"]})
    world.apply(people(3), TITLES)
    world.settled(people(3), TITLES)


def test_nobody_is_suspended_for_absence_without_a_proof(world: World, tmp_path: Path) -> None:
    rows = people(20)
    world.apply(rows)
    lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows[1:])]
    (tmp_path / "hr.csv").write_text("\n".join(lines) + "\n")
    for expect, kinds in (("", []), (", expect: {min_rows: 19}", ["suspend"])):
        text = SPEC.replace("path: hr.csv", f"path: '{tmp_path / 'hr.csv'}'{expect}")
        spec = SyncSpec.parse(text, str(tmp_path / "hr.yaml"))
        assert [o.kind for o in make_plan(spec, make_source(spec), world.client, now=NOW).operations] == kinds


def test_who_comes_back_with_a_new_address_gets_it_before_being_enabled(world: World) -> None:
    rows = people(20)
    world.apply(rows)
    world.apply([person(1, status="Terminated"), *rows[1:]])
    back = [person(1, last="Roe", email="back@example.com"), *rows[1:]]
    report = world.apply(back)
    assert {o.kind: o.outcome for o in report.plan.operations} == dict.fromkeys(("rename", "update", "enable"), "done")
    user = world.users()["back@example.com"]
    assert (user["is_suspended"], user["last_name"], user["provided_id"]) == (False, "Roe", "hr:1")
    world.settled(back)


def test_a_role_is_given_to_nobody_who_left_the_organization_since(world: World) -> None:
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


NO_MOMENT = ["12:00", "now", "T12", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "9999-12-31", "P1D", ""]


@pytest.mark.parametrize("text", NO_MOMENT)
def test_what_is_no_moment_is_told(text: str) -> None:
    with pytest.raises(SyncError, match="not a moment in ISO 8601"):
        moment(text)


def test_a_day_alone_is_a_moment() -> None:
    assert moment("2026-03-02").to_iso8601_string() == "2026-03-02T00:00:00Z"


def test_half_a_character_is_nobodys_id(world: World) -> None:
    with pytest.raises(SyncError, match="cannot be an id: it is not text"):
        world.plan([person(1)], ids=["1", "\udcff"])
    with pytest.raises(SyncError, match="cannot be an id: it is not text"):
        explain(world.spec(), [person(1)], world.client, "\udcff", now=NOW)


@pytest.mark.parametrize("created", [None, 5, "nonsense", "9999-12-31T23:59:59-23:59"])
def test_a_plan_file_without_its_moment_is_damaged(world: World, created: object) -> None:
    document = {**world.plan([person(1)]).to_json(), "created_at": created}
    with pytest.raises(SyncError, match=r"not a plan file|not a moment"):
        world.apply([person(1)], plan_file=document)
    assert world.writes() == []
