"""From the HR file to Kinde by way of a real scheduler, triggered over Airflow's REST API.

What ought to be in Kinde is worked out here from the file itself, by other means than the sync's.
"""

from __future__ import annotations

import csv
import json
import unicodedata
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from demo.local_airflow import LocalAirflow
from demo.local_kinde import LocalKinde
from demo.stage import DAG_ID, Stage

ORGANIZATION = {
    "Engineering": ("Engineering", "engineer"),
    "Sales": ("Sales", "seller"),
    "Customer Support": ("Customer Support", "agent"),
    "Operations": ("Operations", "planner"),
    "Finance": ("Finance", "accountant"),
    "People": ("People", "recruiter"),
}
LEADS = {"Engineering", "Customer Support"}

Expected = dict[str, tuple[str, str, dict[str, list[str]]]]


def day(text: str) -> date | None:
    if not text:
        return None
    month, of_month, year = (int(part) for part in text.split("/"))
    return date(year, month, of_month)


def due(path: Path) -> Expected:
    """Address -> given name, family name, organizations with roles, of everybody who ought to have access."""
    today = datetime.now(timezone.utc).date()
    found: Expected = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            value = {key: unicodedata.normalize("NFC", text).strip() for key, text in row.items()}
            email, status = value["Work email"].lower(), value["Status"].lower()
            if value["Type"] == "Contractor" or "@" not in email or not (value["First name"] and value["Last name"]):
                continue
            hired, left = day(value["Hired"]), day(value["Left"])
            if status not in ("active", "leave of absence") or (hired and hired > today) or (left and left < today):
                continue
            name, role = ORGANIZATION[value["Department"]]
            roles = [role, "lead"] if value["Manager"] == "yes" and value["Department"] in LEADS else [role]
            found[email] = (value["First name"], value["Last name"], {name: sorted(roles)})
    return found


def managed(state: dict[str, Any]) -> Expected:
    """The same of Kinde: everybody whom the sync has made, and who can sign in."""
    names = {item["code"]: item["name"] for item in state["organizations"]}
    return {
        user["email"].lower(): (
            user["first_name"],
            user["last_name"],
            {names[code]: sorted(roles) for code, roles in user["memberships"].items()},
        )
        for user in state["users"]
        if (user["provided_id"] or "").startswith("harborlane-hr:") and not user["is_suspended"]
    }


def unmanaged(state: dict[str, Any]) -> list[dict[str, Any]]:
    return [user for user in state["users"] if not user["provided_id"]]


@pytest.fixture(scope="module")
def before(kinde: LocalKinde) -> dict[str, Any]:
    return kinde.state()


def test_everybody_arrives_with_organizations_and_roles(
    airflow: LocalAirflow, kinde: LocalKinde, stage: Stage, before: dict[str, Any]
) -> None:
    expected = due(stage.hr.path)
    assert len(expected) > 270
    run = airflow.run(DAG_ID)
    assert run.state == "success", run.log("plan") + run.log("apply")
    after = kinde.state()
    assert managed(after) == expected
    assert unmanaged(after) == unmanaged(before)
    report = run.xcom("apply")
    assert report["requests"]["write"] == kinde.writes()
    assert report["rejected"] == 3
    assert len(json.dumps(report)) < 2000


def test_the_next_run_writes_nothing(airflow: LocalAirflow, kinde: LocalKinde) -> None:
    writes, state = kinde.writes(), kinde.state()
    run = airflow.run(DAG_ID)
    assert run.state == "success"
    assert run.xcom("apply")["outcome"] == "no changes"
    assert (kinde.writes(), kinde.state()) == (writes, state)


def test_movers_and_leavers(airflow: LocalAirflow, kinde: LocalKinde, stage: Stage) -> None:
    stage.hr.change("10005", Status="Terminated")
    stage.hr.change("10100", Department="Finance", Manager="no")
    stage.hr.change("10002", **{"Last name": "Haddad-Lindqvist", "Work email": "soren.lindqvist@harborlane.example"})
    expected = due(stage.hr.path)
    run = airflow.run(DAG_ID)
    assert run.state == "success", run.log("apply")
    assert managed(kinde.state()) == expected
    summary = run.xcom("apply")["summary"]
    assert (summary["suspend"], summary["rename"]) == (1, 1)


def test_task_logs_name_nobody(airflow: LocalAirflow) -> None:
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
