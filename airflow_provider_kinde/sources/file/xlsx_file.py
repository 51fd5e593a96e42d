"""Excel workbooks (.xlsx), through openpyxl (the ``xlsx`` extra)."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from typing import IO, Any

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.exceptions import SourceError
from airflow_provider_kinde.sources.file.csv_file import Layout, check_names, check_place
from airflow_provider_kinde.sync.model import Row
from airflow_provider_kinde.sync.rows import MAX_COLUMNS, RowReading, object_row
from airflow_provider_kinde.sync.spec.cell_text import clean_cell, clean_text
from airflow_provider_kinde.sync.spec.expressions import is_blank

MAX_UNPACKED = 1 << 30
"""Bytes of all parts of the workbook after unpacking."""
MAX_TEXTS = 128 << 20
"""Bytes of the part that holds its texts, which is kept in memory."""
_LOOKED_AT = 20


def read(file: IO[bytes], reading: RowReading, layout: Layout, sheet: str | None) -> Iterator[Row]:
    """Read the header of a sheet, and return the rows, numbered as Excel numbers them.

    :param file: a seekable binary file.
    :param reading: gets the columns, and after the last row the reasons why the file is incomplete.
    :param layout: lines above the header, or the names of the columns.
    :param sheet: the name of the sheet; the first one when ``None``.
    :returns: the rows.
    :raises SourceError: openpyxl is not installed, there is no such sheet, or the header stands further down.
    """
    try:
        import openpyxl
    except ImportError as error:
        raise SourceError("an .xlsx file needs openpyxl: pip install 'airflow-provider-kinde[xlsx]'") from error
    if not file.read(1):
        reading.columns = []
        return iter(())
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as parts:
            sizes = {part.filename: part.file_size for part in parts.infolist()}
        file.seek(0)
        if sum(sizes.values()) > MAX_UNPACKED or sizes.get("xl/sharedStrings.xml", 0) > MAX_TEXTS:
            raise SourceError(f"{reading.name} is too large after unpacking: export it as CSV")
        book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
    except SourceError:
        raise
    except Exception as error:
        # openpyxl passes on what zip, XML and its own checks raise.
        reading.incomplete.append(
            f"{reading.name} is incomplete: it is not a whole .xlsx file ({type(error).__name__})"
        )
        return iter(())
    names = [found.title for found in book.worksheets]
    if sheet is not None and sheet not in names:
        raise SourceError(f"{reading.name} has no sheet {sheet!r}: it has {', '.join(map(repr, names[:10]))}")
    chosen = book[sheet] if sheet is not None else book.worksheets[0]
    # A workbook may name a size that is wrong.
    chosen.reset_dimensions()
    records = _records(chosen, reading, layout.skip_rows)
    header, first = list(layout.header), []
    for number, cells in records:
        if header:
            first.append((number, cells))
        else:
            header = [clean_text(_shown(cell)) for cell in cells]
            while header and not header[-1]:
                header.pop()
        if len(first) >= _LOOKED_AT or (header and layout.header):
            break
    if len(header) > MAX_COLUMNS:
        raise SourceError(f"{reading.name} has more than {MAX_COLUMNS:,} columns")
    if not layout.header:
        check_place(header, [(number, [_shown(cell) for cell in cells]) for number, cells in first], reading, layout)
    columns = check_names(header, reading, layout)
    return _rows([*first], records, reading, columns)


def _records(sheet: Any, reading: RowReading, skip: int) -> Iterator[tuple[int, list[Any]]]:
    """The rows of the sheet that hold something, each with its number."""
    number = 0
    try:
        for number, cells in enumerate(sheet.iter_rows(values_only=True), 1):
            if number > skip and not all(is_blank(clean_cell(cell)) for cell in cells):
                yield number, list(cells)
    except Exception as error:
        reading.incomplete.append(
            f"{reading.name} is incomplete: it breaks off after row {number} ({type(error).__name__})"
        )


def _rows(
    first: list[tuple[int, list[Any]]],
    records: Iterator[tuple[int, list[Any]]],
    reading: RowReading,
    columns: list[str],
) -> Iterator[Row]:
    width = len(columns)
    for source in (first, records):
        for number, cells in source:
            if any(cell is not None and cell != "" for cell in cells[width:]):
                yield Row(number, {}, f"has {counted(len(cells), 'cell')} where the header has {width}")
                continue
            if [_shown(cell).strip() for cell in cells[:width]] == columns:
                reading.incomplete.append(f"{reading.name} is incomplete: line {number} repeats the header")
                continue
            cells += [None] * (width - len(cells))
            yield object_row(number, {name: cell for name, cell in zip(columns, cells, strict=False) if name})


def _shown(cell: Any) -> str:
    return "" if cell is None else str(cell)
