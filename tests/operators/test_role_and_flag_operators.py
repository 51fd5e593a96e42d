"""Permissions of roles and members, feature flags, properties of organizations, and claims that are refreshed."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_kinde.client import KindeClient
from airflow_provider_kinde.exceptions import KindeError, KindeInputError, KindeNotFoundError, KindeServerError
from airflow_provider_kinde.operators.feature_flags import KindeUpdateFeatureFlagsOperator
from airflow_provider_kinde.operators.organizations import (
    KindeInviteUserOperator,
    KindeUpdateOrganizationOperator,
    KindeUpdateOrganizationUsersOperator,
)
from airflow_provider_kinde.operators.roles import KindeRefreshUserClaimsOperator, KindeUpdateRolePermissionsOperator
from kinde_emulator import Emulator
from tests.support.operator_runs import execute, user, writes

KIND: dict[str, Any] = {"task_id": "task", "kinde_conn_id": "kinde_test"}


def role(kinde: Emulator, key: str) -> dict[str, Any]:
    return next(item for item in kinde.state()["roles"] if item["key"] == key)


def organization(kinde: Emulator, code: str) -> dict[str, Any]:
    return next(item for item in kinde.state()["organizations"] if item["code"] == code)


@pytest.fixture
def flags(kinde: Emulator) -> KindeClient:
    """Three flags, and a client that reads their overrides."""
    kinde.seed({"feature_flags": [{"key": "beta"}, {"key": "size", "type": "int"}, {"key": "skin", "type": "str"}]})
    return KindeClient(kinde.url, kinde.client_id, kinde.client_secret)


# -- permissions ----------------------------------------------------------------------------------------------------


def test_permissions_of_a_role_are_given_and_taken_by_key(kinde: Emulator) -> None:
    kinde.seed({"permissions": ["write:deals", "read:staff"]})

    def write(mode: Any, *keys: str) -> Any:
        return execute(KindeUpdateRolePermissionsOperator(**KIND, role="lead", permissions=keys, mode=mode))

    lead = role(kinde, "lead")["id"]
    assert write("add", "read:deals", "write:deals") == {
        "role_id": lead,
        "outcome": "updated",
        "changed": ["read:deals", "write:deals"],
    }
    before = writes(kinde)
    assert write("add", "read:deals")["outcome"] == "unchanged"
    assert write("remove", "read:staff")["outcome"] == "unchanged"
    assert writes(kinde) == before
    assert write("replace", "read:staff", "read:deals")["changed"] == ["read:staff", "write:deals"]
    assert role(kinde, "lead")["permissions"] == ["read:deals", "read:staff"]
    assert write("remove", "read:staff")["changed"] == ["read:staff"]
    assert write("replace")["changed"] == ["read:deals"]
    assert role(kinde, "lead")["permissions"] == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"role": "boss", "permissions": ["read:deals"]}, "no role with the key 'boss'"),
        ({"role": "lead", "permissions": ["read:deal"]}, "no permission with the key 'read:deal'"),
        ({"role": " ", "permissions": ["read:deals"]}, "role is empty"),
        ({"role": "lead", "permissions": "", "mode": "replace"}, "permissions is empty"),
        ({"role": "lead", "permissions": [], "mode": "add"}, "permissions is empty"),
    ],
)
def test_an_unknown_key_stops_before_a_role_changes(kinde: Emulator, arguments: Any, words: str) -> None:
    with pytest.raises(KindeInputError, match=words):
        execute(KindeUpdateRolePermissionsOperator(**KIND, **arguments))
    assert writes(kinde) == []


def test_permissions_of_members_are_given_and_taken_and_roles_stay(kinde: Emulator) -> None:
    def write(mode: Any, *keys: str) -> Any:
        return execute(
            KindeUpdateOrganizationUsersOperator(
                **KIND, org_code="org_sales", users=["kp_cat"], permissions=list(keys), mode=mode
            )
        )

    def held() -> Any:
        cat = user(kinde, "kp_cat")
        return cat["memberships"]["org_sales"], cat["permissions"].get("org_sales", [])

    assert write("add", "read:deals")["updated"] == ["kp_cat"]
    assert held() == (["seller"], ["read:deals"])
    before = writes(kinde)
    assert write("add", "read:deals")["unchanged"] == ["kp_cat"]
    assert writes(kinde) == before
    assert write("remove", "read:deals")["updated"] == ["kp_cat"]
    assert held() == (["seller"], [])
    assert write("remove", "read:deals")["unchanged"] == ["kp_cat"]
    assert write("replace", "read:deals")["updated"] == ["kp_cat"]
    assert held() == (["seller"], ["read:deals"])


def test_a_permission_that_comes_with_a_role_is_not_taken_from_a_member(kinde: Emulator) -> None:
    kinde.seed({"roles": [{"key": "seller", "permissions": ["read:deals"]}]})
    operator = KindeUpdateOrganizationUsersOperator(
        **KIND, org_code="org_sales", users=["kp_cat"], permissions=["read:deals"], roles=["lead"], mode="remove"
    )
    with pytest.raises(KindeInputError, match="the permission 'read:deals' by seller: take that role"):
        execute(operator)
    assert writes(kinde) == []


# -- feature flags --------------------------------------------------------------------------------------------------


def test_flags_of_the_environment(kinde: Emulator, flags: KindeClient) -> None:
    def write(**values: Any) -> Any:
        return execute(KindeUpdateFeatureFlagsOperator(**KIND, flags=values))

    first = write(beta=True, size=7, skin="dark")
    assert first == {"org_code": None, "user_id": None, "outcome": "updated", "changed": ["beta", "size", "skin"]}
    shown = flags.get_environement_feature_flags()["feature_flags"]
    assert {key: item["value"] for key, item in shown.items()} == {"beta": "true", "size": "7", "skin": "dark"}
    before = writes(kinde)
    assert write(beta="true", size=7)["outcome"] == "unchanged"
    assert writes(kinde) == before
    assert write(beta=None, size=8, skin="dark")["changed"] == ["beta", "size"]
    assert set(flags.get_environement_feature_flags()["feature_flags"]) == {"size", "skin"}
    assert write(beta=None)["outcome"] == "unchanged"


def test_flags_of_an_organization(kinde: Emulator, flags: KindeClient) -> None:
    operator = KindeUpdateFeatureFlagsOperator(**KIND, name="Sales", flags={"beta": True})
    assert execute(operator) == {"org_code": "org_sales", "user_id": None, "outcome": "updated", "changed": ["beta"]}
    assert flags.get_organization_feature_flags("org_sales")["feature_flags"]["beta"]["value"] == "true"
    assert execute(operator)["outcome"] == "unchanged"
    gone = KindeUpdateFeatureFlagsOperator(**KIND, org_code="org_sales", flags="{'beta': None}")
    assert execute(gone)["changed"] == ["beta"]
    assert flags.get_organization_feature_flags("org_sales")["feature_flags"] == {}


def test_flags_of_a_user_are_always_written(kinde: Emulator, flags: KindeClient) -> None:
    operator = KindeUpdateFeatureFlagsOperator(**KIND, email="ann@example.com", flags={"size": 3})
    for _ in range(2):
        assert execute(operator) == {"org_code": None, "user_id": "kp_ann", "outcome": "updated", "changed": ["size"]}
    assert writes(kinde) == ["PATCH /api/v1/users/kp_ann/feature_flags/size"] * 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"user_id": "kp_ann", "flags": {"beta": None}}, "cannot remove a user's override of beta"),
        ({"flags": {"beta": ["a"]}}, "the value of the flag 'beta' must be"),
        ({"flags": "{}"}, "flags is empty"),
        ({"flags": "beta"}, "neither JSON nor a Python literal"),
        ({"org_code": "", "flags": {"beta": True}}, "name the organization by one of"),
        ({"user_id": "", "flags": {"beta": True}}, "name the user by user_id or by email"),
    ],
)
def test_a_wrong_flag_or_a_blank_name_writes_nothing(kinde: Emulator, flags: Any, arguments: Any, words: str) -> None:
    with pytest.raises(KindeInputError, match=words):
        execute(KindeUpdateFeatureFlagsOperator(**KIND, **arguments))
    assert writes(kinde) == []


def test_a_flag_that_kinde_does_not_have_is_named(kinde: Emulator, flags: KindeClient) -> None:
    with pytest.raises(KindeError, match="none"):
        execute(KindeUpdateFeatureFlagsOperator(**KIND, flags={"none": True}))


def test_flags_of_one_owner_only() -> None:
    with pytest.raises(ValueError, match="an organization or a user"):
        KindeUpdateFeatureFlagsOperator(**KIND, flags={"a": 1}, org_code="o", user_id="u")
    with pytest.raises(ValueError, match="flags is empty"):
        KindeUpdateFeatureFlagsOperator(**KIND, flags={})


# -- claims ---------------------------------------------------------------------------------------------------------


def refreshed(kinde: Emulator) -> list[str]:
    return sorted(call.split("/")[4] for call in writes(kinde) if call.endswith("/refresh_claims"))


def test_claims_of_all_holders_of_a_role(kinde: Emulator) -> None:
    people = [
        {"id": f"kp_{number}", "email": f"p{number}@example.com", "memberships": {"org_research": ["seller"]}}
        for number in range(25)
    ]
    people[0]["memberships"] = {"org_research": ["seller"], "org_sales": ["seller"]}
    kinde.seed({"users": people})
    assert execute(KindeRefreshUserClaimsOperator(**KIND, role="seller")) == {"refreshed": 26, "missing": []}
    assert refreshed(kinde) == sorted(["kp_cat", *(f"kp_{number}" for number in range(25))])
    kinde.clear_log()
    found = execute(KindeRefreshUserClaimsOperator(**KIND, role="seller", name="Sales"))
    assert (found["refreshed"], refreshed(kinde)) == (2, ["kp_0", "kp_cat"])
    assert execute(KindeRefreshUserClaimsOperator(**KIND, role="owner")) == {"refreshed": 0, "missing": []}


def test_claims_of_some_users(kinde: Emulator) -> None:
    users = ["kp_ann", "bob@example.com", "ann@example.com"]
    assert execute(KindeRefreshUserClaimsOperator(**KIND, users=users)) == {"refreshed": 2, "missing": []}
    assert refreshed(kinde) == ["kp_ann", "kp_bob"]
    kinde.clear_log()
    with pytest.raises(KindeNotFoundError, match="kp_none"):
        execute(KindeRefreshUserClaimsOperator(**KIND, users=["kp_ann", "kp_none"]))
    assert refreshed(kinde) == []
    skipping = KindeRefreshUserClaimsOperator(**KIND, users="kp_ann, kp_none", if_missing="skip")
    assert execute(skipping) == {"refreshed": 1, "missing": ["kp_none"]}


def test_a_holder_who_is_deleted_meanwhile_is_no_error(kinde: Emulator) -> None:
    kinde.fault("POST", "kp_cat/refresh_claims", status=404)
    found = execute(KindeRefreshUserClaimsOperator(**KIND, role="seller"))
    assert found == {"refreshed": 0, "missing": ["kp_cat"]}
    kinde.fault("POST", "kp_cat/refresh_claims", status=500, times=None)
    with pytest.raises(KindeServerError):
        execute(KindeRefreshUserClaimsOperator(**KIND, role="seller"))


@pytest.mark.parametrize("names", [{}, {"users": ["a"], "role": "b"}, {"users": ["a"], "org_code": "o"}])
def test_users_or_a_role(names: Any) -> None:
    with pytest.raises(ValueError, match="role"):
        KindeRefreshUserClaimsOperator(**KIND, **names)


# -- properties of an organization, and invitations -----------------------------------------------------------------


def test_properties_of_an_organization(kinde: Emulator) -> None:
    kinde.seed({"properties": [{"key": "region", "context": "org"}]})
    operator = KindeUpdateOrganizationOperator(**KIND, org_code="org_sales", properties={"region": 7})
    assert execute(operator) == {"org_code": "org_sales", "outcome": "updated", "changed": ["region"]}
    assert organization(kinde, "org_sales")["properties"] == {"region": "7"}
    before = writes(kinde)
    assert execute(operator)["outcome"] == "unchanged"
    assert writes(kinde) == before
    both = KindeUpdateOrganizationOperator(
        **KIND, org_code="org_sales", changes={"handle": "s"}, properties={"none": "x"}
    )
    with pytest.raises(KindeInputError, match="no property with the key 'none'"):
        execute(both)
    assert writes(kinde) == before


def test_a_refused_invitation_says_what_an_invitation_needs(kinde: Emulator) -> None:
    kinde.fault("POST", "/invites$", status=400)
    with pytest.raises(KindeError, match="interactive application that invites"):
        execute(KindeInviteUserOperator(**KIND, org_code="org_sales", email="dan@example.com"))
