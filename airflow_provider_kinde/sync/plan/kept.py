"""Exceptions that end: the ``keep`` entries of a spec, and what is to be said of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.sync.spec.models import SyncSpec

WARNED_DAYS = 7
"""Days before its end in which plan and report name an entry."""


def utc_today() -> date:
    """The present day in UTC."""
    return datetime.now(timezone.utc).date()


def keep_warnings(spec: SyncSpec, today: date) -> Iterator[str]:
    """Yield a line for each ``keep`` entry that ends within a week, or has ended.

    :param spec: the spec.
    :param today: the UTC day of the run.
    """
    for index, entry in enumerate(spec.keep):
        if entry.until is None or entry.until > today + timedelta(days=WARNED_DAYS):
            continue
        who = f"keep[{index}] ({entry.email or 'id ' + str(entry.id)}, {entry.organization})"
        owner = f". Owner: {entry.owner}" if entry.owner else ""
        if entry.ended(today):
            yield f"{who} ended on {entry.until} and keeps nothing any more: remove the entry, or extend it{owner}"
            continue
        days = (entry.until - today).days
        left = "today" if not days else "tomorrow" if days == 1 else f"in {counted(days, 'day')}"
        yield f"{who} ends on {entry.until}, {left}: the rules decide afterwards{owner}"
