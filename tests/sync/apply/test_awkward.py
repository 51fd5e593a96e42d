"""What a review found: answers and moments that are rare, and each once went wrong."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from airflow_provider_kinde.exceptions import SyncError
from airflow_provider_kinde.sync.apply import accounts
from kinde_emulator import Settings
from tests.support.world import SPEC, World, people, person

OTHERS = [person(number) for number in range(101, 121)]


def test_an_account_that_was_not_created_now_is_not_taken(world: World) -> None:
    world.kinde.seed({"users": [{"email": "x@example.com", "provided_id": "other:1"}]})
    stranger = world.users()["x@example.com"]
    answer = {"id": stranger["id"], "created": False, "identities": [None]}
    world.kinde.fault("POST", "/api/v1/user$", status=200, body=answer)
    report = world.apply([person(1, dept="Eng")])
    assert report.plan.operations[0].outcome == "failed"
    assert world.users()["x@example.com"] == stranger


def test_an_answer_of_an_unforeseen_form_fails_one_operation(world: World) -> None:
    world.kinde.fault("POST", "/api/v1/user$", match="p2@example", status=200, body={"id": "kp_1", "identities": 7})
    report = world.apply(people(3))
    outcomes = {o.id: o.outcome for o in report.plan.operations if o.kind == "create"}
    assert outcomes == {"1": "done", "2": "failed", "3": "done"}
    assert "unexpected" in next(o.error for o in report.plan.operations if o.outcome == "failed")


def test_a_default_organization_that_cannot_be_left_fails_that_person_alone(world: World) -> None:
    spec = SPEC + "joiner: {leave_default_organization: true}\n"
    rows = people(20)
    world.apply(rows, spec)
    world.apply([person(1, status="Terminated"), *rows[1:]], spec)
    code = world.code("Default Organization")
    world.kinde.fault("GET", f"/organizations/{code}/users", status=400, times=None)
    report = world.apply([*rows, person(21, dept="Other")], spec)
    outcomes = {(o.id, o.kind): o.outcome for o in report.plan.operations}
    assert outcomes[("21", "create")] == "failed"
    assert outcomes[("1", "enable")] == "done"


@pytest.mark.parametrize("switch", ["true", "false"])
def test_a_default_organization_that_the_file_manages(world: World, switch: str) -> None:
    world.kinde.seed({"organizations": [{"name": "Engineering", "is_default": True}]})
    spec = SPEC + f"joiner: {{leave_default_organization: {switch}}}\n"
    rows = [person(1, dept="Other"), *OTHERS]
    world.apply(rows, spec)
    assert world.memberships("p1@example.com") == {}
    world.settled(rows, spec)


def test_a_protected_leaver_is_approved_with_a_plan_file(world: World) -> None:
    spec = SPEC + "protect: {emails: [p1@example.com]}\n"
    world.apply(people(20), spec)
    rows = [person(1, status="Terminated"), *people(20)[1:]]
    plan = json.loads(json.dumps(world.plan(rows, spec).to_json()))
    assert world.apply(rows, spec, plan_file=plan).outcome == "failed"
    assert world.apply(rows, spec, only=["create"], approve_protected=["1"]).outcome == "failed"
    assert world.apply(rows, spec, plan_file=plan, approve_protected=["1"]).outcome == "changes"
    assert world.users()["p1@example.com"]["is_suspended"]


@pytest.mark.parametrize("settings", [Settings(latency=20)])
def test_two_runs_that_create_an_organization_leave_one(world: World) -> None:
    spec = SPEC.replace("{name: Sales}", "{name: Field Sales, create: true}")
    rows = people(6)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda one: one.apply(rows, spec), [World(world.kinde), World(world.kinde)]))
    world.apply(rows, spec)
    assert [o["name"] for o in world.kinde.state()["organizations"]].count("Field Sales") == 1
    assert world.memberships("p6@example.com") == {"Field Sales": []}
    world.settled(rows, spec)


@pytest.mark.parametrize("code", ["org_0", "org_zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"])
def test_an_organization_that_another_run_made_in_between_stays(
    world: World, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    # The other run has looked and gone on: whatever its code, it will not remove its own.
    monkeypatch.setattr(accounts, "PAUSE", 0.01)
    spec = SPEC.replace("{name: Sales}", "{name: Field Sales, create: true}")
    create = type(world.client).create_organization

    def slowly(self: Any, **body: Any) -> Any:
        world.kinde.seed({"organizations": [{"name": "Field Sales", "code": code}]})
        return create(self, **body)

    monkeypatch.setattr(type(world.client), "create_organization", slowly)
    world.apply(people(6), spec)
    assert [o["code"] for o in world.kinde.state()["organizations"] if o["name"] == "Field Sales"] == [code]
    monkeypatch.undo()
    world.settled(people(6), spec)


def test_people_taken_out_for_absence_no_longer_count(world: World) -> None:
    spec = SPEC + "absent: remove\n"
    world.apply(people(20), spec)
    for day, gone in enumerate(range(1, 7)):
        report = world.apply(people(20)[gone:], spec, now=f"2026-03-{2 + 2 * day:02d}T12:00:00Z")
        assert report.outcome == "changes"
    back = [person(1, start="2026-12-01"), *people(20)[6:]]
    assert world.plan(back, spec, now="2026-03-20T12:00:00Z").operations == []


@pytest.mark.parametrize("killed_at", ["DELETE", "last PATCH"])
@pytest.mark.parametrize("then", ["third@example.com", "p1@example.com"])
def test_hr_changes_again_after_a_cut_off_address_change(world: World, killed_at: str, then: str) -> None:
    world.apply([person(1), *OTHERS])
    if killed_at == "DELETE":
        world.kinde.fault("DELETE", "/identities/", status=400)
    else:
        world.kinde.fault("PATCH", "/user\\?id=", status=400, skip=1)
    assert world.apply([person(1, email="new@example.com"), *OTHERS]).outcome == "failed"
    world.kinde.clear_faults()
    rows = [person(1, email=then), *OTHERS]
    assert world.apply(rows).outcome == "changes"
    user = world.users()[then]
    assert (user["provided_id"], [i["value"] for i in user["identities"]]) == ("hr:1", [then])
    world.settled(rows)


SCOPED = SPEC.replace("employment:", "scope: \"{{ row.kind == 'Staff' }}\"\nemployment:")


def test_who_left_leaves_even_if_scope_is_blank(world: World) -> None:
    rows = people(20, kind="Staff")
    world.apply(rows, SCOPED)
    rows[0] = person(1, kind="", status="Terminated")
    rows[1] = person(2, kind="")
    plan = world.plan(rows, SCOPED)
    assert [(o.id, o.kind) for o in plan.operations] == [("1", "suspend")]
    assert [held.id for held in plan.held] == ["2"]


def test_nobody_is_deleted_on_a_doubt(world: World) -> None:
    spec = SCOPED + "leaver: {delete_after_days: 1}\nguards: {max_deletes: 5}\n"
    rows = people(20, kind="Staff")
    world.apply(rows, spec)
    world.apply([person(1, kind="Staff", status="Terminated"), *rows[1:]], spec)
    plan = world.plan([person(1, kind=""), *rows[1:]], spec, now="2026-04-01T00:00:00Z")
    assert (plan.operations, [held.id for held in plan.held]) == ([], ["1"])


def test_a_blank_that_decides_which_organization_holds_a_mover(world: World) -> None:
    spec = SPEC[: SPEC.index("memberships:")] + (
        "memberships:\n  - organization: \"{{ 'eng' if row.dept == 'Eng' else 'sales' }}\"\n"
    )
    rows = people(20, dept="Eng")
    world.apply(rows, spec)
    rows[0] = person(1, dept="")
    assert [held.id for held in world.plan(rows, spec).held] == ["1"]


def test_stripping_counts_as_leaving_whatever_kinds_are_asked_for(world: World) -> None:
    spec = SPEC + "leaver: {action: remove}\nguards: {max_membership_removals: 1000}\n"
    rows = people(20)
    world.apply(rows, spec)
    rows[:12] = [person(n, status="Terminated") for n in range(1, 13)]
    plan = world.plan(rows, spec, only=["remove_membership"])
    assert any("max_leavers" in block.reason for block in plan.blocked)


def test_a_primary_address_that_an_answer_leaves_out_is_no_rename(world: World) -> None:
    from airflow_provider_kinde.sync.snapshot.reader import parse_account

    found = parse_account({"id": "kp_1", "email": None, "identities": [{"type": "email", "identity": "a@x.com"}]}, "hr")
    assert found.email == "a@x.com"


@pytest.mark.parametrize("settings", [Settings(email_case="sensitive")])
def test_an_address_that_somebody_else_signs_in_with_does_not_freeze_its_owner(world: World) -> None:
    world.apply([person(1), *OTHERS])
    world.kinde.seed({"users": [{"email": "stranger@example.com", "identities": ["P1@example.com"]}]})
    assert [o.kind for o in world.plan([person(1, "New"), *OTHERS]).operations] == ["update"]


def test_properties_cost_a_page_for_each_hundred_and_blank_ones_nothing(world: World) -> None:
    world.kinde.seed({"properties": ["kp_usr_job_title"]})
    name = 'family_name: "{{ row.last }}"'
    spec = SPEC.replace(name, f"{name}\n  properties: {{kp_usr_job_title: '{{{{ row.job }}}}'}}")
    rows = [*people(99, job=""), person(100, job="Chef")]
    report = world.apply(rows, spec)
    assert report.requests["write"] == 101
    world.kinde.clear_log()
    world.apply(rows, spec)
    assert sum(e["path"].endswith("/search/users") for e in world.reads()) == 1


def test_a_share_is_exact(world: World) -> None:
    spec = SPEC + "guards: {max_leavers: 29%, max_row_drop: 100%, floor: 0}\n"
    world.apply(people(100), spec)
    rows = [person(n, status="Terminated" if n <= 29 else "Active") for n in range(1, 101)]
    assert world.plan(rows, spec).outcome == "changes"


def test_a_role_in_two_organizations_counts_people(world: World) -> None:
    spec = SPEC + "  - {organization: sales, when: \"{{ row.dept == 'Eng' }}\", roles: [engineer]}\n"
    rows = people(40, dept="Eng")
    world.apply(rows, spec)
    fewer = spec.replace("when: \"{{ row.dept == 'Eng' }}\", roles", 'when: "{{ row.id | int > 12 }}", roles').replace(
        "- {organization: sales, when", "- {organization: sales}\n  - {organization: sales, when"
    )
    assert any(
        "12 people would lose role 'engineer'. The limit without approval is 10 (25 % of 40)" in b.reason
        for b in world.plan(rows, fewer).blocked
    )


def test_what_an_adoption_takes_away_is_not_measured_against_nobody(world: World) -> None:
    world.kinde.seed({"users": [{"email": "p1@example.com", "memberships": {"Engineering": ["engineer"]}}]})
    assert world.plan([person(1)]).outcome == "changes"


def test_an_update_that_rides_on_a_failed_enabling_is_skipped(world: World) -> None:
    rows = people(20, dept="Eng")
    world.apply(rows)
    world.apply([person(1, dept="Eng", status="Terminated"), *rows[1:]])
    world.kinde.fault("PATCH", "/users$", status=400, times=None)
    report = world.apply([person(1, "New"), *rows[1:]])
    assert {o.kind: o.outcome for o in report.plan.operations}["update"] == "skipped"


def test_statuses_are_compared_with_blanks_collapsed(world: World) -> None:
    spec = SPEC.replace("active: [Active]", "active: [Active, 'Leave  of Absence']")
    assert world.plan([person(1, status=" leave of   absence ")], spec).summary["create"] == 1


def test_a_retired_organization_that_is_gone_is_no_error(world: World) -> None:
    assert world.plan(people(1), SPEC + "retired: {organizations: [{name: Long Gone}]}\n").outcome == "changes"


def test_a_plan_from_the_future_is_refused(world: World) -> None:
    plan = world.plan(people(1), now="2026-03-03T12:00:00Z").to_json()
    with pytest.raises(SyncError, match="future"):
        world.apply(people(1), plan_file=plan)


def test_members_whose_roles_come_as_objects_or_null(world: World) -> None:
    from airflow_provider_kinde.sync.snapshot.reader import Organization, read_members

    class Client:
        def iter_organization_users(self, code: str) -> list[dict[str, Any]]:
            return [
                {"id": "kp_1", "roles": [{"key": "lead"}, None, "engineer"]},
                {"id": None},
                {"id": "kp_2", "roles": None},
            ]

    organization = Organization("eng", "org_1", "Eng")
    read_members(Client(), organization)
    assert organization.members == {"kp_1": frozenset({"lead", "engineer"}), "kp_2": frozenset()}


def test_who_cannot_be_taken_out_of_the_default_organization_any_more_is_told(world: World) -> None:
    spec = SPEC + "joiner: {leave_default_organization: true}\n"
    world.kinde.fault("PATCH", "/users$", revoke_token=True)

    def rotated(request: Any, answer: Any) -> None:
        if request.path.endswith("/user") and request.method == "POST":
            world.kinde.set(client_secret="another")

    world.client.on_response = rotated
    report = world.apply([person(1, dept="Other"), person(2)], spec)
    (create,) = (o for o in report.plan.operations if (o.id, o.kind) == ("1", "create"))
    assert (create.outcome, "still in the default organization" in create.error) == ("failed", True)


def test_leaving_the_default_organization_is_believed_when_it_is_seen(world: World) -> None:
    spec = SPEC + "joiner: {leave_default_organization: true}\n"
    path = f"/organizations/{world.code('Default Organization')}/users"
    world.kinde.fault("PATCH", path, status=200, body={"code": "OK", "message": "Success"})
    report = world.apply([person(1, dept="Other")], spec)
    assert "still in the default organization" in report.plan.operations[0].error
    world.kinde.fault(
        "PATCH", f"/organizations/{world.code('Default Organization')}/users", after_work=True, times=None
    )
    assert world.apply([person(1, dept="Other"), person(2, dept="Other")], spec).outcome == "changes"
    assert world.memberships("p2@example.com") == {}


@pytest.mark.parametrize(
    "organizations",
    [
        """organizations: {eng: {name: Engineering}, sales: {name: Sales}}
memberships:
  - organization: "{{ 'eng' if row.dept == 'Eng' else 'sales' }}"
    when: "{{ row.dept in ['Eng', 'Sales'] }}"
    roles: [engineer]
""",
        """organizations: {match: external_id, prefix: "hr-"}
memberships:
  - organization: "hr-{{ row.dept }}"
    when: "{{ row.dept != '' }}"
    roles: [engineer]
""",
    ],
    ids=["named", "matched"],
)
def test_a_blank_that_decides_which_organization_takes_nobody_out_of_any(world: World, organizations: str) -> None:
    matched = [{"name": f"Matched {name}", "external_id": f"hr-{name}"} for name in ("Eng", "Sales")]
    world.kinde.seed({"organizations": matched})
    spec = SPEC.partition("organizations:")[0] + organizations
    rows = [person(number, dept="Eng" if number % 2 else "Sales") for number in range(1, 21)]
    world.apply(rows, spec)
    for row in rows[:2]:
        row["dept"] = ""
    plan = world.plan(rows, spec)
    assert plan.operations == []
    assert [held.id for held in plan.held] == ["1", "2"]
