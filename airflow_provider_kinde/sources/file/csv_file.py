"""CSV. Reading is strict, so that a file which is cut off, doubled or not text is noticed."""

from __future__ import annotations

import csv
import itertools
import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import IO

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.exceptions import SourceError
from airflow_provider_kinde.sync.model import Row
from airflow_provider_kinde.sync.rows import MAX_CELL, MAX_COLUMNS, RowReading
from airflow_provider_kinde.sync.spec.cell_text import clean_text

MAX_LINE = 10_000_000
"""Longest line in characters."""
_SAMPLE = 20
"""Rows that are looked at before the first one is yielded."""
_SEP = re.compile('\ufeff?"?sep=(.)"?', re.IGNORECASE)
_MARKED = re.compile(r'\A="([^"]*)"\Z')
"""How UKG, ADP and Excel itself write a text that a spreadsheet would read as a number: ``="00123"``."""
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
                byte = ord(found.group()) - 0xDC00
                shown = f"byte 0x{byte:02x}" if 0x80 <= byte <= 0xFF else "a lone surrogate"
                hint = _encoding_hint(line, found.start(), byte, number)
                _incomplete(reading, f"line {number} cannot be decoded: {shown} at character {found.start() + 1}{hint}")
                return
            last = line
            yield line
    except UnicodeError as error:
        _incomplete(reading, f"it cannot be decoded after line {number}: {error}")
        return
    if number and not last.endswith(("\n", "\r")):
        reading.warnings.append(f"{reading.name}: the last line has no line break")


def _encoding_hint(line: str, at: int, byte: int, number: int) -> str:
    """Which encoding the file may have, by its first byte that cannot be decoded."""
    if number == 1 and line.startswith(("\udcff\udcfe", "\udcfe\udcff")):
        return ": it begins like UTF-16; set encoding: utf-16"
    rest = line[at + 1 :]
    if byte >= 0xC2 and len(rest) < 3 and all("\udc80" <= char <= "\udcbf" for char in rest):
        # The beginning of a UTF-8 character, and nothing after it.
        return ": was the file cut off?"
    if not 0x80 <= byte <= 0xFF:
        return ""
    return "; if the file is Windows-1252 (Excel), set encoding: cp1252, else the encoding that it was written in"


def _incomplete(reading: RowReading, reason: str) -> None:
    reading.incomplete.append(f"{reading.name} is incomplete: {reason}")
    reading.broken = True


@dataclass(frozen=True)
class Layout:
    """How a CSV text is laid out.

    :param delimiter: the character between cells; ``None``: what a first line ``sep=;`` says, else ``,``.
    :param skip_rows: how many lines stand above the header.
    :param header: the names of the columns, where the file has no header line.
    :param read: the columns that the spec reads, to find a header that stands further down; ``None``: not known.
    """

    delimiter: str | None = None
    skip_rows: int = 0
    header: tuple[str, ...] = ()
    read: Collection[str] | None = None


def read(lines: Iterator[str], reading: RowReading, layout: Layout) -> Iterator[Row]:
    """Read the header, and return the rows.

    :param lines: the lines of the file.
    :param reading: gets the columns, and after the last row the reasons why the file is incomplete.
    :param layout: how the file is laid out.
    :returns: the rows, numbered by the line in which they begin.
    :raises SourceError: the header has too many columns, or stands further down.
    """
    skipped, marked = 0, ""
    for text in lines:
        found = _SEP.fullmatch(text.rstrip("\r\n"))
        if skipped == 0 and found:
            # Excel reads and writes this line; it is no row and no header.
            marked = found[1]
        elif skipped >= layout.skip_rows:
            lines = itertools.chain([text], lines)
            break
        skipped += 1
    records = _records(lines, reading, layout.delimiter or marked or ",", skipped)
    line, header = 0, list(layout.header)
    if not header:
        for begins, cells in records:
            line, header = begins, [clean_text(cell) for cell in cells]
            if any(header):
                break
    if len(header) > MAX_COLUMNS:
        raise SourceError(f"{reading.name} has more than {MAX_COLUMNS:,} columns: is it a CSV file?")
    sample = list(itertools.islice(records, _SAMPLE))
    if not layout.header:
        check_place(header, sample, reading, layout)
    header, extra = _same_width(header, [cells for _, cells in sample])
    columns = check_names(header, reading, layout)
    check_delimiter(header, reading, layout)
    whole: Iterator[tuple[int, list[str]]] = itertools.chain(sample, records)
    if any(_MARKED.fullmatch(cell) for _, cells in sample for cell in cells):
        whole = ((number, [_MARKED.sub(r"\1", cell) for cell in cells]) for number, cells in whole)
    return _rows(whole, reading, header, columns, extra, line)


def check_names(header: list[str], reading: RowReading, layout: Layout) -> list[str]:
    """Note the columns of a header, and names that stand twice in it.

    :param header: the names.
    :param reading: gets the columns, and a reason why the file is incomplete if a rule reads a doubled column.
    :param layout: names the columns that the spec reads.
    :returns: the names in their order; empty text for a column that is left out.
    """
    counts = Counter(name for name in header if name)
    for name, count in counts.items():
        if count > 1 and (layout.read is None or name in layout.read):
            _incomplete(reading, f"column {name!r} appears {count} times in the header: rename or remove all but one")
        elif count > 1:
            reading.warnings.append(
                f"{reading.name}: a column name appears {count} times in the header; no rule reads it: it is left out"
            )
    columns = [name if counts[name] == 1 else "" for name in header]
    reading.columns = [name for name in columns if name]
    return columns


