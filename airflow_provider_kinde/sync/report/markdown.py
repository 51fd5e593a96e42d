"""Plans, differences and backtests as markdown for a review comment: a sentence, tables, and lists that fold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.sync.kinds import COUNTED
from airflow_provider_kinde.sync.plan.plan import Plan
from airflow_provider_kinde.sync.report.grouped import once_each
from airflow_provider_kinde.sync.report.headline import headline
from airflow_provider_kinde.sync.report.overview import categories
from airflow_provider_kinde.sync.report.redaction import redact_plan
from airflow_provider_kinde.sync.report.text import clean, operation_lines

MOST_BYTES = 60_000
"""Bytes of one comment: GitHub refuses one of more than 65,536 characters."""
_RESERVED = 2_000


def code(text: object, *, cell: bool = False) -> str:
    """Quote text from outside, so that it is neither markup nor calls a user.

    :param text: the text.
    :param cell: whether it stands in a table.
    """
    quoted = clean(text).replace("`", "'").strip() or "-"
    return f"`{quoted.replace('|', chr(92) + '|') if cell else quoted}`"


def table(titles: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Write a table.

    :param titles: the titles of the columns.
    :param rows: the cells; text that may come from outside is quoted by the caller.
    """
    lines = ["", f"| {' | '.join(titles)} |", f"|{' --- |' * len(titles)}"]
    return [*lines, *(f"| {' | '.join(map(str, row))} |" for row in rows), ""]


class Comment:
    """A comment that stays below a size: what is too much is counted instead.

    :param lines: what always stands at its head.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines: list[str] = []
        self._left = MOST_BYTES - _RESERVED
        for line in lines:
            self._add(line)

    def _add(self, line: str) -> bool:
        size = len(line.encode()) + 1
        if size > self._left:
            return False
        self._left -= size
        self._lines.append(line)
        return True

    def fold(self, title: str, entries: Sequence[Sequence[str]]) -> None:
        """Add a list that folds.

        :param title: its title, which is shown.
        :param entries: the lines of each entry, which stand together.
        """
        if not entries:
            return
        self._lines += ["", f"<details><summary>{title}</summary>", ""]
        for number, entry in enumerate(entries):
            if not self._add("\n".join(entry)):
                self._lines.append(f"- … and {len(entries) - number:,} more")
                break
        self._lines += ["", "</details>"]

    def text(self) -> str:
        """The whole comment."""
        return "\n".join(self._lines) + "\n"


def plan_markdown(plan: Plan, *, personal: bool = False) -> str:
    """Write a plan for a review comment.

    :param plan: the plan.
    :param personal: whether names, addresses and values are in it; HR ids always are.
    """
    plan = plan if personal or plan.redacted else redact_plan(plan)
    content = plan.content()
    head = [f"**Kinde sync {code(plan.spec.name)}**: {_plain(headline(content, categories(plan.operations, 0)))}"]
    summary = plan.summary
    names = (*COUNTED, "held", "rejected", "unchanged")
    head += table(
        ["what", "count"], [(kind.replace("_", " "), f"{summary[kind]:,}") for kind in names if summary[kind]]
    )
    for block in plan.blocked:
        head.append(f"- :no_entry: {code(block.reason)}{'' if block.approvable else ' (cannot be approved)'}")
    if plan.operations:
        head.append(f"\nHash: `{plan.hash}`")
    comment = Comment(head)
    people = []
    for mine in plan.operations.listed():
        first = mine[0]
        who = _who(first.who, personal)
        changes = operation_lines(mine) if personal else [_words(change) for change in mine]
        people.append([f"- {code(first.id or 'organizations')}{who}", *(f"  - {code(text)}" for text in changes)])
    comment.fold(f"{len(people):,} with changes", people)
    comment.fold(
        f"{len(plan.held):,} held",
        [[f"- {code(held.id)}{_who(held.who, personal)}: {code(held.reason)}"] for held in plan.held],
    )
    comment.fold(
        counted(len(plan.rejected), "rejected row"),
        [
            [f"- row {row.row}, id {code(row.id or '?')}{_who(row.who, personal)}: {code(row.reason)}"]
            for row in once_each(plan.rejected)
        ],
    )
    uncovered = plan.coverage.lines() if plan.coverage else []
    comment.fold(
        counted(len(uncovered), "thing that the rules do not cover", "things that the rules do not cover"),
        [[f"- {code(line)}"] for line in uncovered],
    )
    comment.fold(counted(len(plan.warnings), "warning"), [[f"- {code(warning)}"] for warning in plan.warnings])
    return comment.text()


def _who(who: str, personal: bool) -> str:
    return f" {code(who)}" if personal and who else ""


def _words(change: Any) -> str:
    return " ".join(part for part in (change.kind.replace("_", " "), change.alias, change.role) if part)


def _plain(text: str) -> str:
    """A sentence of our own, which may hold a reason with names from outside."""
    return text if text.isascii() and not set(text) & set("<>@`*_[]|#") else code(text)
