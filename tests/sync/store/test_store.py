"""What is kept in tables decides as what was kept in memory did, and a long list costs no more a row than a short."""

from __future__ import annotations

import hashlib
import io
import json
import random
import time
import types
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from airflow_provider_kinde.exceptions import KindeNotFoundError, SyncError
from airflow_provider_kinde.resources.members import MemberWriter
from airflow_provider_kinde.sync import SyncSpec, make_plan
from airflow_provider_kinde.sync.apply import memberships
from airflow_provider_kinde.sync.plan.matching import Match
from airflow_provider_kinde.sync.report.plan_file import PlanFile, lines
from tests.laws.test_sync_laws import EXAMPLES, OPEN
from tests.support.world import NOW, SPEC, World, people, person

ORGANIZATIONS = {"org_eng": "Engineering", "org_sales": "Sales"}


class Kinde:
    """Kinde's lists as they are given here: what no emulator would say, and no request."""

    host, max_concurrency = "acme.kinde.com", 2

    def __init__(self, users: list[Any], members: dict[str, list[Any]], properties: dict[str, Any]) -> None:
        self.users, self.members, self.properties = users, members, properties
        self.counts = types.SimpleNamespace(read=0, write=0)

    def sign(self, data: bytes) -> str:
        return hashlib.sha256(data).hexdigest()

    def iter_users(self, expand: str) -> Iterator[Any]:
        return iter(self.users)

    def iter_roles(self) -> Iterator[Any]:
        return iter([{"id": key, "key": key} for key in ("engineer", "lead", "auditor", "owner")])

    def iter_organizations(self) -> Iterator[Any]:
        return iter([{"code": code, "name": name} for code, name in ORGANIZATIONS.items()])

    def iter_organization_users(self, code: str) -> Iterator[Any]:
        return iter(self.members.get(code, []))

    def get_user_data(self, id: str, expand: str) -> Any:
        raise KindeNotFoundError("no such user", status=404)

    def search_users(self, query: str, expand: str) -> Iterator[Any]:
        return iter([{"id": id, "properties": held} for id, held in self.properties.items()])

    def get_user_property_values(self, user_id: str) -> Any:
        return {"properties": []}

    def iter_user_identities(self, user_id: str) -> Iterator[Any]:
        return iter([{"type": "email", "name": u["email"], "is_confirmed": True} for u in self.users])


def user(id: str, provided_id: str, email: str, **more: Any) -> dict[str, Any]:
    identities = [{"type": "email", "identity": email}]
    found = {"id": id, "provided_id": provided_id, "email": email, "identities": identities}
    return {**found, "first_name": "Sam", "last_name": "Doe", **more}


def plan_of(rows: list[Any], users: list[Any], members: Any = None, properties: Any = None, spec: str = "") -> Any:
    return make_plan(SyncSpec.parse(spec or SPEC + OPEN), rows, Kinde(users, members or {}, properties or {}), now=NOW)


def test_of_an_account_that_is_listed_twice_the_later_word_counts_wholly() -> None:
    former = [{"type": "email", "identity": "p1@example.com"}, {"type": "email", "identity": "p2@example.com"}]
    users = [
        user("kp_1", "hr:1", "p1@example.com", identities=former, last_name="Former"),
        user("kp_1", "hr:1", "p1@example.com"),
    ]
    plan = plan_of([person(1, "Sam"), person(2, "Ann")], users, {"org_sales": [{"id": "kp_1", "roles": []}]})
    assert plan.held == []
    assert [operation.words for operation in plan.operations] == ["create 2", "add_membership 2 sales"]
    assert plan.unchanged == 1


PAIRS = SPEC.replace("roles: [engineer]", "roles: [lead, engineer]").replace("[start, end]", "[start, end, last]")
PAIRS_SPECS = [
    PAIRS + OPEN,
    PAIRS.replace("employment:", '  properties: {kp_a: "{{ row.dept }}", kp_b: "{{ row.last }}"}\nemployment:') + OPEN,
    PAIRS + OPEN + "keep: [{email: e1@example.com, organization: eng}]\nretired: {roles: [auditor]}\n",
    PAIRS + "leaver: {action: remove, delete_after_days: 2}\nabsent: suspend\nprotect: {emails: [e2@example.com]}\n",
]


