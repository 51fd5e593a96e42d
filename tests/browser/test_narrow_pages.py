"""Pages on a telephone: nothing runs off the side, and evidence is usable with a keyboard and a screen reader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pendulum
import pytest

from airflow_provider_kinde.sync.rules.backtest import Backtest, Day
from airflow_provider_kinde.sync.rules.backtest_page import backtest_page
from tests.browser.test_report_page import write
from tests.support.browser import findings
from tests.sync.history.test_evidence_page import shown

NARROW = {"width": 390, "height": 844}


def evidence(folder: Path, _: int) -> str:
    path = folder / "evidence.html"
    path.write_text(shown(), encoding="utf-8")
    return path.as_uri()


def backtest(folder: Path, days: int) -> str:
    first = pendulum.datetime(2026, 1, 1, tz="UTC")
    found = Backtest("acme-hr", notes=["a gap: no export between 2026-01-05 and 2026-02-05"])
    for number in range(days):
        day = Day(joined=1200, moved=300, left=40, rows=120_000, with_access=118_000 + number)
        if number % 9 == 0:
            day.stopped, day.reasons = ["max_leavers", "max_membership_removals"], ["max_leavers (10%): 40 people"]
        found.days.append((f"hr-{number}.csv", first.add(days=number), day, None))
    path = folder / "backtest.html"
    path.write_text("".join(backtest_page(found)), encoding="utf-8")
    return path.as_uri()


@pytest.mark.parametrize("made", [write, evidence, backtest])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_screen_shows_the_whole_page(chromium: Any, axe: str, tmp_path: Path, made: Any, scheme: str) -> None:
    page = chromium.new_page(viewport=NARROW, color_scheme=scheme)
    page.goto(made(tmp_path, 60))
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    assert findings(page, axe) == []
    page.close()
