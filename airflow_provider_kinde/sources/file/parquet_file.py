"""Parquet, through pyarrow (the ``parquet`` extra)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import IO, Any

from airflow_provider_kinde.exceptions import SourceError
from airflow_provider_kinde.sync.model import Row
from airflow_provider_kinde.sync.rows import Doubled, RowReading, object_row

_BATCH = 2_000
_NO_VALUE = (ValueError, OverflowError, LookupError)
"""Errors of pyarrow for a date outside Python's years, an unknown time zone, or text that is not UTF-8."""


def read(file: IO[bytes], reading: RowReading) -> Iterator[Row]:
    """Read the schema, and return the rows, numbered from 1.

    :param file: a seekable binary file.
    :param reading: gets the columns, and after the last row the reasons why the file is incomplete.
    :returns: the rows.
    :raises SourceError: pyarrow is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise SourceError("a Parquet file needs pyarrow: pip install 'airflow-provider-kinde[parquet]'") from error
    if not file.read(1):
        reading.columns = []
        return iter(())
    file.seek(0)
    try:
        table = pyarrow.parquet.ParquetFile(file)
    except (pyarrow.ArrowException, OSError) as error:
        reading.incomplete.append(f"{reading.name} is incomplete: it is not a whole Parquet file ({error})")
        return iter(())
    schema = table.schema_arrow
    counts = Counter(column.path for column in table.schema)
    for path in (path for path, count in counts.items() if count > 1):
        reading.incomplete.append(f"{reading.name} is incomplete: {Doubled(path)}")
    if reading.incomplete:
        return iter(())
    if not any(pyarrow.types.is_struct(field.type) for field in schema):
        reading.columns = list(schema.names)
    return _rows(table, reading, pyarrow.ArrowException)


def _rows(table: Any, reading: RowReading, broken: type[Exception]) -> Iterator[Row]:
    number = 0
    try:
        for batch in table.iter_batches(batch_size=_BATCH):
            for values in _batch(batch):
                number += 1
                yield Row(number, {}, values) if isinstance(values, str) else object_row(number, values)
    except broken as error:
        reading.incomplete.append(f"{reading.name} is incomplete: it breaks off after row {number} ({error})")


def _batch(batch: Any) -> Iterator[dict[str, Any] | str]:
    """Yield the rows of a batch; for a row with a cell that cannot be read, the reason."""
    try:
        yield from batch.to_pylist()
    except _NO_VALUE:
        for index in range(batch.num_rows):
            values: dict[str, Any] = {}
            for name, cells in zip(batch.schema.names, batch.columns, strict=True):
                try:
                    values[name] = cells[index].as_py()
                except _NO_VALUE as error:
                    yield f"column {name!r} has a value that cannot be read: {error}"
                    break
            else:
                yield values
