"""A sync divided among two Celery workers comes to what one process comes to, also when a worker is lost on the way."""

from __future__ import annotations

import json
import signal
import time
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from demo.local_airflow import DagRun
from tests.distributed.celery_airflow import WORKERS, CeleryAirflow, instances
from tests.distributed.conftest import DAG_ID, PEOPLE, POOL, SHARDS, OneProcess, TwinKinde
from tests.distributed.staff import Staff, account, end_state, requests_of

LAST = "report" if SHARDS > 1 else "apply"
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


def check_requests(
    run: DagRun, report: dict[str, Any], expected: dict[str, Any], kinde: TwinKinde, one_process: OneProcess
) -> None:
    """No more requests than what the division costs, and as many as the report says (the plan's own apart)."""
    sent, others = requests_of(kinde.log()), requests_of(one_process.kinde.log())
    assert sent["write"] - others["write"] <= SHARDS * ORGANIZATIONS
    # Members that were read a minute ago are read again before they are written, by each shard for itself.
    again = SHARDS * pages(kinde.state()) if took(run) > 60 else 0
    assert sent["read"] - others["read"] <= again
    assert report["requests"]["write"] == sent["write"]
    assert expected["requests"]["write"] == others["write"]


def pages(state: dict[str, Any]) -> int:
    """How many requests it takes to read the members of all organizations."""
    members = Counter(code for user in state["users"] for code in user["memberships"])
    return sum(-(-count // 500) for count in members.values())


def took(run: DagRun) -> float:
    """Seconds from the start of what reads Kinde before writing to the end of the writing."""
    items = [item for item in instances(run) if item["task_id"] in ("prepare", "apply")]
    # Python 3.10 does not read a Z.
    moments = [
        datetime.fromisoformat(item[end].replace("Z", "+00:00")) for item in items for end in ("start_date", "end_date")
    ]
    return (max(moments) - min(moments)).total_seconds()


def test_everybody_arrives(airflow: CeleryAirflow, kinde: TwinKinde, one_process: OneProcess, staff: Staff) -> None:
    staff.first_day()
    report, expected, run = both(airflow, kinde, one_process)
    assert report["summary"]["create"] == PEOPLE
    assert account(report) == account(expected)
    check_requests(run, report, expected, kinde, one_process)
    assert requests_of(kinde.log())["token"] == 1
    shards = [item for item in instances(run) if item["task_id"] == "apply"]
    assert len(shards) == SHARDS
    if SHARDS > 1:
        assert {item["hostname"] for item in shards} == set(WORKERS)
        assert {item["pool"] for item in shards} == {POOL}


def test_movers_leavers_and_joiners(
    airflow: CeleryAirflow, kinde: TwinKinde, one_process: OneProcess, staff: Staff
) -> None:
    staff.next_day(2)
    report, expected, run = both(airflow, kinde, one_process)
    assert all(report["summary"][kind] for kind in ("create", "rename", "update", "suspend", "remove_membership"))
    assert account(report) == account(expected)
    check_requests(run, report, expected, kinde, one_process)


def test_a_worker_is_lost(airflow: CeleryAirflow, kinde: TwinKinde, one_process: OneProcess, staff: Staff) -> None:
    staff.next_day(3)
    run, victim, lost = in_the_middle(airflow, kinde)
    airflow.processes.kill(victim)
    killed = time.monotonic()
    kinde.change(latency=0.0)
    at_kill = end_state(kinde.state())
    report = finished(run.wait(LONG))
    print(f"{victim} killed with {len(lost)} tasks; the run ended {time.monotonic() - killed:.1f} s later", end="; ")
    airflow.restart_worker(victim)
    one_process.run()
    expected = end_state(one_process.kinde.state())
    assert at_kill != expected, "the kill was not in the middle"
    assert end_state(kinde.state()) == expected
    check_retried(run, lost, victim)
    assert report["outcomes"]["failed"] == report["outcomes"]["skipped"] == 0
    check_created_once(kinde)
    made = requests_of(kinde.log())["write"] - requests_of(one_process.kinde.log())["write"]
    print(f"{made} writes more than one process that nothing befell")
    check_silent(airflow, kinde)


def test_a_worker_freezes_and_comes_back(
    airflow: CeleryAirflow, kinde: TwinKinde, one_process: OneProcess, staff: Staff
) -> None:
    """As when a machine sleeps, or its network is gone for a while: two tries of one shard are at work at once."""
    staff.next_day(4)
    run, victim, lost = in_the_middle(airflow, kinde)
    airflow.processes.send(victim, signal.SIGSTOP)
    try:
        airflow.processes.wait_for("the end of the first try", lambda: given_up(run, lost), LONG)
        # Or the other worker would be at work on its own shards for longer than a task may be queued.
        kinde.change(latency=50.0)
        airflow.processes.wait_for("the retry", lambda: at_work_again(run, lost), LONG)
    finally:
        airflow.processes.send(victim, signal.SIGCONT)
    kinde.change(latency=0.0)
    finished(run.wait(LONG))
    one_process.run()
    # What the try that was given up had under way may still arrive.
    airflow.processes.wait_for("silence", lambda: quiet(kinde), 60)
    assert end_state(kinde.state()) == end_state(one_process.kinde.state())
    check_retried(run, lost, victim)
    check_created_once(kinde)
    check_silent(airflow, kinde)


def in_the_middle(airflow: CeleryAirflow, kinde: TwinKinde) -> tuple[DagRun, str, list[dict[str, Any]]]:
    """Start a run, and wait until a worker has begun to write: the run, that worker, and the tasks it has."""
    # Slow enough for something to happen on the way.
    kinde.change(latency=300.0)
    run = airflow.trigger(DAG_ID)
    airflow.processes.wait_for("the first writes", lambda: requests_of(kinde.log())["write"] > PEOPLE // 50, LONG)
    running = [item for item in instances(run) if item["task_id"] == "apply" and item["state"] == "running"]
    victim = str(running[0]["hostname"])
    return run, victim, [item for item in running if item["hostname"] == victim]


def given_up(run: DagRun, lost: list[dict[str, Any]]) -> bool:
    """Whether Airflow has noticed of each of the tasks that nobody is at work on it."""
    return all(item["state"] != "running" or item["try_number"] > 1 for item in as_they_are(run, lost))


def at_work_again(run: DagRun, lost: list[dict[str, Any]]) -> bool:
    """Whether each of the tasks is running for the second time, or has done so."""
    now = as_they_are(run, lost)
    assert not any(item["state"] == "failed" for item in now), now
    return all(item["try_number"] > 1 and item["state"] in ("running", "success") for item in now)


def as_they_are(run: DagRun, tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """These shards as Airflow sees them now."""
    now = {item["map_index"]: item for item in instances(run) if item["task_id"] == "apply"}
    return [now[item["map_index"]] for item in tasks]


def quiet(kinde: TwinKinde) -> bool:
    """Whether no request arrives within two seconds."""
    before = len(kinde.log())
    time.sleep(2)
    return len(kinde.log()) == before


def check_retried(run: DagRun, lost: list[dict[str, Any]], victim: str) -> None:
    """The tasks of the worker were tried again, and elsewhere unless it had come back."""
    now = as_they_are(run, lost)
    assert lost
    assert all(item["try_number"] > 1 for item in now)
    assert any(item["hostname"] != victim for item in now)


def check_created_once(kinde: TwinKinde) -> None:
    """Each new account was created by one request."""
    made = Counter(_address(entry) for entry in kinde.log() if _worked(entry, "POST", "/api/v1/user"))
    assert made.total() == len(made) > 0


def check_silent(airflow: CeleryAirflow, kinde: TwinKinde) -> None:
    """Another run has nothing to do."""
    kinde.forget()
    state = kinde.state()
    report = finished(airflow.run(DAG_ID, timeout=LONG))
    assert report["outcome"] == "no changes"
    assert requests_of(kinde.log())["write"] == 0
    assert kinde.state() == state


def _worked(entry: dict[str, Any], method: str, path: str) -> bool:
    return entry["method"] == method and entry["path"] == path and 200 <= (entry["worked"] or 0) < 300


def _address(entry: dict[str, Any]) -> str:
    return next(str(item["details"]["email"]) for item in entry["body"]["identities"] if item["type"] == "email")
