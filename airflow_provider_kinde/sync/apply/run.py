"""One whole run: plan afresh, compare with an approved plan, apply, report."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_kinde.exceptions import SyncError
from airflow_provider_kinde.resources.normalization import email_key
from airflow_provider_kinde.sync.apply.stages import apply_plan
from airflow_provider_kinde.sync.changes import Change
from airflow_provider_kinde.sync.model import Source
from airflow_provider_kinde.sync.plan.plan import Plan
from airflow_provider_kinde.sync.plan.planner import plan_tested
from airflow_provider_kinde.sync.plan.run_request import RunRequest
from airflow_provider_kinde.sync.progress import Progress
from airflow_provider_kinde.sync.report.plan_file import PlanFile
from airflow_provider_kinde.sync.report.report import ChangedSince, Report
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.store.changes import ChangeList


def apply(
    spec: SyncSpec,
    source: Source | Iterable[Mapping[str, Any]],
    client: Any,
    request: RunRequest,
    *,
    plan_file: Mapping[str, Any] | PlanFile | None = None,
    progress: Progress | None = None,
) -> Report:
    """Plan afresh and apply. Given a plan file, do what both plans hold, and say what changed since the plan.

    :param spec: the spec.
    :param source: an HR source, or a list of rows (which counts as complete).
    :param client: a ``KindeClient`` or a ``KindeHook``.
    :param request: what the run is to do. Its ``approve`` is the hash of ``plan_file`` if there is one, else of the
        plan made now.
    :param plan_file: the content of a ``plan.json``, not older than 7 days.
    :param progress: called with the state of long work.
    :raises SyncError: when the plan file is not this spec's, is too old, or was changed.
    """
    found = plan_agreed(spec, source, client, request, plan_file=plan_file, progress=progress)
    report = apply_plan(found.plan, client, approve=found.approve, progress=progress)
    report.changed_since_plan = found.changed_since_plan + report.changed_since_plan
    return report


@dataclass(frozen=True, slots=True)
class ApprovedPlan:
    """A plan made now, of which only that is left which was agreed upon.

    :param approve: the hash that lets it pass its volume guards, if they may be passed.
    :param changed_since_plan: with a plan file: what no longer stands, and what is new since.
    """

    plan: Plan
    approve: str | None
    changed_since_plan: list[ChangedSince]


def plan_agreed(
    spec: SyncSpec,
    source: Source | Iterable[Mapping[str, Any]],
    client: Any,
    request: RunRequest,
    *,
    plan_file: Mapping[str, Any] | PlanFile | None = None,
    progress: Progress | None = None,
) -> ApprovedPlan:
    """Plan afresh, and keep of it what the plan file holds as well; everything, if there is none. Reads only.

    The parameters are those of :func:`apply`.

    :param spec: the spec.
    :param source: where HR rows come from.
    :param client: a ``KindeClient`` or a ``KindeHook``.
    :param request: what the run is to do.
    :param plan_file: a plan that was approved; ``None`` where there is none.
    :param progress: called with the state of long work.
    """
    approved = None if plan_file is None else PlanFile.of(plan_file)
    plan = plan_tested(spec, source, client, request, progress=progress)
    if approved is None:
        return ApprovedPlan(plan, request.approve, [])
    approved.check(plan)
    if request.approve and request.approve != approved.hash:
        raise SyncError(f"the approved hash {request.approve} is not that of the plan file ({approved.hash})")
    changed = _restrict(plan, approved.operations, request.approve_protected)
    # The hash of the file approves the rest of it too: everything left in the plan is part of the file.
    return ApprovedPlan(plan, plan.hash if request.approve else None, changed)


def _restrict(plan: Plan, approved: ChangeList, protected: Collection[str] = frozenset()) -> list[ChangedSince]:
    """Keep of the fresh plan what the approved one holds as well; returns what changed since.

    :param protected: ids of protected leavers approved by name now: a plan file cannot hold their operations.
    """
    changed: list[ChangedSince] = []
    for operation in approved:
        fresh = plan.operations.find(operation.digest)
        if fresh is None:
            changed.append(ChangedSince(f"no longer stands: {operation.words}", operation.who))
        elif operation.words != fresh.words:
            raise SyncError(
                "the plan file was changed: the digest of an operation does not match its content. Plan again"
            )

    def stays(operation: Change) -> bool:
        if operation.id in protected or approved.find(operation.digest) is not None:
            return True
        # What an earlier try began: it was approved as a whole, so it is finished.
        return operation.finishes and approved.has_like(operation) and _has_approved_address(operation, approved)

    dropped = plan.operations.keep(stays, plan.spec.conflicts)
    plan.left_out = len(dropped)
    for operation in dropped:
        why = "waits for something new" if approved.find(operation.digest) else "new"
        if operation.kind == "rename" and operation.finishes:
            why = "an unfinished rename to which HR now gives an address that was not approved"
        conflict = f" ({operation.error})" if operation.error else ""
        changed.append(ChangedSince(f"{why}, not done: {operation.words}{conflict}", operation.who))
    return changed


def _has_approved_address(operation: Change, approved: ChangeList) -> bool:
    """Whether an unfinished rename leads to the address that was approved.

    A redacted plan holds digests only. So the rename is made anew as it was before it began, from each address of the
    account. Where the account has the new address as its primary one already, only the clean-up is left.
    """
    account = operation.account
    if operation.kind != "rename" or account is None:
        return True
    address = str((operation.after or {}).get("email") or "")
    if email_key(account.email) == email_key(address):
        return True
    former = {account.email, *(value for _, value in account.identities)}
    begun = (Change("rename", operation.id, before={"email": email}, after=operation.after) for email in former)
    return any(approved.find(rename.digest) for rename in begun)
