"""Rows that were not understood, and the accounts of absent people whose rows they may be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from airflow_provider_kinde.sync.store.database import Database

OF_NO_ACCOUNT = """
SELECT number, id, key, given, family FROM unclear
WHERE NOT EXISTS (SELECT 1 FROM accounts WHERE accounts.link = unclear.id) ORDER BY number, id
"""

NUMBER_WITH_ADDRESS = "SELECT number FROM unclear WHERE key = ? ORDER BY number"

ABSENT = """
SELECT accounts.link, accounts.key, accounts.first, accounts.last FROM accounts
WHERE accounts.link IS NOT NULL AND NOT EXISTS (SELECT 1 FROM hr WHERE hr.id = accounts.link) ORDER BY accounts.link
"""

ABSENT_WITH_ADDRESS = """
SELECT accounts.link FROM addresses JOIN accounts ON accounts.id = addresses.account
WHERE addresses.key = ? AND accounts.link IS NOT NULL AND NOT EXISTS (SELECT 1 FROM hr WHERE hr.id = accounts.link)
"""


class UnclearRow(NamedTuple):
    """What can be read of a row that was not understood, or whose person is held.

    :param number: the number of the row in the source.
    :param id: its HR id.
    :param key: the address, in the form for comparing; ``None`` where it cannot be read.
    :param given: the given name; ``None`` where the name cannot be read.
    :param family: the family name; ``None`` where the name cannot be read.
    """

    number: int
    id: str
    key: str | None
    given: str | None
    family: str | None


class AbsentAccount(NamedTuple):
    """The account of a person whose id no row holds.

    :param id: the HR id of its link.
    :param key: its primary address, in the form for comparing.
    :param first: the given name in Kinde.
    :param last: the family name in Kinde.
    """

    id: str
    key: str | None
    first: str
    last: str


def row_with_address(database: Database, key: str) -> int | None:
    """The number of a row that was not understood, or whose person is held, and that has an address.

    :param database: the database of the run.
    :param key: the address, in the form for comparing.
    """
    found = database.one(NUMBER_WITH_ADDRESS, (key,))
    return None if found is None else int(found[0])


def rows_of_no_account(database: Database) -> list[UnclearRow]:
    """The rows that were not understood and whose id is on no account.

    :param database: the database of the run.
    """
    return [UnclearRow._make(row) for row in database.all(OF_NO_ACCOUNT)]


def absent_accounts(database: Database) -> Iterator[AbsentAccount]:
    """Yield the accounts of people whose id no row holds.

    :param database: the database of the run.
    """
    return map(AbsentAccount._make, database.each(ABSENT))


def absent_with_address(database: Database, key: str) -> list[str]:
    """HR ids of absent people who have an address that is not their primary one.

    :param database: the database of the run.
    :param key: the address, in the form for comparing.
    """
    return [id for (id,) in database.all(ABSENT_WITH_ADDRESS, (key,))]
