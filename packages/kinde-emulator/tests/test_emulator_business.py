"""Organizations, roles, permissions, properties, invitations: what belongs to the business as a whole."""

from __future__ import annotations

import pytest
import requests


def organizations(api):
    return {item["name"]: item for item in api.ok("GET", "/organizations", params={"page_size": 500})["organizations"]}


def test_a_new_tenant_has_its_default_organization_only(api):
    state = api.kinde.state()
    assert [item["name"] for item in state["organizations"]] == ["Default Organization"]
    assert not any(state[name] for name in ("users", "roles", "permissions", "properties"))


def test_an_organization_is_created_read_changed_and_deleted(api):
    body = {"name": "Sales", "handle": "sales", "external_id": "7", "link_color": "#FF0000", "sender_name": None}
    code = api.ok("POST", "/organization", json=body)["organization"]["code"]
    assert code.startswith("org_")
    assert len(code) == 15
    found = api.ok("GET", "/organization", params={"code": code})
    assert (found["code"], found["handle"], found["external_id"]) == (code, "sales", "7")
    assert found["link_color"] == {"raw": "#FF0000", "hex": "#ff0000", "hsl": "hsl(0, 100%, 50%)"}
    api.ok(
        "PATCH", f"/organization/{code}", json={"name": "Selling", "is_suspended": True, "allowed_domains": ["x.org"]}
    )
    found = api.ok("GET", "/organization", params={"code": code, "expand": "billing"})
    assert (found["name"], found["is_suspended"], found["allowed_domains"]) == ("Selling", True, ["x.org"])
    assert found["suspended_on"]
    assert found["billing"]["agreements"] == []
    api.ok("PATCH", f"/organization/{code}", json={"is_suspended": False})
    assert api.ok("GET", "/organization", params={"code": code})["suspended_on"] is None
    api.ok("DELETE", f"/organization/{code}/handle")
    assert organizations(api)["Selling"]["handle"] is None
    user_id = api.create("a@x.org", organization_code=code)
    api.ok("DELETE", f"/organization/{code}")
    assert "Selling" not in organizations(api)
    assert api.user(user_id)["memberships"] == {}
    api.fails(404, "ORGANIZATION_NOT_FOUND", "GET", "/organization", params={"code": code})


def test_a_billing_customer(api):
    body = {"name": "Payers", "is_create_billing_customer": True, "billing_email": "p@x.org"}
    answer = api.ok("POST", "/organization", json=body)["organization"]
    assert answer["billing_customer_id"].startswith("customer_")
    assert "billing_customer_id" not in api.ok("POST", "/organization", json={"name": "Others"})["organization"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "MISSING_FIELD"),
        ({"name": " "}, "ORGANIZATION_NAME_REQUIRED"),
        ({"name": "A", "title": "B"}, "UNKNOWN_FIELD"),
        ({"name": "A", "handle": "taken"}, "HANDLE_ALREADY_EXISTS"),
        ({"name": "A", "handle": None}, "INVALID_FIELD"),
        ({"name": "A", "theme_code": "pink"}, "INVALID_FIELD"),
        ({"name": "A", "button_color_dark": "red"}, "INVALID_FIELD"),
        ({"name": "A", "is_allow_registrations": "true"}, "INVALID_FIELD"),
    ],
)
def test_wrong_organizations_are_refused(api, body, code):
    api.kinde.seed({"organizations": [{"name": "Taken", "handle": "taken"}]})
    api.fails(400, code, "POST", "/organization", json=body)


def test_the_default_organization_stays(api):
    code = organizations(api)["Default Organization"]["code"]
    api.fails(
        400, "DEFAULT_ORGANIZATION_CANNOT_BE_SUSPENDED", "PATCH", f"/organization/{code}", json={"is_suspended": True}
    )
    api.fails(400, "DEFAULT_ORGANIZATION_CANNOT_BE_DELETED", "DELETE", f"/organization/{code}")


def test_paths_that_kinde_does_not_have(api):
    for method, path in (("POST", "/organizations"), ("GET", "/users/kp_1"), ("PUT", "/user"), ("GET", "/users/")):
        message = api.fails(404, "ROUTE_NOT_FOUND", method, path)
        assert message == "The requested API route does not exist"
    api.fails(400, "MISSING_PARAMETER", "GET", "/organization")


