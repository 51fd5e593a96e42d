from __future__ import annotations

import pytest


def identities(api, user_id):
    return {item["name"]: item for item in api.ok("GET", f"/users/{user_id}/identities")["identities"]}


def test_an_address_is_changed_by_adding_making_primary_and_deleting(api):
    user_id = api.create("old@x.org")
    added = api.ok("POST", f"/users/{user_id}/identities", 201, json={"type": "email", "value": "new@x.org"})
    new = added["identity"]["id"]
    before = identities(api, user_id)
    assert (before["old@x.org"]["is_primary"], before["new@x.org"]["is_primary"]) == (True, False)
    assert before["new@x.org"]["id"] == new
    assert api.user(user_id)["email"] == "old@x.org"
    api.fails(400, "PRIMARY_IDENTITY_REQUIRED", "DELETE", f"/identities/{before['old@x.org']['id']}")
    api.ok("PATCH", f"/identities/{new}", json={"is_primary": True})
    assert api.ok("GET", "/users", params={"user_id": user_id})["users"][0]["email"] == "new@x.org"
    api.ok("DELETE", f"/identities/{before['old@x.org']['id']}")
    assert list(identities(api, user_id)) == ["new@x.org"]
    assert api.ok("GET", f"/identities/{new}")["is_primary"] is True
    api.fails(400, "PRIMARY_IDENTITY_REQUIRED", "DELETE", f"/identities/{new}")
    api.fails(400, "PRIMARY_IDENTITY_REQUIRED", "PATCH", f"/identities/{new}", json={"is_primary": False})
    api.create("old@x.org")


@pytest.mark.parametrize("status", [400, 409])
def test_an_address_in_use_is_refused(start, status):
    api = start(identity_conflict_status=status)
    user_id = api.create("a@x.org")
    other = api.create("b@x.org")
    for who, value in ((user_id, "B@x.org"), (user_id, "a@x.org"), (other, "a@x.org")):
        body = {"type": "email", "value": value}
        api.fails(status, "IDENTITY_ALREADY_EXISTS", "POST", f"/users/{who}/identities", json=body)


@pytest.mark.parametrize("confirmed", [True, False])
def test_whether_new_identities_are_confirmed_is_a_switch(start, confirmed):
    api = start(identity_confirmed=confirmed)
    details = {"email": "c@x.org"}
    user_id = api.create(
        identities=[
            {"type": "email", "details": {"email": "a@x.org"}},
            {"type": "email", "is_verified": not confirmed, "details": details},
        ]
    )
    api.ok("POST", f"/users/{user_id}/identities", 201, json={"type": "email", "value": "b@x.org"})
    found = {name: item["is_confirmed"] for name, item in identities(api, user_id).items()}
    assert found == {"a@x.org": confirmed, "b@x.org": confirmed, "c@x.org": not confirmed}


def test_numbers_names_and_other_providers(api):
    user_id = api.create("a@x.org")
    path = f"/users/{user_id}/identities"
    api.ok("POST", path, 201, json={"type": "phone", "value": "0412 345 678", "phone_country_id": "au"})
    api.ok("POST", path, 201, json={"type": "username", "value": "ann"})
    api.fails(400, "MISSING_FIELD", "POST", path, json={"type": "social", "value": "a2@x.org"})
    api.ok("POST", path, 201, json={"type": "social", "value": "a2@x.org", "connection_id": "conn_1"})
    unknown = {"type": "enterprise", "value": "a@y.org", "connection_id": "c"}
    api.fails(400, "INVALID_ENTERPRISE_CONNECTION", "POST", path, json=unknown)
    found = identities(api, user_id)
    assert found["+61412345678"]["type"] == "phone"
    assert found["ann"]["email"] is None
    assert found["a2@x.org"]["connection_id"] == "conn_1"
    api.fails(
        400, "INVALID_IDENTITY_TYPE", "PATCH", f"/identities/{found['a2@x.org']['id']}", json={"is_primary": True}
    )
    api.ok("DELETE", f"/identities/{found['ann']['id']}")
    assert api.ok("GET", "/user", params={"id": user_id})["username"] is None


def test_an_enterprise_user_has_nothing_else(api):
    user_id = api.kinde.seed(
        {
            "users": [
                {
                    "email": "e@corp.org",
                    "identities": [{"type": "enterprise", "value": "e@corp.org", "connection_id": "c1"}],
                }
            ]
        }
    )["users"]["e@corp.org"]
    user = api.user(user_id)
    assert (user["email"], len(user["identities"])) == ("e@corp.org", 1)
    body = {"type": "email", "value": "x@corp.org"}
    api.fails(400, "ENTERPRISE_IDENTITY", "POST", f"/users/{user_id}/identities", json=body)
    taken = {"identities": [{"type": "email", "details": {"email": "E@corp.org"}}]}
    api.fails(400, "USER_ALREADY_EXISTS", "POST", "/user", json=taken)


def test_the_email_filter_may_look_at_primary_addresses_only(api):
    user_id = api.create("a@x.org")
    api.ok("POST", f"/users/{user_id}/identities", 201, json={"type": "email", "value": "b@x.org"})
    assert len(api.ok("GET", "/users", params={"email": "b@x.org"})["users"]) == 1
    api.kinde.set(email_filter="primary")
    assert api.ok("GET", "/users", params={"email": "b@x.org"})["users"] == []
    assert len(api.ok("GET", "/users", params={"email": "a@x.org"})["users"]) == 1


def test_identities_come_in_pages(start):
    api = start(page_size=2)
    user_id = api.create("a0@x.org")
    for number in range(1, 5):
        api.ok("POST", f"/users/{user_id}/identities", 201, json={"type": "email", "value": f"a{number}@x.org"})
    seen, params = [], {}
    for _ in range(3):
        page = api.ok("GET", f"/users/{user_id}/identities", params=params)
        seen += [item["name"] for item in page["identities"]]
        params = {"starting_after": page["identities"][-1]["id"]}
    assert page["has_more"] is False
    assert sorted(seen) == [f"a{number}@x.org" for number in range(5)]
    api.fails(400, "UNKNOWN_PARAMETER", "GET", f"/users/{user_id}/identities", params={"page_size": "5"})


def test_missing_identities(api):
    api.fails(404, "IDENTITY_NOT_FOUND", "GET", "/identities/identity_none")
    api.fails(404, "IDENTITY_NOT_FOUND", "PATCH", "/identities/identity_none", json={"is_primary": True})
    api.fails(404, "IDENTITY_NOT_FOUND", "DELETE", "/identities/identity_none")
