"""A person approves or rejects a plan of a real scheduler's run, over Airflow's REST API."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

from demo.local_airflow import DagRun, LocalAirflow
from demo.local_kinde import LocalKinde
from demo.stage import Stage
from tests.e2e.conftest import ALWAYS, BLOCKED


def started(airflow: LocalAirflow, dag_id: str, **conf: Any) -> DagRun:
    body = {"logical_date": None, "conf": conf}
    return airflow.past(dag_id, airflow.api("POST", f"dags/{dag_id}/dagRuns", body)["dag_run_id"])


def finished(airflow: LocalAirflow, run: DagRun) -> DagRun:
    airflow.processes.wait_for(f"run {run.run_id}", run.finished, 120, every=0.3)
    return run


def question(airflow: LocalAirflow, run: DagRun) -> dict[str, Any]:
    """What the approver is shown, once the run asks."""
    found: dict[str, Any] = {}

    def asked() -> bool:
        assert not run.finished(), run.log("plan")
        try:
            found.update(airflow.api("GET", f"{run.path}/taskInstances/approve/-1/hitlDetails"))
        except RuntimeError as error:
            if " 404 " not in str(error):
                raise
        # The question is written down a moment before the task is put aside.
        return bool(found) and run.tasks()["approve"]["state"] in ("awaiting_input", "deferred")

    airflow.processes.wait_for("the question", asked, 60, every=0.3)
    return found


def answer(airflow: LocalAirflow, run: DagRun, option: str) -> DagRun:
    path = f"{run.path}/taskInstances/approve/-1/hitlDetails"
    # The process of the task lingers for some seconds after it asked, and a task that is queued again before the
    # scheduler has heard of its end is failed by Airflow. No person answers as fast; a test waits for the word.
    heard = f"task_id='approve', run_id='{run.run_id}'"

    def let_go() -> bool:
        lines = (airflow.home / "process-logs" / "scheduler.log").read_text(errors="replace").splitlines()
        return any("Received executor event" in line and heard in line for line in lines)

    airflow.processes.wait_for("the scheduler to let go of the task", let_go, 60, every=0.3)
    airflow.api("PATCH", path, {"chosen_options": [option], "params_input": {}})
    return finished(airflow, run)


def suspended(kinde: LocalKinde) -> int:
    return sum(user["is_suspended"] for user in kinde.state()["users"])


def states(run: DagRun) -> dict[str, str]:
    return {name: task["state"] for name, task in run.tasks().items()}


def test_a_rejected_plan_ends_cleanly_and_writes_nothing(airflow: LocalAirflow, asked_kinde: LocalKinde) -> None:
    run = started(airflow, ALWAYS)
    asked = question(airflow, run)
    assert asked["options"] == ["Approve", "Reject"]
    assert not asked["defaults"]
    assert re.fullmatch(r"harborlane-hr: [\d,]+ people would join.*", asked["subject"])
    assert f"/kinde/run?dag_id={ALWAYS}&run_id=" in asked["body"]
    assert "harborlane.example" not in asked["body"]
    assert run.xcom("plan")["hash"] in asked["body"]
    answer(airflow, run, "Reject")
    assert run.state == "success"
    assert states(run) == {"plan": "success", "approve": "skipped", "apply": "skipped"}
    assert asked_kinde.writes() == 0
    log = run.log("approve")
    assert re.search(r"history: entry \d+, head [0-9a-f]{64}", log), log


def test_a_plan_that_is_not_blocked_is_applied_without_an_approval(
    airflow: LocalAirflow, asked_kinde: LocalKinde
) -> None:
    run = finished(airflow, started(airflow, BLOCKED))
    assert states(run) == {"plan": "success", "approve": "success", "apply": "success"}
    assert run.xcom("approve")["asked"] is False
    assert asked_kinde.writes() > 0


def test_a_blocked_plan_is_applied_once_it_is_approved(
    airflow: LocalAirflow, asked_kinde: LocalKinde, asked_stage: Stage
) -> None:
    rows = asked_stage.hr.rows()
    for row in rows[:60]:
        row["Status"] = "Terminated"
    asked_stage.hr.write(rows)
    writes, before = asked_kinde.writes(), suspended(asked_kinde)
    run = started(airflow, BLOCKED)
    asked = question(airflow, run)
    assert "max\\_leavers" in asked["body"]
    assert "**over the limit**" in asked["body"]
    assert re.fullmatch(r"\S+: [\d,]+ people would lose access, limit \d+", asked["subject"])
    assert [user["id"] for user in asked["assigned_users"]] == ["admin"]
    # The alert is sent once, by the task that asks; here to its log.
    told = [line for name in ("plan", "approve") for line in run.log(name).splitlines() if "Kinde sync " in line]
    assert told == [f"Kinde sync {BLOCKED}.approve: waiting for approval: {asked['subject']}"], told
    log = run.log("approve")
    assert f"people who would lose access: {run.xcom('plan')['summary']['suspend']}" in log
    assert f"/dags/{BLOCKED}/runs/" in log
    assert "/tasks/approve/required_actions" in log
    assert f"/kinde/run?dag_id={BLOCKED}&run_id=" in log
    assert "blocked: max_leavers" in run.log("plan")
    # What HR changes while the question is open was not asked for.
    asked_stage.hr.change(rows[100]["Employee ID"], Status="Terminated")
    assert asked_kinde.writes() == writes
    answer(airflow, run, "Approve")
    assert run.state == "success", run.log("apply")
    plan, approval, report = (run.xcom(name) for name in ("plan", "approve", "apply"))
    assert (plan["outcome"], plan["approvable"]) == ("blocked", True)
    assert len(approval.pop("seal")) == 64
    assert datetime.fromisoformat(approval.pop("at")).tzinfo
    assert approval == {"asked": True, "hash": plan["hash"], "path": plan["path"], "by": "admin"}
    assert report["outcome"] == "changes"
    assert report["changed_since_plan"] == 1
    assert suspended(asked_kinde) - before == plan["summary"]["suspend"] == report["summary"]["suspend"]
    assert len(json.dumps(report)) < 2000


def test_a_block_that_cannot_be_approved_fails(
    airflow: LocalAirflow, asked_kinde: LocalKinde, asked_stage: Stage
) -> None:
    writes = asked_kinde.writes()
    asked_stage.hr.write([])
    run = finished(airflow, started(airflow, BLOCKED))
    assert states(run) == {"plan": "failed", "approve": "upstream_failed", "apply": "upstream_failed"}
    assert asked_kinde.writes() == writes
