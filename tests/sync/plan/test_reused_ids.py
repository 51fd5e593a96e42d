"""An HR id that is used again for another person: the account of the person who left does not pass to a stranger."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_kinde.sync.repair.relink import relink
from tests.support.world import NOW, SPEC, World, people, person

REST = people(20)[1:]
STRANGER = person(1, "Zoe", "Other", email="zoe.other@example.com")
REMOVE = SPEC + "leaver: {action: remove}\n"


def left(world: World, spec: str = SPEC) -> None:
    world.apply(people(20), spec)
    world.apply([person(1, status="Terminated"), *REST], spec)


@pytest.mark.parametrize("spec", [SPEC, REMOVE])
@pytest.mark.parametrize("last", ["Other", "Doe"])
def test_another_name_and_another_address_under_the_id_of_a_leaver_are_held(world: World, spec: str, last: str) -> None:
    left(world, spec)
    before = world.kinde.state()
    report = world.apply([{**STRANGER, "last": last}, *REST], spec)
    (held,) = report.plan.held
    assert (held.id, held.protected, report.outcome, world.kinde.state()) == ("1", False, "no changes", before)
    account = world.users()["p1@example.com"]["id"]
    assert "was the id used again for another person?" in held.reason
    assert f"write the new name on the account {account} in Kinde" in held.reason
    assert "another id in HR, or clear the provided_id of that account" in held.reason
    assert "Given1" not in held.reason


@pytest.mark.parametrize(
    "columns",
    [
        {"first": "Zoe", "last": "Other"},
        {"email": "new@example.com"},
        {"last": "Other", "email": "new@example.com"},  # married
    ],
)
def test_a_person_who_returns_with_the_name_or_the_address_is_known(world: World, columns: dict[str, str]) -> None:
    left(world)
    rows = [{**person(1), **columns}, *REST]
    report = world.apply(rows)
    assert (report.outcome, report.plan.held, report.plan.summary["enable"]) == ("changes", [], 1)
    world.settled(rows)


def test_each_way_out_that_the_reason_names_works(world: World) -> None:
    left(world)
    account = world.users()["p1@example.com"]["id"]
    another_id = [{**STRANGER, "id": "99"}, person(1, status="Terminated"), *REST]
    assert world.plan(another_id).summary["create"] == 1
    world.client.update_user(account, provided_id="")
    assert [(o.kind, o.id) for o in world.plan([STRANGER, *REST]).operations][:1] == [("create", "1")]
    world.client.update_user(account, provided_id="hr:1~left=2026-03-02", given_name="Zoe")
    report = world.apply([STRANGER, *REST])
    assert (report.outcome, world.users()["zoe.other@example.com"]["id"]) == ("changes", account)


def test_a_relink_says_that_it_is_one_person_and_the_next_run_goes_on(world: World) -> None:
    left(world)
    rows: list[dict[str, Any]] = [{**STRANGER, "id": "99"}, person(1, status="Terminated"), *REST]
    world.kinde.clear_log()
    found = relink(world.spec(), rows, world.client, "1", "99", now=NOW)
    (write,) = world.writes()
    names = {"given_name": "Zoe", "family_name": "Other"}
    assert write["body"] == {"provided_id": "hr:99~left=2026-03-02", **names}
    assert [o.kind for o in found.plan.operations] == ["rename", "enable"]
    assert "given name: Zoe" in found.text()
    report = world.apply(rows)
    assert [o.kind for o in report.plan.operations] == ["rename", "enable"]
    assert world.users()["zoe.other@example.com"]["provided_id"] == "hr:99"
    world.settled(rows)
