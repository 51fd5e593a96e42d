"""The operations of a plan, kept in a :class:`Database`: a hundred thousand need no more memory than ten.

What is read from it are copies. Whoever changes one says so with :meth:`Operations.save`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, overload

from airflow_provider_kinde.sync.changes import Change, Dependencies, plan_hash
from airflow_provider_kinde.sync.kinds import KINDS
from airflow_provider_kinde.sync.link import parse_link
from airflow_provider_kinde.sync.model import Access, Account, Person
from airflow_provider_kinde.sync.store.database import Database
from airflow_provider_kinde.sync.store.people import decode_due, encode_due

_RANK = {kind: number for number, kind in enumerate(KINDS)}
_COLUMNS = (
    "seq, kind, id, alias, role, before, after, reason, who, person, account, outcome, error, sealed, user_id, joined"
)
_LIGHT = _COLUMNS.replace("before, after, reason, who, person, account", "NULL, NULL, '', '', NULL, NULL")
_ORDER = "rank, id, alias, role"
_BATCH = 500

Group = list[Change]
"""All operations of one person, in the order in which they are carried out."""


class ChangeList(Sequence[Change]):
    """Operations as they are carried out and listed, whatever the order in which they were found.

    :param found: operations.
    :param spool: where they are kept; a place of their own when left out.
    """

    def __init__(self, found: Iterable[Change] = (), spool: Database | None = None) -> None:
        self.spool = spool or Database()
        self._hash: tuple[str, str, str] | None = None
        self._length: int | None = None
        self.spool.run("DELETE FROM operations")
        self.spool.insert("operations", map(_row, found))
        self.spool.run("CREATE INDEX IF NOT EXISTS operations_order ON operations (rank, id, alias, role)")
        self.spool.run("CREATE INDEX IF NOT EXISTS operations_person ON operations (id, rank, alias, role)")
        self.spool.run("CREATE INDEX IF NOT EXISTS operations_alias ON operations (alias, id, rank)")
        self.spool.run("CREATE INDEX IF NOT EXISTS operations_digest ON operations (digest)")

    # -- all of them -------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        if self._length is None:
            self._length = self.spool.count("SELECT count(*) FROM operations")
        return self._length

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or len(other) != len(self):
            return False
        return all(isinstance(b, Change) and a.key == b.key for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def __iter__(self) -> Iterator[Change]:
        return self._select(f"ORDER BY {_ORDER}")

    @overload
    def __getitem__(self, index: int) -> Change: ...
    @overload
    def __getitem__(self, index: slice) -> list[Change]: ...
    def __getitem__(self, index: int | slice) -> Change | list[Change]:
        if isinstance(index, slice):
            return list(self)[index]
        place = index + len(self) if index < 0 else index
        found = next(self._select(f"ORDER BY {_ORDER} LIMIT 1 OFFSET ?", (place,)), None) if place >= 0 else None
        if found is None:
            raise IndexError(index)
        return found

    def add(self, found: Iterable[Change]) -> None:
        """Put more operations to these."""
        self.spool.insert("operations", map(_row, found))
        self._changed()

    def of(self, *kinds: str) -> Iterator[Change]:
        """Those of some kinds."""
        return self._select(f"WHERE rank IN ({_ranks(kinds)}) ORDER BY {_ORDER}")

    def kinds(self) -> Counter[str]:
        """How many there are of each kind."""
        return Counter(dict(self.spool.all("SELECT kind, count(*) FROM operations GROUP BY kind")))

    def outcomes(self) -> Counter[str]:
        """How many came to each outcome."""
        return Counter(dict(self.spool.all("SELECT outcome, count(*) FROM operations GROUP BY outcome")))

    def hash(self, host: str, spec_name: str) -> str:
        """SHA-256 over Kinde's host, the spec's name and the operations, and nothing else."""
        if self._hash is None or self._hash[:2] != (host, spec_name):
            digests = (digest for (digest,) in self.spool.each("SELECT digest FROM operations ORDER BY digest"))
            self._hash = host, spec_name, plan_hash(host, spec_name, digests)
        return self._hash[2]

    def find(self, digest: str) -> Change | None:
        """The one with a digest, without the person's row and account."""
        return next(self._select("WHERE digest = ?", (digest,), light=True), None)

    def has_like(self, operation: Change) -> bool:
        """Whether there is one of the same kind for the same person and place, whatever it changes."""
        sql = "SELECT 1 FROM operations WHERE id = ? AND rank = ? AND alias IS ? AND role IS ?"
        values = (operation.id, _RANK[operation.kind], operation.alias, operation.role)
        return bool(self.spool.one(sql, values))

    def makes(self, id: str) -> bool:
        """Whether somebody gets an account by them, made or adopted."""
        sql = f"SELECT 1 FROM operations WHERE id = ? AND rank IN ({_ranks(('create', 'adopt'))})"
        return bool(self.spool.one(sql, (id,)))

    # -- person by person ----------------------------------------------------------------------------------------

    def by_person(self, *kinds: str) -> Iterator[Group]:
        """Everything that is done for each person for whom something of these kinds is done."""
        # Through the index by person: a plan of many is gone through once, not once for each batch.
        for ids in self._batches("operations_person", f"rank IN ({_ranks(kinds)}) AND id != ''"):
            found = self._select(f"WHERE id IN ({_marks(ids)}) ORDER BY id, rank, alias, role", ids)
            yield from _grouped(found)

    def _batches(self, index: str, where: str, values: Sequence[Any] = ()) -> Iterator[list[str]]:
        """The ids that a condition holds for, batch by batch: nothing is being read while outcomes are written."""
        last = ""
        sql = (
            f"SELECT DISTINCT id FROM operations INDEXED BY {index} WHERE {where} AND id > ? ORDER BY id LIMIT {_BATCH}"
        )
        while ids := [id for (id,) in self.spool.all(sql, (*values, last))]:
            last = ids[-1]
            yield ids

    def everybody(self) -> Iterator[Group]:
        """Everything that is done, person by person; without the creation of organizations."""
        return self.by_person(*KINDS)

    def people(self) -> int:
        """For how many people something is done; 1 at least where something is done at all."""
        return max(self.spool.count("SELECT count(DISTINCT id) FROM operations WHERE id != ''"), min(len(self), 1))

    def listed(self) -> Iterator[Group]:
        """Person by person as people read them: whoever is concerned first stands first."""
        sql = "SELECT id, min(rank) FROM operations GROUP BY id ORDER BY min(rank), id"
        for id, _ in self.spool.each(sql):
            if id:
                yield list(self._select("WHERE id = ? ORDER BY rank, alias, role", (id,)))
            else:
                for operation in self._select("WHERE id = '' ORDER BY rank, alias, role"):
                    yield [operation]

    def aliases(self, *kinds: str) -> list[str]:
        """The organizations that operations of some kinds concern."""
        where = f"kind IN ({_marks(kinds)}) AND alias IS NOT NULL"
        sql = f"SELECT DISTINCT alias FROM operations WHERE {where} ORDER BY alias"
        return [alias for (alias,) in self.spool.all(sql, kinds)]

    def open_by_organization(self, *kinds: str) -> dict[str, int]:
        """Alias -> how many people have operations of some kinds there that came to no outcome yet."""
        sql = (
            f"SELECT alias, count(DISTINCT id) FROM operations WHERE kind IN ({_marks(kinds)}) AND outcome = '' "
            "AND alias IS NOT NULL GROUP BY alias ORDER BY alias"
        )
        return dict(self.spool.all(sql, kinds))

    def in_organization(self, alias: str, *kinds: str) -> Iterator[Group]:
        """What is open in one organization, person by person; without the person's row and account."""
        where = f"alias = ? AND rank IN ({_ranks(kinds)}) AND outcome = ''"
        for ids in self._batches("operations_alias", where, (alias,)):
            rest = f"WHERE {where} AND id IN ({_marks(ids)}) ORDER BY id, rank, role"
            yield from _grouped(self._select(rest, (alias, *ids), light=True))

    def fail_in_organization(self, alias: str, kinds: Sequence[str], error: str) -> None:
        """Fail what is open in one organization."""
        self.spool.run(
            "UPDATE operations SET outcome = 'failed', error = ? "
            f"WHERE alias = ? AND kind IN ({_marks(kinds)}) AND outcome = ''",
            (error, alias, *kinds),
        )

    def landed(self) -> list[Change]:
        """The creations that made an account without an organization."""
        return list(self._select("WHERE kind = 'create' AND user_id != '' AND NOT joined", light=True))

    def homeless(self) -> bool:
        """Whether somebody is created who joins no organization."""
        return bool(
            self.spool.one(
                "SELECT 1 FROM operations c WHERE c.kind = 'create' AND NOT EXISTS "
                "(SELECT 1 FROM operations m WHERE m.id = c.id AND m.kind = 'add_membership')"
            )
        )

    # -- changes -------------------------------------------------------------------------------------------------

    def save(self, changed: Iterable[Change]) -> None:
        """Write down what became of some operations."""
        rows = [(o.outcome, o.error, o.user_id, o.joined, o.seq) for o in changed]
        sql = "UPDATE operations SET outcome = ?, error = ?, user_id = ?, joined = ? WHERE seq = ?"
        self.spool.update(sql, rows)

    def finish(self, outcome: str, error: str) -> None:
        """Give an outcome to those that have none."""
        self.spool.run(
            "UPDATE operations SET outcome = ?, error = CASE WHEN error = '' THEN ? ELSE error END WHERE outcome = ''",
            (outcome, error),
        )

    def keep(self, wanted: Callable[[Change], bool]) -> list[Change]:
        """Drop those that are not wanted, and those whose prerequisites are not; returns them."""
        organizations = list(self.of("create_organization"))
        dropped = [operation for operation in organizations if not wanted(operation)]
        for group in self.by_person(*KINDS):
            kept = {id(operation) for operation in select([*organizations, *group], wanted)}
            dropped += [operation for operation in group if id(operation) not in kept]
        self.spool.update("DELETE FROM operations WHERE seq = ?", [(operation.seq,) for operation in dropped])
        self._changed()
        return sorted(dropped, key=lambda o: (_RANK[o.kind], o.id, o.alias or "", o.role or ""))

    def _changed(self) -> None:
        self._hash = self._length = None

    def _select(self, rest: str, values: Sequence[Any] = (), *, light: bool = False) -> Iterator[Change]:
        columns = _LIGHT if light else _COLUMNS
        return map(_operation, self.spool.each(f"SELECT {columns} FROM operations {rest}", values))


