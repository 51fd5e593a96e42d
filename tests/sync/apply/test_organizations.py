"""Organizations that the first plan creates, that two runs create at once, or that are gone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from airflow_provider_kinde.exceptions import KindeServerError, SyncError
from airflow_provider_kinde.sync import Report, apply_plan
from airflow_provider_kinde.sync.apply import accounts
from airflow_provider_kinde.sync.apply.stages import Run
from airflow_provider_kinde.sync.report.headline import headline
from airflow_provider_kinde.sync.report.overview import categories
from airflow_provider_kinde.sync.report.text import plan_text
from kinde_emulator import Settings
from tests.support.world import SPEC, World, people, person


def labs(world: World) -> list[str]:
    return [o["code"] for o in world.kinde.state()["organizations"] if o["name"] == "Laboratory"]


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What was waited for another run; nobody waits."""
    waited: list[float] = []
    monkeypatch.setattr(accounts.time, "sleep", waited.append)
    return waited


def outcomes(report: Report) -> set[tuple[str, str]]:
    return {(operation.kind, operation.outcome) for operation in report.plan.operations}


LAB = SPEC.replace("{name: Sales}", "{name: Laboratory, create: true}")


def test_of_two_organizations_that_were_made_since_the_plan_none_is_chosen(world: World) -> None:
    plan = world.plan(people(3), SPEC.replace("{name: Sales}", "{name: Field Sales, create: true}"))
    world.kinde.seed({"organizations": [{"name": "Field Sales", "code": code} for code in ("org_a", "org_b")]})
    report = apply_plan(plan, world.client)
    (create,) = [operation for operation in report.plan.operations if operation.kind == "create_organization"]
    assert create.outcome == "failed"
    assert create.error.startswith("2 organizations are called 'Field Sales' now")


def test_an_organization_that_is_there_is_not_created(world: World) -> None:
    plan = world.plan(people(2), SPEC.replace("{name: Sales}", "{name: Sales, create: true}"))
    assert {operation.kind for operation in plan.operations} == {"create", "add_membership"}


@pytest.mark.parametrize("told", [True, False], ids=["with a code", "without a word"])
def test_creating_a_single_organization_does_not_wait(world: World, naps: list[float], told: bool) -> None:
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


def test_no_person_joins_an_organization_whose_creation_was_skipped(world: World) -> None:
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
    plan = world.plan(people(1), named)
    (told,) = [rejected.reason for rejected in plan.rejected]
    assert "team-19" in told
    assert "team-20" not in told


def test_an_organization_that_was_made_since_the_plan_is_taken(world: World) -> None:
    plan = world.plan(people(2), LAB)
    world.kinde.seed({"organizations": [{"name": "Laboratory"}]})
    assert ("create_organization", "done") in outcomes(apply_plan(plan, world.client))
    assert len(labs(world)) == 1


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


def test_a_retired_organization_that_is_gone_is_no_error(world: World) -> None:
    assert world.plan(people(1), SPEC + "retired: {organizations: [{name: Long Gone}]}\n").outcome == "changes"


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
    assert "does not list it" in report.plan.operations[0].error


def test_an_organization_that_was_created_and_renamed_is_found_by_its_external_id(world: World) -> None:
    rows = people(12)
    world.apply(rows, LAB)
    (code,) = labs(world)
    world.client.update_organization(code, name="Research")
    world.settled(rows, LAB)
    moved = [person(1, dept="Eng"), *people(13)[1:]]
    world.apply(moved, LAB)
    assert labs(world) == []
    assert world.memberships("p1@example.com") == {"Engineering": ["engineer"]}
    assert world.memberships("p13@example.com") == {"Research": []}


def test_a_renamed_organization_beside_another_with_its_name_stops_the_run(world: World) -> None:
    world.apply(people(2), LAB)
    world.client.update_organization(labs(world)[0], name="Research")
    world.kinde.seed({"organizations": [{"name": "Laboratory"}]})
    with pytest.raises(
        SyncError, match="2 organizations in Kinde have the name 'Laboratory', or the external_id 'hr:sales'"
    ):
        world.plan(people(2), LAB)


def test_members_of_an_organization_that_was_made_by_hand_and_renamed_are_not_moved_unseen(world: World) -> None:
    world.kinde.seed({"organizations": [{"name": "Laboratory"}]})
    rows = people(20)
    world.apply(rows, LAB)
    world.client.update_organization(labs(world)[0], name="Research")
    (block,) = world.plan(rows, LAB).blocked
    assert block.reason.startswith(
        "max_membership_grants (25%): 20 people who were in an organization already would join 'sales', "
    )
    assert "which this plan creates (was it deleted or renamed in Kinde?). " in block.reason


def test_an_organization_that_was_deleted_in_kinde_is_not_made_again_unseen(world: World) -> None:
    rows = [*people(4), *[person(number, dept="Eng") for number in range(5, 41)]]
    world.apply(rows, LAB)
    world.client.delete_organization(labs(world)[0])
    plan = world.plan(rows, LAB)
    assert plan.blocked == []  # four of forty people are fewer than the guard stops
    (warning,) = plan.warnings
    assert warning == (
        "Kinde has no organization 'Laboratory': this plan creates it, and 4 people who have access already would "
        "join. If it is not new in the spec, it was deleted or renamed in Kinde: find out by whom, and why"
    )
    (create,) = plan.operations.of("create_organization")
    assert create.reason == "Kinde does not have it, and 4 people would join it"
    content = plan.content()
    assert content["recreated"] == {"sales": 4}
    sentence = headline(content, categories(plan.operations, 0))
    assert "1 organization would be created (new in the spec, or deleted in Kinde?)" in sentence
    assert warning in plan_text(plan)


def test_people_of_a_deleted_organization_who_are_in_no_other_are_counted_in_the_warning(world: World) -> None:
    rows = people(20)
    world.apply(rows, LAB)
    world.client.delete_organization(labs(world)[0])
    assert world.memberships("p1@example.com") == {}
    plan = world.plan(rows, LAB)
    assert plan.recreated == {"sales": 20}
    assert "20 people who have access already would join" in plan.warnings[0]


def test_a_new_organization_for_people_who_join_with_it_is_no_warning(world: World) -> None:
    plan = world.plan(people(20), LAB)
    assert (plan.warnings, plan.recreated, plan.summary["create_organization"]) == ([], {}, 1)
    assert "deleted" not in headline(plan.content(), categories(plan.operations, 0))
