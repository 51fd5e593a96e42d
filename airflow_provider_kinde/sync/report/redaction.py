"""Plans and reports without names, addresses and properties. HR ids and what is done stay."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from airflow_provider_kinde.sync.changes import Change
from airflow_provider_kinde.sync.plan.guards import Block
from airflow_provider_kinde.sync.plan.plan import Plan
from airflow_provider_kinde.sync.report.plan_file import PlanFile
from airflow_provider_kinde.sync.report.report import MISSING_SCOPE, Report
from airflow_provider_kinde.sync.store.changes import ChangeList

MARK = "[redacted]"
_MOST_REASONS = 3

_KEPT = frozenset({"suspended", "left", "finished", "taken out", "unfinished", "roles", "organizations", "connection"})
"""Keys of ``before`` and ``after`` whose values stay. All other values are about the person."""
_ADDRESS = re.compile(r"[^\s<>\"'(),;:]+@[^\s<>\"'(),;:]+")
_QUOTED = re.compile(r"""(?<!\w)(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")""")
"""A quoted text as ``repr`` writes it: messages quote cells like this."""
_SENT = re.compile(r"[A-Z]{3,6} /\S*: |unexpected: \w+: ")
_STATUS = re.compile(r" \(HTTP \d{3}(?:, [A-Z][A-Z0-9_]*)?")


def redact_plan(plan: Plan) -> Plan:
    """Copy a plan without names, addresses and properties.

    HR ids, kinds, aliases, roles, counts and the hash stay. Each operation has its digest, so that the copy can be
    approved and given to ``apply --plan`` like the plan itself.

    :param plan: the plan.
    :returns: the redacted copy.
    """
    return dataclasses.replace(
        plan,
        operations=ChangeList(map(_operation, plan.operations)),
        rejected=[dataclasses.replace(r, reason=without_values(r.reason), who="") for r in plan.rejected],
        held=[dataclasses.replace(held, reason=_text(held.reason), who="") for held in plan.held],
        unmanaged_leavers=[dataclasses.replace(one, who="") for one in plan.unmanaged_leavers],
        blocked=[Block(_text(block.reason), block.approvable) for block in plan.blocked],
        warnings=[_text(warning) for warning in plan.warnings],
        redacted=True,
    )


def redact_report(report: Report) -> Report:
    """Copy a report without names, addresses and properties. It cannot be undone, since it lacks the old values.

    :param report: the report.
    :returns: the redacted copy.
    """
    return dataclasses.replace(
        report,
        plan=redact_plan(report.plan),
        changed_since_plan=[one._replace(who="") for one in report.changed_since_plan],
        blocked=[{**block, "reason": _text(str(block["reason"]))} for block in report.blocked],
    )


def redact_file(file: PlanFile) -> PlanFile:
    """Copy a plan or report that was read from its file, without names, addresses and properties.

    :param file: the plan or report.
    :returns: the redacted copy, to be looked at.
    """
    head = dict(file.head)
    for name in ("held", "rejected", "blocked", "not_undone"):
        head[name] = [
            {**_without_name(entry), "reason": _QUOTED.sub(MARK, _text(str(entry["reason"])))}
            for entry in head.get(name) or ()
        ]
    head["unmanaged_leavers"] = [_without_name(entry) for entry in head.get("unmanaged_leavers") or ()]
    head["changed_since_plan"] = [
        {"text": _QUOTED.sub(MARK, _text(str(one["text"])))} for one in head.get("changed_since_plan") or ()
    ]
    head["warnings"] = [_QUOTED.sub(MARK, _text(str(text))) for text in head.get("warnings") or ()]
    return PlanFile({**head, "redacted": True}, ChangeList(map(_operation, file.operations)), file.content)


def first_reasons(report: Report) -> list[str]:
    """Say why the first changes were not made, in at most three reasons, without names and addresses.

    The reasons of failed changes come before those of skipped ones.

    :param report: a report of a run that failed in part.
    :returns: one text for each reason, with the first HR id (or the organization's alias) that it is about.
    """
    failed: dict[str, str] = {}
    skipped: dict[str, str] = {}
    for operation in report.plan.operations:
        found = {"failed": failed, "skipped": skipped}.get(operation.outcome)
        if found is not None and len(found) < _MOST_REASONS:
            what = f"{operation.id or operation.alias} ({operation.kind.replace('_', ' ')})"
            found.setdefault(error_without_values(operation.error), what)
        if len(failed) == _MOST_REASONS:
            break
    return [f"{what}: {reason}" for reason, what in [*failed.items(), *skipped.items()][:_MOST_REASONS]]


def without_values(text: str) -> str:
    """Take addresses and quoted texts out of a reason why a row is rejected: they are cells.

    :param text: the reason.
    """
    return _QUOTED.sub(MARK, _text(text))


def without_addresses(text: str) -> str:
    """Take addresses out of a text.

    :param text: the text.
    """
    return _text(text)


def _without_name(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key != "who"}


def _operation(operation: Change) -> Change:
    if not operation.id:
        return dataclasses.replace(operation, sealed=operation.digest)
    return dataclasses.replace(
        operation,
        before=_change(operation.before),
        after=_change(operation.after),
        who="",
        reason=_text(operation.reason),
        error=error_without_values(operation.error),
        person=None,
        account=None,
        sealed=operation.digest,
    )


def _change(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if values is None:
        return None
    return {key: value if key in _KEPT else _value(value) for key, value in values.items()}


def _value(value: Any) -> Any:
    """Redact a value. An empty value stays, so that it is visible that it was empty."""
    if isinstance(value, Mapping):
        return {key: _value(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_value(item) for item in value]
    return MARK if value not in (None, "") else value


def error_without_values(text: str) -> str:
    """Keep request, missing scope and status of an error, without Kinde's message: it may quote what was sent.

    :param text: the error.
    """
    told = _SENT.search(text)
    if not told:
        return without_values(text)
    status = _STATUS.findall(text)
    scope = MISSING_SCOPE.search(text)
    wanted = f" - {scope.group()}" if scope else ""
    return _text(text[: told.end()]) + MARK + wanted + (f"{status[-1]})" if status else "")


def _text(text: str) -> str:
    return _ADDRESS.sub(MARK, text)
