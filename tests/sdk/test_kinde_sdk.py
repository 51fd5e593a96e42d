"""Kinde's own Python SDK against the emulator: what it sends is taken, what it is answered it understands.

These tests need the distribution ``kinde-python-sdk``, in an environment without Airflow, which it does not fit beside.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from kinde_sdk.management import ManagementClient, models
from kinde_sdk.management.exceptions import ApiException, BadRequestException, ForbiddenException, NotFoundException
from kinde_sdk.management.management_token_manager import ManagementTokenManager

from kinde_emulator import Emulator, Settings


@pytest.fixture
def kinde() -> Iterator[Emulator]:
    with Emulator(Settings(default_org_policy=False)) as emulator:
        yield emulator


def connect(kinde: Emulator, **names: str) -> Any:
    """The SDK's client. It insists on https, so its two addresses are set afterwards."""
    ManagementTokenManager.reset_instances()
    credentials = {"client_id": kinde.client_id, "client_secret": kinde.client_secret, **names}
    client = ManagementClient(domain=kinde.host, **credentials)
    client.configuration.host = kinde.url
    client.token_manager.token_url = f"{kinde.url}/oauth2/token"
    return client


@pytest.fixture
def client(kinde: Emulator) -> Any:
    return connect(kinde)


def new_user(client: Any, email: str, given_name: str = "Ada", **more: Any) -> str:
    identity = models.CreateUserRequestIdentitiesInner(
        type="email", is_verified=True, details=models.CreateUserRequestIdentitiesInnerDetails(email=email)
    )
    profile = models.CreateUserRequestProfile(given_name=given_name, family_name="Lovelace")
    request = models.CreateUserRequest(profile=profile, identities=[identity], **more)
    answer = client.users_api.create_user(request)
    assert answer.created is True
    assert [(item.type, item.result.created) for item in answer.identities] == [("email", True)]
    return str(answer.id)


def new_organization(client: Any, name: str, **more: Any) -> str:
    answer = client.organizations_api.create_organization(models.CreateOrganizationRequest(name=name, **more))
    return str(answer.organization.code)


def new_role(client: Any, key: str) -> str:
    return str(client.roles_api.create_role(models.CreateRoleRequest(name=key.title(), key=key)).role.id)


def test_one_token_for_many_calls(kinde, client):
    for _ in range(3):
        assert client.users_api.get_users().users == []
    assert [entry["kind"] for entry in kinde.log()] == ["token", "api", "api", "api"]
    assert kinde.log()[0]["body"]["audience"] == f"https://{kinde.host}/api"


def test_users(kinde, client):
    user_id = new_user(client, "ada@x.org", provided_id="hr:1")
    users = client.users_api
    found = users.get_users(email="ada@x.org,nobody@x.org", expand="organizations,identities").users
    assert [(user.id, user.email, user.provided_id, user.is_suspended) for user in found] == [
        (user_id, "ada@x.org", "hr:1", False)
    ]
    assert [(item.type, item.identity) for item in found[0].identities] == [("email", "ada@x.org")]
    user = users.get_user_data(user_id)
    assert (user.preferred_email, user.first_name, user.last_name) == ("ada@x.org", "Ada", "Lovelace")
    changed = users.update_user(user_id, models.UpdateUserRequest(family_name="King", is_suspended=True))
    assert (changed.given_name, changed.family_name, changed.is_suspended) == ("Ada", "King", True)
    assert kinde.state()["users"][0]["last_name"] == "King"
    assert users.refresh_user_claims(user_id).code == "OK"
    assert users.delete_user_sessions(user_id).code == "OK"
    assert users.get_user_sessions(user_id).sessions == []
    assert users.delete_user(user_id, is_delete_profile=True).code == "OK"
    assert kinde.state()["users"] == []
    with pytest.raises(NotFoundException) as missing:
        users.get_user_data(user_id)
    assert "USER_NOT_FOUND" in missing.value.body


def test_an_address_that_is_taken(client):
    new_user(client, "ada@x.org")
    with pytest.raises(BadRequestException) as refused:
        new_user(client, "ADA@x.org")
    assert refused.value.data.errors[0].code == "USER_ALREADY_EXISTS"


def test_all_pages_of_users(client):
    made = {new_user(client, f"u{number}@x.org") for number in range(7)}
    seen, token = [], None
    while True:
        page = client.users_api.get_users(page_size=3, next_token=token)
        seen += [user.id for user in page.users]
        token = page.next_token
        if not token:
            break
    assert (len(seen), set(seen)) == (7, made)


