"""Excel workbooks as a source."""

from __future__ import annotations

import datetime as dt
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from airflow_provider_kinde.exceptions import SourceError
from airflow_provider_kinde.sources import make_source
from airflow_provider_kinde.sync.draft.draft import draft
from airflow_provider_kinde.sync.spec.models import SyncSpec
from tests.support.hr_server import Read

REST = """
person: {id: "{{ row.id }}", email: "{{ row.email }}", given_name: "{{ row.first }}", family_name: "{{ row.last }}"}
employment: {status: "{{ row.status }}", active: [Active], start_date: "{{ row.start }}"}
"""
HEADER = ["id", "email", "first", "last", "status", "start"]
ANN = [10026, "ann@x.test", "Ann", "Lee", "Active", dt.datetime(2020, 1, 31)]  # noqa: DTZ001 as a workbook holds it
BOB = ["00012", "bob@x.test", "Bob", "Ray", "Active", None]


def workbook(path: Path, *rows: list[Any], sheet: str = "People") -> Path:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.title = sheet
    for row in rows:
        page.append(row)
    book.create_sheet("Notes").append(["x"])
    book.save(path)
    return path


def read(path: Path, **options: Any) -> Read:
    source = json.dumps({"type": "file", "path": str(path), **options})
    return Read(make_source(SyncSpec.parse(f"version: 1\nname: hr\nsource: {source}\n{REST}")))


def test_a_workbook(tmp_path: Path) -> None:
    blank: list[Any] = [None] * 6
    path = workbook(tmp_path / "hr.xlsx", HEADER, ANN, blank, ["", " ", None], BOB, blank)
    found = read(path, expect={"min_rows": 2})
    assert (found.reading.columns, found.incomplete, found.proven) == (HEADER, [], True)
    assert found.values == [dict(zip(HEADER, ANN, strict=True)), dict(zip(HEADER, BOB, strict=True))]
    assert [row.number for row in found.rows] == [2, 5]


def test_title_lines_sheets_and_names_of_columns(tmp_path: Path) -> None:
    path = workbook(tmp_path / "hr.xlsx", ["Personalliste"], [], HEADER, ANN)
    with pytest.raises(SourceError, match="the header stands in line 3, below other lines: set skip_rows: 2"):
        read(path)
    assert len(read(path, skip_rows=2).values) == 1
    assert read(path, skip_rows=3, header=HEADER, sheet="People").values[0]["id"] == 10026
    with pytest.raises(SourceError, match="has no sheet 'Staff': it has 'People', 'Notes'"):
        read(path, sheet="Staff")


def test_more_cells_than_the_header_has_are_a_problem_of_the_row(tmp_path: Path) -> None:
    path = workbook(tmp_path / "hr.xlsx", HEADER, [*ANN, "more"], BOB)
    assert read(path).problems == {2: "has 7 cells where the header has 6"}


def test_a_workbook_that_is_cut_off_is_incomplete(tmp_path: Path) -> None:
    path = workbook(tmp_path / "hr.xlsx", HEADER, ANN)
    whole = path.read_bytes()
    for part in (whole[: len(whole) // 2], whole[:-30], b"id,email\n1,a@x.test\n"):
        path.write_bytes(part)
        assert "it is not a whole .xlsx file" in read(path).incomplete[0]
    path.write_bytes(b"")
    assert read(path).values == []


def test_a_workbook_that_unpacks_to_more_than_fits_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "hr.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as parts, parts.open("xl/sharedStrings.xml", "w") as texts:
        for _ in range(130):
            texts.write(bytes(1 << 20))
    with pytest.raises(SourceError, match="too large after unpacking"):
        read(path)


def test_a_workbook_is_drafted_whatever_its_name_says(tmp_path: Path) -> None:
    for name in ("hr.xlsx", "hr.csv"):
        path = workbook(tmp_path / name, HEADER, ANN, BOB)
        text = draft(str(path), str(tmp_path / "hr.yaml"), make_source=make_source)
        assert "2 people have access" in text
    buffer = io.BytesIO(path.read_bytes())
    assert zipfile.is_zipfile(buffer)
