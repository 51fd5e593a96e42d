"""Check the chain of a history: no entry was changed, moved, taken away or added unseen."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from airflow_provider_kinde.exceptions import StorageError
from airflow_provider_kinde.storage.history import HEAD, History, head_text

_SHOWN = 10


@dataclass(slots=True)
class ChainCheck:
    """What a check of the chain found.

    :param entries: how many entries there are.
    :param first: number of the first one.
    :param last: number of the last one.
    :param head: SHA-256 of the last one.
    :param problems: what is wrong, one sentence each; empty for a chain that is whole.
    :param notes: what is worth to know and no fault of the chain.
    """

    entries: int = 0
    first: int = 0
    last: int = 0
    head: str = ""
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def check_chain(history: History, known: str = "") -> ChainCheck:
    """Check every entry of a history.

    :param history: the history.
    :param known: hash of an entry that must be there, from a log, a notification or a report; empty for none.
    :raises StorageError: the store cannot be read.
    """
    found, hashes = ChainCheck(), {}
    numbers = history.numbers()
    found.entries = len(numbers)
    dropped, dropped_hash, previous, before, written = 0, "", "", 0, ""
    firsts: list[tuple[int, str, int]] = []
    for number in numbers:
        try:
            head = history.head_line(number)
            checkpoint = head.get("checkpoint") or {}
            if checkpoint and int(checkpoint["last"]) >= dropped:
                dropped, dropped_hash = int(checkpoint["last"]), str(checkpoint["hash"])
        except (StorageError, KeyError, TypeError, ValueError) as error:
            found.problems.append(f"entry {number}: {error}")
            head = {}
        if head and head["number"] != number:
            found.problems.append(f"entry {number} calls itself {head['number']}: it was moved")
        hashes[number] = history.hash_of(number)
        if head and before == number - 1 and head["previous"] != previous:
            found.problems.append(f"entry {number} does not follow on entry {before}: one of them was changed")
        if before != number - 1:
            firsts.append((number, str(head.get("previous", "")), before))
        if head and _is_older(str(head.get("written", "")), written):
            found.notes.append(
                f"entry {number} is older than entry {before}: the clock of one of the two computers was wrong"
            )
        written = str(head.get("written", "")) or written
        previous, before = hashes[number], number
    found.problems += _gaps(firsts, dropped, dropped_hash, hashes)
    if numbers:
        found.first, found.last, found.head = numbers[0], numbers[-1], previous
    found.problems += _head_problems(history, hashes)
    if known and known not in hashes.values():
        found.problems.append(
            f"no entry has the hash {known}, which was the head once: entries at the end were taken away or changed"
        )
    if len(found.problems) > _SHOWN:
        more = len(found.problems) - _SHOWN
        found.problems = [*found.problems[:_SHOWN], f"and {more:,} more"]
    return found


def _is_older(written: str, before: str) -> bool:
    """Whether an entry was written before the one before it. Runs at the same time differ by less than a minute."""
    try:
        first, last = (datetime.fromisoformat(text.replace("Z", "+00:00")) for text in (written, before))
        return (last - first).total_seconds() > 60
    except (ValueError, TypeError):
        return written < before


def _gaps(firsts: list[tuple[int, str, int]], dropped: int, dropped_hash: str, hashes: dict[int, str]) -> list[str]:
    """What is missing before some entries. What the last checkpoint stands for may be missing, wholly or in part."""
    found = []
    for number, previous, before in firsts:
        missing = f"entry {before + 1} is missing" if before + 1 == number - 1 else ""
        missing = missing or f"entries {before + 1} to {number - 1} are missing"
        if number > dropped + 1:
            if before < dropped:
                missing = f"entries {dropped + 1} to {number - 1} are missing"
            found.append(f"{missing}: they were taken away, or the store lost them")
        elif number == dropped + 1 and previous != dropped_hash:
            found.append(f"entry {number} does not follow on what the checkpoint stands for: one of them was changed")
    return found


def _head_problems(history: History, hashes: dict[int, str]) -> list[str]:
    known = history.known_head()
    if known is None:
        return [f"{HEAD} is missing or was changed, so a cut end would not show"] if hashes else []
    number, hash = known
    with history.open_head() as file:
        if file.read() != head_text(number, hash).encode():
            return [f"{HEAD} was changed"]
    if number not in hashes:
        return [f"{HEAD} names entry {number}, which is missing: entries at the end were taken away"]
    if hashes[number] != hash:
        return [f"entry {number} is not the one that {HEAD} names: one of them was changed"]
    return []


def check_lines(check: ChainCheck) -> list[str]:
    """Write the result of a check for a terminal.

    :param check: the result.
    """
    if not check.entries and not check.problems:
        return ["the history is empty"]
    lines = [f"! {problem}" for problem in check.problems] + [f"note: {note}" for note in check.notes]
    if not check.problems:
        lines.append(f"the chain is whole: {check.entries:,} entries, {check.first} to {check.last}")
    return [*lines, f"head: {check.head}"]
