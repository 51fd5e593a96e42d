from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_kinde.dag_factory.sync_dag import can_watch, kinde_sync_dag
from airflow_provider_kinde.dag_factory.sync_tasks import can_ask
from airflow_provider_kinde.operators.spec_base import refuse_backfill
from airflow_provider_kinde.sync.spec import outline
from tests.support.company import Company

ROOT = Path(__file__).resolve().parents[2]


def test_the_dag_of_a_spec(company: Company) -> None:
    dag = kinde_sync_dag(company.spec, schedule="@hourly", pool="hr")
    assert dag.dag_id == "small-hr"
    assert dag.fileloc == __file__
    assert (dag.catchup, dag.max_active_runs) == (False, 1)
    plan, apply = dag.get_task("plan"), dag.get_task("apply")
    assert apply.upstream_task_ids == {"plan"}
    for task in (plan, apply):
        assert (task.retries, task.retry_exponential_backoff, task.pool) == (3, True, "hr")
        assert task.kinde_conn_id == "kinde_small"
    assert set(dag.params) == {"ids", "only", "dry_run", "approve", "approve_protected"}
    dag.params.validate()


def test_no_pool_unless_it_is_named(company: Company) -> None:
    assert kinde_sync_dag(company.spec).get_task("plan").pool == "default_pool"


def test_everything_of_a_dag_can_be_said(company: Company) -> None:
    dag = kinde_sync_dag(
        company.spec, dag_id="mine", kinde_conn_id="other", default_args={"retries": 0, "owner": "it"}, description="d"
    )
    plan = dag.get_task("plan")
    assert (dag.dag_id, dag.description) == ("mine", "d")
    assert (plan.retries, plan.owner, plan.kinde_conn_id) == (0, "it", "other")


def test_with_approvers_the_form_takes_no_approval(company: Company) -> None:
    if not can_ask():
        return  # refused: see the next test
    dag = kinde_sync_dag(company.spec, approve="blocked", approvers=["carol"])
    assert set(dag.params) == {"ids", "only", "dry_run"}
    for name in ("plan", "apply"):
        task = dag.get_task(name)
        assert (task.approvers_decide, task.approve_protected) == (True, None)
        assert "params.approve" not in str(task.approve)
    assert "approve`: the plan's hash" not in dag.doc_md
    without = kinde_sync_dag(company.spec, approve="blocked")
    assert {"approve", "approve_protected"} < set(without.params)
    assert "approve`: the plan's hash" in without.doc_md


@pytest.mark.parametrize("conf", [{"approve": "a" * 64}, {"approve_protected": ["E1"]}])
def test_a_run_that_carries_an_approval_is_refused_where_approvers_decide(conf: dict[str, Any], tmp_path: Path) -> None:
    from airflow.providers.common.compat.sdk import AirflowFailException

    from airflow_provider_kinde.operators.sync import KindeSyncApplyOperator, KindeSyncPlanOperator

    spec = str(tmp_path / "there-is-none.yaml")
    plan = KindeSyncPlanOperator(task_id="plan", spec=spec, approvers_decide=True)
    apply = KindeSyncApplyOperator(task_id="apply", spec=spec, plan_path="none", approvers_decide=True)
    for task in (plan, apply):
        with pytest.raises(AirflowFailException, match="names approvers: approval comes from them alone"):
            task.execute({"ti": None, "dag_run": _Run("manual", conf)})  # type: ignore[typeddict-item]


def test_arguments_of_a_dag_are_merged_or_refused_with_the_reason(company: Company) -> None:
    from airflow.providers.common.compat.sdk import Param

    dag = kinde_sync_dag(company.spec, catchup=False, max_active_runs=1, params={"ticket": Param("", type="string")})
    assert set(dag.params) == {"ids", "only", "dry_run", "approve", "approve_protected", "ticket"}
    refused: dict[str, tuple[Any, str]] = {
        "catchup": (True, "acts on today's HR data"),
        "max_active_runs": (2, "would plan the same changes twice"),
        "params": ({"approve": ""}, "the form has approve already"),
        "render_template_as_native_obj": (True, "the HR id 1_0 would become 10"),
    }
    for name, (value, reason) in refused.items():
        with pytest.raises(ValueError, match=reason):
            kinde_sync_dag(company.spec, **{name: value})


@pytest.mark.parametrize("value", [0, -1, timedelta(0), timedelta(seconds=-5), True, "60", float("nan"), float("inf")])
def test_durations_are_seconds_or_a_timedelta_above_nothing(company: Company, value: Any) -> None:
    for name in ("poll_interval", "at_least_every", "approval_timeout"):
        with pytest.raises(ValueError, match=f"{name}=.*expected a timedelta or a number of seconds, above 0"):
            kinde_sync_dag(company.spec, on_change="sensor", schedule="@continuous", **{name: value})


