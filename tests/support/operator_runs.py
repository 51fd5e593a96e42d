"""What the tests of operators, sensors and triggers stand on: an Airflow for each test process and a local Kinde."""

from __future__ import annotations

import json
import os
import runpy
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from kinde_emulator import Emulator
from tests.support.airflow_fixtures import AIRFLOW_HOME as AIRFLOW_HOME
from tests.support.company import Run as OneRun
from tests.support.company import connection

AIRFLOW_3 = __import__("airflow").__version__.startswith("3")

HEAD = """
from datetime import timedelta
from airflow.providers.common.compat.sdk import DAG, XComArg
from airflow_provider_kinde.operators.api import *
from airflow_provider_kinde.operators.organizations import *
from airflow_provider_kinde.operators.users import *
from airflow_provider_kinde.sensors.organizations import *
from airflow_provider_kinde.sensors.users import *
with DAG("DAG_ID", schedule=None, default_args={"retries": 0, "kinde_conn_id": "kinde_test"}) as dag:
"""


class Run(OneRun):
    """A finished run, with mapped tasks."""

    def __init__(self, dag: Any, conf: dict[str, Any] | None = None) -> None:
        super().__init__(dag, conf)
        from airflow.models.taskinstance import TaskInstance
        from airflow.utils.session import create_session

        with create_session() as session:
            found = session.query(TaskInstance).filter_by(dag_id=dag.dag_id, run_id=self.dag_run.run_id).all()
            self.count = {task: sum(ti.task_id == task for ti in found) for task in self.states}
            self.all = {_value(ti.state) for ti in found}

    def values(self, task_id: str, key: str = "return_value") -> list[Any]:
        """What the instances of a mapped task pushed, in their order."""
        import airflow.models.xcom as models
        from airflow.utils.session import create_session

        model = getattr(models, "XComModel", None) or models.BaseXCom
        where = {"run_id": self.dag_run.run_id, "dag_id": self.dag_run.dag_id, "task_id": task_id, "key": key}
        with create_session() as session:
            rows = [row.value for row in session.query(model).filter_by(**where).order_by(model.map_index)]
        return [_decoded(value) for value in rows]


def _value(state: Any) -> str:
    return str(getattr(state, "value", state))


def _decoded(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, (str, bytes)) else value
    except ValueError:
        return value  # a link, which Airflow stores bare once the task has ended


@pytest.fixture
def kinde(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Emulator]:
    """A local Kinde with two organizations, three people and two roles; its connection is ``kinde_test``."""
    monkeypatch.setenv("AIRFLOW__KINDE__STORAGE_PATH", str(tmp_path / "storage"))
    with Emulator() as emulator:
        emulator.seed(
            {
                "organizations": [
                    {"name": "Sales", "code": "org_sales", "handle": "sales", "external_id": "S-1"},
                    {"name": "Research", "code": "org_research"},
                ],
                "roles": ["seller", "lead", "owner"],
                "permissions": ["read:deals"],
                "properties": ["team"],
                "users": [
                    {"id": "kp_ann", "email": "Ann@example.com", "first_name": "Ann", "last_name": "Lee"},
                    {"id": "kp_bob", "email": "bob@example.com", "is_suspended": True},
                    {"id": "kp_cat", "email": "cat@example.com", "memberships": {"org_sales": ["seller"]}},
                ],
            }
        )
        monkeypatch.setenv("AIRFLOW_CONN_KINDE_TEST", connection(emulator))
        yield emulator
    _forget_masked()


def _forget_masked() -> None:
    # Airflow 2 makes one pattern of all secrets of a process; the tokens of some hundred tests are too much for it.
    if not AIRFLOW_3:
        from airflow.utils.log.secrets_masker import _secrets_masker

        masker = _secrets_masker()
        masker.patterns.clear()
        masker.replacer = None


@pytest.fixture
def run(database: None, kinde: Emulator) -> Iterator[Callable[..., Run]]:
    """Runs a DAG made of some lines of Python, all operators imported, in this process."""
    written: list[Path] = []

    def go(*lines: str, conf: dict[str, Any] | None = None) -> Run:
        name = f"dag_{uuid.uuid4().hex[:8]}"
        path = Path(os.environ["AIRFLOW__CORE__DAGS_FOLDER"]) / f"{name}.py"
        path.write_text(HEAD.replace("DAG_ID", name) + "".join(f"    {line}\n" for line in lines))
        written.append(path)
        return Run(runpy.run_path(str(path))["dag"], conf)

    yield go
    for path in written:
        path.unlink()


class Ti:
    """The part of a task instance that operators use outside of a run."""

    def __init__(self) -> None:
        self.xcoms: dict[str, Any] = {}

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcoms[key] = value


@contextmanager
def typed_errors() -> Iterator[None]:
    """Raise the typed error instead of Airflow's exception that it causes, which ends a task without a retry."""
    from airflow.providers.common.compat.sdk import AirflowFailException

    try:
        yield
    except AirflowFailException as error:
        raise (error.__cause__ or error) from None


@typed_errors()
def execute(operator: Any) -> Any:
    """Execute an operator outside of a run."""
    return operator.execute({"ti": Ti()})


def writes(kinde: Emulator) -> list[str]:
    """What was written, as ``METHOD path``."""
    return [f"{e['method']} {e['path']}" for e in kinde.log() if e["kind"] == "api" and e["method"] != "GET"]


def calls(kinde: Emulator) -> list[str]:
    """All API requests, as ``METHOD path``."""
    return [f"{e['method']} {e['path']}" for e in kinde.log() if e["kind"] == "api"]


def user(kinde: Emulator, user_id: str) -> dict[str, Any]:
    """A user as Kinde has it."""
    return next(item for item in kinde.state()["users"] if item["id"] == user_id)


def by_email(kinde: Emulator, email: str) -> dict[str, Any]:
    """A user as Kinde has it."""
    return next(item for item in kinde.state()["users"] if item["email"] == email)
