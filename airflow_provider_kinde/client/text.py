"""What counts as text that can be sent. Imports nothing heavy: Airflow reads the connection form at each parse."""

from __future__ import annotations

import re
from collections.abc import Mapping
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
