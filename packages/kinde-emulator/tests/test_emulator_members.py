from __future__ import annotations

import pytest


@pytest.fixture
def people(api, org):
    return [api.create(f"p{number}@x.org") for number in range(4)]


def members(api, org, **params):
    found = api.ok("GET", f"/organizations/{org}/users", params={"page_size": 500, **params})["organization_users"]
    return {item["id"]: item["roles"] for item in found}


def patch(api, org, *users, **kwargs):
    return api.ok("PATCH", f"/organizations/{org}/users", json={"users": list(users)}, **kwargs)


def test_one_patch_adds_changes_and_removes(api, org, people):
    first, second, third, _ = people
    api.ok("POST", f"/organizations/{org}/users", json={"users": [{"id": first, "roles": ["viewer"]}, {"id": second}]})
    answer = patch(
        api,
        org,
        {"id": first, "roles": ["engineer", "owner"]},
        {"id": second, "operation": "delete"},
        {"id": third, "roles": ["viewer"]},
    )
    assert (answer["users_added"], answer["users_updated"], answer["users_removed"]) == ([third], [first], [second])
    assert members(api, org) == {first: ["engineer", "owner"], third: ["viewer"]}
    shown = api.ok("GET", f"/organizations/{org}/users")["organization_users"][0]
    assert {
        "id",
        "email",
        "full_name",
        "first_name",
        "last_name",
        "picture",
        "joined_on",
        "is_suspended",
        "roles",
    } < set(shown)


@pytest.mark.parametrize(("mode", "left"), [("replace", ["owner"]), ("merge", ["engineer", "owner"])])
def test_roles_in_a_patch_replace_or_merge(api, org, people, mode, left):
    api.kinde.set(patch_roles=mode)
    patch(api, org, {"id": people[0], "roles": ["engineer"]})
    patch(api, org, {"id": people[0], "roles": ["owner"]})
    assert members(api, org)[people[0]] == left
    patch(api, org, {"id": people[0]})
    assert members(api, org)[people[0]] == left
    patch(api, org, {"id": people[0], "roles": []})
    assert members(api, org)[people[0]] == ([] if mode == "replace" else left)


@pytest.mark.parametrize(("mode", "left"), [("keep", ["read"]), ("clear", [])])
def test_a_patch_without_permissions(api, org, people, mode, left):
    api.kinde.seed({"permissions": ["read", "write"]})
    api.kinde.set(patch_without_permissions=mode)
    patch(api, org, {"id": people[0], "roles": ["engineer"], "permissions": ["read"]})
    patch(api, org, {"id": people[0], "roles": ["owner"]})
    assert api.user(people[0])["permissions"].get(org, []) == left
    patch(api, org, {"id": people[0], "permissions": ["write"]})
    assert api.user(people[0])["permissions"] == {org: ["write"]}


@pytest.mark.parametrize(("mode", "status", "body"), [("200", 200, True), ("204", 204, False), ("409", 409, True)])
def test_adding_a_member_again(api, org, people, mode, status, body):
    api.kinde.set(add_existing_member=mode)
    patch(api, org, {"id": people[0], "roles": ["owner"]})
    answer = api("POST", f"/organizations/{org}/users", json={"users": [{"id": people[0], "roles": ["viewer"]}]})
    assert (answer.status_code, bool(answer.content)) == (status, body)
    if status == 200:
        assert answer.json()["users_added"] == []
    assert members(api, org) == {people[0]: ["owner"]}


@pytest.mark.parametrize("method", ["POST", "PATCH"])
@pytest.mark.parametrize(
    ("mode", "status", "done"), [("atomic", 400, []), ("partial", 400, [0, 3]), ("silent", 200, [0, 3])]
)
def test_one_bad_user_in_a_chunk(api, org, people, method, mode, status, done):
    api.kinde.set(bulk_failure=mode)
    users = [{"id": people[0]}, {"id": "kp_none"}, {"id": people[1], "roles": ["nobody"]}, {"id": people[3]}]
    answer = api(method, f"/organizations/{org}/users", json={"users": users})
    assert answer.status_code == status
    assert set(members(api, org)) == {people[index] for index in done}
    if status == 200:
        assert answer.json()["users_added"] == [people[index] for index in done]
    else:
        assert answer.json()["errors"][0]["code"] == "USER_NOT_FOUND"


def test_a_bad_role_leaves_the_user_as_he_was(api, org, people):
    patch(api, org, {"id": people[0], "roles": ["owner"]})
    api.kinde.set(bulk_failure="partial")
    users = [{"id": people[0], "roles": ["viewer", "nobody"]}]
    api.fails(400, "ROLE_NOT_FOUND", "PATCH", f"/organizations/{org}/users", json={"users": users})
    assert members(api, org) == {people[0]: ["owner"]}


def test_a_chunk_has_a_limit(api, org, people):
    for method in ("POST", "PATCH"):
        message = api.fails(
            400, "BULK_LIMIT_EXCEEDED", method, f"/organizations/{org}/users", json={"users": [{"id": people[0]}] * 101}
        )
        assert "100" in message
    patch(api, org, *[{"id": people[0], "roles": ["owner"]}] * 100)
    assert members(api, org) == {people[0]: ["owner"]}


