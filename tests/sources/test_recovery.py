"""A bad day of each kind of source: nothing is lost, the reason is said, and the next good run puts it right."""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_kinde.client import KindeClient
from airflow_provider_kinde.exceptions import SourceError
from airflow_provider_kinde.sources import make_source
from airflow_provider_kinde.sources.sql import SqlSource
from airflow_provider_kinde.sync.apply.run import apply
from airflow_provider_kinde.sync.plan.run_request import RunRequest
from kinde_emulator import Emulator
from tests.support.hr_server import NOW, Call, HrServer, Reply, make, person, spec

REST = """
person: {id: "{{ row.id }}", email: "{{ row.email }}", given_name: "{{ row.first }}", family_name: "{{ row.last }}"}
employment: {status: "{{ row.status }}", active: [active], inactive: [inactive], start_date: "{{ row.start }}"}
organizations: {it: {name: IT}}
memberships: [{organization: it}]
absent: suspend
"""
SPEC = spec({"type": "file", "path": "hr.csv"}, REST)
"""What all of them have in common; where the rows come from is the source's own."""
PAGE = "<!DOCTYPE html>\n<html><body><h1>Down for maintenance, back soon</h1></body></html>\n"
Rows = list[dict[str, Any]]


class Files:
    """A file in a format; a day is what stands in it."""

    def __init__(self, folder: Path, suffix: str) -> None:
        self.folder, self.suffix = folder, suffix
        self.days: dict[str, Callable[[Rows], bytes]] = {
            "an error page": lambda rows: PAGE.encode(),
            "a column less": lambda rows: self.encoded(without_status(rows)),
            "cut off": lambda rows: self.encoded(rows)[:-30],
            "empty": lambda rows: b"",
        }

    def source(self, rows: Rows, day: str = "") -> Any:
        content = self.days[day](rows) if day else self.encoded(rows)
        (self.folder / f"hr.{self.suffix}").write_bytes(content)
        path = str(self.folder / f"hr.{self.suffix}")
        return make_source(spec({"type": "file", "path": path}, REST))

    def encoded(self, rows: Rows) -> bytes:
        if self.suffix == "json":
            return json.dumps(rows).encode()
        if self.suffix == "jsonl":
            return "".join(json.dumps(row) + "\n" for row in rows).encode()
        if self.suffix == "parquet":
            pyarrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
            sink = io.BytesIO()
            parquet.write_table(pyarrow.Table.from_pylist(rows), sink)
            return sink.getvalue()
        text = io.StringIO()
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue().encode()


class Database:
    """A table; a day is what becomes of the connection to it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "hr.db"
        self.days = {
            "a column less": lambda: sqlite3.connect(self.path),
            "empty": lambda: sqlite3.connect(self.path),
            "gone halfway": lambda: Dropped(sqlite3.connect(self.path)),
            "credentials refused": self._refuse,
        }

    def source(self, rows: Rows, day: str = "") -> Any:
        shown = without_status(rows) if day == "a column less" else rows
        columns = list(shown[0])
        self.path.unlink(missing_ok=True)
        with sqlite3.connect(self.path) as connection:
            connection.execute(f"CREATE TABLE people ({', '.join(columns)})")
            values = [] if day == "empty" else [tuple(row.values()) for row in shown]
            connection.executemany(f"INSERT INTO people VALUES ({', '.join('?' * len(columns))})", values)
        connection.close()
        connect = self.days[day] if day else lambda: sqlite3.connect(self.path)
        options = {"type": "sql", "conn_id": "hr_db", "query": "SELECT * FROM people"}
        return SqlSource(spec(options, REST), lambda _id: connect())

    @staticmethod
    def _refuse() -> Any:
        raise sqlite3.OperationalError("password authentication failed for user hr")


class Dropped:
    """A connection whose server goes away after some rows."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection, self._cursor = connection, connection.cursor()
        self._batches = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def cursor(self) -> Any:
        return self

    @property
    def description(self) -> Any:
        return self._cursor.description

    def execute(self, query: str) -> None:
        self._cursor.execute(query)

    def fetchmany(self, size: int) -> list[Any]:
        self._batches += 1
        if self._batches > 1:
            raise ConnectionError("the server closed the connection")
        return self._cursor.fetchmany(10)

    def close(self) -> None:
        self._connection.close()


