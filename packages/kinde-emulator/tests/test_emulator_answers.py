"""Pages, shapes of answers, and the switches that change them."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kinde_emulator import Settings


def pages(api, path, items, **params):
    """Walks a list to its end; gives the ids of each page."""
    token, found = None, []
    for _ in range(200):
        page = api.ok("GET", path, params={**params, **({"next_token": token} if token else {})})
        found.append([item["id"] for item in page[items]])
        token = page.get("next_token")
        if not token:
            return found
    raise AssertionError("the list has no end")


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(size=st.integers(1, 40), count=st.integers(0, 35), opaque=st.booleans())
def test_pages_hold_everything_once(api, size, count, opaque):
    have = len(api.kinde.state()["users"])
    if count > have:
        api.kinde.seed({"users": [{"email": f"u{number}@x.org"} for number in range(have, count)]})
    api.kinde.set(page_token="opaque" if opaque else "base64")
    everyone = sorted(user["id"] for user in api.kinde.state()["users"])
    found = pages(api, "/users", "users", page_size=size)
    assert [user_id for page in found for user_id in page] == everyone
    assert all(len(page) == size for page in found[:-1])
    assert len(found) == max(1, -(-len(everyone) // size))
    cursor, walked = {}, []
    while page := api.ok("GET", "/search/users", params={"query": "*", "page_size": size, **cursor})["results"]:
        walked += [user["id"] for user in page]
        cursor = {"starting_after": page[-1]["id"]}
    assert walked == everyone


def test_pages_shift_when_the_list_changes_between_them(api):
    api.kinde.seed({"users": [{"id": f"kp_{number}"} for number in range(6)]})
    first = api.ok("GET", "/users", params={"page_size": 3})
    assert [user["id"] for user in first["users"]] == ["kp_0", "kp_1", "kp_2"]
    api.ok("DELETE", "/user", params={"id": "kp_0"})
    second = api.ok("GET", "/users", params={"page_size": 3, "next_token": first["next_token"]})
    assert [user["id"] for user in second["users"]] == ["kp_4", "kp_5"]


def test_a_token_belongs_to_its_list(api, org):
    api.kinde.seed({"users": [{"email": f"u{number}@x.org", "memberships": ["IT"]} for number in range(3)]})
    token = api.ok("GET", "/users", params={"page_size": 1})["next_token"]
    for path, params in (
        ("/users", {"has_organization": "true"}),
        (f"/organizations/{org}/users", {}),
        (f"/organizations/{org}/users", {"sort": "name_asc"}),
    ):
        api.fails(400, "INVALID_NEXT_TOKEN", "GET", path, params={**params, "next_token": token})
    for wrong in ("x", "!!", "MTo6", "nt-zz", "nt-0000"):
        api.fails(400, "INVALID_NEXT_TOKEN", "GET", "/users", params={"next_token": wrong})


@pytest.mark.parametrize(
    ("mode", "shown"), [("null", {"next_token": None}), ("empty", {"next_token": ""}), ("absent", {})]
)
def test_the_end_of_a_list(start, mode, shown):
    api = start(next_token_end=mode)
    for path in ("/users", "/organizations", "/roles", "/permissions"):
        answer = api.ok("GET", path)
        assert {name: answer[name] for name in answer if name == "next_token"} == shown


@pytest.mark.parametrize("mode", ["empty_repeats_token", "empty_new_tokens"])
def test_a_list_may_end_in_an_empty_page_with_a_token(start, mode):
    api = start(last_page=mode)
    api.kinde.seed({"users": [{"id": f"kp_{number}"} for number in range(3)]})
    sizes, tokens, params = [], [], {"page_size": 2}
    for _ in range(5):
        page = api.ok("GET", "/users", params=params)
        sizes.append(len(page["users"]))
        tokens.append(page["next_token"])
        params["next_token"] = page["next_token"]
    assert sizes == [2, 1, 0, 0, 0]
    assert all(tokens)
    assert len(set(tokens)) == (2 if mode == "empty_repeats_token" else 5)


def test_page_sizes_are_switches(start):
    api = start(page_size=3, max_page_size=5, max_cursor_page_size=4)
    api.kinde.seed({"users": [{"email": f"u{number}@x.org"} for number in range(9)]})
    assert len(api.ok("GET", "/users")["users"]) == 3
    assert len(api.ok("GET", "/users", params={"page_size": 5})["users"]) == 5
    api.fails(400, "PAGE_SIZE_LIMIT_EXCEEDED", "GET", "/users", params={"page_size": 6})
    api.fails(400, "PAGE_SIZE_LIMIT_EXCEEDED", "GET", "/search/users", params={"page_size": 5})


@pytest.mark.parametrize("shape", ["object", "array", "bare"])
def test_the_shape_of_a_404(start, shape):
    error = {"code": "USER_NOT_FOUND", "message": "User not found"}
    answer = start(not_found_shape=shape)("GET", "/user", params={"id": "kp_none"})
    assert answer.json() == {"object": {"errors": error}, "array": {"errors": [error]}, "bare": error}[shape]
    assert answer.headers["content-type"] == "application/json; charset=utf-8"


def test_unknown_fields_and_nulls_everywhere(start):
    api = start(extra_fields=True)
    user_id = api.create("a@x.org")
    answer = api.ok("GET", "/users", params={"expand": "identities"})
    for item in (answer, answer["users"][0], answer["users"][0]["identities"][0]):
        assert item["x_nothing"] is None
        assert item["x_unknown"]
    assert answer["users"][0]["id"] == user_id


def test_empty_lists_inside_items_may_be_null(start):
    api = start(empty_lists="null", default_org_policy=False)
    assert api.ok("GET", "/users")["users"] == []
    api.create()
    [user] = api.ok("GET", "/users", params={"expand": "organizations,identities"})["users"]
    assert (user["organizations"], user["identities"]) == (None, None)


def test_settings_change_while_it_runs_and_wrong_ones_are_refused(api):
    with pytest.raises(ValueError, match="patch_role: no such setting"):
        api.kinde.set(patch_role="merge")
    with pytest.raises(ValueError, match="patch_roles: 'add' is not one of replace, merge"):
        api.kinde.set(patch_roles="add")
    for wrong in (
        {"page_size": 0},
        {"page_size": True},
        {"rate_window": 0},
        {"latency": -1},
        {"concurrency": 0},
        {"scopes": 1},
    ):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            api.kinde.set(**wrong)
    assert api.kinde.settings == Settings()
    assert api.kinde.set(expired_token="403", rate_window=2, scopes=["read:users"]).expired_token == 403
    assert api.kinde.settings.scopes == ("read:users",)


@settings(deadline=None)
@given(st.sampled_from(sorted(Settings().to_dict())), st.text(max_size=12))
def test_any_text_for_a_setting_is_taken_or_refused_in_words(name, text):
    refused = ""
    try:
        Settings().parsed([f"{name}={text}"])
    except ValueError as error:
        refused = str(error)
    assert refused == "" or refused.startswith(f"{name}: ")
