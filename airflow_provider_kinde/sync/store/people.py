"""The people of a run, in its :class:`Database`: like a dictionary. A :class:`Person` is made when it is read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

from airflow_provider_kinde.sync.model import Access, DesiredMembership, Person, RejectedRow, UnclearRule
from airflow_provider_kinde.sync.store import hr_rows
from airflow_provider_kinde.sync.store.database import Database


class PersonRow(NamedTuple):
    """A row of the table ``hr``, column by column.

    :param number: the number of the row in the source.
    :param id: the HR id.
    :param mark: equal for rows that hold the same.
    :param access: an :class:`Access`; ``None`` where the row is rejected or held.
    :param why: why the person has this access, in words.
    :param email: the address as HR has it.
    :param key: the address in the form for comparing.
    :param given: first name.
    :param family: last name.
    :param properties: user properties, as :func:`encode_properties` writes them.
    :param memberships: memberships and unclear rules, as :func:`encode_memberships` writes them.
    :param adopt: a ``provided_id`` that the person's account may have.
    :param connection: the connection to sign in by; empty where there is none.
    :param due_at: since when, by HR's dates, the person has this access, in UTC; empty where no date says so.
    """

    number: int
    id: str
    mark: int
    access: str | None
    why: str | None
    email: str | None
    key: str | None
    given: str | None
    family: str | None
    properties: str | None
    memberships: str | None
    adopt: str | None
    connection: str | None
    due_at: str | None


class PersonName(NamedTuple):
    """What tells a person without an account from others.

    :param id: the HR id.
    :param access: a value of :class:`Access`.
    :param key: the address in the form for comparing.
    :param given: first name.
    :param family: last name.
    """

    id: str
    access: str
    key: str | None
    given: str
    family: str


_SELECT = f"SELECT {', '.join(f'hr.{column}' for column in PersonRow._fields)} FROM hr"

WITH_ID = f"{_SELECT} WHERE id = ? AND access IS NOT NULL"

WITH_ADDRESS = f"{_SELECT} WHERE key = ? AND access IS NOT NULL ORDER BY rowid"

WITHOUT_ACCOUNT = f"""
{_SELECT} WHERE access = ? AND NOT EXISTS (SELECT 1 FROM accounts WHERE accounts.link = hr.id) ORDER BY hr.id
"""

NAMES_WITHOUT_ACCOUNT = """
SELECT id, access, key, given, family FROM hr
WHERE access IS NOT NULL AND NOT EXISTS (SELECT 1 FROM accounts WHERE accounts.link = hr.id) ORDER BY id
"""

WITH_ADDRESS_OF_ANOTHER = f"""
{_SELECT} WHERE rowid IN (
  SELECT hr.rowid FROM hr JOIN accounts ON accounts.key = hr.key
  WHERE hr.key IS NOT NULL AND hr.access IN (:active, :keep) AND accounts.link IS NOT hr.id
  UNION
  SELECT hr.rowid FROM hr JOIN addresses ON addresses.key = hr.key JOIN accounts ON accounts.id = addresses.account
  WHERE hr.key IS NOT NULL AND hr.access IN (:active, :keep) AND accounts.link IS NOT hr.id
) ORDER BY rowid
"""

STARTING_LATER = """
SELECT id, substr(why, -10) FROM hr WHERE access IN (:keep, :none) AND why LIKE :starts
  AND NOT EXISTS (SELECT 1 FROM accounts WHERE accounts.link = hr.id AND NOT accounts.suspended)
