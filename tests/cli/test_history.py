"""The history of a spec on the command line."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from kinde_emulator import Emulator
from tests.support.company import Company, writes

Cli = Callable[..., "subprocess.CompletedProcess[str]"]


def run(command: Cli, code: int, name: str, *arguments: str, **env: str) -> str:
    done = command(name, "--spec", "hr.yaml", *arguments, **env)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


@pytest.mark.usefixtures("kinde", "storage_path")
def test_runs_people_and_the_chain(command: Cli, company: Company, tmp_path: Path) -> None:
    assert "no run of" in run(command, 0, "history", "--from", "2020-01-01")
    told = run(command, 0, "apply", "--approved-by", "Carol, ticket 7", "--report", "report.json")
    found = re.search(r"history: entry 1, head ([0-9a-f]{64})", told)
    assert found is not None
    assert found.group(1) in (tmp_path / "report.json").read_text()
    company.change(1, status="Left")
    run(command, 0, "apply", "--redact", "--report", "second.json")
    listed = run(command, 0, "history")
    assert "approved by Carol, ticket 7 (the command line)" in listed
    assert len(listed.splitlines()) == 3
    assert "access taken: account suspended" in run(command, 0, "history", "--id", "E1")
    assert "the chain is whole: 2 entries" in run(command, 0, "history", "--verify", "--head", found.group(1))
    assert "taken away or changed" in run(command, 1, "history", "--verify", "--head", "0" * 64)
    assert "after --to" in run(command, 1, "history", "--from", "2026-02-01", "--to", "2026-01-01")


def test_a_store_that_refuses_writes_stops_the_run_before_its_first_write(
    command: Cli, company: Company, kinde: Emulator, tmp_path: Path
) -> None:
    (tmp_path / "full").write_text("")
    refused = run(command, 1, "apply", AIRFLOW__KINDE__STORAGE_PATH=str(tmp_path / "full"))
    assert "the history cannot be kept" in refused
    assert writes(kinde) == 0


@pytest.mark.usefixtures("kinde", "storage_path")
def test_undo_and_release_have_their_entries(command: Cli, company: Company, tmp_path: Path) -> None:
    run(command, 0, "apply", "--report", "first.json")
    company.change(1, status="Left")
    company.change(2, status="Left")
    run(command, 0, "apply", "--report", "second.json")
    assert "history: entry 3" in run(command, 0, "release", "--id", "E2", "--approved-by", "Carol")
    assert "history: entry 4" in run(
        command, 0, "undo", "--report", "second.json", "--apply", "--id", "E1", "--approved-by", "Carol"
    )
    assert "address taken off the account" in run(command, 0, "history", "--id", "E2")
    told = run(command, 0, "history", "--id", "E1")
    assert "account enabled" in told
    assert "approved by Carol (the command line)" in told
    assert "4 entries" in run(command, 0, "history", "--verify")
    done = run(command, 0, "history", "--evidence", "audit", "--from", "2020-01-01", "--to", "2099-12-31")
    assert "evidence.html" in done
    assert len(list((tmp_path / "audit").iterdir())) == 6
