"""A whole DAG from a spec file: plan, then apply.

.. code-block:: python

    from airflow_provider_kinde.dag_factory.sync_dag import kinde_sync_dag

    dag = kinde_sync_dag("hr.yaml", schedule="@hourly")
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_kinde.dag_factory.arguments import FIXED, FIXED_ON_CHANGE, RETRIES, dag_arguments
from airflow_provider_kinde.dag_factory.dag_file import calling_file, spec_file
from airflow_provider_kinde.dag_factory.sync_tasks import (
    APPROVAL_TIMEOUT,
    Approve,
    SyncTasks,
    kinde_sync_params,
)
from airflow_provider_kinde.storage.source_state import AT_LEAST_EVERY
from airflow_provider_kinde.sync.spec.outline import read_outline
from airflow_provider_kinde.triggers.durations import duration, seconds

DOC = """\
Keeps **Kinde** in step with HR, as `{spec}` says.

*Trigger* does one run now; its form narrows it to some people (`ids`) or kinds of operations (`only`), or makes a plan
without carrying it out (`dry_run`).{approval}
"""
APPROVAL_FORM = """ It also lets a plan that was blocked by a volume guard pass (`approve`: the plan's hash,
from the log of the blocked run)."""
APPROVERS_DECIDE = " The approvers of this DAG answer the task `approve`; approval comes from them alone."


def kinde_sync_dag(
    spec_path: str | os.PathLike[str],
    schedule: Any = None,
    approve: Approve = "never",
    approvers: Sequence[str] = (),
    pool: str | None = None,
    *,
    dag_id: str | None = None,
    kinde_conn_id: str | None = None,
    approval_timeout: timedelta | float = APPROVAL_TIMEOUT,
    on_change: Literal["sensor", "asset"] | None = None,
    at_least_every: timedelta | float | None = AT_LEAST_EVERY,
    poll_interval: timedelta | float | None = None,
    storage_path: str | None = None,
    log_personal_data: bool | None = None,
    redact: bool | None = None,
    inlets: Collection[Any] = (),
    outlets: Collection[Any] = (),
    alerts: Any = (),
    default_args: Mapping[str, Any] | None = None,
    tags: Collection[str] = ("kinde", "hr"),
    **dag_kwargs: Any,
) -> DAG:
    """Make the DAG of a sync: one task plans, the next one applies what was planned.

    With ``on_change`` and without approval, the one task ``sync`` does both, so that a leaver is out sooner.

    :param spec_path: the spec file; a relative path starts at the folder of the calling file.
    :param schedule: anything a DAG takes as its schedule; unscheduled when left out. With ``on_change="asset"`` only
        an asset, which starts the DAG as well: one that a webhook updates, for example.
    :param approve: ``"never"``: a plan blocked by a guard fails; it passes when its hash is given as ``approve`` in
        "Trigger DAG". ``"blocked"``: a person is asked about such a plan, in Airflow's own interface; others are
        applied straight away. ``"always"``: a person is asked about every plan with changes. Both need Airflow 3.1.
    :param approvers: user ids of those who may approve; each user who may answer otherwise. Only with ``approve``. With
        approvers, approval comes from them alone: the form takes neither ``approve`` nor ``approve_protected``, and a
        run that is triggered with one of them fails.
    :param pool: an Airflow pool for all tasks; it must exist.
    :param dag_id: the spec's ``name`` when left out.
    :param kinde_conn_id: Airflow connection; the spec's when left out.
    :param approval_timeout: how long an approver has (a ``timedelta``, or seconds); without an answer the run fails.
        Later runs wait meanwhile.
    :param on_change: sync when HR's data changes. ``"sensor"``: each run begins with waiting for that (then a schedule
        of ``"@continuous"`` fits). ``"asset"``: the triggerer watches, and an asset schedules the DAG (Airflow 3).
    :param at_least_every: with ``on_change``, how long after the last sync one is due all the same, since starts, ends
        and grace come due by themselves (a ``timedelta``, or seconds); ``None`` for never.
    :param poll_interval: with ``on_change``, the time between two checks (a ``timedelta``, or seconds). When left out,
        60 seconds; ``"asset"`` checks every 3 where HR answers one small question (a file, a watermark, an ETag, a
        list of changes).
    :param storage_path: folder for plans and reports; ``[kinde] storage_path`` when left out.
    :param log_personal_data: whether task logs may name people; ``[kinde] log_personal_data`` when left out.
    :param redact: whether plans and reports are kept without names and addresses; ``[kinde] redact`` when left out.
    :param inlets: assets (data sets on Airflow 2) that the sync reads, such as the one of the HR extract.
    :param outlets: assets that a finished apply task updates. Their events carry the counts of the run.
    :param alerts: a notifier, such as ``KindeSyncNotifier``, or a list of notifiers: called when a task of the sync
        fails or succeeds, and when a plan waits for approval.
    :param default_args: merged over the factory's own (retries with exponential backoff, and Kinde's retry policy
        where Airflow has such).
    :param tags: the DAG's tags.
    :param dag_kwargs: anything else that a DAG takes. ``params`` are added to the form. ``catchup`` can only be false
        and ``max_active_runs`` only 1 (2 with ``on_change="asset"`` and without approval, where the one task runs once
        at a time); native rendering is refused.
    :raises FileNotFoundError: when there is no such spec file.
    :raises ValueError: when the file cannot be the spec of a sync, or an argument is not supported.
    """
    interval = None if poll_interval is None else seconds("poll_interval", poll_interval)
    every = None if at_least_every is None else duration("at_least_every", at_least_every)
    _check_change(on_change, schedule)
    caller = calling_file(__file__)
    path = spec_file(spec_path, caller)
    outline = read_outline(path)
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
    if on_change == "asset":
        watched = _watched(path, outline.name, storage_path, every, interval)
        schedule = [watched] if schedule is None else watched | schedule
    fixed = FIXED_ON_CHANGE if on_change == "asset" and approve == "never" else FIXED
    settings = dag_arguments(dag_kwargs, kinde_sync_params(approvals=not approvers), fixed)
    dag = DAG(
        dag_id=dag_id or outline.name,
        schedule=schedule,
        default_args=tasks.default_args({**RETRIES, **({"pool": pool} if pool else {}), **(default_args or {})}),
        tags=list(tags),
        **{
            "doc_md": DOC.format(spec=path.name, approval=APPROVERS_DECIDE if approvers else APPROVAL_FORM),
            **_without_backfills(),
            **settings,
        },
    )
    # Airflow takes the file that calls DAG(), which is this one, and shows it as the DAG's code.
    dag.fileloc = str(caller)
    wait = None
    if on_change == "sensor":
        from airflow_provider_kinde.sensors.sources import HrSourceSensor

        wait = HrSourceSensor(
            task_id="wait",
            dag=dag,
            spec=str(spec_path),
            at_least_every=every,
            stays_due="{{ 'true' if params.dry_run or params.ids or params.only else 'false' }}",
            storage_path=storage_path,
            **({} if interval is None else {"poke_interval": interval}),
        )
    tasks.make(wait=wait, marks_source=on_change is not None, dag=dag)
    return dag


def _check_change(on_change: str | None, schedule: Any) -> None:
    if on_change not in (None, "sensor", "asset"):
        raise ValueError(f"on_change={on_change!r}: expected 'sensor' or 'asset'")
    if on_change != "asset":
        return
    if not can_watch():
        raise ValueError("on_change='asset' needs Airflow 3: use on_change='sensor' with schedule='@continuous'")
    if schedule is not None and not _is_asset(schedule):
        raise ValueError(
            "on_change='asset' is a schedule of its own: leave schedule out, or give an asset that starts the DAG as "
            "well (several: one | another)"
        )


def can_watch() -> bool:
    """Whether this Airflow has assets that are watched: 3.0 and later."""
    from airflow_provider_kinde.version_compat import has_asset_watchers

    return has_asset_watchers()


def _is_asset(schedule: Any) -> bool:
    sdk = import_module("airflow.sdk")
    return isinstance(schedule, (sdk.Asset, sdk.AssetAlias, sdk.AssetAny, sdk.AssetAll))


def _watched(
    path: Path, name: str, storage_path: str | None, every: timedelta | None, poll_interval: float | None
) -> Any:
    """The asset that changes when a sync is due."""
    from airflow_provider_kinde.storage import run_files
    from airflow_provider_kinde.storage.source_state import RETRY_AFTER, SourceState
    from airflow_provider_kinde.triggers.sources import HrSourceEventTrigger

    sdk = import_module("airflow.sdk")
    state = SourceState.of(path, storage_path or run_files.default_path(), every, RETRY_AFTER)
    trigger = HrSourceEventTrigger(state=state.parameters(), poll_interval=poll_interval)
    label = f"{name}-hr-source"
    return sdk.Asset(name=label, watchers=[sdk.AssetWatcher(name=label, trigger=trigger)])


def _without_backfills() -> dict[str, Any]:
    """Where Airflow can refuse backfills itself (3.2 and later), let it; the tasks refuse them everywhere."""
    if "allowed_run_types" not in inspect.signature(DAG.__init__).parameters:
        return {}
    from airflow.utils.types import DagRunType

    # Airflow refuses a DAG that names a kind it does not know.
    known = {kind.value for kind in DagRunType}
    wanted = ("scheduled", "manual", "operator_triggered", "asset_triggered")
    return {"allowed_run_types": [kind for kind in wanted if kind in known]}
