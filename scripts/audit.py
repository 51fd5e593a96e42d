"""Asks whether versions in the lock files have known vulnerabilities; without network it says so and is done.

Exit code 1 when there are any. What it cannot find out is no failure: one line, ``dependency audit skipped: ...``.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
VENVS = Path(os.environ.get("KINDE_VENVS", ROOT / ".venvs"))
LOCKS = ("uv", "release", "unit", "airflow3", "sdk", "docs")
"""What is built and released with, and run against. Old versions are locked on purpose elsewhere."""
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)")
SECONDS = 180


class SkippedError(Exception):
    """The audit cannot be done here; the message says why."""


def pins(name: str) -> dict[str, str]:
    """Package -> version of a lock file; where it has two for different Pythons, the newer one."""
    lines = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return {match[1]: match[2] for line in lines if (match := PIN.match(line))}


def batches() -> list[dict[str, str]]:
    """Every pin of the lock files once, in as few lists as can be: a list has one version of a package."""
    lists: list[dict[str, str]] = []
    for name in LOCKS:
        for package, version in pins(name).items():
            if any(found.get(package) == version for found in lists):
                continue
            free = next((found for found in lists if package not in found), None)
            if free is None:
                lists.append(free := {})
            free[package] = version
    return lists


def ask(wanted: dict[str, str]) -> list[dict[str, Any]]:
    """What pip-audit knows of some versions.

    :raises SkippedError: when it knows nothing, or does not answer.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.write("".join(f"{package}=={version}\n" for package, version in wanted.items()))
        file.flush()
        options = ["--no-deps", "--disable-pip", "--progress-spinner", "off", "--timeout", "10", "--format", "json"]
        command = [str(VENVS / "release/bin/pip-audit"), "-r", file.name, *options]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired:
            raise SkippedError(f"no answer within {SECONDS} seconds") from None
        except OSError as error:
            raise SkippedError(f"pip-audit cannot be run: {error}") from error
    try:
        answer: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        said = done.stderr.strip().splitlines()
        raise SkippedError(said[-1][:200] if said else "pip-audit gave no answer") from None
    if all("skip_reason" in package for package in answer):
        raise SkippedError("the package index here tells nothing about vulnerabilities")
    return answer


def make_environment() -> None:
    """Make the environment that pip-audit is in.

    :raises SkippedError: where packages cannot be had.
    """
    command = [sys.executable, str(ROOT / "scripts/env.py"), "release"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise SkippedError(said[-1][:200] if said else "its environment cannot be made")


def main() -> int:
    """Entry point."""
    try:
        make_environment()
        # One package first: an index that knows nothing is not asked hundreds of times.
        ask({"pip-audit": pins("release")["pip-audit"]})
        found = [package for batch in batches() for package in ask(batch)]
    except SkippedError as error:
        print(f"dependency audit skipped: {error}")
        return 0
    unknown = sum(1 for package in found if "skip_reason" in package)
    bad = [package for package in found if package.get("vulns")]
    for package in bad:
        for weakness in package["vulns"]:
            mended = ", ".join(weakness.get("fix_versions") or ()) or "none yet"
            print(f"{package['name']} {package['version']}: {weakness['id']}, mended in: {mended}")
    print(f"dependency audit: {len(found)} packages, {len(bad)} with known vulnerabilities, {unknown} unknown")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
