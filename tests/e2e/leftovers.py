"""Everything that a run leaves behind: each file, and each cell of each table; and what is looked for in it."""

from __future__ import annotations

import base64
import csv
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import requests

from demo.local_kinde import CLIENT_ID, CLIENT_SECRET, LocalKinde
from demo.stage import HR

Place = tuple[str, bytes]


def files(*folders: Path) -> Iterator[Place]:
    """Each file below, whole, a database's own among them: what was deleted from a table may still be in it."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                yield str(path), path.read_bytes()


def cells(uri: str) -> Iterator[Place]:
    """Each column of each table of a database, all its rows in one."""
    from sqlalchemy import create_engine, inspect, text

    engine = create_engine(uri)
    try:
        for table in inspect(engine).get_table_names():
            with engine.connect() as connection:
                rows = connection.execute(text(f'SELECT * FROM "{table}"')).mappings().all()
            for column in rows[0] if rows else ():
                yield f"{table}.{column}", b"\n".join(_bytes(row[column]) for row in rows)
    finally:
        engine.dispose()


def _bytes(value: Any) -> bytes:
    if isinstance(value, (bytes, memoryview)):
        return bytes(value)
    return (value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)).encode()


def secrets(kinde: LocalKinde) -> dict[str, re.Pattern[bytes]]:
    """The client secret as it is sent, and what every token of this Kinde has in it, whenever it was made."""
    first, second = (_token(kinde).split(".") for _ in range(2))
    start = 0
    while first[1][start] == second[1][start]:
        start += 1
    assert first[0] == second[0]
    assert start > 40
    basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
    found = {"secret": CLIENT_SECRET, "basic": basic, "token": first[0], "claims": first[1][:start]}
    return {name: re.compile(re.escape(value.encode())) for name, value in found.items()}


def _token(kinde: LocalKinde) -> str:
    form = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    answer = requests.post(f"{kinde.url}/oauth2/token", {**form, "audience": f"{kinde.url}/api"}, timeout=30)
    answer.raise_for_status()
    token: str = answer.json()["access_token"]
    return token


def people() -> dict[str, re.Pattern[bytes]]:
    """The addresses of the demo's company, and everybody's two names near each other, plain or as JSON has them."""
    pairs = set()
    with (HR / "employees.csv").open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            names = [unicodedata.normalize("NFC", row[column]).strip() for column in ("First name", "Last name")]
            if all(names):
                pairs |= {_near(names), _near([json.dumps(name)[1:-1] for name in names])}
    both = "|".join(sorted(pairs)).encode()
    return {"address": re.compile(rb"@harborlane\.example", re.IGNORECASE), "name": re.compile(both)}


def _near(names: Iterable[str]) -> str:
    return r"\b" + r"\b.{1,40}\b".join(map(re.escape, names)) + r"\b"


def found(wanted: Mapping[str, re.Pattern[bytes]], places: Iterable[Place]) -> set[tuple[str, str]]:
    """What is in which place."""
    return {(name, where) for where, content in places for name, pattern in wanted.items() if pattern.search(content)}
