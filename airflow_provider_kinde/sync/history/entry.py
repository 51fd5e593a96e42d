"""The entry of one run in the history: who ran it, over which data, who approved it, and what was done when."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from airflow_provider_kinde.exceptions import ProviderError
from airflow_provider_kinde.sync.changes import Change
from airflow_provider_kinde.sync.plan.plan import Plan
from airflow_provider_kinde.sync.report.plan_file import PlanFile
from airflow_provider_kinde.sync.report.redaction import error_without_values, without_addresses, without_values
from airflow_provider_kinde.sync.report.report import Report

_LONGEST = 1000
"""Characters of a message that an entry keeps."""


@dataclass(slots=True)
class RunRecord:
    """What the caller knows of a run: who or what ran it, and who approved it.

    :param command: ``apply``, ``plan``, ``approve``, ``undo``, ``relink``, ``release``, ``review``, ``onboard`` or
        ``offboard``.
    :param names: what names the run, such as ``dag_id``, ``run_id``, ``task_id`` and ``user``; empty values are left
        out.
    :param versions: the versions of the programs that run it, in one text.
    :param approval: ``hash``, ``by``, ``at`` and ``how`` of the approval or rejection; empty without one.
    :param approved_protected: HR ids of protected people whose changes were approved by id.
    :param began: when the run began, in seconds since 1970, by the clock of the computer.
    :param planned_at: when the plan was made that the run carries out; empty for a plan of its own.
    :param shift: seconds by which the moment of a run without a plan is ahead of the clock (``--now``).
    """

    command: str
    names: Mapping[str, Any] = field(default_factory=dict)
    versions: str = ""
    approval: Mapping[str, Any] = field(default_factory=dict)
    approved_protected: Sequence[str] = ()
    began: float = 0.0
    planned_at: str = ""
    shift: float = 0.0


def moment_text(seconds: float) -> str:
    """A moment as the history writes it: UTC, with milliseconds.

    :param seconds: seconds since 1970.
    """
    moment = datetime.fromtimestamp(round(seconds, 3), timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def entry_head(record: RunRecord, plan: Plan, report: Report | None, ended: float) -> dict[str, Any]:
    """The first line of an entry: all but the operations, without names and addresses.

    :param record: what the caller knows of the run.
    :param plan: the plan.
    :param report: what became of it; ``None`` for a plan that was not applied.
    :param ended: when the run ended, in seconds since 1970, by the clock of the computer.
    """
    spec, people = plan.spec, plan.people
    blocked: Sequence[Mapping[str, Any]] = report.blocked if report else [block.to_json() for block in plan.blocked]
    source: dict[str, Any] = {}
    if people is not None:
        source = {
            "source": people.source,
            "rows": people.rows,
            "columns": list(people.columns),
            "data_time": people.data_time,
            "complete": people.proven,
        }
    head: dict[str, Any] = {
        "command": record.command,
        "host": plan.host,
        "run": _names(record),
        "at": moment_text(plan.now.timestamp()),
        "planned_at": record.planned_at,
        "began": moment_text(record.began + plan.shift),
        "ended": moment_text(ended + plan.shift),
        "written": moment_text(ended),
        **_shifted(plan.shift),
        "versions": record.versions,
        "spec_version": spec.version,
        "spec_hash": spec.digest,
        "input": source,
        "limits": plan.limits,
        "plan_hash": plan.hash,
        "guards": [check.to_json() for check in plan.guards],
        "blocked": [{**block, "reason": without_addresses(str(block["reason"]))} for block in blocked],
        "approval": dict(record.approval),
        "approved_protected": sorted(record.approved_protected),
        "outcome": report.outcome if report else plan.outcome,
        "outcomes": report.outcomes if report else {},
        "requests": report.requests if report else {},
        "summary": {kind: count for kind, count in plan.summary.items() if count},
        "managed": plan.managed,
        "absence_unknown": without_values(plan.absence_unknown),
        "held": [
            {"id": held.id, "reason": without_addresses(held.reason), **({"protected": True} if held.protected else {})}
            for held in plan.held
        ],
        "rejected": [{"row": r.row, "id": r.id, "reason": without_values(r.reason)} for r in plan.rejected],
        "exceptions": list(_exceptions(plan)),
        "organizations": organization_codes(plan),
        "interrupted": bool(report and report.interrupted),
    }
    return {key: value for key, value in head.items() if value not in ("", {}, [], False, None)}


def _shifted(seconds: float) -> dict[str, float]:
    return {"shifted_seconds": round(seconds, 3)} if seconds else {}


def _names(record: RunRecord) -> dict[str, str]:
    return {name: str(value) for name, value in record.names.items() if value}


def event_head(record: RunRecord, facts: Mapping[str, Any], ended: float) -> dict[str, Any]:
    """The first line of the entry of a run that has no plan of its own.

    :param record: what the caller knows of the run.
    :param facts: further values, such as ``outcome``.
    :param ended: when the run ended, in seconds since 1970, by the clock of the computer.
    """
    moment = moment_text(ended + record.shift)
    head = {
        "command": record.command,
        "run": _names(record),
        "at": moment,
        "began": moment_text(record.began + record.shift),
        "ended": moment,
        "written": moment_text(ended),
        **_shifted(record.shift),
        "versions": record.versions,
        "approval": dict(record.approval),
        "approved_protected": sorted(record.approved_protected),
        **facts,
    }
    return {key: value for key, value in head.items() if value not in ("", {}, [], None)}


def failure_text(error: BaseException, *own: type[BaseException]) -> str:
    """Say why a run failed, without names, addresses and values of HR.

    :param error: the error. Only a message of this provider is kept: that of a driver or a library may quote a row.
    :param own: further errors whose messages are this provider's.
    """
    found: BaseException | None = error
    while found is not None and not isinstance(found, (ProviderError, *own)):
        found = found.__cause__
    if found is None:
        return type(error).__name__
    return f"{type(found).__name__}: {error_without_values(str(found))}"[:_LONGEST]


def rejected_plan(file: PlanFile) -> tuple[dict[str, Any], Iterator[dict[str, Any]]]:
    """What the entry of a rejected approval says of the plan: values of the first line, and its operations.

    :param file: the plan that was shown.
    """
    head = file.head
    facts: dict[str, Any] = {
        "host": head.get("host"),
        "planned_at": head.get("created_at"),
        "plan_hash": file.hash,
        "summary": {kind: count for kind, count in (head.get("summary") or {}).items() if count},
        "blocked": [{**block, "reason": without_addresses(str(block["reason"]))} for block in head["blocked"]],
    }
    return facts, (_planned(change) for change in file.operations)


def _planned(change: Change) -> dict[str, Any]:
    found: dict[str, Any] = {"op": change.kind, "id": change.id, "outcome": "planned"}
    found |= {"alias": change.alias, "role": change.role, "organizations": list(change.organizations)}
    found["reason"] = without_addresses(change.reason)
    return {name: value for name, value in found.items() if value}


def _exceptions(plan: Plan) -> Iterator[dict[str, str]]:
    """The exceptions of the spec that count in this run, by HR id."""
    spec, day = plan.spec, plan.now.in_timezone("UTC").date()
    for entry in spec.keep:
        if entry.ended(day):
            continue
        facts = [f"{name}: {value}" for name in ("until", "owner", "reason") if (value := getattr(entry, name))]
        what = "; ".join([f"membership in {entry.organization}", *map(without_addresses, facts)])
        yield {"kind": "kept membership", "who": entry.id or _id_of(plan, entry.email or ""), "what": what}
    for id in sorted(spec.protect.ids):
        yield {"kind": "protected person", "who": id, "what": "protect.ids"}
    for email in sorted(spec.protect.emails):
        yield {"kind": "protected person", "who": _id_of(plan, email), "what": "protect.emails"}


def _id_of(plan: Plan, email: str) -> str:
    """The HR id of the account with an address, or Kinde's id where no row is linked to it."""
    found = plan.snapshot.accounts.with_address(email) if plan.snapshot else []
    return next((account.link.id if account.link else account.id for account in found), "an unknown address")


