"""A whole DAG from a spec file: plan, then apply.

.. code-block:: python

    from airflow_provider_kinde.dag_factory import kinde_sync_dag

    dag = kinde_sync_dag("hr.yaml", schedule="@hourly")
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Literal

from airflow.providers.common.compat.sdk import DAG, Param

from airflow_provider_kinde.operators.sync import KindeSyncApplyOperator, KindeSyncPlanOperator

Approve = Literal["never", "blocked", "always"]

KINDS = (
    "create",
    "adopt",
    "update",
    "rename",
    "enable",
    "suspend",
    "delete",
    "add_membership",
    "remove_membership",
    "add_role",
    "remove_role",
    "create_organization",
)
"""The kinds of operations, to choose from in the form "Trigger DAG"."""

RETRIES = {
    "retries": 3,
    "retry_delay": timedelta(minutes=1),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=15),
}
"""For what a retry can mend: Kinde or the HR source out of reach. What it cannot mend fails at once all the same."""

START = datetime(2024, 1, 1, tzinfo=timezone.utc)

DOC = """\
Keeps **Kinde** in step with HR, as `{spec}` says.

*Trigger* does one run now; its form narrows it to some people (`ids`) or kinds of operations (`only`), makes a plan
without carrying it out (`dry_run`), or lets a plan that was blocked by a volume guard pass (`approve`: the plan's hash,
from the log of the blocked run).
"""


@dataclass(frozen=True)
class _Outline:
    """The little of a spec that the shape of a DAG depends on."""

    name: str
    kinde_conn_id: str


_outlines: dict[Path, tuple[tuple[int, int], _Outline]] = {}


def kinde_sync_dag(
    spec_path: str | os.PathLike[str],
    schedule: Any = None,
    approve: Approve = "never",
    approvers: Sequence[str] = (),
    shards: int = 1,
    pool: str | None = None,
    *,
    dag_id: str | None = None,
    kinde_conn_id: str | None = None,
    storage_path: str | None = None,
    log_personal_data: bool | None = None,
    default_args: Mapping[str, Any] | None = None,
    tags: Collection[str] = ("kinde", "hr"),
    **dag_kwargs: Any,
) -> DAG:
    """Make the DAG of a sync: one task plans, the next one applies what was planned.

    :param spec_path: the spec file; a relative path starts at the folder of the calling file.
    :param schedule: anything a DAG takes as its schedule; unscheduled when left out.
    :param approve: ``"never"``: a plan blocked by a guard fails; it passes when its hash is given as ``approve`` in
        "Trigger DAG". Asking a person within the run (``"blocked"``, ``"always"``) is not available yet.
    :param approvers: who may approve; only with ``approve``.
    :param shards: into how many tasks the people are divided; more than one is not available yet.
    :param pool: an Airflow pool for both tasks; it must exist.
    :param dag_id: the spec's ``name`` when left out.
    :param kinde_conn_id: Airflow connection; the spec's when left out.
    :param storage_path: folder for plans and reports; ``[kinde] storage_path`` when left out.
    :param log_personal_data: whether task logs may name people; ``[kinde] log_personal_data`` when left out.
    :param default_args: merged over the factory's own (retries with exponential backoff).
    :param dag_kwargs: anything else that a DAG takes.
    :raises FileNotFoundError: when there is no such spec file.
    :raises ValueError: when the file cannot be the spec of a sync, or an argument is not supported.
    """
    _check(approve, approvers, shards)
    caller = _calling_file()
    path = Path(spec_path).expanduser()
    path = path if path.is_absolute() else caller.parent / path
    outline = _read_outline(path)
    dag = DAG(
        dag_id=dag_id or outline.name,
        schedule=schedule,
        start_date=dag_kwargs.pop("start_date", START),
        catchup=False,
        max_active_runs=1,
        params=_params(),
        default_args={**RETRIES, **({"pool": pool} if pool else {}), **(default_args or {})},
        tags=list(tags),
        doc_md=dag_kwargs.pop("doc_md", DOC.format(spec=path.name)),
        **{**_without_backfills(), **dag_kwargs},
    )
    # Airflow takes the file that calls DAG(), which is this one, and shows it as the DAG's code.
    dag.fileloc = str(caller)
    common: dict[str, Any] = {
        "dag": dag,
        # As given: an absolute path would change with every version of a DAG bundle, and the DAG with it.
        "spec": str(spec_path),
        "kinde_conn_id": kinde_conn_id or outline.kinde_conn_id,
        "ids": "{{ params.ids | tojson }}",
        "only": "{{ params.only | tojson }}",
        "approve": "{{ params.approve or '' }}",
        "approve_protected": "{{ params.approve_protected | tojson }}",
        "storage_path": storage_path,
        "log_personal_data": log_personal_data,
    }
    plan = KindeSyncPlanOperator(task_id="plan", **common)
    apply = KindeSyncApplyOperator(
        task_id="apply",
        plan_path="{{ ti.xcom_pull(task_ids='plan')['path'] }}",
        plan_only="{{ params.dry_run }}",
        **common,
    )
    for task in (plan, apply):
        task.spec_folder = str(caller.parent)
    plan >> apply
    return dag


def _check(approve: str, approvers: Sequence[str], shards: int) -> None:
    if approve not in ("never", "blocked", "always"):
        raise ValueError(f"approve={approve!r}: expected 'never', 'blocked' or 'always'")
    if approve != "never":
        raise ValueError(
            f"approve={approve!r} is not available yet: use approve='never'; a blocked plan passes when its hash is "
            'given as `approve` in "Trigger DAG"'
        )
    if approvers:
        raise ValueError("approvers: nobody is asked with approve='never'")
    if shards != 1:
        raise ValueError(f"shards={shards} is not available yet: use shards=1")


def _params() -> dict[str, Param]:
    kinds = {"type": "string", "enum": list(KINDS)}
    return {
        "ids": Param(
            [],
            type=["array", "null"],
            items={"type": "string"},
            title="HR ids",
            description="Only these people, one id a line; everybody when empty. Never judges who is absent.",
        ),
        "only": Param(
            [],
            type=["array", "null"],
            items=kinds,
            examples=list(KINDS),
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


def _without_backfills() -> dict[str, Any]:
    """Where Airflow can refuse backfills itself (3.2 and later), let it; the tasks refuse them everywhere."""
    if "allowed_run_types" not in inspect.signature(DAG.__init__).parameters:
        return {}
    return {"allowed_run_types": ["scheduled", "manual", "operator_triggered", "asset_triggered"]}


def _calling_file() -> Path:
    """The file that calls :func:`kinde_sync_dag`: the DAG file."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    return Path(frame.f_code.co_filename).resolve() if frame is not None else Path.cwd() / "dag.py"


def _read_outline(path: Path) -> _Outline:
    """Name and connection of a spec, read anew only when the file has changed.

    The whole spec is validated when a task runs: a DAG file is parsed every few seconds, and must be cheap.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        raise FileNotFoundError(f"kinde_sync_dag: there is no spec file {path}") from None
    stamp = (status.st_mtime_ns, status.st_size)
    known = _outlines.get(path)
    if known and known[0] == stamp:
        return known[1]
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"kinde_sync_dag: {path} is not YAML: {error}") from error
    name = content.get("name") if isinstance(content, dict) else None
    if not isinstance(content, dict) or not isinstance(name, str) or not name:
        raise ValueError(f"kinde_sync_dag: {path} has no `name`, which every spec has")
    outline = _Outline(name, str(content.get("kinde_conn_id") or "kinde_default"))
    _outlines[path] = (stamp, outline)
    return outline
