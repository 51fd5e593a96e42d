"""The entries of runs that fail before they have a plan, and of plans that no user approved."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException

from airflow_provider_kinde.client import KindeClient
from airflow_provider_kinde.operators import approval
from airflow_provider_kinde.operators.approval_seal import sealed
from airflow_provider_kinde.sources import make_source
from airflow_provider_kinde.storage import run_files
from airflow_provider_kinde.storage.evidence import collect
from airflow_provider_kinde.storage.history import History
from airflow_provider_kinde.storage.history_check import check_chain
from airflow_provider_kinde.storage.history_reader import read_entries
from airflow_provider_kinde.sync import SyncSpec, make_plan
from airflow_provider_kinde.sync.apply.run import apply
from airflow_provider_kinde.sync.history.table import run_lines
from airflow_provider_kinde.sync.plan.run_request import RunRequest
from airflow_provider_kinde.sync.report.plan_file import lines
from airflow_provider_kinde.version_compat import approval_operator
from kinde_emulator import Emulator
from tests.support.company import SECRET_WORDS, Company, Run, writes

DagFile = Callable[[str], Any]
DAG = """
from datetime import timedelta
from airflow_provider_kinde.dag_factory import kinde_sync_dag
dag = kinde_sync_dag({spec!r}, dag_id="DAG_ID", default_args={{"retries": {retries}, "retry_delay": timedelta()}})
"""


def entries(storage_path: Path) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    return list(read_entries(History(str(storage_path), "small-hr")))


def problems(storage_path: Path, kinde: Emulator) -> list[str]:
    keys = {"kinde_small": KindeClient(kinde.url, kinde.client_id, kinde.client_secret).sign}
    return check_chain(History(str(storage_path), "small-hr"), keys=keys).problems


@pytest.mark.parametrize("retries", [0, 2])
def test_a_source_that_cannot_be_read_makes_one_entry_however_often_the_task_is_tried(
    dag_file: DagFile, company: Company, kinde: Emulator, storage_path: Path, retries: int
) -> None:
    (company.folder / "people.csv").unlink()
    run = Run(dag_file(DAG.format(spec=str(company.spec), retries=retries)))
    assert run.tries["plan"] == retries + 1
    ((head, changes),) = entries(storage_path)
    assert (head["command"], head["outcome"], changes) == ("plan", "failed", [])
    assert "people.csv" in head["error"]
    assert head["run"]["task_id"] == "plan"
    assert head["run"]["try_number"] == str(retries + 1)
    assert problems(storage_path, kinde) == []
    company.save()
    Run(dag_file(DAG.format(spec=str(company.spec), retries=0)))
    assert [head["outcome"] for head, _ in entries(storage_path)] == ["failed", "changes"]
    day = datetime.now(timezone.utc).date().isoformat()
    tables = {table.name: table.rows for table in collect(History(str(storage_path), "small-hr"), day, day)[0]}
    ((kind, *_, detail),) = tables["exceptions"]
    assert (kind, detail) == ("failed run", head["error"])
    assert ("runs that failed before they wrote to Kinde", f"entry 1: {head['error']}") in tables["completeness"]


def test_what_fails_without_help_has_its_entry_and_no_value_of_a_row_in_it(
    dag_file: DagFile, company: Company, kinde: Emulator, storage_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dag = dag_file(DAG.format(spec=str(company.spec), retries=3))
    text = company.spec.read_text()
    monkeypatch.setenv("AIRFLOW_CONN_KINDE_SMALL", json.dumps({"conn_type": "kinde", "host": "acme.kinde.com"}))
    Run(dag)
    monkeypatch.undo()
    monkeypatch.setenv("AIRFLOW__KINDE__STORAGE_PATH", str(storage_path))
    assert entries(storage_path)[0][0]["error"]
    assert problems(storage_path, kinde) == []  # not signed: there was no secret
    company.spec.write_text(text.replace("inactive:", "inactiv:"))
    Run(dag)
    assert "inactiv" in entries(storage_path)[1][0]["error"]
    company.spec.write_text(text)
    company.save()
    header, rows = (company.folder / "people.csv").read_text().split("\n", 1)
    (company.folder / "people.csv").write_text(f'{header}\n{rows}\n"E99,mail-99@example.com,Firstname99,Lastname99')
    Run(dag)
    found = entries(storage_path)
    assert len(found) >= 2
    told = "\n".join(path.read_text() for path in Path(History(str(storage_path), "small-hr").folder).iterdir()).lower()
    assert not [word for word in SECRET_WORDS if word in told]


def test_a_run_that_asks_to_approve_itself_has_its_entry(
    dag_file: DagFile, company: Company, storage_path: Path
) -> None:
    if approval_operator() is None:
        return
    more = 'approve="blocked", approvers=["carol"], default_args={"retries": 0}'
    text = DAG.format(spec=str(company.spec), retries=0).split("default_args")[0] + more + ")\n"
    Run(dag_file(text), {"approve": "0" * 64})
    ((head, _),) = entries(storage_path)
    assert "triggered with approve" in head["error"]


class Task:
    """Stands for Airflow's task instance of an approval."""

    dag_id, run_id, task_id, try_number, max_tries, map_index = "hr", "run 1", "approve", 1, 0, -1

    def __init__(self) -> None:
        self.pushed: dict[str, Any] = {}

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value

    def xcom_pull(self, task_ids: str, key: str = "return_value") -> Any:
        return self.pushed.get(key)


