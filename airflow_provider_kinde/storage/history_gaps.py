"""Find out whether a history lost entries, so that a run warns of it."""

from __future__ import annotations

import logging

from airflow_provider_kinde.exceptions import StorageError
from airflow_provider_kinde.storage.history import HEAD, End, History
from airflow_provider_kinde.storage.history_stores import MOST_ENTRIES

log = logging.getLogger(__name__)

_SHOWN = 5


def missing_text(first: int, last: int) -> str:
    """Say that entries are missing: ``entry 2 is missing``, ``entries 2 to 3 are missing``.

    :param first: number of the first one.
    :param last: number of the last one.
    """
    return f"entry {first} is missing" if first == last else f"entries {first} to {last} are missing"


def warn_of_lost_entries(history: History, end: End) -> None:
    """Write into the log which entries of a history are missing, and what to do. A run goes on without them.

    :param history: the history.
    :param end: the last entry, as the run found it.
    """
    gaps = _gaps(end)
    try:
        if gaps:
            # While the names are listed another run may write or drop entries: only what is missing twice is missing.
            again = {number for number in history.numbers() if number < MOST_ENTRIES}
            first = min(again, default=0)
            gaps = [(a, b) for a, b in gaps if first < a and not again.intersection(range(a, b + 1))]
        fault = "" if end.follows_head else _head_fault(history, end)
    except (StorageError, FileNotFoundError) as error:
        log.warning("whether entries of the history are missing is not known: %s", error)
        return
    if gaps:
        named = "; ".join(missing_text(*gap) for gap in gaps[:_SHOWN])
        more = f"; and {len(gaps) - _SHOWN:,} more gaps" if len(gaps) > _SHOWN else ""
        log.warning(
            "the history %s is not whole: %s%s. Restore what is missing from a backup of the store. Without it the "
            "evidence for that time is incomplete, and history --verify exits with 1",
            history.folder, named, more,
        )  # fmt: skip
    if fault:
        log.warning("the history %s %s", history.folder, fault)


def _gaps(end: End) -> list[tuple[int, int]]:
    """First and last of each run of missing entries.

    What is missing before the first entry may have been dropped, as a checkpoint says; ``history --verify`` knows it.
    """
    present = [number for number in end.numbers if number <= end.number] or [0]
    follows = [*present[1:], *([end.number + 1] if present[-1] < end.number else [])]
    return [(before + 1, after - 1) for before, after in zip(present, follows, strict=False) if after > before + 1]


def _head_fault(history: History, end: End) -> str:
    """What is wrong with a ``head.json`` that the run does not follow; empty for nothing."""
    head = end.head
    if head is None:
        # The run that writes the first entry has no head.json for a moment. Runs without a Kinde connection write none.
        numbers = [number for number in reversed(end.numbers) if number <= end.number]
        if end.number < 2 or not any(history.head_line(number).get("signature") for number in numbers):
            return ""
        return (
            f"had no {HEAD}, or a damaged one, so lost entries at the end do not show. The last entry that is there is "
            f"{end.number}: if the log of an earlier run names a later one, restore it from a backup of the store"
        )
    if head.number <= end.number:
        return ""  # signed with a secret that was replaced, or by another Kinde application
    return (
        f"has a {HEAD} that names entry {head.number}, but is not signed with the client secret of this run: it was "
        f"forged, or the secret was replaced and entries were lost. It is not followed. The last entry that is there "
        f"is {end.number}: if the log of an earlier run names a later one, restore it from a backup of the store"
    )
