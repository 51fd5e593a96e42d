"""The retry policy: what it decides, and what a real task does with it."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_kinde import exceptions
from airflow_provider_kinde.exceptions import SourceError, SpecError, SyncError
from airflow_provider_kinde.operators import retry_policy
from kinde_emulator import Emulator
from tests.support.company import Company, Run

DagFile = Callable[[str], Any]

needs_policies = pytest.mark.skipif(not retry_policy.AVAILABLE, reason="retry policies came with Airflow 3.3")

HEAD = """
from datetime import timedelta
from airflow.providers.common.compat.sdk import DAG, BaseOperator
from airflow_provider_kinde import exceptions
from airflow_provider_kinde.operators.sync import KindeSyncOperator
from airflow_provider_kinde.operators.users import KindeUpdateUserOperator
from airflow_provider_kinde.operators.retry_policy import kinde_retry_policy

class Fail(BaseOperator):
    def __init__(self, error, **kwargs):
        super().__init__(**kwargs)
        self.error = error

    def execute(self, context):
        raise self.error

ARGS = {"retries": 1, "retry_delay": timedelta(0), "retry_policy": kinde_retry_policy, "kinde_conn_id": "kinde_small"}
with DAG("DAG_ID", schedule=None, default_args=ARGS) as dag:
"""


def decision(error: BaseException) -> Any:
    assert retry_policy.kinde_retry_policy is not None
    return retry_policy.kinde_retry_policy.evaluate(error, try_number=1, max_tries=3)


def wrapped(error: Exception) -> Exception:
    try:
        try:
            raise error
        except Exception as cause:
            raise RuntimeError("Kinde: " + str(cause)) from cause
    except RuntimeError as outer:
        return outer


REFUSED = {"status": 400, "method": "POST", "path": "/api/v1/user"}
HOPELESS = [
    exceptions.KindeAuthError("no", status=401),
    exceptions.KindePermissionError("no", status=403, scope="delete:users"),
    exceptions.KindeNotFoundError("no", status=404),
    exceptions.KindeConflictError("no", status=409),
    exceptions.KindeError("jo@example.com is no address", **REFUSED),
    SpecError("no such column"),
    SyncError("no such organization"),
]
PASSING = [
    exceptions.KindeServerError("down", status=503),
    exceptions.KindeServerError("no route to host"),
    exceptions.KindeResponseError("HTML", status=200),
    exceptions.KindeError("no answer at all"),
    SourceError("no such file"),
    ValueError("not ours"),
]


@needs_policies
@pytest.mark.parametrize("error", HOPELESS, ids=lambda error: type(error).__name__)
def test_errors_that_a_retry_cannot_mend_are_not_retried(error: Exception) -> None:
    for seen in (error, wrapped(error)):
        found = decision(seen)
        assert found.action.value == "fail"
        assert type(error).__name__ in found.reason


@needs_policies
@pytest.mark.parametrize("error", PASSING, ids=lambda error: type(error).__name__)
def test_errors_that_may_pass_follow_the_retries_of_the_task(error: Exception) -> None:
    for seen in (error, wrapped(error)):
        assert decision(seen).action.value == "default"


@needs_policies
def test_a_rate_limit_is_waited_for_as_long_as_kinde_asks() -> None:
    for wait, least in ((40.0, 40), (0.0, 0), (10.0**9, retry_policy.LONGEST.total_seconds())):
        limited = exceptions.KindeRateLimitError("slow down", status=429, retry_after=wait)
        for seen in (limited, wrapped(limited)):
            found = decision(seen)
            assert found.action.value == "retry"
            assert least <= found.retry_delay.total_seconds() <= 1.25 * least
    waits = {decision(exceptions.KindeRateLimitError("slow down", retry_after=40.0)).retry_delay for _ in range(20)}
    assert len(waits) > 10
    untold = decision(exceptions.KindeRateLimitError("slow down", status=429))
    assert (untold.action.value, untold.retry_delay) == ("retry", None)


@needs_policies
def test_retry_reasons_hold_no_names() -> None:
    for error in [*HOPELESS, *PASSING, exceptions.KindeRateLimitError("jo@example.com", retry_after=1.0)]:
        assert "jo@" not in (decision(error).reason or "")


@needs_policies
def test_causes_that_go_round_end() -> None:
    one, other = RuntimeError("one"), RuntimeError("other")
    one.__cause__, other.__cause__ = other, one
    assert decision(one).action.value == "default"


@needs_policies
def test_the_policy_goes_along() -> None:
    policy = retry_policy.kinde_retry_policy
    assert policy is not None
    assert type(retry_policy.KindeRetryPolicy.deserialize(policy.serialize())) is type(policy)
    assert type(pickle.loads(pickle.dumps(policy))) is type(policy)


@needs_policies
def test_real_tasks_retry_as_the_policy_says(dag_file: DagFile, kinde: Emulator) -> None:
    tasks = """
    KindeUpdateUserOperator(task_id="nobody", user_id="kp_nobody", given_name="Jo")
    Fail(task_id="down", error=exceptions.KindeServerError("down", status=503))
    Fail(task_id="limited", error=exceptions.KindeRateLimitError("slow down", retry_after=0.4))
    KindeUpdateUserOperator(task_id="plain", user_id="kp_nobody", given_name="Jo", retry_policy=None)
