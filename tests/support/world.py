"""A small company and a local Kinde, for the tests of the engine."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import pytest

from airflow_provider_kinde.client import KindeClient
from airflow_provider_kinde.sync import Plan, Report, SyncSpec
from airflow_provider_kinde.sync.apply.run import apply
from airflow_provider_kinde.sync.plan.planner import plan_run
from airflow_provider_kinde.sync.plan.run_request import RunRequest
from airflow_provider_kinde.sync.signature import signed, whole
from kinde_emulator import Emulator, Settings

NOW = "2026-03-02T12:00:00Z"

SPEC = """
version: 1
name: hr
source: {type: file, path: hr.csv}
person:
  id: "{{ row.id }}"
  email: "{{ row.email }}"
  given_name: "{{ row.first }}"
  family_name: "{{ row.last }}"
employment:
  status: "{{ row.status }}"
  active: [Active]
  inactive: [Terminated]
  start_date: "{{ row.start }}"
  end_date: "{{ row.end }}"
may_be_empty: [start, end]
organizations:
  eng: {name: Engineering}
  sales: {name: Sales}
memberships:
  - organization: eng
    when: "{{ row.dept == 'Eng' }}"
    roles: [engineer]
  - organization: sales
    when: "{{ row.dept == 'Sales' }}"
"""

TENANT = {
    "organizations": [{"name": "Engineering"}, {"name": "Sales"}],
    "roles": ["engineer", "lead", "auditor", "owner", "admin"],
}


def person(id: str | int, first: str = "", last: str = "Doe", **columns: Any) -> dict[str, Any]:
    """An HR row: ``Given`` number ``id`` in Sales, active, unless said otherwise."""
    first = first or f"Given{id}"
    row = {"id": str(id), "first": first, "last": last, "email": f"p{id}@example.com", "dept": "Sales"}
    return {**row, "status": "Active", "start": "", "end": "", **columns}


def people(count: int, **columns: Any) -> list[dict[str, Any]]:
    return [person(number, **columns) for number in range(1, count + 1)]


def _nap(seconds: float) -> None:
    """Waits as the client would, a hundred times faster."""
    time.sleep(seconds / 100)


@lru_cache(maxsize=64)
def _parsed(text: str) -> SyncSpec:
    """The spec of a text: a third of what planning for a few people costs, so it is read once."""
    return SyncSpec.parse(text)


def request_of(options: dict[str, Any]) -> RunRequest:
    """The request of a run at :data:`NOW`; what belongs to it is taken out of ``options``."""
    names = ("ids", "only", "approve", "approve_protected", "recent")
    given = {name: options.pop(name) for name in names if name in options}
    return RunRequest.of(now=options.pop("now", NOW), **given)


class World:
    """A tenant, a client and shortcuts."""

    def __init__(self, kinde: Emulator) -> None:
        self.kinde = kinde
        self.client = KindeClient(kinde.url, kinde.client_id, kinde.client_secret, sleep=_nap)

    def spec(self, text: str = SPEC, **replacements: str) -> SyncSpec:
        for old, new in replacements.items():
            text = text.replace(old, new)
        return SyncSpec.parse(text)

    def plan(self, rows: Sequence[Mapping[str, Any]], spec: SyncSpec | str = SPEC, **options: Any) -> Plan:
        spec = _parsed(spec) if isinstance(spec, str) else spec
        return plan_run(spec, list(rows), self.client, request_of(options), **options)

    def apply(self, rows: Sequence[Mapping[str, Any]], spec: SyncSpec | str = SPEC, **options: Any) -> Report:
        spec = _parsed(spec) if isinstance(spec, str) else spec
        return apply(spec, list(rows), self.client, request_of(options), **options)

    def sign(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """A plan or a report with the signature that belongs to it, as a holder of the secret can make it."""
        return whole(signed({key: value for key, value in document.items() if key != "signature"}, self.client.sign))

    def users(self) -> dict[str, dict[str, Any]]:
        """E-mail -> user."""
        return {user["email"]: user for user in self.kinde.state()["users"]}

    def memberships(self, email: str) -> dict[str, list[str]]:
        """Organization name -> role keys of one user."""
        state = self.kinde.state()
        names = {organization["code"]: organization["name"] for organization in state["organizations"]}
        user = next(user for user in state["users"] if user["email"] == email)
        return {names[code]: roles for code, roles in user["memberships"].items()}

    def code(self, name: str) -> str:
        return next(str(o["code"]) for o in self.kinde.state()["organizations"] if o["name"] == name)

    def writes(self) -> list[dict[str, Any]]:
        return [e for e in self.kinde.log() if e["path"].startswith("/api/") and e["method"] != "GET"]

    def reads(self) -> list[dict[str, Any]]:
        return [e for e in self.kinde.log() if e["path"].startswith("/api/") and e["method"] == "GET"]

    def settled(self, rows: Sequence[Mapping[str, Any]], spec: SyncSpec | str = SPEC, **options: Any) -> None:
        """A further run finds nothing to do and writes nothing."""
        self.kinde.clear_log()
        report = self.apply(rows, spec, **options)
        assert (report.outcome, self.writes()) == ("no changes", [])


@pytest.fixture
def settings() -> Settings:
    return Settings()


@pytest.fixture
def world(settings: Settings) -> Iterator[World]:
    with Emulator(settings=settings) as kinde:
        kinde.seed(TENANT)
        made = World(kinde)
        with made.client:
            yield made
