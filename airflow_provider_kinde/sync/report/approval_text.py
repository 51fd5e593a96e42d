"""What an approver is asked: a subject, and a text in Markdown, short enough for a database column.

Text from outside is escaped.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.sync.changes import Change
from airflow_provider_kinde.sync.report.headline import headline, subject
from airflow_provider_kinde.sync.report.overview import Category, Group, categories
from airflow_provider_kinde.sync.report.plan_file import PlanFile
from airflow_provider_kinde.sync.report.redaction import without_values
from airflow_provider_kinde.sync.report.troubles import (
    HELD,
    REJECTED,
    Entry,
    held_entries,
    rejected_entries,
    troubles,
)

MAX_BYTES = 29_000
"""Size limit of the text in bytes. Some databases store 64 KB in the column, and the text should fit two screens."""
PEOPLE = 20
"""How many people of one group are listed."""
GROUPS = 20
"""How many groups of one category are listed."""
REASONS = 12
"""How many reasons for the block, and how many guards, are listed."""
_LOSSES = ("delete", "suspend", "remove_membership", "remove_role")
"""The categories of which people are listed; of the others there are counts."""
_KEPT = 10_000
_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~&$:=@/^\"'])")


class ApprovalText(NamedTuple):
    """What an approver is asked.

    :param subject: in one line, without markup.
    :param body: Markdown.
    """

    subject: str
    body: str


def approval_text(
    plan: PlanFile, blocked: Sequence[str], path: str, *, page: str = "", names: bool = False
) -> ApprovalText:
    """Write what an approver approves or rejects.

    :param plan: the plan.
    :param blocked: the reasons why the guards stopped the plan.
    :param path: path of the whole plan.
    :param page: address of the plan's page; empty where there is none.
    :param names: whether the text holds names and addresses besides HR ids.
    :returns: a subject, and Markdown of at most :data:`MAX_BYTES` bytes.
    """
    head, found = plan.head, categories(plan.operations, _KEPT)
    lines = [f"**{_text(headline(head, found), 400)}**", "", f"{_text(head['spec'])} on {_text(head['host'])}", ""]
    if page:
        lines += [f"[Look at the whole plan]({page})", ""]
    if blocked:
        lines += ["The guards stopped this plan:", ""]
        lines += [f"- {_text(reason, 200)}" for reason in blocked[:REASONS]]
        lines += [f"- and {counted(len(blocked) - REASONS, 'more reason')}"] if len(blocked) > REASONS else []
        lines.append("")
    lines += ["| what happens | people |", "| --- | ---: |"]
    lines += [f"| {_text(category.words.title)} | {category.count} |" for category in found]
    lines += [""]
    checks: Sequence[Mapping[str, Any]] = head.get("guards") or ()
    if checks:
        lines += ["| what is counted | value | limit | of | |", "| --- | ---: | ---: | ---: | --- |"]
        lines += [_guard(check) for check in checks[:REASONS]]
        lines += ["", f"and {counted(len(checks) - REASONS, 'more guard')}"] if len(checks) > REASONS else []
    choice = "If you approve, the changes of this plan that are still needed are applied, and nothing else."
    end = [
        "",
        f"Hash: `{re.sub('[^0-9a-f]', '', plan.hash)}`",
        "",
        f"The whole plan: {_text(path, 1000)}",
        "",
        f"{choice} If you reject, nothing is written.",
    ]
    room = MAX_BYTES - _size([*lines, *end])
    titles = ("protected person waits for a decision", "protected people wait for a decision")
    waiting = _left_alone(titles, held_entries(head, protected=True), HELD, names)
    held = _left_alone(("person is held", "people are held"), held_entries(head, protected=False), HELD, names)
    rejected = _left_alone(("HR row is rejected", "HR rows are rejected"), rejected_entries(head), REJECTED, names)
    people = ["", *_people(found, names), *waiting, *held, *rejected]
    if _size(people) > room:
        cut = "This list is cut here: the whole plan holds the rest."
        while people and _size([*people, "", cut]) > room:
            people.pop()
        people += ["", cut]
    return ApprovalText(_plain(subject(head, found), 120), "\n".join([*lines, *people, *end]))


def _guard(check: Mapping[str, Any]) -> str:
    name = f"{_text(check['what'], 150)} ({_text(check['guard'], 60)})"
    over = "**over the limit**" if check["exceeded"] else ""
    return f"| {name} | {int(check['count'])} | {int(check['allowed'])} | {int(check['base'])} | {over} |"


def _people(found: Iterable[Category], names: bool) -> list[str]:
    """The groups, largest first, with the first people of each who lose something."""
    lines: list[str] = []
    for category in found:
        lines += [f"**{category.count} {'people' if category.count > 1 else 'person'}: {category.words.title}**", ""]
        for group in category.groups[:GROUPS]:
            lines.append(f"- {group.count} {_where(group)}")
            if category.kind in _LOSSES:
                lines += [f"  - {_person(mine, names)}" for mine in group.people[:PEOPLE]]
                lines += [f"  - and {group.count - PEOPLE} more"] if group.count > PEOPLE else []
        more = len(category.groups) - GROUPS
        lines += [f"- and {counted(more, 'more group')}", ""] if more > 0 else [""]
    return lines


def _left_alone(title: tuple[str, str], entries: Iterable[Entry], advice: str, names: bool) -> list[str]:
    """Whom the plan leaves as they are, by reason; without names, a reason holds no cell and no address either."""
    found = troubles(entries, advice)
    if not found:
        return []
    count = sum(trouble.count for trouble in found)
    lines = [f"**{counted(count, *title)}: nothing is done for {'them' if count > 1 else 'this person'}**", ""]
    for trouble in found[:GROUPS]:
        lines.append(f"- {trouble.count} {_text(_reason(trouble.reason, names), 200)}")
        for entry in trouble.entries[:PEOPLE]:
            who = f" {_text(entry.who, 80)}" if names and entry.who else ""
            own = f": {_text(_reason(entry.reason, names), 200)}" if entry.reason != trouble.reason else ""
            lines.append(f"  - {_text(entry.name, 80)}{who}{own}")
        lines += [f"  - and {trouble.count - PEOPLE} more"] if trouble.count > PEOPLE else []
    more = len(found) - GROUPS
    return [*lines, *([f"- and {counted(more, 'more reason')}"] if more > 0 else []), ""]


def _reason(reason: str, names: bool) -> str:
    return reason if names else without_values(reason)


def _where(group: Group) -> str:
    parts = (_text(group.organization, 80) if group.organization else "no organization", _text(group.reason, 120))
    return ": ".join(part for part in parts if part)


def _person(mine: Sequence[Change], names: bool) -> str:
    first = mine[0]
    name = f" {_text(first.who, 80)}" if names and first.who else ""
    lost = [o for o in mine if o.kind in ("remove_membership", "remove_role")]
    places = [" in ".join(part for part in (o.role, o.alias) if part) for o in lost]
    what = ", ".join(places[:5]) + (" and more" if len(places) > 5 else "")
    return f"{_text(first.id, 60)}{name}" + (f": {_text(what, 120)}" if what else "")


def _plain(value: object, longest: int) -> str:
    """Text from outside in one line: no line breaks, no invisible characters."""
    seen = "".join(c if unicodedata.category(c)[0] != "C" and c not in "\u2028\u2029" else "\ufffd" for c in str(value))
    return seen if len(seen) <= longest else seen[: longest - 1] + "…"


def _text(value: object, longest: int = 200) -> str:
    """Escape text from outside: no markup, no line breaks, no invisible characters."""
    return _MARKUP.sub(r"\\\1", _plain(value, longest))


def _size(lines: Sequence[str]) -> int:
    return sum(len(line.encode()) + 1 for line in lines)
