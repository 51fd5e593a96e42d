"""Which texts can be sent, and which known name a misspelt one is like.

Imports nothing heavy: Airflow reads the connection form at each parse.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any


def is_text(value: Any) -> bool:
    """Return whether all texts in a value can be sent, because they hold no half characters.

    :param value: a text, or a mapping or list with texts in it.
    """
    if isinstance(value, str):
        return value.isascii() or not re.search("[\ud800-\udfff]", value)
    if isinstance(value, Mapping):
        return all(is_text(key) and is_text(inner) for key, inner in value.items())
    return not isinstance(value, (list, tuple, set, frozenset)) or all(map(is_text, value))


def did_you_mean(name: str, known: Iterable[str], otherwise: str | None = None) -> str:
    """Word the hint for a name that does not exist.

    :param name: the name.
    :param known: the names that exist.
    :param otherwise: the hint where no known name is like it; the list of all of them when left out.
    """
    from difflib import get_close_matches

    listed = list(known)
    if near := get_close_matches(name, listed, 1):
        return f"did you mean {near[0]}?"
    return f"known are {', '.join(listed) or 'none'}" if otherwise is None else otherwise
