"""The body of an answer as it comes in: unpacked here, for both clients alike, and bounded before and after that."""

from __future__ import annotations

import zlib

from airflow_provider_kinde.client.responses import TransportError

MAX_BODY = 16 * 1024 * 1024
"""Bytes. An answer larger than this is no page of 500 of anything, and takes twenty times as much memory when read."""

_WINDOWS = {"gzip": 31, "x-gzip": 31, "deflate": 15}


class Body:
    """What has come of an answer.

    :param encoding: its ``Content-Encoding``.
    :raises Lost: it is packed in a way that nobody asked for. Layers of packing serve no purpose but to burst.
    """

    def __init__(self, encoding: str) -> None:
        kind = encoding.strip().lower()
        if kind not in ("", "identity", *_WINDOWS):
            raise TransportError("the answer is packed in a way that was not asked for", sent=True, final=True)
        self._window = _WINDOWS.get(kind)
        self._unpacker = zlib.decompressobj(self._window) if self._window else None
        self._bytes = bytearray()
        self._came = 0

    def add(self, raw: bytes) -> None:
        """Take the next bytes as they came over the wire.

        :raises Lost: these are too many, or no packed bytes.
        """
        first = not self._came
        self._came += len(raw)
        if self._came > MAX_BODY:
            raise _too_large()
        try:
            self._bytes += self._unpacked(raw, first)
        except zlib.error:
            raise TransportError("the answer cannot be unpacked", sent=True) from None
        if len(self._bytes) > MAX_BODY:
            raise _too_large()

    def end(self) -> bytes:
        """The whole body, unpacked.

        :raises Lost: its end is missing.
        """
        if self._unpacker and self._came and not self._unpacker.eof:
            raise TransportError("the answer is cut off", sent=True)
        return bytes(self._bytes)

    def _unpacked(self, raw: bytes, first: bool) -> bytes:
        if not self._unpacker:
            return raw
        if self._unpacker.eof:
            # What follows the end is nobody's.
            return b""
        if first and self._window == 15 and raw[:1] and raw[0] & 0x0F != 8:
            # Some servers send deflate without the envelope that the standard asks for.
            self._unpacker = zlib.decompressobj(-15)
        # One byte more than may be: enough to see that it is too much, without unpacking the rest.
        return self._unpacker.decompress(raw, MAX_BODY + 1 - len(self._bytes))


def _too_large() -> TransportError:
    return TransportError(f"the answer is larger than {MAX_BODY} bytes", sent=True, final=True)
