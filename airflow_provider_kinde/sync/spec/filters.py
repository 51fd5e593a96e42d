"""Filters for what HR exports need: names in one column, accents, addresses built from names."""

from __future__ import annotations

import datetime as dt
import decimal
import functools
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jinja2.exceptions import SecurityError

MAX_TEXT = 10_000
"""Characters of the longest text that an expression reads or yields."""
MAX_SEARCHED = 500
"""Characters of the longest text that a regular expression reads."""

FOLDED = {
    "ß": "ss", "ẞ": "SS", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D",
    "þ": "th", "Þ": "Th", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "ı": "i", "ħ": "h", "Ħ": "H",
    "ŋ": "n", "Ŋ": "N", "ŧ": "t", "Ŧ": "T", "ĸ": "k", "ə": "e", "Ə": "E",
    "‘": "'", "’": "'", "ʼ": "'", "´": "'", "–": "-", "—": "-", "‐": "-", "‑": "-", "\u00a0": " ",
}  # fmt: skip
"""Letters that carry no accent which could be taken off, and signs -> ASCII."""


def as_text(value: Any) -> str:
    """A scalar as text: nothing is empty, whole numbers have no ``.0``, dates are ISO 8601.

    :param value: the scalar.
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
    if isinstance(value, Mapping):
        raise SecurityError("yields an object where text is expected (.get('name') takes one of its values)")
    # An undefined value raises here, with its own message.
    text = str(value)
    raise SecurityError(f"yields {text[:40]!r} where text is expected")


def ascii_fold(value: Any) -> str:
    """``Zoë Ångström`` -> ``Zoe Angstrom``: accents off, ß as ss, ø as o, ł as l; other words and signs are dropped.

    :param value: a text.
    :returns: the text in ASCII.
    :raises SecurityError: only a part of a word has a form in ASCII, or no word has one: a part would be a guess.
    """
    text = as_text(value)
    if text.isascii():
        return text
    folded = unicodedata.normalize("NFKD", "".join(FOLDED.get(char, char) for char in text))
    words = re.findall(r"[^\W_]+", "".join(char for char in folded if not unicodedata.combining(char)))
    lost = [word for word in words if not word.isascii()]
    for word in lost:
        if len(lost) == len(words) or any(map(str.isascii, word)):
            raise SecurityError(f"{word[:40]!r} has no form in ASCII")
    return folded.encode("ascii", "ignore").decode("ascii")


_NO_DEFAULT: Any = object()
_HUGE = 10**400
"""As long as the longest whole number that a text may hold."""
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")


def to_float(value: Any, default: Any = _NO_DEFAULT) -> Any:
    """The number that a value is; ``0,5`` is none.

    :param value: a number, or a text with a decimal point.
    :param default: what to yield for anything else.
    :returns: the number.
    :raises SecurityError: it is no number, and no default is given.
    """
    if isinstance(value, (int, float, decimal.Decimal)):
        return float(value)
    text = value.strip() if isinstance(value, str) else ""
    if _NUMBER.fullmatch(text):
        return float(text)
    return _default(value, default, "a number such as 0.5")


def to_int(value: Any, default: Any = _NO_DEFAULT, base: int = 10) -> Any:
    """The whole number that a value is: ``12``, ``12.0``, ``"1.2e1"``; ``12.7`` is none.

    :param value: a number, or a text.
    :param default: what to yield for anything else.
    :param base: of the digits.
    :returns: the number.
    :raises SecurityError: it is no whole number, and no default is given. A part that is cut off would be a guess.
    """
    if isinstance(value, (int, float, decimal.Decimal)):
        return _whole(value, default)
    text = value.strip() if isinstance(value, str) else ""
    if base != 10 and re.fullmatch(r"[+-]?[0-9a-zA-Z]+", text):
        try:
            return int(text, base)
        except ValueError:
            return _default(value, default, f"a number with the base {base}")
    if re.fullmatch(r"[+-]?\d{1,400}", text):
        return int(text)
    if base == 10 and _NUMBER.fullmatch(text):
        return _whole(decimal.Decimal(text), default)
    return _default(value, default, "a whole number")


def _whole(number: Any, default: Any) -> Any:
    if number == number and abs(number) < _HUGE and number == int(number):
        return int(number)
    return _default(str(number), default, "a whole number; to cut it, write | float | round(0, 'floor') | int")


def _default(value: Any, default: Any, expected: str) -> Any:
    if default is not _NO_DEFAULT:
        return default
    shown = repr(value[:40]) if isinstance(value, str) and value.strip() else "" if isinstance(value, str) else "a list"
    raise SecurityError(f"{shown or 'blank'} is not {expected}")


def slug(value: Any, separator: str = "-") -> str:
    """``Ait Sidi, O'Hare`` -> ``ait-sidi-ohare``: lower-case letters and digits, a separator for all between.

    :param value: the text.
    :param separator: what separates the parts.
    """
    text = re.sub(r"'", "", ascii_fold(value)).lower()
    return join(re.findall(r"[a-z0-9]+", text), as_text(separator))


def before(value: Any, separator: str = ",") -> str:
    """What stands before the first separator, trimmed; all of it where there is none.

    :param value: the text.
    :param separator: what separates the parts.
    """
    return as_text(value).partition(separator)[0].strip()


def after(value: Any, separator: str = ",") -> str:
    """What stands after the first separator, trimmed; nothing where there is none.

    :param value: the text.
    :param separator: what separates the parts.
    """
    return as_text(value).partition(separator)[2].strip()


def split(value: Any, separator: str | None = None, maxsplit: int = -1) -> list[str]:
    """The parts between separators (runs of blanks when none is given).

    :param value: the text.
    :param separator: what separates the parts.
    :param maxsplit: how many splits at most; all when left out.
    """
    return as_text(value).split(separator, maxsplit)


def replace(value: Any, old: Any, new: Any, count: int | None = None) -> str:
    """Every ``old`` as ``new``.

    :param value: what is searched.
    :param old: the text that is replaced.
    :param new: the text that takes its place.
    :param count: how often at most; always when left out.
    :returns: the new text.
    """
    return as_text(value).replace(as_text(old), as_text(new), -1 if count is None else count)


def join(values: Iterable[Any], separator: Any = "") -> str:
    """The items in one text.

    :param values: a list.
    :param separator: what stands between the items.
    :returns: the text.
    :raises SecurityError: it is a text, not a list.
    """
    if isinstance(values, str):
        raise SecurityError("join takes a list, not a text")
    return as_text(separator).join(map(as_text, values))


def regex_replace(value: Any, pattern: str, replacement: str = "", ignorecase: bool = False) -> str:
    r"""Every match of a regular expression as ``replacement``.

    :param value: what is searched: at most 500 characters.
    :param pattern: the regular expression.
    :param replacement: the new text; ``\1`` is the first group.
    :param ignorecase: the case of letters does not count.
    :returns: the new text.
    :raises SecurityError: the value is too long, or the pattern is no regular expression.
    """
    text = _searched(value)
    return regex(pattern, ignorecase).sub(replacement, text)


def regex_search(value: Any, pattern: str, group: int | str = 0, ignorecase: bool = False) -> str:
    """The first match of a regular expression, or one group of it.

    :param value: what is searched: at most 500 characters.
    :param pattern: the regular expression.
    :param group: number or name of the group; 0 is all of the match.
    :param ignorecase: the case of letters does not count.
    :returns: the text that matches; empty text where nothing does.
    :raises SecurityError: the value is too long, or the pattern is no regular expression.
    """
    match = regex(pattern, ignorecase).search(_searched(value))
    return (match.group(group) or "") if match else ""


@functools.lru_cache(maxsize=256)
def regex(pattern: str, ignorecase: bool = False) -> re.Pattern[str]:
    """Compile a regular expression.

    :param pattern: the regular expression.
    :param ignorecase: the case of letters does not count.
    :returns: the compiled one.
    :raises SecurityError: it is none.
    """
    try:
        return re.compile(pattern, re.IGNORECASE if ignorecase else 0)
    except (re.error, OverflowError, RecursionError) as error:
        raise SecurityError(f"{pattern!r} is not a regular expression: {error}") from None


def _searched(value: Any) -> str:
    text = as_text(value)
    if len(text) > MAX_SEARCHED:
        raise SecurityError(f"a regular expression reads at most {MAX_SEARCHED} characters, found {len(text):,}")
    return text


FILTERS: dict[str, Callable[..., Any]] = {
    "after": after,
    "ascii": ascii_fold,
    "before": before,
    "float": to_float,
    "int": to_int,
    "join": join,
    "regex_replace": regex_replace,
    "regex_search": regex_search,
    "replace": replace,
    "slug": slug,
    "split": split,
    "string": as_text,
}
