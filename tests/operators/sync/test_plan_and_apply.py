from __future__ import annotations

import csv
import json
import re
import stat
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_kinde.operators.spec_base import is_true, items, some, text
from airflow_provider_kinde.operators.sync import KindeSyncOperator, KindeSyncPlanOperator
from airflow_provider_kinde.version_compat import has_asset_watchers
from kinde_emulator import Emulator
from tests.support.company import SECRET_WORDS, Company, Run, connection, row, writes

DagFile = Callable[[str], Any]

FACTORY = """
from datetime import timedelta
from airflow_provider_kinde.dag_factory import kinde_sync_dag
dag = kinde_sync_dag({spec!r}, dag_id="DAG_ID", default_args={{"retries": 1, "retry_delay": timedelta(0)}})
"""
ONE_TASK = """
from datetime import timedelta
from airflow.providers.common.compat.sdk import DAG
from airflow_provider_kinde.operators.sync import KindeSyncOperator
with DAG("DAG_ID", schedule=None, default_args={{"retries": 1, "retry_delay": timedelta(0)}}) as dag:
    KindeSyncOperator(task_id="sync", spec={spec!r}{more})
"""


@pytest.fixture
def dag(dag_file: DagFile, company: Company, kinde: Emulator) -> Any:
    return dag_file(FACTORY.format(spec=str(company.spec)))


def people(kinde: Emulator) -> dict[str, dict[str, Any]]:
    return {user["email"]: user for user in kinde.state()["users"]}


@pytest.mark.smoke
def test_a_run_brings_everybody_to_kinde_and_the_next_one_writes_nothing(dag: Any, kinde: Emulator) -> None:
    first = Run(dag)
    assert (first.state, first.states) == ("success", {"plan": "success", "apply": "success"})
    names = {item["code"]: item["name"] for item in kinde.state()["organizations"]}
    found = {
        email: {names[code]: roles for code, roles in user["memberships"].items() if names[code] in ("IT", "HR")}
        for email, user in people(kinde).items()
    }
    assert found == {
        f"mail-{number}@example.com": {"IT": ["engineer"]} if number % 2 else {"HR": []} for number in range(1, 13)
    }
    before = writes(kinde)
    second = Run(dag)
    assert second.state == "success"
    assert second.xcom("apply")["outcome"] == "no changes"
    assert writes(kinde) == before


def test_xcom_is_small_and_holds_no_names(dag: Any, company: Company, kinde: Emulator) -> None:
    company.change(3, email="no address")
    run = Run(dag)
    plan, report = run.xcom("plan"), run.xcom("apply")
    assert plan["outcome"] == report["outcome"] == "changes"
    assert plan["summary"]["create"] == report["outcomes"]["done"] - report["summary"]["add_membership"] - 5 == 11
    assert (plan["held"], plan["rejected"], plan["blocked"], plan["approvable"]) == (0, 1, [], False)
    assert report["requests"]["write"] == writes(kinde)
    for value in (plan, report):
        content = json.dumps(value)
        assert len(content) < 2000
        assert not [word for word in SECRET_WORDS if word in content.lower()]


def test_plan_and_report_are_files_for_their_owner_alone(dag: Any, storage_path: Path) -> None:
    run = Run(dag)
    folder = storage_path / "small-hr" / f"{dag.dag_id}__{run.dag_run.run_id}"
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*.*") if path.is_file()) == [
        "apply.try1/report.csv",
        "apply.try1/report.html",
        "apply.try1/report.json",
        "plan.try1/plan.html",
        "plan.try1/plan.json",
    ]
    assert run.xcom("plan")["path"] == str(folder / "plan.try1" / "plan.json")
    plan = json.loads((folder / "plan.try1" / "plan.json").read_text())
    report = json.loads((folder / "apply.try1" / "report.json").read_text())
    assert plan["hash"] == report["hash"] == run.xcom("plan")["hash"]
    assert {operation["outcome"] for operation in report["operations"]} == {"done"}
    with (folder / "apply.try1" / "report.csv").open(newline="") as file:
        assert len(list(csv.reader(file))) > len(report["operations"])
    for path in storage_path.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o600 if path.is_file() else 0o700)


