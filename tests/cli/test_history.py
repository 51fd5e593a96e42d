"""The history of a spec on the command line."""

from __future__ import annotations

import json
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


@pytest.mark.usefixtures("storage_path")
def test_a_dry_run_needs_no_store_that_takes_writes(
    command: Cli, company: Company, kinde: Emulator, tmp_path: Path
) -> None:
    run(command, 0, "apply", "--report", "report.json")
    company.change(2, status="Left")
    run(command, 0, "apply")
    company.change(14, email="mail-2@example.com", given="Firstname2", family="Lastname2")
    before = writes(kinde)
    full = {"AIRFLOW__KINDE__STORAGE_PATH": str(tmp_path / "full")}
    (tmp_path / "full").write_text("")
    run(command, 0, "relink", "--from", "E2", "--to", "E14", "--dry-run", **full)
    run(command, 0, "release", "--id", "E2", "--dry-run", **full)
    run(command, 2, "undo", "--report", "report.json", "--id", "E5", **full)
    company.change(1, status="Left")
    run(command, 2, "plan", **full)
    assert writes(kinde) == before


@pytest.mark.usefixtures("kinde", "storage_path")
def test_a_command_that_fails_before_it_has_a_plan_has_its_entry(command: Cli, company: Company) -> None:
    people = (company.folder / "people.csv").read_text()
    (company.folder / "people.csv").unlink()
    assert "history: entry 1" in run(command, 1, "apply", "--approved-by", "Carol")
    (company.folder / "people.csv").write_text(people)
    refused = run(command, 1, "apply", AIRFLOW_CONN_KINDE_SMALL='{"conn_type": "kinde"}')
    assert "history: entry 2" in refused
    run(command, 1, "release", "--id", "E2")
    run(command, 2, "apply", "--approve-protected", "nobody")  # wrong usage
    run(command, 1, "release", "--id", "E2", "--dry-run")
    listed = run(command, 0, "history").splitlines()
    assert [line.split()[0] for line in listed[1:]] == ["1", "2", "3"]
    assert "error: SourceError" in listed[1]
    assert "approved by Carol" in listed[1]
    assert "error: KindeInputError" in listed[2]
    told = run(command, 0, "history", "--verify")
    assert "the chain is whole: 3 entries, 1 to 3" in told
    assert "2 entries are signed with the client secret of kinde_small" in told
    assert "1 entry of a failed run has none" in told
    assert "signatures are not checked" in run(command, 0, "history", "--verify", AIRFLOW_CONN_KINDE_SMALL="{}")
    assert "signed with another client secret" in run(
        command, 0, "history", "--verify", AIRFLOW_CONN_KINDE_SMALL=other_secret()
    )


@pytest.mark.usefixtures("kinde")
def test_entries_without_a_plan_have_the_moment_of_now(command: Cli, company: Company, storage_path: Path) -> None:
    run(command, 0, "apply", "--now", "2026-01-05T06:00:00Z")
    people = (company.folder / "people.csv").read_text()
    (company.folder / "people.csv").unlink()
    run(command, 1, "apply", "--now", "2026-01-06T06:00:00Z")
    (company.folder / "people.csv").write_text(people)
    company.change(2, status="Left")
    run(command, 0, "apply", "--now", "2026-01-07T06:00:00Z")
    company.change(14, email="mail-2@example.com", given="Firstname2", family="Lastname2")
    run(command, 0, "relink", "--from", "E2", "--to", "E14", "--now", "2026-01-08T06:00:00Z")
    for number, day in ((2, 6), (4, 8)):
        (path,) = storage_path.glob(f"*/history/00000000{number}.jsonl")
        head, *lines = map(json.loads, path.read_text().splitlines())
        assert {head[name][:10] for name in ("at", "began", "ended")} == {f"2026-01-0{day}"}
        assert head["written"] > head["at"]
        assert head["shifted_seconds"] < 0
        assert {line["done"][:10] for line in lines} <= {f"2026-01-0{day}"}


def other_secret() -> str:
    return json.dumps({"conn_type": "kinde", "host": "acme.kinde.com", "login": "id", "password": "other"})


@pytest.mark.usefixtures("kinde", "storage_path")
def test_a_run_after_the_last_entry_was_lost_warns_and_takes_the_next_number(
    command: Cli, company: Company, storage_path: Path
) -> None:
    run(command, 0, "apply")
    company.change(1, status="Left")
    run(command, 0, "apply")
    (lost,) = storage_path.glob("*/history/000000002.jsonl")
    lost.unlink()
    done = command("apply", "--spec", "hr.yaml")
    assert (done.returncode, "history: entry 3," in done.stdout) == (0, True)
    assert "WARNING: the history" in done.stderr
    assert "is not whole: entry 2 is missing. Restore what is missing from a backup of the store" in done.stderr
    told = run(command, 1, "history", "--verify")
    assert [line for line in told.splitlines() if line.startswith("!")] == [
        "! entry 2 is missing: it was taken away, or the store lost it"
    ]


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
