"""The pipelines of docs/rule-changes.md do what the page says, as far as that goes without GitHub and GitLab."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from kinde_emulator import Emulator
from tests.support.company import Company, connection, seeded

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "rule-changes.md").read_text(encoding="utf-8")
GITHUB, GITLAB = (
    yaml.safe_load(block) for block in re.findall(r"^```yaml\n(# \..*?)^```", PAGE, re.DOTALL | re.MULTILINE)
)
STUBS = {
    "python": f'exec "{sys.executable}" "$@"',
    "pip": 'echo "pip $@"',
    "gh": 'echo "gh $@"; cat comment.md > posted.md',
    "curl": 'echo "curl $@"; cat comment.md > posted.md',
}


def github_steps() -> list[str]:
    return [step["run"] for step in GITHUB["jobs"]["rules"]["steps"] if "run" in step]


def gitlab_steps() -> list[str]:
    return ["\n".join(GITLAB["rules"]["script"])]


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A clone on a branch that changes the spec, as a runner has it."""
    origin = tmp_path / "origin"
    origin.mkdir()
    company = Company(origin)
    git(origin, "init", "-q", "-b", "main")
    git(origin, "add", ".")
    git(origin, "commit", "-qm", "first")
    git(tmp_path, "clone", "-q", str(origin), "checkout")
    clone = tmp_path / "checkout"
    spec = company.spec.read_text().replace("roles: []", "roles: [engineer]").replace("kinde_small", "kinde_default")
    (clone / "hr.yaml").write_text(spec)
    git(clone, "commit", "-qam", "second")
    commands = tmp_path / "bin"
    commands.mkdir()
    for name, text in STUBS.items():
        (commands / name).write_text(f"#!/bin/sh\n{text}\n")
        (commands / name).chmod(0o755)
    return clone


@pytest.mark.parametrize("steps", [github_steps(), gitlab_steps()], ids=["github", "gitlab"])
def test_a_pipeline_comments_with_what_the_rules_change(checkout: Path, steps: list[str]) -> None:
    with Emulator() as kinde:
        seeded(kinde)
        env: dict[str, Any] = {
            **os.environ,
            "PATH": f"{checkout.parent / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
            "AIRFLOW_CONN_KINDE_DEFAULT": connection(kinde),
            "GITHUB_BASE_REF": "main",
            "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
            "NUMBER": "7",
        }
        for step in steps:
            done = subprocess.run(
                ["bash", "-e", "-c", step], cwd=checkout, env=env, capture_output=True, text=True, timeout=120
            )
            assert done.returncode == 0, done.stdout + done.stderr
    posted = (checkout / "posted.md").read_text()
    assert "The rules change something for 6 people (only with the new rules: 6 add role)." in posted
    assert "Firstname" not in posted


def test_the_policy_on_the_page_is_the_one_of_the_example() -> None:
    example = (Path(__file__).resolve().parents[2] / "docs" / "examples" / "policies.py").read_text(encoding="utf-8")
    assert 'change.kind == "add_role" and change.role in ROLES and not change.email' in example
    assert 'change.kind == "add_role" and change.role in ROLES and not change.email' in PAGE
