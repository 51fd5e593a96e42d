"""The sql source over connections of Python's own SQLite; PostgreSQL and Airflow's hooks are tested beside Airflow."""

from __future__ import annotations

import datetime as dt
import decimal
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_kinde.exceptions import SourceError, SpecError
from airflow_provider_kinde.sources import make_source
from airflow_provider_kinde.sources.change_tokens import change_token, changed_at, check_interval
from airflow_provider_kinde.sources.sql import SqlSource
from airflow_provider_kinde.sync.people.reader import read_people
from tests.support.hr_server import NOW, Read, spec

QUERY = "SELECT id, email, first, last, status FROM people ORDER BY id"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "hr.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE people (id TEXT, email TEXT, first TEXT, last TEXT, status TEXT)")
        rows = [(f"p{n:05}", f"p{n}@acme.test", f"F{n}", f"L{n}", "active") for n in range(5_000)]
        connection.executemany("INSERT INTO people VALUES (?, ?, ?, ?, ?)", rows)
    connection.close()
    return path


def source(connect: Callable[[], Any], query: str = QUERY, **options: Any) -> SqlSource:
    return SqlSource(spec({"type": "sql", "conn_id": "hr_db", "query": query, **options}), lambda _id: connect())


def test_rows_columns_and_proof(database: Path) -> None:
    found = Read(source(lambda: sqlite3.connect(database), QUERY + " LIMIT 2;"))
    assert found.reading.columns == ["id", "email", "first", "last", "status"]
    assert found.values[1]["id"] == "p00001"
    assert (found.proven, found.incomplete, found.reading.name) == (True, [], "the query on hr_db")


def test_people_of_a_whole_table(database: Path) -> None:
    made = source(lambda: sqlite3.connect(database))
    read = read_people(made.spec, made, NOW)
    assert (len(read.persons), read.rows, read.proven, read.problems) == (5_000, 5_000, True, [])


def test_rows_stream(database: Path) -> None:
    class Cursor(sqlite3.Cursor):
        fetched: list[int] = []  # noqa: RUF012

        def fetchmany(self, size: int | None = 1) -> list[Any]:
            self.fetched.append(size or 1)
            return super().fetchmany(size)

    class Connection(sqlite3.Connection):
        def cursor(self, *args: Any) -> Any:  # type: ignore[override]
            return super().cursor(Cursor)

    reading = source(lambda: sqlite3.connect(database, factory=Connection)).read()
    assert next(iter(reading)).values["id"] == "p00000"
    assert Cursor.fetched == [2_000]


def test_a_query_cannot_write(database: Path) -> None:
    with pytest.raises(SourceError, match="attempt to write a readonly database"):
        source(
            lambda: sqlite3.connect(database),
            "WITH old AS (SELECT 1) INSERT INTO people SELECT id, email, first, last, status FROM people",
        ).read()
    with sqlite3.connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM people").fetchone() == (5_000,)
    connection.close()


def test_concurrent_writes_do_not_change_the_snapshot(database: Path) -> None:
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA journal_mode = WAL")
    reading = source(lambda: sqlite3.connect(database)).read()
    rows = iter(reading)
    next(rows)
    connection.execute("DELETE FROM people WHERE id > 'p00001'")
    connection.commit()
    connection.close()
    assert sum(1 for _ in rows) == 4_999
    assert reading.proven


def test_a_query_without_rows_is_blocked(database: Path) -> None:
    made = source(lambda: sqlite3.connect(database), QUERY.replace("ORDER", "WHERE id = 'nobody' ORDER"))
    read = read_people(made.spec, made, NOW)
    assert "the query on hr_db is empty" in read.problems[0]


def test_a_lost_column_and_one_that_stands_twice(database: Path) -> None:
    made = source(lambda: sqlite3.connect(database), "SELECT id, email, first, last FROM people")
    assert "has no column 'status'" in read_people(made.spec, made, NOW).problems[0]
    found = Read(source(lambda: sqlite3.connect(database), "SELECT id, email AS id FROM people LIMIT 1"))
    assert "column 'id' stands twice" in found.incomplete[0]
    assert not found.proven


def test_min_rows(database: Path) -> None:
    found = Read(source(lambda: sqlite3.connect(database), expect={"min_rows": 6_000}))
    assert "it has 5,000 rows, and expect.min_rows is 6000" in found.incomplete[0]
    assert not found.proven


class Broken:
    """A database that goes away after the second batch, and whose driver talks too much."""

    description = [("id",), ("data",)]  # noqa: RUF012

    def __init__(self) -> None:
        self.batches = 0
        self.closed = self.rolled_back = False

    def cursor(self) -> Broken:
        return self

    def execute(self, _query: str) -> None:
        pass

    def fetchmany(self, size: int) -> list[Any]:
        self.batches += 1
        if self.batches > 2:
            raise ConnectionError("server closed the connection: postgresql://hr:s3cret@db/hr password=s3cret host=db")
        return [(number, {"team": "IT"}) for number in range(size)]

    def rollback(self) -> None:
        self.rolled_back = True

    def close(self) -> None:
        self.closed = True


