"""Proofs that a file is whole: a number of rows, a last line that counts them, a manifest beside it."""

from __future__ import annotations

import hashlib
import io
import json
import posixpath
import re
from collections.abc import Callable, Iterator
from typing import IO

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.sync.rows import RowReading

_SHA256 = re.compile(r"\\?([0-9a-fA-F]{64})(?:\s+\*?(.+))?")


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

    :param reading: the reading, which gets what is wrong.
    :param trailer: the last line, with ``{rows}`` and ``{any}`` in it; ``None`` for none.
    :param manifest: path of a file that states rows or checksum; ``None`` for none.
    :param read: reads that file.
    """

    def __init__(
        self, reading: RowReading, trailer: str | None, manifest: str | None, read: Callable[[], str | None]
    ) -> None:
        self.reading, self.trailer, self.manifest = reading, trailer, manifest
        self._last_line: str | None = None
        self._rows: int | None = None
        self._sha256: str | None = None
        if manifest is not None:
            self._read_manifest(read(), reading.name)

    @property
    def wants_hash(self) -> bool:
        return self._sha256 is not None

    def _fail(self, reason: str) -> None:
        self.reading.incomplete.append(f"{self.reading.name} is incomplete: {reason}")

    def _read_manifest(self, text: str | None, name: str) -> None:
        path = self.manifest
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
        before = len(self.reading.incomplete)
        if self.trailer is not None:
            match = _trailer(self.trailer).fullmatch(self._last_line or "")
            if not match:
                self._fail(f"its last line is not the trailer {self.trailer!r} that the spec expects")
            elif int(match["rows"]) != rows:
                self._fail(
                    f"its trailer counts {counted(int(match['rows']), 'row')}, and {counted(rows, 'was', 'were')} read"
                )
        if self._rows is not None and self._rows != rows:
            self._fail(f"its manifest counts {counted(self._rows, 'row')}, and {counted(rows, 'was', 'were')} read")
        if self._sha256 is not None and digest is not None and not before and digest() != self._sha256:
            self._fail("its SHA-256 is not the one in its manifest: one of the two is of another export")


def settle_min_rows(reading: RowReading, min_rows: int | None, count: int) -> None:
    """Check ``expect.min_rows`` after the last row.

    :param reading: its ``incomplete`` gets the reason.
    :param min_rows: the expected number of rows; ``None`` for no check.
    :param count: the number of rows read.
    """
    if min_rows is not None and count < min_rows:
        reading.incomplete.append(
            f"{reading.name} is incomplete: it has {counted(count, 'row')}, and expect.min_rows is {min_rows}"
        )


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
