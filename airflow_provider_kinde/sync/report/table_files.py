"""Tables as files for other programs: CSV, JSON (one object a line) and Parquet, written row by row."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import IO, Any

from airflow_provider_kinde.exceptions import StorageError
from airflow_provider_kinde.sync.report.table import safe_cell

Columns = Mapping[str, type]
"""Name -> ``str``, ``int``, ``bool``, or ``list`` (of texts)."""
Write = Callable[[IO[bytes], Columns, Iterable[Mapping[str, Any]]], int]
BATCH = 5_000
"""Rows of a Parquet file that are in memory at a time."""


def table_writer(file_format: str) -> tuple[str, Write]:
    """The ending of a file's name, and what writes it: a binary file, columns and rows; it returns how many rows.

    :param file_format: ``csv``, ``json`` or ``parquet``.
    :raises StorageError: pyarrow is not installed, which Parquet needs.
    """
    if file_format != "parquet":
        return {"csv": ("csv", _write_csv), "json": ("jsonl", _write_json)}[file_format]
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise StorageError("a Parquet file needs pyarrow: pip install 'airflow-provider-kinde[parquet]'") from error
    return "parquet", lambda file, columns, rows: _write_parquet(pyarrow, file, columns, rows)


def _write_csv(file: IO[bytes], columns: Columns, rows: Iterable[Mapping[str, Any]]) -> int:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=False)
    writer = csv.writer(text)
    writer.writerow(columns)
    count = 0
    for row in rows:
        writer.writerow([_cell(row.get(name)) for name in columns])
        count += 1
    text.flush()
    text.detach()
    return count


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return safe_cell(";".join(value)) if isinstance(value, list) else safe_cell(str(value))


def _write_json(file: IO[bytes], columns: Columns, rows: Iterable[Mapping[str, Any]]) -> int:
    count = 0
    for row in rows:
        entry = {name: row.get(name) for name in columns}
        # A lone surrogate, which JSON can hold and UTF-8 cannot, stays escaped.
        file.write(json.dumps(entry, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n")
        count += 1
    return count


def _write_parquet(pyarrow: Any, file: IO[bytes], columns: Columns, rows: Iterable[Mapping[str, Any]]) -> int:
    kinds = {str: pyarrow.string(), int: pyarrow.int64(), bool: pyarrow.bool_(), list: pyarrow.list_(pyarrow.string())}
    schema = pyarrow.schema([(name, kinds[kind]) for name, kind in columns.items()])
    left, count = iter(rows), 0
    with pyarrow.parquet.ParquetWriter(file, schema) as writer:
        while batch := [{name: row.get(name) for name in columns} for row in islice(left, BATCH)]:
            writer.write_table(pyarrow.Table.from_pylist(batch, schema=schema))
            count += len(batch)
    return count
