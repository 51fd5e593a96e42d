"""Ctrl-C and SIGTERM at the command line: exit code 130, a report, and a command that goes on."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kinde_emulator import Emulator
from tests.support.company import Company, row, writes

PEOPLE = 80
Cli = Callable[..., "subprocess.CompletedProcess[str]"]


def hear_ctrl_c() -> None:
    """A shell starts background work, as these tests may be, deaf to SIGINT, and that is inherited."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def started(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "airflow_provider_kinde", *arguments],
        cwd=folder,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "AIRFLOW_HOME": str(folder / "home")},
        preexec_fn=hear_ctrl_c,
    )


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_an_apply_that_is_ended_reports_and_says_how_to_go_on(
    company: Company, kinde: Emulator, tmp_path: Path, command: Cli, ending: signal.Signals
) -> None:
    company.spec.write_text(company.spec.read_text() + "guards: {max_role_grants: 1000}\n")
    company.rows = {number: row(number) for number in range(1, PEOPLE + 1)}
    company.save()
    kinde.set(latency=60)
    process = started(tmp_path, "apply", "--spec", "hr.yaml", "--report", "report.json")
    while writes(kinde) < 5 and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(ending)
    ended = time.monotonic()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert time.monotonic() - ended < 15
    assert "waiting for the requests under way" in err
    assert "Interrupted before the end." in out
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["outcome"], report["interrupted"]) == ("failed", True)
    made = {item["id"] for item in report["operations"] if item["kind"] == "create" and item["outcome"] == "done"}
    there = {user["provided_id"].split(":")[1] for user in kinde.state()["users"] if user["provided_id"]}
    assert made == there
    assert 5 <= len(made) < PEOPLE
    assert report["requests"]["write"] == writes(kinde)

    (line,) = [line for line in out.splitlines() if line.startswith("Next: ")]
    kinde.set(latency=0)
    words = shlex.split(line.removeprefix("Next: "))
    assert words[:3] == [sys.executable, "-m", "airflow_provider_kinde"]
    again = command(*words[3:])
    assert again.returncode == 0, again.stdout + again.stderr
    assert sum(bool(user["provided_id"]) for user in kinde.state()["users"]) == PEOPLE


def test_a_plan_that_is_ended_while_it_reads_wrote_nothing(company: Company, kinde: Emulator, tmp_path: Path) -> None:
    kinde.set(latency=2000)
    process = started(tmp_path, "plan", "--spec", "hr.yaml")
    while not kinde.log() and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err.splitlines()[-1] == "error: interrupted; nothing was written"
