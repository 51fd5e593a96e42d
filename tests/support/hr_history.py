"""A company's years as its HR system exports them, and a second, plain reading of the rules to judge each run by."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

DAYS_BEFORE, GRACE, DELETE_AFTER = 3, 5, 300
PLACES = {
    "NZ": "Pacific/Auckland",
    "AU": "Australia/Melbourne",
    "DE": "Europe/Berlin",
    "US": "America/New_York",
    "HI": "Pacific/Honolulu",
}

SPEC = f"""
version: 1
name: years
source: {{type: file, path: hr.csv}}
person:
  id: "{{{{ row.id }}}}"
  email: "{{{{ row.email }}}}"
  given_name: "{{{{ row.first }}}}"
  family_name: "{{{{ row.last }}}}"
employment:
  status: "{{{{ row.status }}}}"
  active: [Active, On leave]
  inactive: [Terminated, Pre-hire]
  start_date: "{{{{ row.start }}}}"
  end_date: "{{{{ row.end }}}}"
  date_format: [YYYY-MM-DD, D.M.YYYY]
  timezone: "{{{{ {PLACES}[row.country] }}}}"
may_be_empty: [start, end, lead]
organizations:
  eng: {{name: Engineering}}
  sales: {{name: Sales}}
  all: {{name: Everybody}}
memberships:
  - {{organization: eng, when: "{{{{ row.dept == 'Eng' }}}}", roles: [engineer]}}
  - {{organization: eng, when: "{{{{ row.dept == 'Eng' and row.lead == 'yes' }}}}", roles: [lead]}}
  - {{organization: sales, when: "{{{{ row.dept == 'Sales' }}}}"}}
  - {{organization: all}}
joiner: {{days_before_start: {DAYS_BEFORE}}}
leaver: {{grace_days: {GRACE}, delete_after_days: {DELETE_AFTER}}}
guards: {{max_membership_removals: 9999, max_role_removals: 9999, max_role_grants: 9999, max_deletes: 9999,
          max_joiners: 9999, max_membership_grants: 9999,
          max_rejected_rows: 9999, max_held: 9999}}
