"""Parquet, through pyarrow (the ``parquet`` extra)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from airflow_provider_kinde.sources.base import RowReading, object_row
from airflow_provider_kinde.sync.errors import SourceError
from airflow_provider_kinde.sync.model import Row

_BATCH = 2_000


def read(file: IO[bytes], reading: RowReading) -> Iterator[Row]:
    """Read the schema at once, and give the rows, numbered from 1.

    :param file: a seekable binary file.
    :param reading: takes the columns, and after the last row what is known of the whole.
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
    if not any(pyarrow.types.is_struct(field.type) for field in schema):
        reading.columns = list(schema.names)
    return _rows(table, reading, pyarrow.ArrowException)


def _rows(table: object, reading: RowReading, broken: type[Exception]) -> Iterator[Row]:
    number = 0
    try:
        for batch in table.iter_batches(batch_size=_BATCH):  # type: ignore[attr-defined]
            for values in batch.to_pylist():
                number += 1
                yield object_row(number, values)
    except broken as error:
        reading.incomplete.append(f"{reading.name} is incomplete: it breaks off after row {number} ({error})")
