"""Write the entry of a run, and find out on the way what changed in Kinde without one.

The sync itself never reads the history: what a run does depends on HR, the spec and Kinde alone.
"""

from __future__ import annotations

import hashlib
import json
import logging
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta, timezone
from itertools import chain
from typing import IO, Any

from airflow_provider_kinde.exceptions import StorageError
from airflow_provider_kinde.storage.history import History, Written
from airflow_provider_kinde.storage.history_gaps import missing_text, warn_of_lost_entries
from airflow_provider_kinde.storage.history_signature import bare_values
from airflow_provider_kinde.sync.history.access import (
    AccessRow,
    differences,
    full_text,
    read_access,
    replayed,
    split_full,
)
from airflow_provider_kinde.sync.history.content import BROKEN
from airflow_provider_kinde.sync.history.entry import (
    RunRecord,
    entry_head,
    event_head,
    moment_text,
    operation_lines,
    organization_codes,
)
from airflow_provider_kinde.sync.plan.plan import Plan
from airflow_provider_kinde.sync.report.report import Report
from airflow_provider_kinde.sync.signature import Sign

log = logging.getLogger(__name__)

FULL_ENTRIES = 200
"""Entries after which the whole list of accounts is written again."""
FULL_DAYS = 7
"""Days after which it is written again."""
MOST_CHANGES = 20_000
"""Changes since the last whole list after which the next entry holds the list instead of what changed."""


def write_entry(
    history: History, record: RunRecord, plan: Plan, report: Report | None, keep: int | None = None
) -> Written:
    """Write the entry of a run that planned.

    :param history: the history.
    :param record: who or what ran it, and who approved it.
    :param plan: the plan.
    :param report: what became of it; ``None`` for a plan that was not applied.
    :param keep: days after which entries are dropped; ``None`` for never.
    :returns: the entry.
    :raises StorageError: it cannot be written.
    """
    ended, end = time.time(), history.end(plan.sign)
    warn_of_lost_entries(history, end)
    entry = _Entry(history, record, plan)
    head = entry_head(record, plan, report, ended)
    lines = chain(entry.access_lines(end.number), operation_lines(plan, ended))
    written = history.append(lambda number: {**head, **entry.hints(number)}, lines, plan.sign, end)
    try:
        if keep:
            retire(history, keep, ended, plan.sign, written)
    except (StorageError, FileNotFoundError, *BROKEN) as error:  # the run did its work, and its entry is there
        log.warning("old entries of the history were not dropped: %s", error)
    return written


def write_event(
    history: History,
    record: RunRecord,
    facts: Mapping[str, Any],
    sign: Sign | None,
    operations: Iterable[Mapping[str, Any]] = (),
) -> Written:
    """Write the entry of a run without a plan of its own: it failed, was rejected, or changed one account.

    :param history: the history.
    :param record: who or what ran it, and who approved or rejected it.
    :param facts: further values of the first line.
    :param sign: signs with the client secret; ``None`` where there was none. Then only a failed run has an entry,
        and it says no more than that.
    :param operations: the other lines.
    :returns: the entry.
    :raises StorageError: it cannot be written.
    """
    if sign is None and facts.get("outcome") != "failed":
        raise StorageError("without a Kinde connection its entry cannot be signed, and would count as forged")
    end = history.end(sign)
    warn_of_lost_entries(history, end)
    head = event_head(record, facts, time.time())
    if sign is None:  # others could write such an entry, so that nothing else in it would count
        return history.append(lambda _: bare_values(head), (), None, end)
    lines = [json.dumps(operation, ensure_ascii=False) for operation in operations]

    def with_hints(number: int) -> dict[str, Any]:
        try:
            before = history.head_line(number) if number else {}
        except (StorageError, FileNotFoundError):
            before = {}  # the next run lists all accounts anew
        return {**head, **_carried(before, len(lines))}

    return history.append(with_hints, lines, sign, end)