class Asked:
    """A plan with leavers that a user is asked about."""

    def __init__(self, company: Company, kinde: Emulator, storage_path: Path) -> None:
        self.storage_path, spec = storage_path, SyncSpec.load(company.spec)
        self.ti = Task()
        self.context: Any = {"ti": self.ti, "dag_run": None}
        self.operator: Any = approval.KindeSyncApprovalOperator(task_id="approve", spec=str(company.spec))
        with KindeClient(kinde.url, kinde.client_id, kinde.client_secret) as client:
            from airflow_provider_kinde.storage.history_writer import write_entry
            from airflow_provider_kinde.sync.history.entry import RunRecord

            report = apply(spec, make_source(spec), client, RunRequest.of())
            write_entry(History(str(storage_path), spec.name), RunRecord("apply"), report.plan, report)
            company.change(1, status="Left")
            self.plan = make_plan(spec, make_source(spec), client)
        path = f"{storage_path}/plan.json"
        run_files.write(path, lines(self.plan.document()))
        asked = {"asked": True, "hash": self.plan.hash, "path": path}
        self.ti.xcom_push("asked", sealed(asked, "kinde_small", self.context))

    def answer(self, **event: Any) -> Any:
        at = datetime(2026, 3, 2, 9, tzinfo=timezone.utc)
        answer = {"params_input": {}, "responded_at": at, "responded_by_user": {"id": "carol", "name": "Carol"}}
        return self.operator.execute_complete(self.context, {**answer, **event})

    def tables(self) -> dict[str, Any]:
        day = datetime.now(timezone.utc).date().isoformat()
        found, _ = collect(History(str(self.storage_path), "small-hr"), day, day)
        return {table.name: [dict(zip(table.columns, row, strict=True)) for row in table.rows] for table in found}


@pytest.fixture
def asked(company: Company, kinde: Emulator, storage_path: Path) -> Asked | None:
    return Asked(company, kinde, storage_path) if approval_operator() is not None else None


def test_a_rejected_approval_is_an_entry_and_evidence_names_who_rejected(asked: Asked | None, kinde: Emulator) -> None:
    if asked is None:
        return
    with pytest.raises(AirflowSkipException, match="carol rejected"):
        asked.answer(chosen_options=["Reject"])
    head, changes = entries(asked.storage_path)[-1]
    assert (head["command"], head["outcome"], head["plan_hash"]) == ("approve", "rejected", asked.plan.hash)
    assert head["approval"] == {
        "hash": asked.plan.hash, "by": "carol", "at": "2026-03-02 09:00:00+00:00", "how": "an approval in Airflow",
    }  # fmt: skip
    assert [(change["op"], change["id"], change["outcome"]) for change in changes] == [("suspend", "E1", "planned")]
    assert "rejected by carol (an approval in Airflow)" in "\n".join(run_lines([head]))
    assert problems(asked.storage_path, kinde) == []
    tables = asked.tables()
    (row,) = tables["exceptions"]
    assert (row["what"], row["by"], row["hash"]) == ("rejected approval", "carol", asked.plan.hash)
    (leaver,) = tables["leavers"]
    assert (leaver["id"], leaver["done"], leaver["note"]) == ("E1", "", "rejected in entry 2")
    assert leaver["known"][:19] == asked.plan.now.in_timezone("UTC").strftime("%Y-%m-%dT%H:%M:%S")
    told = "\n".join(path.read_text() for path in Path(History(str(asked.storage_path), "small-hr").folder).iterdir())
    assert not [word for word in SECRET_WORDS if word in told.lower()]