def test_a_blocked_plan_fails_at_once_and_says_why(
    dag: Any, company: Company, kinde: Emulator, said: Callable[[], str]
) -> None:
    Run(dag)
    before = writes(kinde)
    company.rows = {}
    company.save()
    run = Run(dag)
    assert run.states == {"plan": "failed", "apply": "upstream_failed"}
    assert run.tries["plan"] == 1
    assert writes(kinde) == before
    summary = run.xcom("plan")
    assert summary["outcome"] == "blocked"
    assert not summary["approvable"]
    assert "empty" in summary["blocked"][0]
    log = said()
    assert f"blocked: {summary['blocked'][0]}" in log
    assert "blocked, nothing was written" in log
    assert json.loads(Path(summary["path"]).read_text(encoding="utf-8"))["outcome"] == "blocked"


def test_a_plan_beyond_its_guard_passes_once_with_its_hash(dag: Any, company: Company, kinde: Emulator) -> None:
    Run(dag)
    for number in range(1, 9):
        company.change(number, status="Left")
    blocked = Run(dag)
    assert blocked.states["plan"] == "failed"
    summary = blocked.xcom("plan")
    assert summary["approvable"]
    wrong = Run(dag, {"approve": "0" * 64})
    assert wrong.states["plan"] == "failed"
    run = Run(dag, {"approve": summary["hash"]})
    assert run.states == {"plan": "success", "apply": "success"}
    assert run.xcom("plan")["outcome"] == "changes"
    assert sum(user["is_suspended"] for user in people(kinde).values()) == 8


def test_ids_narrow_a_run(dag: Any, kinde: Emulator) -> None:
    run = Run(dag, {"ids": ["E2", "E5"]})
    assert run.state == "success"
    assert set(people(kinde)) == {"mail-2@example.com", "mail-5@example.com"}


def test_kinds_narrow_a_run(dag: Any, kinde: Emulator) -> None:
    run = Run(dag, {"only": ["create"]})
    assert run.xcom("apply")["summary"]["create"] == len(people(kinde)) == 12
    assert run.xcom("apply")["summary"]["add_membership"] == 0


def test_plan_only_changes_nothing(dag: Any, kinde: Emulator) -> None:
    run = Run(dag, {"dry_run": True})
    assert run.states == {"plan": "success", "apply": "skipped"}
    assert run.xcom("plan")["summary"]["create"] == 12
    assert writes(kinde) == 0


def test_a_protected_leaver_fails_the_run_until_approved(dag: Any, company: Company, kinde: Emulator) -> None:
    Run(dag)
    owner = people(kinde)["mail-1@example.com"]
    kinde.seed({"users": [{"id": owner["id"], "memberships": {"IT": ["engineer", "owner"]}}]})
    company.change(1, status="Left")
    run = Run(dag)
    assert run.states == {"plan": "success", "apply": "failed"}
    assert run.tries["apply"] == 1
    assert run.xcom("apply")["outcome"] == "failed"
    assert not people(kinde)["mail-1@example.com"]["is_suspended"]
    run = Run(dag, {"approve_protected": ["E1"]})
    assert run.state == "success"
    assert people(kinde)["mail-1@example.com"]["is_suspended"]


def test_the_retry_does_the_changes_that_failed(dag: Any, kinde: Emulator, storage_path: Path) -> None:
    kinde.fault("POST", "/api/v1/user", status=400, times=1)
    run = Run(dag)
    assert run.states == {"plan": "success", "apply": "success"}
    assert run.tries["apply"] == 2
    assert len(people(kinde)) == 12
    first, second = sorted(storage_path.rglob("report.json"))
    assert json.loads(first.read_text())["outcome"] == "failed"
    assert json.loads(second.read_text())["outcomes"]["failed"] == 0


def test_a_failed_task_says_three_reasons_without_names_and_where_the_rest_is(
    dag_file: DagFile, company: Company, kinde: Emulator, said: Callable[[], str], storage_path: Path
) -> None:
    for number, code in enumerate(("EMAIL_INVALID", "NAME_TOO_LONG", "PHONE_INVALID", "LAST_OF_ALL")):
        words = f"mail-{number}@example.com and Lastname-{number} are refused"
        kinde.fault("POST", "/api/v1/user", status=400, times=1, body={"errors": [{"code": code, "message": words}]})
    run = Run(dag_file(ONE_TASK.format(spec=str(company.spec), more=", retries=0")))
    assert run.states == {"sync": "failed"}
    logged = said()
    (message,) = {
        line[line.index("The first reasons") :] for line in logged.splitlines() if "The first reasons" in line
    }
    reasons, rest = message.split("All reasons are in ")
    assert reasons.count("POST /api/v1/user: ") == 3
    assert reasons.count("(create): ") == 3
    assert sum(code in reasons for code in ("EMAIL_INVALID", "NAME_TOO_LONG", "PHONE_INVALID", "LAST_OF_ALL")) == 3
    (report,) = storage_path.rglob("report.json")
    assert rest.startswith(f"{report}. A retry does only what is left")
    assert not [word for word in SECRET_WORDS if word in logged.lower()]


