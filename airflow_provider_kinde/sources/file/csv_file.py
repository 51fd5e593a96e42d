"""CSV. Reading is strict, so that a file which is cut off, doubled or not text is noticed."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from typing import IO

from airflow_provider_kinde.exceptions import SourceError
from airflow_provider_kinde.sync.model import Row
from airflow_provider_kinde.sync.rows import MAX_CELL, MAX_COLUMNS, RowReading

MAX_LINE = 10_000_000
"""Longest line in characters."""
_UNDECODED = re.compile("[\ud800-\udfff]")


def checked_lines(stream: IO[str], reading: RowReading) -> Iterator[str]:
    """Read the lines of a text file. At the first line that is not text it stops and notes the reason.

    :param stream: the file, decoded with ``surrogateescape``.
    :param reading: its ``incomplete`` gets the reason, its ``warnings`` a missing last line break.
    :returns: the lines.
    """
    number, line = 0, "\n"
    try:
        while line := stream.readline(MAX_LINE):
            number += 1
            if len(line) >= MAX_LINE:
                _incomplete(reading, f"line {number} is longer than {MAX_LINE:,} characters")
                return
            if "\0" in line:
                hint = "; if it is UTF-16, set encoding: utf-16" if number == 1 else ""
                _incomplete(reading, f"line {number} holds NUL bytes{hint}")
                return
            if not line.isascii() and (found := _UNDECODED.search(line)):
                hint = ": set encoding (utf-16, cp1252, …)" if number == 1 or line.count("\udcff") else ""
                byte = ord(found.group()) - 0xDC00
                shown = f"byte 0x{byte:02x}" if 0x80 <= byte <= 0xFF else "a lone surrogate"
                _incomplete(reading, f"line {number} cannot be decoded: {shown} at character {found.start() + 1}{hint}")
                return
            last = line
            yield line
    except UnicodeError as error:
        _incomplete(reading, f"it cannot be decoded after line {number}: {error}")
        return
    if number and not last.endswith(("\n", "\r")):
        reading.warnings.append(f"{reading.name}: the last line has no line break")


def _incomplete(reading: RowReading, reason: str) -> None:
    reading.incomplete.append(f"{reading.name} is incomplete: {reason}")


def read(lines: Iterator[str], reading: RowReading, delimiter: str) -> Iterator[Row]:
    """Read the header, and return the rows.

    :param lines: the lines of the file.
    :param reading: gets the columns, and after the last row the reasons why the file is incomplete.
    :param delimiter: the character between cells.
    :returns: the rows, numbered by the line in which they begin.
    :raises SourceError: the header has too many columns.
    """
    records = _Records(lines, reading, delimiter)
    header: list[str] = []
    for _, cells in records:
        header = [cell.strip().lstrip("\ufeff").strip() for cell in cells]
        break
    if len(header) > MAX_COLUMNS:
        raise SourceError(f"{reading.name} has more than {MAX_COLUMNS:,} columns: is it a CSV file?")
    counts = Counter(name for name in header if name)
    for name in (name for name, count in counts.items() if count > 1):
        _incomplete(
            reading, f"column {name!r} appears {counts[name]} times in the header: rename or remove all but one"
        )
    if len(header) == 1 and (other := next((mark for mark in ";\t|," if mark in header[0]), None)):
        shown = "tab" if other == "\t" else other
        reading.warnings.append(
            f"{reading.name}: the header is one column with {shown} in its name: set delimiter to {shown}"
        )
    columns = [name if counts[name] == 1 else "" for name in header]
    reading.columns = [name for name in columns if name]
    return _rows(records, reading, header, columns)


def _rows(
    records: Iterator[tuple[int, list[str]]], reading: RowReading, header: list[str], columns: list[str]
) -> Iterator[Row]:
    plain = all(columns)
    ragged: Row | None = None
    for number, cells in records:
        if ragged is not None:
            yield ragged
            ragged = None
        if len(cells) != len(header):
            if cells == [""] or (len(cells) == 1 and cells[0].isspace()):
                continue
            ragged = Row(number, {}, f"has {len(cells)} cells where the header has {len(header)}")
            continue
        if cells[0].strip() == header[0] and [cell.strip() for cell in cells] == header:
            _incomplete(reading, f"line {number} repeats the header: are these two files in one?")
            continue
        if plain:
            yield Row(number, dict(zip(columns, cells, strict=True)))
        else:
            yield Row(number, {name: cell for name, cell in zip(columns, cells, strict=True) if name})
    if ragged is not None:
        _incomplete(reading, f"its last row, line {ragged.number}, {ragged.problem}: was the file cut off?")
        yield ragged


class _Records:
    """The records of a CSV file with the line in which each begins. A broken record ends the file."""

    def __init__(self, lines: Iterator[str], reading: RowReading, delimiter: str) -> None:
        self._reading = reading
        self._csv = csv.reader(lines, delimiter=delimiter, strict=True)

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        return self

    def __next__(self) -> tuple[int, list[str]]:
        while True:
            begins = self._csv.line_num + 1
            try:
                cells = next(self._csv)
            except csv.Error as error:
                _incomplete(self._reading, _reason(begins, self._csv.line_num, str(error)))
                raise StopIteration from None
            if cells:
                return begins, cells


def _reason(begins: int, line: int, error: str) -> str:
    where = f"line {begins}" if begins >= line else f"lines {begins} to {line}"
    if "unexpected end" in error:
        return f"a quote that opens in line {begins} is never closed: was the file cut off?"
    if "field larger" in error:
        return f"a quote that opens in {where} is never closed, or a cell is longer than {MAX_CELL:,} characters"
    return f"{where}: broken quotes ({error}); write a quote within quotes twice"