def _tenant(rng: random.Random, rows: list[Any]) -> tuple[list[Any], dict[str, list[Any]], dict[str, Any]]:
    """Accounts of which most are as HR wants them, and the others are not in one way or another."""
    users, members = [], {code: [{"id": "kp_other", "roles": ["owner"]}] for code in ORGANIZATIONS}
    properties: dict[str, Any] = {}
    for number, row in enumerate(rows):
        if rng.random() < 0.1:
            continue

        def mostly(right: Any, *wrong: Any) -> Any:
            return right if rng.random() < 0.95 else rng.choice(wrong)

        id, mark = f"kp_{rng.randrange(10**9)}_{number}", mostly("", "~left=2026-03-01", "~renaming=x", "~what")
        email = mostly(row["email"].strip(), row["email"].upper(), "e3@example.com", "")
        account = user(id, mostly(f"hr:{row['id']}{mark}", f"hr:{rng.randint(1, 9)}", "other:1", None), email)
        account.update(
            first_name=mostly(row["first"], f"{row['first']} ", "Ann", None),
            last_name=mostly(row["last"], "Roe", ""),
            is_suspended=mostly(False, True),
        )
        second = {"type": rng.choice(["email", "enterprise"]), "identity": mostly(email, "e4@example.com", "e5@x.io")}
        account["identities"] += mostly([], [second])
        right = {"Eng": ("org_eng", ["engineer", "lead"]), "Sales": ("org_sales", [])}.get(row["dept"])
        if right:
            roles = mostly(right[1], ["engineer"], ["auditor"], ["lead", "owner", "engineer"])
            members[mostly(right[0], "org_eng")].append({"id": id, "roles": roles})
        if rng.random() < 0.1:
            members["org_sales"].append({"id": id, "roles": ["lead"]})
        if rng.random() < 0.9:
            properties[id] = {"kp_a": mostly(row["dept"], "x"), "kp_b": mostly(row["last"], ""), "kp_c": "c"}
        users += mostly([account], [account, {**account, "last_name": "Again"}])
    for listed in (users, *members.values()):
        rng.shuffle(listed)
    return users, members, properties


def _rows(rng: random.Random) -> list[Any]:
    rows = [
        person(
            rng.choice([str(number)] * 4 + ["é", "z", "\U0001f600", "\uffee"]),
            rng.choice(["Sam", "Sam", "Zoë", "Zoe\u0308"]),
            rng.choice(["Doe", "Doe", ""]),
            email=f"{rng.choice(['', '', '', ' ', 'é'])}e{number if rng.random() < 0.9 else 1}@example.com",
            dept=rng.choice(["Eng", "Sales", "Ops", ""]),
            status=rng.choice(["Active"] * 8 + ["Terminated", "??"]),
            start=rng.choice(["", "", "", "", "2026-05-01"]),
        )
        for number in range(1, 9)
    ]
    return rows + [dict(row) for row in rows if rng.random() < 0.1]


@pytest.mark.parametrize("spec", PAIRS_SPECS)
def test_people_who_agree_are_not_reconciled(spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = decided = 0
    for seed in range(EXAMPLES // 2):
        rng = random.Random(seed)
        rows = _rows(rng)
        kinde = _tenant(rng, rows)
        found = []
        for agrees in (Match.agrees, lambda pair: False):
            with monkeypatch.context() as patch:
                patch.setattr(Match, "agrees", agrees)
                found.append(plan_of(rows, *kinde, spec=spec))
        assert json.dumps(found[0].to_json()) == json.dumps(found[1].to_json())
        quick += found[0].unchanged
        decided += len(found[0].operations) + len(found[0].held)
    assert quick > EXAMPLES // 2
    assert decided > EXAMPLES // 2


@pytest.mark.parametrize(
    "columns",
    [
        lambda number: {"id": str(number), "email": "all@example.com"},
        lambda number: {"id": str(number // 2), "last": f"L{number}"},
    ],
    ids=["one address for all", "every id twice"],
)
def test_many_bad_rows_cost_no_more_each_than_few(columns: Any) -> None:
    def seconds(count: int) -> float:
        rows = [{**person(number), **columns(number)} for number in range(count)]
        began = time.process_time()
        plan = plan_of(rows, [])
        assert len(plan.held) + len(plan.rejected) == count
        return time.process_time() - began

    seconds(100)
    assert seconds(12_000) < 25 * seconds(1000)


@pytest.mark.parametrize("part", ["alias", "role"])
@pytest.mark.parametrize("value", [[], {"a": 1}, 2**70, True, 1.5])
def test_an_operation_about_something_that_is_no_text_is_none(part: str, value: Any) -> None:
    document = plan_of([person(1)], []).to_json()
    document["operations"][0][part] = value
    with pytest.raises(SyncError, match="not a plan file"):
        PlanFile.of(document)
    text = "".join(lines(document))
    with pytest.raises(SyncError, match="not a plan file"):
        PlanFile.read(lambda: io.StringIO(text))


def test_a_plan_file_that_is_nested_without_end_is_none() -> None:
    text = "".join(lines(plan_of([person(1)], []).document()))
    for where in ('"operations": [', '"spec": '):
        deep = text.replace(where, where + "\n" + "[" * 100_000)
        with pytest.raises(ValueError, match="nested too deeply"):
            PlanFile.read(partial(io.StringIO, deep))


def test_of_members_that_are_read_again_only_those_concerned_are_kept(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.apply(people(12))
    monkeypatch.setattr(memberships, "FRESH", -1.0)
    correct = MemberWriter.correct
    kept: list[tuple[int, int]] = []

    def watched(self: Any, changes: Any, read: Any) -> Any:
        found = list(changes)

        def counted() -> Any:
            members = read()
            kept.append((len(found), len(members)))
            return members

        return correct(self, found, counted)

    monkeypatch.setattr(MemberWriter, "correct", watched)
    report = world.apply([person(1, dept="Eng"), *people(13)[1:]])
    assert report.outcomes == {"done": 5, "failed": 0, "skipped": 0}
    # The organizations are written side by side.
    assert sorted(kept) == [(1, 1), (2, 1)]
    world.settled([person(1, dept="Eng"), *people(13)[1:]])
