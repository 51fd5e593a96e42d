"""HR rows from any database behind Airflow's ``DbApiHook``: one statement, read-only, one snapshot."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.exceptions import SourceError
from airflow_provider_kinde.sources.completeness import settle_min_rows
from airflow_provider_kinde.sync.model import Row
from airflow_provider_kinde.sync.rows import RowReading, filled_rows, object_row
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.spec.source import SqlOptions

_BATCH = 2_000
_MAX_FILE = 1_000_000
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_TEXT = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`")


@dataclass(frozen=True)
class Dialect:
    """How a database is told to show one moment and to take no write.

    :param before: statements before the query.
    :param server_side: the rows stay on the server until they are fetched (a named cursor).
    """

    before: tuple[str, ...] = ()
    server_side: bool = False


DIALECTS: Mapping[str, Dialect] = {
    "postgresql": Dialect(("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",), server_side=True),
    "sqlite": Dialect(("PRAGMA query_only = ON", "BEGIN")),
}
"""By the name of the driver's package; any other database answers one SELECT, which is rolled back afterwards."""
_DRIVERS = {"psycopg2": "postgresql", "psycopg": "postgresql", "sqlite3": "sqlite"}

Open = Callable[[str], Any]
"""From the id of a connection to an open DB-API connection."""


class SqlSource:
    """HR rows from one query. ``docs/sources/sql.md`` describes the options.

    :param spec: a spec whose ``source.type`` is ``sql``.
    :param connect: opens a connection; Airflow's hook of that connection, unless something else is given.
    :raises SpecError: the file cannot be read, or what stands there is not one SELECT.
    """

    def __init__(self, spec: SyncSpec, connect: Open | None = None) -> None:
        options = spec.source
        assert isinstance(options, SqlOptions)
        self.spec, self.conn_id = spec, options.conn_id
        self.query = _query(spec, options)
        self.watermark = _one_select(spec, "source.watermark", options.watermark) if options.watermark else ""
        self._null_values = options.null_values
        self.min_rows = options.expect.min_rows
        self._connect = connect or airflow_connection

    def read(self) -> RowReading:
        """Send the query, and start one pass over its rows.

        :raises SourceError: the database cannot be reached, or refuses the query.
        """
        reading = RowReading(f"the query on {self.conn_id}")
        connection = self._open()
        try:
            cursor, batch = self._execute(connection, self.query)
            names = [column[0] for column in cursor.description or ()]
            if not names:
                raise SourceError(f"{reading.name} yields no rows at all: a SELECT is expected")
            for name in (name for name, count in Counter(names).items() if count > 1):
                reading.incomplete.append(
                    f"{reading.name} is incomplete: column {name!r} stands twice in it: name each with AS"
                )
            if not any(isinstance(value, Mapping) for row in batch for value in row):
                reading.columns = names
        except BaseException as error:
            _close(connection)
            if isinstance(error, SourceError) or not isinstance(error, Exception):
                raise
            raise SourceError(f"{reading.name} fails: {_told(error)}") from None
        reading._rows = self._rows(connection, cursor, names, batch, reading)
        return reading

    @property
    def tells_changes(self) -> bool:
        """Whether one small query tells that HR's data changed."""
        return bool(self.watermark)

    def change_token(self, last: str | None = None) -> str | None:
        """Run the query of ``watermark``, and make a token of its rows.

        :param last: the token of an earlier check; not needed here.
        :returns: the token; ``None`` where the spec has no watermark.
        :raises SourceError: the database cannot be reached, refuses the query, or the result is not small.
        """
        if not self.watermark:
            return None
        rows = self._watermark_rows()
        text = json.dumps([list(row) for row in rows], default=str)
        return "watermark:" + hashlib.sha256(text.encode()).hexdigest()

    def changed_at(self) -> dt.datetime | None:
        """The time that the query of ``watermark`` yields; ``None`` where there is none, or it yields another value.

        :raises SourceError: as for :meth:`change_token`.
        """
        rows = self._watermark_rows() if self.watermark else []
        value = rows[0][0] if len(rows) == 1 and len(rows[0]) == 1 else None
        if isinstance(value, str):
            with contextlib.suppress(ValueError):
                value = dt.datetime.fromisoformat(value)
        return value if isinstance(value, dt.datetime) else None

    def _watermark_rows(self) -> list[Any]:
        connection = self._open()
        try:
            _, rows = self._execute(connection, self.watermark)
        except Exception as error:
            raise SourceError(f"source.watermark on {self.conn_id} fails: {_told(error)}") from None
        finally:
            _close(connection)
        if len(rows) >= _BATCH:
            raise SourceError(f"source.watermark yields {_BATCH} rows or more: one row is expected, such as a maximum")
        return rows

    def _open(self) -> Any:
        try:
            return self._connect(self.conn_id)
        except SourceError:
            raise
        except Exception as error:
            # Every driver has exceptions of its own.
            raise SourceError(f"connection {self.conn_id!r} cannot be opened: {_told(error)}") from None

    def _execute(self, connection: Any, query: str) -> tuple[Any, list[Any]]:
        """Run a query and fetch the first rows: a named cursor knows its columns only then."""
        dialect = DIALECTS.get(_DRIVERS.get(type(connection).__module__.partition(".")[0], ""), Dialect())
        for statement in dialect.before:
            with contextlib.closing(connection.cursor()) as cursor:
                cursor.execute(statement)
        cursor = connection.cursor(name="kinde_sync") if dialect.server_side else connection.cursor()
        if dialect.server_side:
            cursor.itersize = _BATCH
        cursor.execute(query)
        return cursor, cursor.fetchmany(_BATCH)

    def _rows(
        self, connection: Any, cursor: Any, names: list[str], batch: list[Any], reading: RowReading
    ) -> Iterator[Row]:
        fetched = count = 0
        try:
            while batch:
                rows = (
                    object_row(number, dict(zip(names, values, strict=True)))
                    for number, values in enumerate(batch, fetched + 1)
                )
                for row in filled_rows(rows, self._null_values):
                    count += 1
                    yield row
                fetched += len(batch)
                batch = cursor.fetchmany(_BATCH)
        except Exception as error:
            raise SourceError(f"{reading.name} broke off after {counted(fetched, 'row')}: {_told(error)}") from None
        finally:
            _close(connection)
        settle_min_rows(reading, self.min_rows, count)
        # One statement over one snapshot, read to its end without an error: nothing can be missing.
        reading.proven = not reading.incomplete


