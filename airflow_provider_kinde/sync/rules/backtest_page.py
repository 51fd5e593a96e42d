"""A backtest as one HTML file, in the look of plans and reports: a chart of the days, and the table."""

from __future__ import annotations

from collections.abc import Iterator

import jinja2

from airflow_provider_kinde.sync.report.page import inline_policy, page_asset
from airflow_provider_kinde.sync.report.text import clean
from airflow_provider_kinde.sync.rules.backtest import Backtest
from airflow_provider_kinde.sync.rules.backtest_text import COLUMNS, reason_lines, sentence

_STYLE = """
svg.days { width: 100%; height: 12rem; background: var(--panel); border: 1px solid var(--line); }
.joined { fill: var(--plus); } .moved { fill: var(--edit); } .left { fill: var(--minus); } .stop { fill: #7a2fb5; }
@media (prefers-color-scheme: dark) { .stop { fill: #c792f5; } }
.access { fill: none; stroke: var(--accent); stroke-width: 1.5; }
.key span { margin-right: 1rem; }
"""
_KINDS = (("joined", "joined"), ("moved", "moved"), ("left", "left"), ("stop", "would have been stopped"))
_BARS, _TOP = 100.0, 8.0
"""Height of the bars, and of the room above them for days that would have been stopped."""
_WIDTH = 1000.0

Rect = tuple[str, float, float, float, float]
"""Class, place, and size of one part of a bar."""


def backtest_page(found: Backtest) -> Iterator[str]:
    """Write a backtest as an HTML page: no network, no script, no other file.

    :param found: the backtest.
    :returns: the pieces of the page.
    """
    css = page_asset("page.css") + _STYLE
    template = jinja2.Environment(autoescape=True).from_string(page_asset("backtest.html.jinja"))
    most = max([1, *(day.with_access for _, _, day, _ in found.days)])
    return template.generate(
        found=found,
        sentence=sentence(found),
        bars=_bars(found),
        line=_line(found, most),
        most=most,
        kinds=_KINDS,
        columns=COLUMNS,
        height=_BARS + _TOP,
        reasons=reason_lines(found),
        clean=clean,
        css=css,
        csp=inline_policy(css, ""),
    )


def _bars(found: Backtest) -> list[tuple[str, list[Rect]]]:
    """One bar a day: what it is in words, and its parts from the ground up."""
    days = [day for _, _, day, _ in found.days]
    # The first export is nothing but joiners: it would make the bars of all other days flat.
    highest = max([1, *(day.joined + day.moved + day.left for day in days[1:] or days)])
    step = _WIDTH / max(len(days), 1)
    bars = []
    for index, (name, moment, day, _) in enumerate(found.days):
        parts: list[Rect] = []
        x, y, width = round(index * step, 2), _BARS + _TOP, round(step * 0.8, 2)
        for kind, count in (("joined", day.joined), ("moved", day.moved), ("left", day.left)):
            size = round(min(_BARS * count / highest, y - _TOP), 2)
            y = round(y - size, 2)
            parts.append((kind, x, y, width, size))
        if day.stopped:
            parts.append(("stop", x, 0, width, _TOP - 2))
        said = f"{moment:%Y-%m-%d} {name}: {day.joined:,} joined, {day.moved:,} moved, {day.left:,} left"
        bars.append((said + (f"; stopped by {', '.join(day.stopped)}" if day.stopped else ""), parts))
    return bars


def _line(found: Backtest, most: int) -> str:
    """The points of the people with access, from day to day."""
    step = _WIDTH / max(len(found.days), 1)
    return " ".join(
        f"{(index + 0.4) * step:.2f},{_TOP + _BARS * (1 - day.with_access / most):.2f}"
        for index, (_, _, day, _) in enumerate(found.days)
    )
