"""A thousand sensors that wait in one triggerer: no worker is held, and they look together, with one token."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from demo.local_airflow import DagRun, LocalAirflow
from demo.local_kinde import LocalKinde
from demo.stage import Stage
from tests.e2e.live.failures import airflow as troubled
from tests.e2e.live.failures import control, log, shared_token, wait

MANY = int(os.environ.get("KINDE_TEST_SENSORS", "1000"))
INTERVAL, TOGETHER = 20, 40
"""Seconds between two looks, and how many addresses go into one request."""
FILE = f"""
from datetime import timedelta
from airflow.providers.common.compat.sdk import DAG
from airflow_provider_kinde.sensors.users import KindeUserSensor

with DAG("waits", schedule=None, max_active_tasks=16, default_args={{"retries": 0}}):
    KindeUserSensor.partial(
        task_id="user", kinde_conn_id="kinde_demo", deferrable=True, poke_interval={INTERVAL}, timeout=7200
    ).expand(email=[f"late{{n}}@example.com" for n in range({MANY})])
"""


@pytest.fixture
def airflow(stage: Stage, kinde: LocalKinde) -> Iterator[LocalAirflow]:
    shared = {"AIRFLOW_CONN_KINDE_DEMO": shared_token(kinde), "AIRFLOW__CORE__PARALLELISM": "6"}
    # As an installation has them: with a thousand triggers, a triggerer is not asked for a sign of life every second.
    usual = {"AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "", "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": ""}
    with troubled(stage, kinde, FILE, "waits", **shared, **usual) as running:
        running.start_part("triggerer")
        yield running


def in_state(run: DagRun, state: str) -> int:
    listed = run.airflow.api("GET", f"{run.path}/taskInstances?state={state}&limit=1")
    return int(listed["total_entries"])


def test_they_look_together_and_hold_no_worker(airflow: LocalAirflow, kinde: LocalKinde) -> None:
    run = airflow.trigger("waits")
    began = time.monotonic()
    wait(airflow, "all sensors to be deferred", lambda: in_state(run, "deferred") == MANY, 60 + 3 * MANY)
    print(f"\n{MANY} sensors deferred after {time.monotonic() - began:.0f} s", flush=True)
    pool = airflow.api("GET", "pools/default_pool")
    assert (pool["running_slots"], pool["queued_slots"], pool["deferred_slots"]) == (0, 0, MANY)

    # The last of them have joined the others by their second look.
    time.sleep(2 * INTERVAL)
    first, rounds = len(log(kinde)), 5
    time.sleep(rounds * INTERVAL)
    looked = len(log(kinde)) - first
    fewest = rounds * -(-MANY // TOGETHER)
    print(f"{rounds} rounds: {looked} requests, {fewest} at the fewest", flush=True)
    assert fewest * (rounds - 1) / rounds <= looked <= 1.3 * fewest + rounds
    assert len(log(kinde, "token")) == 1

    some = range(0, MANY, MANY // 10)
    control(kinde, "POST", "seed", {"users": [{"email": f"late{n}@example.com"} for n in some]})
    wait(airflow, "those who came", lambda: in_state(run, "success") == len(some), 60 + 2 * INTERVAL)
    assert in_state(run, "deferred") == MANY - len(some)
    assert len(log(kinde, "token")) == 1
    assert {(entry["method"], entry["status"]) for entry in log(kinde)} == {("GET", 200)}
