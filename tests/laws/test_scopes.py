"""Least privilege: each kind of operation works with the scopes that are documented for it, and with none fewer."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_kinde.client import KindeClient
from airflow_provider_kinde.exceptions import KindePermissionError
from airflow_provider_kinde.sync import SyncSpec
from airflow_provider_kinde.sync.plan.scopes import needed_scopes, scopes_of
from tests.laws.test_sync_laws import OPEN
from tests.support.world import SPEC, World, person

READ = {"read:users", "read:roles", "read:organizations", "read:organization_users"}
MEMBERS = {"update:organization_users"}
RENAME = {
    "update:users", "read:user_identities", "create:user_identities", "update:identities", "delete:identities",
}  # fmt: skip
PROPERTIES = SPEC.replace(
    'family_name: "{{ row.last }}"', 'family_name: "{{ row.last }}"\n  properties: {kp_usr_job_title: "{{ row.dept }}"}'
)
STAFF = [person(1), person(2, dept="Eng")]

CASES: dict[str, tuple[str, list[Any], list[Any], set[str]]] = {
    # kind: spec, rows before, rows after, scopes beside those for reading
    "create": (SPEC, STAFF, [*STAFF, person(3, dept="None")], {"create:users"}),
    "adopt": (SPEC, STAFF, [*STAFF, person(9, dept="None")], {"update:users", "read:user_identities"}),
    "update": (SPEC, STAFF, [person(1, last="Roe"), STAFF[1]], {"update:users"}),
    "enable": (SPEC, [person(1, status="Terminated"), STAFF[1]], STAFF, {"update:users"}),
    "suspend": (
        SPEC, STAFF, [person(1, status="Terminated"), STAFF[1]],
        {"update:users", "delete:user_sessions", "read:api_keys", "delete:api_keys"},
    ),
    "suspend, sessions and API keys stay": (
        SPEC + "leaver: {end_sessions: false, delete_api_keys: false}\n", STAFF,
        [person(1, status="Terminated"), STAFF[1]], {"update:users"},
    ),
    "rename": (SPEC, STAFF, [person(1, email="new@example.com"), STAFF[1]], RENAME),
    "add_membership": (SPEC, [person(1, dept="None")], [person(1)], MEMBERS),
    "remove_membership": (SPEC, [person(1)], [person(1, dept="None")], MEMBERS),
    "add_role": (SPEC, [person(1, dept="None")], [person(1, dept="Eng")], MEMBERS),
    "create_organization": (
        SPEC.replace("{name: Sales}", "{name: Field, create: true}"), [person(1, dept="None")], [person(1)],
        {"create:organizations", *MEMBERS},
    ),
    "properties": (
        PROPERTIES, STAFF, [person(1, dept="Eng"), STAFF[1]],
        {"update:users", "read:user_properties", "update:user_properties", *MEMBERS},
    ),
    "delete": (
        SPEC + "leaver: {delete_after_days: 1}\n", [person(1, status="Terminated"), STAFF[1]],
        [person(1, status="Terminated"), STAFF[1]], {"delete:users"},
    ),
    "update, directories looked at first": (
        SPEC + "check_directories: true\n", STAFF, [person(1, last="Roe"), STAFF[1]],
        {"update:users", "read:scim_directories"},
    ),
    "create, by a connection": (
        SPEC.replace('family_name: "{{ row.last }}"', 'family_name: "{{ row.last }}"\n  connection: conn_1'), [],
        [person(3, dept="None")],
        {"create:users", "read:connections", "read:user_identities", "create:user_identities"},
    ),
    "create, out of the default organization": (
        SPEC + "joiner: {leave_default_organization: true}\n", STAFF, [*STAFF, person(3, dept="None")],
        {"create:users", *MEMBERS},
    ),
}  # fmt: skip


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest, world: World) -> tuple[str, list[Any], set[str]]:
    spec, before, after, scopes = CASES[request.param]
    spec += OPEN
    world.kinde.seed({"connections": [{"id": "conn_1", "name": "Okta"}]})
    world.kinde.seed({"properties": ["kp_usr_job_title"], "users": [{"email": "p9@example.com", "is_confirmed": True}]})
    if any(row["status"] != "Active" for row in before):
        world.apply([dict(row, status="Active") for row in before], spec, now="2026-03-01T12:00:00Z")
    if before:
        world.apply(before, spec, now="2026-03-01T12:00:00Z")
    world.kinde.clear_log()
    return spec, after, READ | scopes


def _with(world: World, scopes: set[str]) -> KindeClient:
    world.kinde.set(scopes=tuple(sorted(scopes)))
    world.client = KindeClient(world.kinde.url, world.kinde.client_id, world.kinde.client_secret)
    return world.client


def test_enough_and_none_too_many(world: World, case: tuple[str, list[Any], set[str]]) -> None:
    spec, rows, scopes = case
    now = "2026-03-12T12:00:00Z"
    assert needed_scopes(world.plan(rows, spec, now=now)) == scopes
    # Reading is the same for all; one case shows it.
    for lacking in sorted(scopes - READ if scopes != READ | MEMBERS else scopes):
        with _with(world, scopes - {lacking}), pytest.raises(KindePermissionError) as caught:
            world.apply(rows, spec, now=now)
        assert lacking in str(caught.value)
    assert world.writes() == []
    with _with(world, scopes):
        assert world.apply(rows, spec, now=now).outcome == "changes"


def test_the_scopes_of_a_spec_are_those_that_its_plans_may_need() -> None:
    for spec, *_, scopes in CASES.values():
        assert READ | scopes <= set(scopes_of(SyncSpec.parse(spec)))
    assert "create:organizations" not in scopes_of(SyncSpec.parse(SPEC))
    keys = scopes_of(SyncSpec.parse(SPEC + "leaver: {delete_api_keys: false}\n"))
    assert "delete:api_keys" not in keys


def test_the_page_names_the_scopes_that_the_code_asks_for() -> None:
    page = (Path(__file__).parents[2] / "docs/scopes.md").read_text()
    named = set(re.findall(r"`([a-z]+:[a-z_]+)`", page))
    used = READ.union(*(scopes for *_, scopes in CASES.values()))
    # Those two are asked for where Kinde behaves otherwise than expected, and only then.
    assert named == used | {"delete:organization_user_roles", "delete:organizations"}
