"""What becomes of a tenant when its HR API misbehaves: nothing; and the next good run puts everything right."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from airflow_provider_kinde.client import KindeClient
from airflow_provider_kinde.exceptions import SourceError
from airflow_provider_kinde.sync import Plan, apply_plan, make_plan
from kinde_emulator import Emulator
from tests.support.hr_server import NOW, Call, HrServer, Reply, make, person

OPTIONS = {
    "type": "http", "url": "/people", "rows": "data", "total": "total", "id": "id", "empty_status": [404],
    "pages": {"type": "page", "param": "page", "size_param": "per", "size": 20, "last": "pages"},
}  # fmt: skip
REST = """
person: {id: "{{ row.id }}", email: "{{ row.email }}", given_name: "{{ row.first }}", family_name: "{{ row.last }}"}
employment: {status: "{{ row.status }}", active: [active], inactive: [inactive]}
organizations: {it: {name: IT}}
memberships: [{organization: it, when: "{{ row.department == 'IT' }}", roles: [engineer]}]
"""
COUNT = 60


class World:
    """A tenant in which sixty people were provisioned, and the API that they came from."""

    def __init__(self, kinde: Emulator, server: HrServer) -> None:
        self.kinde, self.server = kinde, server
        self.people = [person(number, department="IT") for number in range(COUNT)]
        self.bend: Callable[[dict[str, Any], int], Any] = lambda page, _number: page
        server._answer = self._answer
        self.client = KindeClient(
            kinde.url, kinde.client_id, kinde.client_secret, sleep=lambda seconds: time.sleep(seconds / 100)
        )
        assert apply_plan(self.plan(), self.client).outcome == "changes"

    def _answer(self, call: Call) -> Reply:
        size, number = int(call.query["per"]), int(call.query["page"])
        rows = self.people[(number - 1) * size : number * size]
        page = {"data": rows, "total": len(self.people), "pages": -(-len(self.people) // size)}
        bent = self.bend(page, number)
        return bent if isinstance(bent, Reply) else Reply(bent)

    def plan(self) -> Plan:
        source = make(self.server, OPTIONS, REST)
        return make_plan(source.spec, source, self.client, now=NOW)

    def writes(self) -> list[str]:
        return [f"{entry['method']} {entry['path']}" for entry in self.kinde.log() if entry["method"] != "GET"]


@pytest.fixture
def world(server: HrServer) -> Iterator[World]:
    with Emulator() as kinde:
        kinde.seed({"organizations": [{"name": "IT"}], "roles": ["engineer"]})
        made = World(kinde, server)
        kinde.clear_log()
        yield made
        made.client.close()


def without(column: str) -> Callable[[dict[str, Any], int], dict[str, Any]]:
    return lambda page, _number: {
        **page, "data": [{name: value for name, value in row.items() if name != column} for row in page["data"]]
    }  # fmt: skip


def shrinking(page: dict[str, Any], number: int) -> dict[str, Any]:
    return {**page, "total": COUNT - number}


TROUBLE: dict[str, tuple[Callable[[dict[str, Any], int], Any], str]] = {
    "404 for empty": (lambda _page, _number: Reply({"error": "empty"}, 404), "is empty"),
    "an empty list": (lambda page, _number: {**page, "data": [], "total": 0, "pages": 0}, "is empty"),
    "pages 1 and 2, then nothing": (
        lambda page, number: {**page, "data": page["data"] if number < 3 else []},
        "is incomplete: page 3 of",
    ),
    "a total that shrinks": (shrinking, "its total went"),
    "a short page": (lambda page, _number: {**page, "data": page["data"][:-1]}, "it counts 60 and its pages hold"),
    "a column less": (without("status"), "has no column 'status'"),
    "a column that is null for all": (
        lambda page, _number: {**page, "data": [{**row, "department": None} for row in page["data"]]},
        "column 'department' of",
    ),
}


@pytest.mark.parametrize("name", TROUBLE)
def test_trouble_is_blocked_and_the_next_good_run_is_silent(world: World, name: str) -> None:
    world.people.append(person(900, department="IT"))
    world.bend, said = TROUBLE[name]
    if name == "a short page":
        said = "it counts 61 and its pages hold"
    plan = world.plan()
    assert plan.outcome == "blocked"
    assert any(said in block.reason and not block.approvable for block in plan.blocked), plan.blocked
    assert apply_plan(plan, world.client, approve=plan.hash).outcome == "blocked"
    assert world.writes() == []
    world.bend = lambda page, _number: page
    plan = world.plan()
    assert (plan.summary["create"], plan.summary["suspend"]) == (1, 0)
    assert apply_plan(plan, world.client).outcome == "changes"
    assert world.plan().outcome == "no changes"


@pytest.mark.parametrize(
    "reply", [Reply(body=b"<html>Maintenance"), Reply({"error": "x"}), Reply({}, 401), Reply({}, 302), Reply({}, 503)]
)
def test_unreadable_responses_are_errors(world: World, reply: Reply) -> None:
    world.bend = lambda page, number: reply if number == 2 else page
    with pytest.raises(SourceError):
        world.plan()
    assert world.writes() == []


def test_a_person_deleted_between_two_pages_takes_no_other_person_along(world: World) -> None:
    """The next person slips into the gap between the pages; only who was deleted leaves."""

    def bend(page: dict[str, Any], number: int) -> dict[str, Any]:
        if number == 1:
            world.people[:] = [row for row in world.people if row["id"] != "p7"]
        return page

    world.bend = bend
    plan = world.plan()
    assert plan.outcome == "changes"
    kinds = [operation.kind for operation in plan.operations]
    assert (kinds, plan.summary["suspend"], plan.summary["held"]) == (["suspend"], 1, 0)


def test_a_permission_lost_for_some_holds_those(world: World) -> None:
    world.bend = lambda page, _number: {
        **page, "data": [{**row, "department": None if row["id"] in ("p1", "p2") else "IT"} for row in page["data"]]
    }  # fmt: skip
    plan = world.plan()
    assert (plan.outcome, plan.summary["held"], plan.operations) == ("no changes", 2, [])
