"""Half a year of HR exports through the command line with ``--now``: what is done, and every exit code."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from kinde_emulator import Emulator
from tests.laws.test_four_years_of_exports import managed, strangers
from tests.support.company import connection
from tests.support.hr_history import SPEC, TENANT, Company, Oracle, moments

START = date(2024, 1, 8)
PROCESS = """
import contextlib, io, json, sys
from airflow_provider_kinde.cli.main import main
for line in sys.stdin:
    said, wrong = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(wrong):
        code = main(json.loads(line))
    print(json.dumps([code, said.getvalue(), wrong.getvalue()]), flush=True)
"""
Command = Callable[..., tuple[int, str]]


@pytest.fixture
def kinde(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    with Emulator() as emulator:
        emulator.seed(TENANT)
        monkeypatch.setenv("AIRFLOW_CONN_KINDE_DEFAULT", connection(emulator))
        yield emulator


@pytest.fixture
def command(kinde: Emulator, tmp_path: Path) -> Iterator[Command]:
    """Runs one command after another in one process, whose start takes longer than all of them."""
    (tmp_path / "hr.yaml").write_text(SPEC + "absent: suspend\nprotect: {emails: [w1@example.com]}\n")
    with subprocess.Popen(
        [sys.executable, "-c", PROCESS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tmp_path
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        stdin, stdout = process.stdin, process.stdout

        def run(name: str, *arguments: str) -> tuple[int, str]:
            stdin.write(json.dumps([name, "--spec", "hr.yaml", *arguments]) + "\n")
            stdin.flush()
            code, said, wrong = json.loads(stdout.readline())
            return code, said + wrong

        yield run


def save(folder: Path, rows: list[dict[str, str]]) -> None:
    with (folder / "hr.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_half_a_year_by_the_command_line(command: Command, kinde: Emulator, tmp_path: Path) -> None:
    untouched, oracle, company = strangers(kinde.state()), Oracle(), Company(7, START, 22)
    codes: set[tuple[int, int]] = set()
    for step, (now, days) in enumerate(moments(7, START, 6)):
        company.live(now.date(), days)
        company.workers["0001"].status, company.workers["0001"].end = "Active", ""
        company.workers["0001"].email = "w1@example.com"
        if step == 7:
            company.lay_off(0.6)
        rows, at = company.export(), ("--now", now.isoformat())
        for row in rows:  # the protected one stays as the row below makes them
            if row["id"] == "0001":
                row["status"], row["email"] = "Active", "w1@example.com"
        save(tmp_path, rows)
        oracle.run(rows, now)
        kinde.clear_log()
        planned, said = command("plan", "--out", "plan.json", *at)
        plan: Any = json.loads((tmp_path / "plan.json").read_text())
        assert planned == (3 if oracle.trips else 2 if plan["operations"] else 0), said
        assert (planned, plan["outcome"]) in {(0, "no changes"), (2, "changes"), (3, "blocked")}
        applied, said = command("apply", *at)
        codes.add((planned, applied))
        if oracle.trips:
            assert applied == 3, said
            assert {entry["method"] for entry in kinde.log() if entry["kind"] == "api"} <= {"GET"}
            assert all(name in said for name in oracle.trips)
            assert command("apply", "--approve", "0" * 64, *at)[0] == 3
            applied, said = command("apply", "--approve", plan["hash"], "--report", "report.json", *at)
            assert json.loads((tmp_path / "report.json").read_text())["hash"] == plan["hash"]
        assert applied == 0, said
        assert managed(kinde.state()) == oracle.people, at
        assert strangers(kinde.state()) == untouched
        assert command("plan", *at)[0] == 0
    assert codes >= {(2, 0), (3, 3)}

    # Sources that cannot be believed, approved or not; then the protected one leaves.
    whole = (tmp_path / "hr.csv").read_bytes()
    for broken in (b"", whole.splitlines(keepends=True)[0], whole[: len(whole) // 2] + b'"'):
        (tmp_path / "hr.csv").write_bytes(broken)
        assert command("plan", "--out", "plan.json", *at)[0] == 3
        digest = json.loads((tmp_path / "plan.json").read_text())["hash"]
        assert command("apply", "--approve", digest, *at)[0] == 3
    (tmp_path / "hr.csv").unlink()
    assert command("apply", *at)[0] == 1
    assert managed(kinde.state()) == oracle.people
    for row in rows:
        if row["id"] == "0001":
            row["status"] = "Terminated"
    save(tmp_path, rows)
    planned, said = command("plan", *at)
    assert (planned, "--approve-protected 0001" in said) == (0, True)
    applied, said = command("apply", *at)
    (following,) = [line for line in said.splitlines() if line.startswith("Next: ")]
    assert (applied, " plan --spec " in following, "--approve-protected 0001" in following) == (1, True, True)
    assert managed(kinde.state()) == oracle.people
    named = ("--approve-protected", "0001", *at)
    assert command("plan", "--out", "plan.json", *named)[0] == 2
    digest = json.loads((tmp_path / "plan.json").read_text())["hash"]
    assert command("apply", "--plan", "plan.json", "--approve", digest, *named)[0] == 0
    assert not managed(kinde.state())["0001"].access
    assert command("apply", *at)[0] == 0