"""

TENANT: dict[str, Any] = {
    "organizations": ["Engineering", "Sales", "Everybody", "Press"],
    "roles": ["engineer", "lead", "auditor", "owner", "admin"],
    "users": [
        {"email": "boss@example.com", "memberships": {"Engineering": ["owner", "engineer"], "Everybody": []}},
        {"email": "press@example.com", "memberships": {"Press": ["admin"], "Sales": ["auditor"]}},
        {"email": "second@example.com", "provided_id": "years2:1", "memberships": ["Sales", "Everybody"]},
        {"email": "gone@example.com", "is_suspended": True, "memberships": {"Engineering": ["lead"]}},
        {"email": "nobody@example.com", "provided_id": "crm-17"},
    ],
}
"""What was there before: nothing of it may ever change."""


@dataclass
class Worker:
    """Somebody as HR knows them."""

    id: str
    first: str
    last: str
    email: str
    dept: str
    country: str
    status: str = "Active"
    start: str = ""
    end: str = ""
    lead: str = "yes"

    def row(self, rng: random.Random) -> dict[str, str]:
        """A row, written a little otherwise each time, as exports are."""
        last = unicodedata.normalize(rng.choice(["NFC", "NFD"]), self.last)
        email = rng.choice([self.email, self.email.upper(), f" {self.email} "])
        spaced = f"{self.first}{rng.choice(['', ' '])}"
        return {**vars(self), "first": spaced, "last": last, "email": email}


class Company:
    """Hires, leaves, movements and returns, from one seed."""

    def __init__(self, seed: int, start: date, size: int) -> None:
        self.rng = random.Random(seed)
        self.workers: dict[str, Worker] = {}
        self.listed: set[str] = set()
        self.number = 0
        for _ in range(size):
            self._hire(start - timedelta(days=self.rng.randint(10, 3000)), start)

    def _hire(self, first_day: date, today: date) -> None:
        self.number += 1
        rng, number = self.rng, self.number
        ahead = first_day > today
        worker = Worker(
            id=f"{number:04}",
            first=rng.choice(["Ann", "Bo", "Chloë", "Dürten", "Eve"]) + f"{number}",
            last=rng.choice(["Müller", "O'Neil", "Ångström", "Roe"]),
            email=f"w{number}@example.com",
            dept=rng.choice(["Eng", "Eng", "Sales", "Ops"]),
            country=rng.choice(list(PLACES)),
            status="Pre-hire" if ahead and rng.random() < 0.5 else "Active",
            start=self._day(first_day),
            end=rng.choice(["", "", "9999-12-31"]),
        )
        self.workers[worker.id] = worker
        self.listed.add(worker.id)

    def _day(self, day: date) -> str:
        return day.isoformat() if self.rng.random() < 0.7 else f"{day.day}.{day.month}.{day.year}"

    def live(self, today: date, days: int) -> None:
        """What happens in a stretch of days that ends today."""
        rng = self.rng
        for _ in range(_times(rng, 0.03 * days)):
            self._hire(today + timedelta(days=rng.randint(-3, 25)), today)
        for worker in list(self.workers.values()):
            if worker.status == "Pre-hire" and read_day(worker.start) <= today + timedelta(days=DAYS_BEFORE):
                worker.status = "Active"
            if rng.random() < 0.012 * days:
                self._happen(worker, today)

    def _happen(self, worker: Worker, today: date) -> None:
        rng = self.rng
        if worker.status == "Terminated":
            if rng.random() < 0.25:  # a return; the old end may stay in its column
                worker.status, worker.start = "Active", self._day(today + timedelta(days=rng.randint(-2, 20)))
                self.listed.add(worker.id)
            elif rng.random() < 0.3:
                self.listed.discard(worker.id)
            return
        kind = rng.choice(
            ["leave", "back", "name", "email", "dept", "dept", "lead", "lead", "end", "notice", "past", "rescind"]
        )
        if kind in ("leave", "back"):
            worker.status = "On leave" if kind == "leave" else "Active"
        elif kind == "name":
            worker.last = rng.choice(["Žižek", "Smith-Jones", "de la Cruz", "Roe"])
        elif kind == "email":
            worker.email = f"w{int(worker.id)}.{rng.randint(1, 10**6)}@example.com"
        elif kind == "dept":
            worker.dept = rng.choice(["Eng", "Sales", "Ops", "Ops", ""])
        elif kind == "lead":
            worker.lead = rng.choice(["yes", "no", ""])
        elif kind == "end":
            worker.status, worker.end = "Terminated", ""
        elif kind == "notice":  # an end ahead, whatever the status already says
            worker.end = self._day(today + timedelta(days=rng.randint(0, 40)))
            worker.status = rng.choice(["Active", "Terminated"])
        elif kind == "past":
            worker.status, worker.end = "Terminated", self._day(today - timedelta(days=rng.randint(1, 12)))
        else:
            worker.end = rng.choice(["", "9999-12-31"])

    def lay_off(self, share: float) -> None:
        """A month that no guard should let pass unseen."""
        active = [w for w in self.workers.values() if w.status == "Active"]
        for worker in self.rng.sample(active, int(len(active) * share)):
            worker.status, worker.end = "Terminated", ""

    def export(self) -> list[dict[str, str]]:
        """Today's rows, in any order; now and then one that cannot be understood."""
        rng = self.rng
        rows = [self.workers[id].row(rng) for id in sorted(self.listed)]
        if rng.random() < 0.3:
            rng.choice(rows)["status"] = "???"
        if rng.random() < 0.2:
            rng.choice(rows)["email"] = "broken"
        rng.shuffle(rows)
        return rows


def _times(rng: random.Random, expected: float) -> int:
    return int(expected) + (rng.random() < expected % 1)


def read_day(text: str) -> date:
    if "." in text:
        day, month, year = map(int, text.split("."))
        return date(year, month, day)
    return date.fromisoformat(text)