def select(operations: Collection[Change], wanted: Callable[[Change], bool]) -> list[Change]:
    """Those operations of a person, and on organizations, that are wanted, and whose prerequisites are."""
    dependencies = Dependencies.of(operations)
    known: dict[int, bool] = {}

    def stays(operation: Change) -> bool:
        if id(operation) not in known:
            known[id(operation)] = wanted(operation) and all(map(stays, dependencies.needed(operation)))
        return known[id(operation)]

    return [operation for operation in operations if stays(operation)]


def _grouped(found: Iterable[Change]) -> Iterator[Group]:
    return (list(group) for _, group in groupby(found, lambda operation: operation.id))


def _ranks(kinds: Iterable[str]) -> str:
    return ",".join(str(_RANK[kind]) for kind in kinds)


def _marks(values: Collection[Any]) -> str:
    return ",".join("?" * len(values))


def _row(o: Change) -> tuple[Any, ...]:
    return (
        None, _RANK[o.kind], o.kind, o.id, o.alias, o.role, _text(o.before), _text(o.after), o.reason, o.who,
        None if o.person is None else json.dumps(_person_parts(o.person)),
        None if o.account is None else json.dumps(_account_parts(o.account)),
        o.outcome, o.error, o.sealed, o.user_id or (o.account.id if o.account else ""), o.joined, o.digest,
    )  # fmt: skip


