"""Filters for what HR exports need: names in one column, accents, addresses built from names."""

from __future__ import annotations

import datetime as dt
import decimal
import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import Any

from jinja2.exceptions import SecurityError
from jinja2.filters import do_round

from airflow_provider_kinde.sync.spec.regex import regex

MAX_TEXT = 10_000
"""Characters of the longest text that an expression reads or yields."""
MAX_ITEMS = 10_000
_WIDE = re.compile(r"\d{4,}|\*")

# Letters that carry no accent which could be taken off.
_FOLDED = {
    "ß": "ss", "ẞ": "SS", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D",
    "þ": "th", "Þ": "Th", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "ı": "i", "ħ": "h", "Ħ": "H",
    "ŋ": "n", "Ŋ": "N", "ŧ": "t", "Ŧ": "T", "ĸ": "k", "ə": "e", "Ə": "E",
    "‘": "'", "’": "'", "ʼ": "'", "´": "'", "–": "-", "—": "-", "‐": "-", "‑": "-", "\u00a0": " ",
}  # fmt: skip


def as_text(value: Any) -> str:
    """A scalar as text: nothing is empty, whole numbers have no ``.0``, dates are ISO 8601.

    :raises SecurityError: it is a list or an object, or too long.
    """
    if isinstance(value, str):
        if len(value) > MAX_TEXT:
            raise SecurityError(f"yields more than {MAX_TEXT:,} characters")
        return value
    if value is None:
        return ""
    if isinstance(value, float):
        return "" if value != value else str(int(value)) if value.is_integer() and abs(value) < 2**53 else str(value)
    if isinstance(value, (bool, int, decimal.Decimal)):
        try:
            return str(value)
        except ValueError:  # Python's own limit
            raise SecurityError("yields a number of thousands of digits") from None
    if isinstance(value, (dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        raise SecurityError("yields a list where text is expected (| join makes text of it, | first takes one)")
    # An undefined value raises here, with its own message.
    text = str(value)
    raise SecurityError(f"yields {text[:40]!r} where text is expected")


def ascii_fold(value: Any) -> str:
    """``Zoë Ångström`` -> ``Zoe Angstrom``: accents off, ß as ss, ø as o, ł as l; other letters are dropped."""
    text = as_text(value)
    if text.isascii():
        return text
    folded = "".join(_FOLDED.get(char, char) for char in text)
    return unicodedata.normalize("NFKD", folded).encode("ascii", "ignore").decode("ascii")


def slug(value: Any, separator: str = "-") -> str:
    """``Ait Sidi, O'Hare`` -> ``ait-sidi-ohare``: lower-case letters and digits, a separator for all between."""
    text = re.sub(r"'", "", ascii_fold(value)).lower()
    return join(re.findall(r"[a-z0-9]+", text), as_text(separator))


def before(value: Any, separator: str = ",") -> str:
    """What stands before the first separator, trimmed; all of it where there is none."""
    return as_text(value).partition(separator)[0].strip()


def after(value: Any, separator: str = ",") -> str:
    """What stands after the first separator, trimmed; nothing where there is none."""
    return as_text(value).partition(separator)[2].strip()


def split(value: Any, separator: str | None = None, maxsplit: int = -1) -> list[str]:
    """The parts between separators (runs of blanks when none is given)."""
    return as_text(value).split(separator, maxsplit)


def replace(value: Any, old: Any, new: Any, count: int | None = None) -> str:
    """Every ``old`` as ``new``."""
    text, old, new = as_text(value), as_text(old), as_text(new)
    times = text.count(old) if count is None or count < 0 else min(count, text.count(old))
    _check(len(text) + times * max(len(new) - len(old), 0))
    return text.replace(old, new, times)


def join(values: Iterable[Any], separator: Any = "", attribute: None = None) -> str:
    """The items in one text."""
    if isinstance(values, str):
        raise SecurityError("join takes a list, not a text")
    parts, size = [], 0
    for value in values:
        parts.append(as_text(value))
        size += len(parts[-1]) + len(separator)
        _check(size)
    return as_text(separator).join(parts)


def format_text(pattern: str, *values: Any) -> str:
    """``'%05d' | format(row.No)``, as Python's ``%``."""
    if _WIDE.search(pattern):
        raise SecurityError("a format may be 999 characters wide, and its width is a number")
    for value in values:
        as_text(value)
    result = as_text(pattern) % values
    _check(len(result))
    return result


def regex_replace(value: Any, pattern: str, replacement: str = "", ignorecase: bool = False) -> str:
    r"""Every match of a regular expression as ``replacement`` (``\1`` is the first group)."""
    expression, text = _regex(value, pattern, ignorecase)
    matches = sum(1 for _ in expression.finditer(text))
    # A replacement can repeat a group, and a group can be all of the text.
    _check((matches + 1) * (len(replacement) + 1) * 4)
    result = expression.sub(replacement, text)
    _check(len(result))
    return result


def regex_search(value: Any, pattern: str, group: int | str = 0, ignorecase: bool = False) -> str:
    """The first match of a regular expression, or one group of it; empty text where nothing matches."""
    expression, text = _regex(value, pattern, ignorecase)
    match = expression.search(text)
    return (match.group(group) or "") if match else ""


def _check(size: int) -> None:
    if size > MAX_TEXT:
        raise SecurityError(f"yields more than {MAX_TEXT:,} characters")


def _regex(value: Any, pattern: str, ignorecase: bool) -> tuple[re.Pattern[str], str]:
    text, found = as_text(value), regex(pattern, ignorecase)
    if len(text) > found.longest:
        raise SecurityError(f"the regular expression {pattern!r} reads at most {found.longest} characters")
    return found.expression, text


def rounded(value: Any, precision: int = 0, method: str = "common") -> Any:
    """A number to so many places; ``method`` is ``common``, ``ceil`` or ``floor``."""
    if abs(precision) > 30:
        raise SecurityError("a number is rounded to 30 places at most")
    return do_round(value, precision, method)  # type: ignore[arg-type]


FILTERS: dict[str, Callable[..., Any]] = {
    "after": after,
    "ascii": ascii_fold,
    "before": before,
    "format": format_text,
    "join": join,
    "regex_replace": regex_replace,
    "regex_search": regex_search,
    "replace": replace,
    "round": rounded,
    "slug": slug,
    "split": split,
    "string": as_text,
}
