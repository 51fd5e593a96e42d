"""A sync that is killed while it writes, in each way that a machine knows: the retry ends right, nothing is twice."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from demo.local_airflow import DagRun, LocalAirflow
from demo.local_kinde import LocalKinde
from demo.stage import Stage
from tests.e2e.expected import due, managed
from tests.e2e.live.failures import airflow as troubled
from tests.e2e.live.failures import control, done_twice, hire, shared_token, wait, writes

FILE = """
import os
from datetime import timedelta
from airflow_provider_kinde.dag_factory import kinde_sync_dag

quick = {"retries": 1, "retry_delay": timedelta(seconds=1), "retry_exponential_backoff": False}
dag = kinde_sync_dag(os.environ["KINDE_SYNC_SPEC"], dag_id="hr", default_args=quick)
"""
LATENCY = 60
"""Milliseconds for each request: a run of hundreds of people takes long enough to be killed in the middle."""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return Stage(tmp_path_factory.mktemp("killed") / "stage")


@pytest.fixture(scope="module")
def kinde(stage: Stage) -> Iterator[LocalKinde]:
    with stage.kinde() as running:
        yield running


@pytest.fixture(scope="module")
def airflow(stage: Stage, kinde: LocalKinde) -> Iterator[LocalAirflow]:
    with troubled(stage, kinde, FILE, "hr", AIRFLOW_CONN_KINDE_DEMO=shared_token(kinde)) as running:
        assert running.run("hr").state == "success"
        control(kinde, "PATCH", "settings", {"latency": LATENCY})
        yield running


def process_of(run: DagRun, task_id: str) -> int:
    """The process that executes a task, by the name that Airflow gives it."""
    wanted = f"airflow worker -- {run.tasks()[task_id]['id']}".encode()
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if command.read_bytes().rstrip(b"\0").startswith(wanted):
                return int(command.parent.name)
        except OSError:
            continue
    raise AssertionError(f"nobody executes {task_id}")


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1])


def kill_task(airflow: LocalAirflow, run: DagRun) -> None:
    os.kill(process_of(run, "apply"), signal.SIGKILL)


def kill_worker(airflow: LocalAirflow, run: DagRun) -> None:
    """The worker alone: what it watched over goes on, and Airflow, which hears nothing of it, starts the next try."""
    os.kill(parent(process_of(run, "apply")), signal.SIGKILL)


def kill_scheduler(airflow: LocalAirflow, run: DagRun) -> None:
    """The scheduler and all that it started."""
    airflow.processes.kill("scheduler")
    airflow.start_part("scheduler")


@pytest.mark.parametrize("how", [kill_task, kill_worker, kill_scheduler])
def test_the_retry_ends_right_and_nothing_is_twice(
    airflow: LocalAirflow, kinde: LocalKinde, stage: Stage, how: Callable[[LocalAirflow, DagRun], None]
) -> None:
    hire(stage, how.__name__.replace("_", "-"), 130)
    before = len(writes(kinde))
    run = airflow.trigger("hr")
    wait(airflow, "the middle of the run", lambda: len(writes(kinde)) >= before + 60, 120)
    how(airflow, run)
    killed = len(writes(kinde))
    assert managed(kinde.state()) != due(stage.hr.path)
    run.wait(240)
    assert run.state == "success", run.log("apply", 2)
    attempt = run.tasks()["apply"]["try_number"]
    # A task whose scheduler died is taken over, and begun anew; Airflow does not always count that as a try.
    assert attempt == 2 or how is kill_scheduler
    assert run.tasks()["plan"]["try_number"] == 1

    # Every effect once, and exactly what HR says.
    assert not done_twice(writes(kinde)[before:])
    assert managed(kinde.state()) == due(stage.hr.path)
    addresses = [user["email"].lower() for user in kinde.state()["users"]]
    assert len(addresses) == len(set(addresses))

    # The report is that of the last try, and true.
    report = run.xcom("apply")
    assert f"apply.try{attempt}" in report["path"]
    assert {outcome for outcome, count in report["outcomes"].items() if count} <= {"done"}
    second = writes(kinde)[killed:]
    # Beside a task that goes on without its worker, the next try may find nothing left to do.
    if how is not kill_worker:
        assert report["outcome"] == "changes"
        assert report["requests"]["write"] in range(len(second) - 20, len(second) + 1)
        assert made_by(report["path"]) <= made(second)

    silent = len(writes(kinde))
    again = airflow.run("hr", timeout=240)
    assert again.xcom("apply")["outcome"] == "no changes"
    assert len(writes(kinde)) == silent


def made(entries: list[dict[str, Any]]) -> set[str]:
    """Addresses of users that were created."""
    return {
        entry["body"]["identities"][0]["details"]["email"].lower()
        for entry in entries
        if entry["method"] == "POST" and entry["path"].endswith("/user")
    }


def made_by(path: str) -> set[str]:
    """The same, as a report has it."""
    operations = json.loads(Path(path).read_text(encoding="utf-8"))["operations"]
    return {
        item["after"]["email"].lower() for item in operations if item["kind"] == "create" and item["outcome"] == "done"
    }
