"""A company of a dozen, its spec, and DAGs run in this process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kinde_emulator import Emulator

SPEC = """
version: 1
name: small-hr
kinde_conn_id: kinde_small
source: {type: file, path: people.csv, expect: {min_rows: 2}}
person:
  id: "{{ row.id }}"
  email: "{{ row.email }}"
  given_name: "{{ row.given }}"
  family_name: "{{ row.family }}"
employment: {status: "{{ row.status }}", active: [Active], inactive: [Left]}
organizations: {it: {name: IT}, hr: {name: HR}}
memberships:
  - {organization: it, when: "{{ row.team == 'IT' }}", roles: [engineer]}
  - {organization: hr, when: "{{ row.team == 'HR' }}", roles: []}
"""
HEADER = "id,email,given,family,status,team\n"
SECRET_WORDS = ("firstname", "lastname", "mail-")
"""Of every name and address in the file: none may reach a log or XCom."""


def row(number: int, **changes: str) -> str:
    values = {
        "id": f"E{number}",
        "email": f"mail-{number}@example.com",
        "given": f"Firstname{number}",
        "family": f"Lastname{number}",
        "status": "Active",
        "team": "IT" if number % 2 else "HR",
        **changes,
    }
    return ",".join(values.values()) + "\n"


class Company:
    """Spec and HR file in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.spec = folder / "hr.yaml"
        self.spec.write_text(SPEC)
        self.rows = {number: row(number) for number in range(1, 13)}
        self.save()

    def save(self) -> None:
        (self.folder / "people.csv").write_text(HEADER + "".join(self.rows.values()))

    def change(self, number: int, **changes: str) -> None:
        self.rows[number] = row(number, **changes)
        self.save()


def seeded(kinde: Emulator) -> Emulator:
    kinde.seed({"organizations": ["IT", "HR"], "roles": ["engineer", "owner"]})
    return kinde


def connection(kinde: Emulator, **changes: Any) -> str:
    values = {
        "conn_type": "kinde",
        "host": kinde.url,
        "login": kinde.client_id,
        "password": kinde.client_secret,
        "extra": {"token_cache": "process"},
    }
    return json.dumps({**values, **changes})


class Run:
    """A finished run of a DAG in this process."""

    def __init__(self, dag: Any, conf: Mapping[str, Any] | None = None) -> None:
        from airflow.models.taskinstance import TaskInstance
        from airflow.utils.session import create_session

        self.dag_run = dag.test(run_conf=dict(conf or {}))
        self.state = _value(self.dag_run.state)
        with create_session() as session:
            found = session.query(TaskInstance).filter_by(dag_id=dag.dag_id, run_id=self.dag_run.run_id).all()
            self.states = {ti.task_id: _value(ti.state) for ti in found}
            self.tries = {ti.task_id: ti.try_number for ti in found}

    def xcom(self, task_id: str, key: str = "return_value") -> Any:
        import airflow.models.xcom as models
        from airflow.utils.session import create_session

        # XCom serves tasks from 3.0 on; the rows are XComModel there.
        model = getattr(models, "XComModel", None) or models.BaseXCom
        where = {"run_id": self.dag_run.run_id, "dag_id": self.dag_run.dag_id, "task_id": task_id, "key": key}
        with create_session() as session:
            value = session.query(model).filter_by(**where).one().value
        return json.loads(value) if isinstance(value, (str, bytes)) else value


def _value(state: Any) -> str:
    return str(getattr(state, "value", state))


def writes(kinde: Emulator) -> int:
    return sum(1 for entry in kinde.log() if entry["kind"] == "api" and entry["method"] != "GET")
