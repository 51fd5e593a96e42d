"""What the first bytes of a file say it is, and unpacking gzip."""

from __future__ import annotations

import gzip
import io
import re
import zlib
from typing import IO

from airflow_provider_kinde.exceptions import SourceError

MAX_UNPACKED = 8 << 30
"""Bytes of the largest file after unpacking."""
_KINDS = {
    b"PK\x03\x04": ("xlsx", "an Excel workbook (.xlsx)", "set format: xlsx under source, or export it as CSV"),
    b"\xd0\xcf\x11\xe0": ("xls", "an old Excel workbook (.xls)", "save it as .xlsx or as CSV"),
    b"PAR1": ("parquet", "a Parquet file", "set format: parquet under source"),
    b"%PDF": ("pdf", "a PDF document", "ask the HR system for CSV"),
    b"version https://git-lfs": ("lfs", "a pointer of Git LFS, without the file itself", "fetch it with git lfs pull"),
}
_TEXTS = {
    re.compile(rb"<(?:html|!doctype|table|body|head|meta)", re.IGNORECASE): (
        "html", "a web page", "ask the HR system for CSV: some write a web page and call it Excel",
    ),
    re.compile(rb"<\?xml|<[a-z]\w*[ >]", re.IGNORECASE): (
        "xml", "an XML document", "ask the HR system for CSV or JSON",
    ),
    re.compile(rb'\[\s*\{|\{\s*"'): (
        "json", "JSON", "set format: json under source (jsonl for an object in each line)",
    ),
}  # fmt: skip
"""How the text of a file begins that is of another kind."""


def begin(raw: IO[bytes]) -> bytes:
    """The first bytes of a seekable file, which stands at its beginning afterwards.

    :param raw: the file.
    """
    head = raw.read(512)
    raw.seek(0)
    return head


def check_kind(head: bytes, form: str, name: str) -> None:
    """Refuse a file that is of another kind than the spec says.

    :param head: the first bytes of the file.
    :param form: the format that the spec or the name of the file says.
    :param name: the file, for messages.
    :raises SourceError: it is of another kind; the message says which, and what to do.
    """
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    found = [kind for mark, kind in _KINDS.items() if head.startswith(mark)]
    found += [kind for pattern, kind in _TEXTS.items() if pattern.match(text)]
    for kind, what, advice in found[:1]:
        if form not in (kind, f"{kind}l"):
            raise SourceError(f"{name} is {what}, and it is read as {form}: {advice}")


def is_gzip(head: bytes) -> bool:
    """Whether a file is packed by gzip, whatever its name says.

    :param head: its first bytes.
    """
    return head.startswith(b"\x1f\x8b")


class GzipContent(io.RawIOBase):
    """The content of a file that gzip packed.

    :param raw: the packed file.
    :param name: the file, for messages.
    """

    def __init__(self, raw: IO[bytes], name: str) -> None:
        self._raw, self._name, self._size = raw, name, 0
        self._file = gzip.GzipFile(fileobj=raw)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read bytes, as :class:`io.RawIOBase` asks for them.

        :param buffer: where the bytes go.
        """
        try:
            data = self._file.read(len(buffer))
        except (EOFError, zlib.error, gzip.BadGzipFile):
            raise SourceError(f"{self._name} cannot be unpacked to its end: was the file cut off?") from None
        self._size += len(data)
        if self._size > MAX_UNPACKED:
            raise SourceError(f"{self._name} holds more than {MAX_UNPACKED >> 30} GiB after unpacking")
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._file.close()
        self._raw.close()
        super().close()
