"""Changes of the engine that no other test noticed (`make mutants`): each of these fails when one of them is made."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pendulum
import pytest

from airflow_provider_kinde.exceptions import KindeServerError, SyncError
from airflow_provider_kinde.sources import make_source
from airflow_provider_kinde.sync import Report, SyncSpec, make_plan
from airflow_provider_kinde.sync.apply import accounts, stages
from airflow_provider_kinde.sync.apply.memberships import UNSEEN
from airflow_provider_kinde.sync.apply.stages import Run, apply_plan
from airflow_provider_kinde.sync.plan import matching as joined
from airflow_provider_kinde.sync.plan.matching import Pair, Pairs
from kinde_emulator import Settings
from tests.support.world import NOW, SPEC, World, people, person

MEMBERS = "/organizations/[^/]+/users$"
TITLES = SPEC.replace("employment:", '  properties: {kp_usr_job_title: "{{ row.dept }}"}\nemployment:')


def test_both_things_that_went_wrong_are_told(world: World) -> None:
    world.kinde.seed({"properties": ["kp_usr_job_title"]})
    world.kinde.fault("PATCH", "/properties$", status=400, times=None)
    world.kinde.fault("DELETE", "/organizations/", status=400, times=None)
    world.kinde.fault("PATCH", "/organizations/[^/]+/users", status=400, times=None)
    report = world.apply([person(1, dept="Other")], TITLES + "joiner: {leave_default_organization: true}\n")
    (create,) = report.plan.operations
    assert create.outcome == "failed"
    first, _, second = create.error.partition("; ")
    assert "/properties" in first
    assert second.startswith("created, but still in the default organization")
    assert UNSEEN not in second


def test_who_waits_for_a_start_and_keeps_the_address_is_not_held_for_it(world: World) -> None:
    world.apply(people(20))
    rows = [person(1, start="2026-04-01"), *people(20)[1:], person(21, email="p1@example.com")]
    assert {held.id: held.reason for held in world.plan(rows).held} == {
        "21": "the address is on the account of 1, who has access"
    }


def test_one_person_under_two_ids_is_known_by_the_name_that_hr_has_now(world: World) -> None:
    world.apply(people(20))
    for first, last in (("Given1", "Married"), ("Renamed", "Doe")):
        left = person(1, first, last, status="Terminated")
        rows = [left, *people(20)[1:], person(21, first, last, email="p1@example.com")]
        assert {held.id for held in world.plan(rows).held} == {"1", "21"}
        stranger = person(21, "Given1", "Doe", email="p1@example.com")
        assert {held.id for held in world.plan([left, *people(20)[1:], stranger]).held} == {"21"}
    absent = [*people(20)[1:], person(21, "Given1", "Doe", email="p1@example.com")]
    assert {held.id for held in world.plan(absent).held} == {"1", "21"}


def test_an_id_with_an_account_and_no_row_is_known(world: World) -> None:
    world.apply(people(3))
    plan = world.plan(people(2), ids=["2", "3", "77"])
    assert plan.warnings == ["id 77: no HR row and no account of this sync has it"]


def test_everybody_who_stays_as_they_are_is_counted(world: World) -> None:
    world.apply(people(6))
    plan = world.plan([person(1, "Other"), *people(6)[1:]])
    assert (plan.summary["update"], plan.summary["unchanged"]) == (1, 5)
    assert world.plan(people(6)).summary["unchanged"] == 6
    assert world.plan(people(6), ids=["2", "3"]).summary["unchanged"] == 2
    rejected = world.plan([person(1, status="??"), *people(6)[1:]])
    assert (rejected.summary["rejected"], rejected.summary["unchanged"]) == (1, 5)
    graced = world.plan([person(1, end="2026-02-27"), *people(6)[1:]], SPEC + "leaver: {grace_days: 9}\n")
    assert (graced.operations, graced.summary["unchanged"]) == ([], 6)


def test_refused_credentials_end_the_run_instead_of_failing_for_everybody(world: World) -> None:
    world.kinde.fault("POST", "^/api/v1/user$", status=401, times=None)
    report = world.apply(people(60))
    creates = [operation for operation in report.plan.operations if operation.kind == "create"]
    failed = [operation for operation in creates if operation.outcome == "failed"]
    skipped = [operation for operation in creates if operation.outcome == "skipped"]
    # Those that were under way at the same time fail as well.
    assert 1 <= len(failed) <= world.client.max_concurrency
    assert len(failed) + len(skipped) == 60
    assert all(operation.error.startswith("Kinde refused the credentials") for operation in skipped)


@pytest.mark.parametrize("spec", [SPEC, TITLES], ids=["plain", "with properties"])
def test_whom_hr_and_kinde_agree_on_nothing_is_made_of(
    world: World, spec: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is what makes a million people cheap; the plan would be the same without."""
    world.kinde.seed({"properties": ["kp_usr_job_title"]})
    rows = [person(1, dept="Eng"), *people(6)[1:]]
    world.apply(rows, spec)
    world.kinde.seed({"users": [{"email": "p1@example.com", "memberships": {"Engineering": ["engineer", "owner"]}}]})
    plan = world.plan(rows, spec)
    assert plan.snapshot is not None
    pairs = Pairs(plan.spec, plan.snapshot, lambda account: True, pendulum.parse(NOW).date())
    assert [Pair.agrees(pair) for pair in pairs] == [True] * 6
    for made in ("account", "person"):
        monkeypatch.delattr(Pair, made)
    assert world.plan(rows, spec).summary["unchanged"] == 6