def moments(seed: int, start: date, months: int) -> Iterator[tuple[datetime, int]]:
    """When the sync runs, and how many days after the last time: monthly, with weeks of daily runs between."""
    rng = random.Random(seed)
    day = start
    for month in range(months):
        for stretch in [30] + [1] * (4 if month % 8 == 2 else 0):
            day += timedelta(days=stretch)
            at = time(rng.randint(0, 23), rng.randint(0, 59), tzinfo=timezone.utc)
            yield datetime.combine(day, at), stretch


@dataclass
class Known:
    """What must be true of one person in Kinde."""

    email: str
    name: tuple[str, str]
    memberships: dict[str, set[str]]
    access: bool = True
    left: date | None = None


@dataclass
class Oracle:
    """The rules again, as short as can be: who has access, where, and whether a guard stops the run."""

    people: dict[str, Known] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    trips: set[str] = field(default_factory=set)

    def run(self, rows: list[dict[str, str]], now: datetime) -> None:
        """Move on to what must be true after a run (once it is approved, where a guard stops it)."""
        today = now.date()
        before = {id for id, known in self.people.items() if known.access}
        recent = {id for id, k in self.people.items() if k.left and k.left >= today - timedelta(days=1)}
        ids = {row["id"] for row in rows}
        gone, renamed, self.held = set(), 0, set()
        for row in sorted(rows, key=lambda row: row["id"]):
            if row["status"] == "???" or row["email"] == "broken":
                continue
            known, verdict = self.people.get(row["id"]), judge(row, now)
            if verdict == "keep":
                verdict = "due" if known and known.access else "grace"
            if verdict == "none" and known:
                gone |= {row["id"]} if known.access else set()
                self._leave(row["id"], known, today)
            elif verdict == "due":
                if known and not row["dept"] and known.memberships.keys() & {"Engineering", "Sales"}:
                    self.held.add(row["id"])  # a blank that would take something away
                else:
                    renamed += self._provide(row, known)
        for id in sorted(self.people.keys() - ids):
            gone |= {id} if self.people[id].access else set()
            self._leave(id, self.people[id], today)
        counted = gone | recent
        self.trips = {
            name
            for name, share, count, base in (
                ("max_leavers", 0.10, len(counted) if gone else 0, len(before | counted)),
                ("max_row_drop", 0.20, len(before - ids), len(before)),
                ("max_email_changes", 0.05, renamed, len(before)),
            )
            if count > max(share * base, min(5, base / 2))
        }

    def _leave(self, id: str, known: Known, today: date) -> None:
        if known.access:
            known.access, known.left = False, today
        elif known.left and today - known.left >= timedelta(days=DELETE_AFTER):
            del self.people[id]

    def _provide(self, row: dict[str, str], known: Known | None) -> bool:
        name = (row["first"].strip(), unicodedata.normalize("NFC", row["last"]))
        email = row["email"].strip().lower()
        memberships: dict[str, set[str]] = {"Everybody": set()}
        if row["dept"] == "Eng":
            memberships["Engineering"] = {"engineer"} | ({"lead"} if row["lead"] == "yes" else set())
        if row["dept"] == "Sales":
            memberships["Sales"] = set()
        self.people[row["id"]] = Known(email, name, memberships)
        return known is not None and known.email != email


def judge(row: dict[str, str], now: datetime) -> str:
    """``due``, ``keep`` (what is there), ``grace`` or ``none``."""
    today = now.astimezone(ZoneInfo(PLACES[row["country"]])).date()
    start = read_day(row["start"]) if row["start"] else None
    end = read_day(row["end"]) if row["end"] else None
    active = row["status"] in ("Active", "On leave")
    if end and (end.year >= 9000 or (start and end < start)):
        end = None
    if start and start - timedelta(days=DAYS_BEFORE) > today:
        return "keep" if active else "none"
    if not active and start and start > today:
        return "due"
    if end is None:
        return "due" if active else "none"
    if today <= end:
        return "due"
    return "grace" if today <= end + timedelta(days=GRACE) else "none"
