"""A company on three days, its tenant, and what of a tenant and a report must not depend on who did the work."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.hr import TEAMS, Company, Person
from benchmarks.hr import tenant as tenant_of_all

CREATED = "people"
"""The organization that the first run makes."""


class Staff(Company):
    """A folder with HR file and spec.

    :param folder: made if missing.
    :param size: how many people there are on the first day.
    """

    def __init__(self, folder: Path, size: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(folder)
        self.size = size
        self.path = folder / "spec.yaml"
        self.spec()
        text = self.path.read_text()
        self.path.write_text(text.replace(f"{{name: {CREATED}}}", f"{{name: {CREATED}, create: true}}"))

    def first_day(self) -> None:
        """Everybody joins."""
        self.hire(self.size, leads=self.size // 10)
        self.write()

    def next_day(self, day: int) -> None:
        """One in four changes in one way or another, other people each day; a tenth joins."""
        for place, person in enumerate(self.people):
            self.people[place] = _changed(person, (person.number + 7 * day) % 20, day)
        self.hire(self.size // 10, leads=self.size // 50)
        self.write()


def _changed(person: Person, turn: int, day: int) -> Person:
    if turn == 1:
        return person.changed(team=TEAMS[(TEAMS.index(person.team) + 1) % len(TEAMS)])
    if turn == 2:
        return person.changed(status="Active" if person.status == "Left" else "Left")
    if turn == 3:
        return person.changed(given=f"Given{person.number} on day {day}")
    if turn == 4:
        return person.changed(address=f"day{day}-{person.number}@bench.example")
    return person.changed(lead=not person.lead) if turn == 5 else person


def tenant() -> dict[str, Any]:
    """What Kinde holds before the first day: one organization less than the spec names, and somebody unmanaged."""
    data = tenant_of_all()
    data["organizations"] = [item for item in data["organizations"] if item["name"] != CREATED]
    data["users"] = [{"email": "owner@bench.example", "first_name": "O", "memberships": {"sales": ["lead"]}}]
    return data


def end_state(state: dict[str, Any]) -> dict[str, Any]:
    """A tenant without what Kinde makes up: ids, codes, moments."""
    names = {item["code"]: item["name"] for item in state["organizations"]}
    assert len(set(names.values())) == len(names), "an organization was made twice"
    users = {}
    for user in state["users"]:
        key = user["provided_id"] or user["email"]
        # The day of leaving: midnight may be between two runs.
        key = re.sub(r"~left=.*", "~left", key)
        assert key not in users, f"{key} is there twice"
        users[key] = {
            **{name: user[name] for name in ("email", "first_name", "last_name", "is_suspended", "properties")},
            "identities": sorted((item["type"], item["value"], item["is_primary"]) for item in user["identities"]),
            "memberships": {names[code]: sorted(roles) for code, roles in user["memberships"].items()},
        }
    return {"organizations": sorted(names.values()), "users": users}


def account(report: dict[str, Any]) -> dict[str, Any]:
    """A report without the order of its operations, requests, and what follows from the host's name and the clock."""
    found = {name: report[name] for name in ("spec", "summary", "outcome", "outcomes", "blocked", "changed_since_plan")}
    for name in ("operations", "held", "rejected"):
        found[name] = Counter(repr(sorted(item.items(), key=lambda pair: pair[0])) for item in report[name])
    return found


def requests_of(log: list[dict[str, Any]]) -> Counter[str]:
    """How many calls there were: ``read``, ``write``, ``token``."""
    kinds = {"api": lambda entry: "read" if entry["method"] == "GET" else "write"}
    return Counter(kinds.get(entry["kind"], lambda entry: entry["kind"])(entry) for entry in log)
