"""Whatever goes wrong at whichever request: nothing twice, nothing taken wrongly, and one rerun puts it right."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_kinde.exceptions import KindeError
from airflow_provider_kinde.sync import Report
from tests.laws import trouble as matrix
from tests.laws.trouble import AFTER, KINDS, MATRIX, NOW, TROUBLES, Case, grants, plain, tenant
from tests.support.distrusted_server import distrusted_server
from tests.support.world import World

SOAK = os.environ.get("KINDE_SOAK") == "1"
CASES = matrix.every_case() if SOAK else matrix.sample()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("matrix") / "tenant.db"
    matrix.prepare(path)
    return path


@pytest.fixture(scope="module")
def expected(prepared: Path) -> dict[str, Any]:
    """The end state of a run that nothing befalls."""
    with tenant(prepared, prepared.with_name("expected.db")) as world:
        before = world.kinde.state()
        report = world.apply(AFTER, MATRIX, now=NOW)
        after, log = world.kinde.state(), world.kinde.log()
        assert report.outcome == "changes"
        world.settled(AFTER, MATRIX, now=NOW)
    return {"plain": plain(after), "before": grants(before), "after": grants(after), "log": log}


@pytest.fixture(scope="module")
def distrusted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with distrusted_server(tmp_path_factory.mktemp("tls")) as url:
        yield url


@pytest.fixture
def hasty(cases: tuple[Case, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """The waits before a look at a lost creation, a hundred times shorter, unless what is late may still come."""

    if not any(case.trouble == "slow" for case in cases):
        from airflow_provider_kinde.client import create_once

        monkeypatch.setattr(create_once, "time", SimpleNamespace(sleep=lambda seconds: time.sleep(seconds / 100)))


def test_the_matrix_holds_every_request_of_a_sync(expected: dict[str, Any]) -> None:
    found: Counter[str] = Counter()
    for entry in expected["log"]:
        kinds = [kind.name for kind in KINDS if kind.fits(entry)]
        assert kinds, f"{entry['method']} {entry['path']} {entry['body']} is none of the kinds"
        found[kinds[0]] += 1
    # Asked only where the fate of a creation is unknown: the matrix loses one first.
    assert set(found) == {kind.name for kind in KINDS} - {"users-by-address"}


def test_the_slice_holds_every_trouble_and_every_kind() -> None:
    drawn = [case for cases in matrix.sample() for case in cases]
    assert {case.trouble for case in drawn} == set(TROUBLES)
    assert {case.kind.name for case in drawn} == {kind.name for kind in KINDS}


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("cases", CASES, ids=lambda cases: "+".join(map(str, cases)))
def test_one_rerun_puts_it_right(
    cases: tuple[Case, ...], prepared: Path, expected: dict[str, Any], distrusted: str, tmp_path: Path
) -> None:
    with tenant(prepared, tmp_path / "tenant.db") as world:
        world.kinde.clear_log()
        for case in cases:
            case.befall(world, distrusted)
        report = None
        began = time.monotonic()
        try:
            report = world.apply(AFTER, MATRIX, now=NOW)
        except KindeError:
            _nothing_written(world)
        else:
            sent = [entry for entry in world.kinde.log() if entry["kind"] == "api"]
            assert report.requests["total"] == len(sent)
            assert report.requests["write"] == sum(entry["method"] != "GET" for entry in sent)
        assert time.monotonic() - began < 60
        world.kinde.clear_faults()
        if any(case.trouble == "slow" for case in cases):
            time.sleep(matrix.TIMEOUT + 0.3)  # what came late was done all the same
        _nothing_wrongly_taken(world, expected)
        with matrix.client(world.kinde, timeout=20) as mended:
            world.client = mended
            rerun = world.apply(AFTER, MATRIX, now=NOW)
            assert rerun.outcome in ("changes", "no changes")
            lied = any((case.trouble, case.kind.name) == matrix.LIES for case in cases)
            assert _differing(world.kinde.state(), expected, report, lied) == []
            world.settled(AFTER, MATRIX, now=NOW)


def _nothing_written(world: World) -> None:
    assert [e for e in world.kinde.log() if e["kind"] == "api" and e["method"] != "GET"] == []


def _nothing_wrongly_taken(world: World, expected: dict[str, Any]) -> None:
    """Halfway, too: what stays is there, what is nobody's due is not."""
    now = grants(world.kinde.state())
    assert expected["before"] & expected["after"] <= now
    links = Counter(user["provided_id"] for user in world.kinde.state()["users"] if user["provided_id"])
    assert max(links.values()) == 1


def _differing(state: dict[str, Any], expected: dict[str, Any], report: Report | None, lied: bool) -> list[Any]:
    """Users that are not as they should be.

    Who could not be taken out of the default organization by the run that made the account stays there: that run
    reports the creation as failed, and no later one can tell that membership from one that is wanted.
    """
    told = [o.id for o in report.plan.operations if (o.kind, o.outcome) == ("create", "failed")] if report else []
    found = plain(state)
    for user in found["users"]:
        if str(user["provided_id"]).removeprefix("hr:") in told:
            user["memberships"].pop("Default Organization", None)
        if lied and user["provided_id"] == "hr:4":
            user["identities"] = [found for found in user["identities"] if found[1] != "p4@example.com"]
    assert found["organizations"] == expected["plain"]["organizations"]
    assert len(found["users"]) == len(expected["plain"]["users"])
    return [pair for pair in zip(found["users"], expected["plain"]["users"], strict=True) if pair[0] != pair[1]]
