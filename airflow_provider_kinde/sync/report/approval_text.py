"""What an approver reads: a plan in Markdown, short enough for a database column, and nothing in it is markup."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

MAX_BYTES = 29_000
"""The column takes 64 KB on some databases, and a browser should not be asked for more than a page or two."""
PEOPLE = 20
REASONS = 20
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
    """The text that is approved or rejected.

    :param plan: the content of ``plan.json``.
    :param blocked: why it does not pass by itself, in words.
    :param guards: guard -> its limit in the spec.
    :param path: where the whole plan is.
    :param names: whether people are named, or only their HR ids.
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
        "Approving applies what this plan holds and what still stands when it is applied, and nothing else.",
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
    """Text from outside, so that it shows as it is written: no markup, no line breaks, no invisible characters."""
    seen = "".join(c if unicodedata.category(c)[0] != "C" and c not in "\u2028\u2029" else "\ufffd" for c in str(value))
    cut = seen if len(seen) <= longest else seen[: longest - 1] + "…"
    return _MARKUP.sub(r"\\\1", cut)


def _size(lines: Sequence[str]) -> int:
    return sum(len(line.encode()) + 1 for line in lines)
