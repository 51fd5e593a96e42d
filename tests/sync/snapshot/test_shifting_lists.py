"""Kinde's pages shift while people come and go: whoever stood at the edge of one may be in none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from airflow_provider_kinde.sync import make_plan
from airflow_provider_kinde.sync.apply.stages import apply_plan
from tests.support.world import NOW, SPEC, World, people, person

EVERYBODY = [person(number, dept="Eng") for number in range(1, 10)]


def leave_out(world: World, monkeypatch: pytest.MonkeyPatch, name: str, left_out: Callable[[Any], bool]) -> list[str]:
    """The first reading of a list lacks some; returns what was asked of the client in that way, as it goes."""
    listed, asked = getattr(world.client, name), []

    def shifted(*values: Any, **options: Any) -> Iterator[Any]:
        asked.append(str(values))
        for item in listed(*values, **options):
            if asked.count(str(values)) > 1 or not left_out(item):
                yield item

    monkeypatch.setattr(world.client, name, shifted)
    return asked


def by_hand(world: World) -> None:
    """Everybody has another role as well, given by hand."""
    users = [{"email": row["email"], "memberships": {"Engineering": ["engineer", "auditor"]}} for row in EVERYBODY]
    world.kinde.seed({"users": users})


def test_a_member_who_was_not_listed_keeps_what_was_given_by_hand(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.apply(EVERYBODY)
    by_hand(world)
    four = world.users()["p4@example.com"]["id"]
    asked = leave_out(world, monkeypatch, "iter_organization_users", lambda member: member["id"] == four)
    plan = make_plan(world.spec(), EVERYBODY, world.client, now=NOW)
    assert (plan.operations, plan.summary["unchanged"]) == ([], 9)
    assert len(asked) == 3  # two organizations, one of them twice
    assert apply_plan(plan, world.client).outcome == "no changes"
    assert world.memberships("p4@example.com") == {"Engineering": ["auditor", "engineer"]}


def test_a_leaver_who_was_not_listed_is_taken_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = SPEC + "leaver: {action: remove}\n"
    world.apply(EVERYBODY, spec)
    four = world.users()["p4@example.com"]["id"]
    leave_out(world, monkeypatch, "iter_organization_users", lambda member: member["id"] == four)
    rows = [{**row, "status": "Terminated"} if row["id"] == "4" else row for row in EVERYBODY]
    world.apply(rows, spec)
    assert world.memberships("p4@example.com") == {}


def test_a_list_read_twice_alike_is_accepted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.apply(EVERYBODY)
    listed, lists = world.client.iter_organization_users, []

    def without_anybody(code: str, **options: Any) -> Iterator[Any]:
        lists.append(code)
        return (member for member in listed(code, **options) if member["id"] == "nobody")

    monkeypatch.setattr(world.client, "iter_organization_users", without_anybody)
    plan = world.plan(EVERYBODY)
    assert plan.summary["add_membership"] == 9
    assert len(lists) == 3


def test_a_user_missing_from_the_list_gets_no_second_account(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.apply(people(9))
    leave_out(world, monkeypatch, "iter_users", lambda user: user["email"] == "p4@example.com")
    rows = [person(4, email="new@example.com") if row["id"] == "4" else row for row in people(9)]
    world.kinde.clear_log()
    report = world.apply(rows)
    assert [operation.kind for operation in report.plan.operations] == ["rename"]
    assert len(world.users()) == 9
    assert "p4@example.com" not in world.users()


def test_a_member_without_a_user_is_ignored(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.apply(people(3))
    listed = world.client.iter_organization_users

    def with_a_ghost(code: str, **options: Any) -> Iterator[Any]:
        yield from listed(code, **options)
        yield {"id": "kp_ghost", "roles": ["lead"]}

    monkeypatch.setattr(world.client, "iter_organization_users", with_a_ghost)
    assert world.plan(people(3)).outcome == "no changes"
