"""What holds for every sequence of requests, sensible or not."""

from __future__ import annotations

import pytest
from emulator_api import Api
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kinde_emulator import Emulator, Settings

PEOPLE = ["kp_a", "kp_b", "kp_c"]
ROLES = ["r1", "r2", "r3"]


@pytest.fixture(scope="module")
def api():
    with Emulator(Settings()) as kinde:
        yield Api(kinde)


@st.composite
def entries(draw):
    entry = {"id": draw(st.sampled_from([*PEOPLE, "kp_nobody"]))}
    if draw(st.integers(0, 3)) == 0:
        return {**entry, "operation": "delete"}
    if draw(st.booleans()):
        entry["roles"] = draw(
            st.lists(st.sampled_from([*ROLES, "unknown"][: draw(st.sampled_from([3, 3, 4]))]), unique=True)
        )
    return entry


CHUNKS = st.lists(st.lists(entries(), max_size=4), max_size=5)


def expected(members, chunk, mode, failure):
    """What a chunk makes of the members, and whether the answer is a success."""
    after, good = dict(members), True
    for entry in chunk:
        user, roles = entry["id"], entry.get("roles")
        leaving = entry.get("operation") == "delete"
        if user not in PEOPLE or (leaving and user not in after) or "unknown" in (roles or []):
            if failure == "atomic":
                return dict(members), False
            good = failure == "silent"
            continue
        if leaving:
            del after[user]
        else:
            before = after.get(user, set())
            after[user] = before if roles is None else set(roles) | (before if mode == "merge" else set())
    return after, good


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(CHUNKS, st.sampled_from(["replace", "merge"]), st.sampled_from(["atomic", "partial", "silent"]))
def test_members_are_what_the_chunks_say(api, chunks, mode, failure):
    api.kinde.set(patch_roles=mode, bulk_failure=failure, rate_limit=None)
    api.kinde.seed({"roles": ROLES, "users": [{"id": user} for user in PEOPLE]})
    org = api.ok("POST", "/organization", json={"name": "Org"})["organization"]["code"]
    members = {}
    for chunk in chunks:
        answer = api("PATCH", f"/organizations/{org}/users", json={"users": chunk})
        members, good = expected(members, chunk, mode, failure)
        assert answer.status_code == (200 if good else 400)
        found = api.ok("GET", f"/organizations/{org}/users")["organization_users"]
        assert {item["id"]: set(item["roles"]) for item in found} == members
    api.ok("DELETE", f"/organization/{org}")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
WORDS = st.sampled_from(
    ["profile", "given_name", "identities", "details", "type", "email", "users", "id", "roles", "properties"]
)
BODIES = st.dictionaries(WORDS, JSON | st.dictionaries(WORDS, JSON) | st.lists(st.dictionaries(WORDS, JSON)))
OPERATIONS = [
    ("GET", "/users"),
    ("GET", "/user"),
    ("POST", "/user"),
    ("PATCH", "/user"),
    ("GET", "/search/users"),
    ("PATCH", "/organizations/{}/users"),
    ("PATCH", "/users/{}/properties"),
    ("POST", "/users/{}/identities"),
    ("POST", "/organization"),
    ("PATCH", "/organization/{}"),
    ("GET", "/organizations/{}/users"),
    ("POST", "/roles"),
]
NAMES = [
    "page_size",
    "next_token",
    "id",
    "email",
    "active_since",
    "expand",
    "query",
    "properties[x]",
    "sort",
    "roles",
    "starting_after",
]
VALUES = st.text(max_size=12) | st.integers().map(str) | st.datetimes().map(str)


@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(OPERATIONS),
    st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=3),
    BODIES | JSON,
    st.text(st.characters(exclude_characters="/?#", exclude_categories=["Cs"]), min_size=1, max_size=8),
)
def test_nonsense_is_refused_and_never_a_crash(api, operation, query, body, name):
    method, path = operation
    api.kinde.set(bulk_failure="atomic")
    answer = api(method, path.replace("{}", name), params=query, json=body if method != "GET" else None)
    assert answer.status_code in (200, 201, 400, 404), answer.text
    assert answer.json()


@pytest.mark.parametrize(
    "body", [b"\xff\xfe", b"{", b"[" * 5000, b'"\\ud800"', b'{"provided_id": "\\ud800"}', b"null", b""]
)
def test_bytes_that_are_no_body_are_refused(api, body):
    answer = api("POST", "/user", data=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400, answer.text


@pytest.mark.parametrize("when", ["0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59-23:00"])
def test_times_at_the_edge_are_refused(api, when):
    api.fails(400, "INVALID_PARAMETER", "GET", "/users", params={"active_since": when})
