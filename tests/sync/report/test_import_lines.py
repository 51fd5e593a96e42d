"""The creations of a plan as lines for Kinde's own import: what is imported is found by the next plan."""

from __future__ import annotations

import json

import pytest

from airflow_provider_kinde.exceptions import SyncError
from airflow_provider_kinde.sync.plan.plan import Plan
from airflow_provider_kinde.sync.report.import_lines import ImportLines, external_ids_of
from tests.support.world import SPEC, World, people, person

WITH_PROPERTY = SPEC.replace(
    'family_name: "{{ row.last }}"',
    'family_name: "{{ row.last }}"\n  properties: {job: "{{ row.job | default(\'\') }}"}',
)


def lines_of(world: World, plan: Plan) -> ImportLines:
    return ImportLines(plan, external_ids_of(world.client.iter_organizations()))


@pytest.fixture
def named(world: World) -> World:
    world.kinde.seed({"organizations": [{"name": "Engineering", "external_id": "dept-1"},
                                        {"name": "Sales", "external_id": "dept-2"}],
                      "properties": ["job"]})  # fmt: skip
    return world


def test_a_line_holds_link_names_address_properties_organizations_and_roles(named: World) -> None:
    rows = [{**person(1, "Zoë", dept="Eng"), "job": "Sänger"}, {**person(2), "job": ""}]
    plan = named.plan(rows, WITH_PROPERTY)
    assert [json.loads(line) for line in lines_of(named, plan)] == [
        {
            "id": "hr:1", "first_name": "Zoë", "last_name": "Doe",
            "identities": [{"type": "email", "identity": "p1@example.com"}],
            "properties": [{"key": "job", "value": "Sänger"}],
            "organizations": [{"external_id": "dept-1", "roles": ["engineer"]}],
        },
        {
            "id": "hr:2", "first_name": "Given2", "last_name": "Doe",
            "identities": [{"type": "email", "identity": "p2@example.com"}],
            "organizations": [{"external_id": "dept-2", "roles": []}],
        },
    ]  # fmt: skip


def test_the_next_plan_finds_the_imported_people_and_has_nothing_to_do(named: World) -> None:
    named.kinde.set(default_org_policy=False)
    rows = [{**row, "job": f"Line\u2028{row['id']}"} for row in people(30)] + [person(99, dept="Eng")]
    lines = lines_of(named, named.plan(rows, WITH_PROPERTY))
    found = named.kinde.import_users(b"".join(lines).decode())
    assert found == {"imported": 31, "errors": []}
    assert named.memberships("p99@example.com") == {"Engineering": ["engineer"]}
    assert not any(item.startswith("Before the upload") or "next apply" in item for item in lines.advice())
    named.settled(rows, WITH_PROPERTY)


def test_an_import_that_is_repeated_changes_nothing(named: World) -> None:
    text = b"".join(lines_of(named, named.plan(people(3)))).decode()
    named.kinde.import_users(text)
    state = named.kinde.state()
    again = named.kinde.import_users(text)
    assert (again["imported"], len(again["errors"]), named.kinde.state()) == (0, 3, state)


def test_what_an_import_cannot_hold_is_told_and_left_to_the_next_apply(world: World) -> None:
    rows = [person(1), person(2, dept="Eng")]
    plan = world.plan(rows)
    lines = lines_of(world, plan)
    assert [json.loads(line).get("organizations") for line in lines] == [None, None]
    told = "\n".join(lines.advice())
    assert "'eng' has no external_id of its own in Kinde, so the next apply gives its 1 membership." in told
    world.kinde.import_users(b"".join(lines_of(world, plan)).decode())
    assert world.plan(rows).operations.kinds() == {"add_membership": 2, "add_role": 1}
    world.apply(rows)
    world.settled(rows)


def test_people_with_a_connection_are_left_to_the_next_apply(named: World) -> None:
    named.kinde.seed({"connections": [{"id": "conn_okta", "name": "Okta", "strategy": "saml:okta"}]})
    spec = SPEC.replace('family_name: "{{ row.last }}"', 'family_name: "{{ row.last }}"\n  connection: "{{ row.sso }}"')
    lines = lines_of(named, named.plan([person(1, sso="conn_okta"), person(2, sso="")], spec))
    assert [json.loads(line)["id"] for line in lines] == ["hr:2"]
    assert "The next apply creates 1 person with a sign-in by a connection" in "\n".join(lines.advice())


def test_an_organization_that_the_sync_creates_has_to_exist_first(world: World) -> None:
    spec = SPEC.replace("{name: Sales}", "{name: Field sales, create: true}")
    rows = people(2)
    lines = lines_of(world, world.plan(rows, spec))
    assert json.loads(next(iter(lines)))["organizations"] == [{"external_id": "hr:sales", "roles": []}]
    assert "Before the upload, apply with --only create_organization: sales must exist" in lines.advice()[0]
    world.apply(rows, spec, only=["create_organization"])
    text = b"".join(lines_of(world, world.plan(rows, spec))).decode()
    assert world.kinde.import_users(text) == {"imported": 2, "errors": []}
    assert "Field sales" in world.memberships("p1@example.com")
    assert not world.plan(rows, spec).operations


def test_two_organizations_with_one_external_id_are_not_named(world: World) -> None:
    assert external_ids_of([{"code": "org_1", "external_id": "x"}, {"code": "org_2", "external_id": "x"},
                            {"code": "org_3", "external_id": "y"}, {"code": "org_4"}]) == {"org_3": "y"}  # fmt: skip


def test_a_person_who_needs_more_than_a_file_may_hold_is_named(named: World, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = named.plan([{**person(7), "job": "x" * 2_000}], WITH_PROPERTY)
    monkeypatch.setattr("airflow_provider_kinde.sync.report.import_lines.MAX_BYTES", 1_000)
    with pytest.raises(SyncError, match=r"^7 needs 0\.0 MB in an import file, and Kinde takes 49 MB"):
        list(lines_of(named, plan))