def test_identities(kinde, client):
    user_id = new_user(client, "old@x.org")
    request = models.CreateUserIdentityRequest(type="email", value="new@x.org")
    new = client.users_api.create_user_identity(user_id, request).identity.id
    found = {item.name: item for item in client.users_api.get_user_identities(user_id).identities}
    assert (found["old@x.org"].is_primary, found["new@x.org"].is_primary) == (True, False)
    assert client.identities_api.update_identity(new, models.UpdateIdentityRequest(is_primary=True)).code == "OK"
    assert client.identities_api.delete_identity(found["old@x.org"].id).code == "OK"
    assert client.identities_api.get_identity(new).email == "new@x.org"
    assert kinde.state()["users"][0]["email"] == "new@x.org"


def test_organizations(kinde, client):
    code = new_organization(client, "Shop", handle="shop", external_id="5")
    organizations = client.organizations_api
    found = {item.name: item for item in organizations.get_organizations(sort="name_asc").organizations}
    assert set(found) == {"Default Organization", "Shop"}
    assert (found["Shop"].code, found["Shop"].external_id, found["Shop"].is_default) == (code, "5", False)
    update = models.UpdateOrganizationRequest(name="Shops", theme_code="dark")
    assert organizations.update_organization(code, update_organization_request=update).code == "OK"
    organization = organizations.get_organization(code)
    assert (organization.name, organization.handle, organization.theme_code) == ("Shops", "shop", "dark")
    assert organizations.delete_organization_handle(code).code == "OK"
    assert organizations.delete_organization(code).code == "OK"
    assert [item["name"] for item in kinde.state()["organizations"]] == ["Default Organization"]
    with pytest.raises(NotFoundException):
        organizations.delete_organization(code)


def test_memberships(kinde, client):
    code = new_organization(client, "Shop")
    new_role(client, "owner")
    new_role(client, "viewer")
    ada, bob, cid = (new_user(client, f"{name}@x.org", name) for name in ("ada", "bob", "cid"))
    organizations = client.organizations_api
    add = models.AddOrganizationUsersRequest(
        users=[models.AddOrganizationUsersRequestUsersInner(id=user_id, roles=["viewer"]) for user_id in (ada, bob)]
    )
    assert organizations.add_organization_users(code, add).users_added == [ada, bob]
    entry = models.UpdateOrganizationUsersRequestUsersInner
    change = models.UpdateOrganizationUsersRequest(
        users=[
            entry(id=ada, roles=["owner", "viewer"]),
            entry(id=bob, operation="delete"),
            entry(id=cid, roles=["owner"]),
        ]
    )
    answer = organizations.update_organization_users(code, change)
    assert (answer.users_added, answer.users_updated, answer.users_removed) == ([cid], [ada], [bob])
    found = organizations.get_organization_users(code, sort="name_asc", page_size=500).organization_users
    assert [(item.full_name, item.roles) for item in found] == [
        ("ada Lovelace", ["owner", "viewer"]),
        ("cid Lovelace", ["owner"]),
    ]
    assert [item.id for item in organizations.get_organization_users(code, roles="viewer").organization_users] == [ada]
    assert organizations.remove_organization_user(code, cid).code == "OK"
    with pytest.raises(BadRequestException) as refused:
        organizations.remove_organization_user(code, cid)
    assert refused.value.data.errors[0].code == "USER_NOT_IN_ORGANIZATION"
    memberships = {user["id"]: user["memberships"] for user in kinde.state()["users"]}
    assert memberships == {ada: {code: ["owner", "viewer"]}, bob: {}, cid: {}}


def test_adding_a_member_again_with_204(kinde, client):
    kinde.set(add_existing_member="204")
    code, user_id = new_organization(client, "Shop"), new_user(client, "ada@x.org")
    add = models.AddOrganizationUsersRequest(users=[models.AddOrganizationUsersRequestUsersInner(id=user_id)])
    assert client.organizations_api.add_organization_users(code, add).users_added == [user_id]
    assert client.organizations_api.add_organization_users(code, add) is None


def test_roles_and_permissions(kinde, client):
    code, user_id = new_organization(client, "Shop"), new_user(client, "ada@x.org", organization_code=None)
    entry = models.AddOrganizationUsersRequestUsersInner(id=user_id)
    client.organizations_api.add_organization_users(code, models.AddOrganizationUsersRequest(users=[entry]))
    role_id = new_role(client, "owner")
    assert [(role.id, role.key) for role in client.roles_api.get_roles().roles] == [(role_id, "owner")]
    organizations = client.organizations_api
    assign = models.CreateOrganizationUserRoleRequest(role_id=role_id)
    assert organizations.create_organization_user_role(code, user_id, assign).code == "OK"
    roles = organizations.get_organization_user_roles(code, user_id).roles
    assert [(role.id, role.key, role.name) for role in roles] == [(role_id, "owner", "Owner")]
    client.permissions_api.create_permission(models.CreatePermissionRequest(name="Read", key="read"))
    [permission] = client.permissions_api.get_permissions().permissions
    grant = models.CreateOrganizationUserPermissionRequest(permission_id=permission.id)
    assert organizations.create_organization_user_permission(code, user_id, grant).code == "OK"
    held = organizations.get_organization_user_permissions(code, user_id, expand="roles").permissions
    assert [(item.key, item.roles) for item in held] == [("read", [])]
    assert organizations.delete_organization_user_permission(code, user_id, permission.id).code == "OK"
    renamed = models.UpdateRolesRequest(name="Boss", key="boss")
    assert client.roles_api.update_roles(role_id, renamed).code == "OK"
    assert client.roles_api.get_role(role_id).role.key == "boss"
    assert organizations.get_organization_role_users_count(code, role_id).count == 1
    assert client.roles_api.get_role_users(role_id).users[0].org_codes == [code]
    assert organizations.delete_organization_user_role(code, user_id, role_id).code == "OK"
    assert client.roles_api.delete_role(role_id).code == "OK"
    assert kinde.state()["users"][0]["memberships"] == {code: []}


