from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from company import Company, Run, writes

from airflow_provider_kinde.sync import shards
from kinde_emulator import Emulator

DagFile = Callable[[str], Any]

FACTORY = """
from datetime import timedelta
from airflow_provider_kinde.dag_factory import kinde_sync_dag
dag = kinde_sync_dag({spec!r}, dag_id="DAG_ID", shards=3, default_args={{"retries": 1, "retry_delay": timedelta(0)}})
"""


@pytest.fixture
def dag(dag_file: DagFile, company: Company, kinde: Emulator, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(shards, "FEWEST", 1)
    return dag_file(FACTORY.format(spec=str(company.spec)))


def test_shards_bring_everybody_to_kinde_and_the_next_run_writes_nothing(
    dag: Any, kinde: Emulator, storage_path: Path
) -> None:
    first = Run(dag)
    assert first.state == "success"
    assert set(first.states) >= {"plan", "prepare", "report"}
    (report,) = storage_path.rglob("report.json")
    found = json.loads(report.read_text())
    assert (found["outcome"], found["outcomes"]["failed"]) == ("changes", 0)
    assert found["summary"]["create"] == found["outcomes"]["done"] - sum(
        found["summary"][kind] for kind in ("add_membership", "add_role")
    )
    assert found["requests"]["total"] <= len([e for e in kinde.log() if e["path"].startswith("/api/")])
    # What the shards handed to one another named people.
    assert list(storage_path.rglob("*.jsonl")) + list(storage_path.rglob("head.json")) == []
    kinde.clear_log()
    assert Run(dag).state == "success"
    assert writes(kinde) == 0


def test_work_that_was_changed_is_not_carried_out(
    dag_file: DagFile, company: Company, kinde: Emulator, tmp_path: Path
) -> None:
    from airflow.providers.common.compat.sdk import AirflowFailException

    from airflow_provider_kinde.operators import shards as operators

    written = operators._write(str(tmp_path / "work.jsonl"), ["one\n", "two\n"])
    assert operators._checked(written)().read() == "one\ntwo\n"
    (tmp_path / "work.jsonl").write_text("one\nthree\n")
    with pytest.raises(AirflowFailException, match="was changed"):
        operators._checked(written)
    (tmp_path / "work.jsonl").unlink()
    with pytest.raises(AirflowFailException, match="all workers reach"):
        operators._checked(written)


def test_what_failed_is_done_by_the_retry_of_the_last_task(dag: Any, kinde: Emulator, storage_path: Path) -> None:
    kinde.fault(method="POST", path="/api/v1/user", status=400, times=1)
    assert Run(dag).state == "success"
    reports = [json.loads(path.read_text()) for path in sorted(storage_path.rglob("report.json"))]
    assert [report["outcome"] for report in reports] == ["failed", "changes"]
