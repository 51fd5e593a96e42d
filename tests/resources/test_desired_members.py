"""Users whom an operator names for one organization: added, given roles, removed."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_kinde.client import KindeClient
from airflow_provider_kinde.exceptions import KindeInputError, KindeNotFoundError
from airflow_provider_kinde.resources.desired_members import OrganizationUsers, add_member, desired_members
from kinde_emulator import Emulator
from tests.resources.conftest import Sent


def roles(kinde: Emulator, user_id: str) -> list[str] | None:
    user = next(user for user in kinde.state()["users"] if user["id"] == user_id)
    found: list[str] | None = user["memberships"].get("org_sales")
    return found


def users(client: KindeClient, *named: Any, roles: Any = None, permissions: Any = None) -> OrganizationUsers:
    return OrganizationUsers(client, "org_sales", desired_members(named, roles, permissions))


@pytest.mark.parametrize("user", [{"id": "kp_ann", "role": "lead"}, {"id": 7}, {"id": "kp_ann", "roles": [""]}, 7, ""])
def test_a_user_that_cannot_be_one_is_refused(user: Any) -> None:
    with pytest.raises(KindeInputError):
        desired_members([user], None, None)


def test_a_user_s_own_roles_go_before_those_for_all() -> None:
    found = desired_members(["kp_ann", {"email": "bob@example.com", "roles": []}], ["seller"], None)
    assert [one.roles for one in found] == [("seller",), ()]


def test_an_unknown_role_and_a_missing_user_are_named_before_anything_is_sent(client: KindeClient, sent: Sent) -> None:
    with pytest.raises(KindeInputError, match="chef"):
        users(client, "kp_ann", roles=["chef"])
    with pytest.raises(KindeNotFoundError, match="kp_gone"):
        users(client, "kp_gone").require_all()
    assert sent() == []


def test_a_user_who_is_named_twice_with_different_roles_is_refused(client: KindeClient) -> None:
    with pytest.raises(KindeInputError, match="twice"):
        users(client, {"id": "kp_ann", "roles": ["lead"]}, {"email": "ann@example.com", "roles": ["seller"]})


def test_a_new_member_without_roles_is_sent_without_a_list_of_roles(
    kinde: Emulator, client: KindeClient, sent: Sent
) -> None:
    organization = users(client, "kp_ann", permissions=["read:deals"])
    assert organization.add(organization.users) == ["kp_ann"]
    assert sent.bodies() == [{"users": [{"id": "kp_ann", "permissions": ["read:deals"]}]}]


def test_a_member_who_gets_permissions_keeps_the_roles(kinde: Emulator, client: KindeClient, sent: Sent) -> None:
    organization = users(client, "kp_cat", permissions=["read:deals"])
    organization.read_roles(organization.users)
    (cat,) = organization.users
    organization.set_roles([cat], {cat.id: cat.roles | cat.lacks})
    assert roles(kinde, "kp_cat") == ["seller"]
    assert sent.bodies() == [{"users": [{"id": "kp_cat", "roles": ["seller"], "permissions": ["read:deals"]}]}]


def test_users_are_removed_once(kinde: Emulator, client: KindeClient) -> None:
    organization = users(client, "kp_cat")
    assert organization.remove(organization.users) == ["kp_cat"]
    assert roles(kinde, "kp_cat") is None
    assert [user.is_member for user in users(client, "kp_cat").users] == [False]


def test_a_user_joins_once_and_gets_only_the_roles_that_are_lacking(
    kinde: Emulator, client: KindeClient, sent: Sent
) -> None:
    assert add_member(client, "org_sales", "kp_bob", ["seller"]) == ["organization", "roles"]
    assert add_member(client, "org_sales", "kp_bob", ["lead"]) == ["roles"]
    assert roles(kinde, "kp_bob") == ["lead", "seller"]
    before = sent()
    assert add_member(client, "org_sales", "kp_bob", ["seller"]) == []
    assert add_member(client, "org_sales", "kp_bob", []) == []
    assert sent() == before
