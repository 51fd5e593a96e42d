from __future__ import annotations

import json

import pytest

OKTA = {"id": "conn_okta", "name": "Okta", "strategy": "saml:okta", "domains": ["corp.org"]}
GOOGLE = {"id": "conn_google", "name": "Google", "strategy": "oauth2:google"}


def sso(email, **more):
    identity = {"type": "enterprise", "value": email, "connection_id": "conn_okta"}
    return {"email": email, "identities": [identity], **more}


def seeded(api, *users):
    return api.kinde.seed({"connections": [OKTA, GOOGLE], "users": list(users)})["users"]


def identities(api, user_id):
    return api.ok("GET", f"/users/{user_id}/identities")["identities"]


def kinds(api, user_id):
    return sorted((item["type"], item["name"]) for item in identities(api, user_id))


def test_a_sign_in_overwrites_names_unless_the_profile_sync_is_off(api):
    user_id = seeded(api, sso("ann@corp.org", first_name="Ann", last_name="Lee"))["ann@corp.org"]
    answer = api.kinde.sign_in("ann@corp.org", "conn_okta", first_name="ANN", last_name="LEE")
    assert answer == {"id": user_id, "created": False, "allowed": True}
    user = api.user(user_id)
    assert (user["first_name"], user["last_name"], user["total_sign_ins"]) == ("ANN", "LEE", 1)
    api.kinde.set(profile_sync=False)
    api.kinde.sign_in("ann@corp.org", "conn_okta", first_name="Other")
    assert api.user(user_id)["first_name"] == "ANN"


def test_a_sign_in_with_other_letters_makes_a_second_user(api):
    user_id = seeded(api, sso("Ann@corp.org"))["Ann@corp.org"]
    answer = api.kinde.sign_in("ann@corp.org", "conn_okta", first_name="Ann")
    assert answer["created"]
    assert answer["id"] != user_id
    assert kinds(api, answer["id"]) == [("enterprise", "ann@corp.org")]


def test_a_suspended_user_is_not_signed_in(api):
    user_id = seeded(api, sso("ann@corp.org", is_suspended=True, first_name="Ann"))["ann@corp.org"]
    assert not api.kinde.sign_in("ann@corp.org", "conn_okta", first_name="Other")["allowed"]
    assert api.user(user_id)["first_name"] == "Ann"


def test_a_user_may_have_two_identities_with_one_address_of_which_the_social_one_is_unconfirmed(api):
    social = {"type": "social", "value": "bo@x.org", "connection_id": "conn_google"}
    user_id = seeded(api, {"email": "bo@x.org", "identities": [social, "bo@x.org"]})["bo@x.org"]
    found = {item["type"]: item["is_confirmed"] for item in identities(api, user_id)}
    assert found == {"email": True, "social": None}
    other = api.create("cy@x.org")
    body = {"type": "social", "value": "cy@x.org", "connection_id": "conn_google"}
    api.ok("POST", f"/users/{other}/identities", 201, json=body)
    assert kinds(api, other) == [("email", "cy@x.org"), ("social", "cy@x.org")]


@pytest.mark.parametrize("shown", ["shown", "null"])
def test_whether_a_user_without_an_email_identity_has_an_email_is_a_switch(start, shown):
    api = start(sso_email=shown)
    seeded(api, sso("ann@corp.org"))
    [user] = api.ok("GET", "/users", params={"expand": "identities"})["users"]
    assert user["email"] == ("ann@corp.org" if shown == "shown" else None)
    assert user["identities"][0]["identity"] == "ann@corp.org"


@pytest.mark.parametrize("setting", ["replace", "refuse", "beside"])
def test_an_enterprise_identity_for_a_user_with_an_address(start, setting):
    api = start(enterprise_identity=setting)
    seeded(api)
    user_id = api.create("ann@corp.org")
    path = f"/users/{user_id}/identities"
    body = {"type": "enterprise", "value": "Ann@corp.org", "connection_id": "conn_okta"}
    if setting == "refuse":
        api.fails(400, "ENTERPRISE_IDENTITY", "POST", path, json=body)
        return
    made = api.ok("POST", path, 201, json=body)["identity"]["id"]
    again = api.ok("POST", path, 201, json=body)["identity"]
    assert again == {"identity_id": made}
    assert ("enterprise", "Ann@corp.org") in kinds(api, user_id)
    assert len(kinds(api, user_id)) == (1 if setting == "replace" else 2)