def airflow_connection(conn_id: str) -> Any:
    """Open a database through the hook that Airflow has for this connection.

    :param conn_id: the Airflow connection.
    :raises SourceError: there is no Airflow or no provider for it, or it is no database.
    """
    try:
        from airflow.providers.common.compat.sdk import BaseHook
        from airflow.providers.common.sql.hooks.sql import DbApiHook
    except ImportError as error:
        raise SourceError(
            f"a sql source needs Airflow's SQL hooks: pip install 'airflow-provider-kinde[sql]' ({error})"
        ) from error
    try:
        described = BaseHook.get_connection(conn_id)
    except Exception as error:
        # What a secrets backend raises is its own affair; its text may quote what it read.
        raise SourceError(f"connection {conn_id!r} cannot be read ({type(error).__name__}): is it defined?") from None
    try:
        hook = described.get_hook()  # type: ignore[no-untyped-call]
    except Exception as error:
        raise SourceError(
            f"connection {conn_id!r} is of type {described.conn_type}, which has no hook here "
            f"({type(error).__name__}): is its provider installed?"
        ) from None
    if not isinstance(hook, DbApiHook):
        raise SourceError(f"connection {conn_id!r} is of type {described.conn_type}, which is no database")
    connection = hook.get_conn()
    if hook.supports_autocommit:
        hook.set_autocommit(connection, False)
    return connection


def _query(spec: SyncSpec, options: SqlOptions) -> str:
    key, text = "source.query", options.query or ""
    if options.file is not None:
        key, path = "source.file", Path(options.file).expanduser()
        path = Path(spec.file).expanduser().absolute().parent / path if spec.file else path
        try:
            with path.open(encoding="utf-8-sig") as file:
                text = file.read(_MAX_FILE)
        except (OSError, UnicodeDecodeError) as error:
            raise spec.error(key, f"{path} cannot be read: {error}") from None
    return _one_select(spec, key, text)


def _one_select(spec: SyncSpec, key: str, text: str) -> str:
    bare = _TEXT.sub("''", _COMMENT.sub(" ", text)).strip().rstrip("; \n\t")
    if ";" in bare:
        raise spec.error(key, "one statement is expected, found several")
    if not re.match(r"(select|with|values|table)\b", bare.lstrip("( \n\t"), re.IGNORECASE):
        raise spec.error(key, "a SELECT is expected (or WITH, VALUES, TABLE)")
    return text.strip().rstrip("; \n\t")


_ABOUT_A_VALUE = re.compile(r"(?i)\b(values?|convert\w*|conversion|cast\w*|input syntax|out of range|overflow)\b")


def _told(error: Exception) -> str:
    """An error in one line, without the password that a driver may quote from its connection string."""
    text = " ".join(str(error).split())[:300]
    text = re.sub(r"(?i)(password|passwd|pwd)\s*[=:]\s*('[^']*'|\S+)", r"\1=***", text)
    text = re.sub(r"://[^@\s/]+@", "://***@", text)
    if _ABOUT_A_VALUE.search(text):  # what such an error quotes is a cell
        text = re.sub(r"""'[^']*'|"[^"]*"|(?<=: ).*""", "***", text)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _close(connection: Any) -> None:
    """End the transaction without a trace."""
    for end in (connection.rollback, connection.close):
        with contextlib.suppress(Exception):
            end()
