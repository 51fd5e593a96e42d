"""Reports as a table (CSV) for auditors, and texts that are safe in a cell."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from itertools import chain
from typing import Any

from airflow_provider_kinde.sync.changes import Change
from airflow_provider_kinde.sync.report.report import Report
from airflow_provider_kinde.sync.report.text import clean, value_text

_FORMULA = frozenset("=+-@\uff1d\uff0b\uff0d\uff20")
"""Characters that begin a formula. Spreadsheets accept the full-width forms of East Asian keyboards, too."""


def csv_lines(report: Report) -> Iterator[str]:
    """Write a report as CSV: one line for each operation, then held people, rejected rows and blocks.

    A cell that a spreadsheet would run as a formula gets an apostrophe in front.

    :param report: the report.
    :returns: the lines of the table.
    """
    plan = report.plan
    head = ["id", "who", "kind", "organization", "role", "before", "after", "reason", "outcome", "error"]
    rows = chain(
        [head],
        map(_operation_row, plan.operations),
        ([h.id, h.who, "held", "", "", "", "", h.reason, "held", ""] for h in plan.held),
        ([r.id or "", _row_and_who(r), "rejected", *[""] * 4, r.reason, "rejected", ""] for r in plan.rejected),
        (["", "", "blocked", "", "", "", "", str(block["reason"]), "blocked", ""] for block in report.blocked),
    )
    out = io.StringIO()
    writer = csv.writer(out)
    for row in rows:
        writer.writerow([safe_cell(text) for text in row])
        yield out.getvalue()
        out.seek(0)
        out.truncate()


def _operation_row(o: Change) -> list[str]:
    where = (o.alias or "", o.role or "")
    return [o.id, o.who, o.kind, *where, value_text(o.before), value_text(o.after), o.reason, o.outcome, o.error]


def _row_and_who(rejected: Any) -> str:
    return f"row {rejected.row}" + (f": {rejected.who}" if rejected.who else "")


def safe_cell(text: str) -> str:
    """Make a text safe for a cell of a table: one that a spreadsheet would run as a formula gets an apostrophe.

    :param text: the text.
    """
    cleaned = clean(text)
    return f"'{cleaned}" if cleaned.lstrip()[:1] in _FORMULA else cleaned
