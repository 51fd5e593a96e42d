"""People who sign in at an identity provider: adopted, created, renamed, and what is held."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from airflow_provider_kinde.exceptions import SpecError
from airflow_provider_kinde.sync import Plan, Report
from kinde_emulator import Settings
from tests.support.world import SPEC, World, people, person

OKTA = {"id": "conn_okta", "name": "Okta", "strategy": "saml:okta", "domains": ["corp.org", "both.org"]}
ENTRA = {"id": "conn_entra", "name": "Entra", "strategy": "oauth2:azure_ad", "domains": ["both.org"]}
GOOGLE = {"id": "conn_google", "name": "Google", "strategy": "oauth2:google"}
NAME = 'family_name: "{{ row.last }}"'


def by(connection: str) -> str:
    return SPEC.replace(NAME, f"{NAME}\n  connection: {connection}")


def trusting(*connections: str) -> str:
    return SPEC + f"joiner: {{trusted_connections: [{', '.join(connections)}]}}\n"


@pytest.fixture(autouse=True)
def connections(world: World) -> None:
    world.kinde.seed({"connections": [OKTA, ENTRA, GOOGLE]})


def sso(world: World, email: str, kind: str = "enterprise", connection: str = "conn_okta", **columns: Any) -> None:
    identity = {"type": kind, "value": email, "connection_id": connection}
    world.kinde.seed({"users": [{"email": email, "identities": [identity], **columns}]})


def kinds(plan: Plan) -> Counter[str]:
    return Counter(operation.kind for operation in plan.operations)


def identities(world: World, email: str) -> list[tuple[str, str, str | None]]:
    user = next(user for user in world.kinde.state()["users"] if user["email"] == email)
    return [(item["type"], item["value"], item["connection_id"]) for item in user["identities"]]


def failures(report: Report) -> list[str]:
    return [operation.error for operation in report.plan.operations if operation.outcome == "failed"]


# -- adoption --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [Settings(sso_email="shown"), Settings(sso_email="null")], ids=["shown", "null"])
@pytest.mark.parametrize("trusted", ["enterprise", "conn_okta"])
def test_an_account_that_signs_in_by_a_trusted_connection_is_adopted(world: World, trusted: str) -> None:
    sso(world, "p1@example.com", first_name="Given1", last_name="Doe")
    (held,) = world.plan(people(1)).held
    assert "(is_confirmed is null): not adopted. It is a sign-in of type enterprise" in held.reason
    assert "joiner.trusted_connections" in held.reason
    report = world.apply(people(1), trusting(trusted))
    assert (kinds(report.plan)["adopt"], kinds(report.plan)["create"]) == (1, 0)
    assert len(world.kinde.state()["users"]) == 1
    world.settled(people(1), trusting(trusted))


def test_social_sign_ins_are_trusted_by_the_id_of_their_connection_only(world: World) -> None:
    sso(world, "p1@example.com", "social", "conn_google")
    sso(world, "p2@example.com", "oauth2:google", "conn_google")
    assert len(world.plan(people(2), trusting("enterprise")).held) == 2
    assert kinds(world.plan(people(2), trusting("conn_google")))["adopt"] == 2


def test_an_account_with_two_sign_ins_of_one_address_is_adopted_by_the_confirmed_one(world: World) -> None:
    social = {"type": "social", "value": "p1@example.com", "connection_id": "conn_google"}
    world.kinde.seed({"users": [{"email": "p1@example.com", "identities": ["p1@example.com", social]}]})
    assert kinds(world.apply(people(1)).plan)["adopt"] == 1
    world.settled(people(1))


# -- a connection that the spec names --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "connection", ["conn_okta", '"{{ row.conn }}"', "{domain: corp.org}", '{domain: "{{ row.dom }}"}']
)
def test_a_joiner_gets_the_enterprise_identity_in_the_letters_of_hr(world: World, connection: str) -> None:
    rows = [person(1, email=" Ann.Lee@Corp.org", conn="conn_okta", dom="CORP.org"), *people(0)]
    report = world.apply(rows, by(connection))
    assert report.outcome == "changes"
    assert identities(world, "Ann.Lee@Corp.org") == [("enterprise", "Ann.Lee@Corp.org", "conn_okta")]
    assert world.memberships("Ann.Lee@Corp.org") == {"Sales": []}
    assert not world.kinde.sign_in("Ann.Lee@Corp.org", "conn_okta")["created"]
    world.settled(rows, by(connection))


def test_people_without_a_connection_sign_in_by_their_address(world: World) -> None:
    rows = [person(1, conn=""), person(2, conn="conn_okta")]
    world.apply(rows, by('"{{ row.conn }}"'))
    assert identities(world, "p1@example.com") == [("email", "p1@example.com", None)]
    assert identities(world, "p2@example.com") == [("enterprise", "p2@example.com", "conn_okta")]
    world.settled(rows, by('"{{ row.conn }}"'))


@pytest.mark.parametrize("settings", [Settings(enterprise_identity="replace"), Settings(enterprise_identity="beside")])
def test_a_managed_account_gets_the_connection_that_the_spec_names_now(world: World) -> None:
    world.apply(people(2))
    report = world.apply(people(2), by("conn_okta"))
    assert [(o.kind, o.after) for o in report.plan.operations] == [("update", {"connection": "conn_okta"})] * 2
    assert ("enterprise", "p1@example.com", "conn_okta") in identities(world, "p1@example.com")
    world.settled(people(2), by("conn_okta"))


def test_an_adopted_account_gets_the_connection_and_one_in_other_letters_keeps_its_own(world: World) -> None:
    world.kinde.seed({"users": [{"email": "p1@example.com"}]})
    sso(world, "P2@example.com")
    spec = by("conn_okta") + "joiner: {trusted_connections: [enterprise]}\n"
    assert kinds(world.apply(people(2), spec).plan)["adopt"] == 2
    assert identities(world, "p1@example.com") == [("enterprise", "p1@example.com", "conn_okta")]
    assert identities(world, "P2@example.com") == [("enterprise", "P2@example.com", "conn_okta")]
    world.settled(people(2), spec)


def test_the_scopes_are_asked_for_before_the_first_write(world: World) -> None:
    world.kinde.set(scopes=("read:users", "read:roles", "read:organizations", "read:organization_users",
                            "create:users", "update:organization_users", "read:connections"))  # fmt: skip
    with pytest.raises(Exception, match="create:user_identities, read:user_identities"):
        world.apply(people(1), by("conn_okta"))
    assert world.writes() == []


@pytest.mark.parametrize("drop", [True, False], ids=["before the work", "after the work"])
@pytest.mark.parametrize("path", ["/api/v1/user$", "/identities$"])
def test_a_lost_answer_makes_no_second_account(world: World, path: str, drop: bool) -> None:
    world.kinde.fault("POST", path, **({"drop": True} if drop else {"after_work": True}))
    report = world.apply(people(1), by("conn_okta"))
    assert failures(report) == []
    assert len(world.kinde.state()["users"]) == 1
    assert identities(world, "p1@example.com") == [("enterprise", "p1@example.com", "conn_okta")]
    world.settled(people(1), by("conn_okta"))


def test_a_joiner_whose_sign_in_could_not_be_made_gets_it_in_the_next_run(world: World) -> None:
    world.kinde.fault("POST", "/identities$", status=400)
    assert world.apply(people(1), by("conn_okta")).outcome == "failed"
    report = world.apply(people(1), by("conn_okta"))
    assert kinds(report.plan) == {"update": 1}
    assert identities(world, "p1@example.com") == [("enterprise", "p1@example.com", "conn_okta")]
    world.settled(people(1), by("conn_okta"))


def test_a_sign_in_that_belongs_to_another_account_is_told_and_given_once_it_is_free(world: World) -> None:
    taken = {"errors": [{"code": "IDENTITY_ALREADY_EXISTS", "message": "This enterprise identity already exists"}]}
    world.apply(people(1))
    world.kinde.fault("POST", "/identities$", status=400, body=taken)
    (error,) = failures(world.apply(people(1), by("conn_okta")))
    assert "another Kinde account has this sign-in" in error
    assert world.apply(people(1), by("conn_okta")).outcome == "changes"
    world.settled(people(1), by("conn_okta"))


# -- renames ---------------------------------------------------------------------------------------------------------


def test_a_rename_changes_the_sign_in_by_the_connection_of_the_spec(world: World) -> None:
    world.apply(people(20), by("conn_okta"))
    rows = [person(1, email="New@example.com"), *people(20)[1:]]
    report = world.apply(rows, by("conn_okta"))
    assert kinds(report.plan) == {"rename": 1}
    assert identities(world, "New@example.com") == [("enterprise", "New@example.com", "conn_okta")]
    world.settled(rows, by("conn_okta"))


@pytest.mark.parametrize("request_number", range(4))
def test_a_rename_that_was_interrupted_is_finished_by_the_next_run(world: World, request_number: int) -> None:
    world.apply(people(20), by("conn_okta"))
    rows = [person(1, email="new@example.com"), *people(20)[1:]]
    calls = [("PATCH", "/user$", 0), ("POST", "/identities$", 0), ("DELETE", "/identities/", 0), ("PATCH", "/user$", 1)]
    method, path, skip = calls[request_number]
    world.kinde.fault(method, path, skip=skip, status=400)
    assert world.apply(rows, by("conn_okta")).outcome == "failed"
    world.kinde.clear_faults()
    assert world.apply(rows, by("conn_okta")).outcome == "changes"
    assert identities(world, "new@example.com") == [("enterprise", "new@example.com", "conn_okta")]
    assert world.users()["new@example.com"]["provided_id"] == "hr:1"
    world.settled(rows, by("conn_okta"))


def test_a_rename_of_a_sign_in_that_the_sync_does_not_keep_is_held_with_the_way_out(world: World) -> None:
    spec = trusting("enterprise", "conn_google")
    sso(world, "p1@example.com")
    sso(world, "p2@example.com", "social", "conn_google")
    world.apply(people(20), spec)
    rows = [person(1, email="new1@example.com"), person(2, email="new2@example.com"), *people(20)[2:]]
    reasons = {held.id: held.reason for held in world.plan(rows, spec).held}
    assert "add new1@example.com to the account and delete that sign-in in Kinde" in reasons["1"]
    assert "person.connection" in reasons["1"]
    assert "a sign-in of type social" in reasons["2"]
    with_connection = by("conn_okta") + "joiner: {trusted_connections: [enterprise, conn_google]}\n"
    plan = world.plan(rows, with_connection)
    assert [held.id for held in plan.held] == ["2"]


def test_a_rename_of_a_sign_in_by_another_connection_is_told(world: World) -> None:
    sso(world, "p1@example.com", "enterprise", "conn_entra")
    spec = by("conn_okta") + "joiner: {trusted_connections: [enterprise]}\n"
    world.apply(people(20), spec)
    rows = [person(1, email="new@example.com"), *people(20)[1:]]
    (error,) = failures(world.apply(rows, spec))
    assert "a sign-in of the connection conn_entra, not of conn_okta: delete it in Kinde" in error


# -- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("connection", "message"),
    [
        ("conn_none", "Kinde has no connection 'conn_none'; there are: conn_entra, conn_google, conn_okta"),
        ("conn_google", "the connection conn_google is of type oauth2:google, not an enterprise one"),
        ("{domain: none.org}", "no connection has the home realm domain 'none.org'"),
        ("{domain: both.org}", "2 connections have (conn_entra, conn_okta) the home realm domain 'both.org'"),
    ],
)
@pytest.mark.parametrize("settings", [Settings(connections_shape="wrapped"), Settings(connections_shape="flat")])
def test_a_connection_that_kinde_does_not_have_stops_the_run(world: World, connection: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        world.plan(people(1), by(connection))
    assert f"person.connection: {message}" in str(caught.value)


def test_a_connection_that_a_row_yields_and_kinde_does_not_have_rejects_the_row(world: World) -> None:
    rows = [person(1, conn="conn_okta"), person(2, conn="conn_none"), person(3, conn="domain: both.org")]
    plan = world.plan(rows, by('"{{ row.conn }}"'))
    assert [(rejected.row, rejected.id) for rejected in plan.rejected] == [(2, "2"), (3, "3")]
    assert "Kinde has no connection 'conn_none'" in plan.rejected[0].reason
    assert kinds(plan)["create"] == 1


def test_a_mapping_that_names_no_domain_is_refused_by_the_spec(world: World) -> None:
    for connection in ("{domian: corp.org}", "{domain: ''}", "[conn_okta]"):
        with pytest.raises(SpecError, match=r"person\.connection"):
            world.spec(by(connection))
