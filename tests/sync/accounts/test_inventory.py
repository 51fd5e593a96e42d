"""The inventory: every account of a tenant in the class that was planted."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from typing import Any

import pytest

from airflow_provider_kinde.exceptions import SyncError
from airflow_provider_kinde.sync.accounts.files import inventory_lines
from airflow_provider_kinde.sync.accounts.inventory import ListedAccount, take_inventory
from airflow_provider_kinde.sync.plan.run_request import RunRequest
from tests.support.world import NOW, SPEC, World, people, person

IGNORING = SPEC + "ignore: {emails: [Robot@example.com], domains: [test.example.com]}\n"


def classes(world: World, rows: list[dict[str, Any]], spec: str = IGNORING) -> dict[str, ListedAccount]:
    found = take_inventory(world.spec(spec), rows, world.client, RunRequest.of(now=NOW))
    listed = list(found)
    assert len(listed) == len(world.kinde.state()["users"])
    order = ["orphan", "held", "adoptable", "other source", "service or test", "managed"]
    assert [account.kind for account in listed] == sorted((a.kind for a in listed), key=order.index)
    return {account.email: account for account in listed}


def plant(world: World) -> list[dict[str, Any]]:
    """A managed company of twenty, and one account of each other kind."""
    world.apply(people(20))
    world.kinde.seed({
        "organizations": ["Partners"],
        "users": [
            {"email": "p21@example.com"},
            {"email": "p22@example.com", "is_confirmed": False},
            {"email": "p23@example.com"},
            {"email": "p24@example.com"},
            {"email": "agency@example.com", "provided_id": "agency:7"},
            {"email": "robot@example.com"},
            {"email": "qa@test.example.com"},
            {
                "email": "ghost@example.com", "first_name": "Old", "last_name": "Hand", "created_on":
                "2024-05-01T00:00:00+00:00", "last_signed_in": "2025-01-02T03:04:05+00:00",
                "memberships": {"Partners": ["lead"], "Sales": []},
            },
            {"email": "second@example.com", "identities": ["p25@example.com"]},
        ],
    })  # fmt: skip
    return [
        *people(19),  # 20 has no row any more
        person(21), person(22), person(23, status="Terminated"), person(24, status="Unheard of"), person(25),
    ]  # fmt: skip


def test_every_account_is_in_the_class_that_was_planted(world: World) -> None:
    rows = plant(world)
    world.kinde.clear_log()
    found = classes(world, rows)
    assert world.writes() == []
    assert Counter(account.kind for account in found.values()) == {
        "managed": 20, "adoptable": 1, "held": 4, "other source": 1, "service or test": 2, "orphan": 1,
    }  # fmt: skip
    reasons = {email: account.reason for email, account in found.items() if account.kind == "held"}
    assert "never confirmed" in reasons["p22@example.com"]
    assert "who has no access" in reasons["p23@example.com"]
    assert "row 23 has this address" in reasons["p24@example.com"]
    assert "secondary" in reasons["second@example.com"]
    assert (found["p21@example.com"].kind, found["p21@example.com"].id) == ("adoptable", "21")
    assert found["p20@example.com"].reason == "HR has no row with this id"
    assert found["p1@example.com"].organizations == {"Sales": []}


def test_an_orphan_is_shown_with_sign_in_age_organizations_and_roles(world: World) -> None:
    rows = plant(world)
    ghost = classes(world, rows)["ghost@example.com"]
    assert (ghost.name, ghost.last_sign_in[:10], ghost.created[:10]) == ("Old Hand", "2025-01-02", "2024-05-01")
    assert ghost.organizations == {"Partners": ["lead"], "Sales": []}


@pytest.mark.parametrize("provided_id", ["hr:", "hr:  ", "hr:~left=2026-01-01"])
def test_an_account_whose_link_names_no_id_is_held(world: World, provided_id: str) -> None:
    world.kinde.seed({"users": [{"email": "p1@example.com", "provided_id": provided_id}]})
    found = classes(world, [person(1)])["p1@example.com"]
    assert (found.kind, found.reason) == (
        "held", "its provided_id names no HR id after 'hr:': write the id behind it in Kinde, or clear it"
    )  # fmt: skip


def test_an_ignored_account_is_not_adopted_and_its_person_is_held(world: World) -> None:
    world.kinde.seed({"users": [{"email": "qa@test.example.com"}]})
    rows = [person(1, email="qa@test.example.com")]
    (held,) = world.plan(rows, IGNORING).held
    assert "the spec ignores it (ignore): not adopted" in held.reason
    assert classes(world, rows)["qa@test.example.com"].kind == "service or test"


def test_a_tenant_without_accounts_and_one_with_a_single_account(world: World) -> None:
    assert classes(world, people(2)) == {}
    world.kinde.seed({"users": [{"email": "one@example.com"}]})
    assert [account.kind for account in classes(world, people(2)).values()] == ["orphan"]


def test_an_empty_source_makes_no_orphans(world: World) -> None:
    with pytest.raises(SyncError, match=r"no inventory: .* is empty"):
        take_inventory(world.spec(), [], world.client, RunRequest.of(now=NOW))


@pytest.mark.parametrize("form", ["csv", "json", "html"])
def test_the_file_holds_every_account_and_nothing_in_it_is_run(world: World, form: str) -> None:
    rows = plant(world)
    world.kinde.seed({"users": [{"email": "x@example.com", "first_name": "=1+1", "last_name": "<script>"}]})
    inventory = take_inventory(world.spec(IGNORING), rows, world.client, RunRequest.of(now=NOW))
    counts: Counter[str] = Counter()
    text = "".join(inventory_lines(inventory, f"x.{form}", counts))
    assert counts == inventory.counts()
    assert sum(counts.values()) == 30
    if form == "csv":
        table = list(csv.DictReader(io.StringIO(text)))
        assert len(table) == 30
        assert table[0]["class"] == "orphan"
        assert "'=1+1 <script>" in {row["name"] for row in table}
    elif form == "json":
        document = json.loads(text)
        assert len(document["accounts"]) == 30
        assert document["classes"] == dict(counts)
        assert document["summary"][0].startswith("2 orphan: nothing")
    else:
        assert "<script>" not in text
        assert text.count("<tr>") == 31
        assert "style-src &#x27;sha256-" in text


def test_the_sum_says_what_a_sync_would_do(world: World) -> None:
    rows = plant(world)
    inventory = take_inventory(world.spec(IGNORING), rows, world.client, RunRequest.of(now=NOW))
    summary = inventory.summary(inventory.counts())
    assert summary[2] == "1 adoptable: adopted"
    assert summary[6] == "29 accounts. A sync would do now: 1 suspend, 1 adopt, 1 add membership"


def test_an_account_with_the_name_of_a_rejected_row_is_no_orphan(world: World) -> None:
    world.apply(people(20))
    world.kinde.seed({
        "users": [
            {"email": "pat.gray@elsewhere.example", "first_name": "PAT", "last_name": "Gray"},
            {"email": "pat.white@elsewhere.example", "first_name": "Pat", "last_name": "White"},
        ]
    })  # fmt: skip
    rows = [*people(20), person(21, "Pat", "Gray", status="Unheard of"), person(1, "Pat", "White", status="Unheard of")]
    found = classes(world, rows)
    account = found["pat.gray@elsewhere.example"]
    assert (account.kind, account.reason) == (
        "held", "row 21 has this name, and is rejected or held: correct the row in HR",
    )  # fmt: skip
    # The row of 1 has an account of its own, which is told by its id.
    assert found["pat.white@elsewhere.example"].kind == "orphan"
