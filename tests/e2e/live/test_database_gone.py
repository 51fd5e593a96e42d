"""The metadata database goes down while a sync writes, and comes back: a run ends right, and nothing is twice.

The connection is in that database, and Airflow logs all that it can: afterwards everything is searched for secrets.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator

import pytest
import requests

from demo.local_airflow import DagRun, LocalAirflow
from demo.local_kinde import LocalKinde
from demo.stage import Stage
from tests.e2e.expected import due, managed
from tests.e2e.leftovers import cells, files, found, secrets
from tests.e2e.live.failures import airflow as troubled
from tests.e2e.live.failures import control, done_twice, hire, shared_token, wait, writes
from tests.support.postgres import PASSWORD, Postgres

FILE = """
import os
from datetime import timedelta
from airflow_provider_kinde.dag_factory import kinde_sync_dag

quick = {"retries": 3, "retry_delay": timedelta(seconds=1), "retry_exponential_backoff": False}
dag = kinde_sync_dag(os.environ["KINDE_SYNC_SPEC"], dag_id="hr", default_args=quick)
"""
GONE = 30.0
"""Seconds for which nobody reaches the database."""


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    running = Postgres()
    running.sql("CREATE DATABASE airflow")
    try:
        yield running
    finally:
        running.stop()


def uri(postgres: Postgres) -> str:
    return f"postgresql+psycopg2://hr:{PASSWORD}@127.0.0.1:{postgres.port}/airflow"


@pytest.fixture
def airflow(stage: Stage, kinde: LocalKinde, postgres: Postgres) -> Iterator[LocalAirflow]:
    settings = {
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": uri(postgres),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "DEBUG",
        "AIRFLOW_CONN_KINDE_DEMO": "",
    }
    with troubled(stage, kinde, FILE, "hr", **settings) as running:
        connection = json.loads(shared_token(kinde))
        running.api("POST", "connections", {**connection, "connection_id": "kinde_demo", "extra": '{"timeout": 20}'})
        yield running


def finish(airflow: LocalAirflow, run: DagRun, timeout: float = 400) -> None:
    """Wait for a run while parts of Airflow give up and are started again, as a service manager does."""
    ends = time.monotonic() + timeout
    while time.monotonic() < ends:
        for name in airflow.processes.ended():
            airflow.start_part(name)
        with contextlib.suppress(RuntimeError, requests.RequestException):
            if run.finished():
                return
        time.sleep(0.5)
    raise AssertionError(f"{run.run_id} did not end within {timeout:.0f} s")


def test_a_run_ends_right_once_the_database_is_back(
    airflow: LocalAirflow, kinde: LocalKinde, stage: Stage, postgres: Postgres
) -> None:
    assert airflow.run("hr").state == "success"
    hire(stage, "new", 130)
    control(kinde, "PATCH", "settings", {"latency": 100})
    before = len(writes(kinde))
    run = airflow.trigger("hr")
    wait(airflow, "the middle of the run", lambda: len(writes(kinde)) >= before + 60, 120)
    postgres.halt()
    assert managed(kinde.state()) != due(stage.hr.path)
    time.sleep(GONE)
    with pytest.raises((RuntimeError, requests.RequestException)):
        airflow.api("GET", run.path)
    postgres.start()
    finish(airflow, run)
    assert run.state == "success", run.log("apply", run.tasks()["apply"]["try_number"])
    assert run.tasks()["plan"]["try_number"] == 1
    # A task that goes on to its end while nobody can take down that it did is tried again, and finds nothing left.
    assert run.xcom("apply")["outcome"] in ("changes", "no changes")
    assert not done_twice(writes(kinde)[before:])
    assert managed(kinde.state()) == due(stage.hr.path)

    silent = len(writes(kinde))
    again = airflow.trigger("hr")
    finish(airflow, again)
    assert again.xcom("apply")["outcome"] == "no changes"
    assert len(writes(kinde)) == silent

    left = [*files(stage.home, stage.folder / "reports", stage.folder / "tmp", postgres.data), *cells(uri(postgres))]
    passwords = [content for where, content in left if where == "connection.password"]
    assert [password.startswith(b"gAAAAA") for password in passwords] == [True]
    # The token is there, for all processes of this machine, and cannot be read.
    assert [where for where, _ in left if where.endswith(".token")]
    assert not found(secrets(kinde), left)