def test_seconds_and_timedeltas_mean_the_same(company: Company) -> None:
    for one, other in ((90, 7200.0), (timedelta(seconds=90), timedelta(hours=2))):
        dag = kinde_sync_dag(company.spec, on_change="sensor", poll_interval=one, at_least_every=other)
        wait = dag.get_task("wait")
        assert (wait.poke_interval, wait.at_least_every) == (90, timedelta(hours=2))


@pytest.mark.parametrize("approvers", [[7], [""], [None], [{"id": "7"}], [{"id": 7, "name": "Bo"}], {"id": "7"}, 7])
def test_approvers_are_checked_when_the_file_is_parsed(company: Company, approvers: Any) -> None:
    with pytest.raises(ValueError, match="approvers"):
        kinde_sync_dag(company.spec, approve="blocked", approvers=approvers)


@pytest.mark.parametrize("approve", ["blocked", "always"])
def test_a_person_is_asked_where_airflow_can(company: Company, approve: Any) -> None:
    if not can_ask():
        with pytest.raises(ValueError, match=r"needs Airflow 3\.1 or later.*its hash is given as `approve`"):
            kinde_sync_dag(company.spec, approve=approve)
        return
    dag = kinde_sync_dag(company.spec, approve=approve, approvers=["ann", {"id": "7", "name": "Bo"}])
    plan, ask, apply = (dag.get_task(name) for name in ("plan", "approve", "apply"))
    assert (ask.upstream_task_ids, apply.upstream_task_ids) == ({"plan"}, {"approve"})
    assert (plan.ask, ask.when, ask.retries, ask.defaults) == (True, approve, 0, None)
    assert ask.response_timeout == timedelta(days=1)
    assert [user["id"] for user in ask.assigned_users] == ["ann", "7"]


def test_a_dag_that_waits_for_changes(company: Company) -> None:
    dag = kinde_sync_dag(company.spec, schedule="@continuous", on_change="sensor", poll_interval=30)
    assert list(dag.task_ids) == ["wait", "sync"]
    wait, sync = dag.get_task("wait"), dag.get_task("sync")
    assert sync.upstream_task_ids == {"wait"}
    assert (wait.mode, wait.poke_interval, sync.marks_source) == ("reschedule", 30, True)
    assert not kinde_sync_dag(company.spec).get_task("apply").marks_source


@pytest.mark.skipif(not can_ask(), reason="about Airflow 3.1 and later")
def test_a_change_that_a_person_approves_is_planned_and_applied_by_two_tasks(company: Company) -> None:
    dag = kinde_sync_dag(company.spec, on_change="sensor", approve="blocked")
    assert list(dag.task_ids) == ["wait", "plan", "approve", "apply"]
    assert dag.get_task("apply").marks_source


def test_a_dag_scheduled_by_the_source(company: Company) -> None:
    if not can_watch():
        with pytest.raises(ValueError, match="needs Airflow 3: use on_change='sensor'"):
            kinde_sync_dag(company.spec, on_change="asset")
        return
    dag = kinde_sync_dag(company.spec, on_change="asset")
    assert list(dag.task_ids) == ["sync"]
    (asset,) = dag.schedule
    assert asset.name == "small-hr-hr-source"
    (watcher,) = asset.watchers
    assert watcher.trigger.state["spec_text"] == company.spec.read_text()
    assert watcher.trigger.poll_interval is None
    # A second run may begin while Airflow still counts the first; the work of both is done one after the other.
    assert (dag.max_active_runs, dag.get_task("sync").max_active_tis_per_dag) == (2, 1)
    with pytest.raises(ValueError, match=r"max_active_runs=1: .*once at a time all the same. It can only be 2"):
        kinde_sync_dag(company.spec, on_change="asset", max_active_runs=1)
    if can_ask():
        assert kinde_sync_dag(company.spec, on_change="asset", approve="always").max_active_runs == 1
    from airflow.sdk import Asset

    both = kinde_sync_dag(company.spec, on_change="asset", schedule=Asset("kinde://acme.kinde.com") | Asset("bamboohr"))
    watched, hints = both.schedule.objects
    assert [watched.name, *(asset.name for asset in hints.objects)] == [
        "small-hr-hr-source",
        "kinde://acme.kinde.com",
        "bamboohr",
    ]


