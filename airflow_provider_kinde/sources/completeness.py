"""Proofs that a file is whole: a number of rows, a last line that counts them, a manifest beside it."""

from __future__ import annotations

import hashlib
import io
import json
import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import IO

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.sync.rows import RowReading

_SHA256 = re.compile(r"\\?([0-9a-fA-F]{64})(?:\s+\*?(.+))?")


@dataclass(frozen=True)
class Expect:
    """What a spec expects of a file.

    :param min_rows: the least number of rows.
    :param trailer_text: the last line, with ``{rows}`` and ``{any}`` in it.
    :param manifest: path of a file that states rows or checksum.
    """

    min_rows: int | None
    trailer_text: str | None
    manifest: str | None

    @cached_property
    def trailer(self) -> re.Pattern[str] | None:
        """The pattern of the last line, with the number of rows in it."""
        return _trailer(self.trailer_text) if self.trailer_text else None

    def begin(self, reading: RowReading, manifest: Callable[[], str | None]) -> Proof:
        """Start to collect the proofs of one reading.

        :param reading: the reading, whose proofs are collected.
        """
        return Proof(self, reading, manifest)


def _trailer(text: str) -> re.Pattern[str]:
    number = r"(?P<rows>\d{1,12})"
    first, *middle = (re.escape(part).replace(re.escape("{rows}"), number) for part in text.strip().split("{any}"))
    if not middle:
        return re.compile(first)
    # What stands after an {any} is looked for once, from the left: to try every place for every {any} would take
    # minutes on a long line. A look-ahead never gives back what it found.
    found = "".join(f"(?=(?P<to{n}>.*?{part}))(?P=to{n})" for n, part in enumerate(middle[:-1]))
    return re.compile(f"{first}{found}.*?{middle[-1]}")


class Proof:
    """The proofs of one reading, settled after its last row.

    :param expect: the spec's expectations.
    :param reading: the reading, which is proven or incomplete in the end.
    :param manifest: reads the file that names rows or checksum.
    """

    def __init__(self, expect: Expect, reading: RowReading, manifest: Callable[[], str | None]) -> None:
        self.expect, self.reading = expect, reading
        self._last_line: str | None = None
        self._rows: int | None = None
        self._sha256: str | None = None
        if expect.manifest is not None:
            self._read_manifest(manifest(), reading.name)

    @property
    def wants_hash(self) -> bool:
        return self._sha256 is not None

    def _fail(self, reason: str) -> None:
        self.reading.incomplete.append(f"{self.reading.name} is incomplete: {reason}")

    def _read_manifest(self, text: str | None, name: str) -> None:
        path = self.expect.manifest
        if text is None:
            self._fail(f"its manifest {path} does not exist")
            return
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = _checksum(text, posixpath.basename(name))
        rows, sha256 = (found.get("rows"), found.get("sha256")) if isinstance(found, dict) else (None, None)
        if isinstance(rows, int) and not isinstance(rows, bool):
            self._rows = rows
        if isinstance(sha256, str) and re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
            self._sha256 = sha256.lower()
        if self._rows is None and self._sha256 is None:
            self._fail(f'its manifest {path} holds neither {{"rows": …}} nor a SHA-256 of this file')

    def hash_file(self, file: IO[bytes]) -> Callable[[], str] | None:
        """The checksum of a seekable file, which is read from its start afterwards.

        :param file: the file.
        """
        if not self.wants_hash:
            return None
        digest = hashlib.sha256()
        while chunk := file.read(1 << 20):
            digest.update(chunk)
        file.seek(0)
        return digest.hexdigest

    def without_trailer(self, lines: Iterator[str]) -> Iterator[str]:
        """The lines but for the last that is not blank, which is kept as the trailer.

        :param lines: the lines of the file.
        """
        held: list[str] = []
        for line in lines:
            if line.strip() and held:
                yield from held
                held.clear()
            if line.strip() or held:
                held.append(line)
            else:
                yield line
        if held:
            self._last_line = held[0].strip()

    def settle(self, rows: int, digest: Callable[[], str] | None) -> None:
        """Judge every expectation, once the last row was read.

        :param rows: how many rows were read.
        :param digest: returns the checksum of what was read; ``None`` where none is taken.
        """
        expect, before = self.expect, len(self.reading.incomplete)
        if expect.min_rows is not None and rows < expect.min_rows:
            self._fail(f"it has {counted(rows, 'row')}, and expect.min_rows is {expect.min_rows}")
        if expect.trailer is not None:
            match = expect.trailer.fullmatch(self._last_line or "")
            if not match:
                self._fail(f"its last line is not the trailer {expect.trailer_text!r} that the spec expects")
            elif int(match["rows"]) != rows:
                self._fail(
                    f"its trailer counts {counted(int(match['rows']), 'row')}, and {counted(rows, 'was', 'were')} read"
                )
        if self._rows is not None and self._rows != rows:
            self._fail(f"its manifest counts {counted(self._rows, 'row')}, and {counted(rows, 'was', 'were')} read")
        if self._sha256 is not None and digest is not None and not before and digest() != self._sha256:
            self._fail("its SHA-256 is not the one in its manifest: one of the two is of another export")
        asked = expect.min_rows is not None or expect.trailer is not None or expect.manifest is not None
        self.reading.proven = asked and not self.reading.incomplete


def _checksum(text: str, name: str) -> dict[str, str]:
    """The checksum in a file that ``sha256sum`` wrote."""
    found = [match for line in text.splitlines() if (match := _SHA256.fullmatch(line.strip()))]
    mine = [match for match in found if match[2] and posixpath.basename(match[2].strip()) == name]
    chosen = mine or (found if len(found) == 1 else [])
    return {"sha256": chosen[0][1]} if chosen else {}


class HashingFile(io.RawIOBase):
    """A binary file that takes the SHA-256 of what is read from it.

    :param file: the file.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._digest = file, hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read bytes, as :class:`io.RawIOBase` asks for them.

        :param buffer: where the bytes go.
        """
        data = self._file.read(len(buffer))
        self._digest.update(data)
        buffer[: len(data)] = data
        return len(data)

    def hexdigest(self) -> str:
        return self._digest.hexdigest()

    def close(self) -> None:
        self._file.close()
        super().close()
