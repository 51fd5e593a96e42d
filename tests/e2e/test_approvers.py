"""Only the approvers of a DAG approve its plans: four users with the roles of Airflow, over its REST API."""

from __future__ import annotations

from typing import Any

import pytest

from demo.local_airflow import DagRun, LocalAirflow
from demo.local_kinde import LocalKinde
from demo.stage import Stage
from tests.e2e.conftest import GUARDED, USERS
from tests.e2e.test_approval import answer, finished, question, states, suspended


def triggered(airflow: LocalAirflow, user: str, **conf: Any) -> DagRun:
    body = {"logical_date": None, "conf": conf}
    return airflow.past(GUARDED, airflow.api("POST", f"dags/{GUARDED}/dagRuns", body, user=user)["dag_run_id"])


@pytest.fixture(scope="module")
def blocked(airflow: LocalAirflow, guarded_kinde: LocalKinde, guarded_stage: Stage) -> dict[str, Any]:
    """A plan that takes the access of 30 people, blocked by a guard: what its task handed on."""
    assert finished(airflow, triggered(airflow, "admin")).state == "success"
    rows = guarded_stage.hr.rows()
    for row in rows[:30]:
        row["Status"] = "Terminated"
    guarded_stage.hr.write(rows)
    run = triggered(airflow, "uma")
    question(airflow, run)
    found: dict[str, Any] = run.xcom("plan")
    assert found["blocked"]
    assert found["approvable"]
    assert states(answer(airflow, run, "Reject")) == {"plan": "success", "approve": "skipped", "apply": "skipped"}
    return found


def test_the_form_takes_no_approval(airflow: LocalAirflow) -> None:
    assert set(airflow.api("GET", f"dags/{GUARDED}/details")["params"]) == {"ids", "only", "dry_run"}


@pytest.mark.parametrize("user", ["admin", *USERS])
def test_the_configuration_of_a_run_approves_nothing(
    airflow: LocalAirflow, guarded_kinde: LocalKinde, blocked: dict[str, Any], user: str
) -> None:
    before = guarded_kinde.writes(), suspended(guarded_kinde)
    for conf in ({"approve": blocked["hash"]}, {"approve_protected": ["1"]}):
        if user == "vic":
            with pytest.raises(RuntimeError, match=" 403 "):
                triggered(airflow, user, **conf)
            continue
        run = finished(airflow, triggered(airflow, user, **conf))
        assert states(run) == {"plan": "failed", "approve": "upstream_failed", "apply": "upstream_failed"}
        assert "approval comes from them alone" in run.log("plan")
    assert (guarded_kinde.writes(), suspended(guarded_kinde)) == before


def test_only_the_approver_answers_and_the_answer_cannot_be_forged(
    airflow: LocalAirflow, guarded_kinde: LocalKinde, blocked: dict[str, Any]
) -> None:
    run = triggered(airflow, "uma")
    question(airflow, run)
    task = f"{run.path}/taskInstances/approve"
    reply = {"chosen_options": ["Approve"], "params_input": {}}
    for user in USERS:
        with pytest.raises(RuntimeError, match=" 403 "):
            airflow.api("PATCH", f"{task}/-1/hitlDetails", reply, user=user)
    before = guarded_kinde.writes()
    # A user who may edit the DAG may write what the task hands on, and mark it as done.
    forged = {"asked": True, "hash": blocked["hash"], "path": run.xcom("plan")["path"], "by": "admin", "seal": "0" * 64}
    airflow.api("POST", f"{task}/xcomEntries", {"key": "return_value", "value": forged}, user="uma")
    airflow.api("PATCH", task, {"new_state": "success"}, user="uma")
    assert finished(airflow, run).state == "failed"
    assert states(run)["apply"] == "failed"
    assert "was changed after the task ended" in run.log("apply")
    assert guarded_kinde.writes() == before


def test_the_approver_approves(airflow: LocalAirflow, guarded_kinde: LocalKinde, blocked: dict[str, Any]) -> None:
    before = suspended(guarded_kinde)
    run = triggered(airflow, "uma")
    question(airflow, run)
    assert answer(airflow, run, "Approve").state == "success", run.log("apply")
    assert suspended(guarded_kinde) - before == blocked["summary"]["suspend"]