def check_delimiter(header: list[str], reading: RowReading, layout: Layout) -> None:
    """Note that a file seems to have another delimiter, since its header is one column.

    :param header: the names.
    :param reading: gets a reason why the file is incomplete if a rule reads a column that is not there, else a warning.
    :param layout: names the columns that the spec reads.
    """
    other = next((mark for mark in ";\t|," if len(header) == 1 and mark in header[0]), None)
    if other is None:
        return
    mark, yaml = ("a tab", r'"\t"') if other == "\t" else (other, f"'{other}'")
    reason = f"the header is one column with {mark} in it: set delimiter: {yaml} under source in the spec"
    if layout.read and not set(layout.read) <= set(header):
        _incomplete(reading, reason)
    else:
        reading.warnings.append(f"{reading.name}: {reason}")


def check_place(header: list[str], sample: list[tuple[int, list[str]]], reading: RowReading, layout: Layout) -> None:
    """Refuse a file whose header stands below other lines.

    :param header: the columns that were read.
    :param sample: the first lines of the file.
    :param reading: the reading, which names the file.
    :param layout: how the file is written.
    :raises SourceError: a later line holds the columns that the spec reads, and the first one does not.
    """
    read = frozenset(layout.read or ())
    if not read or read <= set(header):
        return
    have = len(read & set(header))
    for line, cells in sample:
        found = len(read & set(map(clean_text, cells)))
        if found > max(have, 1) and 2 * found >= len(read):
            raise SourceError(
                f"{reading.name}: the header stands in line {line}, below other lines: "
                f"set skip_rows: {line - 1} under source in the spec"
            )


def _same_width(header: list[str], sample: list[list[str]]) -> tuple[list[str], int]:
    """Look whether every row has more cells than the header or fewer, by delimiters at the end that mean nothing.

    :returns: the header without such cells, and how many blank cells every row has too many.
    """
    widths = {len(cells) for cells in sample}
    # One row alone may as well hold a delimiter within a cell, which moves what stands after it.
    if len(sample) < 2 or len(widths) != 1:
        return header, 0
    width, names = widths.pop(), len(header)
    if width > names and not any(cell.strip() for cells in sample for cell in cells[names:]):
        return header, width - names
    if 1 < width < names and not any(header[width:]):
        return header[:width], 0
    return header, 0


def _rows(
    records: Iterator[tuple[int, list[str]]],
    reading: RowReading,
    header: list[str],
    columns: list[str],
    extra: int,
    header_line: int,
) -> Iterator[Row]:
    plain, width = all(columns), len(header) + extra
    ragged: Row | None = None
    last: list[str] = []
    widths: Counter[int] = Counter()
    for number, cells in records:
        if len(cells) != width or (extra and any(map(str.strip, cells[len(header) :]))):
            if any(cell.strip() for cell in cells):
                if ragged is not None:
                    yield ragged
                widths[len(cells)] += 1
                last = cells
                ragged = Row(number, {}, f"has {counted(len(cells), 'cell')} where the header has {len(header)}")
            continue
        if extra:
            del cells[len(header) :]
        if ragged is not None:
            yield ragged
            ragged = None
        if cells[0].strip() == header[0] and list(map(clean_text, cells)) == header:
            _incomplete(reading, f"line {number} repeats the header: are these two files in one?")
            continue
        widths[width] += 1
        if plain:
            yield Row(number, dict(zip(columns, cells, strict=True)))
        else:
            yield Row(number, {name: cell for name, cell in zip(columns, cells, strict=True) if name})
    if ragged is not None:
        why = _other_layout(last, width) or _why_ragged(widths, width, header_line)
        _incomplete(reading, f"its last row, line {ragged.number}, {ragged.problem}: {why}")
        yield ragged


def _other_layout(cells: list[str], width: int) -> str:
    """How a row is written that is one cell, and holds as many delimiters as the header has."""
    found = [mark for mark in ",;\t|" if len(cells) == 1 and width > 1 and cells[0].count(mark) == width - 1]
    if not found:
        return ""
    mark = "a tab" if found[0] == "\t" else repr(found[0])
    return (
        f"its one cell holds {mark} {counted(width - 1, 'time')}. Either the rows have another delimiter than the "
        "header, or each row stands in quotes as a whole: export the file again, without one of these"
    )


def _why_ragged(widths: Counter[int], width: int, header_line: int) -> str:
    """What may be wrong with a file whose last row is ragged."""
    usual, rows = widths.most_common(1)[0]
    if usual != width and rows > 1:
        line = f"line {header_line}" if header_line else "header in the spec"
        return (
            f"{rows} rows have {counted(usual, 'cell')}. If {line} is not the header, set skip_rows to the number of "
            "lines above it; else look for one delimiter too many, or for another delimiter"
        )
    if widths.keys() <= {width} or max(widths) <= width:
        return "was the file cut off? (A last line that is no row, such as a sum, is named in expect.trailer)"
    return "is there a delimiter too many, or one within a cell that is not quoted?"


def _records(
    lines: Iterator[str], reading: RowReading, delimiter: str, skipped: int
) -> Iterator[tuple[int, list[str]]]:
    """The records of a CSV file with the line in which each begins. A broken record ends the file."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    begins = skipped + 1
    try:
        for cells in reader:
            if any(cells):
                yield begins, cells
            begins = skipped + reader.line_num + 1
    except csv.Error as error:
        _incomplete(reading, _reason(begins, skipped + reader.line_num, str(error)))


def _reason(begins: int, line: int, error: str) -> str:
    where = f"line {begins}" if begins >= line else f"lines {begins} to {line}"
    if "unexpected end" in error:
        return f"a quote that opens in line {begins} is never closed: was the file cut off?"
    if "field larger" in error:
        return f"a quote that opens in {where} is never closed, or a cell is longer than {MAX_CELL:,} characters"
    return f"{where}: broken quotes ({error}); write a quote within quotes twice"
