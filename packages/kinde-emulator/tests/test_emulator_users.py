from __future__ import annotations

import pytest


def test_a_user_is_created_read_changed_and_deleted(api):
    body = {
        "profile": {"given_name": "Ada", "family_name": "Lovelace", "picture": "https://x.org/a.png"},
        "provided_id": "hr:1",
        "identities": [
            {"type": "email", "is_verified": True, "details": {"email": "Ada@X.org"}},
            {"type": "phone", "details": {"phone": "020 7946 0000", "phone_country_id": "gb"}},
            {"type": "username", "details": {"username": "ada"}},
        ],
    }
    created = api.ok("POST", "/user", json=body)
    user_id = created["id"]
    assert created == {
        "id": user_id,
        "created": True,
        "identities": [{"type": kind, "result": {"created": True}} for kind in ("email", "phone", "username")],
    }
    user = api.ok("GET", "/user", params={"id": user_id, "expand": "identities,organizations"})
    assert (user["preferred_email"], user["phone"], user["username"]) == ("Ada@X.org", "+442079460000", "ada")
    assert (user["first_name"], user["last_name"], user["provided_id"]) == ("Ada", "Lovelace", "hr:1")
    assert "email" not in user
    assert {"type": "phone", "identity": "+442079460000"} in user["identities"]
    changed = api.ok("PATCH", "/user", params={"id": user_id}, json={"family_name": "King", "is_suspended": True})
    assert changed == {
        "id": user_id,
        "given_name": "Ada",
        "family_name": "King",
        "email": "Ada@X.org",
        "is_suspended": True,
        "is_password_reset_requested": False,
        "picture": "https://x.org/a.png",
    }
    assert api.ok("DELETE", "/user", params={"id": user_id, "is_delete_profile": "true"})["code"] == "OK"
    api.fails(404, "USER_NOT_FOUND", "GET", "/user", params={"id": user_id})
    assert api.kinde.state()["users"] == []


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ({"profile": {"given_name": "A", "surname": "B"}}, "UNKNOWN_FIELD", "profile.surname"),
        ({"email": "a@x.org"}, "UNKNOWN_FIELD", "email"),
        ({"provided_id": 7}, "INVALID_FIELD", "provided_id"),
        ({"identities": [{"type": "email", "details": {}}]}, "MISSING_FIELD", "details.email"),
        ({"identities": [{"type": "e-mail", "details": {"email": "a@x.org"}}]}, "INVALID_FIELD", "identities.0.type"),
        ({"identities": [{"type": "email", "is_verified": "yes", "details": {}}]}, "INVALID_FIELD", "is_verified"),
        ({"identities": [{"type": "email", "details": {"email": "a b@x.org"}}]}, "INVALID_EMAIL", "not valid"),
        ({"identities": [{"type": "email", "details": {"email": "a" * 250 + "@x.org"}}]}, "EMAIL_TOO_LONG", "254"),
        ({"identities": [{"type": "phone", "details": {"phone": "0555"}}]}, "INVALID_PHONE", "country"),
        ({"organization_code": "org_none"}, "ORGANIZATION_NOT_FOUND", "not found"),
    ],
)
def test_a_wrong_body_is_refused_and_nothing_is_made(api, body, code, words):
    assert words in api.fails(400, code, "POST", "/user", json=body)
    assert api.kinde.state()["users"] == []


def test_a_body_that_is_no_json_is_refused(api):
    api.fails(400, "INVALID_JSON", "POST", "/user", data="{", headers={"content-type": "application/json"})
    api.fails(400, "INVALID_FIELD", "POST", "/user", json=[])
    api.fails(400, "INVALID_FIELD", "POST", "/user", data={"x": "1"})


def test_an_address_belongs_to_one_user(api):
    first = api.create("ann@x.org")
    api.ok("POST", f"/users/{first}/identities", 201, json={"type": "email", "value": "ann2@x.org"})
    for taken in ("ann@x.org", "ANN@x.org", "Ann2@x.org"):
        identities = [{"type": "email", "details": {"email": taken}}]
        api.fails(400, "USER_ALREADY_EXISTS", "POST", "/user", json={"identities": identities})
    assert len(api.kinde.state()["users"]) == 1


@pytest.mark.parametrize(
    ("mode", "second_made", "shown"),
    [("insensitive", False, "Ann@X.org"), ("sensitive", True, "Ann@X.org"), ("lower", False, "ann@x.org")],
)
def test_case_of_addresses_is_a_switch(start, mode, second_made, shown):
    api = start(email_case=mode)
    first = api.create("Ann@X.org")
    assert api.user(first)["email"] == shown
    identities = [{"type": "email", "details": {"email": "ann@x.ORG"}}]
    assert api("POST", "/user", json={"identities": identities}).status_code == (200 if second_made else 400)
    found = api.ok("GET", "/users", params={"email": "ANN@X.ORG"})["users"]
    assert len(found) == (0 if mode == "sensitive" else 1)


