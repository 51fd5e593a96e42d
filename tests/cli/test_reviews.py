"""An access review on the command line: the lists, the plan of the removals, and the removals."""

from __future__ import annotations

import csv
import json
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from kinde_emulator import Emulator
from tests.support.company import Company, writes

Cli = Callable[..., "subprocess.CompletedProcess[str]"]
HAND = "mail-8@example.com"


def run(command: Cli, code: int, name: str, *arguments: str) -> str:
    done = command(name, "--spec", "hr.yaml", *arguments)
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def decide(table: Path, decision: str) -> None:
    """Keep everything but what the user of ``HAND`` has."""
    with table.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows({**row, "decision": decision if row["email"] == HAND else "keep"} for row in rows)


def roles(kinde: Emulator) -> list[str]:
    user = next(user for user in kinde.state()["users"] if user["email"] == HAND)
    return sorted(role for held in user["memberships"].values() for role in held)


def next_command(told: str) -> list[str]:
    found = re.search(r"^Next: .* review (.*)$", told, re.M)
    assert found is not None, told
    words = shlex.split(found.group(1))
    assert words[:2] == ["--spec", "hr.yaml"]
    return words[2:]


@pytest.mark.usefixtures("storage_path")
def test_from_the_lists_to_the_removal(command: Cli, company: Company, kinde: Emulator, tmp_path: Path) -> None:
    run(command, 0, "apply")
    auditors = [{"email": f"mail-{n}@example.com", "memberships": {"HR": ["auditor"]}} for n in (4, 6, 8, 10)]
    kinde.seed({"roles": ["auditor"], "users": auditors})
    before = writes(kinde)
    told = run(command, 0, "review", "--out", "quarter")
    assert sorted(path.name for path in (tmp_path / "quarter").iterdir()) == [
        "access-hr.csv", "access-it.csv", "review.json",
    ]  # fmt: skip
    assert "12 memberships" in told
    assert next_command(told) == ["--out", "quarter", "--decisions", "quarter/access-hr.csv", "quarter/access-it.csv"]
    decide(tmp_path / "quarter/access-hr.csv", "remove auditor")
    told = run(command, 2, "review", "--out", "quarter", "--decisions", "quarter/access-hr.csv")
    assert "Decisions: 5 kept, 1 planned (quarter/decisions.csv)" in told
    assert json.loads((tmp_path / "quarter/plan.json").read_text())["summary"]["remove_role"] == 1
    assert writes(kinde) == before
    assert roles(kinde) == ["auditor"]
    told = run(command, 0, "review", *next_command(told), "--approved-by", "Carol")
    assert roles(kinde) == []
    assert "history: entry 2" in told
    assert "review" in run(command, 0, "history")
    assert "Decisions: 5 kept, 1 already" in run(
        command, 0, "review", "--out", "quarter", "--decisions", "quarter/access-hr.csv"
    )
    # No run gives a role that the spec does not name.
    assert "the spec does not name this role" in run(command, 0, "undo", "--report", "quarter/report.json")


@pytest.mark.usefixtures("storage_path")
def test_a_guard_stops_removals_until_their_hash_is_approved(
    command: Cli, company: Company, kinde: Emulator, tmp_path: Path
) -> None:
    run(command, 0, "apply")
    company.spec.write_text(company.spec.read_text() + "guards: {max_role_removals: 0, floor: 0}\n")
    kinde.seed({"roles": ["auditor"], "users": [{"email": HAND, "memberships": {"HR": ["auditor"]}}]})
    run(command, 0, "review", "--out", "quarter")
    decide(tmp_path / "quarter/access-hr.csv", "remove auditor")
    told = run(command, 3, "review", "--out", "quarter", "--decisions", "quarter/access-hr.csv", "--apply")
    assert "max_role_removals" in told
    assert roles(kinde) == ["auditor"]
    run(command, 0, "review", *next_command(told))
    assert roles(kinde) == []


@pytest.mark.usefixtures("kinde", "storage_path")
def test_what_makes_no_sense_is_refused(command: Cli, company: Company, tmp_path: Path) -> None:
    assert "--apply needs --decisions" in run(command, 1, "review", "--out", "quarter", "--apply")
    assert "is not a folder" in run(command, 1, "review", "--out", "hr.yaml")
    assert "there is no file quarter/review.json" in run(
        command, 1, "review", "--out", "quarter", "--decisions", "quarter/access-hr.csv"
    )
