"""Seeds, the state, and data that outlives a restart."""

from __future__ import annotations

import sqlite3

import pytest
from emulator_api import Api
from hypothesis import given, settings
from hypothesis import strategies as st

from kinde_emulator import Emulator, Settings
from kinde_emulator.data.seeding import seed
from kinde_emulator.data.state import state
from kinde_emulator.server.tenant import Tenant

SEED = {
    "organizations": ["IT", {"name": "Shop", "code": "org_00000000001", "handle": "shop", "external_id": "5"}],
    "permissions": ["read"],
    "roles": ["engineer", {"key": "viewer", "name": "Viewer", "permissions": ["read"]}],
    "properties": ["kp_usr_title"],
    "users": [
        {
            "email": "Ada@x.org",
            "first_name": "Ada",
            "provided_id": "hr:1",
            "is_suspended": True,
            "identities": ["ada2@x.org", {"type": "phone", "value": "+441234567", "is_confirmed": None}],
            "memberships": {"IT": ["engineer", "viewer"], "shop": []},
            "permissions": {"org_00000000001": ["read"]},
            "properties": {"kp_usr_title": "Boss"},
            "sessions": 3,
        },
        {"email": "bob@x.org", "is_confirmed": False, "memberships": ["Shop"]},
        {"first_name": "Nobody"},
    ],
}


def test_a_seed_is_what_the_state_shows(api):
    made = api.kinde.seed(SEED)
    found = api.kinde.state()
    it = made["organizations"]["IT"]
    ada, bob, nobody = sorted(found["users"], key=lambda user: user["email"] or "z")
    assert made["users"]["Ada@x.org"] == ada["id"]
    assert (ada["email"], ada["is_suspended"], ada["sessions"]) == ("Ada@x.org", True, 3)
    assert ada["memberships"] == {it: ["engineer", "viewer"], "org_00000000001": []}
    assert ada["permissions"] == {"org_00000000001": ["read"]}
    assert ada["properties"] == {"kp_usr_title": "Boss"}
    identities = {item["value"]: (item["is_primary"], item["is_confirmed"]) for item in ada["identities"]}
    assert identities == {"Ada@x.org": (True, True), "ada2@x.org": (False, True), "+441234567": (True, None)}
    assert [item["is_confirmed"] for item in bob["identities"]] == [False]
    assert bob["memberships"] == {"org_00000000001": []}
    assert (nobody["email"], nobody["memberships"]) == (None, {})
    roles = {role["key"]: (role["name"], role["permissions"]) for role in found["roles"]}
    assert roles == {"engineer": ("engineer", []), "viewer": ("Viewer", ["read"])}


def test_seeding_again_changes_what_is_there(api):
    api.kinde.seed(SEED)
    before = api.kinde.state()
    again = {**SEED, "users": [user for user in SEED["users"] if "email" in user]}
    api.kinde.seed(again)
    assert api.kinde.state() == before
    api.kinde.seed({"users": [{"email": "ada@x.org", "last_name": "L", "memberships": {"IT": ["viewer"]}}]})
    [ada] = [user for user in api.kinde.state()["users"] if user["email"] == "Ada@x.org"]
    assert (ada["first_name"], ada["last_name"], ada["is_suspended"], ada["sessions"]) == ("Ada", "L", True, 3)
    assert sorted(ada["memberships"].values()) == [[], ["viewer"]]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"user": []}, "user"),
        ({"users": [{"mail": "a@x.org"}]}, "users.0.mail"),
        ({"users": [{"email": "a@x.org", "memberships": [{"organization": "IT"}]}]}, "users.0.memberships"),
        ({"users": [{"email": "a@x.org", "memberships": {"IT": []}}]}, "user a@x.org: unknown organization 'IT'"),
        (
            {"organizations": ["IT"], "users": [{"email": "a@x.org", "memberships": {"IT": ["boss"]}}]},
            "unknown role key 'boss'",
        ),
        ({"users": [{"email": "a@x.org"}, {"email": "b@x.org", "identities": ["A@x.org"]}]}, "of another user"),
        ({"users": [{"email": "a@x.org", "properties": {"kp": "1"}}]}, "unknown property 'kp'"),
        ({"roles": [{"key": "a", "permissions": ["p"]}]}, "unknown permission key 'p'"),
        ({"organizations": [{"name": "A", "handle": "x"}, {"name": "B", "handle": "x"}]}, "handle 'x' is in use"),
        ({"organizations": [{"handle": "x"}]}, "needs a name or a code"),
    ],
)
def test_a_wrong_seed_is_refused_as_a_whole(api, wrong, words):
    before = api.kinde.state()
    with pytest.raises(ValueError, match=r"^seed: ") as caught:
        api.kinde.seed({"roles": ["extra"], **wrong})
    assert words in str(caught.value)
    assert api.kinde.state() == before


