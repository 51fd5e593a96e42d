"""An address leads to an HR id, or to the account that has it and to what manages that account."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_kinde.exceptions import SyncError
from airflow_provider_kinde.sync.person.by_address import AddressWithoutId, find_id
from airflow_provider_kinde.sync.person.explain import explain
from airflow_provider_kinde.sync.person.onboard import Joiner, onboard
from airflow_provider_kinde.sync.plan.run_request import as_source
from tests.support.world import NOW, World, people, person


def found(world: World, email: str, rows: list[dict[str, Any]]) -> str:
    return find_id(world.spec(), as_source(rows), world.client, email, NOW)


def test_an_address_of_hr_or_of_a_linked_account_leads_to_the_id(world: World) -> None:
    rows = people(3)
    world.apply(rows)
    assert found(world, "P1@example.com", rows) == "1"
    assert found(world, "p3@example.com", rows[:2]) == "3"


def test_an_account_of_the_form_is_told_with_its_day(world: World) -> None:
    joiner = Joiner("new@example.com", "Nia", "Newman", "eng")
    onboard(world.spec(), people(2), world.client, joiner, now=NOW, tell=lambda *_: None)
    with pytest.raises(AddressWithoutId) as told:
        found(world, "new@example.com", people(2))
    assert "no HR row has it" in str(told.value)
    assert f"the onboarding form of hr made it on {NOW[:10]} (hr~onboarded:{NOW[:10]})" in str(told.value)
    assert "fill in the offboarding form" in str(told.value)


@pytest.mark.parametrize(
    ("provided_id", "words"),
    [
        ("", "(enabled) has it: no sync manages it"),
        ("crm:77~left=2026-01-02", "another sync, crm, manages it"),
        ("crm~onboarded:2026-01-02", "another sync, crm, manages it"),
        ("SCIM/77", "another system manages it (provided_id SCIM/77)"),
    ],
)
def test_an_account_that_this_sync_does_not_manage_is_told(world: World, provided_id: str, words: str) -> None:
    profile = {"given_name": "Old", "family_name": "Hand"}
    identities = [{"type": "email", "details": {"email": "old@example.com"}}]
    id = world.client.create_user(profile=profile, identities=identities)["id"]
    if provided_id:
        world.client.update_user(id, provided_id=provided_id)
    with pytest.raises(AddressWithoutId) as told:
        found(world, "old@example.com", people(2))
    assert id in str(told.value)
    assert words in str(told.value)
    assert "hr leaves it alone" in str(told.value)


def test_a_row_that_cannot_be_used_is_named(world: World) -> None:
    rows = [*people(2), person(9, email="nine@example.com", status="Zebra")]
    with pytest.raises(SyncError, match="row 3 of HR has it, and cannot be used"):
        found(world, "nine@example.com", rows)


def test_an_id_that_no_person_has_is_told_by_the_sentence_of_plan(world: World) -> None:
    rows = [person("00120"), person("00121")]
    text, _ = explain(world.spec(), rows, world.client, "120", now=NOW)
    assert "action   none: id 120: no HR row and no account of this sync has it (did you mean 00120?)" in text
