"""Each message on the page about messages is one that the code can say."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "airflow_provider_kinde"
PAGE = (ROOT / "docs/troubleshooting.md").read_text(encoding="utf-8")
VALUE = "\0"
"""Stands in a text for what is put into it."""


def texts() -> Iterator[str]:
    """Every text in the package."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
            elif isinstance(node, ast.JoinedStr):
                parts = (part.value if isinstance(part, ast.Constant) else VALUE for part in node.values)
                yield "".join(map(str, parts))


def messages() -> list[str]:
    """The messages of the page, from the first column of its tables."""
    return re.findall(r"^\| `([^`]+)` \|", PAGE, re.MULTILINE)


def test_the_code_can_say_each_message() -> None:
    said = list(texts())
    unknown = []
    for message in messages():
        # `…` is a value, or the rest of the sentence.
        pattern = re.compile(".*".join(re.escape(part.strip()) for part in message.split("…")), re.DOTALL)
        if not any(pattern.search(text) for text in said):
            unknown.append(message)
    assert unknown == []
    assert len(messages()) > 45


def test_each_row_says_what_to_do() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| `")]
    assert len(rows) == len(messages())
    assert [row for row in rows if len(row.split(" | ", 1)[1].strip(" |")) < 10] == []
