"""The entry that a task of Airflow writes into the history of its sync."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_kinde.storage.history_settings import keep_days, open_history

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_kinde.storage.history import Written
    from airflow_provider_kinde.sync.plan.plan import Plan
    from airflow_provider_kinde.sync.report.report import Report
    from airflow_provider_kinde.sync.spec.models import SyncSpec


def write_run(
    operator: Any,
    spec: SyncSpec,
    plan: Plan,
    report: Report | None,
    context: Context,
    *,
    approve: str | None,
    protected: Sequence[str],
) -> Written:
    """Write the entry of one task.

    :param operator: the operator.
    :param spec: the spec.
    :param plan: the plan.
    :param report: what became of it; ``None`` where the task only planned.
    :param context: Airflow's context of the task.
    :param approve: the hash that was given with the run, if any.
    :param protected: HR ids of protected people whose changes were approved by id.
    :returns: the entry.
    :raises StorageError: it cannot be written.
    """
    from airflow_provider_kinde.storage.history_writer import write_entry
    from airflow_provider_kinde.sync.history.entry import RunRecord
    from airflow_provider_kinde.version_compat import user_agent

    ti, dag_run = context["ti"], context.get("dag_run")
    run_type = getattr(dag_run, "run_type", "")
    user = getattr(dag_run, "triggering_user_name", None)
    names = {
        **{name: getattr(ti, name, None) for name in ("dag_id", "run_id", "task_id", "try_number")},
        "trigger": getattr(run_type, "value", run_type),
        "user": user,
    }
    approval: dict[str, Any] = {}
    if operator._approved:
        approval = {**operator._approved, "how": "an approval in Airflow"}
    elif approve:
        # No task asked: the hash was given where the run was triggered, or in the DAG.
        approval = {"hash": approve, "by": user or "", "how": "a parameter of the run"}
    record = RunRecord(operator._command, names, user_agent(), approval, protected, operator._began)
    return write_entry(open_history(spec.name, operator.storage_path), record, plan, report, keep_days())
