"""Writes ``docs/emulator-coverage.md`` from the emulator's routes: which of Kinde's operations it has.

``python -m scripts.emulator_coverage`` writes it; a test fails when the page is not what the routes say.
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from kinde_emulator import resources
from kinde_emulator.server.documented import OPERATIONS, Documented
from kinde_emulator.server.operations import PREFIX

PAGE = Path(__file__).resolve().parent.parent / "docs" / "emulator-coverage.md"
ROUTES = resources
"""Importing the resources declares the routes."""

HEAD = """# What the emulator has

<!-- Written by scripts/emulator_coverage.py from the emulator's routes. -->

[The emulator](emulator.md) has {implemented} of the {count} operations of Kinde's Management API. It answers the other
{missing} with status 501, the code `NOT_IMPLEMENTED`, and the name of the operation. A path that Kinde does not have is
answered with 404 and the code `ROUTE_NOT_FOUND`.
"""


def page() -> str:
    """The page as Markdown."""
    implemented = sum(each.implemented for each in OPERATIONS)
    numbers = {"implemented": implemented, "count": len(OPERATIONS), "missing": len(OPERATIONS) - implemented}
    parts = [HEAD.format(**numbers)]
    for area, operations in groupby(OPERATIONS, key=_area):
        parts += [f"## /{area}", "", "| operation | HTTP call | answer |", "| --- | --- | --- |"]
        parts += [_row(each) for each in operations]
        parts.append("")
    return "\n".join(parts)


def _area(operation: Documented) -> str:
    """The first part of the path."""
    return operation.path.removeprefix(PREFIX).split("/")[1]


def _row(operation: Documented) -> str:
    answer = "yes" if operation.implemented else "501"
    return f"| `{operation.operation_id}` | `{operation.method} {operation.path}` | {answer} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
