"""What a run is asked for: its moment, its source, its people."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

import pendulum

from airflow_provider_kinde.exceptions import SyncError
from airflow_provider_kinde.sync.model import Source
from airflow_provider_kinde.sync.spec.dates import NO_END_YEAR

_YEAR = re.compile(r"\d{4}")


def as_source(source: Any) -> Source:
    """A source as it is; a list of rows becomes one that counts as complete."""
    if hasattr(source, "read"):
        found: Source = source
        return found
    from airflow_provider_kinde.sources import ListSource

    return ListSource(list(source))


def asked_for(ids: Collection[str] | None) -> frozenset[str] | None:
    """The HR ids that a run is for; ``None`` for everybody.

    :raises SyncError: for one that is no text.
    """
    found = None if ids is None else frozenset(map(str, ids))
    for id in found or ():
        try:
            id.encode()
        except UnicodeEncodeError:  # half a character, as a command line can hold it
            raise SyncError(f"{id!r} is nobody's id: it is not text") from None
    return found


def moment(now: pendulum.DateTime | str | None) -> pendulum.DateTime:
    """A moment given as such, in ISO 8601, or not at all (the wall clock).

    :raises SyncError: for a text that is none, and for a year in which days cannot be counted on either side.
    """
    if now is None:
        return pendulum.now("UTC")
    try:
        # Pendulum takes a time of day, and the word "now", for moments of today.
        parsed = (_YEAR.match(now) and pendulum.parse(now)) if isinstance(now, str) else pendulum.instance(now)
        known = isinstance(parsed, pendulum.DateTime) and 1 < parsed.in_timezone("UTC").year < NO_END_YEAR
    except (ValueError, OverflowError):
        known = False
    if not known:
        raise SyncError(f"not a moment in ISO 8601: {str(now)!r}")
    assert isinstance(parsed, pendulum.DateTime)
    return parsed
