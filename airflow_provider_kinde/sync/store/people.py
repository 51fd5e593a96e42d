"""The people of a run, in its :class:`Database`: like a dictionary, of which only those asked for are made."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from airflow_provider_kinde.sync.model import Access, Doubt, Due, Person, Rejected
from airflow_provider_kinde.sync.store.database import Database

COLUMNS = "hr.id, hr.number, hr.access, hr.why, hr.email, hr.given, hr.family, hr.properties, hr.due, hr.adopt"
"""What :func:`person_of` reads, in its order."""
WIDTH = COLUMNS.count(",") + 1
_ACCESS = {access.value: access for access in Access}


def encode_due(memberships: tuple[Due, ...], doubts: tuple[Doubt, ...]) -> str:
    """Memberships and doubts as one text; empty where there are none."""
    if not memberships and not doubts:
        return ""
    return json.dumps([
        [[due.alias, sorted(due.roles), due.entry] for due in memberships],
        [[doubt.columns, doubt.entry, doubt.alias, sorted(doubt.roles)] for doubt in doubts],
    ])  # fmt: skip


@lru_cache(maxsize=20_000)
def decode_due(text: str) -> tuple[tuple[Due, ...], tuple[Doubt, ...]]:
    """The opposite of :func:`encode_due`."""
    if not text:
        return (), ()
    memberships, doubts = json.loads(text)
    return (
        tuple(Due(alias, frozenset(roles), entry) for alias, roles, entry in memberships),
        tuple(Doubt(tuple(columns), entry, alias, frozenset(roles)) for columns, entry, alias, roles in doubts),
    )


def merged(memberships: tuple[Due, ...]) -> dict[str, frozenset[str]]:
    """Alias -> role keys of everything that a person is due: rules add up."""
    found: dict[str, frozenset[str]] = {}
    for due in memberships:
        found[due.alias] = found.get(due.alias, frozenset()) | due.roles
    return dict(sorted(found.items()))


def encode_properties(properties: tuple[tuple[str, str], ...]) -> str:
    """Properties as one text; empty where the spec has none."""
    return json.dumps(properties) if properties else ""


def person_of(row: tuple[Any, ...]) -> Person:
    """Make the :class:`Person` of what :data:`COLUMNS` selects."""
    id, number, access, why, email, given, family, properties, due, adopt = row
    memberships, doubts = decode_due(due)
    pairs = tuple((str(key), str(value)) for key, value in json.loads(properties)) if properties else ()
    return Person(id, number, email, given, family, pairs, _ACCESS[access], why, memberships, doubts, adopt)


class Persons(Mapping[str, Person]):
    """HR id -> person, of the rows that were understood and do not contradict each other."""

    def __init__(self, spool: Database) -> None:
        self._spool = spool

    def __getitem__(self, id: str) -> Person:
        row = self._spool.one(f"SELECT {COLUMNS} FROM hr WHERE id = ? AND access IS NOT NULL", (id,))
        if row is None:
            raise KeyError(id)
        return person_of(row)

    def __iter__(self) -> Iterator[str]:
        for (id,) in self._spool.each("SELECT id FROM hr WHERE access IS NOT NULL ORDER BY rowid"):
            yield id

    def __len__(self) -> int:
        return self._spool.count("SELECT count(*) FROM hr WHERE access IS NOT NULL")

    def __contains__(self, id: object) -> bool:
        return bool(self._spool.one("SELECT 1 FROM hr WHERE id = ? AND access IS NOT NULL", (id,)))

    def with_address(self, key: str) -> list[Person]:
        """Those who have an address, in the form for comparing."""
        sql = f"SELECT {COLUMNS} FROM hr WHERE key = ? AND access IS NOT NULL ORDER BY rowid"
        return [person_of(row) for row in self._spool.each(sql, (key,))]

    def without_account(self, access: Access) -> Iterator[Person]:
        """Those with a certain access whom no account's link names; asks for the accounts of the same spool."""
        sql = (
            f"SELECT {COLUMNS} FROM hr WHERE access = ? AND NOT EXISTS "
            "(SELECT 1 FROM accounts WHERE accounts.link = hr.id) ORDER BY hr.id"
        )
        return map(person_of, self._spool.each(sql, (access.value,)))

    def with_address_of_another(self) -> Iterator[Person]:
        """Those who may want an address that stands on an account which is not linked to them."""
        found = "FROM hr JOIN {0} ON {0}.key = hr.key {1} WHERE hr.key IS NOT NULL AND hr.access IN (?, ?)"
        primary = found.format("accounts", "") + " AND accounts.link IS NOT hr.id"
        secondary = found.format("addresses", "JOIN accounts ON accounts.id = addresses.account")
        sql = (
            f"SELECT {COLUMNS} FROM hr WHERE rowid IN (SELECT hr.rowid {primary} UNION SELECT hr.rowid {secondary} "
            "AND accounts.link IS NOT hr.id) ORDER BY rowid"
        )
        wanting = (Access.DUE.value, Access.KEEP.value)
        return map(person_of, self._spool.each(sql, wanting + wanting))

    def kinds_of_memberships(self) -> Iterator[tuple[int, tuple[Due, ...]]]:
        """Every set of memberships that somebody is due, with the number of the first such row."""
        sql = "SELECT min(number), due FROM hr WHERE access IS NOT NULL GROUP BY due ORDER BY min(rowid)"
        for number, due in self._spool.each(sql):
            yield number, decode_due(due)[0]

    def count_address(self, key: str) -> int:
        """How many have an address, in the form for comparing."""
        return self._spool.count("SELECT count(*) FROM hr WHERE key = ? AND access IS NOT NULL", (key,))


class Ids(AbstractSet[str]):
    """Every id that some row holds, whatever became of the row."""

    def __init__(self, spool: Database) -> None:
        self._spool = spool

    def __contains__(self, id: object) -> bool:
        return bool(self._spool.one("SELECT 1 FROM hr WHERE id = ?", (id,)))

    def __iter__(self) -> Iterator[str]:
        for (id,) in self._spool.each("SELECT id FROM hr ORDER BY rowid"):
            yield id

    def __len__(self) -> int:
        return self._spool.count("SELECT count(*) FROM hr")

    @classmethod
    def _from_iterable(cls, found: Iterable[Any]) -> set[Any]:
        return set(found)


@dataclass(slots=True)
class People:
    """Everything one reading of the HR source says.

    :param persons: by HR id; neither rejected nor held rows are in it.
    :param rejected: in row order.
    :param held: id -> reason, for people whose rows were understood but contradict each other (one address, two ids).
    :param rows: how many rows were read, whatever became of them.
    :param ids: every id that some row holds, rejected and held ones included: none of these is absent.
    :param ids_certain: false when a rejected row's id could not be read: then nobody counts as absent.
    :param problems: why the source may not be acted upon at all (empty, incomplete, drifted): never approvable.
    :param proven: the source proved that it is complete.
    """

    spool: Database = field(default_factory=Database)
    persons: Persons = field(init=False)
    rejected: list[Rejected] = field(default_factory=list)
    held: dict[str, str] = field(default_factory=dict)
    rows: int = 0
    ids: Ids = field(init=False)
    ids_certain: bool = True
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    proven: bool = False
    source: str = ""

    def __post_init__(self) -> None:
        self.persons, self.ids = Persons(self.spool), Ids(self.spool)
