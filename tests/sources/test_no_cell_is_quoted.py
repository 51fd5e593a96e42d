"""Messages of a source go to logs, XCom and chats: they quote no cell, and no key that may be a person's."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_kinde.exceptions import SourceError
from airflow_provider_kinde.sources import make_source
from airflow_provider_kinde.sources.sql import SqlSource
from airflow_provider_kinde.sync.spec.models import SyncSpec
from tests.support.hr_server import REST, HrServer, Read, Reply, make

CELLS = ("Zoltan", "zoltan@", "Bela", "bela@")
ZOLTAN = {"id": 1, "email": "zoltan@acme.test", "first": "Zoltan", "last": "Zoltan"}


def told(read: Callable[[], Read]) -> str:
    """All that a reading says of the whole; a source that cannot be read says it in its error."""
    try:
        reading = read().reading
    except SourceError as error:
        return str(error)
    return " ".join([*reading.incomplete, *reading.warnings])


@pytest.mark.parametrize(
    "answer",
    [
        {"zoltan@acme.test": ZOLTAN, "bela@acme.test": ZOLTAN},
        {"Zoltan": [ZOLTAN], "Bela": [], "data": None},
        {"data": {"Zoltan Bela": ZOLTAN}},
        ["Zoltan", "Bela"],
        "Zoltan",
    ],
)
def test_an_unexpected_answer_is_told_by_the_words_of_apis_alone(server: HrServer, answer: Any) -> None:
    server.script = [Reply(answer)] * 3
    said = told(lambda: Read(make(server, {"type": "http", "url": "/people", "rows": "employees"})))
    assert "without a list at employees" in said
    assert not [cell for cell in CELLS if cell in said]


def test_known_words_of_an_answer_are_named(server: HrServer) -> None:
    server.script = [Reply({"Zoltan": 1, "Bela": 2, "total": 3, "data": {}})]
    said = told(lambda: Read(make(server, {"type": "http", "url": "/people", "rows": "employees"})))
    assert said.endswith("it has data, total, 2 other keys")


def test_a_name_that_stands_twice_in_an_answer_is_not_quoted(server: HrServer) -> None:
    twice = b'{"zoltan@acme.test": 1, "zoltan@acme.test": 2}'
    server.script = [Reply(body=twice, headers={"Content-Type": "application/json"})] * 3
    said = told(lambda: Read(make(server, {"type": "http", "url": "/people"})))
    assert "stands twice" in said
    assert not [cell for cell in CELLS if cell in said]


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ('{"zoltan@acme.test": {"id": 1}, "bela@acme.test": {"id"', {"keyed_by": "email"}),
        ('{"zoltan@acme.test": {"id": 1}, "zoltan@acme.test": {"id": 2}}', {"keyed_by": "email"}),
        ('{"zoltan@acme.test" 1}', {"rows": "data"}),
        ('{"zoltan@acme.test": 1 "Bela": 2}', {"rows": "data"}),
        ('{"zoltan@acme.test": Zoltan}', {"rows": "data"}),
        ('{"zoltan@acme.test": 1, "Bela": {}}', {"rows": "data"}),
        ('[{"email": "zoltan@acme.test"}] Zoltan', {}),
        ('[{"Zoltan Bela": 1, "Zoltan Bela": 2}]', {}),
        ('"Zoltan"', {}),
    ],
)
def test_a_json_file_that_cannot_be_read_is_told_by_numbers(tmp_path: Path, text: str, options: dict[str, str]) -> None:
    path = tmp_path / "people.json"
    path.write_text(text, encoding="utf-8")
    source = json.dumps({"type": "file", "path": str(path), **options})
    said = told(lambda: Read(make_source(SyncSpec.parse(f"version: 1\nname: hr\nsource: {source}\n{REST}"))))
    assert said
    assert not [cell for cell in CELLS if cell in said]


@pytest.mark.parametrize(
    "text",
    [
        'invalid input syntax for type integer: "Zoltan"',
        "Conversion failed when converting the varchar value 'Zoltan' to data type int.",
        "Numeric value 'Zoltan' is not recognized",
        "Incorrect integer value: 'Zoltan' for column 'age' at row 1",
        "cannot cast Zoltan to date: Zoltan",
    ],
)
def test_a_value_that_a_database_refuses_is_not_quoted(text: str) -> None:
    def connect(conn_id: str) -> Any:
        def refuse(query: str) -> None:
            raise ValueError(text)

        return SimpleNamespace(
            cursor=lambda: SimpleNamespace(execute=refuse), rollback=lambda: None, close=lambda: None
        )

    spec = SyncSpec.parse(f"version: 1\nname: hr\nsource: {{type: sql, conn_id: hr_db, query: select 1}}\n{REST}")
    with pytest.raises(SourceError, match="the query on hr_db fails: ValueError") as caught:
        SqlSource(spec, connect).read()
    said = str(caught.value)
    assert "***" in said
    assert "'Zoltan'" not in said
    assert not said.endswith("Zoltan")


def test_a_link_that_repeats_a_credential_is_masked(server: HrServer) -> None:
    from airflow_provider_kinde.sources.http.login import Login

    key = "k3y-9f8e7d6c5b4a39281706"
    pages = {"type": "next", "next": "next"}
    for link in (f"/people/{key}", f"https://{key}.example.com/people"):
        server.script = [Reply({"data": [ZOLTAN], "next": link}), Reply({"message": "no"}, 400)]
        login = Login(server.url, "hr-user", key)
        options = {"type": "http", "url": "/people", "rows": "data", "auth": "bearer", "pages": pages}
        said = told(lambda: Read(make(server, options, login=login)))  # noqa: B023 - read at once
        assert key[:10] not in said
        assert "***" in said
