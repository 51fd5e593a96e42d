"""Find out whether a history lost entries, so that a run warns of it."""

from __future__ import annotations

import logging

from airflow_provider_kinde.exceptions import StorageError
from airflow_provider_kinde.storage.history import HEAD, MOST_ENTRIES, History

log = logging.getLogger(__name__)

_SHOWN = 5


def missing_text(first: int, last: int) -> str:
    """Say that entries are missing: ``entry 2 is missing``, ``entries 2 to 3 are missing``.

    :param first: number of the first one.
    :param last: number of the last one.
    """
    return f"entry {first} is missing" if first == last else f"entries {first} to {last} are missing"


def warn_of_lost_entries(history: History) -> None:
    """Write into the log which entries of a history are missing, and what to do. A run goes on without them.

    :param history: the history.
    """
    try:
        headless, gaps = _look(history)
        if gaps:
            # While the names are listed another run may write or drop entries: only what is missing twice is missing.
            again = _look(history)[1]
            gaps = [gap for gap in gaps if gap in again]
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
    if headless:
        log.warning(
            "the history %s had no %s, or a damaged one, so lost entries at the end do not show. The last entry that "
            "is there is %d: if the log of an earlier run names a later one, restore it from a backup of the store",
            history.folder, HEAD, headless,
        )  # fmt: skip


def _look(history: History) -> tuple[int, list[tuple[int, int]]]:
    """Number of the last entry where ``head.json`` names none (0 for no such fault), and first and last of each gap.

    What is missing before the first entry may have been dropped, as a checkpoint says; ``history --verify`` knows it.
    """
    known = history.known_head()
    numbers = [number for number in history.numbers() if number < MOST_ENTRIES]
    last = known[0] if known else max(numbers, default=0)
    present = [number for number in numbers if number <= last] or [0]
    if present == [0] and not last:
        return 0, []
    follows = [*present[1:], *([last + 1] if present[-1] < last else [])]
    gaps = [(before + 1, after - 1) for before, after in zip(present, follows, strict=False) if after > before + 1]
    # The run that writes the first entry has no head.json for a moment.
    return (last if known is None and last > 1 else 0), gaps