def test_logs_hold_ids_and_counts_only(dag: Any, company: Company, said: Callable[[], str]) -> None:
    company.change(3, email="no address")
    company.rows[4] += row(4, family="Lastname-other")
    company.save()
    Run(dag)
    logged = said()
    assert "outcome: changes" in logged
    assert "10 create" in logged
    assert not [word for word in SECRET_WORDS if word in logged.lower()]


def test_logs_name_people_where_that_is_wanted(
    dag_file: DagFile, company: Company, kinde: Emulator, said: Callable[[], str]
) -> None:
    Run(dag_file(ONE_TASK.format(spec=str(company.spec), more=", log_personal_data=True")))
    assert "mail-1@example.com" in said()


def test_one_task_plans_and_applies(dag_file: DagFile, company: Company, kinde: Emulator) -> None:
    dag = dag_file(ONE_TASK.format(spec=str(company.spec), more=', ids="E1, E2"'))
    run = Run(dag)
    assert run.state == "success"
    assert run.xcom("sync")["summary"]["create"] == 2
    assert len(people(kinde)) == 2
    company.rows = {}
    company.save()
    blocked = Run(dag)
    assert blocked.states == {"sync": "failed"}
    assert blocked.tries == {"sync": 1}


def test_a_relative_spec_is_beside_the_dag_file(
    dag_file: DagFile, company: Company, kinde: Emulator, request: pytest.FixtureRequest
) -> None:
    import os

    beside = Path(os.environ["AIRFLOW__CORE__DAGS_FOLDER"]) / "beside.yaml"
    beside.write_text(company.spec.read_text().replace("people.csv", str(company.folder / "people.csv")))
    request.addfinalizer(beside.unlink)
    assert Run(dag_file(ONE_TASK.format(spec="beside.yaml", more=""))).state == "success"
    assert Run(dag_file(FACTORY.format(spec="beside.yaml"))).state == "success"


CHANGES = """
from datetime import timedelta
from airflow_provider_kinde.dag_factory import kinde_sync_dag
dag = kinde_sync_dag({spec!r}, dag_id="DAG_ID", on_change="sensor", default_args={{"retries": 0}})
"""


@pytest.mark.smoke
def test_a_run_that_waited_for_a_change_marks_the_source(
    dag_file: DagFile, company: Company, kinde: Emulator, storage_path: Path
) -> None:
    from airflow_provider_kinde.storage.source_state import SourceState

    def due() -> bool:
        return SourceState.of(company.spec, str(storage_path), None, timedelta(hours=1)).check().met

    dag = dag_file(CHANGES.format(spec=str(company.spec)))
    run = Run(dag)
    assert (run.state, run.xcom("wait")["why"]) == ("success", "nothing was synced yet")
    assert not due()
    # A run for some people or some kinds of operations, or without any, leaves the change to the next one.
    for number, conf in enumerate(({"only": ["create"]}, {"ids": ["E2"]}, {"dry_run": True})):
        company.change(number, team="HR")
        run = Run(dag, conf)
        assert (run.state, run.xcom("wait")["why"]) == ("success", "the source changed")
        assert due()


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"password": "wrong"}, "refused the connection"),
        ({"login": ""}, "cannot be used"),
        ({"host": ""}, "cannot be used"),
    ],
)
def test_a_wrong_connection_fails_at_once(
    dag: Any,
    kinde: Emulator,
    monkeypatch: pytest.MonkeyPatch,
    said: Callable[[], str],
    changes: dict[str, str],
    word: str,
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_KINDE_SMALL", connection(kinde, **changes))
    run = Run(dag)
    assert (run.states["plan"], run.tries["plan"]) == ("failed", 1)
    assert word in said()


def test_a_missing_connection_is_named(
    dag: Any, monkeypatch: pytest.MonkeyPatch, said: Callable[[], str], kinde: Emulator
) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_KINDE_SMALL")
    run = Run(dag)
    assert (run.states["plan"], run.tries["plan"]) == ("failed", 1)
    assert "there is no Airflow connection 'kinde_small'" in said()


def test_a_source_that_is_not_there_is_tried_again(dag: Any, company: Company, said: Callable[[], str]) -> None:
    (company.folder / "people.csv").unlink()
    run = Run(dag)
    assert (run.states["plan"], run.tries["plan"]) == ("failed", 2)
    assert "people.csv" in said()


def test_a_broken_spec_fails_at_once(dag: Any, company: Company, said: Callable[[], str]) -> None:
    company.spec.write_text(company.spec.read_text().replace("row.team == 'HR'", "row.taem == 'HR'"))
    run = Run(dag)
    assert (run.states["plan"], run.tries["plan"]) == ("failed", 1)
    assert "taem" in said()


def test_a_changed_plan_file_is_refused(dag_file: DagFile, company: Company, kinde: Emulator, tmp_path: Path) -> None:
    for number, content in enumerate(("[]", "{", json.dumps({"spec": "small-hr"}))):
        plan = tmp_path / f"plan{number}.json"
        plan.write_text(content)
        dag = dag_file(
            ONE_TASK.replace("KindeSyncOperator", "KindeSyncApplyOperator").format(
                spec=str(company.spec), more=f", plan_path={str(plan)!r}"
            )
        )
        run = Run(dag)
        assert (run.states, run.tries) == ({"sync": "failed"}, {"sync": 1})
    assert writes(kinde) == 0


def test_templated_fields() -> None:
    common = {"spec", "kinde_conn_id", "ids", "only", "approve", "approve_protected", "storage_path"}
    assert set(KindeSyncPlanOperator.template_fields) == common
    assert set(KindeSyncOperator.template_fields) == common | {"plan_only"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("", None),
        ("None", None),
        ("null", None),
        ("[]", None),
        ([], None),
        ("E1", ["E1"]),
        (" E1, E2\nE3,", ["E1", "E2", "E3"]),
        ('["E1", "a \\"b\\""]', ["E1", 'a "b"']),
        ("['E1', \"O'Brien\"]", ["E1", "O'Brien"]),
        ((7, 8), ["7", "8"]),
        ({"E1"}, ["E1"]),
    ],
)
def test_items(value: Any, expected: list[str] | None) -> None:
    assert items(value) == expected


