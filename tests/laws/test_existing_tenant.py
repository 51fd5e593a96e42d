"""A tenant that exists: half of it signs in at an identity provider, and some of its accounts are forgotten.

The first plan removes nothing, the first run adopts what it may, the second is silent although names were rewritten at
sign-ins, and the list of accounts is what was planted.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from airflow_provider_kinde.sync.accounts.inventory import take_inventory
from airflow_provider_kinde.sync.plan.run_request import RunRequest
from kinde_emulator import Settings
from tests.support.world import NOW, SPEC, World, person

PEOPLE = 240
OKTA = {"id": "conn_okta", "name": "Okta", "strategy": "saml:okta", "domains": ["example.com"]}
GOOGLE = {"id": "conn_google", "name": "Google", "strategy": "oauth2:google"}
EXISTING = (
    SPEC.replace('family_name: "{{ row.last }}"', 'family_name: "{{ row.last }}"\n  names: at_creation')
    + "joiner: {trusted_connections: [enterprise, conn_google]}\n"
    + "ignore: {emails: [ci@example.com], domains: [test.example.com]}\n"
)
CONNECTED = EXISTING.replace("names: at_creation", 'names: at_creation\n  connection: "{{ row.sso }}"')


def tenant(world: World) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Plant the accounts.

    :returns: the rows of HR, and the class of every account by its address.
    """
    rng = random.Random(15)
    rows: list[dict[str, Any]] = []
    planted: dict[str, str] = {}
    users: list[dict[str, Any]] = []
    for number in range(1, PEOPLE + 1):
        dept = rng.choice(["Sales", "Eng"])
        row = person(number, dept=dept, sso="conn_okta" if number % 2 else "")
        rows.append(row)
        email = row["email"]
        user: dict[str, Any] = {"first_name": row["first"].upper(), "last_name": "DOE"}
        user["memberships"] = {"Engineering": ["engineer"]} if dept == "Eng" else {"Sales": []}
        planted[email] = "adoptable"
        if number % 40 == 2:
            user["is_confirmed"], planted[email] = False, "held"
        elif number % 60 == 4:
            user["provided_id"], planted[email] = f"other:{number}", "other source"
        elif number % 10 == 9:  # the trusted Google sign-up has two identities with one address
            google = {"type": "oauth2:google", "value": email, "connection_id": "conn_google"}
            user["identities"] = [email, google]
        elif number % 2:
            user["identities"] = [{"type": "enterprise", "value": email, "connection_id": "conn_okta"}]
        users.append({"email": email, **user})
    for number in range(12):
        users.append({"email": f"ghost{number}@example.com", "memberships": {"Sales": []}})
        planted[f"ghost{number}@example.com"] = "orphan"
    for email in ("ci@example.com", "qa@test.example.com", "load@test.example.com"):
        users.append({"email": email, "memberships": {"Engineering": ["engineer"]}})
        planted[email] = "service or test"
    world.kinde.seed({"connections": [OKTA, GOOGLE], "users": users})
    return rows, planted


def sign_everybody_in(world: World, rows: list[dict[str, Any]]) -> None:
    """Each sign-in at the identity provider rewrites the names in Kinde."""
    for row in rows[::2]:
        if int(row["id"]) % 10 != 9:
            assert not world.kinde.sign_in(row["email"], "conn_okta", first_name=row["first"].upper())["created"]


@pytest.mark.parametrize(
    "settings",
    [Settings(sso_email="null", last_page="empty_repeats_token"), Settings(last_page="empty_new_tokens")],
    ids=["without addresses", "with addresses"],
)
@pytest.mark.parametrize("spec", [EXISTING, CONNECTED], ids=["adopt", "connection"])
def test_the_first_sync_of_a_tenant_that_exists(world: World, spec: str) -> None:
    rows, planted = tenant(world)
    found = list(take_inventory(world.spec(spec), rows, world.client, RunRequest.of(now=NOW)))
    assert {account.email: account.kind for account in found} == planted
    assert len(found) == len(planted)
    plan = world.plan(rows, spec)
    classes = Counter(planted.values())
    assert {held.id for held in plan.held} == {
        row["id"] for row in rows if planted[row["email"]] in ("held", "other source")
    }
    kinds = plan.operations.kinds()
    assert not [kind for kind in kinds if kind.startswith("remove") or kind in ("suspend", "delete", "create")]
    assert kinds == {"adopt": classes["adoptable"]}, "memberships and roles are what HR says already"
    report = world.apply(rows, spec, approve=plan.hash)
    assert (report.outcome, report.outcomes["done"]) == ("changes", classes["adoptable"])
    sign_everybody_in(world, rows)
    world.settled(rows, spec)
    after = Counter(a.kind for a in take_inventory(world.spec(spec), rows, world.client, RunRequest.of(now=NOW)))
    assert after == Counter({**classes, "managed": classes["adoptable"], "adoptable": 0})
    assert len(world.kinde.state()["users"]) == len(planted)


def test_a_sync_that_writes_names_as_well_is_told_so(world: World) -> None:
    rows, _ = tenant(world)
    spec = EXISTING.replace("names: at_creation", "names: always")
    plan = world.plan(rows, spec)
    world.apply(rows, spec, approve=plan.hash)
    sign_everybody_in(world, rows)
    assert world.plan(rows, spec).operations.kinds()["update"] > PEOPLE // 3
