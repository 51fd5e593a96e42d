"""A changed address: second identity, primary, the old one dropped, and every way in which that stops half-way."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from airflow_provider_kinde.client import KindeClient
from airflow_provider_kinde.sync import Plan, Report, apply_plan
from airflow_provider_kinde.sync.plan.planner import plan_run
from airflow_provider_kinde.sync.plan.run_request import RunRequest
from airflow_provider_kinde.sync.report.redaction import redact_plan
from kinde_emulator import Settings
from tests.support.world import NOW, SPEC, World, people, person


def outcomes(report: Report) -> set[tuple[str, str]]:
    return {(operation.kind, operation.outcome) for operation in report.plan.operations}


OTHERS = [person(number) for number in range(101, 121)]


def test_an_address_that_kinde_takes_without_a_word_is_found(world: World) -> None:
    world.apply(people(20))
    world.kinde.fault("POST", "/identities$", status=201, body="", after_work=True)
    rows = [person(1, email="new@example.com"), *people(20)[1:]]
    assert outcomes(world.apply(rows)) == {("rename", "done")}
    world.settled(rows)


def test_an_address_that_kinde_takes_and_does_not_keep_is_told(world: World) -> None:
    world.apply(people(20))
    world.kinde.fault("POST", "/identities$", status=201, body="{}", times=None)
    (rename,) = world.apply([person(1, email="new@example.com"), *people(20)[1:]]).plan.operations
    assert rename.error == "Kinde's response to the new address has no id, and the account lacks the address"


def test_an_identity_that_cannot_be_named_is_passed_over(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.apply(people(20))
    listed = world.client.iter_user_identities

    def with_one_more(user_id: str) -> Iterator[Any]:
        yield {"type": "email", "name": "p1@example.com"}
        yield {"type": "email", "name": "new@example.com", "id": None}
        yield from listed(user_id)

    monkeypatch.setattr(world.client, "iter_user_identities", with_one_more)
    rows = [person(1, email="new@example.com"), *people(20)[1:]]
    assert outcomes(world.apply(rows)) == {("rename", "done")}
    monkeypatch.undo()
    world.settled(rows)


def test_an_account_whose_address_another_person_needs_is_not_deleted(world: World) -> None:
    spec = SPEC + "leaver: {delete_after_days: 1}\n"
    rows = [person(1, status="Terminated"), *people(20)[1:]]
    world.apply(people(20), spec)
    world.apply(rows, spec)
    plan = world.plan([*rows, person(21, email="p1@example.com")], spec, now="2026-03-09T12:00:00Z")
    assert plan.operations == []
    assert {held.id: held.reason.partition(";")[0] for held in plan.held} == {
        "1": "not deleted: an active HR row has the address of this account",
        "21": "the address is still on the account of 1, who left: if it is the same person, relink --from 1 --to 21",
    }


@pytest.mark.parametrize("kept", [{}, {"email": None, "preferred_email": None}], ids=["an address", "no address"])
def test_a_sign_in_elsewhere_under_another_address_does_not_hold_a_rename(
    world: World, monkeypatch: pytest.MonkeyPatch, kept: dict[str, Any]
) -> None:
    world.apply(people(20))
    listed = world.client.iter_users

    def with_google(**options: Any) -> Iterator[Any]:
        for user in listed(**options):
            address = {} if kept else {"identity": "private@example.net"}
            yield {
                **user,
                **kept,
                "identities": [*(user["identities"] * (not kept)), {"type": "oauth2:google", **address}],
            }

    monkeypatch.setattr(world.client, "iter_users", with_google)
    plan = world.plan([person(1, email="new@example.com")], ids=["1"])
    assert [operation.kind for operation in plan.operations] == ["rename"]


@pytest.mark.parametrize("killed_at", ["DELETE", "last PATCH"])
@pytest.mark.parametrize("then", ["third@example.com", "p1@example.com"])
def test_hr_changes_again_after_a_cut_off_address_change(world: World, killed_at: str, then: str) -> None:
    world.apply([person(1), *OTHERS])
    if killed_at == "DELETE":
        world.kinde.fault("DELETE", "/identities/", status=400)
    else:
        world.kinde.fault("PATCH", "/user\\?id=", status=400, skip=1)
    assert world.apply([person(1, email="new@example.com"), *OTHERS]).outcome == "failed"
    world.kinde.clear_faults()
    rows = [person(1, email=then), *OTHERS]
    assert world.apply(rows).outcome == "changes"
    user = world.users()[then]
    assert (user["provided_id"], [i["value"] for i in user["identities"]]) == ("hr:1", [then])
    world.settled(rows)


def test_a_primary_address_that_an_answer_leaves_out_is_no_rename(world: World) -> None:
    from airflow_provider_kinde.sync.snapshot.accounts import parse_account

    found = parse_account({"id": "kp_1", "email": None, "identities": [{"type": "email", "identity": "a@x.com"}]}, "hr")
    assert found.email == "a@x.com"


@pytest.mark.parametrize("settings", [Settings(email_case="sensitive")])
def test_an_address_used_by_another_account_does_not_block_its_owner(world: World) -> None:
    world.apply([person(1), *OTHERS])
    world.kinde.seed({"users": [{"email": "stranger@example.com", "identities": ["P1@example.com"]}]})
    assert [o.kind for o in world.plan([person(1, "New"), *OTHERS]).operations] == ["update"]


def test_hr_takes_an_address_change_back_before_it_began(world: World) -> None:
    rows = people(20)
    world.apply(rows)
    world.kinde.fault("POST", "/identities$", status=400)
    world.apply([person(1, email="new@example.com"), *rows[1:]])
    world.kinde.clear_log()
    world.apply(rows)
    (write,) = world.writes()
    assert write["body"] == {"provided_id": "hr:1"}
    assert [i["value"] for i in world.users()["p1@example.com"]["identities"]] == ["p1@example.com"]


def test_an_address_change_that_hr_took_back_is_finished_while_another_person_is_given_the_new_address(
    world: World,
) -> None:
    rows = people(20)
    world.apply(rows)
    world.kinde.fault("PATCH", "/identities/", status=400)
    assert world.apply([person(1, email="new@example.com"), *rows[1:]]).outcome == "failed"
    world.kinde.clear_faults()
    rows.append(person(99, "New", "Comer", email="new@example.com"))
    report = world.apply(rows)
    assert [(held.id, held.reason) for held in report.plan.held] == [
        ("99", "the address is on the account of 1, who has access")
    ]
    assert [i["value"] for i in world.users()["p1@example.com"]["identities"]] == ["p1@example.com"]
    assert world.apply(rows).plan.summary["create"] == 1
    world.settled(rows)


def test_an_account_without_an_address_is_given_one_and_no_mark_is_left(world: World) -> None:
    rows = people(20)
    world.apply(rows[1:])
    world.kinde.seed({"users": [{"provided_id": "hr:1", "first_name": "Given1", "last_name": "Doe"}]})
    world.kinde.clear_log()
    world.apply(rows)
    assert world.users()["p1@example.com"]["provided_id"] == "hr:1"
    assert not [entry for entry in world.writes() if "renaming" in str(entry["body"])]
    world.settled(rows)


@pytest.mark.parametrize(
    ("columns", "words"),
    [({"status": "Terminated"}, "1, who left"), ({"status": "??"}, "1, who has access"), (None, "1, who left")],
)
def test_whose_account_an_address_is_still_on(world: World, columns: dict[str, str] | None, words: str) -> None:
    world.apply(people(20))
    first = [] if columns is None else [person(1, email="other@example.com", **columns)]
    rows = [*first, *people(20)[1:], person(99, "New", "Comer", email="p1@example.com")]
    (held,) = (held for held in world.plan(rows).held if held.id == "99")
    assert words in held.reason
    uncertain = [*rows[len(first) :], person("", email="x@example.com")]
    (held,) = (held for held in world.plan(uncertain).held if held.id == "99")
    assert "1, who has no HR row" in held.reason


def test_a_returning_person_gets_the_new_address_before_being_enabled(world: World) -> None:
    rows = people(20)
    world.apply(rows)
    world.apply([person(1, status="Terminated"), *rows[1:]])
    back = [person(1, last="Roe", email="back@example.com"), *rows[1:]]
    report = world.apply(back)
    assert {o.kind: o.outcome for o in report.plan.operations} == dict.fromkeys(("rename", "update", "enable"), "done")
    user = world.users()["back@example.com"]
    assert (user["is_suspended"], user["last_name"], user["provided_id"]) == (False, "Roe", "hr:1")
    world.settled(back)


def only_sign_ins(world: World) -> dict[str, list[str]]:
    """HR id -> everything that the person signs in with."""
    users = world.kinde.state()["users"]
    return {user["provided_id"].removeprefix("hr:"): sorted(i["value"] for i in user["identities"]) for user in users}


@pytest.mark.parametrize("planned", ["before", "while"])
def test_two_applies_at_once_with_different_addresses_leave_no_second_sign_in(world: World, planned: str) -> None:
    spec = SPEC + "guards: {max_email_changes: 1000, max_membership_removals: 1000}\n"
    world.apply(people(20), spec)
    user_id = world.users()["p1@example.com"]["id"]
    world.client.create_user_identity(user_id, type="email", value="own@example.com")
    told = [[person(n, email=f"{name}{n}@example.com") for n in range(1, 21)] for name in ("one", "two")]
    world.kinde.fault("PATCH", "/identities/", delay=0.02, times=None)
    clients = [KindeClient(world.kinde.url, world.kinde.client_id, world.kinde.client_secret) for _ in told]

    def run(client: KindeClient, rows: list[dict[str, Any]], plan: Plan | None) -> None:
        with client:
            apply_plan(plan or plan_run(world.spec(spec), rows, client, RunRequest.of(now=NOW)), client)

    pairs = list(zip(clients, told, strict=True))
    plans = [
        plan_run(world.spec(spec), rows, client, RunRequest.of(now=NOW)) if planned == "before" else None
        for client, rows in pairs
    ]
    threads = [
        threading.Thread(target=run, args=(*pair, plan), daemon=True) for pair, plan in zip(pairs, plans, strict=True)
    ]
    for thread in threads:
        thread.start()
        time.sleep(0.05 if planned == "while" else 0)
    for thread in threads:
        thread.join()
    world.kinde.clear_faults()
    for rows in (told[1], told[0]):
        world.apply(rows, spec)
        name = rows[0]["email"][:3]
        own = {str(n): [f"{name}{n}@example.com"] for n in range(1, 21)}
        assert only_sign_ins(world) == {**own, "1": sorted(["own@example.com", *own["1"]])}
        world.settled(rows, spec)


@pytest.mark.parametrize("redacted", [False, True])
@pytest.mark.parametrize("killed_at", ["POST", "DELETE"])
def test_a_retry_finishes_the_address_that_was_approved_and_no_other(
    world: World, redacted: bool, killed_at: str
) -> None:
    world.apply([person(1), *OTHERS])
    plan = world.plan([person(1, email="new@example.com"), *OTHERS])
    document = (redact_plan(plan) if redacted else plan).to_json()
    world.kinde.fault(killed_at, "/identities", status=400)
    world.apply([person(1, email="new@example.com"), *OTHERS], plan_file=document)
    world.kinde.clear_faults()
    held = world.apply([person(1, email="other@example.com"), *OTHERS], plan_file=document)
    assert (held.plan.operations, len(held.changed_since_plan)) == ([], 2)
    assert "HR now gives an address that was not approved, not done: rename 1" in held.changed_since_plan[1].text
    assert "other@example.com" not in str(world.kinde.state())
    assert outcomes(world.apply([person(1, email="new@example.com"), *OTHERS], plan_file=document)) == {
        ("rename", "done")
    }
    assert only_sign_ins(world)["1"] == ["new@example.com"]