"""

IDS = "SELECT id FROM hr WHERE access IS NOT NULL ORDER BY rowid"

COUNT = "SELECT count(*) FROM hr WHERE access IS NOT NULL"

HAS_ID = "SELECT 1 FROM hr WHERE id = ? AND access IS NOT NULL"

COUNT_ADDRESS = "SELECT count(*) FROM hr WHERE key = ? AND access IS NOT NULL"

DISTINCT_MEMBERSHIPS = (
    "SELECT min(number), memberships FROM hr WHERE access IS NOT NULL GROUP BY memberships ORDER BY min(rowid)"
)

ALL_IDS = "SELECT id FROM hr ORDER BY rowid"

COUNT_ALL = "SELECT count(*) FROM hr"

HAS_ROW = "SELECT 1 FROM hr WHERE id = ?"

_ACCESS = {access.value: access for access in Access}


COUNT_MEMBERSHIPS = (
    "SELECT memberships, access = ?, count(*) FROM hr WHERE access IN (?, ?, ?) GROUP BY memberships, access = ?"
)

WITH_MEMBERSHIPS = "SELECT id, memberships FROM hr WHERE access = ? AND memberships IN ({marks}) ORDER BY rowid"

_SETS = 500
"""How many sets of memberships one query names: SQLite takes a limited number of values."""


def encode_memberships(memberships: tuple[DesiredMembership, ...], unclear_rules: tuple[UnclearRule, ...]) -> str:
    """Memberships and unclear rules as one text; empty where there are none.

    :param memberships: what rules grant.
    :param unclear_rules: what a blank cell leaves undecided.
    """
    if not memberships and not unclear_rules:
        return ""
    return json.dumps([
        [[one.alias, sorted(one.roles), one.entry, one.kept] for one in memberships],
        [[rule.columns, rule.entry, rule.alias, sorted(rule.roles)] for rule in unclear_rules],
    ])  # fmt: skip


@lru_cache(maxsize=20_000)
def decode_memberships(text: str) -> tuple[tuple[DesiredMembership, ...], tuple[UnclearRule, ...]]:
    """The opposite of :func:`encode_memberships`.

    :param text: what it returned.
    """
    if not text:
        return (), ()
    memberships, unclear_rules = json.loads(text)
    return (
        tuple(DesiredMembership(alias, frozenset(roles), entry, kept) for alias, roles, entry, kept in memberships),
        tuple(
            UnclearRule(tuple(columns), entry, alias, frozenset(roles))
            for columns, entry, alias, roles in unclear_rules
        ),
    )


def roles_by_organization(memberships: tuple[DesiredMembership, ...]) -> dict[str, frozenset[str]]:
    """Alias -> role keys of all that the rules grant a person: rules add up.

    :param memberships: what each rule grants.
    """
    found: dict[str, frozenset[str]] = {}
    for one in memberships:
        if one.kept:
            continue
        found[one.alias] = found.get(one.alias, frozenset()) | one.roles
    return dict(sorted(found.items()))


def encode_properties(properties: tuple[tuple[str, str], ...]) -> str:
    """Properties as one text; empty where the spec has none.

    :param properties: property keys and values.
    """
    return json.dumps(properties) if properties else ""


def _person_of(columns: tuple[Any, ...]) -> Person:
    row = PersonRow._make(columns)
    memberships, unclear_rules = decode_memberships(row.memberships or "")
    pairs = tuple((str(key), str(value)) for key, value in json.loads(row.properties)) if row.properties else ()
    return Person(
        row.id, row.number, row.email or "", row.given or "", row.family or "", pairs, _ACCESS[row.access or ""],
        row.why or "", memberships, unclear_rules, row.adopt or "",
        row.connection or "", row.due_at or "",
    )  # fmt: skip


class Persons(Mapping[str, Person]):
    """HR id -> person, of the rows that were understood and do not contradict each other.

    :param database: the database of the run.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def __getitem__(self, id: str) -> Person:
        row = self._database.one(WITH_ID, (id,))
        if row is None:
            raise KeyError(id)
        return _person_of(row)

    def __iter__(self) -> Iterator[str]:
        for (id,) in self._database.each(IDS):
            yield id

    def __len__(self) -> int:
        return self._database.count(COUNT)

    def __contains__(self, id: object) -> bool:
        return bool(self._database.one(HAS_ID, (id,)))

    def with_address(self, key: str) -> list[Person]:
        """The people who have an address.

        :param key: the address in the form for comparing.
        """
        return [_person_of(row) for row in self._database.each(WITH_ADDRESS, (key,))]

    def without_account(self, access: Access) -> Iterator[Person]:
        """The people who have no linked account, in the order of their ids. The accounts must have been read.

        :param access: only people with this access.
        """
        return map(_person_of, self._database.each(WITHOUT_ACCOUNT, (access.value,)))

    def names_without_account(self) -> Iterator[PersonName]:
        """The names of the people who have no linked account, by id. The accounts must have been read."""
        return map(PersonName._make, self._database.each(NAMES_WITHOUT_ACCOUNT))

    def with_address_of_another(self) -> Iterator[Person]:
        """The people whose address stands on an account that is not linked to them."""
        values = {"active": Access.ACTIVE.value, "keep": Access.KEEP.value}
        return map(_person_of, self._database.each(WITH_ADDRESS_OF_ANOTHER, values))

    def starting_later(self, words: str) -> Iterator[tuple[str, str]]:
        """Yield the HR id and the first day of people without access who start later. The accounts must be read.

        :param words: what stands before the day, at the end of the reason for their access.
        """
        pattern = f"%, {words}{'_' * len('2026-01-01')}"
        values = {"keep": Access.KEEP.value, "none": Access.NONE.value, "starts": pattern}
        yield from self._database.each(STARTING_LATER, values)

    def distinct_memberships(self) -> list[tuple[int, str]]:
        """Every set of memberships that a person needs, as the table keeps it, after the number of its first row."""
        return self._database.all(DISTINCT_MEMBERSHIPS)

    def count_memberships(self) -> list[tuple[str, bool, int]]:
        """Every set of memberships, as the table keeps it, whether it is given today, and how many people have it."""
        due, keep, grace = (access.value for access in (Access.ACTIVE, Access.KEEP, Access.GRACE))
        found = self._database.all(COUNT_MEMBERSHIPS, (due, due, keep, grace, due))
        return [(str(text or ""), bool(given), int(count)) for text, given, count in found]

    def with_memberships(self, texts: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Yield the people with access who have one of some sets of memberships.

        :param texts: the sets, as the table keeps them.
        :returns: the HR id and the set of each, in the order of the rows.
        """
        coming = iter(texts)
        while some := list(islice(coming, _SETS)):
            query = WITH_MEMBERSHIPS.format(marks=",".join("?" * len(some)))
            yield from self._database.each(query, (Access.ACTIVE.value, *some))

    def count_address(self, key: str) -> int:
        """How many people have an address.

        :param key: the address in the form for comparing.
        """
        return self._database.count(COUNT_ADDRESS, (key,))


class RowIds(AbstractSet[str]):
    """The ids of all rows, those of rejected and held rows included.

    :param database: the database of the run.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def __contains__(self, id: object) -> bool:
        return bool(self._database.one(HAS_ROW, (id,)))

    def __iter__(self) -> Iterator[str]:
        for (id,) in self._database.each(ALL_IDS):
            yield id

    def __len__(self) -> int:
        return self._database.count(COUNT_ALL)

    @classmethod
    def _from_iterable(cls, found: Iterable[Any]) -> set[Any]:
        return set(found)


@dataclass(slots=True)
class People:
    """Everything that one reading of the HR source says.

    :param database: where rows are kept.
    :param persons: by HR id; neither rejected nor held rows are in it.
    :param rejected: in row order.
    :param held: id -> reason, for people whose rows were understood but contradict each other (one address, two ids).
    :param rows: how many rows were read, whatever became of them.
    :param ids: the ids of all rows, those of rejected and held rows included: none of these is absent.
    :param absence_unknown: why no person can be treated as absent (the id of a row cannot be read), or empty.
    :param problems: why the source may not be acted upon at all (empty, incomplete, drifted): never approvable.
    :param proven: the source proved that it is complete.
    :param columns: the columns of the source, sorted.
    :param data_time: when the source's data was written, as the source says; empty where it does not.
    :param unseen: texts that the spec compares a column with, and that no row holds: a line for each.
    :param unmapped: values of columns that rules compare, which no rule names: a line for each column, in counts.
    """

    database: Database = field(default_factory=Database)
    persons: Persons = field(init=False)
    rejected: list[RejectedRow] = field(default_factory=list)
    held: dict[str, str] = field(default_factory=dict)
    rows: int = 0
    ids: RowIds = field(init=False)
    absence_unknown: str = ""
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    proven: bool = False
    unmapped: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    source: str = ""
    columns: tuple[str, ...] = ()
    data_time: str = ""

    @property
    def ids_certain(self) -> bool:
        """Whether every row's id could be read."""
        return not self.absence_unknown

    def reject(self, column: str, text: str, reason: str) -> None:
        """Reject every row with a certain value.

        :param column: ``memberships`` or ``connection``.
        :param text: the value, as the table keeps it.
        :param reason: why.
        """
        rows = hr_rows.reject_rows(self.database, column, text)
        self.rejected += [RejectedRow(number, id, reason) for number, id in rows]
        self.rejected.sort(key=lambda found: found.row)

    def __post_init__(self) -> None:
        self.persons, self.ids = Persons(self.database), RowIds(self.database)
