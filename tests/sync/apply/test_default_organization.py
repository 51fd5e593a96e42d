"""Leaving the organization into which Kinde puts every new account."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_kinde.resources.members import UNSEEN
from kinde_emulator import Settings
from tests.support.world import SPEC, World, people, person

DEFAULT = SPEC + "joiner: {leave_default_organization: true}\n"


def seeded_default(world: World) -> str:
    world.kinde.seed({"organizations": [{"name": "Everybody", "code": "org_all", "is_default": True}]})
    return "/organizations/org_all/users$"


OTHERS = [person(number) for number in range(101, 121)]


JOB_TITLES = SPEC.replace(
    'family_name: "{{ row.last }}"', 'family_name: "{{ row.last }}"\n  properties: {kp_usr_job_title: "{{ row.dept }}"}'
)


@pytest.mark.parametrize("settings", [Settings(default_org_policy=False)], ids=["no policy"])
def test_an_empty_default_organization_is_read_once(world: World) -> None:
    seeded_default(world)
    world.apply(people(2, dept="Other"), DEFAULT)
    assert [entry["method"] for entry in world.kinde.log() if "org_all" in entry["path"]] == ["GET"]


def test_people_left_in_the_default_organization_are_reported(world: World) -> None:
    members = seeded_default(world)
    world.kinde.fault("PATCH", members, status=200, body='{"code": "OK"}', times=None)
    (create,) = world.apply([person(1, dept="Other")], DEFAULT).plan.operations
    assert (create.outcome, create.error) == ("failed", f"created, but still in the default organization: {UNSEEN}")


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


def test_a_failed_removal_from_the_default_organization_is_reported(world: World) -> None:
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


def test_an_account_whose_properties_failed_leaves_the_default_organization_all_the_same(world: World) -> None:
    world.kinde.seed({"properties": ["kp_usr_job_title"]})
    world.kinde.fault("PATCH", "/properties$", status=400)
    spec = JOB_TITLES + "joiner: {leave_default_organization: true}\n"
    report = world.apply([person(1, dept="Other")], spec)
    assert (report.outcome, world.memberships("p1@example.com")) == ("failed", {})
    world.apply([person(1, dept="Other")], spec)
    world.settled([person(1, dept="Other")], spec)
