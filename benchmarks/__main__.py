"""``make bench`` or ``python -m benchmarks [NAME ...] [--quick]``: measures, prints, and writes results and page."""

from __future__ import annotations

import argparse
import sys
import time
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from benchmarks import page
from benchmarks.machine import machine

NAMES = (
    "formula",
    "pipe",
    "sync",
    "memory",
    "backtest",
    "accounts",
    "rules",
    "evidence",
    "parsing",
    "tokens",
    "waiting",
    "latency",
)
"""Modules with ``run(quick) -> Result``, in the order in which they are run and shown."""
ALONE = ("latency",)
"""Run only when they are named: it starts an Airflow for each case, needs its environment, and takes an hour."""


def there() -> list[str]:
    """The benchmarks that this checkout has."""
    return [name for name in NAMES if find_spec(f"benchmarks.{name}")]


def measure(name: str, quick: bool) -> dict[str, Any]:
    """Run one benchmark; returns its result as ``results.json`` keeps it."""
    before = machine()
    began = time.perf_counter()
    result: dict[str, Any] = import_module(f"benchmarks.{name}").run(quick).to_json()
    return {**result, "seconds": round(time.perf_counter() - began, 1), "machine": before}


def main() -> int:
    """Entry point; the exit code is 1 when a goal was not reached."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measures against a local Kinde.")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"{', '.join(there())}; all but {', '.join(ALONE)} when left out"
    )
    parser.add_argument("--quick", action="store_true", help="a small version, which writes no file")
    options = parser.parse_args()
    if unknown := sorted(set(options.names) - set(there())):
        parser.error(f"no such benchmark: {', '.join(unknown)}")
    missed = 0
    for name in options.names or [name for name in there() if name not in ALONE]:
        result = measure(name, options.quick)
        if not options.quick:
            # After each: what was measured is kept, whatever becomes of the next.
            results = {**page.read(), name: result}
            page.write({known: results[known] for known in NAMES if known in results})
        print(page.render({name: result}).partition("\n\n## ")[2], flush=True)
        missed += sum(not goal["reached"] for goal in result["goals"])
    return 1 if missed and not options.quick else 0


if __name__ == "__main__":
    sys.exit(main())
