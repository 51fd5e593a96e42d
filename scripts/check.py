"""Runs every part of the test suite, or those that are named; closes with one line for each.

A part that fails does not stop the next. The exit code is 0 only if all of them passed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
LANES = (
    ("test-unit", "test-tools", "test-airflow3"),
    # A real scheduler waits a good deal, and leaves much of two cores to the other lane.
    ("test-e2e", "lint", "docs", "types", "test-sdk", "test-smoke"),
)
"""Lanes run side by side; the parts of a lane one after the other."""
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


def run_lanes(first: Sequence[str], *others: Sequence[str]) -> list[Result]:
    """Run lanes side by side: the first shows what it says as it comes, the others once they are done.

    :param first: names of make targets, run one after the other.
    :param others: further lanes.
    :returns: what came of each part.
    """
    kept: list[list[str]] = [[] for _ in others]
    with ThreadPoolExecutor(len(others) or 1) as pool:
        waiting = [
            pool.submit(lambda lane, lines: [run(part, lines.append) for part in lane], lane, lines)
            for lane, lines in zip(others, kept, strict=True)
        ]
        results = [run(part, show) for part in first]
        results += [result for one in waiting for result in one.result()]
    show("".join(line for lines in kept for line in lines))
    return results


def main() -> int:
    """Entry point."""
    started = time.monotonic()
    results = run_lanes(*([sys.argv[1:]] if sys.argv[1:] else LANES))
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
