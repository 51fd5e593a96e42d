"""Changes of the engine that no other test noticed (`make mutants`): each of these fails when one of them is made."""

from __future__ import annotations

from tests.sync.conftest import SPEC, World, people, person

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
