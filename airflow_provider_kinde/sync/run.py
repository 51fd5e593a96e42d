"""One whole run: plan afresh, compare with an approved plan, apply, report."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import pendulum

from airflow_provider_kinde.sync.apply import apply_plan
from airflow_provider_kinde.sync.errors import SyncError
from airflow_provider_kinde.sync.model import Source
from airflow_provider_kinde.sync.operations import canonical, digest_of, plan_hash, select
from airflow_provider_kinde.sync.plan import Plan, make_plan, moment
from airflow_provider_kinde.sync.report import Report
from airflow_provider_kinde.sync.snapshot import Progress
from airflow_provider_kinde.sync.spec import SyncSpec

MAX_AGE_DAYS = 7
"""A plan file older than this says too little about today."""


def apply(
    spec: SyncSpec,
    source: Source | Iterable[Mapping[str, Any]],
    client: Any,
    *,
    plan_file: Mapping[str, Any] | None = None,
    approve: str | None = None,
    approve_protected: Collection[str] = (),
    now: pendulum.DateTime | str | None = None,
    ids: Collection[str] | None = None,
    only: Collection[str] | None = None,
    progress: Progress | None = None,
) -> Report:
    """Plan afresh and apply; given a plan file, do what both plans hold and say what drifted.

    :param plan_file: the content of a ``plan.json``, not older than 7 days.
    :param approve: hash of the plan that may pass the volume guards: of ``plan_file`` if there is one, else of the
        plan made now.
    :raises SyncError: when the plan file is not this spec's, is too old, or was changed.
    """
    client = client.get_conn() if hasattr(client, "get_conn") else client
    plan = make_plan(
        spec, source, client, now=now, ids=ids, only=only, approve_protected=approve_protected, progress=progress
    )
    if plan_file is None:
        return apply_plan(plan, client, approve=approve, progress=progress)
    approved = check_plan_file(plan_file, plan)
    if approve and approve != plan_file["hash"]:
        raise SyncError(f"the approved hash {approve} is not that of the plan file ({plan_file['hash']})")
    drift = _restrict(plan, approved, frozenset(approve_protected))
    # What is left is part of what was approved: where the file's hash is approved, that approval is for this, too.
    report = apply_plan(plan, client, approve=plan.hash if approve else None, progress=progress)
    report.drift = drift
    return report


def check_plan_file(plan_file: Mapping[str, Any], plan: Plan) -> dict[str, Mapping[str, Any]]:
    """The operations of a plan file by digest, once it is sure that it is whole, recent and of this spec.

    :raises SyncError: otherwise.
    """
    try:
        spec_name, host, created = plan_file["spec"], plan_file.get("host", plan.host), plan_file["created_at"]
        sealed = plan_file.get("redacted")
        operations = {str(o["digest"]) if sealed else _digest(o): o for o in plan_file["operations"]}
        claimed = plan_file["hash"]
        age = plan.now - moment(created)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SyncError(f"not a plan file ({type(error).__name__}: {error}): write one with `plan --out`") from error
    if (spec_name, host) != (plan.spec.name, plan.host):
        raise SyncError(f"the plan file is for {spec_name} on {host}, this run is for {plan.spec.name} on {plan.host}")
    if plan_hash(host, spec_name, operations) != claimed:
        raise SyncError("the plan file was changed: its hash does not fit its operations. Plan again")
    if age.total_seconds() < -3600:
        raise SyncError(f"the plan file is from the future ({created}): look at the clocks, or at --now")
    if age.total_seconds() > MAX_AGE_DAYS * 86_400:
        raise SyncError(f"the plan file is {age.in_days()} days old, at most {MAX_AGE_DAYS} count: plan again")
    return operations


def _restrict(
    plan: Plan, approved: Mapping[str, Mapping[str, Any]], protected: Collection[str] = frozenset()
) -> list[str]:
    """Keep of the fresh plan what the approved one holds as well; returns what drifted, in words.

    :param protected: ids of protected leavers approved by name now: a plan file cannot hold their operations.
    """
    fresh = {operation.digest: operation for operation in plan.operations}
    drift = [f"no longer stands: {_words(operation)}" for digest, operation in approved.items() if digest not in fresh]
    for digest in fresh.keys() & approved.keys():
        if _words(approved[digest]) != _words(fresh[digest].to_json()):
            raise SyncError(
                "the plan file was changed: an operation in it says something else than its digest. Plan again"
            )
    kept = select(plan.operations, lambda operation: operation.digest in approved or operation.id in protected)
    keys = {id(operation) for operation in kept}
    for operation in plan.operations:
        if id(operation) not in keys:
            why = "waits for something new" if operation.digest in approved else "new"
            drift.append(f"{why}, not done: {_words(operation.to_json())}")
    plan.operations = kept
    return drift


def _digest(operation: Mapping[str, Any]) -> str:
    return digest_of(canonical([operation.get(part) for part in ("id", "kind", "alias", "role", "before", "after")]))


def _words(operation: Mapping[str, Any]) -> str:
    where = " ".join(str(operation[part]) for part in ("alias", "role") if operation.get(part))
    return " ".join(part for part in (str(operation["kind"]), str(operation.get("id") or ""), where) if part)
