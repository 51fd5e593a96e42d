"""The tasks of a sync (plan, approve, apply) and their form, for the whole DAG and for the task group alike."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from airflow.providers.common.compat.sdk import Param

from airflow_provider_kinde.operators.sync import KindeSyncApplyOperator, KindeSyncOperator, KindeSyncPlanOperator
from airflow_provider_kinde.sync.kinds import COUNTED
from airflow_provider_kinde.triggers.durations import duration

Approve = Literal["never", "blocked", "always"]

APPROVAL_TIMEOUT = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class SyncTasks:
    """What the tasks of a sync are made with. The parameters mean what they mean for ``kinde_sync_dag``.

    :param spec_path: the spec file, as the DAG file names it.
    :param folder: the folder of the DAG file, where a relative path starts.
    :param kinde_conn_id: Airflow connection.
    :param approve: which plans a person is asked about.
    :param approvers: user ids of those who may approve.
    :param approval_timeout: how long an approver has.
    :param storage_path: folder for plans and reports.
    :param log_personal_data: whether task logs may name people.
    :param redact: whether plans and reports are kept without names.
    :param inlets: assets that the plan and the apply task read.
    :param outlets: assets that the apply task updates.
    :param alerts: a notifier, or a list of notifiers.
    """

    spec_path: str | os.PathLike[str]
    folder: Path
    kinde_conn_id: str
    approve: Approve
    approvers: Sequence[Any]
    approval_timeout: timedelta | float
    storage_path: str | None
    log_personal_data: bool | None
    redact: bool | None
    inlets: Collection[Any]
    outlets: Collection[Any]
    alerts: Any

    def __post_init__(self) -> None:
        """Check what can be checked when a DAG file is parsed.

        :raises ValueError: an argument is not supported.
        """
        _check(self.approve, self.approvers)
        duration("approval_timeout", self.approval_timeout)

    def default_args(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Add the alerts to the callbacks of the tasks.

        :param given: the arguments of the tasks otherwise.
        """
        alerts, merged = self._notifiers(), dict(given)
        for name in ("on_failure_callback", "on_success_callback") if alerts else ():
            own = merged.get(name) or []
            merged[name] = [*(own if isinstance(own, (list, tuple)) else [own]), *alerts]
        return merged

    def _notifiers(self) -> list[Any]:
        return list(self.alerts) if isinstance(self.alerts, (list, tuple)) else [self.alerts]

    def make(self, *, wait: Any = None, marks_source: bool = False, **where: Any) -> list[Any]:
        """Make the tasks, one after the other.

        :param wait: a task that goes first.
        :param marks_source: whether a success is remembered, for a DAG that waits for changes of HR's data. Then one
            task, ``sync``, does the whole work where no person is asked: a task takes seconds to start, and a second
            plan reads everything again.
        :param where: the ``dag`` or the ``task_group`` of the tasks.
        """
        asks, decide = self.approve != "never", bool(self.approvers)
        shared: dict[str, Any] = {
            **where,
            # As given: an absolute path would change with every version of a DAG bundle, and the DAG with it.
            "spec": str(self.spec_path),
            "kinde_conn_id": self.kinde_conn_id,
            "log_personal_data": self.log_personal_data,
            "storage_path": self.storage_path,
        }
        common: dict[str, Any] = {
            **shared,
            "inlets": list(self.inlets),
            # With `get`, since a DAG with a task group need not have the form.
            "ids": "{{ params.get('ids') | tojson }}",
            "only": "{{ params.get('only') | tojson }}",
            # With approvers, neither field of the form approves anything.
            "approve": None if decide else "{{ params.get('approve') | tojson }}",
            "approve_protected": None if decide else "{{ params.get('approve_protected') | tojson }}",
            "approvers_decide": decide,
            "redact": self.redact,
        }
        plan_only = "{{ params.get('dry_run', false) | tojson }}"
        writing: dict[str, Any] = {
            "plan_only": plan_only,
            "marks_source": marks_source,
            "outlets": list(self.outlets),
        }
        if marks_source and not asks:
            # Two runs of the DAG may begin; they work one after the other.
            alone = KindeSyncOperator(task_id="sync", max_active_tis_per_dag=1, **writing, **common)
            return self._chained([wait, alone])
        plan = KindeSyncPlanOperator(task_id="plan", ask=asks, **common)
        tasks: list[Any] = [wait, plan]
        if asks:
            from airflow_provider_kinde.operators.approval import KindeSyncApprovalOperator

            ask = KindeSyncApprovalOperator(
                task_id="approve",
                plan_task_id=plan.task_id,
                when=self.approve,
                plan_only=plan_only,
                approvers=list(self.approvers),
                response_timeout=self.approval_timeout,
                # An approver who did not answer in time is not asked three more times.
                retries=0,
                notifiers=self._notifiers(),
                **shared,
            )
            tasks.append(ask)
            answered = f"ti.xcom_pull(task_ids='{ask.task_id}')['hash']"
            either = answered if decide else f"({answered} or params.get('approve'))"
            common["approve"] = f"{{{{ {either} | tojson }}}}"
        apply = KindeSyncApplyOperator(
            task_id="apply",
            plan_path=f"{{{{ ti.xcom_pull(task_ids='{tasks[-1].task_id}')['path'] }}}}",
            approval_task_id=tasks[-1].task_id if asks else None,
            **writing,
            **common,
        )
        return self._chained([*tasks, apply])

    def _chained(self, listed: list[Any]) -> list[Any]:
        tasks = [task for task in listed if task is not None]
        for task in tasks:
            task.spec_folder = str(self.folder)
        for before, after in pairwise(tasks):
            before >> after
        return tasks


