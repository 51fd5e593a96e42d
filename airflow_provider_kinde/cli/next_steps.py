"""What to do next: whole commands that work as they stand, with the options that were given."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_kinde.sync.plan.plan import Plan
    from airflow_provider_kinde.sync.report.report import Report

MODULE = "airflow_provider_kinde"
_OPTIONS = (
    ("spec", "--spec"), ("conn", "--conn"), ("now", "--now"), ("ids", "--id"), ("only", "--only"), ("plan", "--plan"),
    ("approve", "--approve"), ("approve_protected", "--approve-protected"), ("report", "--report"), ("out", "--out"),
    ("decisions", "--decisions"), ("review_path", "--review-path"), ("apply", "--apply"), ("redact", "--redact"),
)  # fmt: skip
_OF_COMMAND = {
    "doctor": {"spec", "conn"},
    "validate": {"spec"},
    "plan": {"spec", "conn", "now", "ids", "only", "approve_protected", "redact", "out"},
    "apply": {"spec", "conn", "now", "ids", "only", "plan", "approve", "approve_protected", "redact", "report"},
    "undo": {"spec", "conn", "now", "ids", "report", "approve", "approve_protected", "apply"},
    "review": {"spec", "conn", "now", "out", "decisions", "review_path", "approve", "approve_protected", "apply"},
}


APPROVE = "If all of this is meant, approve exactly this plan."
CORRECT = "Correct what is named under Blocked, then look again."
REST = "Do what is left."
SCOPES = "See which of the scopes that the spec needs are missing, and enable them. Then run again."
DECIDE = (
    "Give each table to the owner of the organization, who fills in the column decision. Then look at the removals."
)
PROTECTED = "Protected people are held. See what approving them would do; leave out whom you do not approve."


def command(name: str, options: argparse.Namespace, **changes: Any) -> str:
    """Write a command for a shell, started as this one was.

    :param name: ``plan``, ``apply``, ``undo``, ``review``, ``validate`` or ``doctor``.
    :param options: the options of this command; the other one gets those that it has as well.
    :param changes: options that it gets instead; ``None`` leaves one out.
    :returns: the command.
    """
    given = {**vars(options), **changes}
    words: list[str] = []
    for key, option in _OPTIONS:
        value = given.get(key)
        if key not in _OF_COMMAND[name] or value in (None, False, "", []):
            continue
        words.append(option)
        if value is True:
            continue
        if key == "only":
            words.append(",".join(value))
        else:
            words += [str(item) for item in value] if isinstance(value, (list, tuple)) else [str(value)]
    return f"{_program()} {name} {shlex.join(words)}"


def _program() -> str:
    typed = getattr(sys, "orig_argv", [])
    python = typed[0] if typed[1:3] == ["-m", MODULE] else "python"
    return f"{shlex.quote(python)} -m {MODULE}"


def after_plan(plan: Plan, options: argparse.Namespace) -> Iterator[str]:
    """Say what to do after a plan.

    :param plan: the plan.
    :param options: the options of ``plan``.
    :returns: the lines.
    """
    apply = {"plan": options.out, "approve": None}
    if plan.blocked:
        if not all(block.approvable for block in plan.blocked):
            yield from _step(CORRECT, command("plan", options))
        elif plan.operations:
            yield from _step(APPROVE, command("apply", options, **{**apply, "approve": plan.hash}))
    elif plan.operations:
        yield from _step("", command("apply", options, **apply))
    yield from _protected("plan", plan, options)


def after_apply(report: Report, options: argparse.Namespace) -> Iterator[str]:
    """Say what to do after ``apply``.

    :param report: the report.
    :param options: the options of ``apply``.
    :returns: the lines.
    """
    plan = report.plan
    if report.blocked:
        if not all(block["approvable"] for block in report.blocked):
            yield from _step(CORRECT, command("plan", options))
        elif options.plan:
            yield from _step("Look at what would be done now.", command("plan", options, out=options.plan))
        else:
            yield from _step(APPROVE, command("apply", options, approve=plan.hash))
    elif report.missing_scopes:
        yield from _step(SCOPES, command("doctor", options))
    elif report.failed:
        # The hash of what is left is another one, unless a plan file was approved.
        again = "plan" if options.approve and not options.plan else "apply"
        yield from _step(REST, command(again, options))
    yield from _protected("plan", plan, options, out=options.plan)


def after_undo(plan: Plan, report: Report | None, options: argparse.Namespace, name: str = "undo") -> Iterator[str]:
    """Say what to do after ``undo``, or after another command that writes with ``--apply``.

    :param plan: the plan of the command.
    :param report: its report, once it was applied.
    :param options: the options of the command.
    :param name: the command.
    :returns: the lines.
    """
    blocked = report.blocked if report else [block.to_json() for block in plan.blocked]
    if blocked:
        if all(block["approvable"] for block in blocked) and plan.operations:
            yield from _step(APPROVE, command(name, options, apply=True, approve=plan.hash))
    elif report is None and plan.operations:
        yield from _step("", command(name, options, apply=True))
    elif report is not None and report.missing_scopes:
        yield from _step(SCOPES, command("doctor", options))
    elif report is not None and report.failed:
        yield from _step(REST, command(name, options, apply=None, approve=None))
    yield from _protected(name, plan, options)


def after_refusal(options: argparse.Namespace) -> Iterator[str]:
    """Say what to do after Kinde refused to read (403): ``doctor`` names all scopes, the refusal only one.

    :param options: the options of any command.
    :returns: the lines; none for a command without a spec.
    """
    if getattr(options, "spec", None):
        yield from _step(SCOPES, command("doctor", options))


def after_lists(lists: Iterable[str], options: argparse.Namespace) -> Iterator[str]:
    """Say what to do after the lists of an access review.

    :param lists: the tables.
    :param options: the options of ``review``.
    :returns: the lines.
    """
    yield from _step(DECIDE, command("review", options, decisions=list(lists)))


def _protected(name: str, plan: Plan, options: argparse.Namespace, **changes: Any) -> Iterator[str]:
    waiting = [held.id for held in plan.held if held.protected]
    if waiting:
        approved = [*(options.approve_protected or []), *waiting]
        given = {**changes, "approve": None, "apply": None, "approve_protected": approved}
        yield from _step(PROTECTED, command(name, options, **given))


def _step(words: str, line: str) -> Iterator[str]:
    if words:
        yield words
    yield f"Next: {line}"
