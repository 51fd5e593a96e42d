"""The page of the documentation, made from ``results.json``: no figure on it is written by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results.json"
PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"

_INTRODUCTION = """\
# Benchmarks

`make bench` measures all of this against the local Kinde of this package, on your machine, in a quarter of an hour,
and writes this page. `python -m benchmarks NAME` measures one part, `--quick` a small version of it. Each part runs
beside its peers, on the same machine and in the same run.
"""


def render(results: Mapping[str, Any]) -> str:
    """Write the page.

    :param results: the content of ``results.json``.
    """
    parts = [_INTRODUCTION]
    for result in results.values():
        found = result["machine"]
        versions = ", ".join(f"{name} {number}" for name, number in found["versions"].items())
        parts += [f"## {result['title']}", result["about"], _table(result["columns"], result["rows"])]
        if result["goals"]:
            parts.append(_table(["goal", "at most", "measured", "reached"], [_goal(goal) for goal in result["goals"]]))
        parts.append(
            f"{found['date']}: {found['processor']}, {found['cores']} cores ({found['processor_time']}, load "
            f"{found['load']} before), {found['memory_gb']} GB, {found['system']}, Python {found['python']}; "
            f"{versions}."
        )
    return "\n\n".join(part.strip() for part in parts) + "\n"


def write(results: Mapping[str, Any]) -> None:
    """Write results and page."""
    RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    PAGE.write_text(render(results), encoding="utf-8")


def read() -> dict[str, Any]:
    """The results so far."""
    if not RESULTS.exists():
        return {}
    found: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return found


def _table(columns: list[str], rows: list[list[Any]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def _goal(goal: Mapping[str, Any]) -> list[str]:
    reached = "yes" if goal["reached"] else "**no**"
    return [goal["what"], _number(goal["at_most"]), _number(goal["measured"]), reached]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:.3g}"