class _Entry:
    """The part of an entry that depends on the entries before: the list of accounts, or what changed in it."""

    def __init__(self, history: History, record: RunRecord, plan: Plan) -> None:
        self.history, self.record, self.plan = history, record, plan
        self.count = len(plan.operations)
        self.access = "unread"
        self.accounts = 0
        self.lost = self.managed = ""
        self._heads: dict[int, dict[str, Any] | None] = {}

    def hints(self, number: int) -> dict[str, Any]:
        """What the next run needs to know, given the number of the entry before."""
        before = {} if self.access == "full" else self._head(number) or {}
        found: dict[str, Any] = {"access": self.access}
        if self.managed:
            found["managed"] = self.managed
        if self.access in ("full", "changes"):
            found["accounts"] = self.accounts
        if self.lost:
            found["access_lost"] = self.lost
        if self.access == "full":
            at = moment_text(self.record.began)
            return {**found, "full": {"number": number + 1, "at": at}, "changes": self.count}
        return {**_carried(before, self.count), **found}

    def access_lines(self, number: int) -> Iterator[str]:
        """Yield the accounts that changed without an entry, or from time to time all accounts.

        :param number: number of the last entry.
        """
        plan = self.plan
        snapshot = plan.snapshot
        if snapshot is None or plan.spec.name.endswith("~onboarded"):
            return
        codes = organization_codes(plan)
        self.managed = _digest(plan.host, codes)
        now = read_access(snapshot.database, plan.spec.name, codes)
        before = self._head(number)
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="surrogatepass", newline="\n") as noticed:
            try:
                if before is None or self._is_due(before):
                    self.access = "full"
                elif str(before["written"]) >= moment_text(self.record.began):
                    self.access = "concurrent"  # what the other run did may or may not have been there for this one
                else:
                    self._notice(int(before["full"]["number"]), number, now, noticed)
                    self.access = "changes"
            except (StorageError, FileNotFoundError, *BROKEN) as error:
                # No entry, whatever stands in it, may keep a run that has written to Kinde from writing its own.
                log.warning("the history cannot be read, so this entry lists all accounts anew: %s", error)
                self.access = "full"
                self.lost = str(error) if isinstance(error, StorageError) else f"{type(error).__name__}: {error}"
            if self.access == "full":
                self.accounts, self.count = 0, len(plan.operations)
                for row in read_access(snapshot.database, plan.spec.name, codes):
                    self.accounts += 1
                    yield full_text(row)
            elif self.access == "changes":
                noticed.seek(0)
                yield from (line.rstrip("\n") for line in noticed)

    def _notice(self, full: int, last: int, now: Iterator[AccessRow], file: IO[str]) -> None:
        """Write what changed without an entry."""
        earlier = replayed(self._full(full), self._changes(full, last))
        for found in differences(earlier, self._counted(now)):
            self.count += 1
            file.write(json.dumps(found, ensure_ascii=False) + "\n")

    def _counted(self, rows: Iterator[AccessRow]) -> Iterator[AccessRow]:
        for row in rows:
            self.accounts += 1
            yield row

    def _head(self, number: int) -> dict[str, Any] | None:
        if number and number not in self._heads:
            self._heads[number] = None
            try:
                self._heads[number] = self.history.head_line(number)
            except FileNotFoundError:
                self.lost = missing_text(number, number)
            except StorageError as error:
                self.lost = str(error)
        return self._heads.get(number)

    def _is_due(self, before: Mapping[str, Any]) -> bool:
        full = before.get("full")
        if not full or before.get("changes", 0) > MOST_CHANGES:
            return True
        number, at = int(full["number"]), str(full["at"])
        old = moment_text(time.time() - FULL_DAYS * 86_400)
        if int(before["number"]) - number >= FULL_ENTRIES or at < old:
            return True
        return bool(before.get("managed") != self.managed)

    def _changes(self, full: int, last: int) -> dict[str, list[Any]]:
        """User id -> what changed since the last whole list, in order."""
        found: defaultdict[str, list[Any]] = defaultdict(list)
        for number in range(full, last + 1):
            try:
                with self.history.entry(number) as (_, lines):
                    for line in lines:
                        if line.startswith(b"{"):
                            change = json.loads(line)
                            if user := change.get("noticed") or change.get("user"):
                                found[user].append(change)
            except FileNotFoundError:
                raise StorageError(missing_text(number, number)) from None
        return found

    def _full(self, number: int) -> Iterator[tuple[str, str]]:
        with self.history.entry(number) as (_, lines):
            for line in lines:
                if line.startswith(b"["):
                    yield split_full(line.decode().rstrip("\n"))


def _carried(before: Mapping[str, Any], count: int) -> dict[str, Any]:
    """What an entry without a whole list says of the last one."""
    changes = before.get("changes", 0)
    if "full" not in before or not isinstance(changes, int):
        return {}
    kept = {name: before[name] for name in ("full", "managed") if name in before}
    return {**kept, "changes": changes + count}


def _digest(host: str, codes: Mapping[str, str]) -> str:
    """Tells whether the same organizations of the same Kinde are managed as before."""
    return hashlib.sha256(",".join([host, *sorted(codes.values())]).encode()).hexdigest()[:16]


def retire(history: History, days: int, now: float, sign: Sign | None, end: Written | None = None) -> Written | None:
    """Drop entries that are older than some days, and write a checkpoint that stands for them.

    The first entry that stays holds the whole list of accounts, so that access can be told from then on.

    :param history: the history.
    :param days: how long entries are kept.
    :param now: the time, in seconds since 1970.
    :param sign: signs with the client secret.
    :param end: the last entry, if the caller knows it.
    :returns: the checkpoint; ``None`` where no entry is old enough.
    :raises StorageError: the store cannot be read or written.
    """
    limit = datetime.fromtimestamp(now, timezone.utc) - timedelta(days=days)
    cutoff, numbers, stays, until = moment_text(limit.timestamp()), history.numbers(), 0, ""
    written = ""
    for number in numbers:
        head = history.head_line(number)
        if "unsigned" in head:
            continue
        if str(head.get("written", "")) >= cutoff:
            break
        if head.get("access") == "full":
            stays, until = number, written
        written = str(head.get("written", ""))
    dropped = [number for number in numbers if number < stays]
    if not dropped:
        return None
    facts = {
        "first": dropped[0],
        "last": dropped[-1],
        "hash": history.hash_of(dropped[-1]),
        "until": until,
        "keep_days": days,
    }

    def head_of(number: int) -> dict[str, Any]:
        moment = moment_text(now)
        return {
            "command": "checkpoint",
            "written": moment,
            "checkpoint": facts,
            **_carried(history.head_line(number), 0),
        }

    checkpoint = history.append(head_of, (), sign, end)
    for number in dropped:
        history.delete(number)
    return checkpoint
