"""One real Airflow for all of these tests, and two local Kindes, each in processes of their own.

The second Kinde, with an HR file of its own, is for the syncs that ask somebody first.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from demo.local_airflow import DagRun, LocalAirflow
from demo.local_kinde import LocalKinde
from demo.stage import DAG_ID, DAGS, Stage
from tests.e2e.expected import Expected, due

ALWAYS, BLOCKED, GUARDED = "kinde_hr_sync_approved", "asks_when_blocked", "asks_admin_alone"
USERS = {"olga": "op", "uma": "user", "vic": "viewer"}
"""Beside ``admin``, who is the approver."""
ASKING = {
    # The example itself, pointed at the second HR file.
    f"{ALWAYS}.py": f"""
import os, runpy  # a dag of airflow's
os.environ["KINDE_SYNC_SPEC"] = os.environ["KINDE_ASKED_SPEC"]
dag = runpy.run_path({str(DAGS / ALWAYS)!r} + ".py")["dag"]
""",
    f"{BLOCKED}.py": f"""
import os
from airflow_provider_kinde.dag_factory import kinde_sync_dag
from airflow_provider_kinde.notifications import KindeSyncNotifier
asking = dict(approve="blocked", approvers=["admin"], dag_id="{BLOCKED}", alerts=KindeSyncNotifier())
dag = kinde_sync_dag(os.environ["KINDE_ASKED_SPEC"], **asking)
""",
    f"{GUARDED}.py": f"""
import os
from airflow_provider_kinde.dag_factory import kinde_sync_dag
dag = kinde_sync_dag(os.environ["KINDE_GUARDED_SPEC"], approve="blocked", approvers=["admin"], dag_id="{GUARDED}")
""",
}


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return Stage(tmp_path_factory.mktemp("e2e") / "stage")


@pytest.fixture(scope="session")
def kinde(stage: Stage) -> Iterator[LocalKinde]:
    with stage.kinde() as running:
        yield running


@pytest.fixture(scope="session")
def asked_stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    made = Stage(tmp_path_factory.mktemp("asked") / "stage")
    made.spec.write_text(made.spec.read_text(encoding="utf-8").replace("kinde_demo", "kinde_asked"), encoding="utf-8")
    return made


@pytest.fixture(scope="session")
def asked_kinde(asked_stage: Stage) -> Iterator[LocalKinde]:
    with asked_stage.kinde() as running:
        yield running


@pytest.fixture(scope="session")
def guarded_stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    made = Stage(tmp_path_factory.mktemp("guarded") / "stage")
    made.spec.write_text(made.spec.read_text(encoding="utf-8").replace("kinde_demo", "kinde_guarded"), encoding="utf-8")
    return made


@pytest.fixture(scope="session")
def guarded_kinde(guarded_stage: Stage) -> Iterator[LocalKinde]:
    with guarded_stage.kinde() as running:
        yield running


@pytest.fixture(scope="session")
def airflow(
    stage: Stage,
    kinde: LocalKinde,
    asked_stage: Stage,
    asked_kinde: LocalKinde,
    guarded_stage: Stage,
    guarded_kinde: LocalKinde,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[LocalAirflow]:
    dags: Path = tmp_path_factory.mktemp("dags")
    for file in DAGS.iterdir():
        if file.is_file():
            shutil.copy(file, dags)
    for name, text in ASKING.items():
        (dags / name).write_text(text)
    env = {
        "AIRFLOW_CONN_KINDE_ASKED": asked_kinde.connection,
        "KINDE_ASKED_SPEC": str(asked_stage.spec),
        "AIRFLOW_CONN_KINDE_GUARDED": guarded_kinde.connection,
        "KINDE_GUARDED_SPEC": str(guarded_stage.spec),
    }
    with LocalAirflow(stage.home, dags, {**stage.env(kinde), **env}, users=USERS) as running:
        for dag_id in (DAG_ID, ALWAYS, BLOCKED, GUARDED):
            running.unpause(dag_id)
        yield running


@dataclass
class Arrival:
    """The first run of the example DAG in an untouched tenant: what was due, and Kinde before and after."""

    run: DagRun
    due: Expected
    before: dict[str, Any]
    after: dict[str, Any]
    writes: int


@pytest.fixture(scope="session")
def arrival(airflow: LocalAirflow, kinde: LocalKinde, stage: Stage) -> Arrival:
    """Whichever test asks first, the first run is this one."""
    expected, before = due(stage.hr.path), kinde.state()
    run = airflow.run(DAG_ID)
    return Arrival(run, expected, before, kinde.state(), kinde.writes())