def _operation(row: tuple[Any, ...]) -> Change:
    (
        seq, kind, id, alias, role, before, after, reason, who, person, account, outcome, error, sealed, user_id,
        joined,
    ) = row  # fmt: skip
    return Change(
        kind, id, alias, role, before and json.loads(before), after and json.loads(after), reason, who,
        person and _person(*json.loads(person)), account and _account(*json.loads(account)),
        outcome, error, sealed, user_id, bool(joined), seq,
    )  # fmt: skip


def _text(values: Any) -> str | None:
    return None if values is None else json.dumps(dict(values))


def _person_parts(p: Person) -> list[Any]:
    return [
        p.id, p.row, p.email, p.given_name, p.family_name, p.properties, p.access.value, p.why,
        encode_due(p.memberships, p.doubts), p.adopt_provided_id,
    ]  # fmt: skip


def _person(
    id: str, row: int, email: str, given: str, family: str, properties: list[list[str]], access: str, why: str,
    due: str, adopt: str,
) -> Person:  # fmt: skip
    memberships, doubts = decode_due(due)
    pairs = tuple((key, value) for key, value in properties)
    return Person(id, row, email, given, family, pairs, Access(access), why, memberships, doubts, adopt)


def _account_parts(a: Account) -> list[Any]:
    return [
        a.id, a.provided_id, a.email, a.first_name, a.last_name, a.suspended, a.identities, a.organizations,
        a.link and a.link.name,
    ]  # fmt: skip


def _account(
    id: str, provided_id: str, email: str, first: str, last: str, suspended: bool, identities: list[list[str]],
    organizations: list[str], name: str | None,
) -> Account:  # fmt: skip
    pairs = tuple((kind, value) for kind, value in identities)
    return Account(
        id,
        provided_id,
        email,
        first,
        last,
        suspended,
        pairs,
        tuple(organizations),
        None if name is None else parse_link(provided_id, name),
    )
