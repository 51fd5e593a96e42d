"""docs/guarantees.md names tests that exist, and every promise."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/guarantees.md").read_text(encoding="utf-8")


def test_every_test_named_exists() -> None:
    named = set(re.findall(r"`(tests/[a-z0-9_/]+\.py)::(test_\w+)`", PAGE))
    assert len(named) > 80
    assert PAGE.count("::test_") == len(re.findall(r"`tests/[a-z0-9_/]+\.py::test_\w+`", PAGE))
    for file in {file for file, _ in named}:
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert {name for where, name in named if where == file} <= defined, file


def test_every_promise_is_there() -> None:
    page = (ROOT / "docs/how-it-works.md").read_text(encoding="utf-8")
    promised = re.findall(r"^(\d+)\. \*\*([^.*]+)", page, re.MULTILINE)
    assert len(promised) == 10
    for number, promise in promised:
        line = next(line for line in PAGE.splitlines() if line.startswith(f"| {number}. "))
        assert line.startswith(f"| {number}. {promise.strip()}"), promise
        assert line.count("::test_") >= 3
    for outcome in ("no changes", "changes", "blocked", "failed"):
        assert f"| `{outcome}`" in PAGE


def test_the_page_counts_right() -> None:
    from tests.laws.trouble import KINDS, TROUBLES

    assert f"{len(TROUBLES)} kinds" in PAGE
    assert f"each of {len(KINDS)} kinds of request" in PAGE
