"""Runs every part of the test suite, or those that are named; closes with one line for each.

Parts that leave a core idle run side by side, the others one after the other. A part that fails does not
stop the next. The exit code is 0 only if all of them passed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PARTS = (
    # Each of them works on one core.
    ("lint", "types", "test-sdk"),
    ("test-unit",),
    ("test-tools",),
    ("test-airflow3",),
    # Real schedulers: they wait for each other's heartbeats half of the time.
    ("test-e2e", "test-workers"),
    ("test-smoke",),
)
NEEDS = {"test-smoke": "airflow2", "test-airflow2": "airflow2"}
"""Parts whose environment this machine may have no Python for."""
NO_PYTHON = 4
CLOSING = re.compile(r"^=+ (.*\d+ (?:passed|failed|error|skipped|deselected|xfailed|warning).* in [\d.]+s.*) =+$")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Result(NamedTuple):
    """What came of a part: ok, FAILED or NOT RUN, how long it took, and pytest's closing line or why it was not run."""

    part: str
    outcome: str
    seconds: float
    closing: str


def show(line: str) -> None:
    """Print a line as it comes."""
    sys.stdout.write(line)
    sys.stdout.flush()


def run(part: str, show: Callable[[str], object]) -> Result:
    """Run one make target."""
    begun = time.monotonic()
    show(f"\n--- {part} ---\n")
    if part in NEEDS:
        made = subprocess.run([sys.executable, ROOT / "scripts" / "env.py", NEEDS[part]], cwd=ROOT, check=False)
        if made.returncode == NO_PYTHON:
            return Result(part, "NOT RUN", time.monotonic() - begun, "no Python that this Airflow runs on")
    process = subprocess.Popen(
        ["make", "--no-print-directory", part],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, "PYTHON": sys.executable},
    )
    closing = ""
    for line in process.stdout or ():
        show(line)
        match = CLOSING.match(COLOUR.sub("", line.rstrip()))
        if match:
            closing = match[1]
    outcome = "FAILED" if process.wait() else "ok"
    return Result(part, outcome, time.monotonic() - begun, closing)


def run_together(first: str, *others: str) -> list[Result]:
    """Run parts side by side: the first shows what it says as it comes, the others once they are done."""
    kept: dict[str, list[str]] = {part: [] for part in others}
    with ThreadPoolExecutor(len(others) or 1) as pool:
        waiting = [pool.submit(run, part, kept[part].append) for part in others]
        results = [run(first, show), *(one.result() for one in waiting)]
    show("".join(line for part in others for line in kept[part]))
    return results


def main() -> int:
    """Entry point."""
    started = time.monotonic()
    groups = [(part,) for part in sys.argv[1:]] or PARTS
    results = [result for group in groups for result in run_together(*group)]
    print(f"\n--- summary, {time.monotonic() - started:.0f} s ---")
    for part, outcome, seconds, closing in results:
        print(f"{part:14} {outcome:8} {seconds:5.0f} s  {closing}".rstrip())
    print()
    for result in results:
        if result.closing:
            print(f"=== {result.closing} ===")
    return 1 if any(result.outcome == "FAILED" for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