def test_a_database_that_goes_away_halfway() -> None:
    broken = Broken()
    reading = source(lambda: broken).read()
    with pytest.raises(SourceError) as caught:
        list(reading)
    assert "the query on hr_db broke off after 4,000 rows: ConnectionError: server closed" in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert (broken.closed, broken.rolled_back, reading.proven) == (True, True, False)


def test_objects_become_columns() -> None:
    reading = source(lambda: Broken()).read()
    assert next(iter(reading)).values == {"id": 0, "data.team": "IT"}
    assert reading.columns is None


def test_a_database_that_cannot_be_reached_or_asked(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="connection 'hr_db' cannot be opened: OperationalError: unable to open"):
        source(lambda: sqlite3.connect(tmp_path / "no" / "such.db")).read()
    with pytest.raises(SourceError, match="the query on hr_db fails: OperationalError: no such table: people"):
        source(lambda: sqlite3.connect(tmp_path / "empty.db")).read()


def test_without_airflow_it_says_what_to_install() -> None:
    try:
        import airflow  # noqa: F401
    except ImportError:
        with pytest.raises(SourceError, match=r"pip install 'airflow-provider-kinde\[sql\]'"):
            make_source(spec({"type": "sql", "conn_id": "hr_db", "query": QUERY})).read()


def test_a_query_in_a_file(database: Path, tmp_path: Path) -> None:
    (tmp_path / "people.sql").write_text("-- all; of them\n" + QUERY + ";\n")
    options = {"type": "sql", "conn_id": "hr_db", "file": "people.sql"}
    made = SqlSource(spec(options, file=str(tmp_path / "hr.yaml")), lambda _id: sqlite3.connect(database))
    assert len(Read(made).rows) == 5_000


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"query": None}, "source.query: is expected: the SELECT, or file"),
        ({"file": "x.sql"}, "source.query: is expected"),
        ({"query": "DELETE FROM people"}, "source.query: a SELECT is expected"),
        ({"query": "SELECT 1; DROP TABLE people"}, "source.query: one statement is expected"),
        ({"query": "SELECT '{{ ds }}'"}, "source.query: text is expected; an expression cannot stand here"),
        ({"query": None, "file": "/no/such.sql"}, "source.file: /no/such.sql cannot be read"),
        ({"conn_id": None}, "source.conn_id: is missing"),
        ({"table": "people"}, "source.table: unknown key"),
        ({"expect": {"min_rows": True}}, "source.expect.min_rows: a whole number from 1"),
    ],
)
def test_wrong_options(options: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError) as caught:
        make_source(spec({"type": "sql", "conn_id": "hr_db", "query": QUERY, **options}))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "query", ["select 1", "(SELECT 1)", "/* a; b */ WITH x AS (SELECT ';') SELECT 1", "VALUES (1)"]
)
def test_statements_that_read(query: str) -> None:
    make_source(spec({"type": "sql", "conn_id": "hr_db", "query": query}))


def test_values_of_other_types() -> None:
    class Typed(Broken):
        description = [("day",), ("amount",), ("nothing",)]  # noqa: RUF012

        def fetchmany(self, size: int) -> list[Any]:
            self.batches += 1
            return [(dt.date(2026, 1, 5), decimal.Decimal("10026.0"), None)] if self.batches == 1 else []

    found = Read(source(Typed))
    assert found.values == [{"day": dt.date(2026, 1, 5), "amount": decimal.Decimal("10026.0"), "nothing": None}]
    assert found.proven


def test_a_watermark_tells_whether_the_data_changed(database: Path) -> None:
    made = source(lambda: sqlite3.connect(database), watermark="SELECT max(id), count(*) FROM people;")
    first = made.change_token()
    assert made.tells_changes
    assert made.change_token(first) == first
    with sqlite3.connect(database) as connection:
        connection.execute("DELETE FROM people WHERE id = 'p00003'")
    connection.close()
    assert made.change_token(first) != first
    assert change_token(made, first) == made.change_token()
    without = source(lambda: sqlite3.connect(database))
    assert (without.tells_changes, without.change_token()) == (False, None)
    assert check_interval(made) < check_interval(without)


def test_a_watermark_that_yields_a_time_says_when_the_data_was_changed(database: Path) -> None:
    for query, expected in (
        ("SELECT '2026-11-27T08:00:00+00:00'", "2026-11-27T08:00:00+00:00"),
        ("SELECT '2026-11-27T08:00:00'", None),  # without a time zone, the moment is not known
        ("SELECT max(id), count(*) FROM people", None),
    ):
        found = changed_at(source(lambda: sqlite3.connect(database), watermark=query))
        assert (found.isoformat() if found else None) == expected


def test_a_watermark_that_cannot_be_one_is_refused(database: Path) -> None:
    with pytest.raises(SpecError, match=r"source\.watermark: a SELECT is expected"):
        source(lambda: sqlite3.connect(database), watermark="DELETE FROM people")
    with pytest.raises(SourceError, match=r"source\.watermark on hr_db fails: OperationalError: no such column: moved"):
        source(lambda: sqlite3.connect(database), watermark="SELECT max(moved) FROM people").change_token()
    with pytest.raises(SourceError, match="one row is expected"):
        source(lambda: sqlite3.connect(database), watermark=QUERY).change_token()
