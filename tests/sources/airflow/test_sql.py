"""The sql source through Airflow's own hooks, on a real PostgreSQL and on SQLite."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pendulum
import pytest

from airflow_provider_kinde.exceptions import SourceError
from airflow_provider_kinde.sources import make_source
from airflow_provider_kinde.sources.sql import SqlSource
from airflow_provider_kinde.sync.people.reader import read_people
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.store.people import People
from tests.support.postgres import PASSWORD, Postgres

QUERY = "SELECT id, email, first, last, status, hired, contract FROM hr.people ORDER BY id"
COUNT = 6_000
PEOPLE = f"""
INSERT INTO hr.people
SELECT 'p' || lpad(n::text, 5, '0'), 'p' || n || '@acme.test', 'Zoë' || n, 'L' || n, 'Active', DATE '2024-02-01',
       jsonb_build_object('team', 'IT')
FROM generate_series(1, {COUNT}) n
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Postgres]:
    running = Postgres()
    running.sql(
        "CREATE SCHEMA hr",
        "CREATE TABLE hr.people (id text, email text, first text, last text, status text, hired date, contract jsonb)",
        "CREATE FUNCTION hr.wipe() RETURNS int AS 'DELETE FROM hr.people RETURNING 1' LANGUAGE sql",
    )
    yield running
    running.stop()


@pytest.fixture
def postgres(cluster: Postgres, monkeypatch: pytest.MonkeyPatch) -> Postgres:
    cluster.sql("TRUNCATE hr.people", PEOPLE)
    monkeypatch.setenv("AIRFLOW_CONN_HR_DB", cluster.uri)
    return cluster


def spec(query: str = QUERY, **options: Any) -> SyncSpec:
    source = json.dumps({"type": "sql", "conn_id": "hr_db", "query": query, **options})
    return SyncSpec.parse(f"""
version: 1
name: hr
source: {source}
person: {{id: "{{{{ row.id }}}}", email: "{{{{ row.email }}}}", given_name: "{{{{ row.first }}}}",
          family_name: "{{{{ row.last }}}}"}}
employment: {{status: "{{{{ row.status }}}}", active: [Active], start_date: "{{{{ row.hired }}}}"}}
organizations: {{it: org_1}}
memberships: [{{organization: it, when: "{{{{ row['contract.team'] == 'IT' }}}}", roles: [engineer]}}]
""")


def people(made: SyncSpec) -> People:
    return read_people(made, make_source(made), pendulum.datetime(2026, 11, 21, 12))


def test_people_from_postgresql(postgres: Postgres) -> None:
    read = people(spec())
    assert (len(read.persons), read.rejected, read.problems, read.proven) == (COUNT, [], [], True)
    assert read.persons["p00001"].given_name == "Zoë1"
    assert read.persons["p00001"].memberships[0].roles == frozenset({"engineer"})


def test_rows_stay_on_the_server_until_they_are_needed(postgres: Postgres) -> None:
    rows = iter(make_source(spec()).read())
    next(rows)
    watched = (
        "SELECT state, query FROM pg_stat_activity WHERE usename = 'hr' AND query <> '' AND pid <> pg_backend_pid()"
    )
    [(state, query)] = postgres.sql(watched)
    assert state == "idle in transaction"
    assert query.startswith("FETCH FORWARD")
    assert sum(1 for _ in rows) == COUNT - 1
    assert postgres.sql(watched) == []


def test_one_snapshot_whatever_others_commit_meanwhile(postgres: Postgres) -> None:
    reading = make_source(spec()).read()
    rows = iter(reading)
    next(rows)
    postgres.sql("DELETE FROM hr.people WHERE id > 'p00010'", "UPDATE hr.people SET status = 'Terminated'")
    rest = list(rows)
    assert len(rest) == COUNT - 1
    assert {row.values["status"] for row in rest} == {"Active"}
    assert reading.proven
    assert len(people(spec()).rejected) == 10


@pytest.mark.parametrize(
    "query", ["SELECT hr.wipe()", "WITH gone AS (DELETE FROM hr.people RETURNING *) SELECT * FROM gone"]
)
def test_a_query_that_writes_is_refused_by_the_database(postgres: Postgres, query: str) -> None:
    with pytest.raises(SourceError, match="the query on hr_db fails"):
        list(make_source(spec(query)).read())
    assert postgres.sql("SELECT count(*) FROM hr.people") == [(COUNT,)]


