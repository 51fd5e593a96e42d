"""What the live tests share: an Airflow that is made to suffer, a Kinde that is slow, and what was asked of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import requests

from demo.local_airflow import LocalAirflow
from demo.local_kinde import LocalKinde
from demo.stage import Stage

QUICK = {
    # A triggerer, a scheduler or a task that says nothing for so long (seconds) is taken for dead.
    "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "1",
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "6",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "10",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "5",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_SEC": "2",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "10",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
    "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "2",
}
"""Settings with which Airflow notices within seconds what otherwise takes it minutes."""


@contextmanager
def airflow(stage: Stage, kinde: LocalKinde, file: str, *dag_ids: str, **env: str) -> Iterator[LocalAirflow]:
    """An Airflow with one DAG file, whose tokens and temporary files are in the stage's folder.

    :param env: further settings; an empty one is left out altogether.
    """
    dags, temporary = stage.folder / "dags", stage.folder / "tmp"
    for folder in (dags, temporary):
        folder.mkdir()
    (dags / "live.py").write_text(file)
    settings = {**stage.env(kinde), **QUICK, "TMPDIR": str(temporary), **env}
    with LocalAirflow(stage.home, dags, {name: value for name, value in settings.items() if value}) as running:
        for dag_id in dag_ids:
            running.unpause(dag_id)
        yield running


def shared_token(kinde: LocalKinde) -> str:
    """The connection, with one token for all processes of the machine, as it is unless told otherwise."""
    return kinde.connection.replace('"process"', '"host"')


def hire(stage: Stage, prefix: str, count: int) -> None:
    """As many more people as it says, like those who are there."""
    rows = stage.hr.rows()
    active = [row for row in rows if row["Status"] == "Active" and "@" in row["Work email"] and not row["Left"]]
    assert len(active) >= count
    for number, row in enumerate(active[:count]):
        rows.append({**row, "Employee ID": f"{prefix}{number}", "Work email": f"{prefix}.{number}@harborlane.example"})
    stage.hr.write(rows)


def control(kinde: LocalKinde, method: str, path: str, json: Mapping[str, Any] | None = None) -> Any:
    """The emulator's way in beside Kinde's API."""
    answer = requests.request(method, f"{kinde.url}/_emulator/{path}", json=json, timeout=30)
    answer.raise_for_status()
    return answer.json()


def log(kinde: LocalKinde, kind: str = "api") -> list[dict[str, Any]]:
    """The requests so far of one kind: ``api`` or ``token``."""
    return [entry for entry in control(kinde, "GET", "log") if entry["kind"] == kind]


def writes(kinde: LocalKinde) -> list[dict[str, Any]]:
    """The requests that changed something."""
    return [entry for entry in log(kinde) if entry["method"] != "GET" and entry["worked"]]


def done_twice(entries: list[dict[str, Any]]) -> list[str]:
    """What was done more than once: a user made, a user changed in the same way, a member added."""
    effects: Counter[str] = Counter()
    for entry in entries:
        body = entry["body"] or {}
        if entry["method"] == "POST" and entry["path"].endswith("/user"):
            effects[f"made {body['identities'][0]['details']['email'].lower()}"] += 1
        elif isinstance(body.get("users"), list):
            effects.update(f"{entry['method']} {entry['path']} {user}" for user in body["users"])
        else:
            effects[f"{entry['method']} {entry['path']} {body}"] += 1
    return sorted(effect for effect, times in effects.items() if times > 1)


def wait(airflow: LocalAirflow, what: str, ready: Callable[[], bool], timeout: float = 60) -> None:
    """Wait until something holds."""
    airflow.processes.wait_for(what, ready, timeout, every=0.3)
