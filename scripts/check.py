"""Runs every part of the test suite, or those that are named, one after the other; closes with one line for each.

A part that fails does not stop the next. The exit code is 0 only if all of them passed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("lint", "types", "test-unit", "test-tools", "test-sdk", "test-airflow3", "test-e2e", "test-airflow2")
NEEDS = {"test-airflow2": "airflow2"}
"""Parts whose environment this machine may have no Python for."""
NO_PYTHON = 4
CLOSING = re.compile(r"^=+ (.*\d+ (?:passed|failed|error|skipped|deselected|xfailed|warning).* in [\d.]+s.*) =+$")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def run(part: str) -> tuple[int, str]:
    """Run one make target, show its output as it comes, and return its exit code and pytest's closing line."""
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
        sys.stdout.write(line)
        sys.stdout.flush()
        match = CLOSING.match(COLOUR.sub("", line.rstrip()))
        if match:
            closing = match[1]
    return process.wait(), closing


def main() -> int:
    """Entry point."""
    started = time.monotonic()
    results: list[tuple[str, str, float, str]] = []
    for part in sys.argv[1:] or PARTS:
        begun = time.monotonic()
        print(f"\n--- {part} ---", flush=True)
        if part in NEEDS:
            made = subprocess.run([sys.executable, ROOT / "scripts" / "env.py", NEEDS[part]], cwd=ROOT, check=False)
            if made.returncode == NO_PYTHON:
                results.append((part, "NOT RUN", time.monotonic() - begun, "no Python that this Airflow runs on"))
                continue
        code, closing = run(part)
        results.append((part, "FAILED" if code else "ok", time.monotonic() - begun, closing))
    print(f"\n--- summary, {time.monotonic() - started:.0f} s ---")
    for part, outcome, seconds, closing in results:
        print(f"{part:14} {outcome:8} {seconds:5.0f} s  {closing}".rstrip())
    print()
    for _part, _outcome, _seconds, closing in results:
        if closing:
            print(f"=== {closing} ===")
    return 1 if any(outcome == "FAILED" for _part, outcome, _seconds, _closing in results) else 0


if __name__ == "__main__":
    sys.exit(main())