@pytest.mark.parametrize("name", ["psycopg2", "psycopg"])
def test_both_drivers_of_postgresql(postgres: Postgres, name: str) -> None:
    driver = pytest.importorskip(name, reason="this Airflow's provider brings the other driver alone")

    def connect(_conn_id: str) -> Any:
        return driver.connect(host="127.0.0.1", port=postgres.port, user="hr", password=PASSWORD, dbname="postgres")

    reading = SqlSource(spec(), connect).read()
    assert (sum(1 for _ in reading), reading.proven) == (COUNT, True)
    with pytest.raises(SourceError, match="read-only transaction"):
        list(SqlSource(spec("SELECT hr.wipe()"), connect).read())


def test_the_database_goes_away_halfway_and_comes_back(postgres: Postgres) -> None:
    rows = iter(make_source(spec()).read())
    next(rows)
    postgres.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'FETCH%'")
    with pytest.raises(SourceError, match="the query on hr_db broke off after 2,000 rows"):
        list(rows)
    assert len(people(spec()).persons) == COUNT


def test_an_empty_table_is_blocked_and_a_lost_column_is_an_error(postgres: Postgres) -> None:
    postgres.sql("TRUNCATE hr.people")
    assert "is empty" in people(spec()).problems[0]
    with pytest.raises(SourceError, match='column "department" does not exist'):
        make_source(spec("SELECT id, department FROM hr.people")).read()


def test_refused_credentials_and_unknown_connections(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_HR_DB", postgres.uri.replace(PASSWORD, "wrong-secret"))
    with pytest.raises(SourceError, match="password authentication failed") as caught:
        make_source(spec()).read()
    assert "wrong-secret" not in str(caught.value)
    monkeypatch.setenv("AIRFLOW_CONN_HR_DB", postgres.uri.replace(str(postgres.port), "1"))
    with pytest.raises(SourceError, match="connection 'hr_db' cannot be opened"):
        make_source(spec()).read()
    with pytest.raises(SourceError, match="connection 'no_such' cannot be read"):
        make_source(spec(conn_id="no_such")).read()
    monkeypatch.setenv("AIRFLOW_CONN_HR_DB", "nosuchtype://u:secret@x")
    with pytest.raises(SourceError, match="of type nosuchtype, which has no hook here"):
        make_source(spec()).read()
    monkeypatch.setenv("AIRFLOW_CONN_HR_DB", "kinde://id:secret@acme.kinde.com")
    with pytest.raises(SourceError, match=r"connection 'hr_db' is of type kinde, which is no database"):
        make_source(spec()).read()


def test_people_from_sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "hr.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE people (id, email, first, last, status, hired, team)")
        rows = [(n, f"p{n}@acme.test", "F", "L", "Active", "2024-02-01", "IT") for n in range(1, 4)]
        connection.executemany("INSERT INTO people VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    connection.close()
    monkeypatch.setenv("AIRFLOW_CONN_HR_DB", json.dumps({"conn_type": "sqlite", "host": str(path)}))
    query = 'SELECT id, email, first, last, status, hired, team AS "contract.team" FROM people'
    read = people(spec(query))
    assert (sorted(read.persons), read.proven, read.problems) == (["1", "2", "3"], True, [])
    with pytest.raises(SourceError, match="readonly database"):
        make_source(spec("WITH x AS (SELECT 1) INSERT INTO people (id) SELECT 9")).read()


def test_an_http_source_takes_its_connection_from_airflow(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_provider_kinde.sources.http.login import airflow_login

    for uri, url in (
        ("http://u:p%2F%40@127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("hibob://u:p%2F%40@api.hibob.com", "https://api.hibob.com"),
        ("http://u:p%2F%40@hr.example.com:8443/https", "https://hr.example.com:8443"),
        (json.dumps({"host": "https://hr.example.com/api", "login": "u", "password": "p/@"}), None),
    ):
        monkeypatch.setenv("AIRFLOW_CONN_HR_API", uri)
        login = airflow_login("hr_api")
        assert (login.url, login.login, login.password) == (url or "https://hr.example.com/api", "u", "p/@")
    with pytest.raises(SourceError, match="connection 'no_such' cannot be read"):
        airflow_login("no_such")