def test_one_address_twice_in_a_request_is_made_once(api):
    identities = [{"type": "email", "details": {"email": "a@x.org"}}] * 2
    created = api.ok("POST", "/user", json={"identities": identities})
    assert [item["result"]["created"] for item in created["identities"]] == [True, False]


def test_profile_email_makes_no_identity(api):
    user_id = api.create(profile={"given_name": "A", "email": "a@x.org"})
    assert api.user(user_id)["identities"] == []
    api.kinde.set(profile_email="reject")
    api.fails(400, "UNKNOWN_FIELD", "POST", "/user", json={"profile": {"email": "a@x.org"}})


def test_a_new_user_joins_the_default_organization(api, org):
    [default] = [item["code"] for item in api.kinde.state()["organizations"] if item["is_default"]]
    assert list(api.user(api.create("a@x.org"))["memberships"]) == [default]
    assert list(api.user(api.create("b@x.org", organization_code=org))["memberships"]) == [org]
    api.kinde.set(default_org_policy=False)
    assert api.user(api.create("c@x.org"))["memberships"] == {}


@pytest.mark.parametrize("given", ["", "  "])
def test_names_are_never_cleared(api, given):
    user_id = api.create(profile={"given_name": "Ada", "family_name": "L"})
    api.ok("PATCH", "/user", params={"id": user_id}, json={"given_name": given})
    assert api.user(user_id)["first_name"] == "Ada"
    api.fails(400, "INVALID_FIELD", "PATCH", "/user", params={"id": user_id}, json={"given_name": None})
    api.kinde.set(clear_name="reject")
    api.fails(400, "INVALID_FIELD", "PATCH", "/user", params={"id": user_id}, json={"given_name": given})


def test_provided_id_and_its_switches(api):
    user_id = api.create(provided_id="hr:1")
    api.create(provided_id="hr:1")
    api.ok("PATCH", "/user", params={"id": user_id}, json={"provided_id": ""})
    assert api.user(user_id)["provided_id"] is None
    api.kinde.set(provided_id_unique=True, provided_id_max_length=6, clear_provided_id="ignore")
    api.fails(400, "PROVIDED_ID_ALREADY_EXISTS", "PATCH", "/user", params={"id": user_id}, json={"provided_id": "hr:1"})
    api.fails(400, "PROVIDED_ID_TOO_LONG", "POST", "/user", json={"provided_id": "hr:1234"})
    api.ok("PATCH", "/user", params={"id": user_id}, json={"provided_id": "hr:2"})
    api.ok("PATCH", "/user", params={"id": user_id}, json={"provided_id": "hr:2"})
    api.ok("PATCH", "/user", params={"id": user_id}, json={"provided_id": ""})
    assert api.user(user_id)["provided_id"] == "hr:2"


def test_length_of_names_is_a_switch(start):
    api = start(max_name_length=5)
    api.fails(400, "FIRST_NAME_TOO_LONG", "POST", "/user", json={"profile": {"given_name": "Abcdef"}})
    user_id = api.create(profile={"given_name": "Abcde"})
    api.fails(400, "LAST_NAME_TOO_LONG", "PATCH", "/user", params={"id": user_id}, json={"family_name": "Abcdef"})


@pytest.mark.parametrize(("setting", "status"), [(404, 404), (400, 400)])
def test_the_status_of_a_missing_user_is_a_switch(start, setting, status):
    api = start(missing_user_status=setting)
    api.fails(status, "USER_NOT_FOUND", "GET", "/user", params={"id": "kp_none"})
    api.fails(status, "USER_NOT_FOUND", "PATCH", "/user", params={"id": "kp_none"}, json={"given_name": "A"})
    api.fails(status, "USER_NOT_FOUND", "DELETE", "/user", params={"id": "kp_none"})
    api.fails(status, "USER_NOT_FOUND", "GET", "/users/kp_none/sessions")


def test_filters_of_the_list(api, org):
    ann = api.create("ann@x.org", organization_code=org)
    bob = api.create("bob+1@x.org")
    api.kinde.set(default_org_policy=False)
    cid = api.create(identities=[{"type": "username", "details": {"username": "cid"}}])
    api.kinde.seed({"users": [{"email": "bob+1@x.org", "last_signed_in": "2026-01-02T00:00:00+00:00"}]})

    def ids(**params: str) -> set[str]:
        return {user["id"] for user in api.ok("GET", "/users", params=params)["users"]}

    assert ids() == {ann, bob, cid}
    assert ids(email="bob+1@x.org,ann@x.org,no@x.org") == {ann, bob}
    assert ids(user_id=f"{ann},{cid}") == {ann, cid}
    assert ids(username="CID") == {cid}
    assert ids(has_organization="false") == {cid}
    assert ids(has_organization="true") == {ann, bob}
    assert ids(active_since="2026-01-01T00:00:00Z") == {bob}
    assert ids(active_since="2026-01-03T00:00:00Z") == set()
    for params, code in (
        ({"sort": "id_asc"}, "UNKNOWN_PARAMETER"),
        ({"provided_id": "x"}, "UNKNOWN_PARAMETER"),
        ({"has_organization": "True"}, "INVALID_PARAMETER"),
        ({"expand": "roles"}, "INVALID_PARAMETER"),
        ({"page_size": "0"}, "INVALID_PARAMETER"),
        ({"page_size": "501"}, "PAGE_SIZE_LIMIT_EXCEEDED"),
        ([("email", "a@x.org"), ("email", "b@x.org")], "INVALID_PARAMETER"),
    ):
        api.fails(400, code, "GET", "/users", params=params)


