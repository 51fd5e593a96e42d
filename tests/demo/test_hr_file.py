"""The demo's HR file is what its generator makes, and as awkward as it claims to be."""

from __future__ import annotations

import csv
import io
import unicodedata

from airflow_provider_kinde.sync import SyncSpec
from demo.hr.generate import FILE, as_csv, awkward, people

TEXT = FILE.read_bytes().decode("utf-8-sig")
ROWS = list(csv.DictReader(io.StringIO(TEXT, newline="")))


def test_the_generator_makes_this_file() -> None:
    assert as_csv(awkward(people())) == TEXT


def test_three_hundred_people_in_six_departments() -> None:
    assert len(ROWS) == len({row["Employee ID"] for row in ROWS}) == 300
    assert len({row["Department"] for row in ROWS}) == 6
    addresses = [row["Work email"].strip().lower() for row in ROWS if "@" in row["Work email"]]
    assert len(addresses) == len(set(addresses)) == 299


def test_the_demo_file_holds_awkward_rows() -> None:
    assert any(not unicodedata.is_normalized("NFC", row["Last name"]) for row in ROWS)
    assert any("'" in row["Last name"] for row in ROWS)
    assert any(row["Work email"] != row["Work email"].strip() for row in ROWS)
    assert {row["Status"].strip().lower() for row in ROWS} == {"active", "leave of absence", "terminated", "unknwon"}
    assert {row["Type"] for row in ROWS} == {"Employee", "Contractor"}


def test_the_spec_is_valid() -> None:
    spec = SyncSpec.load(FILE.with_name("hr.yaml"))
    assert len(spec.organizations) == 6
    SyncSpec.load(FILE.parents[2] / "dags" / "kinde_hr_sync.yaml")
