"""What the end dates of an export say beside the status: old dates of people who came back, further dates."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.sync.model import Row
from airflow_provider_kinde.sync.spec.cell_text import clean_cell
from airflow_provider_kinde.sync.spec.date_parser import DateReader
from airflow_provider_kinde.sync.spec.expressions import is_blank


@dataclass
class EndDates:
    """Counts of one column that looks like an end date.

    :param name: the column.
    :param filled: how many rows have a date there.
    :param active: how many of them have a status that gives access.
    :param earlier: how many of those with such a status have a past date before their start date.
    :param past: how many of those with such a status have another date in the past.
    """

    name: str
    filled: int = 0
    active: int = 0
    earlier: int = 0
    past: int = 0


def count_end_dates(
    rows: Iterable[Row],
    columns: list[str],
    status: str | None,
    active: frozenset[str],
    reader: DateReader,
    start: str | None = None,
) -> list[EndDates]:
    """Count the end dates of people whose status gives access.

    :param rows: the rows of the export.
    :param columns: the columns that look like end dates.
    :param status: the column of the status; ``None`` if there is none.
    :param active: the statuses that give access, case-folded.
    :param reader: reads the dates.
    :param start: the column of the start date; ``None`` if there is none.
    :returns: the counts of each column.
    """
    found = [EndDates(name) for name in columns]
    today = dt.datetime.now(dt.timezone.utc).date()
    for row in rows:
        if row.problem:
            continue
        began = _day(clean_cell(row.values.get(start)), reader) if start else None
        gives = status is None or str(clean_cell(row.values.get(status))).casefold() in active
        for entry in found:
            value = clean_cell(row.values.get(entry.name))
            if is_blank(value):
                continue
            entry.filled += 1
            if gives:
                entry.active += 1
                day = _day(value, reader)
                if day is not None and day < today:
                    before = began is not None and day < began
                    entry.earlier += before
                    entry.past += not before
    return found


def further_columns(found: Iterable[EndDates], chosen: str | None) -> list[str]:
    """Find the columns that the draft reads where the chosen one is blank: they take access from no person today.

    :param found: the counts.
    :param chosen: the column that the draft reads first.
    """
    return [entry.name for entry in found if entry.name != chosen and entry.filled and not entry.past]


def comments(found: list[EndDates], chosen: str | None) -> list[str]:
    """What the draft says about end dates.

    :param found: the counts.
    :param chosen: the column that the draft reads as ``end_date``.
    :returns: the lines, without the mark of a comment.
    """
    lines = []
    further = further_columns(found, chosen)
    for entry in found:
        if entry.name == chosen:
            if entry.earlier:
                lines.append(
                    f"check: {_rows(entry.earlier)} with a status that gives access, and a day in {entry.name!r} "
                    "before the start: ignored, as of a person who came back"
                )
            if entry.past:
                lines.append(
                    f"check: {_rows(entry.past)} with a status that gives access, and a past day in {entry.name!r}: "
                    "no access"
                )
        elif entry.name in further:
            lines.append(
                f"check: {entry.name!r} looks like an end date too ({entry.filled} filled, {entry.active} of them with "
                f"a status that gives access): it is read where {chosen!r} is blank"
            )
        elif entry.filled:
            lines.append(
                f"check: {entry.name!r} looks like an end date too ({entry.filled} filled, {entry.active} of them with "
                "a status that gives access), and nothing here reads it"
            )
    return lines


def _day(value: object, reader: DateReader) -> dt.date | None:
    try:
        return None if is_blank(value) else reader.read(value, dt.timezone.utc)
    except ValueError:
        return None


def _rows(count: int) -> str:
    return counted(count, "row")
