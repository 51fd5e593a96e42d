"""From the HR file to Kinde by way of a real scheduler, triggered over Airflow's REST API."""

from __future__ import annotations

import json

import pytest

from demo.local_airflow import LocalAirflow
from demo.local_kinde import LocalKinde
from demo.stage import DAG_ID, Stage
from tests.e2e.conftest import Arrival
from tests.e2e.expected import due, managed, unmanaged


def test_everybody_arrives_with_organizations_and_roles(arrival: Arrival) -> None:
    run = arrival.run
    assert len(arrival.due) > 270
    assert run.state == "success", run.log("plan") + run.log("apply")
    assert managed(arrival.after) == arrival.due
    assert unmanaged(arrival.after) == unmanaged(arrival.before)
    report = run.xcom("apply")
    assert report["requests"]["write"] == arrival.writes
    assert report["rejected"] == 3
    assert len(json.dumps(report)) < 2000


def test_the_next_run_writes_nothing(airflow: LocalAirflow, kinde: LocalKinde, arrival: Arrival) -> None:
    writes, state = kinde.writes(), kinde.state()
    run = airflow.run(DAG_ID)
    assert run.state == "success"
    assert run.xcom("apply")["outcome"] == "no changes"
    assert (kinde.writes(), kinde.state()) == (writes, state)


def test_movers_and_leavers(airflow: LocalAirflow, kinde: LocalKinde, stage: Stage, arrival: Arrival) -> None:
    stage.hr.change("10005", Status="Terminated")
    stage.hr.change("10100", Department="Finance", Manager="no")
    stage.hr.change("10002", **{"Last name": "Haddad-Lindqvist", "Work email": "soren.lindqvist@harborlane.example"})
    expected = due(stage.hr.path)
    run = airflow.run(DAG_ID)
    assert run.state == "success", run.log("apply")
    assert managed(kinde.state()) == expected
    summary = run.xcom("apply")["summary"]
    assert (summary["suspend"], summary["rename"]) == (1, 1)


def test_task_logs_hold_no_names(airflow: LocalAirflow) -> None:
    runs = airflow.api("GET", f"dags/{DAG_ID}/dagRuns?order_by=run_after")["dag_runs"]
    run = airflow.past(DAG_ID, runs[0]["dag_run_id"])
    for task in ("plan", "apply"):
        log = run.log(task)
        assert "outcome: changes" in log
        assert "harborlane.example" not in log
        assert "Haddad" not in log


def test_an_empty_file_changes_nothing(airflow: LocalAirflow, kinde: LocalKinde, stage: Stage) -> None:
    writes, state = kinde.writes(), kinde.state()
    stage.hr.write([])
    run = airflow.run(DAG_ID)
    tasks = run.tasks()
    assert run.state == "failed"
    assert (tasks["plan"]["state"], tasks["plan"]["try_number"]) == ("failed", 1)
    assert tasks["apply"]["state"] == "upstream_failed"
    assert run.xcom("plan")["outcome"] == "blocked"
    assert "blocked, nothing was written" in run.log("plan")
    assert (kinde.writes(), kinde.state()) == (writes, state)


def test_backfills_are_refused(airflow: LocalAirflow) -> None:
    body = {"dag_id": DAG_ID, "from_date": "2026-01-01T00:00:00Z", "to_date": "2026-01-02T00:00:00Z"}
    with pytest.raises(RuntimeError, match=r"40\d|422"):
        airflow.api("POST", "backfills", {**body, "run_backwards": False, "dag_run_conf": {}, "max_active_runs": 1})
