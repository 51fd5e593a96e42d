"""A sync whose tasks run on two Celery workers ends like one process, also when the applying worker is lost."""

from __future__ import annotations

import json
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from demo.local_airflow import DagRun
from tests.distributed.celery_airflow import CeleryAirflow
from tests.distributed.conftest import DAG_ID, PEOPLE, OneProcess, TwinKinde
from tests.distributed.staff import Staff, account, end_state, requests_of

LONG = 120 + PEOPLE / 10


def finished(run: DagRun) -> dict[str, Any]:
    """The report of a run that has succeeded."""
    states = {name: item["state"] for name, item in run.tasks().items()}
    assert run.state == "success", f"{states}\n{_logs(run)}"
    report: dict[str, Any] = json.loads(Path(run.xcom("apply")["path"]).read_text(encoding="utf-8"))
    return report


def _logs(run: DagRun) -> str:
    folder = Path(run.airflow.home) / "logs" / f"dag_id={DAG_ID}" / f"run_id={run.run_id}"
    return "\n".join(f"--- {log}\n{log.read_text()[-3000:]}" for log in sorted(folder.rglob("*.log")))


@pytest.fixture(autouse=True)
def _fresh_logs(kinde: TwinKinde, one_process: OneProcess) -> None:
    kinde.forget()
    one_process.kinde.forget()


def test_one_worker_plans_and_another_applies(
    airflow: CeleryAirflow, kinde: TwinKinde, one_process: OneProcess, staff: Staff
) -> None:
    staff.first_day()
    began = time.monotonic()
    run = airflow.run(DAG_ID, timeout=LONG)
    report = finished(run)
    print(f"{time.monotonic() - began:.1f} s, {report['outcomes']}, {report['requests']}")
    assert {name: item["hostname"] for name, item in run.tasks().items()} == {"plan": "worker-1", "apply": "worker-2"}
    expected = one_process.run()
    assert report["summary"]["create"] == PEOPLE
    assert account(report) == account(expected)
    assert end_state(kinde.state()) == end_state(one_process.kinde.state())
    sent = requests_of(kinde.log())
    assert report["requests"]["write"] == sent["write"] == requests_of(one_process.kinde.log())["write"]
    assert sent["token"] == 1
    check_silent(airflow, kinde)


def test_the_applying_worker_is_killed(
    airflow: CeleryAirflow, kinde: TwinKinde, one_process: OneProcess, staff: Staff
) -> None:
    staff.next_day(2)
    run = while_applying(airflow, kinde)
    airflow.processes.kill("worker-2")
    killed = time.monotonic()
    # What was under way may still arrive; the retry begins later, once Airflow misses the task's heartbeat.
    airflow.processes.wait_for("silence", lambda: quiet(kinde), 60)
    before, at_kill = kinde.log(), end_state(kinde.state())
    kinde.forget()
    kinde.change(latency=0.0)
    airflow.take_over("worker-1", "applying")
    report = finished(run.wait(LONG))
    print(f"worker-2 killed after {requests_of(before)['write']} writes; the run ended", end=" ")
    print(f"{time.monotonic() - killed:.1f} s later, {report['outcomes']}, {report['requests']}")
    airflow.restart_worker("worker-2")

    retried = run.tasks()["apply"]
    assert (retried["hostname"], retried["try_number"]) == ("worker-1", 2)
    one_process.run()
    expected = end_state(one_process.kinde.state())
    assert at_kill != expected, "the kill was not in the middle"
    assert end_state(kinde.state()) == expected
    assert report["outcomes"]["failed"] == report["outcomes"]["skipped"] == 0
    assert report["requests"]["write"] == requests_of(kinde.log())["write"]
    check_nothing_twice([*before, *kinde.log()], one_process.kinde.log())
    check_silent(airflow, kinde)


def test_the_applying_worker_freezes_and_comes_back(
    airflow: CeleryAirflow, kinde: TwinKinde, one_process: OneProcess, staff: Staff
) -> None:
    """A machine that sleeps, or has no network for a while, wakes up while another worker runs the retry."""
    staff.next_day(3)
    # After the kill, worker-1 takes the tasks of both queues.
    run = while_applying(airflow, kinde)
    frozen = str(run.tasks()["apply"]["hostname"])
    airflow.processes.send(frozen, signal.SIGSTOP)
    try:
        airflow.processes.wait_for("the retry", lambda: at_work_again(run), LONG)
    finally:
        airflow.processes.send(frozen, signal.SIGCONT)
    kinde.change(latency=0.0)
    finished(run.wait(LONG))
    one_process.run()
    # What the first try had under way may still arrive.
    airflow.processes.wait_for("silence", lambda: quiet(kinde), 60)
    assert end_state(kinde.state()) == end_state(one_process.kinde.state())
    assert run.tasks()["apply"]["hostname"] != frozen
    check_created_once(kinde.log())
    check_silent(airflow, kinde)


def while_applying(airflow: CeleryAirflow, kinde: TwinKinde) -> DagRun:
    """Start a run, and wait until it has begun to write."""
    kinde.change(latency=300.0)  # slow enough to be interrupted
    run = airflow.trigger(DAG_ID)
    airflow.processes.wait_for("the first writes", lambda: requests_of(kinde.log())["write"] > PEOPLE // 20, LONG)
    assert run.tasks()["apply"]["state"] == "running"
    return run


def at_work_again(run: DagRun) -> bool:
    """Whether ``apply`` runs for the second time, or has done so."""
    now = run.tasks()["apply"]
    assert now["state"] != "failed", now
    return bool(now["try_number"] > 1 and now["state"] in ("running", "success"))


def quiet(kinde: TwinKinde) -> bool:
    """Whether no request arrives within two seconds."""
    before = len(kinde.log())
    time.sleep(2)
    return len(kinde.log()) == before


def check_nothing_twice(log: list[dict[str, Any]], undisturbed: list[dict[str, Any]]) -> None:
    """Nobody was created twice, and no other write took effect more often than in an undisturbed run."""
    check_created_once(log)
    assert set(_effects(log)) >= set(_effects(undisturbed))
    assert not (_effects(log) - _effects(undisturbed)), "done twice"


def _effects(log: list[dict[str, Any]]) -> Counter[str]:
    """The creations, address changes and suspensions that Kinde accepted, by what they change."""
    found: Counter[str] = Counter()
    for entry in log:
        if entry["kind"] == "api" and entry["method"] != "GET" and 200 <= (entry["worked"] or 0) < 300:
            body = entry["body"] or {}
            if entry["method"] == "POST" and entry["path"] == "/api/v1/user":
                found[f"create {_address(entry)}"] += 1
            elif entry["method"] == "POST" and entry["path"].endswith("/identities"):
                found[f"identity {body.get('value')}"] += 1
            elif entry["method"] == "PATCH" and body.get("is_suspended") is True:
                found[f"suspend {body.get('provided_id')}"] += 1
    return found


def check_created_once(log: list[dict[str, Any]]) -> None:
    """Each new account was created by one request."""
    made = Counter({what: count for what, count in _effects(log).items() if what.startswith("create")})
    assert made.total() == len(made) > 0


def check_silent(airflow: CeleryAirflow, kinde: TwinKinde) -> None:
    """Another run has nothing to do."""
    kinde.forget()
    state = kinde.state()
    report = finished(airflow.run(DAG_ID, timeout=LONG))
    assert report["outcome"] == "no changes"
    assert requests_of(kinde.log())["write"] == 0
    assert kinde.state() == state


def _address(entry: dict[str, Any]) -> str:
    return next(str(item["details"]["email"]) for item in entry["body"]["identities"] if item["type"] == "email")