def can_ask() -> bool:
    """Whether this Airflow can ask a person within a run: 3.1 and later."""
    from airflow_provider_kinde.version_compat import approval_operator

    return approval_operator() is not None


def _check(approve: str, approvers: Sequence[Any]) -> None:
    if approve not in ("never", "blocked", "always"):
        raise ValueError(f"approve={approve!r}: expected 'never', 'blocked' or 'always'")
    from airflow_provider_kinde.operators.approval import check_approvers

    check_approvers(approvers)
    if approve == "never" and approvers:
        raise ValueError("approvers need approve='blocked' or 'always': with 'never' no plan waits for approval")
    if approve != "never" and not can_ask():
        from airflow_provider_kinde.operators.approval import INSTEAD

        raise ValueError(f"approve={approve!r}: {INSTEAD}")


def kinde_sync_params(*, approvals: bool = True) -> dict[str, Param]:
    """Make the fields of the form of a sync: ``ids``, ``only``, ``dry_run``, ``approve`` and ``approve_protected``.

    ``kinde_sync_dag`` has them. Pass them to your own DAG with a :func:`kinde_sync_task_group`, so that *Trigger* shows
    them: ``DAG("hr", params=kinde_sync_params(), ...)``.

    :param approvals: whether the form can approve; false where the sync has ``approvers``, who alone approve.
    """
    kinds = {"type": "string", "enum": list(COUNTED)}
    params = {
        "ids": Param(
            [],
            type=["array", "null"],
            items={"type": "string"},
            title="HR ids",
            description="Only these people, one id a line; all people when empty. No person counts as absent then.",
        ),
        "only": Param(
            [],
            type=["array", "null"],
            items=kinds,
            examples=list(COUNTED),
            title="Only these kinds of operations",
            description="For a staged roll-out; all kinds when empty.",
        ),
        "dry_run": Param(
            False, type="boolean", title="Plan only", description="Writes the plan down and changes nothing."
        ),
        "approve": Param(
            None,
            type=["string", "null"],
            pattern="^([0-9a-f]{64})?$",
            title="Approve a blocked plan",
            description="The hash of the plan that may pass the volume guards, from the log of the blocked run.",
        ),
        "approve_protected": Param(
            [],
            type=["array", "null"],
            items={"type": "string"},
            title="Approve protected leavers",
            description="HR ids of people with a protected role whose access may be taken.",
        ),
    }
    return params if approvals else {name: params[name] for name in ("ids", "only", "dry_run")}