def test_small_things() -> None:
    assert [text(value) for value in (None, " ", "null", "None", " a ", '"1_0"')] == [
        None,
        None,
        None,
        "None",
        "a",
        "1_0",
    ]
    assert [is_true(value) for value in (True, "True", "true", "1", False, "False", "", None)] == [True] * 4 + [
        False
    ] * 4
    assert some(str(number) for number in range(52)).endswith("48, 49 and 2 more")


def test_a_spec_whose_tests_fail_is_refused_before_anything_is_read(
    dag: Any, company: Company, kinde: Emulator
) -> None:
    test = "tests:\n  - given: {status: Active, team: IT}\n    expect: {memberships: {hr: []}}\n"
    company.spec.write_text(company.spec.read_text() + test)
    kinde.clear_log()
    run = Run(dag)
    assert (run.states["plan"], run.tries["plan"]) == ("failed", 1)
    assert kinde.log() == []


def test_the_log_names_each_reason_once_with_ids(
    dag: Any, company: Company, kinde: Emulator, said: Callable[[], str]
) -> None:
    company.spec.write_text(company.spec.read_text() + "guards: {max_rejected_rows: 100%}\n")
    for number in (1, 2, 3):
        company.change(number, status="Pending")
    assert Run(dag).states["plan"] == "success"
    log = said()
    assert "rejected rows, nothing is done for their people: 3" in log
    assert re.search(r"3 x status .* is neither .*: row 2 \(id E1\), row 3 \(id E2\), row 4 \(id E3\)", log)


ON_CHANGE = """
from datetime import timedelta
from airflow_provider_kinde.dag_factory import kinde_sync_dag
dag = kinde_sync_dag({spec!r}, on_change="asset", dag_id="DAG_ID", default_args={{"retries": 0}})
"""


@pytest.mark.skipif(not has_asset_watchers(), reason="about Airflow 3")
def test_a_change_is_synced_by_one_task_that_reads_everything_once(
    dag_file: DagFile, company: Company, kinde: Emulator
) -> None:
    dag = dag_file(ON_CHANGE.format(spec=str(company.spec)))
    run = Run(dag)
    assert (run.states, run.xcom("sync")["outcome"]) == ({"sync": "success"}, "changes")
    lists = [entry["query"] for entry in kinde.log() if (entry["method"], entry["path"]) == ("GET", "/api/v1/users")]
    assert [query["page_size"] for query in lists] == ["500"]
    company.change(3, status="Left")
    before = writes(kinde)
    planned = Run(dag, {"dry_run": True})
    assert planned.states == {"sync": "success"}
    assert (planned.xcom("sync")["summary"]["suspend"], writes(kinde)) == (1, before)
