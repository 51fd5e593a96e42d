"""The page on development names files and folders that exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/development.md").read_text(encoding="utf-8")
PACKAGE = ROOT / "airflow_provider_kinde"


def test_every_path_exists() -> None:
    named = set(re.findall(r"`([\w.-]+(?:/[\w.-]*)+)`", PAGE))
    assert len(named) > 60
    # A path starts at the top of the repository or in the package.
    assert sorted(path for path in named if not any((base / path).exists() for base in (ROOT, PACKAGE))) == []


def test_every_room_is_in_the_table() -> None:
    rooms = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    rooms |= {f"sync/{path.name}" for path in (PACKAGE / "sync").iterdir() if (path / "__init__.py").exists()}
    assert sorted(room for room in rooms if f"`{room}/`" not in PAGE) == []


def test_twenty_changes_have_a_place() -> None:
    rows = re.findall(r"^\| [^|]+ \| `[^|]+ \| (\d) \|$", PAGE, re.MULTILINE)
    assert len(rows) >= 20
    assert max(map(int, rows)) <= 4
    assert rows.count("4") <= 1
