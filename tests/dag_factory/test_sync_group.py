from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, BaseOperator, TaskGroup

from airflow_provider_kinde.dag_factory import kinde_sync_dag, kinde_sync_params, kinde_sync_task_group
from airflow_provider_kinde.dag_factory.sync_tasks import can_ask
from kinde_emulator import Emulator
from tests.support.company import Company, Run

PIPELINE = """
from airflow.providers.common.compat.sdk import DAG, Asset, task
from airflow_provider_kinde.assets.kinde import organization_uri
from airflow_provider_kinde.dag_factory import kinde_sync_params, kinde_sync_task_group

hr, audited = Asset(uri="file:///hr/people.csv"), Asset(uri="x-audit://kinde/log")
everything, it = Asset(uri=organization_uri("127.0.0.1")), Asset(uri=organization_uri("127.0.0.1", {code!r}))

@task(outlets=[hr])
def extract():
    return 12

@task(outlets=[audited])
def audit(report):
    return report["summary"]["create"]

with DAG("DAG_ID", schedule=None, catchup=False, max_active_runs=1, params=kinde_sync_params()) as dag:
    sync = kinde_sync_task_group({spec!r}, group_id="sync", inlets=[hr], outlets=[everything, it])
    extract() >> sync >> audit(dag.get_task("sync.apply").output)
"""


def events(run: Run) -> dict[str, dict[str, Any]]:
    """What the assets that a run updated were told, by address."""
    import importlib

    from airflow.utils.session import create_session

    try:
        model = importlib.import_module("airflow.models.asset").AssetEvent
    except ImportError:
        model = importlib.import_module("airflow.models.dataset").DatasetEvent
    with create_session() as session:
        found = session.query(model).filter_by(source_run_id=run.dag_run.run_id).all()
        return {event.uri: dict(event.extra or {}) for event in found}


@pytest.mark.smoke
def test_extract_sync_and_audit_in_one_dag(dag_file: Callable[[str], Any], company: Company, kinde: Emulator) -> None:
    (code,) = (item["code"] for item in kinde.state()["organizations"] if item["name"] == "IT")
    dag = dag_file(PIPELINE.format(spec=str(company.spec), code=code))
    if hasattr(dag, "bulk_write_to_db"):  # Airflow 2 keeps events only of data sets that its DAG processor saw
        dag.bulk_write_to_db([dag])
    run = Run(dag)
    assert run.states == dict.fromkeys(("extract", "sync.plan", "sync.apply", "audit"), "success")
    assert run.xcom("audit") == 12
    told = events(run)
    # 12 accounts, 12 memberships, 6 roles; six people join IT, each with a role.
    assert told["kinde://127.0.0.1"]["changes"] == 30
    assert told[f"kinde://127.0.0.1/{code}"]["changes"] == 12
    assert told["kinde://127.0.0.1"]["summary"]["create"] == 12
    assert {"outcome": "changes", "held": 0, "rejected": 0}.items() <= told["kinde://127.0.0.1"].items()
    again = Run(dag, {"ids": ["E1"], "dry_run": True})
    assert (again.states["sync.plan"], again.states["sync.apply"]) == ("success", "skipped")


def test_the_tasks_of_the_group_are_those_of_the_dag(company: Company) -> None:
    whole = kinde_sync_dag(company.spec, pool="hr", approve="always" if can_ask() else "never")
    with DAG("mine", schedule=None, catchup=False, max_active_runs=1):
        group = kinde_sync_task_group(company.spec, pool="hr", approve="always" if can_ask() else "never")
    tasks = {task.task_id.removeprefix("kinde_sync."): task for task in group}
    assert set(tasks) == set(whole.task_ids)
    for name, task in tasks.items():
        other = whole.get_task(name)
        for field in (*task.template_fields, "pool", "retries", "retry_delay", "spec_folder"):
            value = getattr(task, field)
            own = value.replace("kinde_sync.", "") if isinstance(value, str) else value
            assert own == getattr(other, field), (name, field)
        assert {one.removeprefix("kinde_sync.") for one in task.upstream_task_ids} == other.upstream_task_ids


def test_the_form_is_that_of_the_dag(company: Company) -> None:
    assert set(kinde_sync_params()) == set(kinde_sync_dag(company.spec).params)
    assert set(kinde_sync_params(approvals=False)) == {"ids", "only", "dry_run"}


def test_default_args_of_the_group_win_over_those_of_the_dag(company: Company) -> None:
    with DAG("mine", schedule=None, catchup=False, max_active_runs=1, default_args={"retries": 7, "owner": "it"}):
        BaseOperator(task_id="other")
        with TaskGroup("outer"):
            inner = kinde_sync_task_group(company.spec, group_id="a", default_args={"retries": 1})
        plain = kinde_sync_task_group(company.spec, group_id="b")
    plan = inner.children["outer.a.plan"]
    assert (plan.retries, plan.owner, plan.retry_exponential_backoff) == (1, "it", True)
    assert inner.children["outer.a.apply"].plan_path == "{{ ti.xcom_pull(task_ids='outer.a.plan')['path'] }}"
    assert plain.children["b.plan"].retries == 7


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [({"catchup": False}, "max_active_runs=1"), ({"catchup": True, "max_active_runs": 1}, "catchup=False")],
)
def test_a_dag_that_may_run_twice_at_once_is_refused(company: Company, arguments: Any, reason: str) -> None:
    with DAG("mine", schedule=None, **arguments), pytest.raises(ValueError, match=f"the DAG 'mine' needs {reason}"):
        kinde_sync_task_group(company.spec)
