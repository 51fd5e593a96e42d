"""`init --conn`: a spec drafted from an HR export and from the tenant, over a company that the drafts never saw.

The draft is used as it stands: it is valid, its first plan takes nothing from anybody, and the second run is silent.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_kinde.exceptions import KindePermissionError, SyncError
from airflow_provider_kinde.sources import make_source
from airflow_provider_kinde.sync import SyncSpec
from airflow_provider_kinde.sync.accounts.inventory import take_inventory
from airflow_provider_kinde.sync.apply.run import apply
from airflow_provider_kinde.sync.draft.draft import draft
from airflow_provider_kinde.sync.people.examples import check_examples
from airflow_provider_kinde.sync.plan.plan import Plan
from airflow_provider_kinde.sync.plan.planner import plan_run
from airflow_provider_kinde.sync.plan.run_request import RunRequest
from tests.support.world import World

PEOPLE = 200
OKTA = {"id": "conn_okta", "name": "Okta", "strategy": "saml:okta", "domains": ["acme.test"]}
GOOGLE = {"id": "conn_google", "name": "Google", "strategy": "oauth2:google"}
TAKES = {"remove_membership", "remove_role", "suspend", "delete", "rename"}
ORPHANS = {f"former{n}@acme.test" for n in range(9)} | {"contractor@agency.example"}
SERVICES = {"svc-backup@acme.test", "no-reply@acme.test", "qa1@test.acme.test", "qa2@test.acme.test"}


def row_of(number: int, dice: random.Random) -> dict[str, str]:
    """One row of an export with headings of its own."""
    unit = dice.choice(["Field Service", "R&D", "Claims", "Treasury", "People & Culture"])
    return {
        "Pers.-No": f"A{5000 + number}",
        "Mail (business)": f"Person.{number}@acme.test",
        "First name": f"Given{number}",
        "Last name": f"Surname{number}",
        "Employment Status": "Terminated" if number % 25 == 24 else "Active",
        "Entry date": f"{1 + number % 28}.{1 + number % 12}.20{10 + number % 15}",
        "Unit": f" {unit.upper()}" if number % 17 == 3 else unit,
        "Unit key": str(100 + len(unit)),
        "Grade": dice.choice(["G1", "G2", "G3", "G4"]),
        "Office": dice.choice(["Berlin", "Lyon", "Oslo", "Porto"]),
        "Line manager": f"Given{dice.randrange(PEOPLE)} Surname{dice.randrange(PEOPLE)}",
        "Desk phone": f"+49 30 {1_000_000 + number * 7919}",
        "Pay": str(dice.randrange(40_000, 90_000)),
    }


def rightful(row: dict[str, str]) -> dict[str, list[str]]:
    """What the forgotten rules of the company gave."""
    unit, found = row["Unit"].strip().casefold(), {"Everyone": []}
    if unit in ("r&d", "treasury"):
        found["Vault"] = ["reader"] if row["Grade"] in ("G1", "G2") else ["reader", "approver"]
    if unit == "claims" and row["Office"] in ("Berlin", "Lyon"):
        found["Claims EU"] = []
    if row["Grade"] == "G4":
        found["Leadership"] = []
    return found


def plant(world: World, folder: Path) -> list[dict[str, str]]:
    """Write the export, and make the tenant that goes with it."""
    dice = random.Random(2)
    rows = [row_of(number, dice) for number in range(1, PEOPLE + 1)]
    with (folder / "export.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=";")
        writer.writeheader()
        writer.writerows(rows)
    users: list[dict[str, Any]] = []
    for number, row in enumerate(rows, 1):
        if row["Employment Status"] != "Active" or number % 40 == 7:
            continue  # seven joiners have no account yet
        memberships = rightful(row)
        if number % 20 == 5:
            memberships["Leadership"] = []  # by hand
        if number % 30 == 8:
            memberships["Vault"] = ["approver", "reader"]  # by hand, with roles
        if number % 12 == 0:
            memberships["Choir"] = ["soloist"]  # no column explains it
        user = {"email": row["Mail (business)"].lower(), "memberships": memberships}
        user |= {"first_name": row["First name"], "last_name": row["Last name"]}
        if number % 2:
            user["identities"] = [{"type": "enterprise", "value": user["email"], "connection_id": "conn_okta"}]
            user["first_name"] = row["First name"].upper()
        if number == 10:
            memberships["Everyone"] = ["owner"]
        users.append(user)
    users += [{"email": email, "memberships": ["Everyone"]} for email in sorted(ORPHANS | SERVICES)]
    users.append({"email": "partner@other.example", "provided_id": "crm:1", "memberships": ["Partners"]})
    names = ["Everyone", "Vault", "Claims EU", "Leadership", "Choir", "Partners"]
    roles = ["reader", "approver", "soloist", "owner", "admin"]
    world.kinde.seed({"organizations": names, "roles": roles, "connections": [OKTA, GOOGLE], "users": users})
    return rows


def drafted(world: World, folder: Path, name: str = "export.csv") -> tuple[str, SyncSpec]:
    """The draft, as the command writes it, and the spec that it is."""
    out = folder / "hr.yaml"
    text = draft(str(folder / name), str(out), make_source=make_source, client=world.client)
    out.write_text(text, encoding="utf-8")
    spec = SyncSpec.load(out)
    check_examples(spec)
    return text, spec


def planned(world: World, spec: SyncSpec) -> Plan:
    return plan_run(spec, make_source(spec), world.client, RunRequest.of())


def test_the_first_plan_takes_nothing_and_the_second_run_is_silent(world: World, tmp_path: Path) -> None:
    rows = plant(world, tmp_path)
    before = world.writes()
    text, spec = drafted(world, tmp_path)
    plan = planned(world, spec)
    assert (world.writes(), plan.blocked) == (before, [])
    kinds = plan.operations.kinds()
    active = [row for row in rows if row["Employment Status"] == "Active"]
    joiners = [row for number, row in enumerate(rows, 1) if row in active and number % 40 == 7]
    assert not TAKES & kinds.keys()
    assert (kinds["adopt"], kinds["create"]) == (len(active) - len(joiners) - 1, len(joiners))
    assert [(held.id, held.protected) for held in plan.held] == [(rows[9]["Pers.-No"], True)]
    given = [o for o in plan.operations if o.kind in ("add_membership", "add_role", "update")]
    assert {o.id for o in given} == {row["Pers.-No"] for row in joiners}, "only joiners are given anything"
    for row in joiners:
        found = {o.alias for o in given if o.id == row["Pers.-No"] and o.kind == "add_membership"}
        assert found == {name.lower().replace(" ", "-") for name in rightful(row)}
    assert {a.email for a in take_inventory(spec, make_source(spec), world.client, RunRequest.of())
            if a.kind == "orphan"} == ORPHANS  # fmt: skip
    assert f"# {len(ORPHANS)} orphans" in text
    report = apply(spec, make_source(spec), world.client, RunRequest.of())
    assert (report.outcomes["failed"], report.outcomes["skipped"]) == (0, 0)
    for row in active[::2]:
        world.kinde.sign_in(row["Mail (business)"].lower(), "conn_okta", first_name="Rewritten")
    world.kinde.clear_log()
    again = apply(spec, make_source(spec), world.client, RunRequest.of())
    assert (sum(again.plan.operations.kinds().values()), world.writes()) == (0, [])


def test_the_rules_are_those_of_the_company(world: World, tmp_path: Path) -> None:
    plant(world, tmp_path)
    text, spec = drafted(world, tmp_path)
    rules = [(str(r.organization.text), r.when.text if r.when else "", r.roles) for r in spec.memberships]
    assert ("everyone", "", ()) in rules
    assert ("leadership", "{{ row.Grade == 'G4' }}", ()) in rules
    assert ("claims-eu", "{{ row.Office in ['Berlin', 'Lyon'] and row.Unit | lower == 'claims' }}", ()) in rules
    assert ("vault", "{{ row.Unit | lower in ['r&d', 'treasury'] }}", ("reader",)) in rules
    assert len([rule for rule in rules if rule[0] == "vault" and "['A" not in rule[1]]) == 2
    assert not [rule for rule in rules if "manager" in rule[1] or "Pay" in rule[1] or "phone" in rule[1]]
    assert "Choir" not in {str(organization.name) for organization in spec.organizations}
    assert "check: no column explains its" in text
    assert (spec.person.names, spec.joiner.trusted_connections) == ("at_creation", {"enterprise"})
    assert spec.ignore.emails == {"svc-backup@acme.test", "no-reply@acme.test"}
    assert spec.ignore.domains == {"test.acme.test"}
    assert spec.kinde_conn_id == "kinde_default"
    assert spec.tenant == world.client.host
    assert '# connection: {domain: "acme.test"}' in text


def small_file(folder: Path, rows: Sequence[str]) -> None:
    (folder / "export.csv").write_text("\n".join(["id,email,first name,last name,status,team", *rows]) + "\n")


TWO = ["1,ann@acme.test,Ann,Lee,Active,Red", "2,bob@acme.test,Bob,Ray,Active,Blue"]


@pytest.mark.parametrize("users", [[], [{"email": "ann@acme.test", "first_name": "Ann", "last_name": "Lee"}]])
def test_a_tenant_with_hardly_any_account(world: World, tmp_path: Path, users: list[dict[str, Any]]) -> None:
    world.kinde.seed({"users": users})
    small_file(tmp_path, TWO)
    text, spec = drafted(world, tmp_path)
    assert f"of 2 people with access, {['0 have', '1 has'][len(users)]} an account there" in text
    kinds = planned(world, spec).operations.kinds()
    assert (kinds["adopt"], kinds["create"]) == (len(users), 2 - len(users))
    assert not spec.memberships


def test_a_file_whose_addresses_are_in_no_account_is_told(world: World, tmp_path: Path) -> None:
    world.kinde.seed({"users": [{"email": f"x{n}@other.test", "memberships": ["Sales"]} for n in range(30)]})
    small_file(tmp_path, TWO)
    text, spec = drafted(world, tmp_path)
    assert "check: no person with access has an account with the same address" in text
    assert "30 orphans" in text
    assert "Sales (org_" in text
    assert "30 members, none of whom works here" in text
    assert not spec.organizations


def test_where_no_column_explains_the_members_the_draft_says_so_and_takes_nothing(world: World, tmp_path: Path) -> None:
    dice = random.Random(1)
    small_file(tmp_path, [f"{n},p{n}@acme.test,P,N{n},Active,{dice.choice(['Red', 'Blue'])}" for n in range(60)])
    users: list[dict[str, Any]] = [
        {"email": f"p{n}@acme.test", "first_name": "P", "last_name": f"N{n}"} for n in range(60)
    ]
    for user in dice.sample(users, 20):
        user["memberships"] = ["Sales"]
    world.kinde.seed({"users": users})
    text, spec = drafted(world, tmp_path)
    assert "check: no column explains its 20 members" in text
    assert planned(world, spec).operations.kinds() == {"adopt": 60}


def test_the_column_of_addresses_is_the_one_that_kinde_knows(world: World, tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text(
        "id,work email,login,first name,last name,status\n1,a.lee@corp.test,ann@acme.test,Ann,Lee,Active\n"
    )
    world.kinde.seed({"users": [{"email": "ann@acme.test"}]})
    _, spec = drafted(world, tmp_path)
    assert spec.person.email.text == "{{ row.login }}"


@pytest.mark.parametrize("heading", ["Line manager e-mail", "Approver mail", "Reviewed by"])
@pytest.mark.parametrize("own", [True, False], ids=["own addresses without accounts", "no own addresses"])
def test_the_addresses_of_managers_are_never_those_of_their_people(
    world: World, tmp_path: Path, heading: str, own: bool
) -> None:
    rows = [[str(n), f"P{n}", f"N{n}", "Active", f"boss{n % 4}@acme.test", f"p{n}@new.test"] for n in range(12)]
    head = ["id", "first name", "last name", "status", heading, "work email"]
    lines = [",".join(row[: 6 if own else 5]) for row in [head, *rows]]
    (tmp_path / "export.csv").write_text("\n".join(lines))
    world.kinde.seed({"users": [{"email": f"boss{n}@acme.test"} for n in range(4)]})
    if not own:
        with pytest.raises(SyncError, match="has no column of e-mail addresses"):
            drafted(world, tmp_path)
        return
    text, spec = drafted(world, tmp_path)
    assert spec.person.email.columns == {"work email"}
    assert "check: no person with access has an account with the same address" in text
    assert "adopt" not in planned(world, spec).operations.kinds()


def test_people_whose_account_is_suspended_are_named_before_the_first_plan_holds_them(
    world: World, tmp_path: Path
) -> None:
    world.kinde.seed({"users": [{"email": "ann@acme.test", "is_suspended": True}, {"email": "bob@acme.test"}]})
    small_file(tmp_path, TWO)
    text, spec = drafted(world, tmp_path)
    assert "check: 1 person with access has a suspended account: held until you enable the account" in text
    assert "These are 1." in text
    assert [held.id for held in planned(world, spec).held] == ["1"]


@pytest.mark.parametrize(("suspended", "limit"), [(0, "10%"), (12, "17%")])
def test_accounts_that_have_to_wait_do_not_block_the_first_plans(
    world: World, tmp_path: Path, suspended: int, limit: str
) -> None:
    lines = [f"{n},P{n},N{n},p{n}@acme.test,Active" for n in range(100)]
    (tmp_path / "export.csv").write_text("\n".join(["id,first name,last name,email,status", *lines]))
    users = [{"email": f"p{n}@acme.test", "first_name": f"P{n}", "last_name": f"N{n}"} for n in range(100)]
    waiting = [{**user, "is_suspended": n < suspended, "is_confirmed": n >= 8} for n, user in enumerate(users)]
    world.kinde.seed({"users": waiting})
    text, spec = drafted(world, tmp_path)
    assert f"guards: {{max_held: {limit}}}" in text
    plan = planned(world, spec)
    assert (plan.blocked, len(plan.held)) == ([], max(8, suspended))


@pytest.mark.parametrize(("people", "accounts", "limit"), [(60, 1, ""), (2, 1, ""), (8, 8, "100%"), (100, 20, "25%")])
def test_the_limit_of_held_people_is_a_share_of_the_rows_and_left_out_where_the_default_blocks_nothing(
    world: World, tmp_path: Path, people: int, accounts: int, limit: str
) -> None:
    small_file(tmp_path, [f"{n},p{n}@acme.test,P{n},N{n},Active,Red" for n in range(people)])
    world.kinde.seed({"users": [{"email": f"p{n}@acme.test", "is_suspended": True} for n in range(accounts)]})
    text, spec = drafted(world, tmp_path)
    assert (f"guards: {{max_held: {limit}}}" in text) if limit else ("max_held" not in text)
    plan = planned(world, spec)
    assert (plan.blocked, len(plan.held)) == ([], accounts)


def test_two_connections_that_claim_a_domain_are_named(world: World, tmp_path: Path) -> None:
    other = {"id": "conn_entra", "name": "Entra", "strategy": "oauth2:azure_ad", "domains": ["acme.test"]}
    sso = [{"type": "enterprise", "value": "ann@acme.test", "connection_id": "conn_okta"}]
    world.kinde.seed({"connections": [OKTA, other], "users": [{"email": "ann@acme.test", "identities": sso}]})
    small_file(tmp_path, TWO)
    text, spec = drafted(world, tmp_path)
    assert "# check: 2 connections claim the domain acme.test (conn_entra, conn_okta)" in text
    assert spec.person.connection is None


def test_a_social_sign_in_is_trusted_by_the_id_of_its_connection(world: World, tmp_path: Path) -> None:
    sso = [{"type": "oauth2:google", "value": "ann@acme.test", "connection_id": "conn_google", "is_confirmed": None}]
    world.kinde.seed({"connections": [GOOGLE], "users": [{"email": "ann@acme.test", "identities": sso}]})
    small_file(tmp_path, TWO)
    _, spec = drafted(world, tmp_path)
    assert spec.joiner.trusted_connections == {"conn_google"}
    world.kinde.set(scopes=("read:users", "read:organizations", "read:organization_users"))
    world.kinde.revoke_tokens()
    text, spec = drafted(world, tmp_path)
    assert "check: not read, for want of a scope: connections (read:connections)" in text
    assert "add the id of the connection to trusted_connections" in text


def test_a_file_without_addresses_is_refused(world: World, tmp_path: Path) -> None:
    world.kinde.seed({"users": [{"email": "ann@acme.test"}]})
    (tmp_path / "export.csv").write_text("id,first name,last name,status\n1,Ann,Able,Active\n")
    with pytest.raises(SyncError, match=r"has no column of e-mail addresses, so its people cannot be matched"):
        drafted(world, tmp_path)


def test_a_missing_scope_is_named(world: World, tmp_path: Path) -> None:
    small_file(tmp_path, TWO)
    world.kinde.set(scopes=("read:organizations",))
    with pytest.raises(KindePermissionError, match="read:users"):
        drafted(world, tmp_path)


def test_an_organization_of_a_directory_stays_out(world: World, tmp_path: Path) -> None:
    world.kinde.seed({"organizations": [{"name": "Synced", "directory": {"name": "Okta SCIM"}}]})
    world.kinde.seed({"users": [{"email": "ann@acme.test", "memberships": ["Synced"]},
                                {"email": "bob@acme.test", "memberships": ["Synced"]}]})  # fmt: skip
    small_file(tmp_path, TWO)
    text, spec = drafted(world, tmp_path)
    assert "the directory 'Okta SCIM' (Active) decides who is in it" in text
    assert not spec.organizations


def test_cells_that_are_no_texts_are_compared_as_what_they_are(world: World, tmp_path: Path) -> None:
    rows = [
        f'{{"id": {n}, "email": "p{n}@acme.test", "first name": "P", "last name": "N{n}", "status": "Active", '
        f'"lead": {"true" if n % 3 == 0 else "false"}, "level": {n % 4}}}'
        for n in range(60)
    ]
    (tmp_path / "export.jsonl").write_text("\n".join(rows))
    users: list[dict[str, Any]] = []
    for n in range(60):
        leads, two = {"Leads": []} if n % 3 == 0 else {}, {"Two": ["deputy"] if n == 6 else []} if n % 4 == 2 else {}
        users.append({"email": f"p{n}@acme.test", "first_name": "P", "last_name": f"N{n}"})
        users[-1]["memberships"] = {**leads, **two}
    world.kinde.seed({"organizations": ["Leads", "Two"], "roles": ["deputy"], "users": users})
    _, spec = drafted(world, tmp_path, "export.jsonl")
    found = {str(rule.organization.text): rule.when.text for rule in spec.memberships if rule.when}
    assert found == {"leads": "{{ row.lead == true }}", "two": "{{ row.level == 2 }}"}
    assert planned(world, spec).operations.kinds() == {"adopt": 60}