def test_who_waits_for_a_start_and_asks_for_the_address_of_another_is_held(world: World) -> None:
    world.apply(people(20))
    rows = [*people(19), person(20, start="2026-04-01", email="p1@example.com")]
    assert {held.id: held.reason for held in world.plan(rows).held} == {
        "20": "the address is on the account of 1, who has access"
    }


def test_who_stays_for_a_while_without_an_address_in_hr_is_not_held_for_another(world: World) -> None:
    world.apply(people(20))
    graced = person(1, end="2026-02-27", email="")
    plan = world.plan([graced, *people(20)[1:], person(21, email="p1@example.com")], SPEC + "leaver: {grace_days: 9}\n")
    assert {held.id: held.reason for held in plan.held} == {"21": "the address is on the account of 1, who has access"}


def test_of_two_organizations_that_were_made_since_the_plan_none_is_chosen(world: World) -> None:
    plan = world.plan(people(3), SPEC.replace("{name: Sales}", "{name: Field Sales, create: true}"))
    world.kinde.seed({"organizations": [{"name": "Field Sales", "code": code} for code in ("org_a", "org_b")]})
    report = apply_plan(plan, world.client)
    (create,) = [operation for operation in report.plan.operations if operation.kind == "create_organization"]
    assert create.outcome == "failed"
    assert create.error.startswith("2 organizations are called 'Field Sales' now")


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


def test_what_kinde_takes_and_does_not_do_is_told(world: World) -> None:
    world.apply(people(20))
    world.kinde.fault("PATCH", MEMBERS, status=200, body='{"code": "OK"}', times=None)
    report = world.apply([person(1, dept="Eng"), *people(20)[1:]])
    assert outcomes(report) == {
        ("add_membership", "failed"), ("add_role", "failed"), ("remove_membership", "failed")
    }  # fmt: skip
    assert {operation.error for operation in report.plan.operations} == {UNSEEN}


def test_what_kinde_took_and_did_not_do_is_sent_once_more(world: World) -> None:
    rows = [person(number, dept="Eng") for number in range(1, 21)]
    world.apply(rows, LEADS)
    world.kinde.fault("PATCH", MEMBERS, status=200, body='{"code": "OK"}', times=1)
    more = LEADS.replace("roles: [engineer]", "roles: [engineer, lead]") + "guards: {max_role_grants: 20}\n"
    assert outcomes(world.apply(rows, more)) == {("add_role", "done")}


