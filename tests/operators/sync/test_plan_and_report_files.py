"""What is kept of a run: without names where that is wanted, and never by halves."""

from __future__ import annotations

import re
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_kinde.client import KindeClient
from airflow_provider_kinde.exceptions import StorageError
from airflow_provider_kinde.sources import make_source
from airflow_provider_kinde.sync import SyncSpec, make_plan
from airflow_provider_kinde.sync.apply.run import apply
from airflow_provider_kinde.sync.plan.run_request import RunRequest
from kinde_emulator import Emulator
from tests.support.company import SECRET_WORDS, Company, Run, writes

DagFile = Callable[[str], Any]
FACTORY = """
from airflow_provider_kinde.dag_factory import kinde_sync_dag
dag = kinde_sync_dag({spec!r}, dag_id="DAG_ID", default_args={{"retries": 0}}{more})
"""
ONE_TASK = """
from airflow.providers.common.compat.sdk import DAG
from airflow_provider_kinde.operators.sync import KindeSyncOperator
with DAG("DAG_ID", schedule=None, default_args={{"retries": 0}}) as dag:
    KindeSyncOperator(task_id="sync", spec={spec!r})
"""


def written(storage_path: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in storage_path.rglob("*.*") if path.is_file()}


def test_a_redacted_run_is_planned_approved_and_applied_and_keeps_no_name(
    dag_file: DagFile, company: Company, kinde: Emulator, storage_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_for = dag_file(FACTORY.format(spec=str(company.spec), more=", redact=True"))
    assert all(task._redacts() for task in asked_for.tasks)
    monkeypatch.setenv("AIRFLOW__KINDE__REDACT", "True")
    dag = dag_file(FACTORY.format(spec=str(company.spec), more=""))
    company.change(12, email="no address of Lastname12")
    spec = SyncSpec.load(company.spec)
    with KindeClient(kinde.url, kinde.client_id, kinde.client_secret) as client:
        assert apply(spec, make_source(spec), client, RunRequest.of()).outcome == "changes"
        for number in range(1, 8):
            company.change(number, status="Left")
        plan = make_plan(spec, make_source(spec), client)
    assert plan.outcome == "blocked"
    # Whoever approves has the hash of the plan that names people.
    assert Run(dag, {"approve": plan.hash}).state == "success"
    assert sum(1 for user in kinde.state()["users"] if user["is_suspended"]) == 7
    files = written(storage_path)
    history = {"000000001.jsonl", "head.json"}
    assert set(files) == {"plan.json", "plan.html", "report.json", "report.csv", "report.html", *history}
    for path in storage_path.rglob("*.*"):
        if path.is_file():
            text = path.read_text().lower()
            assert not [word for word in SECRET_WORDS if word in text], path
            assert '"who": "' not in text.replace('"who": ""', "")


@contextmanager
def full_disk(room: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_is_full_is_a_clear_error_and_leaves_no_half_of_a_plan(
    dag_file: DagFile,
    company: Company,
    kinde: Emulator,
    storage_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    said: Callable[[], str],
) -> None:
    from airflow_provider_kinde.storage import run_files

    whole = run_files._write_local

    def write(local: Path, text: str) -> None:
        with full_disk(300):
            whole(local, text)

    dag = dag_file(FACTORY.format(spec=str(company.spec), more=""))
    with monkeypatch.context() as patch:
        patch.setattr(run_files, "_write_local", write)
        run = Run(dag)
    assert run.states == {"plan": "failed", "apply": "upstream_failed"}
    assert "plan.json could not be written: File too large" in said()
    assert writes(kinde) == 0
    assert set(written(storage_path)) <= {"000000001.jsonl", "head.json"}


def test_half_a_plan_is_not_applied(
    dag_file: DagFile, company: Company, kinde: Emulator, tmp_path: Path, storage_path: Path
) -> None:
    from airflow_provider_kinde.operators.sync import KindeSyncApplyOperator

    Run(dag_file(FACTORY.format(spec=str(company.spec), more="")), {"dry_run": True})
    (plan,) = storage_path.rglob("plan.json")
    half = tmp_path / "half.json"
    operator = KindeSyncApplyOperator(task_id="apply", spec=str(company.spec), plan_path=str(half))
    whole = plan.read_bytes()
    for left in (*range(0, len(whole) - 2, 97), len(whole) - 2):
        half.write_bytes(whole[:left])
        with pytest.raises(Exception, match="is not a plan file"):
            operator._read_plan()


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("redact", "on", "redact is neither true nor false"),
        ("log_personal_data", "perhaps", "log_personal_data is neither true nor false"),
        ("storage_path", "/dev/null/kinde", "could not be written"),
        ("storage_path", "s3x://bucket/kinde", "could not be written"),
    ],
)
def test_settings_and_storage_are_tried_before_the_first_write(
    dag_file: DagFile,
    company: Company,
    kinde: Emulator,
    monkeypatch: pytest.MonkeyPatch,
    said: Callable[[], str],
    setting: str,
    value: str,
    words: str,
) -> None:
    monkeypatch.setenv(f"AIRFLOW__KINDE__{setting.upper()}", value)
    run = Run(dag_file(ONE_TASK.format(spec=str(company.spec))))
    assert run.state == "failed"
    assert re.search(words, said())
    assert kinde.log() == []


def test_a_report_that_cannot_be_kept_stands_in_the_log(
    dag_file: DagFile, company: Company, kinde: Emulator, monkeypatch: pytest.MonkeyPatch, said: Callable[[], str]
) -> None:
    from airflow_provider_kinde.storage import run_files

    def full(path: str, text: Any) -> None:
        raise StorageError(f"{path} could not be written: No space left on device")

    monkeypatch.setattr(run_files, "probe", lambda folder: None)
    monkeypatch.setattr(run_files, "write", full)
    assert Run(dag_file(ONE_TASK.format(spec=str(company.spec)))).state == "failed"
    log = said()
    assert "The report as JSON" in log
    assert '"outcome":"done"' in log.replace(" ", "")
    assert not any(word in log.lower() for word in SECRET_WORDS)


def test_guards_count_removals_of_earlier_runs_from_their_reports(
    dag_file: DagFile, company: Company, kinde: Emulator, storage_path: Path
) -> None:
    company.spec.write_text(company.spec.read_text() + "guards: {max_membership_removals: 2}\n")
    for number in range(1, 13):
        company.change(number, team="HR")
    assert Run(dag_file(ONE_TASK.format(spec=str(company.spec)))).state == "success"
    for number in (1, 2):
        company.change(number, team="Lost")
    assert Run(dag_file(ONE_TASK.format(spec=str(company.spec)))).state == "success"
    company.change(3, team="Lost")
    third = Run(dag_file(ONE_TASK.format(spec=str(company.spec))))
    assert third.state == "failed"
    reason = "3 memberships of 'hr' would be removed (2 of them in earlier runs, since yesterday)"
    assert reason in third.xcom("sync")["blocked"][0]