def test_roles(api):
    role_id = api.ok("POST", "/roles", 201, json={"name": "Owner", "key": "owner", "description": "All"})["role"]["id"]
    api.fails(400, "ROLE_KEY_ALREADY_EXISTS", "POST", "/roles", json={"name": "Other", "key": "owner"})
    api.fails(400, "MISSING_FIELD", "POST", "/roles", json={"name": "Other"})
    api.fails(400, "MISSING_FIELD", "PATCH", f"/roles/{role_id}", json={"name": "Boss"})
    api.ok("PATCH", f"/roles/{role_id}", 201, json={"name": "Boss", "key": "boss", "description": ""})
    expected = {"id": role_id, "key": "boss", "name": "Boss", "description": "All", "is_default_role": False}
    assert api.ok("GET", f"/roles/{role_id}")["role"] == expected
    assert api.ok("GET", "/roles", params={"sort": "key_desc"})["roles"] == [expected]
    api.fails(400, "INVALID_PARAMETER", "GET", "/roles", params={"sort": "id_asc"})
    api.kinde.seed({"organizations": ["IT"], "users": [{"email": "a@x.org", "memberships": {"IT": ["boss"]}}]})
    [user] = api.kinde.state()["users"]
    [code] = user["memberships"]
    assert api.ok("GET", f"/roles/{role_id}/users")["users"] == [{"id": user["id"], "org_codes": [code]}]
    assert api.ok("GET", f"/organizations/{code}/roles/{role_id}/users")["users"] == [{"id": user["id"]}]
    assert api.ok("GET", f"/organizations/{code}/roles/{role_id}/users/count")["count"] == 1
    api.ok("DELETE", f"/roles/{role_id}")
    assert api.kinde.state()["users"][0]["memberships"] == {code: []}
    api.fails(404, "ROLE_NOT_FOUND", "GET", f"/roles/{role_id}")


def test_permissions_and_the_roles_that_have_them(api):
    assert "permission" not in api.ok("POST", "/permissions", 201, json={"name": "Read", "key": "read"})
    api.ok("POST", "/permissions", 201, json={"name": "Write", "key": "write"})
    ids = {item["key"]: item["id"] for item in api.ok("GET", "/permissions", params={"sort": "id_desc"})["permissions"]}
    role_id = api.kinde.seed({"roles": ["owner"]})["roles"]["owner"]
    path = f"/roles/{role_id}/permissions"
    answer = api.ok("PATCH", path, json={"permissions": [{"id": item} for item in ids.values()]})
    assert set(answer["permissions_added"]) == set(ids.values())
    answer = api.ok(
        "PATCH", path, json={"permissions": [{"id": ids["read"], "operation": "delete"}, {"id": ids["write"]}]}
    )
    assert (answer["permissions_added"], answer["permissions_removed"]) == ([], [ids["read"]])
    assert [item["key"] for item in api.ok("GET", path)["permissions"]] == ["write"]
    api.ok("DELETE", f"{path}/{ids['write']}")
    api.fails(400, "INVALID_PERMISSION_ID", "DELETE", f"{path}/{ids['write']}")
    api.ok("PATCH", f"/permissions/{ids['read']}", json={"name": "See"})
    assert api.kinde.state()["permissions"][0]["name"] == "See"
    api.ok("DELETE", f"/permissions/{ids['read']}")
    assert [item["key"] for item in api.kinde.state()["permissions"]] == ["write"]