def test_an_approval_that_no_user_gave_in_time_is_an_entry(asked: Asked | None) -> None:
    if asked is None:
        return
    with pytest.raises(Exception, match="timeout"):
        asked.answer(error="no answer", error_type="timeout")
    head, changes = entries(asked.storage_path)[-1]
    assert (head["outcome"], head["error"], len(changes)) == ("failed", "no user answered in time", 1)
    assert [row["what"] for row in asked.tables()["exceptions"]] == ["failed run"]
    assert len(entries(asked.storage_path)) == 2


def test_an_approval_that_was_changed_after_it_was_shown_is_an_entry(asked: Asked | None) -> None:
    if asked is None:
        return
    asked.ti.pushed["asked"]["hash"] = "0" * 64
    with pytest.raises(AirflowFailException, match="changed after it was shown"):
        asked.answer(chosen_options=["Approve"])
    head, changes = entries(asked.storage_path)[-1]
    assert (head["outcome"], changes) == ("failed", [])
    assert "changed after it was shown" in head["error"]


def test_who_rejected_stands_in_the_history_even_if_the_plan_is_gone(asked: Asked | None) -> None:
    if asked is None:
        return
    Path(asked.ti.pushed["asked"]["path"]).unlink()
    with pytest.raises(AirflowSkipException, match="carol rejected"):
        asked.answer(chosen_options=["Reject"])
    head, changes = entries(asked.storage_path)[-1]
    assert (head["outcome"], head["approval"]["by"], changes) == ("rejected", "carol", [])


def refuse_writes(storage_path: Path) -> None:
    """Put a file where the folder of the history was: a store that refuses writes, also for root."""
    folder = Path(History(str(storage_path), "small-hr").folder)
    if folder.exists():
        folder.rename(folder.with_name("kept"))
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("", encoding="utf-8")


@pytest.mark.parametrize(
    ("event", "ends", "match"),
    [
        ({"chosen_options": ["Reject"]}, AirflowSkipException, "carol rejected"),
        ({"error": "no answer", "error_type": "timeout"}, Exception, "timeout"),
    ],
)
def test_a_plan_that_no_user_approved_ends_as_it_would_where_the_store_refuses_its_entry(
    asked: Asked | None,
    event: dict[str, Any],
    ends: type[Exception],
    match: str,
    said: Callable[[], str],
) -> None:
    if asked is None:
        return
    refuse_writes(asked.storage_path)
    with pytest.raises(ends, match=match):
        asked.answer(**event)
    told = said()
    assert told.count("the history has no entry of this run") == 1, told
    assert "head.json could not be read" in told


def test_runs_end_as_they_would_where_the_store_refuses_entries_after_it_was_tried(
    dag_file: DagFile,
    company: Company,
    kinde: Emulator,
    storage_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    said: Callable[[], str],
) -> None:
    """A dry run, blocked in the plan, blocked in one task, and a source that cannot be read."""
    dag = dag_file(DAG.format(spec=str(company.spec), retries=0))
    one = dag_file(DAG.format(spec=str(company.spec), retries=0).replace(", dag_id", ', on_change="asset", dag_id'))
    assert Run(dag).state == "success"
    before = writes(kinde)
    monkeypatch.setattr(History, "probe", lambda self: None)
    refuse_writes(storage_path)
    assert Run(dag, {"dry_run": True}).states == {"plan": "success", "apply": "skipped"}
    assert "the history has no entry" not in said()
    for number in range(1, 9):
        company.change(number, status="Left")
    assert Run(dag).states == {"plan": "failed", "apply": "upstream_failed"}
    told = said()
    assert "the history has no entry of this run" in told
    assert "blocked, nothing was written" in told
    assert Run(one).state == "failed"
    told = said()
    assert "blocked, nothing was written" in told
    assert "head.json could not be read" in told
    (company.folder / "people.csv").unlink()
    assert Run(dag).states == {"plan": "failed", "apply": "upstream_failed"}
    told = said()
    assert "the history has no entry of this run" in told
    assert "people.csv" in told
    assert writes(kinde) == before


def test_an_approver_whose_id_is_a_number_is_named(asked: Asked | None) -> None:
    if asked is None:
        return
    with pytest.raises(AirflowSkipException, match=r"olga \(2\) rejected"):
        asked.answer(chosen_options=["Reject"], responded_by_user={"id": "2", "name": "olga"})
    head, _ = entries(asked.storage_path)[-1]
    assert head["approval"]["by"] == "olga (2)"
    assert approval.user_text({"id": "2"}) == "2"
    assert approval.user_text({}) is None


def test_an_approval_has_no_entry_of_its_own(asked: Asked | None) -> None:
    if asked is None:
        return
    assert asked.answer(chosen_options=["Approve"])["by"] == "carol"
    assert len(entries(asked.storage_path)) == 1
