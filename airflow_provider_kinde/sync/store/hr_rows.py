"""Queries on HR rows while they are read: repeated ids, and addresses that several people share."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.sync.model import Access
from airflow_provider_kinde.sync.store.database import Database

INDEX_IDS = "CREATE INDEX hr_id ON hr (id)"

INDEX_ADDRESSES = "CREATE INDEX hr_key ON hr (key, id, access) WHERE key IS NOT NULL"

REPEATED_IDS = "SELECT id FROM hr GROUP BY id HAVING count(*) > 1 ORDER BY min(rowid)"

ROWS_OF_ID = (
    "SELECT rowid, number, mark, access, why, email, key, given, family, properties, memberships, adopt, connection, "
    "unmapped, due_at FROM hr WHERE id = ? ORDER BY rowid"
)

REPLACE_ROW = (
    "UPDATE hr SET number = ?, access = ?, why = ?, email = ?, key = ?, given = ?, family = ?, properties = ?, "
    "memberships = ?, adopt = ?, connection = ?, unmapped = ?, due_at = ? WHERE rowid = ?"
)

NUMBERS = "SELECT number, id FROM hr WHERE {column} = ? AND access IS NOT NULL ORDER BY number"

KEEP_CLUES = """
INSERT INTO unclear SELECT number, id, key, given, family FROM hr WHERE {column} = ? AND access IS NOT NULL
"""

REJECT_ROWS = "UPDATE hr SET access = NULL, key = NULL WHERE {column} = ?"

CONNECTIONS = """
SELECT min(number), connection FROM hr WHERE access IS NOT NULL AND connection != '' GROUP BY connection
ORDER BY min(rowid)
"""

SET_CONNECTION = "UPDATE hr SET connection = ? WHERE connection = ?"

DROP_OTHER_ROWS = "DELETE FROM hr WHERE id = ? AND rowid != ?"

SHARED_ADDRESSES = "SELECT key FROM hr WHERE key IS NOT NULL AND access = ? GROUP BY key HAVING count(*) > 1"

ROWS_OF_ADDRESS = "SELECT id, number FROM hr WHERE key = ? AND access = ? ORDER BY id"

KEEP_CLUES_OF_ADDRESS = """
INSERT INTO unclear SELECT number, id, key, given, family FROM hr WHERE key = ? AND access = ?
"""

HOLD_ADDRESS = "UPDATE hr SET access = NULL, key = NULL WHERE key = ? AND access = ?"

UNMAPPED = "SELECT unmapped, count(*) FROM hr WHERE access = ? AND unmapped != '' GROUP BY unmapped"

_ACTIVE = Access.ACTIVE.value
_MOST_VALUES = 10


class HrRow(NamedTuple):
    """One of several rows with the same id. A row that was rejected has no access.

    :param rowid: where the row is kept.
    :param number: the number of the row in the source.
    :param mark: equal for rows that hold the same.
    :param access: a value of :class:`Access`.
    :param why: the reason for the access.
    :param email: the address.
    :param key: the address, in the form for comparing.
    :param given: the given name.
    :param family: the family name.
    :param properties: user properties, as the table keeps them.
    :param memberships: memberships and unclear rules, as the table keeps them.
    :param adopt: the ``provided_id`` of an account that may be taken over.
    :param connection: the connection to sign in by.
    :param unmapped: values that no rule names, as the table keeps them.
    :param due_at: since when, by HR's dates, the person has this access.
    """

    rowid: int
    number: int
    mark: int
    access: str | None
    why: str
    email: str
    key: str | None
    given: str
    family: str
    properties: str
    memberships: str
    adopt: str
    connection: str
    unmapped: str
    due_at: str


def index_ids(database: Database) -> None:
    """Make the look-up by id fast, once all rows are read.

    :param database: the database of the run.
    """
    database.run(INDEX_IDS)


def index_addresses(database: Database) -> None:
    """Make the look-up by address fast, once repeated rows are settled.

    :param database: the database of the run.
    """
    database.run(INDEX_ADDRESSES)


def repeated_ids(database: Database) -> list[str]:
    """The ids that more than one row holds, in the order of the rows.

    :param database: the database of the run.
    """
    return [id for (id,) in database.all(REPEATED_IDS)]


def rows_of(database: Database, id: str) -> list[HrRow]:
    """The rows with one id, in the order of the source.

    :param database: the database of the run.
    :param id: the HR id.
    """
    return [HrRow._make(row) for row in database.all(ROWS_OF_ID, (id,))]


def replace_row(database: Database, row: HrRow) -> None:
    """Keep other values for a row.

    :param database: the database of the run.
    :param row: the row with its new values.
    """
    values = (
        row.number,
        row.access,
        row.why,
        row.email,
        row.key,
        row.given,
        row.family,
        row.properties,
        row.memberships,
    )
    database.run(REPLACE_ROW, (*values, row.adopt, row.connection, row.unmapped, row.due_at, row.rowid))


def reject_rows(database: Database, column: str, value: str) -> list[tuple[int, str]]:
    """Keep the ids of rows and what tells whose they may be, and nothing that makes people of them.

    :param database: the database of the run.
    :param column: ``id``, or ``memberships`` for memberships and unclear rules as the table keeps them.
    :param value: what stands in the column.
    :returns: the number and the id of each row.
    """
    found = database.all(NUMBERS.format(column=column), (value,))
    database.run(KEEP_CLUES.format(column=column), (value,))
    database.run(REJECT_ROWS.format(column=column), (value,))
    return found


def connections(database: Database) -> list[tuple[int, str]]:
    """The connections that rows name, each with the number of the first row.

    :param database: the database of the run.
    """
    return database.all(CONNECTIONS)


def set_connection(database: Database, value: str, connection: str) -> None:
    """Keep the id of a connection for the rows that name it.

    :param database: the database of the run.
    :param value: what the rows name.
    :param connection: the connection's id.
    """
    if value != connection:
        database.run(SET_CONNECTION, (connection, value))


def drop_other_rows(database: Database, id: str, rowid: int) -> None:
    """Keep only one row of those with an id.

    :param database: the database of the run.
    :param id: the HR id.
    :param rowid: where the row that stays is kept.
    """
    database.run(DROP_OTHER_ROWS, (id, rowid))


def shared_addresses(database: Database) -> list[str]:
    """The addresses that more than one person with access has, in the form for comparing.

    :param database: the database of the run.
    """
    return [key for (key,) in database.all(SHARED_ADDRESSES, (_ACTIVE,))]


def people_of_address(database: Database, key: str) -> dict[str, int]:
    """HR id -> row number of the people with access who have an address.

    :param database: the database of the run.
    :param key: the address in the form for comparing.
    """
    return dict(database.all(ROWS_OF_ADDRESS, (key, _ACTIVE)))


def hold_address(database: Database, key: str) -> None:
    """Hold the people with access who have an address: their ids stay known, and no person is made of their rows.

    :param database: the database of the run.
    :param key: the address in the form for comparing.
    """
    database.run(KEEP_CLUES_OF_ADDRESS, (key, _ACTIVE))
    database.run(HOLD_ADDRESS, (key, _ACTIVE))


def joined_unmapped(texts: Iterable[str | None]) -> str:
    """Join the values that no rule names of several rows of one person. The person counts once for each value.

    :param texts: what the rows hold, as the table keeps it.
    """
    found = {tuple(pair) for text in texts if text for pair in json.loads(text)}
    return json.dumps(sorted(found), ensure_ascii=False) if found else ""


def unmapped_values(database: Database) -> list[str]:
    """The values of columns that rules compare, which no rule names, with the number of people with access.

    :param database: the database of the run.
    :returns: a line for each column, such as ``Department: Office 8 people, Stock 4``: the most frequent values.
    """
    counts: dict[str, Counter[str]] = {}
    for text, count in database.each(UNMAPPED, (_ACTIVE,)):
        for column, value in json.loads(text):
            counts.setdefault(column, Counter())[value] += count
    lines = []
    for column, values in sorted(counts.items()):
        ordered = sorted(values.items(), key=lambda found: (-found[1], found[0]))
        shown = [f"{value} {count:,}" for value, count in ordered[:_MOST_VALUES]]
        shown[0] += " people" if ordered[0][1] > 1 else " person"
        more = len(ordered) - _MOST_VALUES
        others = sum(count for _, count in ordered[_MOST_VALUES:])
        lines.append(
            f"{column}: {', '.join(shown)}" + (f", and {counted(more, 'more value')} {others:,}" if more > 0 else "")
        )
    return lines