def test_properties_are_defined_before_they_are_set(api):
    user_id = api.create("a@x.org")
    body = {"properties": {"kp_usr_title": "Boss"}}
    api.fails(400, "PROPERTY_NOT_FOUND", "PATCH", f"/users/{user_id}/properties", json=body)
    category = api.ok("POST", "/property_categories", 201, json={"name": "Work", "context": "usr"})["category"]["id"]
    definition = {
        "name": "Title",
        "key": "kp_usr_title",
        "type": "single_line_text",
        "context": "usr",
        "is_private": True,
        "category_id": category,
    }
    property_id = api.ok("POST", "/properties", 201, json=definition)["property"]["id"]
    api.fails(400, "PROPERTY_KEY_ALREADY_EXISTS", "POST", "/properties", json=definition)
    api.fails(400, "CATEGORY_NOT_FOUND", "POST", "/properties", json={**definition, "category_id": "x"})
    api.ok("PATCH", f"/users/{user_id}/properties", json=body)
    [value] = api.ok("GET", f"/users/{user_id}/properties")["properties"]
    assert (value["id"], value["key"], value["value"]) == (property_id, "kp_usr_title", "Boss")
    api.ok("PUT", f"/users/{user_id}/properties/kp_usr_title", params={"value": "Chief"})
    assert api.user(user_id)["properties"] == {"kp_usr_title": "Chief"}
    api.fails(400, "INVALID_FIELD", "PATCH", f"/users/{user_id}/properties", json={"properties": {"kp_usr_title": 1}})
    api.ok("PATCH", f"/users/{user_id}/properties", json={"properties": {"kp_usr_title": None}})
    assert api.user(user_id)["properties"] == {}
    [org] = [item["code"] for item in api.kinde.state()["organizations"]]
    api.fails(400, "PROPERTY_NOT_FOUND", "PATCH", f"/organizations/{org}/properties", json=body)
    api.ok("PUT", f"/properties/{property_id}", json={"name": "Job", "is_private": False, "category_id": category})
    api.ok("PUT", f"/property_categories/{category}", json={"name": "Job"})
    assert api.ok("GET", "/property_categories", params={"context": "usr"})["categories"] == [
        {"id": category, "name": "Job"}
    ]
    found = api.ok("GET", "/properties", params={"context": "usr"})
    assert (found["properties"][0]["name"], found["has_more"]) == ("Job", False)
    assert api.ok("GET", "/properties", params={"context": "org"})["properties"] == []
    api.ok("DELETE", f"/properties/{property_id}")
    assert api.kinde.state()["properties"] == []


def test_properties_of_an_organization(api):
    api.kinde.seed({"properties": [{"key": "kp_org_x", "context": "org"}], "organizations": ["IT"]})
    code = organizations(api)["IT"]["code"]
    api.ok("PATCH", f"/organizations/{code}/properties", json={"properties": {"kp_org_x": "1"}})
    assert [item["value"] for item in api.ok("GET", f"/organizations/{code}/properties")["properties"]] == ["1"]
    api.ok("PUT", f"/organizations/{code}/properties/kp_org_x", params={"value": "2"})
    assert [item["value"] for item in api.ok("GET", f"/organizations/{code}/properties")["properties"]] == ["2"]


def test_kindes_own_properties_are_a_switch(start):
    api = start(kinde_properties=True)
    keys = [item["key"] for item in api.ok("GET", "/properties", params={"page_size": 100})["properties"]]
    assert "kp_usr_job_title" in keys
    [own] = [item for item in api.kinde.state()["properties"] if item["key"] == "kp_usr_job_title"]
    api.fails(400, "KINDE_PROPERTY", "DELETE", f"/properties/{own['id']}")


def test_invitations(api, org):
    path = f"/organization/{org}/invites"
    body = {"email": "a@x.org", "first_name": "Ada", "roles": ["owner"]}
    answer = api.ok("POST", path, 201, json=body)
    assert answer["code"] == "INVITATION_CREATED"
    invite = answer["invite"]
    assert (invite["full_name"], invite["is_sent"], invite["roles"]) == (
        "Ada",
        False,
        [{"key": "owner", "name": "owner"}],
    )
    api.fails(400, "ROLE_NOT_FOUND", "POST", path, json={**body, "roles": ["nobody"]})
    api.fails(400, "FIRST_NAME_TOO_LONG", "POST", path, json={**body, "first_name": "a" * 65})
    api.fails(400, "MISSING_FIELD", "POST", path, json={"email": "a@x.org"})
    assert api.ok("GET", path)["invites"] == [invite]
    assert api.ok("GET", f"{path}/{invite['code']}")["id"] == invite["id"]
    api.ok("DELETE", f"{path}/{invite['code']}")
    assert api.ok("GET", path)["invites"] == []
    assert api.ok("GET", path, params={"include_revoked": "true"})["invites"][0]["is_revoked"] is True
    api.fails(404, "INVITE_NOT_FOUND", "GET", f"{path}/none")