def test_the_address_of_another_user_is_refused_for_an_enterprise_identity(api):
    seeded(api, sso("ann@corp.org"))
    other = api.create("bo@corp.org")
    body = {"type": "enterprise", "value": "ann@corp.org", "connection_id": "conn_okta"}
    api.fails(400, "IDENTITY_ALREADY_EXISTS", "POST", f"/users/{other}/identities", json=body)


def test_connections_are_found_by_their_home_realm_domain(api):
    seeded(api)
    listed = api.ok("GET", "/connections")["connections"]
    assert [item["connection"]["id"] for item in listed] == ["conn_google", "conn_okta"]
    api.kinde.set(connections_shape="flat")
    [okta] = api.ok("GET", "/connections", params={"home_realm_domain": "Corp.org"})["connections"]
    assert okta == {"id": "conn_okta", "name": "Okta", "display_name": "Okta", "strategy": "saml:okta"}
    assert api.ok("GET", "/connections/conn_okta")["connection"] == okta
    api.fails(400, "CONNECTION_NOT_FOUND", "GET", "/connections/conn_none")
    assert api.kinde.state()["connections"][1]["domains"] == ["corp.org"]


def test_api_keys_are_listed_for_each_user_and_deleted(api):
    ids = seeded(api, {"email": "a@x.org", "api_keys": ["ci", "laptop"]}, {"email": "b@x.org", "api_keys": ["other"]})
    mine = api.ok("GET", "/api_keys", params={"user_id": ids["a@x.org"], "status": "active"})["api_keys"]
    assert sorted(key["name"] for key in mine) == ["ci", "laptop"]
    assert api.ok("GET", f"/api_keys/{mine[0]['id']}")["api_key"] == mine[0]
    for key in mine:
        api.ok("DELETE", f"/api_keys/{key['id']}")
    api.fails(404, "API_KEY_NOT_FOUND", "DELETE", f"/api_keys/{mine[0]['id']}")
    assert [user["api_keys"] for user in api.kinde.state()["users"]] == [[], ["other"]]


@pytest.mark.parametrize("live", [True, False])
def test_the_environment_says_whether_it_is_live(start, live):
    found = start(environment_live=live).ok("GET", "/environment")["environment"]
    assert found["is_live"] is live


def test_an_import_makes_users_with_everything_that_a_line_holds(api):
    api.kinde.seed(
        {"organizations": [{"name": "Sales", "external_id": "s"}], "roles": ["seller"], "properties": ["job"]}
    )
    line = {
        "id": "hr:1", "first_name": "Ann", "last_name": "Lee",
        "identities": [{"type": "email", "identity": "ann@corp.org", "is_verified": True}],
        "properties": [{"key": "job", "value": "Clerk"}],
        "organizations": [{"external_id": "s", "roles": ["seller"]}],
    }  # fmt: skip
    assert api.kinde.import_users(json.dumps(line)) == {"imported": 1, "errors": []}
    user = next(user for user in api.kinde.state()["users"] if user["email"] == "ann@corp.org")
    assert (user["provided_id"], user["first_name"], user["properties"]) == ("hr:1", "Ann", {"job": "Clerk"})
    assert list(user["memberships"].values()) == [["seller"]]


def test_an_import_tells_what_it_could_not_take_and_changes_no_user_who_exists(api):
    api.kinde.seed({"users": [{"email": "ann@corp.org", "provided_id": "hr:1"}]})
    lines = [
        {"id": "hr:1", "identities": [{"type": "email", "identity": "new@corp.org"}]},
        {"id": "hr:2", "identities": [{"type": "email", "identity": "ann@corp.org"}]},
        {"id": "hr:3"},
        {"id": "hr:4", "identities": [{"type": "email", "identity": "bob@corp.org"}],
         "organizations": [{"external_id": "none", "roles": ["nobody"]}], "properties": [{"key": "x", "value": "y"}]},
    ]  # fmt: skip
    found = api.kinde.import_users("\n".join([*map(json.dumps, lines), "{", ""]))
    assert found["imported"] == 1
    assert [error["line"] for error in found["errors"]] == [1, 2, 3, 4, 4, 5]
    state = {user["email"]: user for user in api.kinde.state()["users"]}
    assert set(state) == {"ann@corp.org", "bob@corp.org"}
    assert len(state["bob@corp.org"]["memberships"]) == 1, "the default organization"
    with pytest.raises(ValueError, match="larger than 49 MB"):
        api.kinde.import_users("x" * 49_000_001)
