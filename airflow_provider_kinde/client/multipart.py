"""One file as a multipart body, in the same bytes for the sync and the async client."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import IO, Any

_KINDS = (
    (b"\x89PNG", "png", "image/png"),
    (b"\xff\xd8", "jpg", "image/jpeg"),
    (b"GIF8", "gif", "image/gif"),
    (b"RIFF", "webp", "image/webp"),
)


def encode_file(field: str, value: bytes | str | os.PathLike[str] | IO[bytes] | Any) -> tuple[bytes, str]:
    """Encode a file as ``multipart/form-data``.

    :param field: the form field's name.
    :param value: the content, an open binary file, or the path of a file.
    :returns: body and content type.
    :raises ValueError: the file is empty or none at all.
    """
    if isinstance(value, (str, os.PathLike)):
        content = Path(value).read_bytes()
    elif isinstance(value, (bytes, bytearray, memoryview)):
        content = bytes(value)
    elif hasattr(value, "read"):
        content = value.read()
    else:
        content = None
    if not isinstance(content, bytes):
        raise ValueError(f"{field} must be bytes, a path or a file opened in binary mode")
    if not content:
        raise ValueError(f"{field} is empty")
    suffix, kind = next(((s, k) for magic, s, k in _KINDS if content.startswith(magic)), ("svg", "image/svg+xml"))
    # From the content: repeatable, and never a line of the content itself.
    boundary = hashlib.sha256(content).hexdigest()
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"; filename="{field}.{suffix}"\r\n'
    body = f"{head}Content-Type: {kind}\r\n\r\n".encode() + content + f"\r\n--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"