@pytest.mark.parametrize(
    ("user", "code"),
    [
        ({"id": "P", "operation": "remove"}, "INVALID_FIELD"),
        ({"id": "P", "role": ["owner"]}, "UNKNOWN_FIELD"),
        ({"id": "P", "roles": "owner"}, "INVALID_FIELD"),
        ({"roles": ["owner"]}, "MISSING_FIELD"),
        ({"id": "P", "operation": "delete"}, "USER_NOT_IN_ORGANIZATION"),
        ({"id": "P", "permissions": ["none"]}, "PERMISSION_NOT_FOUND"),
    ],
)
def test_wrong_entries_are_refused(api, org, people, user, code):
    user = {name: people[0] if value == "P" else value for name, value in user.items()}
    api.fails(400, code, "PATCH", f"/organizations/{org}/users", json={"users": [user]})
    assert members(api, org) == {}


def test_default_roles_come_with_a_membership_unless_roles_are_said(api, org, people):
    api.kinde.seed({"roles": [{"key": "basic", "is_default_role": True}]})
    patch(api, org, {"id": people[0]}, {"id": people[1], "roles": ["owner"]})
    assert members(api, org) == {people[0]: ["basic"], people[1]: ["owner"]}


def test_removing_a_member(api, org, people):
    patch(api, org, {"id": people[0], "roles": ["owner"]})
    api.ok("DELETE", f"/organizations/{org}/users/{people[0]}")
    api.fails(400, "USER_NOT_IN_ORGANIZATION", "DELETE", f"/organizations/{org}/users/{people[0]}")
    api.fails(404, "USER_NOT_FOUND", "DELETE", f"/organizations/{org}/users/kp_none")
    patch(api, org, {"id": people[0]})
    assert members(api, org) == {people[0]: []}


def test_filters_and_sorts(api, org):
    for name, roles in (("Bea", ["owner"]), ("ann", ["owner", "viewer"]), ("Cid", [])):
        user_id = api.create(f"{name}@x.org", profile={"given_name": name, "family_name": "X"})
        patch(api, org, {"id": user_id, "roles": roles})
    api.kinde.seed({"permissions": ["read"], "roles": [{"key": "viewer", "permissions": ["read"]}]})

    def names(**params):
        found = api.ok("GET", f"/organizations/{org}/users", params=params)["organization_users"]
        return [item["full_name"] for item in found]

    assert names(sort="name_asc") == ["ann X", "Bea X", "Cid X"]
    assert names(sort="email_desc") == ["Cid X", "Bea X", "ann X"]
    assert set(names(roles="owner")) == {"ann X", "Bea X"}
    assert names(roles="owner,viewer") == ["ann X"]
    assert names(permissions="read") == ["ann X"]
    api.fails(400, "INVALID_PARAMETER", "GET", f"/organizations/{org}/users", params={"sort": "id_asc"})
    api.fails(400, "UNKNOWN_PARAMETER", "GET", f"/organizations/{org}/users", params={"expand": "roles"})


def test_roles_of_one_member(api, org, people):
    path = f"/organizations/{org}/users/{people[0]}/roles"
    ids = {role["key"]: role["id"] for role in api.ok("GET", "/roles")["roles"]}
    api.fails(400, "USER_NOT_IN_ORGANIZATION", "GET", path)
    api.fails(400, "USER_NOT_IN_ORGANIZATION", "POST", path, json={"role_id": ids["owner"]})
    patch(api, org, {"id": people[0]})
    assert "not its key" in api.fails(400, "INVALID_ROLE_ID", "POST", path, json={"role_id": "owner"})
    api.ok("POST", path, json={"role_id": ids["owner"]})
    api.ok("POST", path, json={"role_id": ids["owner"]})
    assert api.ok("GET", path)["roles"] == [{"id": ids["owner"], "key": "owner", "name": "owner"}]
    api.kinde.set(role_twice_status=400)
    api.fails(400, "ROLE_ALREADY_ASSIGNED", "POST", path, json={"role_id": ids["owner"]})
    api.ok("DELETE", f"{path}/{ids['owner']}")
    api.fails(400, "INVALID_ROLE_ID", "DELETE", f"{path}/{ids['owner']}")
    assert members(api, org) == {people[0]: []}


def test_permissions_of_one_member(api, org, people):
    ids = api.kinde.seed({"permissions": ["read", "write"], "roles": [{"key": "viewer", "permissions": ["read"]}]})[
        "permissions"
    ]
    path = f"/organizations/{org}/users/{people[0]}/permissions"
    patch(api, org, {"id": people[0], "roles": ["viewer"]})
    api.ok("POST", path, json={"permission_id": ids["write"]})
    found = api.ok("GET", path, params={"expand": "roles"})["permissions"]
    assert {item["key"]: [role["key"] for role in item["roles"]] for item in found} == {"read": ["viewer"], "write": []}
    assert "roles" not in api.ok("GET", path)["permissions"][0]
    api.fails(400, "INVALID_PERMISSION_ID_ROLE", "DELETE", f"{path}/{ids['read']}")
    api.ok("DELETE", f"{path}/{ids['write']}")
    api.fails(400, "INVALID_PERMISSION_ID", "DELETE", f"{path}/{ids['write']}")
    api.fails(400, "INVALID_PERMISSION_ID", "POST", path, json={"permission_id": "read"})


@pytest.mark.parametrize("status", [404, 400])
def test_a_missing_organization(start, status):
    api = start(missing_organization_status=status)
    for method, body in (("GET", None), ("POST", {"users": []}), ("PATCH", {"users": []})):
        api.fails(status, "ORGANIZATION_NOT_FOUND", method, "/organizations/org_none/users", json=body)
    api.fails(404, "ORGANIZATION_NOT_FOUND", "DELETE", "/organization/org_none")
