"""Queries on HR rows while they are read: repeated ids, and addresses that several people share."""

from __future__ import annotations

from typing import NamedTuple

from airflow_provider_kinde.sync.model import Access
from airflow_provider_kinde.sync.store.database import Database

INDEX_IDS = "CREATE INDEX hr_id ON hr (id)"

INDEX_ADDRESSES = "CREATE INDEX hr_key ON hr (key, id, access) WHERE key IS NOT NULL"

REPEATED_IDS = "SELECT id FROM hr GROUP BY id HAVING count(*) > 1 ORDER BY min(rowid)"

ROWS_OF_ID = "SELECT rowid, number, mark FROM hr WHERE id = ? ORDER BY rowid"

REJECT_ROW = "UPDATE hr SET access = NULL, key = NULL WHERE rowid = ?"

DROP_LATER_ROWS = "DELETE FROM hr WHERE id = ? AND rowid > ?"

SHARED_ADDRESSES = "SELECT key FROM hr WHERE key IS NOT NULL AND access = ? GROUP BY key HAVING count(*) > 1"

ROWS_OF_ADDRESS = "SELECT id, number FROM hr WHERE key = ? AND access = ? ORDER BY id"

HOLD_ADDRESS = "UPDATE hr SET access = NULL, key = NULL WHERE key = ? AND access = ?"

_DUE = Access.DUE.value


class RepeatedRow(NamedTuple):
    """One of several rows with the same id.

    :param rowid: where the row is kept.
    :param number: the number of the row in the source.
    :param mark: equal for rows that hold the same.
    """

    rowid: int
    number: int
    mark: int


def index_ids(database: Database) -> None:
    """Make the look-up by id fast, once all rows are read."""
    database.run(INDEX_IDS)


def index_addresses(database: Database) -> None:
    """Make the look-up by address fast, once repeated rows are settled."""
    database.run(INDEX_ADDRESSES)


def repeated_ids(database: Database) -> list[str]:
    """The ids that more than one row holds, in the order of the rows."""
    return [id for (id,) in database.all(REPEATED_IDS)]


def rows_of(database: Database, id: str) -> list[RepeatedRow]:
    """The rows with one id, in the order of the source."""
    return [RepeatedRow._make(row) for row in database.all(ROWS_OF_ID, (id,))]


def reject_row(database: Database, rowid: int) -> None:
    """Keep the id of a row, and nothing that makes a person of it."""
    database.run(REJECT_ROW, (rowid,))


def drop_later_rows(database: Database, id: str, first: int) -> None:
    """Keep only the first row with an id."""
    database.run(DROP_LATER_ROWS, (id, first))


def shared_addresses(database: Database) -> list[str]:
    """The addresses that more than one person with access has, in the form for comparing."""
    return [key for (key,) in database.all(SHARED_ADDRESSES, (_DUE,))]


def people_of_address(database: Database, key: str) -> dict[str, int]:
    """HR id -> row number of the people with access who have an address."""
    return dict(database.all(ROWS_OF_ADDRESS, (key, _DUE)))


def hold_address(database: Database, key: str) -> None:
    """Keep the ids of those people, and nothing that makes people of them."""
    database.run(HOLD_ADDRESS, (key, _DUE))