"""
    run = Run(dag_file(HEAD + tasks))
    assert set(run.states.values()) == {"failed"}
    assert run.tries == {"nobody": 1, "down": 2, "limited": 2, "plain": 1}
    waits = waited(run)
    assert 0.4 <= waits.pop(("limited", 1)) <= 0.5
    assert set(waits.values()) == {None}


def waited(run: Run) -> dict[tuple[str, int], float | None]:
    """How long Airflow was told to wait after each try that was not the last."""
    from airflow.models.taskinstancehistory import TaskInstanceHistory
    from airflow.utils.session import create_session

    with create_session() as session:
        rows = session.query(TaskInstanceHistory).filter_by(dag_id=run.dag_run.dag_id, run_id=run.dag_run.run_id).all()
        return {(row.task_id, row.try_number): row.retry_delay_override for row in rows}


@needs_policies
def test_a_sync_that_kinde_turns_away(dag_file: DagFile, company: Company, kinde: Emulator) -> None:
    from airflow_provider_kinde.operators.sync import KindeSyncPlanOperator

    kinde.fault("GET", "/api/v1/users", status=429, times=1, headers={"Retry-After": "900"})
    operator = KindeSyncPlanOperator(task_id="plan", spec=str(company.spec))
    ti = SimpleNamespace(dag_id="d", run_id="manual__1", task_id="plan", map_index=-1, try_number=1)
    ti.xcom_push = lambda **_: None
    with pytest.raises(Exception, match="longer than") as caught:
        operator.execute({"ti": ti, "dag_run": SimpleNamespace(run_type="manual")})  # type: ignore[typeddict-item]
    found = decision(caught.value)
    assert found.action.value == "retry"
    assert 900 <= found.retry_delay.total_seconds() <= 1.25 * 900


def test_an_airflow_without_retry_policies_retries_as_before(
    dag_file: DagFile, kinde: Emulator, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    if retry_policy.AVAILABLE:
        assert retry_policy.retry_arguments() == {"retry_policy": retry_policy.kinde_retry_policy}
    else:
        assert retry_policy.kinde_retry_policy is None
        assert retry_policy.retry_arguments() == {}
    task = """
    KindeUpdateUserOperator(task_id="alone", user_id="kp_nobody", given_name="Jo", retries=0)
    KindeUpdateUserOperator.partial(task_id="mapped", given_name="Jo", retries=0).expand(user_id=["kp_nobody"])
"""
    run = Run(dag_file(HEAD + task))
    assert run.states == {"alone": "failed", "mapped": "failed"}


def test_made_dags_have_the_policy_where_there_is_one(dag_file: DagFile, company: Company) -> None:
    made = "from airflow_provider_kinde.dag_factory import {0}\ndag = {0}({1!r}, dag_id='DAG_ID')\n"
    for factory in ("kinde_sync_dag", "kinde_onboard_dag"):
        dag = dag_file(made.format(factory, str(company.spec)))
        for task in dag.tasks:
            assert getattr(task, "retry_policy", None) is retry_policy.kinde_retry_policy
            assert task.retries == 3
