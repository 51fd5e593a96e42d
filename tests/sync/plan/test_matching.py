"""Which account belongs to which row, and who is held because that is uncertain."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pendulum
import pytest

from airflow_provider_kinde.exceptions import SyncError
from airflow_provider_kinde.sync.person.explain import explain
from airflow_provider_kinde.sync.plan.matching import Match, Matches
from tests.support.world import NOW, SPEC, World, people, person

TITLES = SPEC.replace("employment:", '  properties: {kp_usr_job_title: "{{ row.dept }}"}\nemployment:')


def test_a_future_joiner_who_keeps_the_address_is_not_held(world: World) -> None:
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
    pairs = Matches(plan.spec, plan.snapshot, lambda account: True, pendulum.parse(NOW))
    assert [Match.agrees(pair) for pair in pairs] == [True] * 6
    for made in ("account", "person"):
        monkeypatch.delattr(Match, made)
    assert world.plan(rows, spec).summary["unchanged"] == 6


def test_a_future_joiner_with_the_address_of_another_person_is_held(world: World) -> None:
    world.apply(people(20))
    rows = [*people(19), person(20, start="2026-04-01", email="p1@example.com")]
    assert {held.id: held.reason for held in world.plan(rows).held} == {
        "20": "the address is on the account of 1, who has access"
    }


def test_a_person_in_grace_without_an_address_is_not_held(world: World) -> None:
    world.apply(people(20))
    graced = person(1, end="2026-02-27", email="")
    plan = world.plan([graced, *people(20)[1:], person(21, email="p1@example.com")], SPEC + "leaver: {grace_days: 9}\n")
    assert {held.id: held.reason for held in plan.held} == {"21": "the address is on the account of 1, who has access"}


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


def test_an_account_without_a_link_or_with_the_former_one_is_adopted(world: World) -> None:
    spec = SPEC + 'joiner: {adopt: true, adopt_provided_id: "old-{{ row.id }}"}\n'
    links = {1: None, 2: "old-2", 3: "older-3"}
    users = [{"email": f"p{number}@example.com", "provided_id": link} for number, link in links.items()]
    world.kinde.seed({"users": users})
    plan = world.plan(people(3), spec)
    assert [operation.id for operation in plan.operations if operation.kind == "adopt"] == ["1", "2"]
    assert [held.id for held in plan.held] == ["3"]


def test_a_look_up_that_ignores_the_address_finds_no_account(world: World) -> None:
    """A filter that Kinde does not heed shows strangers: they are neither taken nor in the way."""
    world.kinde.fault("POST", "/api/v1/user$", drop=True)
    stranger = {"users": [{"id": "kp_x", "email": "stranger@example.com", "provided_id": None}]}
    world.kinde.fault("GET", r"/users\?.*email=", status=200, body=stranger, times=None)
    assert world.apply([person(1)]).outcome == "changes"
    assert list(world.users()) == ["p1@example.com"]


def test_a_future_joiner_does_not_block_an_address(world: World) -> None:
    rows = people(20)
    world.apply(rows)
    rows[0] = person(1, status="Terminated")
    world.apply(rows)
    rows[0] = person(1, email="p2@example.com", start="2027-01-01")
    rows[1] = person(2)
    assert world.plan(rows).held == []


def test_people_whose_rows_share_an_address_are_held_and_named(world: World) -> None:
    rows = [person(1, email="same@example.com"), person(2, email="Same@example.com"), *people(20)[2:]]
    assert [held.id for held in world.plan(rows).held] == ["1", "2"]


def test_an_unpaired_surrogate_is_no_id(world: World) -> None:
    with pytest.raises(SyncError, match="cannot be an id: it is not text"):
        world.plan([person(1)], ids=["1", "\udcff"])
    with pytest.raises(SyncError, match="cannot be an id: it is not text"):
        explain(world.spec(), [person(1)], world.client, "\udcff", now=NOW)
