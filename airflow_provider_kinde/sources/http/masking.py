"""Takes credentials out of what an HR API says of itself, in whatever form it repeats them."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

_PART = 8
"""Characters of a credential that are masked even where the rest was cut off."""


def mask(text: str, secrets: Iterable[str]) -> str:
    """Replace credentials by ``***``: as they are, encoded for a URL, HTML or JSON, in base64 or hexadecimal.

    A part of eight characters is masked as well: an API may have cut its text in the middle of a credential.

    :param text: what the API said, before anything is cut off from it.
    :param secrets: the credentials.
    :returns: the text without them.
    """
    parts: set[str] = set()
    for form in {form for secret in secrets if len(secret) > 3 for form in _forms(secret)}:
        parts |= {form[at : at + _PART] for at in range(max(len(form) - _PART, 0) + 1)}
    sizes = sorted({len(part) for part in parts}, reverse=True)
    hidden = [False] * len(text)
    for size in sizes:
        for at in range(len(text) - size + 1):
            if text[at : at + size] in parts:
                hidden[at : at + size] = [True] * size
    return "".join(char if not hidden[at] else "" if at and hidden[at - 1] else "***" for at, char in enumerate(text))


def _forms(secret: str) -> Iterator[str]:
    yield from (secret, quote(secret, safe=""), quote(secret), quote_plus(secret), html.escape(secret))
    yield quote(quote(secret, safe=""), safe="")
    yield quote(secret, safe="").replace("%2F", "%2f").replace("%2B", "%2b").replace("%3D", "%3d").replace("%3A", "%3a")
    yield json.dumps(secret)[1:-1]
    data = secret.encode(errors="replace")
    yield data.hex()
    yield data.hex().upper()
    # What stands before a text in base64 moves it by one or two bytes.
    for before in (b"", b"x", b"xx"):
        coded = base64.b64encode(before + data).decode().rstrip("=")
        inner = coded[(0, 2, 3)[len(before)] : len(coded) - 1]
        if len(inner) >= _PART:
            yield inner
            yield inner.replace("+", "-").replace("/", "_")
