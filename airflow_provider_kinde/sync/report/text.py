"""Plans and reports as text for a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.sync.changes import Change
from airflow_provider_kinde.sync.kinds import COUNTED, SIGNS
from airflow_provider_kinde.sync.plan.plan import Plan
from airflow_provider_kinde.sync.report.grouped import GroupedChanges, group_by_reason, once_each, reason_lines
from airflow_provider_kinde.sync.report.report import Report

Paint = Callable[[str, str], str]
"""Colours a text with an ANSI code, or returns it unchanged."""

_COLORS = {"+": "32", "~": "33", "-": "31", "!": "35"}
_WORDS = {
    "create_organization": "create organization",
    "add_membership": "join",
    "remove_membership": "leave",
    "add_role": "give role",
    "remove_role": "take role",
}
_BEFORE = {
    "roles": "with the roles", "identities": "signs in by", "organizations": "is in", "unfinished": "unfinished",
}  # fmt: skip
"""How a text speaks of what is there and does not change; of other values, it says that the account has them."""
_VERDICTS = {
    "changes": ("32", "Applied."),
    "blocked": ("31", "Blocked. Nothing was written."),
    "failed": ("31", "Failed in part. What is left is listed above. Run it again: it does only that."),
}

_LISTED = 60
"""Changes that are listed person by person; more are grouped."""
_FEW = 10
"""Held people or rejected rows that have a line each, and reasons that are shown where there are more."""
_SHOWN = 20
"""Lines that are shown of other long lists."""


@dataclass(frozen=True)
class Wording:
    """Titles and sentences of a plan and its report; ``undo`` has others than the sync.

    :param plan: title of a plan.
    :param report: title of a report.
    :param nothing: printed when there is nothing to do.
    """

    plan: str = "Plan"
    report: str = "Report"
    nothing: str = "No changes. Kinde agrees with HR."


SYNC = Wording()


def plan_text(plan: Plan, color: bool = False, words: Wording = SYNC, *, full: bool = False) -> str:
    """Write a plan as text: changes of each person with reasons, then held people, rejected rows and blocks.

    :param plan: the plan.
    :param color: whether to use ANSI colours.
    :param words: titles and sentences.
    :param full: whether every person is listed, however many there are.
    :returns: the text.
    """
    return "".join(f"{line}\n" for line in plan_lines(plan, color, words, full=full))


def plan_lines(plan: Plan, color: bool = False, words: Wording = SYNC, *, full: bool = False) -> Iterator[str]:
    """Write a plan as :func:`plan_text` does, line by line.

    :param plan: the plan.
    :param color: whether to use ANSI colours.
    :param words: titles and sentences.
    :param full: whether every person is listed, however many there are.
    :returns: the lines.
    """
    paint = _painter(color)
    yield from (_title(words.plan, plan, paint), "")
    yield from _changes(plan, paint, full)
    yield from _remarks(plan, paint, full)
    if plan.blocked:
        yield paint("31;1", "Blocked: nothing will be written.")
        yield from _blocks((block.to_json() for block in plan.blocked), paint)
        yield ""
    elif not plan.operations:
        yield from (paint("32;1", _nothing(plan, words)), "")
    yield from _later(plan)
    yield paint("1", "Plan: ") + summary_line(plan.summary, _planned_nothing(plan))
    if plan.operations:
        yield f"Hash: {plan.hash}"


def _later(plan: Plan) -> Iterator[str]:
    if plan.starting_later:
        yield f"{plan.starting_later}."


def _nothing(plan: Plan, words: Wording) -> str:
    """The sentence of a plan without changes. It says "agrees" only if it is about all people, and none is held."""
    if words is not SYNC:
        return " ".join([words.nothing, *(f"{clean(line)[0].upper()}{clean(line)[1:]}." for line in plan.unknown_ids)])
    said = f"No changes for this selection: {clean(plan.limits)}." if plan.limits else "No changes."
    if unsettled := clean(plan.unsettled):
        return f"{said} {unsettled[0].upper()}{unsettled[1:]}".rstrip(".") + "."
    return said if plan.limits else words.nothing


def report_text(report: Report, color: bool = False, words: Wording = SYNC, *, full: bool = False) -> str:
    """Write a report as text: changes with their outcome, what changed since the plan, and the requests.

    :param report: the report.
    :param color: whether to use ANSI colours.
    :param words: titles and sentences.
    :param full: whether every person is listed, however many there are.
    :returns: the text.
    """
    return "".join(f"{line}\n" for line in report_lines(report, color, words, full=full))


def report_lines(report: Report, color: bool = False, words: Wording = SYNC, *, full: bool = False) -> Iterator[str]:
    """Write a report as :func:`report_text` does, line by line.

    :param report: the report.
    :param color: whether to use ANSI colours.
    :param words: titles and sentences.
    :param full: whether every person is listed, however many there are.
    :returns: the lines.
    """
    plan, paint = report.plan, _painter(color)
    yield from (_title(words.plan if report.blocked else words.report, plan, paint), "")
    if report.blocked:
        yield from _remarks(plan, paint, full)
        yield from (paint("31;1", "Blocked. Nothing was written."), *_blocks(report.blocked, paint), "")
    else:
        yield from _changes(plan, paint, full)
        yield from _remarks(plan, paint, full)
        changed = report.changed_since_plan
        for one in changed if full else changed[:_SHOWN]:
            yield f"  {paint('33', '~')} changed since the plan: {_named(clean(one.text), one.who)}"
        if not full and len(changed) > _SHOWN:
            yield f"  {paint('33', '~')} and {counted(len(changed) - _SHOWN, 'more change')} since the plan"
        code, verdict = _VERDICTS.get(report.outcome, ("32", _nothing(plan, words)))
        if report.outcome == "failed" and not report.failed:
            verdict = "Failed: a protected person waits for a decision, see above."
        if scopes := report.missing_scopes:
            lacking = f"{counted(len(scopes), 'scope')}: {', '.join(scopes)}"
            verdict = f"Failed in part. The Kinde application lacks {lacking}. Enable them under APIs, then run again."
        if report.interrupted:
            code, verdict = "31", "Interrupted before the end. What was done is done; the next run does what is left."
        yield from (paint(f"{code};1", verdict), "")
        yield from (f"Note: {note}." for note in report.notes)
        outcomes = ", ".join(f"{count} {name}" for name, count in report.outcomes.items() if count)
        yield paint("1", "Operations: ") + (outcomes or "none")
    yield from _later(plan)
    yield paint("1", "Plan: ") + summary_line(plan.summary, _planned_nothing(plan))
    requests = report.requests
    yield f"Requests: {requests['total']} ({requests['read']} read, {requests['write']} write)"


def _planned_nothing(plan: Plan) -> str:
    """What is said of a plan without any count: a plan that was stopped says nothing about what there is to do."""
    return "nothing planned" if plan.blocked else "nothing to do"


def summary_line(summary: Mapping[str, int], nothing: str = "nothing to do") -> str:
    """Write the counts of a summary that are not zero in one line.

    :param summary: counts by kind, with ``held``, ``rejected`` and ``unchanged``.
    :param nothing: the line where all counts are zero.
    :returns: the line.
    """
    words = {kind: kind.replace("_", " ") for kind in (*COUNTED, "held", "rejected", "unchanged")}
    found = [f"{summary[kind]} {word}" for kind, word in words.items() if summary.get(kind)]
    return ", ".join(found) or nothing


def clean(text: object) -> str:
    """Make text from outside safe to print: no escape codes, line breaks or characters that reverse the line.

    :param text: the text.
    :returns: the text with U+FFFD in place of such characters.
    """
    said = str(text)
    if said.isprintable():  # holds none of these, and is what nearly every text is
        return said
    return "".join(
        character if unicodedata.category(character) not in ("Cc", "Cf", "Zl", "Zp", "Cs") else "\ufffd"
        for character in said
    )


def _changes(plan: Plan, paint: Paint, full: bool) -> Iterator[str]:
    """Write changes person by person, or grouped where they fill two screens; then, of many, what was not done."""
    listed, outcomes = full or len(plan.operations) <= _LISTED, plan.operations.outcomes()
    if listed:
        yield from _operations(plan.operations.listed(), paint)
        if len(plan.operations) <= _FEW or not outcomes["failed"] + outcomes["skipped"]:
            return
    grouped = GroupedChanges(plan.operations)
    if not listed:
        yield from grouped.lines(_WORDS, lambda change: _change(change.before, change.after), paint, clean)
    if grouped.undone:
        yield paint("31;1", "Not done")
        yield from (*grouped.undone_lines(_WORDS, clean), "")
    if not listed:
        yield from ("  Grouped, with samples. --full lists every person; the plan or report as JSON holds all.", "")


def _title(what: str, plan: Plan, paint: Paint) -> str:
    moment = plan.now.in_timezone("UTC").format("YYYY-MM-DD HH:mm")
    return paint("1", f"{what} {plan.spec.name} -> {plan.host}") + f"   {moment} UTC"


def operation_lines(operations: Iterable[Change]) -> list[str]:
    """Write each operation in one line, without colours.

    :param operations: the operations.
    :returns: the lines.
    """
    return [_operation(operation, _painter(False)).strip() for operation in operations]


def _operations(people: Iterable[list[Change]], paint: Paint) -> Iterator[str]:
    """Write operations grouped by person."""
    for mine in people:
        first = mine[0]
        if first.id:
            yield f"  {paint('1', clean(first.id))}  {clean(first.who)}"
        yield from (_operation(operation, paint) for operation in mine)
        yield ""


def _operation(operation: Change, paint: Paint) -> str:
    sign = SIGNS[operation.kind]
    what = _WORDS.get(operation.kind, operation.kind)
    where = " ".join(
        part
        for part in (
            clean(operation.role) if operation.role else "",
            f"in {clean(operation.alias)}" if operation.role else clean(operation.alias or ""),
        )
        if part
    )
    change = _change(operation.before, operation.after)
    outcome = ""
    if operation.outcome in ("failed", "skipped"):
        outcome = paint("31", f"  {operation.outcome}: {clean(operation.error)}")
    indent = "      " if operation.id else "  "
    parts = [paint(_COLORS[sign], f"{sign} {what}"), where, change]
    reason = f"  ({clean(operation.reason)})" if operation.reason else ""
    return indent + "  ".join(part for part in parts if part) + paint("2", reason) + outcome


def _change(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> str:
    before, after = before or {}, after or {}
    found = []
    for key in dict.fromkeys((*after, *before)):
        if key in after and key in before:
            if before[key] == after[key]:
                continue  # an unfinished change that an earlier run began
            found.append(f"{key}: {value_text(before[key]) or '(none)'} -> {value_text(after[key])}")
        elif key in after:
            found.append(f"{key}: {value_text(after[key])}")
        elif before[key]:
            found.append(f"{_BEFORE.get(key) or 'has ' + key.replace('_', ' ')}: {value_text(before[key])}")
    return ", ".join(found)


def _remarks(plan: Plan, paint: Paint, full: bool) -> list[str]:
    lines: list[str] = []
    protected = [held for held in plan.held if held.protected]
    others = [held for held in plan.held if not held.protected]
    for title, held in (
        ("Protected, waiting for a decision", protected),
        ("Held, nothing is done for these people", others),
    ):
        if held:
            lines.append(paint("35;1", f"{title} ({len(held)})"))
            entries = _reasons(((h.reason, h) for h in held), lambda h: clean(h.id), "people", full)
            lines += [*_marked(entries, paint), ""]
    if plan.rejected:
        count = counted(len(plan.rejected), "row")
        lines.append(paint("35;1", f"Rejected rows, nothing is done for their people ({count})"))
        entries = _reasons(((r.reason, r) for r in once_each(plan.rejected)), rejected_name, "rows", full)
        lines += [*_marked(entries, paint), ""]
    if plan.unmapped:
        lines.append(paint("1", "Values that no rule names, of people with access"))
        lines += [f"  {clean(line)}" for line in plan.unmapped] + [""]
    if plan.coverage and (uncovered := plan.coverage.lines(unmapped=False)):
        lines.append(paint("1", "What the rules do not cover"))
        lines += [f"  {clean(line)}" for line in uncovered] + [""]
    if plan.warnings:
        lines.append(paint("33;1", "Warnings"))
        shown = plan.warnings if full else plan.warnings[:_SHOWN]
        lines += [f"  {paint('33', '!')} {clean(warning)}" for warning in shown]
        lines += [f"  and {len(plan.warnings) - len(shown):,} more"] if len(shown) < len(plan.warnings) else []
        lines.append("")
    return lines


def rejected_name(rejected: Any) -> str:
    """Name a rejected row: its number, and the HR id where it can be read.

    :param rejected: the row.
    """
    return f"row {rejected.row}" + (f", id {clean(rejected.id)}" if rejected.id else "")


def _named(name: str, who: str) -> str:
    return f"{name}  {clean(who)}" if who else name


def _marked(entries: Iterable[str], paint: Paint) -> list[str]:
    return [f"      {entry}" if entry[0] == " " else f"  {paint('35', '!')} {entry}" for entry in entries]


def _reasons(found: Iterable[tuple[str, Any]], name: Callable[[Any], str], nouns: str, full: bool) -> list[str]:
    """One line each, with name and address; or, of many, one line for each reason."""
    listed = list(found)
    if full or len(listed) <= _FEW:
        return [f"{_named(name(item), item.who)}: {clean(reason)}" for reason, item in listed]
    groups = group_by_reason(("", reason, (reason, item)) for reason, item in listed)
    lines = list(reason_lines(groups[:_FEW], lambda item: _named(name(item), item.who), nouns, clean))
    if hidden := groups[_FEW:]:
        lines.append(f"and {sum(group.count for group in hidden):,} more, for {counted(len(hidden), 'other reason')}")
    return lines


def _blocks(blocks: Iterable[Mapping[str, object]], paint: Paint) -> list[str]:
    return [
        f"  {paint('31', 'x')} {clean(block['reason'])}"
        + ("" if block["approvable"] else paint("2", "  (cannot be approved)"))
        for block in blocks
    ]


def value_text(value: Any) -> str:
    """Write a value of ``before`` or ``after`` as text that is safe to print.

    :param value: the value.
    """
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return ", ".join(f"{clean(key)}={value_text(item) or '(none)'}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(value_text, value)) + "]"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return clean(value)


def _painter(color: bool) -> Paint:
    return (lambda code, text: f"\033[{code}m{text}\033[0m" if text else "") if color else (lambda code, text: text)
