"""The tasks of a sync within a DAG of the user's own: HR extract, sync, audit.

.. code-block:: python

    with DAG("hr", schedule="@hourly", catchup=False, max_active_runs=1, params=kinde_sync_params()):
        extract() >> kinde_sync_task_group("hr.yaml") >> audit()
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any

from airflow.providers.common.compat.sdk import TaskGroup

from airflow_provider_kinde.dag_factory.arguments import FIXED, RETRIES
from airflow_provider_kinde.dag_factory.dag_file import calling_file, spec_file
from airflow_provider_kinde.dag_factory.sync_tasks import APPROVAL_TIMEOUT, Approve, SyncTasks
from airflow_provider_kinde.sync.spec.outline import read_outline


def kinde_sync_task_group(
    spec_path: str | os.PathLike[str],
    approve: Approve = "never",
    approvers: Sequence[str] = (),
    pool: str | None = None,
    *,
    group_id: str = "kinde_sync",
    kinde_conn_id: str | None = None,
    approval_timeout: timedelta | float = APPROVAL_TIMEOUT,
    storage_path: str | None = None,
    log_personal_data: bool | None = None,
    redact: bool | None = None,
    inlets: Collection[Any] = (),
    outlets: Collection[Any] = (),
    alerts: Any = (),
    default_args: Mapping[str, Any] | None = None,
    **group_kwargs: Any,
) -> TaskGroup:
    """Make the tasks of a sync, ``plan``, ``approve`` and ``apply``, as a task group of your own DAG.

    Call it within a ``with DAG(...)``. The DAG needs ``max_active_runs=1`` and ``catchup=False``, as a sync acts on
    today's HR data. With ``params=kinde_sync_params()`` the DAG has the form of a sync.

    :param spec_path: the spec file; a relative path starts at the folder of the calling file.
    :param approve: as for ``kinde_sync_dag``: ``"never"``, ``"blocked"`` or ``"always"``.
    :param approvers: user ids of those who may approve. With them, a run that is triggered with ``approve`` or
        ``approve_protected`` fails: pass ``kinde_sync_params(approvals=False)``.
    :param pool: an Airflow pool for the tasks of the group; it must exist.
    :param group_id: the group's id, which the task ids begin with (``kinde_sync.plan``).
    :param kinde_conn_id: Airflow connection; the spec's when left out.
    :param approval_timeout: how long an approver has (a ``timedelta``, or seconds).
    :param storage_path: folder for plans and reports; ``[kinde] storage_path`` when left out.
    :param log_personal_data: whether task logs may name people; ``[kinde] log_personal_data`` when left out.
    :param redact: whether plans and reports are kept without names and addresses; ``[kinde] redact`` when left out.
    :param inlets: assets (data sets on Airflow 2) that the sync reads, such as the one of the HR extract.
    :param outlets: assets that a finished apply task updates. Their events carry the counts of the run.
    :param alerts: a notifier, such as ``KindeSyncNotifier``, or a list of notifiers, as for ``kinde_sync_dag``.
    :param default_args: of the tasks of the group; merged over the DAG's own, and these over three retries with
        exponential backoff.
    :param group_kwargs: anything else that a ``TaskGroup`` takes.
    :raises FileNotFoundError: when there is no such spec file.
    :raises ValueError: when the file cannot be the spec of a sync, an argument is not supported, or the DAG may run
        twice at once.
    """
    caller = calling_file(__file__)
    outline = read_outline(spec_file(spec_path, caller))
    tasks = SyncTasks(
        spec_path=spec_path,
        folder=caller.parent,
        kinde_conn_id=kinde_conn_id or outline.kinde_conn_id,
        approve=approve,
        approvers=approvers,
        approval_timeout=approval_timeout,
        storage_path=storage_path,
        log_personal_data=log_personal_data,
        redact=redact,
        inlets=inlets,
        outlets=outlets,
        alerts=alerts,
    )
    group = TaskGroup(group_id=group_id, **group_kwargs)
    for name, (value, reason) in FIXED.items():
        if getattr(group.dag, name) != value:
            raise ValueError(f"kinde_sync_task_group: the DAG {group.dag.dag_id!r} needs {name}={value!r}: {reason}")
    given = {**group.dag.default_args, **({"pool": pool} if pool else {}), **(default_args or {})}
    group.default_args = tasks.default_args({**RETRIES, **given})
    tasks.make(task_group=group, dag=group.dag)
    return group
