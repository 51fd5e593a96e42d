"""The body of an answer as it comes over the wire, unpacked piece by piece."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

import requests

_CHUNK = 1 << 16


def chunks(response: requests.Response) -> Iterator[bytes]:
    """Yield the body as it comes, unpacked; an empty chunk where packed bytes hold nothing.

    :param response: the response, of which only the head was read.
    :raises requests.exceptions.ContentDecodingError: the body is packed in another way than it says.
    """
    encoding = response.headers.get("Content-Encoding", "").strip().lower()
    if encoding in ("", "identity"):
        yield from _raw_chunks(response)
        return
    if encoding not in ("gzip", "x-gzip"):
        raise requests.exceptions.ContentDecodingError(encoding)
    unpacker = _unpacker()
    for chunk in _raw_chunks(response):
        while chunk:
            if unpacker.eof:
                # gzip may consist of several parts.
                unpacker = _unpacker()
            try:
                yield unpacker.decompress(chunk, _CHUNK)
            except zlib.error as error:
                raise requests.exceptions.ContentDecodingError(error) from None
            chunk = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
    if not unpacker.eof:
        raise requests.ConnectionError("IncompleteRead")


def _unpacker() -> Any:
    return zlib.decompressobj(31)


def _raw_chunks(response: requests.Response) -> Iterator[bytes]:
    """Yield bytes as they come over the wire: ``iter_content`` would wait until a chunk is full."""
    read = getattr(response.raw, "read1", None)
    if read is None:  # urllib3 before 2.1
        yield from response.raw.stream(512, decode_content=False)
        return
    while chunk := read(_CHUNK, decode_content=False):
        yield chunk