def test_flags_logos_policies_and_connections(api, org):
    seeded = api.kinde.seed(
        {"feature_flags": [{"key": "dark"}, {"key": "size", "type": "int"}], "connections": [{"name": "Okta"}]}
    )
    path = f"/organizations/{org}"
    api.ok("PATCH", f"{path}/feature_flags/dark", params={"value": "true"})
    api.ok("PATCH", f"{path}/feature_flags/size", params={"value": "-3"})
    api.fails(400, "INVALID_PARAMETER", "PATCH", f"{path}/feature_flags/size", params={"value": "big"})
    api.fails(400, "FEATURE_FLAG_NOT_FOUND", "PATCH", f"{path}/feature_flags/none", params={"value": "x"})
    expected = {"dark": {"type": "bool", "value": "true"}, "size": {"type": "int", "value": "-3"}}
    assert api.ok("GET", f"{path}/feature_flags")["feature_flags"] == expected
    api.ok("DELETE", f"{path}/feature_flags/dark")
    assert list(api.ok("GET", f"{path}/feature_flags")["feature_flags"]) == ["size"]
    api.ok("DELETE", f"{path}/feature_flags")
    assert api.ok("GET", f"{path}/feature_flags")["feature_flags"] == {}

    assert api("DELETE", f"{path}/logos/dark").status_code == 204
    api.ok("POST", f"{path}/logos/dark", files={"logo": ("a.png", b"x")})
    assert [logo["file_name"] for logo in api.ok("GET", f"{path}/logos")["logos"]] == ["a.png"]
    api.ok("DELETE", f"{path}/logos/dark")
    api.fails(400, "INVALID_FIELD", "POST", f"{path}/logos/pink", files={"logo": ("a.png", b"x")})
    api.fails(400, "INVALID_LOGO", "POST", f"{path}/logos/dark", files={"logo": ("a.png", b"")})

    api.ok("PUT", f"{path}/mfa", json={"enabled_factors": ["mfa:email"]})
    api.fails(400, "INVALID_FIELD", "PUT", f"{path}/mfa", json={"enabled_factors": ["mfa:pigeon"]})
    api.ok("PATCH", f"{path}/sessions", json={"authenticated_session_lifetime": 60})
    api.fails(400, "UNKNOWN_FIELD", "PATCH", f"{path}/sessions", json={"lifetime": 60})

    okta = seeded["connections"]["Okta"]
    assert api.ok("POST", f"{path}/connections/{okta}") is None
    item = {"id": okta, "name": "Okta", "display_name": "Okta", "strategy": "saml:custom"}
    found = api.ok("GET", f"{path}/connections")["connections"]
    assert found == [{"code": "OK", "message": "Success", "connection": item}]
    api.kinde.set(connections_shape="flat")
    assert api.ok("GET", f"{path}/connections")["connections"] == [item]
    api.ok("DELETE", f"{path}/connections/{okta}")
    api.fails(400, "CONNECTION_NOT_FOUND", "DELETE", f"{path}/connections/{okta}")


def test_other_resources_of_a_member(api, org):
    api.kinde.seed(
        {
            "api_scopes": [{"api_id": "api_1", "id": "scope_1", "key": "read:books"}],
            "feature_flags": [{"key": "dark"}],
            "users": [{"email": "a@x.org", "factors": ["mfa:email", "mfa:sms"], "memberships": ["IT"]}],
        }
    )
    [user_id] = [user["id"] for user in api.kinde.state()["users"]]
    path = f"/organizations/{org}/users/{user_id}"
    assert api.ok("POST", f"{path}/apis/api_1/scopes/scope_1") is None
    assert len(api.ok("GET", "/search/users", params={"api_scopes": "read:books"})["results"]) == 1
    api.ok("DELETE", f"{path}/apis/api_1/scopes/scope_1")
    api.fails(400, "SCOPE_NOT_FOUND", "DELETE", f"{path}/apis/api_1/scopes/scope_1")
    factor = api.ok("GET", f"{path}/mfa")["mfa"]
    assert factor["type"] in ("mfa:email", "mfa:sms")
    api.ok("DELETE", f"{path}/mfa/{factor['id']}")
    assert api.ok("GET", f"/users/{user_id}/mfa")["mfa"]["id"] != factor["id"]
    api.ok("DELETE", f"{path}/mfa")
    api.fails(404, "MFA_NOT_FOUND", "GET", f"{path}/mfa")
    api.ok("PATCH", f"/users/{user_id}/feature_flags/dark", params={"value": "true"})
    api.ok("PUT", f"/users/{user_id}/password", json={"hashed_password": "x", "hashing_method": "bcrypt"})
    api.fails(
        400,
        "INVALID_FIELD",
        "PUT",
        f"/users/{user_id}/password",
        json={"hashed_password": "x", "hashing_method": "rot13"},
    )
    assert api.kinde.log()[-1]["body"] == {"hashed_password": "***", "hashing_method": "rot13"}


