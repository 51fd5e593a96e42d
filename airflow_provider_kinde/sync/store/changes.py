"""The changes of a plan, kept in a :class:`Database`: a hundred thousand need no more memory than ten.

What is read from it are copies: :meth:`ChangeList.save` writes down what became of them.
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
from airflow_provider_kinde.sync.store import change_queries as queries
from airflow_provider_kinde.sync.store.change_queries import ChangeRow
from airflow_provider_kinde.sync.store.database import Database
from airflow_provider_kinde.sync.store.people import decode_memberships, encode_memberships

_RANK = {kind: number for number, kind in enumerate(KINDS)}

Group = list[Change]
"""All changes of one person, in the order in which they are carried out."""


class ChangeList(Sequence[Change]):
    """Changes in the order in which they are carried out and listed, whatever the order in which they were found.

    :param found: changes.
    :param database: where they are kept; a database of their own when left out.
    """

    def __init__(self, found: Iterable[Change] = (), database: Database | None = None) -> None:
        self.database = database or Database()
        self._hash: tuple[str, str, str] | None = None
        self._length: int | None = None
        self.database.run(queries.DELETE_ALL)
        self.database.insert("changes", map(_row, found))
        for index in queries.INDEXES:
            self.database.run(index)

    # -- all of them -------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        if self._length is None:
            self._length = self.database.count(queries.COUNT)
        return self._length

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or len(other) != len(self):
            return False
        return all(isinstance(b, Change) and a.key == b.key for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def __iter__(self) -> Iterator[Change]:
        return self._select(queries.ALL)

    @overload
    def __getitem__(self, index: int) -> Change: ...
    @overload
    def __getitem__(self, index: slice) -> list[Change]: ...
    def __getitem__(self, index: int | slice) -> Change | list[Change]:
        if isinstance(index, slice):
            return list(self)[index]
        place = index + len(self) if index < 0 else index
        found = next(self._select(queries.AT, (place,)), None) if place >= 0 else None
        if found is None:
            raise IndexError(index)
        return found

    def add(self, found: Iterable[Change]) -> None:
        """Add more changes.

        :param found: the changes.
        """
        self.database.insert("changes", map(_row, found))
        self._changed()

    def of(self, *kinds: str) -> Iterator[Change]:
        """The changes of some kinds.

        :param kinds: keys of :data:`~..kinds.KINDS`.
        """
        return self._select(queries.OF_KINDS.format(ranks=_ranks(kinds)))

    def kinds(self) -> Counter[str]:
        """How many changes there are of each kind."""
        return Counter(dict(self.database.all(queries.COUNT_KINDS)))

    def outcomes(self) -> Counter[str]:
        """How many changes came to each outcome."""
        return Counter(dict(self.database.all(queries.COUNT_OUTCOMES)))

    def hash(self, host: str, spec_name: str) -> str:
        """SHA-256 over Kinde's host, the spec's name and the changes, and nothing else.

        :param host: Kinde's host.
        :param spec_name: the spec's name.
        """
        if self._hash is None or self._hash[:2] != (host, spec_name):
            digests = (digest for (digest,) in self.database.each(queries.DIGESTS))
            self._hash = host, spec_name, plan_hash(host, spec_name, digests)
        return self._hash[2]

    def find(self, digest: str) -> Change | None:
        """The change with a digest, without the person's row and account.

        :param digest: see :attr:`Change.digest`.
        """
        return next(self._select(queries.WITH_DIGEST, (digest,)), None)

    def has_like(self, change: Change) -> bool:
        """Whether there is a change of the same kind for the same person and place, whatever it changes.

        :param change: a change of another plan.
        """
        values = (change.id, _RANK[change.kind], change.alias, change.role)
        return bool(self.database.one(queries.HAS_LIKE, values))

    # -- person by person ----------------------------------------------------------------------------------------

    def by_person(self, *kinds: str) -> Iterator[Group]:
        """All changes of each person who has changes of some kinds.

        :param kinds: keys of :data:`~..kinds.KINDS`.
        """
        for ids in self._batches(queries.NEXT_PEOPLE.format(ranks=_ranks(kinds))):
            yield from _grouped(self._select(queries.OF_PEOPLE.format(marks=_marks(ids)), ids))

    def _batches(self, query: str, *values: Any) -> Iterator[list[str]]:
        """The ids that a query finds, batch by batch: nothing is being read while outcomes are written."""
        last = ""
        while ids := [id for (id,) in self.database.all(query, (*values, last))]:
            last = ids[-1]
            yield ids

    def listed(self) -> Iterator[Group]:
        """The changes person by person, as a report lists them: by the first change of each."""
        for id, _ in self.database.each(queries.PEOPLE_BY_FIRST_CHANGE):
            found = list(self._select(queries.OF_PERSON, (id,)))
            yield from [found] if id else ([change] for change in found)

    def rows_by_person(self) -> Iterator[list[ChangeRow]]:
        """The rows of the changes, person by person, each organization apart: one pass, and no objects are made.

        :func:`change_of` makes a change of a row.
        """
        rows = map(ChangeRow._make, self.database.each(queries.WITHOUT_PERSON))
        for id, found in groupby(rows, lambda row: row.id):
            if id:
                yield list(found)
            else:
                yield from ([row] for row in found)

    def aliases(self, *kinds: str) -> list[str]:
        """The organizations that changes of some kinds concern.

        :param kinds: keys of :data:`~..kinds.KINDS`.
        """
        return [alias for (alias,) in self.database.all(queries.ALIASES.format(ranks=_ranks(kinds)))]

    def open_by_organization(self, *kinds: str) -> dict[str, int]:
        """Alias -> how many people have changes of some kinds there that came to no outcome yet.

        :param kinds: keys of :data:`~..kinds.KINDS`.
        """
        return dict(self.database.all(queries.COUNT_OPEN_BY_ALIAS.format(ranks=_ranks(kinds))))

    def in_organization(self, alias: str, *kinds: str) -> Iterator[Group]:
        """What is open in one organization, person by person; without the person's row and account.

        :param alias: the organization's alias in the spec.
        :param kinds: keys of :data:`~..kinds.KINDS`.
        """
        ranks = _ranks(kinds)
        for ids in self._batches(queries.NEXT_MEMBERS.format(ranks=ranks), alias):
            yield from _grouped(self._select(queries.OF_MEMBERS.format(ranks=ranks, marks=_marks(ids)), (alias, *ids)))

    def fail_in_organization(self, alias: str, kinds: Sequence[str], error: str) -> None:
        """Fail what is open in one organization.

        :param alias: the organization's alias in the spec.
        :param kinds: keys of :data:`~..kinds.KINDS`.
        :param error: what went wrong.
        """
        self.database.run(queries.FAIL_IN_ORGANIZATION.format(ranks=_ranks(kinds)), (error, alias))

    def settle_unverified(self, alias: str, kinds: Sequence[str], unsent: str, unverified: str) -> None:
        """Settle what is open in one organization whose members cannot be read again after the writes.

        :param alias: the organization's alias in the spec.
        :param kinds: keys of :data:`~..kinds.KINDS`.
        :param unsent: the error of changes that were not sent; they stay open.
        :param unverified: said of changes that Kinde took.
        """
        self.database.run(queries.SETTLE_UNVERIFIED.format(ranks=_ranks(kinds)), (unverified, alias, unsent))

    def created_without_organization(self) -> list[Change]:
        """The creations that were carried out and made an account without an organization."""
        return list(self._select(queries.WITHOUT_ORGANIZATION))

    def creates_without_membership(self) -> bool:
        """Whether an account is created for a person who joins no organization."""
        return bool(self.database.one(queries.CREATES_WITHOUT_MEMBERSHIP))

    def put_off(self, waiting: Iterable[Change]) -> None:
        """Put off some open changes until :meth:`take_up`: they are not open meanwhile.

        :param waiting: changes of this list.
        """
        self.database.update(queries.PUT_OFF, [(change.seq,) for change in waiting])

    def take_up(self) -> bool:
        """Open the changes again that were put off.

        :returns: whether there were any.
        """
        waiting = self.outcomes()[queries.WAITS] > 0
        self.database.run(queries.TAKE_UP)
        return waiting

    # -- what becomes of them ------------------------------------------------------------------------------------

    def save(self, changed: Iterable[Change]) -> None:
        """Write down what became of some changes.

        :param changed: changes of this list, with their outcomes.
        """
        self.database.update(queries.SAVE, [_saved(o) for o in changed])

    def finish(self, outcome: str, error: str) -> None:
        """Give an outcome to the changes that have none.

        :param outcome: ``done``, ``failed`` or ``skipped``.
        :param error: what went wrong, or why they were skipped.
        """
        self.database.run(queries.FINISH, (outcome, error))

    def count_with_error(self, *errors: str) -> int:
        """How many changes have one of some errors.

        :param errors: the errors, in full.
        """
        return self.database.count(queries.COUNT_WITH_ERROR.format(marks=_marks(errors)), errors)

    def drop(self, unwanted: Iterable[Change]) -> None:
        """Drop some changes, whatever depends on them.

        :param unwanted: changes of this list.
        """
        self.database.update(queries.DELETE, [(operation.seq,) for operation in unwanted])
        self._changed()

    def keep(self, wanted: Callable[[Change], bool], conflicts: tuple[tuple[str, str], ...]) -> list[Change]:
        """Drop the changes that are not wanted, and those whose prerequisites are not.

        :param wanted: whether a change is wanted.
        :param conflicts: the spec's ``conflicts``.
        :returns: the dropped changes, in order. The ``error`` of a wanted role names the conflicting role that stays.
        """
        organizations = list(self.of("create_organization"))
        dropped = [operation for operation in organizations if not wanted(operation)]
        for group in self.by_person(*KINDS):
            dependencies = Dependencies.of([*organizations, *group], conflicts)
            kept = {id(operation) for operation in select([*organizations, *group], wanted, dependencies)}
            dropped += [operation for operation in group if id(operation) not in kept]
            for operation in group:
                reasons = [why for o, why in dependencies.conflicting(operation).items() if id(o) not in kept]
                if reasons and wanted(operation):
                    operation.error = reasons[0]
        self.drop(dropped)
        return sorted(dropped, key=lambda o: (_RANK[o.kind], o.id, o.alias or "", o.role or ""))

    def _changed(self) -> None:
        self._hash = self._length = None

    def _select(self, query: str, values: Sequence[Any] = ()) -> Iterator[Change]:
        return map(_operation, self.database.each(query, values))


def select(
    operations: Collection[Change], wanted: Callable[[Change], bool], dependencies: Dependencies
) -> list[Change]:
    """The changes of a person, and on organizations, that are wanted, and whose prerequisites are.

    :param operations: the changes.
    :param wanted: whether a change is wanted.
    :param dependencies: of these changes.
    """
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


def _row(o: Change) -> ChangeRow:
    return ChangeRow(
        None, _RANK[o.kind], o.kind, o.id, o.alias, o.role, _text(o.before), _text(o.after), o.reason, o.who,
        None if o.person is None else json.dumps(_person_parts(o.person)),
        None if o.account is None else json.dumps(_account_parts(o.account)),
        o.outcome, o.error, o.sealed, o.user_id or (o.account.id if o.account else ""), o.joined, o.digest,
        json.dumps(o.organizations) if o.organizations else None, o.due, o.done,
        json.dumps(o.steps) if o.steps else None,
    )  # fmt: skip


def _operation(columns: tuple[Any, ...]) -> Change:
    return change_of(ChangeRow._make(columns))


def change_of(row: ChangeRow) -> Change:
    """Make a change of its row.

    :param row: the row, as the database holds it.
    """
    return Change(
        row.kind, row.id, row.alias, row.role, _json(row.before), _json(row.after), row.reason, row.who,
        None if row.person is None else _person(*json.loads(row.person)),
        None if row.account is None else _account(*json.loads(row.account)),
        row.outcome, row.error, row.sealed, row.user_id, bool(row.joined),
        tuple(json.loads(row.organizations)) if row.organizations else (), row.due, row.done,
        json.loads(row.steps) if row.steps else {}, row.seq or 0,
    )  # fmt: skip


def _saved(o: Change) -> tuple[Any, ...]:
    steps = json.dumps(o.steps) if o.steps else None
    return o.outcome, o.error, o.user_id, o.joined, o.done, steps, o.seq


def _json(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def _text(values: Any) -> str | None:
    return None if values is None else json.dumps(dict(values))


def _person_parts(p: Person) -> list[Any]:
    return [
        p.id, p.row, p.email, p.given_name, p.family_name, p.properties, p.access.value, p.why,
        encode_memberships(p.memberships, p.unclear_rules), p.adopt_provided_id, p.connection,
    ]  # fmt: skip


def _person(
    id: str, row: int, email: str, given: str, family: str, properties: list[list[str]], access: str, why: str,
    memberships_text: str, adopt: str, connection: str,
) -> Person:  # fmt: skip
    memberships, unclear_rules = decode_memberships(memberships_text)
    pairs = tuple((key, value) for key, value in properties)
    return Person(
        id, row, email, given, family, pairs, Access(access), why, memberships, unclear_rules, adopt, connection
    )


def _account_parts(a: Account) -> list[Any]:
    return [
        a.id, a.provided_id, a.email, a.first_name, a.last_name, a.suspended, a.identities, a.organizations,
        a.link and a.link.name, a.created,
    ]  # fmt: skip


def _account(
    id: str, provided_id: str, email: str, first: str, last: str, suspended: bool, identities: list[list[str]],
    organizations: list[str], name: str | None, created: int | None,
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
        created,
    )