class Api:
    """A list behind cursors, ten rows a page; a day is how the second page answers."""

    def __init__(self, server: HrServer) -> None:
        self.server = server
        self.days: dict[str, Callable[[Reply], Reply]] = {
            "an error page": lambda good: Reply(body=PAGE.encode(), headers={"Content-Type": "text/html"}),
            "a column less": lambda good: Reply({**good.json, "data": without_status(good.json["data"])}),
            "cut off": lambda good: Reply(good.json, cut=True),
            "empty": lambda good: Reply({"data": [], "next": None}),
            "a cycle of cursors": lambda good: Reply({**good.json, "next": "10"}),
            "gone halfway": lambda good: Reply({"error": "upstream"}, 503),
            "credentials refused": lambda good: Reply({"error": "unauthorized"}, 401),
        }
        self.everywhere = ("a column less", "empty")

    def source(self, rows: Rows, day: str = "") -> Any:
        def answer(call: Call) -> Reply:
            start = int(call.query.get("after", 0))
            following = str(start + 10) if start + 10 < len(rows) else None
            good = Reply({"data": rows[start : start + 10], "next": following})
            return self.days[day](good) if day and (start or day in self.everywhere) else good

        self.server._answer = answer
        pages = {"type": "cursor", "param": "after", "next": "next"}
        return make(self.server, {"type": "http", "url": "/people", "rows": "data", "id": "id", "pages": pages}, REST)


def without_status(rows: Sequence[dict[str, Any]]) -> Rows:
    return [{name: value for name, value in row.items() if name != "status"} for row in rows]


KINDS = ("csv", "json", "jsonl", "parquet", "sql", "http")
DAYS = {
    **dict.fromkeys(("csv", "json", "jsonl", "parquet"), ("an error page", "a column less", "cut off", "empty")),
    "sql": ("a column less", "empty", "gone halfway", "credentials refused"),
    "http": (
        "an error page", "a column less", "cut off", "empty", "a cycle of cursors", "gone halfway",
        "credentials refused",
    ),
}  # fmt: skip
SAID = {
    "a column less": "no column 'status'",
    "empty": "is empty",
    "a cycle of cursors": "the pages repeat",
    "credentials refused": "refuse|authentication failed",
    "gone halfway": "503|broke off",
}


def made(kind: str, folder: Path, server: HrServer) -> Any:
    return Api(server) if kind == "http" else Database(folder) if kind == "sql" else Files(folder, kind)


@pytest.fixture
def kinde() -> Iterator[Emulator]:
    """A tenant in which the staff is as it should be."""
    with Emulator() as made:
        users = [
            {
                "email": row["email"],
                "first_name": row["first"],
                "last_name": row["last"],
                "provided_id": f"hr:{row['id']}",
                "memberships": ["IT"],
            }
            for row in staff()
        ]
        made.seed({"organizations": ["IT"], "users": users})
        yield made


@pytest.fixture
def client(kinde: Emulator) -> Iterator[KindeClient]:
    with KindeClient(kinde.url, kinde.client_id, kinde.client_secret) as made:
        yield made


def staff() -> Rows:
    return [person(number, start="2026-01-05") for number in range(30)]


@pytest.mark.parametrize(("kind", "day"), [(kind, day) for kind in KINDS for day in DAYS[kind]])
def test_a_failed_read_changes_nothing_and_the_next_good_run_finishes(
    kind: str, day: str, tmp_path: Path, server: HrServer, kinde: Emulator, client: KindeClient
) -> None:
    hr = made(kind, tmp_path, server)
    assert set(hr.days) == set(DAYS[kind])

    def run(rows: Rows, day: str = "") -> tuple[str, str]:
        source = hr.source(rows, day)
        try:
            report = apply(SPEC, source, client, RunRequest.of(now=NOW))
        except SourceError as error:
            return "error", str(error)
        assert not any(block["approvable"] for block in report.blocked)
        return report.outcome, "; ".join(str(block["reason"]) for block in report.blocked)

    assert run(staff()) == ("no changes", "")
    before = kinde.state()
    rows = [*staff(), person(900, start="2026-01-05")]
    kinde.clear_log()
    outcome, said = run(rows, day)
    assert outcome in ("blocked", "error")
    assert re.search(SAID.get(day, "."), said), said
    assert [entry for entry in kinde.log() if entry["kind"] == "api" and entry["method"] != "GET"] == []
    assert kinde.state() == before
    assert run(rows)[0] == "changes"
    assert run(rows) == ("no changes", "")
    users = kinde.state()["users"]
    assert (len(users), any(user["is_suspended"] for user in users)) == (31, False)


@pytest.mark.parametrize("kind", KINDS)
def test_a_date_in_another_format_rejects_its_row_alone(
    kind: str, tmp_path: Path, server: HrServer, kinde: Emulator, client: KindeClient
) -> None:
    hr = made(kind, tmp_path, server)
    rows = [*staff(), person(900, start="2026-01-05")]
    rows[7] |= {"start": "05.01.2026", "last": "Roe"}
    odd = hr.source(rows)
    report = apply(SPEC, odd, client, RunRequest.of(now=NOW))
    (rejected,) = report.plan.rejected
    assert (rejected.id, "05.01.2026" in rejected.reason) == ("p7", True)
    assert [o.kind for o in report.plan.operations] == ["create", "add_membership"]
    rows[7]["start"] = "2026-01-05"
    good = hr.source(rows)
    assert [o.kind for o in apply(SPEC, good, client, RunRequest.of(now=NOW)).plan.operations] == ["update"]