def organization_codes(plan: Plan) -> dict[str, str]:
    """Alias -> code of the managed organizations that exist.

    :param plan: the plan.
    """
    named = plan.snapshot.organizations if plan.snapshot else {}
    return {alias: found.code for alias, found in named.items() if found.code}


def operation_lines(plan: Plan, ended: float) -> Iterator[str]:
    """Yield the operations of a plan as lines of an entry, with what became of them.

    :param plan: the plan.
    :param ended: when the run ended, in seconds since 1970, by the clock of the computer.
    """
    codes = organization_codes(plan)
    for change in plan.operations:
        yield json.dumps(_operation(change, plan, codes, ended + plan.shift), ensure_ascii=False)


def _operation(change: Change, plan: Plan, codes: Mapping[str, str], ended: float) -> dict[str, Any]:
    found: dict[str, Any] = {"op": change.kind, "id": change.id, "outcome": change.outcome or "planned"}
    if user := change.user_id or (change.account.id if change.account else ""):
        found["user"] = user
    if change.alias:
        found["alias"] = change.alias
        found["organization"] = codes.get(change.alias, "")
    if change.role:
        found["role"] = change.role
    if change.outcome == "done":
        found["done"] = moment_text(change.done or ended)
    if change.due:
        found["due"] = change.due
    if change.steps:
        found["steps"] = {name: moment_text(at) for name, at in change.steps.items()}
    if change.strips:
        found["taken_out"] = True
    if change.finishes:
        found["finishes"] = True
    if change.error:
        found["error"] = error_without_values(change.error)
    found["reason"] = without_addresses(change.reason)
    if change.kind == "adopt" and change.account and plan.snapshot:
        held = plan.snapshot.memberships(change.account.id)
        found["had"] = {codes[alias]: sorted(roles) for alias, roles in held.items() if alias in codes}
    elif change.kind == "suspend" and change.organizations:
        found["organizations"] = list(change.organizations)
    return found