def test_a_role_that_kinde_does_not_give_is_told(world: World) -> None:
    rows = [person(number, dept="Eng") for number in range(1, 21)]
    world.apply(rows, LEADS)
    world.kinde.fault("PATCH", MEMBERS, status=200, body='{"code": "OK"}', times=None)
    more = LEADS.replace("roles: [engineer]", "roles: [engineer, lead]") + "guards: {max_role_grants: 20}\n"
    assert outcomes(world.apply(rows, more)) == {("add_role", "failed")}


def test_what_was_done_of_a_suspension_is_not_done_again(world: World) -> None:
    world.apply(people(20))
    left = [person(1, status="Terminated"), *people(20)[1:]]
    world.kinde.fault("PATCH", "^/api/v1/user$", skip=1, status=400)
    assert outcomes(world.apply(left)) == {("suspend", "failed")}
    world.kinde.clear_log()
    assert outcomes(world.apply(left)) == {("suspend", "done")}
    assert [entry["method"] for entry in world.writes()] == ["DELETE", "PATCH"]


def test_an_address_that_kinde_takes_without_a_word_is_found(world: World) -> None:
    world.apply(people(20))
    world.kinde.fault("POST", "/identities$", status=201, body="", after_work=True)
    rows = [person(1, email="new@example.com"), *people(20)[1:]]
    assert outcomes(world.apply(rows)) == {("rename", "done")}
    world.settled(rows)


def test_an_address_that_kinde_takes_and_does_not_keep_is_told(world: World) -> None:
    world.apply(people(20))
    world.kinde.fault("POST", "/identities$", status=201, body="{}", times=None)
    (rename,) = world.apply([person(1, email="new@example.com"), *people(20)[1:]]).plan.operations
    assert rename.error == "Kinde answered the new address without an id, and the account does not show it"


@pytest.mark.parametrize("status", [400, 404, 409, 422])
def test_a_list_that_kinde_finds_wrong_is_halved(world: World, status: int) -> None:
    world.kinde.fault("PATCH", MEMBERS, status=status, times=2)
    rows = [person(number, dept="Eng") for number in range(1, 9)]
    assert {outcome for _, outcome in outcomes(world.apply(rows))} == {"done"}


@pytest.mark.parametrize("settings", [Settings(patch_roles="merge")], ids=["merge"])
def test_roles_are_taken_from_those_who_stay_whoever_goes(world: World) -> None:
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


def test_an_enabling_says_what_was_before_and_is_after(world: World) -> None:
    for action, before, after in (
        ("suspend", {"suspended": True}, {"suspended": False}),
        ("remove", {"left": True}, {"left": False}),
    ):
        spec = SPEC + f"leaver: {{action: {action}}}\n"
        world.apply(people(20), spec)
        world.apply([person(1, status="Terminated"), *people(20)[1:]], spec)
        enable = next(operation for operation in world.plan(people(20), spec).operations if operation.kind == "enable")
        assert (enable.before, enable.after) == (before, after)


def test_who_is_in_no_row_is_named_as_kinde_does(world: World) -> None:
    world.apply(people(20))
    (suspend,) = world.plan(people(19), SPEC + "absent: suspend\n").operations
    assert (suspend.kind, suspend.who) == ("suspend", "Given20 Doe <p20@example.com>")


def test_who_is_absent_and_lost_access_by_hand_is_left_so_where_the_spec_holds(world: World) -> None:
    world.apply(people(20))
    world.kinde.seed({"users": [{"email": "p20@example.com", "is_suspended": True}]})
    plan = world.plan(people(19), SPEC + "absent: hold\n")
    assert (plan.operations, plan.held, plan.summary["unchanged"]) == ([], [], 20)


