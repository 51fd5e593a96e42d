"""Policies look at a plan and may block it; what fails or does not end blocks it as well."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_kinde.exceptions import SpecError
from airflow_provider_kinde.sync import Block, PlannedRun, SyncSpec
from airflow_provider_kinde.sync.plan import policies
from airflow_provider_kinde.sync.plan.policies import check_policies, load_policies
from tests.support.world import SPEC, World, people, person

EXAMPLES = Path(__file__).resolve().parents[3] / "docs" / "examples"
NAMED = "policies: [{}]\n"
ROWS = [person(1, "Ada", "Lovelace", dept="Eng"), person(2)]


def seen(world: World, policy: Any, **options: Any) -> list[tuple[str, bool]]:
    plan = world.plan(ROWS)
    return [(block.reason, block.approvable) for block in check_policies([("p", policy)], plan, **options)]


def test_a_policy_sees_the_plan_and_changes_nothing_of_it(world: World) -> None:
    runs: list[PlannedRun] = []
    assert seen(world, runs.append) == []
    run = runs[0]
    assert (run.spec, run.summary["create"], run.held, run.rejected, run.blocked) == ("hr", 2, (), (), ())
    for _ in range(2):
        found = [(c.kind, c.id, c.organization, c.role, c.email) for c in run.changes]
        assert ("add_role", "1", "eng", "engineer", "p1@example.com") in found
        assert len(found) == 5
    first = next(iter(run.changes))
    assert (first.given_name, first.family_name, dict(first.after)["email"]) == ("Ada", "Lovelace", "p1@example.com")
    with pytest.raises(TypeError):
        run.summary["create"] = 0  # type: ignore[index]
    with pytest.raises(TypeError):
        first.after["email"] = "x"  # type: ignore[index]
    with pytest.raises(FrozenInstanceError):
        first.kind = "x"  # type: ignore[misc]


FAILED = "policy p: failed: TypeError:"


def generator(run: PlannedRun) -> Iterator[str | Block]:
    yield "one"
    yield Block("two", True)


def explode(run: PlannedRun) -> None:
    raise SystemExit("out")


@pytest.mark.parametrize(
    ("policy", "blocks"),
    [
        (lambda run: None, []),
        (lambda run: [], []),
        (lambda run: "no", [("policy p: no", False)]),
        (lambda run: Block("no", True), [("policy p: no", True)]),
        (generator, [("policy p: one", False), ("policy p: two", True)]),
        (lambda run: 1 / 0, [("policy p: failed: ZeroDivisionError: division by zero", False)]),
        (explode, [("policy p: failed: SystemExit: out", False)]),
        (
            lambda run: True,
            [(f"{FAILED} it returned bool; a reason, a Block, several of them, or None is expected", False)],
        ),
        (lambda: None, [(f"{FAILED} <lambda>() takes 0 positional arguments but 1 was given", False)]),
    ],
)  # fmt: skip
def test_the_return_values_of_a_policy(world: World, policy: Any, blocks: list[tuple[str, bool]]) -> None:
    assert seen(world, policy) == blocks


def test_a_policy_that_does_not_end_blocks_and_reads_no_more_of_the_plan(world: World) -> None:
    ended: list[str] = []

    def endless(run: PlannedRun) -> None:
        try:
            while True:
                time.sleep(0.01)
                list(run.changes)
        except TimeoutError as error:
            ended.append(str(error))

    begun = time.monotonic()
    assert seen(world, endless, seconds=0.2) == [("policy p: did not answer within 0.2 seconds", False)]
    assert time.monotonic() - begun < 5
    for _ in range(100):
        if ended:
            break
        time.sleep(0.05)
    assert ended == ["the plan no longer waits for this policy"]


@pytest.fixture
def examples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    sys.modules.pop("policies", None)


@pytest.mark.usefixtures("examples")
def test_the_example_keeps_administrators_within_the_company(world: World) -> None:
    text = SPEC.replace("roles: [engineer]", "roles: [admin]") + "protect: {roles: [owner]}\n"
    spec = text + NAMED.format("policies.admins_are_ours, policies:not_everything_at_once")
    plan = world.plan(ROWS, spec)
    words = "1 would get the role admin and has an address outside @acme.com, @acme.de"
    assert [(block.reason, block.approvable) for block in plan.blocked] == [
        (f"policy policies.admins_are_ours: {words}", False)
    ]
    report = world.apply(ROWS, spec, approve=plan.hash)
    assert (report.outcome, world.writes()) == ("blocked", [])
    ours = [person(1, email="ada@acme.com", dept="Eng"), person(2)]
    assert world.apply(ours, spec).outcome == "changes"


def test_a_block_that_can_be_approved_passes_with_the_hash(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policies, "_load", lambda spec, index, name: lambda run: Block("look at it", True))
    spec = SPEC + NAMED.format("acme.policies.look")
    plan = world.plan(ROWS, spec)
    assert plan.outcome == "blocked"
    assert world.apply(ROWS, spec, approve=plan.hash).outcome == "changes"


@pytest.mark.usefixtures("examples")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("acme_none.policies.x", "policies[0]: acme_none.policies.x cannot be imported: ModuleNotFoundError"),
        ("policies.none", "policies[0]: there is no policies.none in its module"),
        ("policies.DOMAINS", "policies[0]: policies.DOMAINS is no function, but tuple"),
        ("no-such-entry", "policies[0]: there is no no-such-entry in the entry points airflow_provider_kinde.policies"),
        ("os; rm", "is neither a path such as"),
    ],
)
def test_a_policy_that_is_not_there_is_told_before_anything_is_read(world: World, name: str, words: str) -> None:
    with pytest.raises(SpecError) as caught:
        world.plan(ROWS, SPEC + NAMED.format(f'"{name}"'))
    assert words in str(caught.value)
    assert world.kinde.log() == []


def test_an_installed_package_registers_policies_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "acme_checks.py").write_text("def quiet(run):\n    return None\n")
    info = tmp_path / "acme_checks-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-checks\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[{policies.GROUP}]\nquiet-hours = acme_checks:quiet\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    spec = SyncSpec.parse(SPEC + NAMED.format("quiet-hours"))
    assert [name for name, _ in load_policies(spec)] == ["quiet-hours"]


def test_the_tests_of_a_tenant_without_policies_ask_none(world: World) -> None:
    assert world.plan(people(2)).blocked == []
