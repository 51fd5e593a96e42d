"""plan --against on the command line: a file, a commit of git, and what cannot be compared."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from kinde_emulator import Emulator
from tests.support.company import Company, writes

Cli = Callable[..., "subprocess.CompletedProcess[str]"]


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def test_against_a_file_and_a_commit(command: Cli, company: Company, kinde: Emulator, tmp_path: Path) -> None:
    old = company.spec.read_text()
    (tmp_path / "old.yaml").write_text(old)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "hr.yaml")
    git(tmp_path, "commit", "-qm", "first")
    company.spec.write_text(old.replace("roles: []", "roles: [engineer]"))
    git(tmp_path, "commit", "-qam", "second")
    plan = ("plan", "--spec", "hr.yaml", "--against")
    for against in ("old.yaml", "git:HEAD~1"):
        done = command(*plan, against)
        assert done.returncode == 2, done.stderr
        assert "The rules change something for 6 people (only with the new rules: 6 add role)." in done.stdout
        assert "Firstname2" in done.stdout
    done = command(*plan, "git:HEAD~1", "--json", "--redact")
    found = json.loads(done.stdout)
    assert (found["outcome"], found["people"], found["rules"]) == (
        "differs",
        6,
        [{"rule": "new rule in line 15: team is HR", "people": 6}],
    )
    assert "Firstname" not in done.stdout
    assert command(*plan, "git:HEAD").returncode == 0
    assert writes(kinde) == 0


def test_against_names_a_file_that_cannot_be_compared(
    command: Cli, company: Company, kinde: Emulator, tmp_path: Path
) -> None:
    (tmp_path / "old.yaml").write_text(company.spec.read_text().replace("version: 1", "version: 0"))
    for against, words in (
        ("old.yaml", ("the old spec (old.yaml) is not valid", "old.yaml:2: version: 1 is expected")),
        ("none.yaml", ("the old spec (none.yaml) is not valid", "No such file")),
        ("git:HEAD~1", ("hr.yaml cannot be read as of git:HEAD~1",)),
        ("git:--help", ("names no commit",)),
    ):
        done = command("plan", "--spec", "hr.yaml", "--against", against)
        assert (done.returncode, "Traceback" in done.stderr) == (1, False)
        assert [word for word in words if word not in done.stderr] == []
    done = command("plan", "--spec", "hr.yaml", "--against", "old.yaml", "--out", "plan.json")
    assert (done.returncode, "leave one of them out" in done.stderr) == (1, True)
