"""People who left according to HR, and whose account no sync manages: told everywhere, and never touched."""

from __future__ import annotations

import json

import pytest

from airflow_provider_kinde.sync.person.explain import explain
from airflow_provider_kinde.sync.report.text import plan_text, report_text
from tests.support.world import NOW, SPEC, World, people, person

SCOPED = (
    SPEC
    + """
scope: "{{ row.dept != 'Outside' }}"
ignore: {emails: [p26@example.com]}
"""
)


def plant(world: World) -> list[dict[str, str]]:
    world.apply(people(20), SCOPED)
    world.kinde.seed({
        "users": [
            {"email": "p21@example.com"},
            {"email": "mail22@example.com", "identities": ["p22@example.com"]},
            {"email": "p23@example.com", "is_suspended": True},
            {"email": "p24@example.com"},
            {"email": "p25@example.com", "provided_id": "agency:25"},
            {"email": "p26@example.com"},
            {"email": "p27@example.com", "provided_id": "by hand"},
            {"email": "p28@example.com", "provided_id": "hr~onboarded:2026-03-01"},
            {"email": "p29@example.com", "is_confirmed": False},
        ]
    })  # fmt: skip
    left = {"status": "Terminated"}
    return [
        *people(20),
        person(21, **left), person(22, **left), person(23, **left), person(24, dept="Outside"), person(25, **left),
        person(26, **left), person(27, **left), person(29, **left), person(30, email="p29@example.com"),
    ]  # fmt: skip


def test_plan_report_and_explain_name_them_and_nothing_is_written(world: World) -> None:
    rows = plant(world)
    users = world.users()
    expected = {(id, users[email]["id"]) for id, email in {
        "21": "p21@example.com", "22": "mail22@example.com", "27": "p27@example.com",
    }.items()}  # fmt: skip
    plan = world.plan(rows, SCOPED)
    assert {(one.id, one.account) for one in plan.unmanaged_leavers} == expected
    (line,) = [warning for warning in plan.warnings if "not managed" in warning]
    assert line.startswith("3 accounts of people who left are not managed and still enabled: id 21 has ")
    assert "suspend them in Kinde" in line
    assert "@" not in line
    assert line in plan_text(plan)
    assert len(json.loads(json.dumps(plan.to_json()))["unmanaged_leavers"]) == 3
    world.kinde.clear_log()
    report = world.apply(rows, SCOPED)
    assert line in report_text(report)
    assert "agrees" not in report_text(report)
    assert world.writes() == []
    text, _ = explain(world.spec(SCOPED), rows, world.client, "21", now=NOW)
    assert f"none: this sync does not manage {users['p21@example.com']['id']}, which is still enabled" in text


@pytest.mark.parametrize(("keys", "said"), [(["ci"], "with 1 API key"), (["ci", "laptop"], "with 2 API keys")])
def test_api_keys_of_such_an_account_are_named_and_stay(world: World, keys: list[str], said: str) -> None:
    world.kinde.seed({"users": [{"email": "p1@example.com", "api_keys": keys}, {"email": "p2@example.com"}]})
    rows = [person(1, status="Terminated"), person(2, status="Terminated"), person(3)]
    users = world.users()
    plan = world.plan(rows)
    assert [one.api_keys for one in plan.unmanaged_leavers] == [len(keys), 0]
    (line,) = [warning for warning in plan.warnings if "not managed" in warning]
    assert f"id 1 has {users['p1@example.com']['id']} {said}, id 2 has {users['p2@example.com']['id']}. " in line
    assert line.endswith("suspend them in Kinde and delete the API keys, which suspension does not stop")
    assert plan.to_json()["unmanaged_leavers"][0]["api_keys"] == len(keys)
    assert line in report_text(world.apply(rows))
    text, _ = explain(world.spec(), rows, world.client, "1", now=NOW)
    assert f"{said.removeprefix('with ')}: delete them, suspension stops none" in text
    assert len(world.users()["p1@example.com"]["api_keys"]) == len(keys)


def test_without_the_scope_for_api_keys_the_account_is_named_all_the_same(world: World) -> None:
    world.kinde.seed({"users": [{"email": "p1@example.com", "api_keys": ["ci"]}]})
    rows = [person(1, status="Terminated")]
    world.kinde.set(scopes=("read:organization_users", "read:organizations", "read:roles", "read:users"))
    world.kinde.revoke_tokens()
    (one,) = world.plan(rows).unmanaged_leavers
    assert one.api_keys is None


@pytest.mark.parametrize("status", ["Active", "Terminated"])
def test_a_run_for_one_id_names_that_person_only(world: World, status: str) -> None:
    rows = [*plant(world), person(40, status=status)]
    assert [one.id for one in world.plan(rows, SCOPED, ids=["21"]).unmanaged_leavers] == ["21"]
    assert world.plan(rows, SCOPED, ids=["40"]).unmanaged_leavers == []


def test_a_suspended_account_is_no_longer_named(world: World) -> None:
    world.apply(people(3))
    world.kinde.seed({"users": [{"email": "p4@example.com"}]})
    rows = [*people(3), person(4, status="Terminated")]
    assert "1 account of a person who left is not managed" in world.plan(rows).unsettled
    world.client.update_user(world.users()["p4@example.com"]["id"], is_suspended=True)
    plan = world.plan(rows)
    assert (plan.unmanaged_leavers, plan.warnings, plan.unsettled) == ([], [], "")
