"""Which file a path means: `*`, `{today}`, several files; packed files; files of another kind than their name says."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_kinde.exceptions import SourceError, SpecError
from airflow_provider_kinde.sources import make_source
from airflow_provider_kinde.sources.file.find import dated
from airflow_provider_kinde.sync.spec.models import SyncSpec
from tests.support.hr_server import Read

REST = """
person: {id: "{{ row.id }}", email: "{{ row.email }}", given_name: "{{ row.id }}", family_name: "{{ row.id }}"}
employment: {status: Active, active: [Active]}
"""
HEADER = "id,email\n"


def spec(folder: Path, path: Any, **options: Any) -> SyncSpec:
    source = json.dumps({"type": "file", "path": path, **options})
    return SyncSpec.parse(f"version: 1\nname: hr\nsource: {source}\n{REST}", str(folder / "hr.yaml"))


def ids(folder: Path, path: Any, **options: Any) -> list[str]:
    return [values["id"] for values in Read(make_source(spec(folder, path, **options))).values]


def export(folder: Path, name: str, *people: str, hours_ago: float = 0) -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(HEADER + "".join(f"{id},{id}@x.test\n" for id in people), encoding="utf-8")
    os.utime(path, (time.time() - hours_ago * 3600,) * 2)
    return path


def test_the_newest_file_by_name_or_by_time(tmp_path: Path) -> None:
    export(tmp_path, "hr_20261125.csv", "1", hours_ago=1)
    export(tmp_path, "hr_20261126.csv", "2", hours_ago=30)
    export(tmp_path, "other_20261127.csv", "3")
    (tmp_path / "hr_99999999.csv").mkdir()
    assert ids(tmp_path, "hr_*.csv") == ["2"]
    assert ids(tmp_path, "hr_*.csv", newest="time") == ["1"]
    assert ids(tmp_path, f"file://{tmp_path}/hr_*.csv", newest="time") == ["1"]
    assert Read(make_source(spec(tmp_path, "hr_*.csv"))).reading.name.endswith("hr_20261126.csv")
    with pytest.raises(SourceError, match=r"no file matches .*nothing_\*\.csv.*that the export ran"):
        ids(tmp_path, "nothing_*.csv")


def test_a_star_may_stand_in_a_folder_and_other_marks_are_letters(tmp_path: Path) -> None:
    export(tmp_path, "2026-11-25/hr [1].csv", "1")
    export(tmp_path, "2026-11-26/hr [1].csv", "2")
    assert ids(tmp_path, "2026-*/hr [1].csv") == ["2"]


def test_today_stands_for_the_day_with_or_without_dashes(tmp_path: Path) -> None:
    today = dt.datetime.now(dt.timezone.utc).date()
    export(tmp_path, f"a_{today:%Y-%m-%d}.csv", "1")
    export(tmp_path, f"b_{today:%Y%m%d}.csv", "2")
    export(tmp_path, f"c_{today - dt.timedelta(days=1):%d.%m.%Y}.csv", "3")
    assert ids(tmp_path, "a_{today}.csv") == ["1"]
    assert ids(tmp_path, "b_{today}.csv") == ["2"]
    assert ids(tmp_path, "c_{today-1:DD.MM.YYYY}.csv") == ["3"]
    with pytest.raises(SourceError, match=f"no file matches .*d_{today:%Y-%m-%d}.csv or d_{today:%Y%m%d}.csv"):
        ids(tmp_path, "d_{today}.csv")
    with pytest.raises(SpecError, match=r"source.path: \{ds\} is not known; known are \{today\}"):
        spec(tmp_path, "a_{ds}.csv")


def test_the_day_is_the_local_one() -> None:
    night = dt.datetime(2026, 12, 31, 23, 30, tzinfo=dt.timezone.utc)
    assert dated("{today}|{today+1}", night) == ["2026-12-31|2027-01-01", "20261231|20270101"]
    assert dated("hr.csv", night) == ["hr.csv"]


def test_a_stale_file_blocks(tmp_path: Path) -> None:
    export(tmp_path, "hr.csv", "1", hours_ago=50)
    old = Read(make_source(spec(tmp_path, "hr.csv", max_age="26h", expect={"min_rows": 1})))
    assert "it is stale: it was written " in old.incomplete[0]
    assert "50 hours ago, and max_age is 26 hours" in old.incomplete[0]
    assert not old.reading.proven
    assert Read(make_source(spec(tmp_path, "hr.csv", max_age="3 days"))).incomplete == []
    assert "stale" in Read(make_source(spec(tmp_path, "h*.csv", max_age="2d"))).incomplete[0]
    for wrong in ("soon", 26, "0h"):
        with pytest.raises(SpecError, match=r"source.max_age: a time such as 26h or 2 days is expected"):
            spec(tmp_path, "hr.csv", max_age=wrong)
    with pytest.raises(SourceError, match="there is no file"):
        ids(tmp_path, "gone.csv", max_age="2d")


def test_several_files_are_one_source(tmp_path: Path) -> None:
    export(tmp_path, "de.csv", "1", "2")
    export(tmp_path, "us.csv", "3")
    found = Read(make_source(spec(tmp_path, ["de.csv", "us.csv"], expect={"min_rows": 3})))
    assert ([row.number for row in found.rows], found.incomplete) == ([2, 3, 5], [])
    assert found.reading.proven
    assert ids(tmp_path, "*.csv", newest="all") == ["1", "2", "3"]
    short = Read(make_source(spec(tmp_path, ["de.csv", "us.csv"], expect={"min_rows": 4})))
    assert "it has 3 rows, and expect.min_rows is 4" in short.incomplete[0]
    export(tmp_path, "us.csv")
    assert (
        "us.csv is incomplete: it has no row" in Read(make_source(spec(tmp_path, ["de.csv", "us.csv"]))).incomplete[0]
    )
    (tmp_path / "us.csv").write_text("id,mail\n3,x\n", encoding="utf-8")
    assert "it has other columns than" in Read(make_source(spec(tmp_path, ["de.csv", "us.csv"]))).incomplete[0]
    (tmp_path / "us.csv").write_text('id,email\n3,"x', encoding="utf-8")
    assert "never closed" in Read(make_source(spec(tmp_path, ["de.csv", "us.csv"]))).incomplete[0]
    with pytest.raises(SourceError, match="there is no file"):
        ids(tmp_path, ["de.csv", "fr.csv"])


def test_each_of_several_files_has_a_manifest_of_its_own(tmp_path: Path) -> None:
    for name in ("de.csv", "us.csv"):
        path = export(tmp_path, name, name[:2])
        checksum = hashlib.sha256(path.read_bytes()).hexdigest()
        (tmp_path / f"{name}.sha256").write_text(f"{checksum}  {name}\n", encoding="utf-8")
    expect = {"manifest": "{path}.sha256"}
    assert Read(make_source(spec(tmp_path, ["de.csv", "us.csv"], expect=expect))).reading.proven
    export(tmp_path, "us.csv", "changed")
    assert "SHA-256" in Read(make_source(spec(tmp_path, ["de.csv", "us.csv"], expect=expect))).incomplete[0]
    with pytest.raises(SpecError, match="each file needs one of its own"):
        spec(tmp_path, ["de.csv", "us.csv"], expect={"manifest": "x.sha256"})


def test_another_newest_file_is_a_change(tmp_path: Path) -> None:
    export(tmp_path, "hr_1.csv", "1", hours_ago=5)
    source: Any = make_source(spec(tmp_path, "hr_*.csv"))
    first = source.change_token()
    assert source.change_token() == first
    export(tmp_path, "hr_2.csv", "1", hours_ago=5)
    assert source.change_token() != first


@pytest.mark.parametrize("name", ["hr.csv.gz", "hr.csv"])
def test_a_file_that_gzip_packed_is_unpacked(tmp_path: Path, name: str) -> None:
    data = gzip.compress(f"{HEADER}1,a@x.test\n".encode())
    (tmp_path / name).write_bytes(data)
    manifest = {"sha256": hashlib.sha256(data).hexdigest(), "rows": 1}
    (tmp_path / "m.json").write_text(json.dumps(manifest), encoding="utf-8")
    found = Read(make_source(spec(tmp_path, name, expect={"manifest": "m.json"})))
    assert ([values["id"] for values in found.values], found.incomplete) == (["1"], [])
    for cut in (data[:-4], data[:20], data[:12]):
        (tmp_path / name).write_bytes(cut)
        with pytest.raises(SourceError, match="cannot be unpacked to its end: was the file cut off"):
            ids(tmp_path, name)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"PK\x03\x04" + b"x" * 50, r"is an Excel workbook \(.xlsx\), and it is read as csv: set format: xlsx"),
        (b"\xd0\xcf\x11\xe0" + b"x" * 50, r"is an old Excel workbook \(.xls\).* save it as .xlsx or as CSV"),
        (b"PAR1xxxx", "is a Parquet file, and it is read as csv: set format: parquet"),
        (b'[{"id": 1}]', "is JSON, and it is read as csv: set format: json"),
        (b'\n {"id": 1}\n{"id": 2}\n', "is JSON, and it is read as csv: set format: json"),
        (b"<table><tr><td>id</td></tr></table>", "is a web page, and it is read as csv"),
        (
            b"<?xml version='1.0'?><people/>",
            "is an XML document, and it is read as csv: ask the HR system",
        ),
        (b"%PDF-1.4\n%\xe2\xe3", "is a PDF document, and it is read as csv"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:a\nsize 1\n", "is a pointer of Git LFS"),
        (b"\xef\xbb\xbf<HTML><table>", "is a web page, and it is read as csv: ask the HR system for CSV"),
    ],
)
def test_a_file_of_another_kind_than_its_name_says_is_named(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "hr.csv").write_bytes(data)
    with pytest.raises(SourceError, match=words):
        ids(tmp_path, "hr.csv")


def test_a_json_object_keyed_by_id(tmp_path: Path) -> None:
    people = {"1": {"email": "a@x.test"}, "2": {"email": "b@x.test", "id": 2}, "3": {"id": "4"}, "5": "x"}
    (tmp_path / "hr.json").write_text(json.dumps(people), encoding="utf-8")
    found = Read(make_source(spec(tmp_path, "hr.json", keyed_by="id")))
    assert found.values[:2] == [{"email": "a@x.test", "id": "1"}, {"email": "b@x.test", "id": "2"}]
    assert found.problems == {
        3: "holds another 'id' than the key under which it stands",
        4: "is not an object but str",
    }
    with pytest.raises(SourceError, match="or, if its keys are ids, the column that takes them with keyed_by"):
        ids(tmp_path, "hr.json")
    (tmp_path / "hr.json").write_text(json.dumps({"total": 1, "people": people}), encoding="utf-8")
    assert Read(make_source(spec(tmp_path, "hr.json", keyed_by="id", rows="people"))).values[0]["id"] == "1"
    for text in ('{"1": {"email": "x"}', '{"1": {"email": "x"}, "1": {"email": "y"}}', '{"1": {"email": "x"}} x'):
        (tmp_path / "hr.json").write_text(text, encoding="utf-8")
        assert Read(make_source(spec(tmp_path, "hr.json", keyed_by="id"))).incomplete
    with pytest.raises(SpecError, match="this file is not json"):
        spec(tmp_path, "hr.csv", keyed_by="id")
