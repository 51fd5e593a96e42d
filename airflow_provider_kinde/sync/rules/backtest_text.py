"""A backtest as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.sync.rules.backtest import Backtest, Day

COLUMNS = ("rows", "joined", "moved", "left", "deleted", "held", "rejected", "with_access")


def backtest_lines(found: Backtest) -> Iterator[str]:
    """Write a backtest as a table, with one line for each export.

    :param found: the backtest.
    """
    if not found.days:
        yield "There is no export to replay."
        return
    first, last = found.days[0][1], found.days[-1][1]
    yield f"Backtest of {found.spec}: {counted(len(found.days), 'export')}, {first:%Y-%m-%d} to {last:%Y-%m-%d}"
    yield ""
    titles = [name.replace("_", " ") for name in COLUMNS]
    differ = f"  {'differ':>8}" if found.against else ""
    yield f"{'day':<10}" + "".join(f"  {title:>11}" for title in titles) + differ + "  stopped by"
    for index, (_, moment, day, old) in enumerate(found.days):
        yield _line(f"{moment:%Y-%m-%d}", day, f"  {found.differ[index]:>8,}" if old else "")
        if old and (found.differ[index] or old.stopped != day.stopped):
            yield _line("  old", old, " " * 10)
    yield ""
    yield from (f"  x {text}" for text in reason_lines(found))
    for note in found.notes:
        yield f"  ! {note}"
    yield sentence(found)


def reason_lines(found: Backtest) -> list[str]:
    """Say for each day that would have been stopped why, in full.

    :param found: the backtest.
    """
    return [
        f"{moment:%Y-%m-%d} {name}: {text}"
        for name, moment, day, _ in found.days
        for text in ([day.error] if day.error else day.reasons)
    ]


def _line(title: str, day: Day, differ: str) -> str:
    numbers = "".join(f"  {getattr(day, name):>11,}" for name in COLUMNS)
    return f"{title:<10}{numbers}{differ}  {', '.join(day.stopped)}".rstrip()


def sentence(found: Backtest) -> str:
    """Say in one sentence what a backtest comes to.

    :param found: the backtest.
    """
    days = len(found.days)
    stopped = sum(1 for _, _, day, _ in found.days if day.stopped)
    guards = ", ".join(f"{name} {count:,}" for name, count in found.stopped.most_common())
    text = f"{stopped:,} of {counted(days, 'day')} would have been stopped" + (f": {guards}." if guards else ".")
    if found.against:
        differing = sum(1 for count in found.differ if count)
        most = max(found.differ, default=0)
        text += f" Against {found.against}, people differ on {counted(differing, 'day')}, {most:,} at most."
    return text
