"""The people of a plan or a report, grouped by what happens to them, by organization and by reason."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.sync.changes import Change
from airflow_provider_kinde.sync.store.change_queries import ChangeRow
from airflow_provider_kinde.sync.store.changes import ChangeList, change_of

MOST_GROUPS = 200
"""How many groups of one category are told apart; the smaller ones are put together."""
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_NAMED = 3
"""How many organizations the title of a group names."""


@dataclass(frozen=True, slots=True)
class Words:
    """How a page speaks of one category.

    :param title: the heading.
    :param would: what follows "would", in a plan.
    :param did: what happened, in a report.
    """

    title: str
    would: str
    did: str


CATEGORIES: dict[str, Words] = {
    "delete": Words("Accounts deleted", "be deleted", "deleted"),
    "suspend": Words("Lose access", "lose access", "lost access"),
    "remove_membership": Words("Leave an organization", "leave an organization", "left an organization"),
    "remove_role": Words("Lose a role", "lose a role", "lost a role"),
    "create": Words("Join with a new account", "join", "joined"),
    "adopt": Words("Join with an account that exists", "join", "joined"),
    "enable": Words("Get access back", "join", "joined"),
    "add_membership": Words("Join an organization", "join an organization", "joined an organization"),
    "add_role": Words("Get a role", "get a role", "got a role"),
    "rename": Words("New address", "get a new address", "got a new address"),
    "update": Words("Changed details", "get changed details", "got changed details"),
    "create_organization": Words("Organizations created", "be created", "created"),
}
"""Kind of change -> words. A person with several changes is in the first category that fits."""
_PLACE = {kind: number for number, kind in enumerate(CATEGORIES)}


@dataclass(slots=True)
class Group:
    """The people of one category with the same organizations and the same reason.

    :param organization: the aliases, in words; empty where there is none.
    :param reason: the reason, with dates left out.
    :param count: how many people.
    :param people: the changes of the people who are kept, person by person.
    """

    organization: str
    reason: str
    count: int = 0
    people: list[list[Change]] = field(default_factory=list)


@dataclass(slots=True)
class Category:
    """The people to whom one thing happens.

    :param kind: the most serious kind of change that they have.
    :param count: how many people.
    :param kept: how many of them are kept, of whom a page lists every change.
    :param groups: the groups, largest first.
    """

    kind: str
    count: int = 0
    kept: int = 0
    groups: list[Group] = field(default_factory=list)

    @property
    def words(self) -> Words:
        """How a page speaks of it."""
        return CATEGORIES[self.kind]


def categories(changes: ChangeList, keep: int) -> list[Category]:
    """Group the people of a plan or a report.

    :param changes: the changes.
    :param keep: how many people of each category are kept with their changes.
    :returns: the categories that have people, the most serious first.
    """
    found = {kind: Category(kind) for kind in CATEGORIES}
    groups: dict[tuple[str, str, str], Group] = {}
    for mine in changes.rows_by_person():
        main = min(mine, key=lambda row: _PLACE[row.kind]) if len(mine) > 1 else mine[0]
        category = found[main.kind]
        organization, reason = _organizations(main, mine), _DAY.sub("…", main.reason)
        key = (main.kind, organization, reason)
        group = groups.get(key)
        if group is None:
            group = groups[key] = Group(organization, reason)
            category.groups.append(group)
        category.count += 1
        group.count += 1
        if category.kept < keep:
            category.kept += 1
            group.people.append([change_of(row) for row in mine])
    for category in found.values():
        category.groups = list(_largest(category.groups))
    return [category for category in found.values() if category.count]


def _organizations(main: ChangeRow, mine: list[ChangeRow]) -> str:
    """The organizations that a person's main change is about."""
    if main.kind == "create_organization":
        return ""
    given = {o.alias or "" for o in mine if o.kind == "add_membership"}
    if main.kind in ("suspend", "delete", "enable"):
        taken = {o.alias or "" for o in mine if o.kind == "remove_membership"}
        there = set(json.loads(main.organizations) if main.organizations else ())
        names = there | (given if main.kind == "enable" else taken)
    elif main.kind in ("create", "adopt"):
        names = given
    else:
        names = {o.alias or "" for o in mine if o.kind == main.kind}
    named = sorted(names - {""})
    more = len(named) - _NAMED
    return ", ".join(named[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _largest(groups: list[Group]) -> Iterator[Group]:
    ordered = sorted(groups, key=lambda group: (-group.count, group.organization, group.reason))
    yield from ordered[:MOST_GROUPS]
    rest = ordered[MOST_GROUPS:]
    if rest:
        people = [person for group in rest for person in group.people]
        yield Group(
            "other organizations", counted(len(rest), "smaller group"), sum(group.count for group in rest), people
        )
