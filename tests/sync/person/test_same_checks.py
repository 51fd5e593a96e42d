"""Forms, undo, relink, release and runs for single people check what the sync checks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_kinde.exceptions import SyncError
from airflow_provider_kinde.sync import SyncSpec, apply_plan
from airflow_provider_kinde.sync.person.forms import FormRefused
from airflow_provider_kinde.sync.person.offboard import Leaver, offboard
from airflow_provider_kinde.sync.person.onboard import Joiner, onboard
from airflow_provider_kinde.sync.repair.release import release
from airflow_provider_kinde.sync.repair.relink import relink
from airflow_provider_kinde.sync.repair.undo import make_undo
from tests.support.world import NOW, SPEC, World, people, person

Way = Callable[[World, str], Any]
LEFT = [person(1, status="Terminated"), *people(30)[1:]]


def _onboard(world: World, id: str, rows: Any = None, spec: str = SPEC, **values: Any) -> Any:
    joiner = Joiner(
        **{"email": "p7@example.com", "given_name": "Given7", "family_name": "Doe", "organization": "sales"} | values,
        id=id,
    )
    return onboard(SyncSpec.parse(spec), rows or people(30), world.client, joiner, now=NOW, tell=lambda log, file: None)


def _offboard(world: World, id: str, **values: Any) -> Any:
    leaver = Leaver(id=id, **values)
    return offboard(SyncSpec.parse(SPEC), people(30), world.client, leaver, now=NOW, tell=lambda log, file: None)


def _relink(world: World, id: str, rows: Any = None, **options: Any) -> Any:
    rows = rows or [*LEFT, person(99, "Given1", "Doe")]
    return relink(SyncSpec.parse(SPEC), rows, world.client, id, "99", now=NOW, **options)


def _relink_to(world: World, id: str) -> Any:
    return relink(SyncSpec.parse(SPEC), people(30), world.client, "1", id, now=NOW)


def _release(world: World, id: str, **options: Any) -> Any:
    return release(SyncSpec.parse(SPEC), world.client, id, **options)


def _undo(world: World, id: str, report: Any = None, **options: Any) -> Any:
    report = report or world.apply(people(30))
    spec = SyncSpec.parse(options.pop("spec", SPEC))
    return make_undo(spec, world.client, report.to_json(), now=NOW, ids=[id] if id else None, **options)


WAYS: dict[str, Way] = {
    "a run for one person": lambda world, id: world.plan(people(30), ids=[id]),
    "approving a protected person": lambda world, id: world.plan(people(30), approve_protected=[id]),
    "onboarding": _onboard,
    "offboarding": _offboard,
    "relink, from": _relink,
    "relink, to": _relink_to,
    "release": _release,
    "undo": _undo,
}


@pytest.fixture
def settled(world: World) -> World:
    world.apply(people(30))
    return world


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("id", ["2.02E+11", "2,02E+11", "202E+9", " 2.02e+11\u00a0"])
def test_an_id_in_scientific_notation_is_refused_wherever_it_is_typed(settled: World, way: str, id: str) -> None:
    settled.kinde.clear_log()
    with pytest.raises(SyncError, match="is a number in scientific notation, not an HR id: type all digits"):
        WAYS[way](settled, id)
    assert settled.writes() == []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("id", ["12~left=2026-01-01", "~x", "'00012", '="00012"', "9" * 201])
def test_a_text_that_no_row_can_have_as_id_is_refused_wherever_it_is_typed(settled: World, way: str, id: str) -> None:
    settled.kinde.clear_log()
    with pytest.raises(SyncError, match="cannot be an HR id"):
        WAYS[way](settled, id)
    assert settled.writes() == []


def test_a_text_in_place_of_a_list_of_ids_is_one_id(settled: World) -> None:
    plan = settled.plan([person(n, last="New") for n in range(1, 31)], ids="12")
    assert {change.id for change in plan.operations} == {"12"}


@pytest.mark.parametrize("way", ["a run for one person", "onboarding", "offboarding", "undo"])
def test_invisible_characters_in_an_id_are_ignored(settled: World, way: str) -> None:
    found = WAYS[way](settled, "\u200b7\u00a0")
    if way == "a run for one person":
        assert (found.warnings, found.unchanged) == ([], 1)
    elif way == "onboarding":
        assert found.outcome == "no changes"
    elif way == "offboarding":
        assert settled.users()["p7@example.com"]["is_suspended"]
    else:
        assert found.plan.limits == ""
        assert not found.left


def test_relink_and_release_read_ids_as_cells_are_read(world: World) -> None:
    world.apply(people(30))
    world.apply(LEFT)
    assert _release(world, "1\u00a0", dry_run=True).before == "p1@example.com"
    assert _relink(world, "\u200b1", dry_run=True).account.email == "p1@example.com"


def test_an_account_with_rights_is_not_moved_by_relink_or_release(world: World) -> None:
    world.apply(people(30))
    id = world.users()["p1@example.com"]["id"]
    world.apply(LEFT)
    world.kinde.seed({"organizations": [{"name": "Elsewhere"}]})
    world.client.add_organization_users(world.code("Elsewhere"), users=[{"id": id, "roles": ["owner"]}])
    world.kinde.clear_log()
    with pytest.raises(SyncError, match="would pass to 99: approve with --approve-protected 99"):
        _relink(world, "1")
    with pytest.raises(SyncError, match="would lose its address: approve with --approve-protected 1"):
        _release(world, "1")
    assert world.writes() == []
    assert _release(world, "1", dry_run=True, approve_protected=["1"]).steps
    assert _relink(world, "1", approve_protected=["99"]).written


def test_an_account_with_rights_is_not_moved_by_an_undo(world: World) -> None:
    spec = SPEC + "guards: {max_email_changes: 10}\n"
    world.apply(people(30))
    report = world.apply(
        [{**row, "email": f"new{row['id']}@example.com"} for row in people(30)[:2]] + people(30)[2:], spec
    )
    user = world.users()["new1@example.com"]
    world.client.update_organization_users(world.code("Sales"), users=[{"id": user["id"], "roles": ["owner"]}])
    found = _undo(world, "", report, spec=spec)
    assert [(held.id, held.protected) for held in found.plan.held] == [("1", True)]
    assert [o.id for o in found.plan.operations] == ["2"]
    assert len(_undo(world, "", report, spec=spec, approve_protected=["1"]).plan.operations) == 2


def test_a_row_that_cannot_be_used_is_not_passed_by(settled: World) -> None:
    odd = [*people(30), person(50, "Nia", "Newman", email="nia@example.com", status="Odd")]
    values = {"email": "Nia@example.com", "given_name": "Nia", "family_name": "Newman"}
    with pytest.raises(FormRefused, match=r"row \d+ of HR has this address, and cannot be used: status"):
        _onboard(settled, "", odd, **values)
    two = [*people(30), person(50, email="nia@example.com"), person(51, email="nia@example.com")]
    with pytest.raises(FormRefused, match="it contradicts another one"):
        _onboard(settled, "", two, **values)
    settled.apply(people(30)[1:])
    unclear = [*people(30)[1:], person(99, "Given1", "Doe"), person("1O", "Given1", "Doe", status="Odd")]
    with pytest.raises(SyncError, match="has the address or the name of this account under the id 1O"):
        _relink(settled, "1", unclear)


def test_other_letters_in_an_address_are_another_person(world: World) -> None:
    rows = [*people(30), person(40, email="strasse@example.com")]
    world.apply(rows)
    values = {"email": "straße@example.com"}
    with pytest.raises(FormRefused, match="with other letters"):
        _onboard(world, "", rows, **values)
    with pytest.raises(FormRefused, match="with other letters"):
        _onboard(world, "", people(30), **values)
    with pytest.raises(FormRefused, match="with other letters"):
        _offboard(world, "", **values)


def test_an_organization_that_was_renamed_is_found_by_the_form_as_well(world: World) -> None:
    spec = SPEC.replace("sales: {name: Sales}", "sales: {name: Selling, create: true}")
    world.apply(people(3), spec)
    world.client.update_organization(world.code("Selling"), name="Renamed")
    values = {"email": "new@example.com", "given_name": "Nia", "family_name": "Newman"}
    assert _onboard(world, "", people(3), spec, **values).outcome == "changes"
    assert world.memberships("new@example.com") == {"Renamed": []}


def test_an_account_suspended_by_another_party_stays_suspended_in_every_command(world: World) -> None:
    world.apply(people(30))
    user = world.users()["p1@example.com"]
    world.client.update_user(user["id"], is_suspended=True)
    report = world.apply(LEFT)
    assert str(world.users()["p1@example.com"]["provided_id"]).endswith("~barred")
    assert "someone else" in world.plan(people(30), ids=["1"]).held[0].reason
    held = _onboard(world, "1", email="p1@example.com", given_name="Given1").plan.held
    assert "someone else" in held[0].reason
    assert _undo(world, "1", report).plan.operations == []
    moved = _relink(world, "1")
    assert moved.after.endswith("~barred")
    assert "someone else" in moved.plan.held[0].reason
    assert world.users()["p1@example.com"]["is_suspended"]


def test_a_wrong_approval_stops_every_way(world: World) -> None:
    world.apply(people(30))
    report = world.apply(LEFT)
    undo = _undo(world, "", report)
    assert apply_plan(undo.plan, world.client, approve="0" * 64).outcome == "blocked"
    world.kinde.clear_log()
    for rows, values in (
        (people(30), {"email": "new@example.com", "given_name": "Nia"}),
        ([*people(31)], {"email": "p31@example.com"}),
    ):
        joiner = Joiner(**{"family_name": "Doe", "given_name": "Given31", "organization": "sales"} | values)
        found = onboard(
            SyncSpec.parse(SPEC), rows, world.client, joiner, now=NOW, approve="0" * 64, tell=lambda log, file: None
        )
        assert found.outcome == "blocked"
    assert world.apply(people(30), ids=["1"], approve="0" * 64).outcome == "blocked"
    assert world.writes() == []


def test_the_guard_on_joiners_stops_an_undo_and_a_run_for_many(world: World) -> None:
    spec = SPEC + "guards: {max_leavers: 100}\n"
    world.apply(people(30), now="2026-02-01T12:00:00Z")
    gone = [person(n, status="Terminated" if n < 9 else "Active") for n in range(1, 31)]
    report = world.apply(gone, spec, now="2026-12-01T12:00:00Z")
    undo = make_undo(SyncSpec.parse(spec), world.client, report.to_json(), now="2026-12-01T12:00:00Z")
    back = world.plan(people(30), spec, ids=[str(n) for n in range(1, 9)], now="2026-12-01T12:00:00Z")
    for plan in (undo.plan, back):
        assert ["max_joiners" in block.reason for block in plan.blocked] == [True]


def test_log_lines_of_a_form_quote_no_cell(world: World) -> None:
    world.apply(people(30))
    told: list[tuple[str, str]] = []
    odd = [*people(30), person(50, email="nia@example.com", status="Zebra", end="31.31.2026")]
    joiner = Joiner("nia@example.com", "Nia", "Newman", "sales")
    for spec in (SPEC, SPEC.replace("active: [Active]", "active: [Active, Zebra]")):
        with pytest.raises(FormRefused, match="cannot be used") as caught:
            onboard(SyncSpec.parse(spec), odd, world.client, joiner, now=NOW, tell=lambda log, file: None)
        assert "Zebra" not in str(caught.value)
        assert "31.31" not in str(caught.value)
    for status, end in (("Active", "2026-12-24"), ("Terminated", "2026-01-24")):
        rows = [person(1, status=status, end=end), *people(30)[1:]]
        leaver = Leaver(id="1")
        offboard(
            SyncSpec.parse(SPEC),
            rows,
            world.client,
            leaver,
            now=NOW,
            tell=lambda log, file: told.append((log, file)),
        )
        log, file = told[-1]
        assert end in file
        assert end not in log
        assert status not in log
        world.client.update_user(world.users()["p1@example.com"]["id"], is_suspended=False)
