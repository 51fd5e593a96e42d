"""Whole runs whose plans, reports and history are kept in an S3 bucket: from the command line, and from a DAG."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_kinde.storage import recent, source_state
from airflow_provider_kinde.storage.source_state import SourceState
from kinde_emulator import Emulator
from tests.stores.s3_server import S3Bucket
from tests.stores.store_proxy import GONE, REFUSED, Call, Fault
from tests.support.company import SPEC, Company, Run, writes

Cli = Callable[..., "subprocess.CompletedProcess[str]"]
DAG = """
from datetime import timedelta
from airflow_provider_kinde.dag_factory import kinde_sync_dag
dag = kinde_sync_dag({spec!r}, dag_id="DAG_ID", default_args={{"retries": 0}}, {arguments})
"""


def run(command: Cli, code: int, name: str, *arguments: str, **env: str) -> str:
    done = command(name, "--spec", "hr.yaml", *arguments, **env)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def leave(company: Company, *numbers: int) -> None:
    for number in numbers:
        company.change(number, status="Left")


def suspended(kinde: Emulator) -> set[str]:
    return {user["email"] for user in kinde.state()["users"] if user["is_suspended"]}


def test_from_a_plan_to_evidence_on_the_command_line(
    bucket: S3Bucket, command: Cli, company: Company, kinde: Emulator, tmp_path: Path
) -> None:
    run(command, 2, "plan", "--out", "plan.json")
    run(command, 0, "apply", "--plan", "plan.json", "--approved-by", "Carol", "--report", "first.json")
    leave(company, *range(1, 9))
    blocked = run(command, 3, "apply")
    found = re.search(r"--approve ([0-9a-f]{64})", blocked)
    assert found is not None
    run(command, 0, "apply", "--approve", found.group(1), "--approved-by", "Carol", "--report", "second.json")
    assert len(suspended(kinde)) == 8
    told = run(command, 0, "undo", "--report", "second.json", "--apply")
    assert suspended(kinde) == set()
    head = re.search(r"history: entry 4, head ([0-9a-f]{64})", told)
    assert head is not None
    listed = run(command, 0, "history")
    assert len(listed.splitlines()) == 5, listed
    assert "approved by Carol (the command line)" in listed
    assert "access taken" in run(command, 0, "history", "--id", "E1")
    assert "the chain is whole: 4 entries" in run(command, 0, "history", "--verify", "--head", head.group(1))
    assert "the chain is whole" in run(
        command, 0, "history", "--verify", "--storage", bucket.root, AIRFLOW__KINDE__STORAGE_PATH=str(tmp_path)
    )
    run(command, 0, "history", "--evidence", "audit", "--from", "2020-01-01", "--to", "2099-12-31")
    assert (tmp_path / "audit/leavers.csv").read_text().count("E1") > 0
    assert [name for name in bucket.objects() if not name.startswith("small-hr/history/")] == []


def test_from_a_plan_to_the_undo_in_a_dag(
    bucket: S3Bucket, dag_file: Any, command: Cli, company: Company, kinde: Emulator
) -> None:
    dag = dag_file(DAG.format(spec=str(company.spec), arguments=""))
    first = Run(dag)
    assert first.state == "success"
    path = first.xcom("apply")["path"]
    assert path.startswith(bucket.root)
    names = {Path(name).name for name in bucket.objects() if "/history/" not in name}
    assert names == {"plan.json", "plan.html", "report.json", "report.csv", "report.html"}
    leave(company, *range(1, 9))
    blocked = Run(dag)
    assert blocked.states == {"plan": "failed", "apply": "upstream_failed"}
    approved = Run(dag, {"approve": blocked.xcom("plan")["hash"]})
    assert approved.state == "success"
    assert len(suspended(kinde)) == 8
    # The report is where the log says.
    run(command, 0, "undo", "--report", approved.xcom("apply")["path"], "--apply")
    assert suspended(kinde) == set()
    assert "the chain is whole: 4 entries" in run(command, 0, "history", "--verify")
    # What the runs of today did counts for the guards of the next one.
    assert "earlier runs" not in run(command, 3, "plan")


def test_a_dag_that_waits_for_changes_keeps_its_state(
    bucket: S3Bucket, dag_file: Any, company: Company, kinde: Emulator
) -> None:
    dag = dag_file(DAG.format(spec=str(company.spec), arguments='on_change="sensor"'))
    assert Run(dag).state == "success"
    assert {"small-hr/source-fired.json", "small-hr/source-synced.json"} <= set(bucket.objects())
    leave(company, 1)
    changed = Run(dag)
    assert (changed.state, changed.xcom("wait")["why"]) == ("success", "the source changed")


@pytest.mark.parametrize("path", ["people-*.csv", "people-1.csv"])
def test_a_file_that_is_written_anew_is_noticed_by_a_process_that_watches(
    bucket: S3Bucket, tmp_path: Path, path: str
) -> None:
    spec = tmp_path / "hr.yaml"
    spec.write_text(SPEC.replace("people.csv", f"s3://aws_default@{bucket.name}/kinde/{path}"))
    state = SourceState.of(spec, bucket.root, None, timedelta(hours=1))

    def due() -> bool:
        found = state.check().met
        source_state.synced(bucket.root, "small-hr", source_state.fired_for(bucket.root, "small-hr"))
        return found

    for content in ("a", "b", "c"):  # of one length, and within a second
        bucket.write("people-1.csv", content)
        assert due()
        assert not due()
    if "*" in path:
        bucket.write("people-2.csv", "a")
        assert due()


def test_reports_of_earlier_runs_are_found_by_one_request_for_a_thousand_objects(bucket: S3Bucket) -> None:
    def found() -> list[str]:
        bucket.server.calls.clear()
        return list(recent._written_since(f"{bucket.root}/hr", "*/*/report.json", time.time() - 60))

    for number in range(30):
        for name in ("report.json", "plan.json"):
            bucket.write(f"hr/dag__{number}/sync.try1/{name}", "{}")
        bucket.write(f"hr/history/{number:09d}.jsonl", "{}")
    assert len(found()) == 30
    assert len(bucket.server.calls) <= 3
    bucket.write("hr/dag__30/sync.try1/report.json", "{}")
    assert f"{bucket.root}/hr/dag__30/sync.try1/report.json" in found()


@pytest.mark.parametrize("fault", [REFUSED, GONE])
def test_a_store_that_refuses_writes_stops_the_run_before_its_first_write(
    bucket: S3Bucket,
    dag_file: Any,
    command: Cli,
    company: Company,
    kinde: Emulator,
    said: Callable[[], str],
    fault: Fault,
) -> None:
    bucket.server.fault = lambda call: fault if call.method == "PUT" else None
    told = run(command, 1, "apply")
    assert "the history cannot be kept" in told
    assert "Nothing was written to Kinde" in told
    dag = dag_file(DAG.format(spec=str(company.spec), arguments='on_change="asset"'))
    assert Run(dag).state == "failed"
    assert "Nothing was written to Kinde" in said()
    assert writes(kinde) == 0


def test_a_store_that_goes_away_in_the_middle_loses_no_report(
    bucket: S3Bucket, dag_file: Any, command: Cli, company: Company, kinde: Emulator, said: Callable[[], str]
) -> None:
    def away(call: Call) -> Fault | None:
        return GONE if writes(kinde) else None

    bucket.server.fault = away
    told = run(command, 1, "apply", "--json")
    assert "What was done stands in the report only, not in the history" in told
    report = json.loads(told[told.index("{") : told.rindex("}") + 1])
    assert {change["outcome"] for change in report["operations"]} == {"done"}
    # The next run finds nothing to do, and its entry lists what it found.
    bucket.server.fault = lambda call: None
    run(command, 0, "apply")
    assert "the chain is whole: 1 entry" in run(command, 0, "history", "--verify")
    leave(company, 1)
    before = writes(kinde)
    bucket.server.fault = lambda call: GONE if writes(kinde) > before else None
    dag = dag_file(DAG.format(spec=str(company.spec), arguments='on_change="asset"'))
    failed = Run(dag)
    assert failed.state == "failed"
    log = said()
    assert '"outcome": "done"' in log
    assert "could not be" in log
    bucket.server.fault = lambda call: None
    assert Run(dag).state == "success"
    assert "the chain is whole: 2 entries" in run(command, 0, "history", "--verify")
