"""Check a history: no entry was changed, moved, taken away or added unseen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.exceptions import StorageError
from airflow_provider_kinde.storage.history import HEAD, History
from airflow_provider_kinde.storage.history_gaps import missing_text
from airflow_provider_kinde.storage.history_signature import SignatureCheck, digest_entry
from airflow_provider_kinde.sync.signature import Sign

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
    :param checkpoints: the entries that stand for dropped ones, one sentence each.
    :param checked: what the chain was compared with, one sentence each.
    """

    entries: int = 0
    first: int = 0
    last: int = 0
    head: str = ""
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    checkpoints: list[str] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)


def check_chain(history: History, known: str = "", keys: Mapping[str, Sign] = MappingProxyType({})) -> ChainCheck:
    """Check every entry of a history.

    :param history: the history.
    :param known: hash of an entry that must be there, from a log, a notification or a report; empty for none.
    :param keys: id of a Kinde connection -> signs with its client secret. Without any, signatures are not checked.
    :raises StorageError: the store cannot be read.
    """
    found, hashes, signatures = ChainCheck(), {}, SignatureCheck(keys)
    signers: dict[int, str] = {}
    numbers = history.numbers()
    found.entries = len(numbers)
    dropped, dropped_hash, previous, before, written = 0, "", "", 0, ""
    firsts: list[tuple[int, str, int]] = []
    for number in numbers:
        try:
            head = history.head_line(number)
            if checkpoint := head.get("checkpoint"):
                last, hash = int(checkpoint["last"]), str(checkpoint["hash"])
                found.checkpoints.append(_checkpoint_text(number, checkpoint))
                if last >= dropped:
                    dropped, dropped_hash = last, hash
        except (StorageError, KeyError, TypeError, ValueError) as error:
            found.problems.append(f"entry {number}: {error}")
            head = {}
        if head and head.get("spec") != history.spec_name:
            found.problems.append(f"entry {number} is of the spec {head.get('spec')!r}: it is from another history")
        with history.open(number) as file:
            digest = digest_entry(file)
        hashes[number], signers[number] = digest.hash, digest.key
        if problem := signatures.entry(number, digest):
            found.problems.append(problem)
        if head and before == number - 1 and head["previous"] != previous:
            found.problems.append(f"entry {number} does not follow on entry {before}: one of them was changed")
        if before != number - 1:
            firsts.append((number, str(head.get("previous", "")), before))
        moment = "" if "unsigned" in head else str(head.get("written", ""))
        if moment and _is_older(moment, written):
            found.notes.append(
                f"entry {number} is older than entry {before}: the clock of one of the two computers was wrong"
            )
        written = moment or written
        previous, before = hashes[number], number
    found.problems += _gaps(firsts, dropped, dropped_hash, hashes)
    if numbers:
        found.first, found.last, found.head = numbers[0], numbers[-1], previous
    _check_head(history, found, hashes, signers, signatures)
    # An entry that is not there is known by its hash, from the checkpoint or from the entry after it.
    gone = {dropped_hash: dropped, **{hash: number - 1 for number, hash, _ in firsts if number > dropped + 1}}
    found.checked = [*_checked_heads(found, known, hashes, gone, dropped), *found.checked, *signatures.lines()]
    if len(found.problems) > _SHOWN:
        more = len(found.problems) - _SHOWN
        found.problems = [*found.problems[:_SHOWN], f"and {more:,} more"]
    return found


def _checkpoint_text(number: int, checkpoint: Mapping[str, Any]) -> str:
    first, last, days = (checkpoint[name] for name in ("first", "last", "keep_days"))
    several = f"entries {first} to {last} ({last - first + 1:,} entries), which were"
    dropped = f"entry {first}, which was" if first == last else several
    after = counted(days, "day")
    return f"entry {number} is a checkpoint: it stands for {dropped} dropped after {after} and cannot be checked"


def _checked_heads(
    found: ChainCheck, known: str, hashes: Mapping[int, str], gone: Mapping[str, int], dropped: int
) -> list[str]:
    """Say which heads the chain was compared with; a head that no entry has, and none follows on, is a problem."""
    if not known:
        elsewhere = "give one that was kept elsewhere (task log, notification, report) with --head"
        return [f"checked against {HEAD} alone, which stands beside the entries: {elsewhere}, so that a cut end shows"]
    place = next((number for number, hash in hashes.items() if hash == known), 0)
    place = place or gone.get(known, 0)
    if place:
        after = counted(found.last - place, "entry", "entries")
        return [f"checked against the given head: it is entry {place}, {after} came after it"]
    also = f", or it is one of the entries up to {dropped}, which were dropped" if dropped else ""
    found.problems.append(
        f"no entry has the hash {known}, which was the head once: entries at the end were taken away or changed{also}"
    )
    return []


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
        if number > dropped + 1:
            first, last = max(before, dropped) + 1, number - 1
            why = "it was taken away, or the store lost it"
            if first < last:
                why = "they were taken away, or the store lost them"
            found.append(f"{missing_text(first, last)}: {why}")
        elif number == dropped + 1 and previous != dropped_hash:
            found.append(f"entry {number} does not follow on what the checkpoint stands for: one of them was changed")
    return found


def _check_head(
    history: History, found: ChainCheck, hashes: Mapping[int, str], signers: Mapping[int, str], check: SignatureCheck
) -> None:
    """Check ``head.json``: the run that wrote an entry writes and signs the head that names it."""
    head = history.head()
    if head is None:
        if any(signers.values()):  # runs that could not sign write none
            found.problems.append(f"{HEAD} is missing or was changed, so a cut end would not show")
        return
    if problem := check.signature_problem(head.digest):
        found.problems.append(f"{HEAD} {problem}")
        return
    number, other = head.number, check.keys and not check.is_own(head.digest)
    if number not in hashes:
        forged = f", or {HEAD} was forged: it is signed with another client secret (key {head.digest.key})"
        why = f"it was taken away, or the store lost it{forged if other else ''}"
        found.problems.append(f"{HEAD} names entry {number}, which is missing: {why}")
    elif (hashes[number], signers[number]) != (head.hash, head.digest.key):
        found.problems.append(f"entry {number} is not the one that {HEAD} names: one of them was changed")
    if check.is_own(head.digest):
        found.checked.append(f"{HEAD} is genuine: the run that wrote entry {number} signed it")


def check_lines(check: ChainCheck) -> list[str]:
    """Write the result of a check for a terminal.

    :param check: the result.
    """
    if not check.entries and not check.problems:
        return ["the history is empty"]
    lines = [f"! {problem}" for problem in check.problems] + [f"note: {note}" for note in check.notes]
    if not check.problems:
        lines.append(f"the chain is whole: {counted(check.entries, 'entry', 'entries')}, {check.first} to {check.last}")
    return [*lines, *check.checkpoints, *check.checked, f"head: {check.head}"]
