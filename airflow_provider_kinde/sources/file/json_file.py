"""JSON (a list of objects, read piece by piece) and JSON lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import IO, Any

from airflow_provider_kinde.exceptions import SourceError
from airflow_provider_kinde.sync.model import Row
from airflow_provider_kinde.sync.rows import DuplicateColumnError, RowReading, object_row, unique

_CHUNK = 1 << 16
MAX_ITEM = 4_000_000
"""Largest item, in characters."""
_BLANK = re.compile(r"[ \t\r\n\ufeff]*")


def _constant(name: str) -> None:
    """Read NaN and infinity, which some exports write for "no value", as null."""


DECODER = json.JSONDecoder(parse_constant=_constant, object_pairs_hook=unique)
"""Reads NaN as null; raises ``DuplicateColumnError`` if an object has a name twice, where Python's keeps the last."""


def _incomplete(reading: RowReading, reason: str) -> None:
    reading.incomplete.append(f"{reading.name} is incomplete: {reason}")
    reading.broken = True


def read_lines(lines: Iterator[str], reading: RowReading) -> Iterator[Row]:
    """Read JSON lines. A broken last line means that the file was cut off; any other broken line is rejected.

    :param lines: the lines of the file, one object each.
    :param reading: its ``incomplete`` gets the reason if the file was cut off.
    :returns: the rows, numbered by line.
    """
    broken: Row | None = None
    for number, line in enumerate(lines, 1):
        text = line.strip().lstrip("\ufeff")
        if not text:
            continue
        if broken is not None:
            yield broken
            broken = None
        try:
            row = object_row(number, DECODER.decode(text))
        except (ValueError, RecursionError) as error:
            broken = Row(number, {}, f"is not valid JSON: {error}")
            continue
        yield row
    if broken is not None:
        _incomplete(reading, f"its last line, {broken.number}, {broken.problem}: was the file cut off?")
        yield broken


def read_document(stream: IO[str], reading: RowReading, rows_key: str, keyed_by: str = "") -> Iterator[Row]:
    """Read a JSON document with one item in memory at a time.

    :param stream: the file.
    :param reading: its ``incomplete`` gets the reason if the file is cut off or broken.
    :param rows_key: key of the list of rows if the document is an object; empty if it is a list.
    :param keyed_by: the column that takes the keys, if the rows stand in an object under their ids.
    :returns: the rows, numbered from 1.
    :raises SourceError: the document is an object and ``rows_key`` is empty, or the other way round.
    """
    text = _Text(stream)
    try:
        yield from _document(text, reading, rows_key, keyed_by)
    except _Truncated as error:
        _incomplete(reading, str(error))
    except UnicodeError as error:
        _incomplete(reading, f"it cannot be decoded: {error}")


class _Truncated(Exception):
    """The document ends or breaks here."""


