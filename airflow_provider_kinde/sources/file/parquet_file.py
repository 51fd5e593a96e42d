"""Parquet, through pyarrow (the ``parquet`` extra)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import IO, Any

from airflow_provider_kinde.exceptions import SourceError
from airflow_provider_kinde.sync.model import Row
from airflow_provider_kinde.sync.rows import MAX_CELL, DuplicateColumnError, RowReading, object_row

_BATCH = 2_000
MAX_CHUNK = 128 << 20
"""Bytes of one column in one row group after unpacking."""
_MAX_BYTES = MAX_CELL * 4
"""Bytes of the longest cell that is unpacked; its characters are counted afterwards."""
_AT_ONCE = 32 << 20
"""Bytes of the cells that are made into Python's texts at a time."""
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
    metadata = table.metadata
    for group in range(metadata.num_row_groups):
        for index in range(metadata.num_columns):
            if metadata.row_group(group).column(index).total_uncompressed_size > MAX_CHUNK:
                raise SourceError(
                    f"{reading.name} is too large after unpacking: a column has more than {MAX_CHUNK >> 20} MiB in one "
                    "row group. Write smaller row groups"
                )
    schema = table.schema_arrow
    texts = [
        metadata.row_group(0).column(index).path_in_schema
        for index in range(metadata.num_columns)
        if metadata.num_row_groups and metadata.row_group(0).column(index).physical_type == "BYTE_ARRAY"
    ]
    # A text that many cells hold stands once in the file. It is kept so until the length of cells was looked at.
    file.seek(0)
    table = pyarrow.parquet.ParquetFile(file, read_dictionary=texts)
    counts = Counter(column.path for column in table.schema)
    for path in (path for path, count in counts.items() if count > 1):
        reading.incomplete.append(f"{reading.name} is incomplete: {DuplicateColumnError(path)}")
    if reading.incomplete:
        return iter(())
    if not any(pyarrow.types.is_struct(field.type) for field in schema):
        reading.columns = list(schema.names)
    return _rows(table, reading, pyarrow.ArrowException)


def _rows(table: Any, reading: RowReading, broken: type[Exception]) -> Iterator[Row]:
    number = 0
    try:
        for batch in table.iter_batches(batch_size=_BATCH):
            for values in _bounded(batch):
                number += 1
                yield Row(number, {}, values) if isinstance(values, str) else object_row(number, values)
    except broken as error:
        reading.incomplete.append(f"{reading.name} is incomplete: it breaks off after row {number} ({error})")


def _bounded(batch: Any) -> Iterator[dict[str, Any] | str]:
    """Yield the rows of a batch; for a row with a cell that is too long, the reason, before the cell is unpacked."""
    import pyarrow.compute

    lengths = {name: _lengths(cells) for name, cells in zip(batch.schema.names, batch.columns, strict=True)}
    most = {name: pyarrow.compute.max(found).as_py() or 0 for name, found in lengths.items() if found is not None}
    long = [name for name, length in most.items() if length > _MAX_BYTES]
    step = max(1, _AT_ONCE // max(1, sum(length for name, length in most.items() if name not in long)))
    kept = batch.select([name for name in most if name not in long]) if long else batch
    for start in range(0, batch.num_rows, step):
        for index, values in enumerate(_batch(kept.slice(start, step)), start):
            wrong = next((name for name in long if (lengths[name][index].as_py() or 0) > _MAX_BYTES), None)
            if wrong is not None:
                yield f"column {wrong!r} holds more than {MAX_CELL:,} characters"
            elif isinstance(values, str) or not long:
                yield values
            else:
                yield values | {name: batch.column(name)[index].as_py() for name in long}


def _lengths(cells: Any) -> Any:
    """How many bytes each cell takes; of a nested cell, as many as the longest text within this batch."""
    import pyarrow
    import pyarrow.compute

    kind = cells.type
    if pyarrow.types.is_dictionary(kind):
        found = _lengths(cells.dictionary)
        return None if found is None else found.take(cells.indices)
    if pyarrow.types.is_string(kind) or pyarrow.types.is_binary(kind):
        return pyarrow.compute.binary_length(cells)
    if pyarrow.types.is_large_string(kind) or pyarrow.types.is_large_binary(kind):
        return pyarrow.compute.binary_length(cells)
    if not pyarrow.types.is_nested(kind):
        return None
    parts = cells.flatten() if pyarrow.types.is_struct(kind) else [cells.values]
    inner = [found for part in parts if (found := _lengths(part)) is not None]
    longest = max((pyarrow.compute.max(found).as_py() or 0 for found in inner), default=0)
    return pyarrow.array([longest] * len(cells))


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
                    yield f"column {name!r} has a value that cannot be read ({type(error).__name__})"
                    break
            else:
                yield values