def test_an_invitation_to_a_member_or_to_an_address_that_is_invited_is_refused(api, org):
    path = f"/organization/{org}/invites"
    member = api.create("ada@x.org", organization_code=org)
    assert member in {user["id"] for user in api.ok("GET", f"/organizations/{org}/users")["organization_users"]}
    api.fails(400, "USER_ALREADY_IN_ORGANIZATION", "POST", path, json={"email": "Ada@x.org", "roles": []})
    invite = api.ok("POST", path, 201, json={"email": "bob@x.org", "roles": []})["invite"]
    api.fails(400, "INVITATION_ALREADY_EXISTS", "POST", path, json={"email": "BOB@x.org", "roles": []})
    api.ok("DELETE", f"{path}/{invite['code']}")
    api.ok("POST", path, 201, json={"email": "bob@x.org", "roles": []})


def test_an_accepted_invitation_makes_a_member_with_its_roles(api, org):
    path = f"/organization/{org}/invites"
    invite = api.ok("POST", path, 201, json={"email": "bob@x.org", "first_name": "Bob", "roles": ["viewer"]})["invite"]
    user_id = api.kinde.accept_invitation(invite["code"])
    user = api.user(user_id)
    assert (user["email"], user["first_name"], user["memberships"]) == ("bob@x.org", "Bob", {org: ["viewer"]})
    assert api.ok("GET", path)["invites"] == []
    assert api.ok("GET", path, params={"include_accepted": "true"})["invites"][0]["accepted_on"]
    with pytest.raises(ValueError, match="no open invitation"):
        api.kinde.accept_invitation(invite["code"])
    answer = requests.post(f"{api.kinde.url}/_emulator/accept_invitation", json={"code": invite["code"]}, timeout=10)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "INVALID_INVITATION")


def test_feature_flags_are_defined_and_overridden_in_the_environment(api):
    dark = {"name": "Dark", "key": "dark", "type": "bool", "default_value": "false"}
    api.ok("POST", "/feature_flags", 201, json=dark)
    api.fails(400, "FEATURE_FLAG_ALREADY_EXISTS", "POST", "/feature_flags", json=dark)
    path = "/environment/feature_flags"
    assert api.ok("GET", path)["feature_flags"] == {}
    api.fails(400, "INVALID_PARAMETER", "PATCH", f"{path}/dark", json={"value": "maybe"})
    api.ok("PATCH", f"{path}/dark", json={"value": "true"})
    assert api.ok("GET", path)["feature_flags"] == {"dark": {"type": "bool", "value": "true"}}
    api.ok("DELETE", f"{path}/dark")
    api.ok("PATCH", f"{path}/dark", json={"value": "true"})
    api.ok("DELETE", path)
    assert api.ok("GET", path)["feature_flags"] == {}
    new = {"name": "Size", "description": "", "type": "int", "allow_override_level": "env", "default_value": "1"}
    api.ok("PUT", "/feature_flags/dark", params=new)
    api.ok("PATCH", f"{path}/dark", json={"value": "7"})
    api.ok("DELETE", "/feature_flags/dark")
    assert api.ok("GET", path)["feature_flags"] == {}
    api.fails(400, "FEATURE_FLAG_NOT_FOUND", "DELETE", "/feature_flags/dark")
