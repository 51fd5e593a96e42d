"""The text of an approval: a plan in Markdown, short enough for a database column. Text from outside is escaped."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

MAX_BYTES = 29_000
"""Size limit of the text in bytes. Some databases store 64 KB in the column, and the text should fit two screens."""
PEOPLE = 20
"""How many people are listed for each kind of loss."""
REASONS = 20
"""How many reasons for the block are listed."""
DESTRUCTIVE = {
    "suspend": "lose their access",
    "delete": "are deleted",
    "remove_membership": "leave an organization",
    "remove_role": "lose a role",
}
_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~&$:=@/^\"'])")


def approval_body(
    plan: Mapping[str, Any], blocked: Sequence[str], guards: Mapping[str, str], path: str, *, names: bool = False
) -> str:
    """Write the text that an approver approves or rejects.

    :param plan: the content of ``plan.json``.
    :param blocked: the reasons why the guards stopped the plan.
    :param guards: each guard with its limit in the spec.
    :param path: path of the whole plan.
    :param names: whether the text holds names and addresses besides HR ids.
    :returns: Markdown of at most :data:`MAX_BYTES` bytes.
    """
    lines = [f"**{_text(plan['spec'])}** on **{_text(plan['host'])}**", ""]
    if blocked:
        lines += ["The guards stopped this plan:", ""]
        lines += [f"- {_text(reason, 200)}" for reason in blocked[:REASONS]]
        lines += [f"- and {len(blocked) - REASONS} more reasons"] if len(blocked) > REASONS else []
        lines.append("")
    counts = {kind: count for kind, count in plan["summary"].items() if count}
    lines += ["| what | how many |", "| --- | ---: |"]
    lines += [f"| {_text(kind.replace('_', ' '))} | {int(count)} |" for kind, count in counts.items()]
    lines += ["", "| guard | limit | |", "| --- | ---: | --- |"]
    for guard, limit in guards.items():
        tripped = any(reason.startswith(f"{guard} ") for reason in blocked)
        lines.append(f"| {_text(guard)} | {_text(limit)} | {'**tripped**' if tripped else ''} |")
    end = [
        "",
        f"Hash: `{re.sub('[^0-9a-f]', '', str(plan['hash']))}`",
        "",
        f"The whole plan: {_text(path, 1000)}",
        "",
        "If you approve, the changes of this plan that are still needed are applied, and nothing else.",
    ]
    room = MAX_BYTES - _size([*lines, *end])
    people = ["", *_people(plan["operations"], names)]
    while people and _size(people) > room:
        people.pop()
    return "\n".join([*lines, *people, *end])


def _people(operations: Iterable[Mapping[str, Any]], names: bool) -> list[str]:
    listed: dict[str, dict[str, list[str]]] = {kind: {} for kind in DESTRUCTIVE}
    who: dict[str, str] = {}
    for operation in operations:
        kind, id = str(operation["kind"]), str(operation.get("id") or "")
        if kind in listed:
            where = [str(operation[part]) for part in ("role", "alias") if operation.get(part)]
            listed[kind].setdefault(id, []).append(" in ".join(where))
            who[id] = str(operation.get("who") or "")
    lines: list[str] = []
    for kind, people in listed.items():
        if not people:
            continue
        lines += [f"**{len(people)} {'people' if len(people) > 1 else 'person'}: {DESTRUCTIVE[kind]}**", ""]
        for id, places in list(people.items())[:PEOPLE]:
            name = f" {_text(who[id], 80)}" if names and who[id] else ""
            what = ", ".join(place for place in places[:5] if place) + (" and more" if len(places) > 5 else "")
            lines.append(f"- {_text(id, 60)}{name}" + (f": {_text(what, 120)}" if what else ""))
        lines += [f"- and {len(people) - PEOPLE} more"] if len(people) > PEOPLE else []
        lines.append("")
    return lines


def _text(value: object, longest: int = 200) -> str:
    """Escape text from outside: no markup, no line breaks, no invisible characters."""
    seen = "".join(c if unicodedata.category(c)[0] != "C" and c not in "\u2028\u2029" else "\ufffd" for c in str(value))
    cut = seen if len(seen) <= longest else seen[: longest - 1] + "…"
    return _MARKUP.sub(r"\\\1", cut)


def _size(lines: Sequence[str]) -> int:
    return sum(len(line.encode()) + 1 for line in lines)
