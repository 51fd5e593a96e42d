"""The pictures of the documentation: a script takes each of them from the running product, and a page shows it."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"


def test_every_screenshot_is_taken_by_make_images_and_shown_on_a_page() -> None:
    kept = {path.stem for path in (DOCS / "images").glob("*.png")}
    script = (ROOT / "scripts" / "screenshots.py").read_text(encoding="utf-8")
    taken = set(re.findall(r'take\(page, "(\w+)"', script))
    taken |= set(re.findall(r'"(\w+)": ', re.search(r"pages = \{(.*?)\}", script).group(1)))  # type: ignore[union-attr]
    assert taken == kept
    pages = "".join(path.read_text(encoding="utf-8") for path in (*DOCS.rglob("*.md"), ROOT / "README.md"))
    assert {name for name in kept if f"images/{name}.png)" not in pages} == set()
