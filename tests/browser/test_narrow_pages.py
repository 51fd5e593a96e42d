"""Pages on a telephone: nothing runs off the side, and evidence is usable with a keyboard and a screen reader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.browser.test_report_page import write
from tests.support.browser import findings
from tests.sync.history.test_evidence_page import shown

NARROW = {"width": 390, "height": 844}


def evidence(folder: Path, _: int) -> str:
    path = folder / "evidence.html"
    path.write_text(shown(), encoding="utf-8")
    return path.as_uri()


@pytest.mark.parametrize("made", [write, evidence])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_screen_shows_the_whole_page(chromium: Any, axe: str, tmp_path: Path, made: Any, scheme: str) -> None:
    page = chromium.new_page(viewport=NARROW, color_scheme=scheme)
    page.goto(made(tmp_path, 60))
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    assert findings(page, axe) == []
    page.close()