def test_nonsense_is_refused(company: Company) -> None:
    with pytest.raises(ValueError, match="expected 'never'"):
        kinde_sync_dag(company.spec, approve="sometimes")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="expected 'sensor' or 'asset'"):
        kinde_sync_dag(company.spec, on_change="email")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"a schedule of its own|needs Airflow 3"):
        kinde_sync_dag(company.spec, on_change="asset", schedule="@daily")
    with pytest.raises(ValueError, match="approvers need approve="):
        kinde_sync_dag(company.spec, approvers=["ann"])
    with pytest.raises(ValueError, match="a list is expected"):
        kinde_sync_dag(company.spec, approve="blocked", approvers="ann")


def test_a_missing_spec_is_a_clear_import_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=f"there is no spec file {tmp_path}/none.yaml"):
        kinde_sync_dag(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("text", "words"), [("a: [", "is not YAML"), ("- 1", "has no `name`"), ("name: 7", "no `name`")]
)
def test_an_invalid_spec_is_a_clear_import_error(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "hr.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=words):
        kinde_sync_dag(path)


def test_a_spec_is_read_anew_only_when_it_changes(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outline, "_outlines", {})
    kinde_sync_dag(company.spec)
    before = company.spec.stat()
    company.spec.write_text(company.spec.read_text().replace("small-hr", "other-hr"))
    os.utime(company.spec, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert kinde_sync_dag(company.spec).dag_id == "small-hr"
    os.utime(company.spec, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert kinde_sync_dag(company.spec).dag_id == "other-hr"


def test_parsing_loads_nothing_heavy(airflow_process: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    code = f"""
import runpy, sys
from airflow.providers.common.compat.sdk import DAG, BaseOperator, Param
with DAG("any", schedule=None):
    BaseOperator(task_id="any")  # what Airflow loads for any DAG is its own affair
before = set(sys.modules)
dag = runpy.run_path({str(ROOT / "dags" / "kinde_hr_sync.py")!r})["dag"]
print(dag.dag_id, *sorted({{name.split(".")[0] for name in set(sys.modules) - before if "kinde" not in name}}))
print(*sorted(name for name in sys.modules if name.startswith("airflow_provider_kinde.")))
"""
    done = airflow_process("-c", code)
    assert done.returncode == 0, done.stderr
    others, ours = done.stdout.splitlines()[-2:]
    assert others.split()[0] == "kinde_hr_sync"
    assert not {"requests", "jinja2", "cryptography", "httpx", "fastapi", "uvicorn"} & set(others.split())
    cheap = (
        "counted",
        "dag_factory",
        "operators",
        "storage",
        "exceptions",
        "hooks.connection_form",
        "links",
        "sync.kinds",
        "sync.spec.outline",
        "triggers.durations",
        "version",
    )
    # The fields of the connection form, which Airflow reads at its start, are made of the options of the client.
    form = {"client", "client.settings", "client.text", "client.urls"}
    packages = {"hooks", "links", "sync", "sync.spec", "triggers"} | form
    names = {name.removeprefix("airflow_provider_kinde.") for name in ours.split()} - packages
    assert {name for name in names if not name.startswith(cheap)} == set()


EXAMPLES = """
import sys
try:
    from airflow.dag_processing.dagbag import DagBag
except ImportError:
    from airflow.models import DagBag
bag = DagBag(sys.argv[1])
assert not bag.import_errors, bag.import_errors
for dag in bag.dags.values():
    schedule = getattr(dag, "schedule", None) or getattr(dag, "schedule_interval", None)
    print(dag.dag_id, dag.is_paused_upon_creation, schedule)
"""


def test_examples_are_paused_and_unscheduled(airflow_process: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    done = airflow_process("-c", EXAMPLES, str(ROOT / "dags"))
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines() if line.startswith("kinde_")]
    assert ["kinde_hr_sync", "True", "None"] in lines
    assert {tuple(line[1:]) for line in lines} == {("True", "None")}


class _Run:
    def __init__(self, run_type: Any, conf: Any = None) -> None:
        self.run_type = run_type
        self.conf = conf


def test_backfills_are_refused() -> None:
    from airflow.providers.common.compat.sdk import AirflowFailException
    from airflow.utils.types import DagRunType

    with pytest.raises(AirflowFailException, match="cannot be backfilled"):
        refuse_backfill({"dag_run": _Run(DagRunType.BACKFILL_JOB)})  # type: ignore[typeddict-item]
    refuse_backfill({"dag_run": _Run(DagRunType.MANUAL)})  # type: ignore[typeddict-item]
    refuse_backfill({"dag_run": _Run("scheduled")})  # type: ignore[typeddict-item]
