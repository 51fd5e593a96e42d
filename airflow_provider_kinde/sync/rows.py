"""Rows in memory: what one row is, what a list of rows is, and how large a cell may be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from airflow_provider_kinde.exceptions import SourceError
from airflow_provider_kinde.sync.model import Row
from airflow_provider_kinde.sync.spec.cell_text import clean_cell, clean_text
from airflow_provider_kinde.sync.spec.expressions import is_blank

MAX_COLUMNS = 10_000
MAX_CELL = 131_072
"""Characters of the longest cell: what Python's csv reader takes."""
MAX_BITS = 4_096
"""Of a whole number; Python refuses to print one of some 14,000."""
MAX_DEPTH = 8


class DuplicateColumnError(SourceError):
    """A column stands twice: which one is meant is unknown, so that no row may be acted upon.

    :param column: the column's name.
    """

    def __init__(self, column: str) -> None:
        # A name with a blank or an @ in it may be a person's, where an object holds people by name.
        shown = f"column {column!r}" if all(part.isidentifier() for part in column.split(".")) else "a column"
        super().__init__(f"{shown} stands twice: which one is meant?")


class RowReading:
    """One pass over rows that some iterator yields; a doubled column ends it, and makes it incomplete.

    :param name: what messages call the source.
    :param columns: the columns, where they are known beforehand.
    """

    def __init__(self, name: str, columns: Sequence[str] | None = None) -> None:
        self.name = name
        self.columns = columns
        self.incomplete: list[str] = []
        self.broken = False
        """Whether what was read stops at something that is no text or no row; ``incomplete`` says at what."""
        self.proven = False
        self.warnings: list[str] = []
        self.data_time = ""
        """When the data was written, as the source says, in ISO 8601; empty where it does not."""
        self._rows: Iterator[Row] = iter(())

    def __iter__(self) -> Iterator[Row]:
        try:
            yield from self._rows
        except DuplicateColumnError as doubled:
            self.incomplete.append(f"{self.name} is incomplete: {doubled}")


class ListSource:
    """Rows that are already in memory; they count as complete.

    :param rows: one mapping of column to value each.
    :param name: what messages call them.
    """

    def __init__(self, rows: Iterable[Mapping[str, Any]], name: str = "the list of rows") -> None:
        self.rows = list(rows)
        self.name = name

    def read(self) -> RowReading:
        """Start one pass over the rows."""
        reading = RowReading(self.name)
        reading.proven = True
        rows = (object_row(number, values) for number, values in enumerate(self.rows, 1))
        reading._rows = filled_rows(rows)
        return reading


def filled_rows(rows: Iterable[Row], null_values: frozenset[str] = frozenset()) -> Iterator[Row]:
    """Leave out the rows that hold nothing, and read some texts as blank.

    :param rows: the rows of a source.
    :param null_values: texts that mean "no value", as ``null_values`` of the source names them.
    :returns: the rows with a value in at least one column, and the rows that cannot be read.
    """
    for row in rows:
        if row.problem:
            yield row
            continue
        if null_values:
            row = row._replace(values=without_nulls(row.values, null_values))
        if not is_blank_row(row.values):
            yield row


def is_blank_row(values: Mapping[str, Any]) -> bool:
    """Whether every cell of a row is blank: such a row is no row.

    :param values: column -> cell.
    """
    for value in values.values():  # noqa: SIM110 - a loop that ends at the first cell costs a third of all()
        if not is_blank(value) and not is_blank(clean_cell(value)):
            return False
    return True


def without_nulls(values: Mapping[str, Any], null_values: frozenset[str]) -> Mapping[str, Any]:
    """The cells of a row, with blank text in place of each text that means "no value".

    :param values: column -> cell.
    :param null_values: the texts that mean "no value".
    """
    return {
        column: "" if isinstance(value, str) and clean_text(value) in null_values else value
        for column, value in values.items()
    }


def object_row(number: int, values: Any) -> Row:
    """One row from an object: nested objects become columns with a dot in their name.

    :param number: where a person finds it.
    :param values: what stands there; anything but an object is a problem of this row.
    :raises DuplicateColumnError: two of its values are one column, such as ``{"a": {"b": 1}, "a.b": 2}``.
    """
    if not isinstance(values, Mapping):
        return Row(number, {}, f"is not an object but {type(values).__name__}")
    if not any(isinstance(value, (Mapping, str, int)) for value in values.values()):
        flat: Mapping[str, Any] = values
    else:
        try:
            pairs = list(_flat(values, "", 0))
        except ValueError as error:
            return Row(number, {}, str(error))
        flat = unique(pairs)
    if len(flat) > MAX_COLUMNS:
        return Row(number, {}, f"has more than {MAX_COLUMNS:,} columns")
    return Row(number, flat)


def unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """What stands under each name.

    :param pairs: names and values.
    :raises DuplicateColumnError: a name stands twice.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        raise DuplicateColumnError(
            next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        )
    return found


def _flat(values: Mapping[str, Any], prefix: str, depth: int) -> Iterator[tuple[str, Any]]:
    if depth > MAX_DEPTH:
        raise ValueError(f"is nested more than {MAX_DEPTH} deep")
    for name, value in values.items():
        column = f"{prefix}{name}"
        if isinstance(value, Mapping):
            yield from _flat(value, f"{column}.", depth + 1)
        elif isinstance(value, str) and len(value) > MAX_CELL:
            raise ValueError(f"column {column!r} holds more than {MAX_CELL:,} characters")
        elif isinstance(value, int) and value.bit_length() > MAX_BITS:
            raise ValueError(f"column {column!r} holds a number of more than {MAX_BITS:,} bits")
        else:
            yield column, value
