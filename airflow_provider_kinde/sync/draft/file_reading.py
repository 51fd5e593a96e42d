"""Read an HR export for a draft: guess how the file is laid out, and count the values of each column."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pendulum

from airflow_provider_kinde.exceptions import SyncError
from airflow_provider_kinde.sync.draft.columns import Column
from airflow_provider_kinde.sync.draft.csv_layout import csv_options
from airflow_provider_kinde.sync.draft.yaml_text import flow, quoted
from airflow_provider_kinde.sync.model import Reading, Source
from airflow_provider_kinde.sync.people.reader import read_people
from airflow_provider_kinde.sync.spec.cell_text import clean_text
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.spec.sections import UNKNOWN_DOMAIN
from airflow_provider_kinde.sync.store.people import People

MakeSource = Callable[[SyncSpec], Source]
"""Opens the source of a spec."""
_PROBE = """
version: 1
name: draft
source: {source}
person: {{id: "{{{{ row.x }}}}", email: "{{{{ row.x }}}}", given_name: "", family_name: ""}}
employment: {{status: Active, active: [Active]}}
"""


def source_options(path: str) -> dict[str, Any]:
    """Guess the options of the file source from the first bytes of the file.

    :param path: the file.
    :raises SyncError: it cannot be read.
    """
    options: dict[str, Any] = {"type": "file"}
    suffix = Path(path.lower().removesuffix(".gz")).suffix
    if "://" in path:
        return options
    try:
        with Path(path).expanduser().open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            file = gzip.GzipFile(fileobj=raw) if packed else raw
            head = file.read(1 << 16)
            whole = head + file.read(1 << 24)
    except (OSError, EOFError, zlib.error) as error:
        raise SyncError(f"{path} cannot be read: {getattr(error, 'strerror', '') or error}") from error
    if suffix in (".parquet", ".pq", ".xlsx", ".xlsm"):
        return options
    if head.startswith(b"PK\x03\x04"):
        return {**options, "format": "xlsx"}
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        options["encoding"] = "utf-16"
    elif not _is_utf8(whole):
        options["encoding"] = _code_page(whole)
    text = head.decode(options.get("encoding", "utf-8-sig"), errors="replace")
    if suffix not in (".csv", ".tsv", ".json", ".jsonl", ".ndjson"):
        options["format"] = (
            ("jsonl" if "\n{" in text else "json") if text.lstrip()[:1] in "[{" and text.strip() else "csv"
        )
    kind = options.get("format", "csv" if suffix in (".csv", ".tsv") else suffix.lstrip("."))
    if kind == "csv":
        options |= csv_options(text, tab=suffix == ".tsv")
    if kind == "json" and text.lstrip()[:1] == "{":
        if re.match(r'\s*\{\s*"[^"\\]*"\s*:\s*\{', text):
            options["keyed_by"] = "id"
        else:
            options["rows"] = _rows_key(text, path)
    return options


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start > len(data) - 4  # a character cut off by the end of what was read
    return True


CODE_PAGES = ("cp1250", "cp1251", "cp1252")
"""Windows code pages that a draft guesses."""
_SIGNS_IN_WORDS = re.compile(r"(?<=[^\W\d_])([^\w\s\x00-\x7f’‘´–]|[¹²³])|([^\w\s\x00-\x7f’‘´–]|[¹²³])(?=[^\W\d_])")
"""Signs within words: a text that was read in the wrong code page."""


def _code_page(data: bytes) -> str:
    """Guess the Windows code page of a text that is no UTF-8: of Western Europe, of Central Europe, or Cyrillic."""
    western = data.decode("cp1252", errors="replace")
    if re.search(r"[^\W\d_a-zA-Z]{4,}", western) and re.search("[а-яА-ЯёЁіїєґ]{4,}", data.decode("cp1251", "replace")):
        return "cp1251"
    central = data.decode("cp1250", errors="replace")
    signs = [len(_SIGNS_IN_WORDS.findall(text)) for text in (western, central)]
    return "cp1250" if signs[1] < signs[0] else "cp1252"


def _rows_key(text: str, path: str) -> str:
    match = re.search(r'"([^"\\]+)"\s*:\s*\[\s*\{', text)
    if not match:
        raise SyncError(f"{path} is a JSON object without a list of objects near its beginning")
    return match[1]


def read_columns(path: str, options: dict[str, Any], make_source: MakeSource) -> tuple[list[Column], int]:
    """Read every column with its values.

    :param path: the file.
    :param options: the options of the source.
    :param make_source: opens the source of a spec.
    :returns: the columns, and how many rows there are.
    :raises SyncError: the file has no row.
    """
    reading = open_reading(path, options, make_source)
    columns = {name: Column(name) for name in reading.columns or ()}
    rows = 0
    for row in reading:
        if row.problem:
            continue
        rows += 1
        for name, value in row.values.items():
            columns.setdefault(name, Column(name)).add(value)
    if not rows:
        why = f": {reading.incomplete[0]}" if reading.incomplete else ""
        raise SyncError(f"{path} has no row, so there is nothing to draft from{why}")
    for column in columns.values():
        column.rows = rows
    return list(columns.values()), rows


def count_pairs(reading: Reading, first: str, second: str) -> int:
    """Count the different pairs of values of two columns.

    :param reading: the rows of a file.
    :param first: the name of a column.
    :param second: the name of another one.
    """
    return len({
        tuple(clean_text(str(row.values.get(name, ""))).casefold() for name in (first, second))
        for row in reading
        if not row.problem
    })  # fmt: skip


def open_reading(path: str, options: dict[str, Any], make_source: MakeSource) -> Reading:
    """Begin to read the rows of a file.

    :param path: the file.
    :param options: the options of the source.
    :param make_source: opens the source of a spec.
    """
    full = path if "://" in path else str(Path(path).expanduser().absolute())
    spec = SyncSpec.parse(_PROBE.format(source=flow({**options, "path": full})))
    return make_source(spec).read()


def readable(text: str) -> str:
    """Put a domain into a draft whose domain is not known yet, so that it can be read and counted.

    :param text: the draft.
    """
    return text.replace(UNKNOWN_DOMAIN, "example.com")


@dataclass(frozen=True)
class HrFile:
    """An HR export, which can be read several times.

    :param path: the file.
    :param options: the options of the source.
    :param columns: its columns.
    :param make_source: opens the source of a spec.
    """

    path: str
    options: dict[str, Any]
    columns: Sequence[Column]
    make_source: MakeSource

    def rows(self) -> Reading:
        """Read the rows."""
        return open_reading(self.path, self.options, self.make_source)

    def people(self, text: str) -> People:
        """Read the file with a drafted spec.

        :param text: the spec; the path in it may be relative to another folder.
        """
        full = self.path if "://" in self.path else str(Path(self.path).expanduser().absolute())
        here = re.sub(r"(?m)^  path: .*$", lambda _: f"  path: {quoted(full)}", text, count=1)
        spec = SyncSpec.parse(readable(here))
        return read_people(spec, self.make_source(spec), pendulum.now("UTC"))
