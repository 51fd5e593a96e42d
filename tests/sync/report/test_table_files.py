from __future__ import annotations

import csv
import io
import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from airflow_provider_kinde.sync.report.table_files import BATCH, Columns, table_writer

COLUMNS: Columns = {"id": str, "roles": list, "suspended": bool, "sign_ins": int}
ROWS: list[dict[str, Any]] = [
    {"id": "kp_1", "roles": ["engineer", "owner"], "suspended": False, "sign_ins": 3, "other": "not a column"},
    {"id": "=1+1", "roles": [], "suspended": True},
    {"id": "Žofie, “Ž”", "roles": ["-2"], "suspended": None, "sign_ins": 0},
]
WHOLE = [{name: row.get(name) for name in COLUMNS} for row in ROWS]


def written(file_format: str, rows: Any) -> tuple[bytes, int]:
    file = io.BytesIO()
    _, write = table_writer(file_format)
    count = write(file, COLUMNS, rows)
    return file.getvalue(), count


def test_csv_runs_no_formula() -> None:
    content, count = written("csv", ROWS)
    assert count == 3
    assert list(csv.reader(io.StringIO(content.decode(), newline=""))) == [
        ["id", "roles", "suspended", "sign_ins"],
        ["kp_1", "engineer;owner", "false", "3"],
        ["'=1+1", "", "true", ""],
        ["Žofie, “Ž”", "'-2", "", "0"],
    ]


def test_json_is_one_object_a_line() -> None:
    content, count = written("json", ROWS)
    assert [json.loads(line) for line in content.decode().splitlines()] == WHOLE
    assert count == 3


def test_json_and_csv_take_text_that_is_no_utf_8() -> None:
    broken = [{"id": "a\ud800b", "roles": []}]
    assert json.loads(written("json", broken)[0])["id"] == "a\ud800b"
    assert b"a" in written("csv", broken)[0]


def test_parquet_has_types_and_as_many_rows_as_were_read() -> None:
    import pyarrow.parquet

    content, count = written("parquet", iter(ROWS * (BATCH // 2)))
    table = pyarrow.parquet.read_table(io.BytesIO(content))
    assert [str(field.type) for field in table.schema] == ["string", "list<element: string>", "bool", "int64"]
    assert table.num_rows == count == 3 * (BATCH // 2)
    assert table.slice(0, 3).to_pylist() == WHOLE
    empty, none = written("parquet", [])
    assert (pyarrow.parquet.read_table(io.BytesIO(empty)).num_rows, none) == (0, 0)


@pytest.mark.parametrize("file_format", ["csv", "json", "parquet"])
def test_rows_are_written_as_they_are_read(file_format: str) -> None:
    class Sink(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            return len(data)

    def rows() -> Iterator[dict[str, Any]]:
        for number in range(40_000):
            yield {"id": f"kp_{number:032d}", "roles": ["engineer"], "suspended": False, "sign_ins": number}

    _, write = table_writer(file_format)
    tracemalloc.start()
    try:
        assert write(Sink(), COLUMNS, rows()) == 40_000  # type: ignore[arg-type]
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # All rows at once would be some 20 MB.
    assert most < 8 << 20