KEYS = st.lists(st.sampled_from("abc"), unique=True)
PEOPLE = st.lists(
    st.fixed_dictionaries(
        {
            "email": st.one_of(st.none(), st.integers(0, 30).map(lambda number: f"u{number}@x.org")),
            "first_name": st.one_of(st.none(), st.text(min_size=1, max_size=8)),
            "provided_id": st.one_of(st.none(), st.text(min_size=1, max_size=8)),
            "is_suspended": st.booleans(),
            "memberships": st.dictionaries(st.sampled_from(["One", "Two"]), KEYS),
            "permissions": st.dictionaries(st.sampled_from(["One", "Two"]), KEYS.filter(bool)),
            "properties": st.dictionaries(st.sampled_from(["p", "q"]), st.text(max_size=5)),
            "sessions": st.integers(0, 2),
        }
    ),
    unique_by=lambda person: person["email"] or id(person),
    max_size=6,
)


@settings(deadline=None, max_examples=40)
@given(PEOPLE)
def test_the_state_of_one_tenant_is_a_seed_for_another(people):
    one, other = Tenant(Settings()), Tenant(Settings())
    names = {"organizations": ["One", "Two"], "properties": ["p", "q"]}
    seed(one.store, one.settings, {**names, "roles": list("abc"), "permissions": list("abc"), "users": people})
    first = state(one.store)
    seed(other.store, other.settings, first)
    assert state(other.store) == first
    one.store.close()
    other.store.close()


def test_data_outlives_a_restart(tmp_path):
    file = tmp_path / "kinde.db"
    with Emulator(data=file) as first:
        first.seed(SEED)
        Api(first).create("new@x.org")
        before = first.state()
    with Emulator(data=file) as second:
        assert second.state() == before
        assert second.log() == []
        assert len(Api(second).ok("GET", "/users")["users"]) == 4
    with Emulator() as third:
        assert third.state()["users"] == []


def test_a_file_of_something_else_is_refused(tmp_path):
    (tmp_path / "text").write_text("this is no database, but it is long enough to look like one" * 30)
    with sqlite3.connect(tmp_path / "other.db") as db:
        db.execute("CREATE TABLE mine (x)")
    with sqlite3.connect(tmp_path / "future.db") as db:
        db.execute("PRAGMA user_version = 99")
    for name, words in (("text", "database"), ("other.db", "another program"), ("future.db", "another version")):
        with pytest.raises(ValueError, match=words):
            Emulator(data=tmp_path / name)
    with sqlite3.connect(tmp_path / "other.db") as db:
        assert db.execute("SELECT count(*) FROM mine").fetchone() == (0,)


def test_a_whole_company_is_quick():
    tenant = Tenant(Settings())
    users = [
        {
            "email": f"u{number}@x.org",
            "first_name": "A",
            "provided_id": f"hr:{number}",
            "memberships": {"IT": ["engineer"]},
        }
        for number in range(2000)
    ]
    seed(tenant.store, tenant.settings, {"organizations": ["IT"], "roles": ["engineer"], "users": users})
    assert len(state(tenant.store)["users"]) == 2000
    plan = " ".join(
        str(row["detail"])
        for table, column in (("identities", "folded"), ("members", "user_id"), ("users", "provided_id"))
        for row in tenant.store._db.execute(f"EXPLAIN QUERY PLAN SELECT * FROM {table} WHERE {column} = 'x'")
    )
    assert "SCAN" not in plan
    tenant.store.close()