class _Text:
    """A window that moves over a text file."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._buffer, self._at, self._ended = "", 0, False

    def _more(self, size: int) -> bool:
        chunk = self._stream.read(size)
        if "\0" in chunk:
            raise _Truncated("it holds NUL bytes; if it is UTF-16, set encoding: utf-16")
        self._buffer, self._at = self._buffer[self._at :] + chunk, 0
        self._ended = not chunk
        return bool(chunk)

    def peek(self) -> str:
        """Return the next character that is not blank; empty at the end."""
        while True:
            found = _BLANK.match(self._buffer, self._at)
            assert found is not None
            self._at = found.end()
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._more(_CHUNK):
                return ""

    def take(self, expected: str, where: str) -> str:
        """Return the next character, which must be one of ``expected``.

        :param where: the place, for the error message.
        """
        char = self.peek()
        if not char:
            raise _Truncated(f"it ends {where}: was the file cut off?")
        if char not in expected:
            raise _Truncated(f"{' or '.join(expected)} is expected {where}, found {char!r}")
        self._at += 1
        return char

    def value(self, where: str) -> Any:
        """Return the next JSON value.

        :param where: the place, for the error message.
        """
        self.peek()
        size = _CHUNK
        while True:
            try:
                value, end = DECODER.raw_decode(self._buffer, self._at)
            except RecursionError:
                raise _Truncated(f"{where} is nested too deeply") from None
            except ValueError as error:
                if len(self._buffer) - self._at > MAX_ITEM:
                    raise _Truncated(
                        f"{where} is longer than {MAX_ITEM:,} characters or not valid JSON: {error}"
                    ) from None
                if not self._more(size):
                    raise _Truncated(f"{where} is cut off or not valid JSON: {error}") from None
                size *= 2
                continue
            # A number at the end of the window may continue in the next chunk.
            if end == len(self._buffer) and not self._ended and self._more(size):
                continue
            self._at = end
            return value


def _document(text: _Text, reading: RowReading, rows_key: str, keyed_by: str) -> Iterator[Row]:
    first = text.peek()
    if not first:
        return
    if first == "[":
        if rows_key or keyed_by:
            option = f"rows: {rows_key}" if rows_key else f"keyed_by: {keyed_by}"
            raise SourceError(f"{reading.name} is a list: leave out {option} in the spec")
        yield from _list(text)
    elif first == "{":
        if not rows_key and not keyed_by:
            raise SourceError(
                f"{reading.name} is an object: name the list of rows in it with rows: in the spec, or, if its keys are "
                "ids, the column that takes them with keyed_by:"
            )
        yield from _object(text, rows_key, keyed_by) if rows_key else _keyed(text, keyed_by)
    else:
        raise _Truncated(f"it begins with {first!r} and is neither a list nor an object")
    if left := text.peek():
        raise _Truncated(f"{left!r} follows after its end: are these two files in one?")


def _list(text: _Text) -> Iterator[Row]:
    text.take("[", "at the beginning of the list")
    number = 0
    if text.peek() == "]":
        text.take("]", "")
        return
    while True:
        number += 1
        row = object_row(number, text.value(f"item {number}"))
        _check_text(row)
        yield row
        if text.take(",]", f"after item {number}") == "]":
            return


def _keyed(text: _Text, column: str) -> Iterator[Row]:
    """The rows of an object that holds each under its id."""
    text.take("{", "at the beginning of the object")
    keys: set[str] = set()
    number = 0
    while text.peek() != "}":
        number += 1
        key = text.value("a key")
        if not isinstance(key, str):
            raise _Truncated("a key is not text")
        if key in keys:
            raise _Truncated(f"key {number} stands twice: remove one of the two rows")
        keys.add(key)
        text.take(":", f"after key {number}")
        row = object_row(number, text.value(f"item {number}"))
        if not row.problem and str(row.values.get(column, key)).strip() != key.strip():
            row = Row(number, {}, f"holds another {column!r} than the key under which it stands")
        elif not row.problem:
            row = Row(number, {**row.values, column: key})
        _check_text(row)
        yield row
        if text.take(",}", f"after item {number}") == "}":
            return
    text.take("}", "at the end")


def _object(text: _Text, rows_key: str, keyed_by: str) -> Iterator[Row]:
    text.take("{", "at the beginning")
    found = False
    keys: set[str] = set()
    while text.peek() != "}":
        key = text.value("a key")
        if not isinstance(key, str):
            raise _Truncated("a key is not text")
        if key in keys:
            raise DuplicateColumnError(key)
        keys.add(key)
        where = f"key {len(keys)}"  # its name may be a person's
        text.take(":", f"after {where}")
        if key == rows_key and not found and text.peek() == ("{" if keyed_by else "["):
            found = True
            yield from _keyed(text, keyed_by) if keyed_by else _list(text)
        else:
            text.value(f"the value of {where}")
        if text.take(",}", f"after the value of {where}") == "}":
            break
    else:
        text.take("}", "at the end")
    if not found:
        raise _Truncated(f"it holds no {'object' if keyed_by else 'list'} named {rows_key!r} (rows: in the spec)")


def _check_text(row: Row) -> None:
    for column, value in row.values.items():
        if isinstance(value, str) and not value.isascii() and any("\udc80" <= char <= "\udcff" for char in value):
            raise _Truncated(f"item {row.number}, column {column!r}, cannot be decoded: set encoding (cp1252, …)")