def test_expansions(api, org):
    user_id = api.create("ann@x.org", organization_code=org)
    plain = api.ok("GET", "/users")["users"][0]
    assert "organizations" not in plain
    assert "identities" not in plain
    full = api.ok("GET", "/users", params={"expand": "organizations, identities"})["users"][0]
    assert full["id"] == user_id
    assert full["organizations"] == [org]
    assert full["identities"] == [{"type": "email", "identity": "ann@x.org"}]
    api.kinde.set(expand_organizations="objects")
    assert api.ok("GET", "/users", params={"expand": "organizations"})["users"][0]["organizations"] == [{"code": org}]


def test_deleting_may_keep_the_profile(api):
    api.kinde.set(recreate_deleted="conflict")
    body = {"identities": [{"type": "email", "details": {"email": "a@x.org"}}]}
    user_id = api.create("a@x.org")
    api.ok("DELETE", "/user", params={"id": user_id})
    api.fails(400, "USER_ALREADY_EXISTS", "POST", "/user", json=body)
    api.kinde.set(recreate_deleted="new")
    user_id = api.create("a@x.org")
    api.ok("DELETE", "/user", params={"id": user_id, "is_delete_profile": "true"})
    api.kinde.set(recreate_deleted="conflict")
    api.ok("POST", "/user", json=body)


def test_sessions(api):
    user_id = api.kinde.seed({"users": [{"email": "a@x.org", "sessions": 2}]})["users"]["a@x.org"]
    sessions = api.ok("GET", f"/users/{user_id}/sessions")["sessions"]
    assert [session["user_id"] for session in sessions] == [user_id] * 2
    api.ok("DELETE", f"/users/{user_id}/sessions")
    assert api.user(user_id)["sessions"] == 0
    api.ok("DELETE", f"/users/{user_id}/sessions")
    api.kinde.set(no_sessions_status=404)
    api.fails(404, "SESSIONS_NOT_FOUND", "DELETE", f"/users/{user_id}/sessions")
    api.ok("POST", f"/users/{user_id}/refresh_claims")


def test_search(api):
    api.kinde.seed({"properties": ["kp_x", "kp_y"]})
    ann = api.create("ann_1@x.org", profile={"given_name": "Ann", "family_name": "O'Neil"})
    bob = api.create("bob@y.org", profile={"given_name": "Bob", "family_name": "Annan"})
    api.ok("PATCH", f"/users/{ann}/properties", json={"properties": {"kp_x": "1", "kp_y": "2"}})
    api.ok("PATCH", f"/users/{bob}/properties", json={"properties": {"kp_x": "3"}})

    def ids(query: str, **params: str) -> list[str]:
        return [user["id"] for user in api.ok("GET", "/search/users", params={"query": query, **params})["results"]]

    assert set(ids("*")) == {ann, bob}
    assert set(ids("ANN")) == {ann, bob}
    assert ids("ann_1") == [ann]
    assert ids("%") == []
    assert ids("ann o'n") == [ann]
    assert ids("*", **{"properties[kp_x]": "3,4"}) == [bob]
    assert ids("*", **{"properties[kp_x]": "1", "properties[kp_y]": "3"}) == []
    first, second = sorted([ann, bob])
    assert ids("*", page_size="1") == [first]
    assert ids("*", starting_after=first) == [second]
    assert ids("*", ending_before=second) == [first]
    answer = api.ok("GET", "/search/users", params={"query": "ann_1", "expand": "properties,identities"})
    assert answer["results"][0]["properties"] == {"kp_x": "1", "kp_y": "2"}
    assert "next_token" not in answer
    assert "has_more" not in answer
    both = {"starting_after": first, "ending_before": second}
    api.fails(400, "TOO_MANY_PARAMETERS", "GET", "/search/users", params=both)
    api.fails(400, "UNKNOWN_PARAMETER", "GET", "/search/users", params={"provided_id": "x"})
    message = api.fails(400, "PAGE_SIZE_LIMIT_EXCEEDED", "GET", "/search/users", params={"page_size": "101"})
    assert message == "Page size cannot be greater than 100"
    api.kinde.set(search_lag=60)
    assert ids("*") == []
