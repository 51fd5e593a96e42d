"""SCIM directories: lists, and what is refused where one keeps an organization."""

from __future__ import annotations

import pytest

SCIM = "ORGANIZATION_MANAGED_BY_DIRECTORY"


@pytest.fixture
def kept(api):
    seeded = api.kinde.seed(
        {
            "roles": ["lead"],
            "organizations": [{"name": "Kept", "directory": {"name": "Okta"}}, {"name": "Free"}],
            "users": [{"email": "a@x.org", "memberships": {"Kept": []}}, {"email": "b@x.org"}],
        }
    )
    return {**seeded["organizations"], **seeded["users"], **seeded["roles"]}


def test_directories_are_listed_and_read(api, kept):
    answer = api.ok("GET", "/directories")
    [directory] = answer["directories"]
    assert (answer["has_more"], directory["status"], directory["organization_code"]) == (False, "Active", kept["Kept"])
    assert api.ok("GET", f"/directories/{directory['id']}")["directory"] == directory
    assert api.ok("GET", "/directories", params={"organization_code": kept["Free"]})["directories"] == []
    api.fails(400, "ORGANIZATION_NOT_FOUND", "GET", "/directories", params={"organization_code": "org_0"})
    api.fails(404, "DIRECTORY_NOT_FOUND", "GET", "/directories/directory_0")


def test_more_than_a_page(api):
    api.kinde.seed({"organizations": [{"name": f"U{n}", "directory": {"name": f"D{n}"}} for n in range(60)]})
    first = api.ok("GET", "/directories")
    assert (len(first["directories"]), first["has_more"]) == (50, True)
    rest = api.ok("GET", "/directories", params={"starting_after": first["directories"][-1]["id"]})
    assert (len(rest["directories"]), rest["has_more"]) == (10, False)


@pytest.mark.parametrize("status", [400, 403, 409])
def test_only_the_directory_changes_its_members(api, kept, status):
    api.kinde.set(directory_changes=str(status))
    before, path = api.kinde.state(), f"/organizations/{kept['Kept']}/users"
    a, b = kept["a@x.org"], kept["b@x.org"]
    new = {"identities": [{"type": "email", "details": {"email": "c@x.org"}}], "organization_code": kept["Kept"]}
    for method, where, body in (
        ("POST", path, {"users": [{"id": b}]}),
        ("PATCH", path, {"users": [{"id": a, "roles": ["lead"]}]}),
        ("DELETE", f"{path}/{a}", None),
        ("POST", f"{path}/{a}/roles", {"role_id": kept["lead"]}),
        ("DELETE", f"{path}/{a}/roles/{kept['lead']}", None),
        ("POST", "/user", new),
        ("POST", f"/organization/{kept['Kept']}/invites", {"email": "d@x.org", "roles": []}),
    ):
        api.fails(status, SCIM, method, where, json=body)
    assert api.kinde.state() == before
    api.ok("PATCH", f"/organizations/{kept['Free']}/users", json={"users": [{"id": a}]})


def test_a_directory_that_allows_changes_refuses_invitations(api, kept):
    api.kinde.set(directory_changes="allow")
    users = {"users": [{"id": kept["b@x.org"]}]}
    api.ok("PATCH", f"/organizations/{kept['Kept']}/users", json=users)
    invitation = {"email": "d@x.org", "roles": []}
    api.fails(400, SCIM, "POST", f"/organization/{kept['Kept']}/invites", json=invitation)


def test_the_state_holds_the_seed_and_can_be_seeded_again(api, kept):
    state = api.kinde.state()
    assert {item["name"]: item.get("directory") for item in state["organizations"]}["Kept"] == {
        "name": "Okta",
        "status": "Active",
    }
    api.kinde.seed(state)
    api.kinde.seed({"organizations": [{"name": "Kept", "directory": {"name": "Okta", "status": "Inactive"}}]})
    api.ok("PATCH", f"/organizations/{kept['Kept']}/users", json={"users": [{"id": kept["b@x.org"]}]})