def test_properties_and_search(client):
    categories = client.property_categories_api
    category = categories.create_category(models.CreateCategoryRequest(name="Work", context="usr")).category.id
    request = models.CreatePropertyRequest(
        name="Title", key="kp_title", type="single_line_text", context="usr", is_private=False, category_id=category
    )
    client.properties_api.create_property(request)
    assert [item.key for item in client.properties_api.get_properties(context="usr").properties] == ["kp_title"]
    user_id = new_user(client, "ada@x.org")
    new_user(client, "bob@x.org", "Bob")
    values = models.UpdateOrganizationPropertiesRequest(properties={"kp_title": "Boss"})
    assert client.users_api.update_user_properties(user_id, values).code == "OK"
    [value] = client.users_api.get_user_property_values(user_id).properties
    assert (value.key, value.value) == ("kp_title", "Boss")
    assert client.users_api.update_user_property(user_id, "kp_title", "Chief").code == "OK"
    found = client.search_api.search_users(query="ada", expand="properties").results
    assert [(user.id, user.properties) for user in found] == [(user_id, {"kp_title": "Chief"})]
    assert len(client.search_api.search_users(query="*", page_size=1).results) == 1


def test_invitations(client):
    code = new_organization(client, "Shop")
    new_role(client, "owner")
    request = models.CreateOrganizationInviteRequest(email="new@x.org", first_name="New", roles=["owner"])
    invite = client.organizations_api.create_organization_invite(code, request).invite
    assert (invite.email, invite.full_name, invite.accepted_on) == ("new@x.org", "New", None)
    assert [item.code for item in client.organizations_api.get_organization_invites(code).invites] == [invite.code]
    assert client.organizations_api.get_organization_invite(code, invite.code).email == "new@x.org"
    assert client.organizations_api.delete_organization_invite(code, invite.code).code == "OK"


def test_the_sdk_reads_the_other_resources_of_an_organization(kinde, client):
    code = new_organization(client, "Shop")
    connection = kinde.seed({"connections": [{"name": "Okta"}], "feature_flags": [{"key": "dark"}]})["connections"][
        "Okta"
    ]
    organizations = client.organizations_api
    assert organizations.enable_org_connection(code, connection) is None
    [item] = organizations.get_organization_connections(code).connections
    assert (item.connection.id, item.connection.name) == (connection, "Okta")
    assert organizations.remove_org_connection(code, connection).code == "OK"
    assert organizations.update_organization_feature_flag_override(code, "dark", "true").code == "OK"
    assert organizations.get_organization_feature_flags(code).feature_flags["dark"].value == "true"
    assert organizations.delete_organization_feature_flag_overrides(code).code == "OK"
    mfa = models.ReplaceOrganizationMFARequest(enabled_factors=["mfa:email"])
    assert organizations.replace_organization_mfa(code, mfa).code == "OK"
    sessions = models.UpdateOrganizationSessionsRequest(authenticated_session_lifetime=60)
    assert organizations.update_organization_sessions(code, sessions).code == "OK"
    assert organizations.read_organization_logo(code).logos == []
    assert organizations.add_organization_logo(code, "dark", ("logo.png", b"png")).code == "OK"
    assert organizations.read_organization_logo(code).logos[0].type == "dark"
    assert organizations.delete_organization_logo(code, "dark").code == "OK"


def test_a_missing_scope_and_a_full_window(kinde):
    kinde.seed({"clients": [{"id": "reader", "secret": "s", "scopes": ["read:users"]}]})
    client = connect(kinde, client_id="reader", client_secret="s")
    with pytest.raises(ForbiddenException) as refused:
        client.roles_api.get_roles()
    assert "read:roles" in refused.value.body
    kinde.set(rate_limit=1)
    client.users_api.get_users()
    with pytest.raises(ApiException) as throttled:
        client.users_api.get_users()
    assert throttled.value.status == 429
    assert int(throttled.value.headers["RateLimit-Reset"]) > 0


def test_wrong_credentials(kinde):
    with pytest.raises(Exception, match="401"):
        connect(kinde, client_secret="wrong").users_api.get_users()
