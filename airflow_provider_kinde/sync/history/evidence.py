"""Evidence for auditors from the entries of a history: leavers, access, exceptions, changes by hand, completeness."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import Any

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.sync.history.access import Line
from airflow_provider_kinde.sync.history.accounts import AccountStates, Noticed
from airflow_provider_kinde.sync.history.entry import moment_text
from airflow_provider_kinde.sync.history.leavers import COLUMNS, Leaver, Leavers, seconds_between
from airflow_provider_kinde.sync.history.moments import (
    by_the_clock,
    operation_by_the_clock,
    seconds_ahead,
    seconds_of,
)
from airflow_provider_kinde.sync.history.table import approval_text, who_ran
from airflow_provider_kinde.sync.report.table import safe_cell

HELD_DAYS = 7
"""Days after which a person who is held is listed as an exception."""
SYNCS = frozenset({"apply", "plan"})
"""What the history calls runs that look at every person."""
NOT_RUN = "days on which no run was carried out"
"""What the statement of completeness calls days without an apply that read all people and was not stopped."""
CONFLICT = "conflicts"
"""Begins the reason of a person who is held since two of the roles may not be held together."""


@dataclass(slots=True)
class Table:
    """One table of the evidence.

    :param name: the name of its file, without suffix.
    :param title: what it shows.
    :param columns: the names of its columns.
    :param rows: its rows.
    """

    name: str
    title: str
    columns: Sequence[str]
    rows: list[Sequence[Any]] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """Write the table as CSV. A cell that a spreadsheet would run as a formula gets an apostrophe in front."""
        for row in [self.columns, *self.rows]:
            buffer = io.StringIO()
            csv.writer(buffer, lineterminator="\n").writerow(
                [value if isinstance(value, (int, float)) else safe_cell(str(value)) for value in row]
            )
            yield buffer.getvalue()


class Evidence:
    """Collects the evidence of some days. Give it every entry of the history in order, from the first one on.

    :param begin: first day (UTC), such as ``2026-01-01``.
    :param end: last day (UTC).
    :param held_days: days after which a held person is listed.
    """

    def __init__(self, begin: str, end: str, held_days: int = HELD_DAYS) -> None:
        self.begin, self.end, self.held_days = begin, end, held_days
        self.until = (date.fromisoformat(end) + timedelta(days=1)).isoformat()
        self.states = AccountStates()
        self.leavers = Leavers(self.states)
        self.noticed: list[Noticed] = []
        self.approvals: list[Sequence[Any]] = []
        self.facts: Counter[str] = Counter()
        self.lists: dict[str, dict[str, None]] = {}
        self.days: set[str] = set()
        """Days on which a run was carried out."""
        self.stopped: dict[str, str] = {}
        """Day -> why its last run was not carried out."""
        self._held: dict[tuple[str, str], tuple[str, str, int]] = {}
        self._spans: list[Sequence[Any]] = []
        self._exceptions: dict[tuple[str, str, str], tuple[str, str]] = {}
        self._written = ""
        self.first = self.last = 0

    def wants(self, head: Mapping[str, Any]) -> bool:
        """Whether an entry counts: everything up to the last day does, since access is rebuilt from the beginning.

        :param head: the first line of the entry.
        """
        return "unreadable" in head or _moment(by_the_clock(head)) < self.until

    def entry(self, head: Mapping[str, Any], lines: Iterator[Any]) -> None:
        """Take an entry.

        :param head: its first line.
        :param lines: its other lines, as JSON holds them: accounts, then what was noticed, then operations.
        """
        if "unreadable" in head:
            self._list("entries that cannot be read", f"entry {head['number']}: {head['unreadable']}")
            return
        if "unsigned" in head:  # it read nothing, and changed nothing
            if _moment(head)[:10] >= self.begin:
                self._told(head)
            return
        ahead, head = seconds_ahead(head), by_the_clock(head)
        self.states.begin(head)
        changes: list[Mapping[str, Any]] = []
        noticed: list[Noticed] = []
        if head.get("access") == "full":
            full, rest = _split(lines)
            noticed += self.states.listed(head, full)
            lines = iter(rest)
        for line in lines:
            if "noticed" in line:
                noticed += self.states.noticed(head, line)
            else:
                changes.append(operation_by_the_clock(line, ahead))
        changes = [change for change in changes if str(change.get("done") or "") < self.until]
        self.leavers.entry(head, changes)
        for change in changes:
            self.states.apply(head, change)
        failed = {str(change.get("user")) for change in changes if change["outcome"] in ("failed", "skipped")}
        self.states.end(head, failed)
        if max(_moment(head), str(head.get("written") or ""))[:10] >= self.begin:
            self._moved(head)
        if _moment(head)[:10] >= self.begin:
            self.noticed += noticed
            self._told(head)
        self._holds(head)

    # -- one entry -------------------------------------------------------------------------------------------------

    def _told(self, head: Mapping[str, Any]) -> None:
        number = int(head["number"])
        self.first, self.last = self.first or number, number
        day = _moment(head)[:10]
        command, outcome = head.get("command", ""), head.get("outcome", "")
        self.facts[f"runs: {command}, {outcome or 'written'}"] += 1
        read = head.get("access") in ("full", "changes", "concurrent")
        if command == "apply" and outcome != "blocked" and read and not head.get("limits"):
            self.days.add(day)
        elif command in (*SYNCS, "approve") and outcome in ("blocked", "rejected", "failed"):
            self.stopped[day] = outcome
        elif command == "apply":
            self.stopped[day] = "limited"
        source = head.get("input") or {}
        if source:
            complete = "complete" if source.get("complete") else "not proven complete"
            self._list(
                "sources", f"{source.get('source')} ({complete}); columns {' '.join(source.get('columns') or ())}"
            )
            self.facts["rows read in all runs"] += int(source.get("rows") or 0)
            self.facts["rows rejected in all runs"] += len(head.get("rejected") or ())
            self.facts["last run: rows"] = int(source.get("rows") or 0)
        for name, value in (("Kinde", head.get("host")), ("versions", head.get("versions"))):
            if value:
                self._list(name, str(value))
        if head.get("spec_hash"):
            self._list("spec (SHA-256)", str(head["spec_hash"]))
        if head.get("limits"):
            self._list("runs limited to some people or changes", f"entry {number}: {head['limits']}")
        if head.get("absence_unknown"):
            self._list("runs in which no person could be absent", f"entry {number}: {head['absence_unknown']}")
        written = "" if "unsigned" in head else str(head.get("written") or "")
        if written and written < self._written and float(seconds_between(written, self._written) or 0) > 60:
            self._list("entries whose clock went back", f"entry {number}: {written} after {self._written}")
        self._written = max(self._written, written)
        if head.get("access_lost"):
            self._list("gaps in what is known of access", f"entry {number}: {head['access_lost']}")
        self._approvals(head)

    def _moved(self, head: Mapping[str, Any]) -> None:
        """List a run for another moment, in the days of its moment and in those in which it was written."""
        shift = float(head.get("shifted_seconds") or 0)
        if abs(shift) > 60:
            at = moment_text(seconds_of(head["written"]) + shift)
            text = f"entry {head['number']}: {head.get('command', '')} for {at}, written {head['written']}"
            self._list("runs for another moment than the clock's (--now)", text)

    def _approvals(self, head: Mapping[str, Any]) -> None:
        number, at = int(head["number"]), _moment(head)
        given = head.get("approval") or {}
        if error := head.get("error"):
            self.approvals.append(("failed run", at, "", "", "", who_ran(head), "", number, error))
            self._list("runs that failed before they wrote to Kinde", f"entry {number}: {error}")
        elif head.get("outcome") == "failed":
            self.approvals.append(("failed run", at, "", "", "", who_ran(head), "", number, _failure(head)))
        if "by" in given:
            guards = "; ".join(
                f"{g['guard']}: {g.get('count', '')}, limit {g.get('allowed', '')}"
                for g in head.get("guards") or ()
                if g.get("exceeded")
            )
            guards = guards or "; ".join(str(block["reason"]) for block in head.get("blocked") or ())
            kind = {"rejected": "rejected approval", "failed": "approval of a failed run"}.get(head.get("outcome", ""))
            self.approvals.append((
                kind or "approval", at, given.get("at", ""), "", given.get("by", ""), given.get("how", ""),
                given.get("hash", ""), number, guards or approval_text(head),
            ))  # fmt: skip
        for id in head.get("approved_protected") or ():
            by = given.get("by") or (head.get("run") or {}).get("user", "")
            self.approvals.append(("protected person approved by id", at, "", id, by, who_ran(head), "", number, ""))
        for block in (head.get("blocked") or ()) if head.get("outcome") == "blocked" else ():
            self.approvals.append(("blocked run", at, "", "", "", who_ran(head), "", number, block["reason"]))
        for exception in head.get("exceptions") or ():
            key = (str(exception.get("kind")), str(exception.get("who")), str(exception.get("what")))
            self._exceptions.setdefault(key, (at, str(number)))

    def _holds(self, head: Mapping[str, Any]) -> None:
        """Follow who is held from run to run of the sync. An undo or a review does not look at those who are."""
        whole = head.get("command") in SYNCS and not head.get("limits")
        if head.get("access") not in ("full", "changes", "concurrent") or not whole:
            return
        number, at = int(head["number"]), str(head.get("at"))
        now = {(str(one["id"]), str(one["reason"])) for one in head.get("held") or ()}
        for key in [key for key in self._held if key not in now]:
            begin, _, first = self._held.pop(key)
            self._span(key, begin, at, first)
        for key in now:
            begin, _, first = self._held.get(key, (at, at, number))
            self._held[key] = (begin, at, first)

    def _span(self, key: tuple[str, str], begin: str, end: str, entry: int, open: bool = False) -> None:
        lasted = seconds_between(begin, end)
        long = isinstance(lasted, float) and lasted > self.held_days * 86_400
        conflict = key[1].startswith(CONFLICT)
        if (long or conflict) and end[:10] >= self.begin:
            kind = "roles in conflict" if conflict else f"held for more than {counted(self.held_days, 'day')}"
            self._spans.append((kind, begin, "" if open else end, key[0], "", "", "", entry, key[1]))

    def _list(self, name: str, value: str) -> None:
        self.lists.setdefault(name, {})[value] = None

    # -- the tables ------------------------------------------------------------------------------------------------

    def tables(self, completeness: Iterable[tuple[str, str]]) -> list[Table]:
        """Make the tables.

        :param completeness: further rows of the completeness statement: what was checked, and what was found.
        """
        for key, (begin, last, entry) in self._held.items():
            self._span(key, begin, last, entry, open=True)
        self._held.clear()
        leavers = sorted(filter(self._in_range, self.leavers), key=lambda one: (one.due or one.known, one.id))
        exceptions = [
            (kind, at, "", who, "", "the spec", "", number, what)
            for (kind, who, what), (at, number) in self._exceptions.items()
        ]
        return [
            Table("leavers", "When leavers were to lose access, and did", COLUMNS, [one.row() for one in leavers]),
            Table(
                "access", f"Access at the end of {self.end} (UTC)",
                ("id", "user", "organization", "organization_code", "role", "since", "rule", "entry", "last_sign_in",
                 "last_sign_in_read"),
                list(self.states.rows()),
            ),
            Table(
                "exceptions", "Approvals and exceptions",
                ("what", "at", "until", "id", "by", "how", "hash", "entry", "detail"),
                [*self.approvals, *exceptions, *sorted(self._spans, key=lambda row: (row[1], row[3]))],
            ),
            Table(
                "by_hand", "Changes without a run of the sync",
                ("noticed_at", "not_so_at", "id", "user", "what", "entry", "note"),
                [(n.at, n.after, n.id, n.user, n.what, n.entry, n.note) for n in self.noticed],
            ),
            Table("completeness", "Completeness", ("what", "value"), list(self._statement(completeness))),
        ]  # fmt: skip

    def _in_range(self, leaver: Leaver) -> bool:
        # A person whom someone else suspended before HR said so may be done and due in an earlier range, which could
        # not know it.
        moments = [text for text in (leaver.done, leaver.due, leaver.known) if text]
        if not leaver.done:
            return min(moments) < self.until
        return any(self.begin <= text[:10] < self.until for text in moments)

    def _statement(self, more: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
        yield "from", self.begin
        yield "to", self.end
        yield from more
        if self.first:
            yield "entries", f"{self.first} to {self.last}"
        yield "access known since", self.states.since or "never: no entry lists the accounts"
        if self.states.read:
            yield "access read from Kinde last", self.states.read
        for name, count in sorted(self.facts.items()):
            yield name, str(count)
        for name, values in sorted(self.lists.items()):
            for value in values:
                yield name, value
        today = datetime.now(timezone.utc).date().isoformat()
        missing = list(_missing(self.begin, min(self.end, max([today, *self.days, *self.stopped])), self.days))
        why = [self.stopped.get(day, "without an apply") for day in missing]
        counts = ", ".join(f"{count} {word}" for word, count in Counter(why).most_common())
        yield NOT_RUN, f"{len(missing)} ({counts})" if missing else "0"
        for day, word in zip(missing, why, strict=True):
            yield f"{NOT_RUN}: {word}", day


def _moment(head: Mapping[str, Any]) -> str:
    """When a run counts. An entry without signature does not say how far ``--now`` was ahead of the clock."""
    return min((str(head[name]) for name in ("at", "written") if head.get(name)), default="")


def _failure(head: Mapping[str, Any]) -> str:
    """Why a run failed that had a plan."""
    outcomes = head.get("outcomes") or {}
    said = [
        f"{counted(count, 'operation')} {word}"
        for name, word in (("failed", "failed"), ("skipped", "not done"))
        if (count := int(outcomes.get(name, 0)))
    ]
    if waiting := [str(one["id"]) for one in head.get("held") or () if one.get("protected")]:
        said.append(f"{counted(len(waiting), 'protected leaver')} kept access: {' '.join(waiting)}")
    return "; ".join([*said, *(["interrupted"] if head.get("interrupted") else [])])


def _missing(begin: str, end: str, days: set[str]) -> Iterator[str]:
    day, last = date.fromisoformat(begin), date.fromisoformat(end)
    while day <= last:
        if day.isoformat() not in days:
            yield day.isoformat()
        day += timedelta(days=1)


def _split(lines: Iterator[Any]) -> tuple[Iterator[Line], list[Any]]:
    """The accounts at the beginning of an entry, and, once they were taken, a list with the rest."""
    rest: list[Any] = []

    def accounts() -> Iterator[Line]:
        for line in lines:
            if isinstance(line, list):
                yield line
            else:
                rest.append(line)
                rest.extend(lines)

    return accounts(), rest
