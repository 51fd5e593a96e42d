"""Sensors that wait in a triggerer which is killed: another one goes on waiting, and no worker is held meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from demo.local_airflow import LocalAirflow
from demo.local_kinde import LocalKinde
from demo.stage import Stage
from tests.e2e.live.failures import airflow as troubled
from tests.e2e.live.failures import control, log, shared_token, wait

FILE = """
from airflow.providers.common.compat.sdk import DAG
from airflow_provider_kinde.sensors.organizations import KindeOrganizationUserSensor
from airflow_provider_kinde.sensors.users import KindeUserSensor

common = {"kinde_conn_id": "kinde_demo", "email": "late@example.com", "deferrable": True, "poke_interval": 2}
with DAG("waits", schedule=None, default_args={"retries": 0}):
    KindeUserSensor(task_id="user", condition="active", **common)
    KindeOrganizationUserSensor(task_id="member", handle="sales", roles=["seller"], **common)
"""
LATE = {"id": "kp_late", "email": "late@example.com", "memberships": {"sales": ["seller"]}}


@pytest.fixture
def airflow(stage: Stage, kinde: LocalKinde) -> Iterator[LocalAirflow]:
    with troubled(stage, kinde, FILE, "waits", AIRFLOW_CONN_KINDE_DEMO=shared_token(kinde)) as running:
        yield running


def test_another_triggerer_goes_on_waiting(airflow: LocalAirflow, kinde: LocalKinde) -> None:
    airflow.start_part("triggerer")
    run = airflow.trigger("waits")

    def states() -> set[str]:
        return {task["state"] for task in run.tasks().values()}

    wait(airflow, "the sensors to be deferred", lambda: states() == {"deferred"}, 120)
    deferred = len(log(kinde))
    wait(airflow, "looks from the triggerer", lambda: len(log(kinde)) >= deferred + 4)
    pool = airflow.api("GET", "pools/default_pool")
    assert (pool["running_slots"], pool["deferred_slots"]) == (0, 2)

    airflow.processes.kill("triggerer")
    killed = len(log(kinde))
    time.sleep(5)
    assert len(log(kinde)) == killed
    assert states() == {"deferred"}

    airflow.start_part("triggerer")
    wait(airflow, "looks from the new triggerer", lambda: len(log(kinde)) >= killed + 4)
    assert states() == {"deferred"}
    control(kinde, "POST", "seed", {"users": [LATE]})
    assert run.wait(120).state == "success", {name: run.log(name) for name in run.tasks()}
    assert run.xcom("user") == {"user_id": "kp_late", "state": "active"}
    member = run.xcom("member")
    assert (member["user_id"], member["roles"]) == ("kp_late", ["seller"])
    assert {task["try_number"] for task in run.tasks().values()} == {1}

    # Workers and both triggerers used one token, and nobody wrote.
    assert len(log(kinde, "token")) == 1
    assert {entry["method"] for entry in log(kinde)} == {"GET"}
    assert {entry["status"] for entry in log(kinde)} == {200}