def test_of_two_accounts_with_one_address_none_is_taken(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.kinde.seed({"users": [{"email": "p1@example.com"}]})
    listed = world.client.iter_users

    def twice(**options: Any) -> Iterator[Any]:
        for user in listed(**options):
            yield user
            yield {**user, "id": "kp_twin"}

    monkeypatch.setattr(world.client, "iter_users", twice)
    plan = world.plan(people(1))
    assert plan.operations == []
    assert [(held.id, held.reason) for held in plan.held] == [("1", "2 Kinde accounts have this address")]


def test_who_moves_is_no_leaver(world: World) -> None:
    world.apply([person(number, dept="Eng") for number in range(1, 41)])
    plan = world.plan(people(40))
    assert {block.reason.split()[0] for block in plan.blocked} == {"max_membership_removals"}


def test_the_protected_stand_first_among_the_held(world: World) -> None:
    spec = SPEC + "protect: {emails: [p9@example.com]}\n"
    world.apply(people(20), spec)
    rows = [*people(8), person(9, status="Terminated"), *people(20)[9:19], person(20, email="p1@example.com")]
    first = [("9", True), ("1", False), ("20", False)]
    assert [(held.id, held.protected) for held in world.plan(rows, spec).held] == first
    plan = world.plan(rows, spec, only=["create"], approve_protected=["9", "77"])
    assert [(held.id, held.protected) for held in plan.held] == first


def test_an_organization_that_is_there_is_not_created(world: World) -> None:
    plan = world.plan(people(2), SPEC.replace("{name: Sales}", "{name: Sales, create: true}"))
    assert {operation.kind for operation in plan.operations} == {"create", "add_membership"}


def test_an_account_that_was_made_without_its_address_is_told(world: World) -> None:
    made = {"id": "kp_1", "created": True, "identities": [{"type": "email", "result": {"created": False}}]}
    world.kinde.fault("POST", "^/api/v1/user$", status=200, body=json.dumps(made))
    (create, _) = world.apply(people(1)).plan.operations
    assert create.error.startswith("Kinde made the account, but not its address")


def test_a_protected_leaver_who_has_lost_access_already_waits_for_nobody(world: World) -> None:
    world.apply(people(20))
    world.apply([person(1, status="Terminated"), *people(20)[1:]])
    protecting = SPEC + "protect: {emails: [p1@example.com]}\n"
    again = person(21, "Given1", email="p1@example.com")
    plan = world.plan([person(1, status="Terminated"), *people(20)[1:], again], protecting)
    assert {held.id: held.protected for held in plan.held} == {"1": False, "21": False}


def test_an_operation_names_people_as_hr_does(world: World) -> None:
    world.apply(people(20))
    rows = [person(1, "Ada", "Roe", email="new@example.com"), *people(20)[1:]]
    named = {(operation.kind, operation.who) for operation in world.plan(rows).operations}
    assert named == {("rename", "Ada Roe <new@example.com>"), ("update", "Ada Roe <new@example.com>")}


def test_what_the_source_warns_of_stands_in_the_plan(world: World, tmp_path: Path) -> None:
    file = tmp_path / "hr.csv"
    file.write_text("id,email,first,last,dept,status,start,end\n1,p1@example.com,Given1,Doe,Sales,Active,,")
    spec = SyncSpec.parse(SPEC.replace("hr.csv", str(file)))
    plan = make_plan(spec, make_source(spec), world.client, now=NOW)
    assert plan.summary["create"] == 1
    assert [warning.rpartition(": ")[2] for warning in plan.warnings] == ["the last line has no line break"]


def test_who_had_no_access_is_not_counted_among_those_who_are_given_a_role(world: World) -> None:
    """Members of an organization who were suspended: a role for one who returns is no role for one who was there."""
    strict = SPEC + "guards: {floor: 0, max_role_grants: 0, max_leavers: 20, max_role_removals: 20}\n"
    lead = strict.replace("roles: [engineer]", "roles: [engineer, lead]")
    rows = [person(number, dept="Eng") for number in range(1, 6)]
    world.apply(rows, strict)
    world.apply([{**rows[0], "status": "Terminated"}, *rows[1:]], strict)
    returning = world.plan(rows, lead, ids=["1"])
    assert {operation.kind for operation in returning.operations} == {"add_role", "enable"}
    assert returning.outcome == "changes"
    assert world.plan(rows, lead, ids=["2"]).outcome == "blocked"


def test_who_is_in_no_organization_has_access_unless_marked_as_left(world: World) -> None:
    removing = SPEC + "leaver: {action: remove}\n"
    world.apply([person(1, dept="Other"), *people(9)[1:]], removing)
    renamed = person(1, last="Roe", dept="Other", start="2026-04-01")
    plan = world.plan([renamed, *people(9)[1:]], removing)
    assert [operation.kind for operation in plan.operations] == ["update"]


def test_every_stage_tells_how_far_it_is(world: World) -> None:
    told: dict[str, tuple[int, int | None]] = {}

    def progress(stage: str, done: int, total: int | None) -> None:
        told[stage] = done, total

    new = SPEC.replace("eng: {name: Engineering}", "eng: {name: Laboratory, create: true}")
    world.apply([person(1, dept="Eng"), person(2)], new, progress=progress)
    assert told["organizations"] == (1, 1)
    assert told["people"][0] == told["people"][1]
    assert told["memberships"] == (2, 2)


def test_without_a_moment_it_is_now(world: World) -> None:
    moment = dt.datetime(2026, 3, 2, 12, tzinfo=dt.timezone.utc)
    assert make_plan(world.spec(), people(1), world.client, now=moment).now == pendulum.parse(NOW)  # type: ignore[arg-type]
    before = pendulum.now("UTC")
    plan = make_plan(world.spec(), people(1), world.client)
    assert before <= plan.now <= pendulum.now("UTC")
    for wrong in ("P1D", "soon"):
        with pytest.raises(SyncError, match="not a moment in ISO 8601"):
            make_plan(world.spec(), people(1), world.client, now=wrong)


LAB = SPEC.replace("{name: Sales}", "{name: Laboratory, create: true}")


def labs(world: World) -> list[str]:
    return [o["code"] for o in world.kinde.state()["organizations"] if o["name"] == "Laboratory"]


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What was waited for another run; nobody waits."""
    waited: list[float] = []
    monkeypatch.setattr(accounts.time, "sleep", waited.append)
    return waited


@pytest.mark.parametrize("told", [True, False], ids=["with a code", "without a word"])
def test_who_makes_an_organization_alone_waits_for_nobody(world: World, naps: list[float], told: bool) -> None:
    if not told:
        world.kinde.fault("POST", "^/api/v1/organization$", status=201, body="", after_work=True)
    assert ("create_organization", "done") in outcomes(world.apply(people(2), LAB))
    assert len(labs(world)) == 1
    assert naps == []


def test_of_two_organizations_made_at_once_the_other_run_removes_its_own(
    world: World, naps: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    create, rival = world.client.create_organization, "org_zzzzzzzzzzzz"

    def both(**body: Any) -> Any:
        world.kinde.seed({"organizations": [{"name": "Laboratory", "code": rival}]})
        return create(**body)

    monkeypatch.setattr(world.client, "create_organization", both)
    monkeypatch.setattr(accounts.time, "sleep", lambda seconds: world.client.delete_organization(rival))
    assert ("create_organization", "done") in outcomes(world.apply(people(2), LAB))
    assert len(labs(world)) == 1
    assert rival not in labs(world)


def test_an_organization_that_this_run_may_not_have_made_is_not_removed(
    world: World, naps: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = world.client.iter_organizations
    looks: list[int] = []

    def lost(**body: Any) -> Any:
        world.kinde.seed({"organizations": [{"name": "Laboratory", "code": "org_b"}]})
        raise KindeServerError("the answer was lost", status=500, fate_unknown=True)

    def looked(**options: Any) -> Any:
        looks.append(1)
        if len(looks) == 4:
            world.kinde.seed({"organizations": [{"name": "Laboratory", "code": "org_a"}]})
        return listed(**options)

    monkeypatch.setattr(world.client, "create_organization", lost)
    monkeypatch.setattr(world.client, "iter_organizations", looked)
    world.apply(people(2), LAB)
    assert sorted(labs(world)) == ["org_a", "org_b"]


def test_an_identity_that_cannot_be_named_is_passed_over(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.apply(people(20))
    listed = world.client.iter_user_identities

    def with_one_more(user_id: str) -> Iterator[Any]:
        yield {"type": "email", "name": "p1@example.com"}
        yield {"type": "email", "name": "new@example.com", "id": None}
        yield from listed(user_id)

    monkeypatch.setattr(world.client, "iter_user_identities", with_one_more)
    rows = [person(1, email="new@example.com"), *people(20)[1:]]
    assert outcomes(world.apply(rows)) == {("rename", "done")}
    monkeypatch.undo()
    world.settled(rows)


def test_what_has_an_outcome_is_not_done_again(world: World) -> None:
    plan = world.plan(people(3))
    found = list(plan.operations)
    for operation in found:
        operation.outcome = "done"
    plan.operations.save(found)
    with Run(plan, world.client) as run:
        run.people()
        run.rest()
    assert world.writes() == []


def test_nobody_joins_an_organization_whose_creation_was_skipped(world: World) -> None:
    world.apply([person(1, dept="Other")], LAB)
    plan = world.plan(people(1), LAB)
    create, add = plan.operations
    assert (create.kind, add.kind) == ("create_organization", "add_membership")
    create.outcome = "skipped"
    plan.operations.save([create])
    with Run(plan, world.client) as run:
        run.organizations()
        run.change_memberships()
    assert [(o.outcome, o.error) for o in plan.operations][1] == ("skipped", "create_organization did not succeed")


def test_what_was_done_is_kept_while_much_more_is_to_do(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "_SAVED", 2)
    report = world.apply(people(7))
    assert [operation.outcome for operation in report.plan.operations] == ["done"] * 14


DEFAULT = SPEC + "joiner: {leave_default_organization: true}\n"


def seeded_default(world: World) -> str:
    world.kinde.seed({"organizations": [{"name": "Everybody", "code": "org_all", "is_default": True}]})
    return "/organizations/org_all/users$"


@pytest.mark.parametrize("settings", [Settings(default_org_policy=False)], ids=["no policy"])
def test_where_nobody_landed_in_the_default_organization_one_look_is_enough(world: World) -> None:
    seeded_default(world)
    world.apply(people(2, dept="Other"), DEFAULT)
    assert [entry["method"] for entry in world.kinde.log() if "org_all" in entry["path"]] == ["GET"]


def test_who_stays_in_the_default_organization_without_a_reason_is_told(world: World) -> None:
    members = seeded_default(world)
    world.kinde.fault("PATCH", members, status=200, body='{"code": "OK"}', times=None)
    (create,) = world.apply([person(1, dept="Other")], DEFAULT).plan.operations
    assert (create.outcome, create.error) == ("failed", f"created, but still in the default organization: {UNSEEN}")


def test_an_unknown_organization_is_told_beside_twenty_that_there_are(world: World) -> None:
    teams = [{"name": f"Team {number:02}", "external_id": f"team-{number:02}"} for number in range(30)]
    world.kinde.seed({"organizations": teams})
    named = (
        SPEC.partition("organizations:")[0]
        + """
organizations: {match: external_id, prefix: team-}
memberships: [{organization: "{{ row.dept }}"}]
"""
    )
    with pytest.raises(SyncError) as told:
        world.plan(people(1), named)
    assert "team-19" in str(told.value)
    assert "team-20" not in str(told.value)


def test_an_address_that_somebody_waits_for_is_not_deleted_away(world: World) -> None:
    spec = SPEC + "leaver: {delete_after_days: 1}\n"
    rows = [person(1, status="Terminated"), *people(20)[1:]]
    world.apply(people(20), spec)
    world.apply(rows, spec)
    plan = world.plan([*rows, person(21, email="p1@example.com")], spec, now="2026-03-09T12:00:00Z")
    assert plan.operations == []
    assert {held.id: held.reason.partition(";")[0] for held in plan.held} == {
        "1": "not deleted: an active HR row has the address of this account; use release",
        "21": "the address is still on the account of 1, who left: use release",
    }


@pytest.mark.parametrize("kept", [{}, {"email": None, "preferred_email": None}], ids=["an address", "no address"])
def test_a_sign_in_elsewhere_under_another_address_does_not_hold_a_rename(
    world: World, monkeypatch: pytest.MonkeyPatch, kept: dict[str, Any]
) -> None:
    world.apply(people(20))
    listed = world.client.iter_users

    def with_google(**options: Any) -> Iterator[Any]:
        for user in listed(**options):
            address = {} if kept else {"identity": "private@example.net"}
            yield {
                **user,
                **kept,
                "identities": [*(user["identities"] * (not kept)), {"type": "oauth2:google", **address}],
            }

    monkeypatch.setattr(world.client, "iter_users", with_google)
    plan = world.plan([person(1, email="new@example.com")], ids=["1"])
    assert [operation.kind for operation in plan.operations] == ["rename"]


def test_the_members_who_belong_to_nobody_are_not_taken_for_ours(world: World) -> None:
    world.apply(people(9))
    others = [{"email": f"x{number}@example.net", "memberships": {"Engineering": ["lead"]}} for number in range(40)]
    world.kinde.seed({"users": others})
    world.settled(people(9))


def test_an_account_that_kinde_answers_nothing_of_is_not_there(world: World) -> None:
    world.kinde.fault("POST", "^/api/v1/user$", status=200, body="{}", times=None)
    world.kinde.fault("GET", "/users\\?.*email=", status=200, body="null", times=None)
    create = next(iter(world.apply(people(1)).plan.operations))
    assert create.error == "Kinde answered the creation without an id, and no account has the address"


def test_who_was_found_instead_of_made_is_not_believed_to_have_joined(world: World) -> None:
    world.kinde.fault("POST", "^/api/v1/user$", status=502, after_work=True)
    world.apply(people(1))
    assert [entry["method"] for entry in world.writes()] == ["POST", "PATCH"]


def test_of_many_people_few_are_under_way_at_a_time() -> None:
    begun: list[int] = []

    def groups() -> Iterator[Any]:
        for number in range(1000):
            begun.append(number)
            yield [number]

    with ThreadPoolExecutor(1) as pool:
        results = stages._side_by_side(pool, lambda group: group, groups())
        assert next(results) == [0]
        assert len(begun) == 9
        assert [group for (group,) in results] == list(range(1, 1000))


def test_who_approves_another_plan_is_told_so(world: World) -> None:
    world.apply(people(20))
    world.kinde.clear_log()
    report = world.apply(people(20, dept="Other"), approve="0" * 64)
    reasons = [block["reason"] for block in report.to_json()["blocked"]]
    assert any(reason.startswith(f"the approved hash {'0' * 64} is not that of this plan") for reason in reasons)
    assert world.writes() == []


def test_a_protected_leaver_without_access_waits_for_no_suspension(world: World) -> None:
    world.apply(people(20))
    rows = [person(1, status="Terminated"), *people(20)[1:]]
    world.apply(rows)
    protecting = SPEC + "protect: {emails: [p1@example.com]}\n"
    assert world.plan(rows, protecting, only=["create"], approve_protected=["1"]).held == []


@pytest.mark.parametrize("many", [0, 1, 20_000])
def test_members_and_holders_are_counted_whole(world: World, monkeypatch: pytest.MonkeyPatch, many: int) -> None:
    monkeypatch.setattr(joined, "_MANY", many)
    world.apply([person(number, dept="Eng" if number < 4 else "Sales") for number in range(1, 10)])
    plan = world.plan(people(9))
    assert plan.snapshot is not None
    pairs = Pairs(plan.spec, plan.snapshot, lambda account: True, pendulum.parse(NOW).date())
    assert [pair.listed for pair in pairs] == [True] * 9
    volumes = pairs.volumes
    assert (volumes.members, volumes.holders) == ({"eng": 3, "sales": 6}, {"engineer": 3})
    assert (volumes.managed, volumes.with_access, volumes.settled, volumes.dropped) == (9, 9, 9, 0)


def test_an_account_that_kinde_made_without_a_word_is_found(world: World) -> None:
    world.kinde.fault("POST", "^/api/v1/user$", status=200, body="{}", after_work=True)
    assert outcomes(world.apply(people(1))) == {("create", "done"), ("add_membership", "done")}
    world.settled(people(1))


def test_a_refusal_is_told_in_the_words_of_kinde(world: World) -> None:
    world.kinde.fault("POST", "^/api/v1/user$", status=400, times=None)
    (create,) = world.apply([person(1, dept="Other")]).plan.operations
    assert create.error.startswith("POST /api/v1/user: ")


def test_the_protected_are_never_deleted(world: World) -> None:
    spec = SPEC + "leaver: {delete_after_days: 1}\n"
    rows = [person(1, status="Terminated"), *people(20)[1:]]
    world.apply(people(20), spec)
    world.apply(rows, spec)
    later = {"now": "2026-03-09T12:00:00Z"}
    assert [operation.kind for operation in world.plan(rows, spec, **later).operations] == ["delete"]
    assert world.plan(rows, spec + "protect: {emails: [p1@example.com]}\n", **later).operations == []


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


def test_what_is_rejected_of_others_is_not_told_of_those_asked_for(world: World) -> None:
    rows = [person(1, status="??"), person(2, status="??"), person(3)]
    assert [rejected.id for rejected in world.plan(rows, ids=["2", "3"]).rejected] == ["2"]


def test_who_is_taken_out_has_what_was_before_in_the_plan(world: World) -> None:
    removing = SPEC + "leaver: {action: remove}\n"
    world.apply([person(number, dept="Eng") for number in range(1, 21)], removing)
    rows = [person(number, dept="Eng", status="Terminated" if number == 1 else "Active") for number in range(1, 21)]
    marked, taken = world.plan(rows, removing).operations
    assert (taken.kind, taken.before) == ("remove_membership", {"roles": ["engineer"]})
    assert (marked.kind, marked.before, marked.after) == ("suspend", {"taken out": False}, {"taken out": True})


def test_an_account_of_nobody_is_adopted_whatever_else_could_be(world: World) -> None:
    spec = SPEC + 'joiner: {adopt: true, adopt_provided_id: "old-{{ row.id }}"}\n'
    links = {1: None, 2: "old-2", 3: "older-3"}
    users = [{"email": f"p{number}@example.com", "provided_id": link} for number, link in links.items()]
    world.kinde.seed({"users": users})
    plan = world.plan(people(3), spec)
    assert [operation.id for operation in plan.operations if operation.kind == "adopt"] == ["1", "2"]
    assert [held.id for held in plan.held] == ["3"]


def test_an_organization_that_was_made_since_the_plan_is_taken(world: World) -> None:
    plan = world.plan(people(2), LAB)
    world.kinde.seed({"organizations": [{"name": "Laboratory"}]})
    assert ("create_organization", "done") in outcomes(apply_plan(plan, world.client))
    assert len(labs(world)) == 1


def test_what_a_cut_off_run_left_unfinished_stands_in_the_plan(world: World) -> None:
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


def test_an_id_with_a_row_and_no_account_is_known(world: World) -> None:
    assert world.plan(people(3), ids=["3"]).warnings == []


def test_of_a_stage_without_work_nothing_is_told(world: World) -> None:
    told: set[str] = set()
    world.apply(people(2), progress=lambda stage, done, total: told.add(stage))
    assert told >= {"people", "memberships"}
    assert not told & {"organizations", "leavers", "enabling", "deleting"}


def test_sessions_are_left_alone_where_the_spec_says_so(world: World) -> None:
    world.apply(people(20))
    world.kinde.clear_log()
    rows = [person(1, status="Terminated"), *people(20)[1:]]
    world.apply(rows, SPEC + "leaver: {end_sessions: false}\n")
    assert [entry["method"] for entry in world.writes()] == ["PATCH", "PATCH"]
