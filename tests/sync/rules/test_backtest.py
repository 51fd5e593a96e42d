"""Rules replayed over kept exports: what each day would have done, and what would have stopped it."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_kinde.cli.main import main
from airflow_provider_kinde.exceptions import SyncError
from airflow_provider_kinde.sources.file.exports import find_exports
from airflow_provider_kinde.sync import SyncSpec
from airflow_provider_kinde.sync.rules.backtest import Backtest, backtest
from airflow_provider_kinde.sync.rules.backtest_text import backtest_lines
from tests.support import hr_history
from tests.support.world import SPEC, people, person

COMPLETE = SPEC.replace("path: hr.csv", "path: hr.csv, expect: {min_rows: 1}")


def write(folder: Path, name: str, rows: Sequence[dict[str, Any]]) -> None:
    path = folder / name
    path.parent.mkdir(exist_ok=True, parents=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


def replay(folder: Path, text: str = COMPLETE, old: str = "") -> Backtest:
    spec = SyncSpec.parse(text)
    exports, notes = find_exports(str(folder), spec)
    return backtest(spec, exports, notes=notes, old=SyncSpec.parse(old) if old else None, against="old" if old else "")


def test_each_day_joins_moves_and_lets_go(tmp_path: Path) -> None:
    staff = people(30)
    write(tmp_path, "hr-2026-01-01.csv", staff)
    second = [person(1, dept="Eng"), *staff[1:], person(31), person(32, dept="?", email="x")]
    write(tmp_path, "hr-2026-01-02.csv", second)
    write(tmp_path, "hr-2026-01-03.csv", [person(1, status="Terminated"), *staff[2:]])
    write(tmp_path, "hr-2026-01-04.csv", [person(1, dept="Eng"), *staff[2:15]])
    found = replay(tmp_path)
    names = ("rows", "joined", "moved", "left", "rejected", "with_access")
    assert [tuple(getattr(day, name) for name in names) for _, _, day, _ in found.days] == [
        (30, 30, 0, 0, 0, 30),
        (32, 1, 1, 0, 1, 31),
        (29, 0, 0, 3, 0, 28),
        (14, 1, 0, 15, 0, 14),
    ]
    assert [day.stopped for _, _, day, _ in found.days] == [[], [], [], ["max_leavers", "max_row_drop"]]
    text = "\n".join(backtest_lines(found))
    assert "1 of 4 days would have been stopped: max_leavers 1, max_row_drop 1." in text
    assert "x 2026-01-04 hr-2026-01-04.csv: max_leavers (10%): 18 people would lose access" in text


def test_a_gap_two_exports_of_one_day_and_files_without_a_day_are_told(tmp_path: Path) -> None:
    for name in ("a/2026/01/01/hr.csv", "2026-01-02.csv", "2026-01-03.csv", "hr_20260104.csv", "hr_20260104b.csv"):
        write(tmp_path, name, people(3))
    write(tmp_path, "hr 2026-02-01.csv", people(2))
    write(tmp_path, "latest.csv", people(1))
    (tmp_path / "notes.txt").write_text("2026-01-05")
    (tmp_path / "hr-2026-02-02.csv.gz").write_bytes(gzip.compress((tmp_path / "latest.csv").read_bytes()))
    found = replay(tmp_path)
    assert [f"{moment:%Y-%m-%d}" for _, moment, _, _ in found.days] == [
        "2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04", "2026-02-01", "2026-02-02",
    ]  # fmt: skip
    assert found.notes == [
        "two exports of 2026-01-04: hr_20260104.csv is left out, and hr_20260104b.csv, the last by name, is used",
        "latest.csv is left out: its name has no day, such as 2024-05-01",
        "a gap: no export between 2026-01-04 and 2026-02-01 (28 days; usual: 1)",
    ]


def test_two_exports_of_one_day_with_their_hours_are_two_runs(tmp_path: Path) -> None:
    write(tmp_path, "hr-2026-01-01T0600.csv", people(3))
    write(tmp_path, "hr-2026-01-01T18:30.csv", people(4))
    assert [f"{moment:%H:%M}" for _, moment, _, _ in replay(tmp_path).days] == ["06:00", "18:30"]


def test_a_cut_an_empty_and_an_unreadable_export_change_nothing(tmp_path: Path) -> None:
    for day in (1, 2, 3, 4, 5):
        write(tmp_path, f"2026-01-0{day}.csv", people(9))
    whole = (tmp_path / "2026-01-02.csv").read_text()
    (tmp_path / "2026-01-02.csv").write_text(whole[: len(whole) // 2 - 9])
    (tmp_path / "2026-01-03.csv").write_text(whole.splitlines()[0] + "\n")
    (tmp_path / "2026-01-04.csv").write_bytes(b"PK\x03\x04" + bytes(100))
    found = replay(tmp_path)
    assert [day.stopped for _, _, day, _ in found.days] == [
        [],
        ["incomplete"],
        ["empty", "incomplete"],
        ["unreadable"],
        [],
    ]
    assert [day.with_access for _, _, day, _ in found.days] == [9] * 5
    assert (found.days[4][2].joined, found.days[4][2].moved, found.days[4][2].left) == (0, 0, 0)


def test_another_spec_beside_it_tells_for_how_many_people_they_differ(tmp_path: Path) -> None:
    write(tmp_path, "2026-01-01.csv", people(3))
    write(tmp_path, "2026-02-01.csv", [person(1, dept="Eng"), *people(3)[1:]])
    found = replay(tmp_path, old=COMPLETE.replace("roles: [engineer]", "roles: [lead]"))
    assert (found.differ, found.outcome) == ([0, 1], "differs")
    assert "Against old, people differ on 1 day, 1 at most." in "\n".join(backtest_lines(found))
    assert replay(tmp_path, old=COMPLETE.replace("row.dept", "row['dept']")).outcome == "same"
    assert found.to_json()["days"][1]["differ"] == 1


def test_a_folder_without_exports_is_told(tmp_path: Path) -> None:
    with pytest.raises(SyncError, match="no export with a day in its name"):
        replay(tmp_path)
    with pytest.raises(SyncError, match="is no folder"):
        replay(tmp_path / "none")


def test_organizations_that_are_matched_are_those_that_rows_name(tmp_path: Path) -> None:
    matched = COMPLETE.partition("organizations:")[0] + (
        'organizations: {match: external_id, prefix: "hr-"}\nmemberships: [{organization: "hr-{{ row.dept }}"}]\n'
    )
    write(tmp_path, "2026-01-01.csv", [person(1, dept="Eng"), person(2)])
    found = replay(tmp_path, matched)
    assert (found.days[0][2].joined, found.days[0][2].rejected) == (2, 0)


def test_two_years_of_exports_come_to_what_an_independent_reading_of_the_rules_says(tmp_path: Path) -> None:
    start = date(2022, 1, 3)
    company, oracle = hr_history.Company(7, start, 22), hr_history.Oracle()
    text = hr_history.SPEC.replace("path: hr.csv", "path: hr.csv, expect: {min_rows: 1}")
    expected = []
    for month in range(24):
        day = start + timedelta(days=30 * month)
        company.live(day, 30)
        if month == 13:
            company.lay_off(0.4)
        rows = company.export()
        oracle.run(rows, datetime.combine(day, time(12), tzinfo=timezone.utc))
        write(tmp_path, f"{day}.csv", rows)
        expected.append((sum(known.access for known in oracle.people.values()), len(oracle.held), oracle.trips))
    found = replay(tmp_path, text)
    assert [(day.with_access, day.held, set(day.stopped)) for _, _, day, _ in found.days] == expected


def test_the_command_prints_a_table_and_says_with_its_exit_code_how_it_went(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "hr.yaml").write_text(COMPLETE)
    (tmp_path / "old.yaml").write_text(COMPLETE.replace("'Sales'", "'Ops'"))
    write(tmp_path, "exports/2026-01-01.csv", people(30))
    run = ["backtest", "--spec", str(tmp_path / "hr.yaml"), "--exports", str(tmp_path / "exports")]
    assert main(run) == 0
    assert "0 of 1 day would have been stopped." in capsys.readouterr().out
    assert main([*run, "--against", str(tmp_path / "old.yaml")]) == 2
    write(tmp_path, "exports/2026-01-02.csv", people(20))
    assert main(run) == 3
    assert main([*run, "--json"]) == 3
    assert '"stopped": [\n        "max_leavers"' in capsys.readouterr().out


def test_the_page_has_a_chart_and_nothing_from_outside_is_markup(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "hr.yaml").write_text(COMPLETE)
    write(tmp_path, "2026-01-01.csv", people(30))
    write(tmp_path, "2026-01-02 <b>x.csv", people(20))
    run = ["backtest", "--spec", str(tmp_path / "hr.yaml"), "--exports", str(tmp_path), "--format", "html"]
    assert main(run) == 3
    page = capsys.readouterr().out
    assert page.count("<g><title>") == 2
    assert "2026-01-02 &lt;b&gt;x.csv: 0 joined, 0 moved, 10 left; stopped by max_leavers, max_row_drop</title>" in page
    assert [word for word in ("<b>x", "<script", "http://", "https://") if word in page] == []
    assert "<h1>1 of 2 days would have been stopped: max_leavers 1, max_row_drop 1.</h1>" in page
