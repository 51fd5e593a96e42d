"""Name and address of people who have no change: the held, those of rejected rows, and leavers of no sync."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from airflow_provider_kinde.resources.normalization import clean_name
from airflow_provider_kinde.sync.store.database import Database

MOST_NAMED = 10_000
"""How many people of one list are named: no page lists more."""
_BATCH = 900
"""Values of one query: older versions of SQLite take no more than 999."""

_NO_ROW = 2**62
"""Beyond the number of any row."""

ROWS = "SELECT id, given, family, email FROM hr WHERE id IN ({marks})"

UNCLEAR = "SELECT number, id, given, family, key FROM unclear WHERE number <= ?"

LINKED = "SELECT link, first, last, email FROM accounts WHERE link IN ({marks}) ORDER BY rowid DESC"

ACCOUNTS = "SELECT id, first, last, email FROM accounts WHERE id IN ({marks})"

Parts = tuple[str, str, str]
"""Given name, family name, address."""


def name_text(given: str, family: str, email: str) -> str:
    """Name a person: ``Ada Lovelace <ada@acme.com>``.

    :param given: the given name; may be empty.
    :param family: the family name; may be empty.
    :param email: the address; may be empty.
    """
    name = clean_name(f"{given} {family}")
    return f"{name} <{email}>".lstrip() if email else name


def names_of(database: Database, ids: Sequence[str]) -> dict[str, str]:
    """HR id -> name and address, HR's where HR has them. An id for which neither HR nor Kinde has any is left out.

    :param database: the database of the run, with HR rows and accounts.
    :param ids: HR ids, or what stands for one, ``onboarded:<day>:<Kinde id>``.
    """
    if not ids:
        return {}
    rows = _found(database, ROWS, ids)
    linked = _found(database, LINKED, ids)
    by_account = {id: id.rpartition(":")[2] for id in ids if id not in rows and id not in linked}
    accounts = _found(database, ACCOUNTS, list(by_account.values()))
    unclear = {id: parts for (_, id), parts in _unclear(database, set(ids), _NO_ROW)}
    found = {}
    for id in ids:
        given = family = email = ""
        for parts in (rows.get(id), unclear.get(id), linked.get(id), accounts.get(by_account.get(id, ""))):
            if parts is None:
                continue
            if not (given or family):
                given, family = parts[:2]
            email = email or parts[2]
        if told := name_text(given, family, email):
            found[id] = told
    return found


def names_of_rows(database: Database, rows: Sequence[tuple[int, str]]) -> dict[tuple[int, str], str]:
    """Number and id of a rejected row -> name and address, as far as the row could be read.

    :param database: the database of the run, with HR rows.
    :param rows: number and HR id.
    """
    last = max((number for number, _ in rows), default=0)
    wanted = set(rows)
    found = _unclear(database, {id for _, id in rows}, last)
    return {row: told for row, parts in found if row in wanted and (told := name_text(*parts))}


def _unclear(database: Database, ids: set[str], last: int) -> Iterator[tuple[tuple[int, str], Parts]]:
    if not ids:
        return
    for number, id, given, family, key in database.each(UNCLEAR, (last,)):
        if id in ids:
            yield (number, id), (given or "", family or "", key or "")


def _found(database: Database, query: str, values: Iterable[str]) -> dict[str, Parts]:
    found: dict[str, Parts] = {}
    rest = iter(values)
    while batch := list(islice(rest, _BATCH)):
        for key, given, family, email in database.each(query.format(marks=",".join("?" * len(batch))), batch):
            found[key] = (given or "", family or "", email or "")
    return found
