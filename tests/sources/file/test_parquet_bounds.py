"""Cells of a Parquet file are bounded before they are unpacked."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from airflow_provider_kinde.exceptions import SourceError
from airflow_provider_kinde.sources import make_source
from airflow_provider_kinde.sync.spec.models import SyncSpec
from tests.support.hr_server import Read

REST = """
person: {id: "{{ row.id }}", email: "{{ row.n }}", given_name: "{{ row.n }}", family_name: "{{ row.n }}"}
employment: {status: Active, active: [Active]}
"""


def read(path: Path) -> Read:
    source = json.dumps({"type": "file", "path": str(path)})
    return Read(make_source(SyncSpec.parse(f"version: 1\nname: hr\nsource: {source}\n{REST}")))


def write(path: Path, **columns: Any) -> Path:
    pq.write_table(pa.table(columns), path, compression="zstd")
    return path


def test_a_cell_that_is_too_long_is_a_problem_of_its_row(tmp_path: Path) -> None:
    cells = ["x" * 600_000, "b", "x" * 600_000, None, "y" * 131_072]
    found = read(write(tmp_path / "hr.parquet", id=["1", "2", "3", "4", "5"], n=cells))
    assert found.problems == dict.fromkeys((1, 3), "column 'n' holds more than 131,072 characters")
    assert [values.get("n") for values in found.values] == [None, "b", None, None, "y" * 131_072]


def test_a_long_text_within_an_object_or_a_list_is_a_problem_too(tmp_path: Path) -> None:
    for cells in ([{"a": "x" * 600_000}, {"a": "b"}], [["x" * 600_000], ["b"]]):
        found = read(write(tmp_path / "hr.parquet", id=["1", "2"], n=cells))
        assert "holds more than 131,072 characters" in found.problems[1]


def test_a_column_that_unpacks_to_more_than_fits_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "hr.parquet", id=["1"], n=["x" * (130 << 20)])
    assert path.stat().st_size < 100_000
    with pytest.raises(SourceError, match="more than 128 MiB in one row group"):
        read(path)


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is read from /proc")
def test_one_long_cell_two_hundred_times_takes_no_more_memory_than_once(tmp_path: Path) -> None:
    cell = pa.DictionaryArray.from_arrays(pa.array([0] * 200), pa.array(["x" * (60 << 20)]))
    path = write(tmp_path / "hr.parquet", id=[str(n) for n in range(200)], n=cell)
    assert path.stat().st_size < 100_000
    # The peak of the process itself: what getrusage tells includes that of the process which started it.
    code = (
        "from pathlib import Path; from tests.sources.file.test_parquet_bounds import read; "
        f"found = read(Path({str(path)!r})); assert len(found.problems) == 200, found.problems; "
        "print(next(line for line in open('/proc/self/status') if line.startswith('VmHWM')).split()[1])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) * 1024 < 600 << 20
