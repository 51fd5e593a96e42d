"""Faults in specs are seen before apply, by one layer at least; refactorings change nothing for any person.

``KINDE_SOAK=1`` tries 300 faults and 100 refactorings, and prints how many each layer saw (``pytest -s``).
"""

from __future__ import annotations

import copy
import os
from collections import Counter
from datetime import timedelta
from typing import Any

import pendulum
import pytest

from airflow_provider_kinde.exceptions import SpecError
from airflow_provider_kinde.sync import SyncSpec
from airflow_provider_kinde.sync.people.examples import check_examples
from airflow_provider_kinde.sync.plan.planner import plan_run
from airflow_provider_kinde.sync.plan.run_request import RunRequest, as_source
from airflow_provider_kinde.sync.rules.backtest import Export, backtest
from airflow_provider_kinde.sync.rules.difference import Difference, compare_specs
from airflow_provider_kinde.sync.rules.memory_tenant import MemoryTenant
from tests.support import spec_faults
from tests.support.spec_faults import DAY, ROLES, SPEC, company

SOAK = bool(os.environ.get("KINDE_SOAK"))
FAULTS, HARMLESS = (300, 100) if SOAK else (24, 12)
SEEDS = (7, 11) if SOAK else (1, 1)
LAYERS = ("validate", "tests", "coverage", "against", "guard", "backtest", "keys")
NOW = pendulum.datetime(DAY.year, DAY.month, DAY.day, 12)


@pytest.fixture(scope="module")
def old() -> SyncSpec:
    return SyncSpec.parse(SPEC)


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    return company(1, 110)


@pytest.fixture(scope="module")
def tenant(old: SyncSpec, rows: list[dict[str, Any]]) -> MemoryTenant:
    """A Kinde that the right spec has brought into step a month before, with people who came and went since."""
    made = MemoryTenant(old)
    made._roles = sorted({*made._roles, *ROLES})
    early = NOW.subtract(days=30)
    made.carry_out(plan_run(old, company(1, 90, DAY - timedelta(days=30)), made, RunRequest.of(now=early)))
    return made


@pytest.fixture(scope="module")
def exports() -> list[Export]:
    days = [DAY + timedelta(days=number) for number in (-40, -10, 20)]
    return [
        Export(str(day), pendulum.datetime(day.year, day.month, day.day, 12), as_source(company(1, 80, day)))
        for day in days
    ]


def compared(old: SyncSpec, new: SyncSpec, rows: list[dict[str, Any]], tenant: MemoryTenant) -> Difference:
    return compare_specs(old, new.with_changes(tests=()), rows, tenant, RunRequest.of(now=NOW), against="old")


def layers_that_see(
    text: str, old: SyncSpec, rows: list[dict[str, Any]], tenant: MemoryTenant, exports: list[Export]
) -> set[str]:
    try:
        new = SyncSpec.parse(text)
    except SpecError:
        return {"validate"}
    seen = set()
    try:
        check_examples(new, NOW)
    except SpecError:
        seen.add("tests")
    try:
        found = compared(old, new, rows, tenant)
    except SpecError:
        return seen | {"against"}
    seen |= {"against"} if found.outcome == "differs" else set()
    seen |= {"coverage"} if found.uncovered else set()
    seen |= {"guard"} if any(side == "new" for side, _ in found.guards) else set()
    seen |= {"keys"} if found.keys else set()
    if SOAK or not seen - {"keys"}:
        replayed = backtest(new.with_changes(tests=()), exports, old=old, against="old")
        seen |= {"backtest"} if replayed.outcome == "differs" else set()
    return seen


def test_nearly_every_fault_is_seen_before_apply(
    old: SyncSpec, rows: list[dict[str, Any]], tenant: MemoryTenant, exports: list[Export]
) -> None:
    by_layer: Counter[str] = Counter()
    by_kind: Counter[str] = Counter()
    unseen = []
    for kind, text in spec_faults.faults(FAULTS, SEEDS[0]):
        seen = layers_that_see(text, old, rows, tenant, exports)
        by_layer.update(seen)
        by_kind[kind] += 1
        if not seen - {"keys"}:
            unseen.append((kind, sorted(seen), [line for line in text.splitlines() if line not in SPEC.splitlines()]))
    print(f"\n{FAULTS} faults: {dict(by_kind)}")
    print(f"seen by { ({layer: by_layer[layer] for layer in LAYERS}) }; unseen {len(unseen)}: {unseen}")
    assert len(unseen) <= FAULTS * 0.05
    assert all(by_layer[layer] for layer in ("validate", "tests", "against", "coverage", "guard"))


def test_a_refactoring_of_rules_shows_no_difference(
    old: SyncSpec, rows: list[dict[str, Any]], tenant: MemoryTenant
) -> None:
    for text in spec_faults.refactorings(HARMLESS, SEEDS[1]):
        new = SyncSpec.parse(text)
        check_examples(new, NOW)
        found = compared(old, new, rows, tenant)
        assert (found.people, found.guards) == ([], []), text


def test_the_difference_is_what_two_tenants_come_to(
    old: SyncSpec, rows: list[dict[str, Any]], tenant: MemoryTenant
) -> None:
    """Carried out on two copies of the tenant, the specs differ for exactly the people in the difference."""
    tried = 0
    for _, text in spec_faults.faults(FAULTS // 2, seed=2):
        try:
            new = SyncSpec.parse(text).with_changes(tests=())
            found = compared(old, new, rows, tenant)
        except SpecError:
            continue
        if not found.comparable:
            continue
        tried += 1
        ends, untouched = [], []
        for spec in (old, new):
            end = copy.deepcopy(tenant)
            plan = plan_run(spec.with_changes(tests=()), rows, end, RunRequest.of(now=NOW))
            end.carry_out(plan)
            ends.append({id: user.state for id, user in end.users.items()})
            untouched.append({h.id: "held" for h in plan.held} | {r.id: "rejected" for r in plan.rejected})
        ids = {id for id in ends[0].keys() | ends[1].keys() if ends[0].get(id) != ends[1].get(id)}
        ids |= {id for id in untouched[0].keys() | untouched[1].keys() if untouched[0].get(id) != untouched[1].get(id)}
        assert {person.id for person in found.people} == ids, text
    assert tried > FAULTS / 4
