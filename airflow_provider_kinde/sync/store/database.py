"""Where a run keeps what it read: a private temporary database, so that a million people need little memory.

SQLite makes the file on its own once the data outgrows its cache: readable by this user alone, without a name from the
moment it exists, so that nothing is left behind however the run ends. A small tenant never leaves memory.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from airflow_provider_kinde.exceptions import SyncError

CACHE_KIB = 48 * 1024
_BATCH = 1000

_TABLES = """
CREATE TABLE hr (
  number INTEGER, id TEXT, mark INTEGER, access TEXT, why TEXT, email TEXT, key TEXT, given TEXT, family TEXT,
  properties TEXT, memberships TEXT, adopt TEXT, connection TEXT, unmapped TEXT,
  due_at TEXT
);
CREATE TABLE unclear (number INTEGER, id TEXT, key TEXT, given TEXT, family TEXT);
CREATE TABLE accounts (
  id TEXT, provided_id TEXT, link TEXT, plain INTEGER, odd INTEGER, email TEXT, key TEXT, first TEXT, last TEXT,
  suspended INTEGER, identities TEXT, organizations TEXT, created INTEGER, enterprise INTEGER, signed_in TEXT
);
CREATE TABLE addresses (key TEXT, account TEXT);
CREATE TABLE members (account TEXT, alias TEXT, roles TEXT);
CREATE TABLE changes (
  seq INTEGER PRIMARY KEY, rank INTEGER, kind TEXT, id TEXT, alias TEXT, role TEXT, before TEXT, after TEXT,
  reason TEXT, who TEXT, person TEXT, account TEXT, outcome TEXT, error TEXT, sealed TEXT, user_id TEXT,
  joined INTEGER, digest TEXT, organizations TEXT, due TEXT, done REAL, steps TEXT
);
CREATE TABLE properties (account TEXT PRIMARY KEY, held TEXT) WITHOUT ROWID;
"""


Values = Sequence[Any] | Mapping[str, Any]
"""The values of a query's placeholders."""


class Database:
    """The tables of one run. The modules that write and read a table know what its texts mean."""

    def __init__(self) -> None:
        self._writing = threading.Lock()
        self._db = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "temp_store=FILE", f"cache_size=-{CACHE_KIB}"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.executescript(_TABLES)

    def all(self, sql: str, values: Values = ()) -> list[tuple[Any, ...]]:
        """Every row that a query finds.

        :param sql: the query.
        :param values: the values of its placeholders.
        """
        return list(self.each(sql, values))

    def each(self, sql: str, values: Values = ()) -> Iterator[tuple[Any, ...]]:
        """The rows that a query finds, one after the other.

        :param sql: the query.
        :param values: the values of its placeholders.
        :raises SyncError: when the disk is full.
        """
        try:
            cursor = self._db.cursor()
            cursor.arraysize = _BATCH
            cursor.execute(sql, values)
            while rows := cursor.fetchmany():
                yield from rows
        except sqlite3.OperationalError as error:
            raise _full(error) from error

    def one(self, sql: str, values: Values = ()) -> tuple[Any, ...] | None:
        """The first row that a query finds.

        :param sql: the query.
        :param values: the values of its placeholders.
        """
        return next(self.each(sql, values), None)

    def count(self, sql: str, values: Values = ()) -> int:
        """The number that a query yields.

        :param sql: the query.
        :param values: the values of its placeholders.
        """
        found = self.one(sql, values)
        return int(found[0]) if found else 0

    def run(self, sql: str, values: Values = ()) -> None:
        """Carry out a statement that yields nothing.

        :param sql: the statement.
        :param values: the values of its placeholders.
        """
        with self._writing:
            self.all(sql, values)

    def insert(self, table: str, rows: Iterable[Sequence[Any]]) -> None:
        """Add rows to a table as they come.

        :param table: name of the table.
        :param rows: the values of each row, in the order of its columns.
        """
        coming, sql = iter(rows), self._into(table)
        while page := list(islice(coming, _BATCH)):
            self.update(sql, page)

    def update(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Carry out a statement for each of some rows of values.

        :param sql: the statement.
        :param rows: values of its placeholders, once for each row.
        :raises SyncError: when the disk is full.
        """
        with self._writing:
            _write(self._db, sql, rows)

    def writer(self, table: str) -> Writer:
        """A writer that takes the rows of a table one by one.

        :param table: name of the table.
        """
        return Writer(self, self._into(table))

    def _into(self, table: str) -> str:
        width = len(self.all(f"SELECT 1 FROM pragma_table_info('{table}')"))
        return f"INSERT OR REPLACE INTO {table} VALUES ({','.join('?' * width)})"


class Writer:
    """Collects rows and writes many at once: one statement a row would cost more than all the rest.

    :param database: the database of the run.
    :param sql: the statement that writes one row.
    """

    def __init__(self, database: Database, sql: str) -> None:
        self._database, self._sql = database, sql
        self._rows: list[Sequence[Any]] = []

    def add(self, row: Sequence[Any]) -> None:
        """Take a row; it is written with the next thousand, or by :meth:`flush`.

        :param row: the row's values, in the order of the columns.
        """
        self._rows.append(row)
        if len(self._rows) >= _BATCH:
            self.flush()

    def flush(self) -> None:
        """Write what was collected.

        :raises SyncError: when the disk is full.
        """
        rows, self._rows = self._rows, []
        self._database.update(self._sql, rows)


def _write(db: sqlite3.Connection, sql: str, rows: Sequence[Sequence[Any]]) -> None:
    if not rows:
        return
    try:
        db.execute("BEGIN")
        before = db.total_changes
        try:
            db.executemany(sql, rows)
        except UnicodeEncodeError:  # half a character, as JSON can hold it: nothing that Kinde or HR means
            done = db.total_changes - before
            db.executemany(sql, [[_whole(value) for value in row] for row in rows[done:]])
        db.execute("COMMIT")
    except sqlite3.OperationalError as error:
        raise _full(error) from error


def _whole(value: Any) -> Any:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _full(error: Exception) -> SyncError:
    return SyncError(f"the run's temporary file cannot be written or read ({error}): is the disk under TMPDIR full?")
