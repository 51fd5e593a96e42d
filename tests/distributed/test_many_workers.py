"""A sync divided among two Celery workers comes to what one process comes to, also when a worker is lost on the way."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from demo.local_airflow import DagRun
from tests.distributed.celery_airflow import WORKERS, CeleryAirflow, instances
from tests.distributed.conftest import DAG_ID, PEOPLE, POOL, SHARDS, OneProcess, TwinKinde
from tests.distributed.staff import Staff, account, end_state, requests_of

APPLY, LAST = ("apply_shard", "report") if SHARDS > 1 else ("apply", "apply")
ORGANIZATIONS = 6
LONG = 120 + PEOPLE / 10


def finished(run: DagRun) -> dict[str, Any]:
    """The report of a run that has succeeded."""
    states = {(item["task_id"], item["map_index"]): item["state"] for item in instances(run)}
    assert run.state == "success", f"{states}\n{_logs(run)}"
    report: dict[str, Any] = json.loads(Path(run.xcom(LAST)["path"]).read_text())
    return report


def _logs(run: DagRun) -> str:
    folder = Path(run.airflow.home) / "logs" / f"dag_id={DAG_ID}" / f"run_id={run.run_id}"
    return "\n".join(f"--- {log}\n{log.read_text()[-3000:]}" for log in sorted(folder.rglob("*.log")))


@pytest.fixture(autouse=True)
def _fresh_logs(kinde: TwinKinde, one_process: OneProcess) -> None:
    kinde.forget()
    one_process.kinde.forget()


def both(
    airflow: CeleryAirflow, kinde: TwinKinde, one_process: OneProcess
) -> tuple[dict[str, Any], dict[str, Any], DagRun]:
    """Run the day on the workers and in one process, and hold the end states beside each other."""
    began = time.monotonic()
    run = airflow.run(DAG_ID, timeout=LONG)
    report = finished(run)
    print(f"workers: {time.monotonic() - began:.1f} s, {report['outcomes']}, {report['requests']}", end="; ")
    began = time.monotonic()
    expected = one_process.run()
    print(f"one process: {time.monotonic() - began:.1f} s, {expected['requests']}")
    assert end_state(kinde.state()) == end_state(one_process.kinde.state())
    return report, expected, run


def check_requests(report: dict[str, Any], expected: dict[str, Any], kinde: TwinKinde, one_process: OneProcess) -> None:
    """No more requests than the shards' own last chunks cost, and as many as the report says."""
    sent, others = requests_of(kinde.log()), requests_of(one_process.kinde.log())
    assert sent["write"] - others["write"] <= SHARDS * ORGANIZATIONS
    assert sent.total() - sent["token"] - (others.total() - others["token"]) <= SHARDS * ORGANIZATIONS
    assert report["requests"]["write"] == sent["write"]
    assert expected["requests"]["write"] == others["write"]


def test_everybody_arrives(airflow: CeleryAirflow, kinde: TwinKinde, one_process: OneProcess, staff: Staff) -> None:
    staff.first_day()
    report, expected, run = both(airflow, kinde, one_process)
    assert report["summary"]["create"] == PEOPLE
    assert account(report) == account(expected)
    check_requests(report, expected, kinde, one_process)
    assert requests_of(kinde.log())["token"] == 1
    shards = [item for item in instances(run) if item["task_id"] == APPLY]
    assert len(shards) == SHARDS
    if SHARDS > 1:
        assert {item["hostname"] for item in shards} == set(WORKERS)
        assert {item["pool"] for item in shards} == {POOL}


def test_movers_leavers_and_joiners(
    airflow: CeleryAirflow, kinde: TwinKinde, one_process: OneProcess, staff: Staff
) -> None:
    staff.next_day(2)
    report, expected, _run = both(airflow, kinde, one_process)
    assert all(report["summary"][kind] for kind in ("create", "rename", "update", "suspend", "remove_membership"))
    assert account(report) == account(expected)
    check_requests(report, expected, kinde, one_process)


def test_a_worker_is_lost(airflow: CeleryAirflow, kinde: TwinKinde, one_process: OneProcess, staff: Staff) -> None:
    staff.next_day(3)
    before = end_state(kinde.state())
    # Slow enough for a kill in the middle.
    kinde.change(latency=300.0)
    run = airflow.trigger(DAG_ID)
    airflow.processes.wait_for("the first writes", lambda: requests_of(kinde.log())["write"] > PEOPLE // 50, LONG)
    victim = next(
        item["hostname"] for item in instances(run) if item["task_id"] == APPLY and item["state"] == "running"
    )
    lost = [item for item in instances(run) if item["hostname"] == victim and item["state"] == "running"]
    airflow.processes.kill(victim)
    killed = time.monotonic()
    kinde.change(latency=0.0)
    at_kill = end_state(kinde.state())
    report = finished(run.wait(LONG))
    print(f"{victim} killed with {len(lost)} tasks; the run ended {time.monotonic() - killed:.1f} s later", end="; ")
    one_process.run()
    expected = end_state(one_process.kinde.state())
    assert before != at_kill != expected, "the kill was not in the middle"
    assert end_state(kinde.state()) == expected
    retried = {item["map_index"]: item for item in instances(run) if item["task_id"] == APPLY}
    assert all(retried[item["map_index"]]["try_number"] > 1 for item in lost)
    assert all(retried[item["map_index"]]["hostname"] != victim for item in lost)
    assert report["outcomes"]["failed"] == report["outcomes"]["skipped"] == 0
    log = kinde.log()
    created = Counter(_address(entry) for entry in log if _worked(entry, "POST", "/api/v1/user"))
    assert created.total() == PEOPLE // 10
    assert max(created.values()) == 1
    made = requests_of(log)["write"] - requests_of(one_process.kinde.log())["write"]
    print(f"{made} writes more than one process that nothing befell")
    assert requests_of(log)["token"] <= 1


def test_the_next_run_is_silent(airflow: CeleryAirflow, kinde: TwinKinde) -> None:
    victims = [name for name in WORKERS if not airflow.processes.running(name)]
    assert len(victims) == 1
    airflow.restart_worker(victims[0])
    state = kinde.state()
    report = finished(airflow.run(DAG_ID, timeout=LONG))
    assert report["outcome"] == "no changes"
    assert requests_of(kinde.log())["write"] == 0
    assert kinde.state() == state


def _worked(entry: dict[str, Any], method: str, path: str) -> bool:
    return entry["method"] == method and entry["path"] == path and 200 <= (entry["worked"] or 0) < 300


def _address(entry: dict[str, Any]) -> str:
    return next(str(item["details"]["email"]) for item in entry["body"]["identities"] if item["type"] == "email")
