"""The names of months in English, and in the other languages that pendulum knows."""

from __future__ import annotations

import importlib
import pkgutil
import unicodedata
from functools import cache

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_ENGLISH = {name[:size].casefold(): i for i, name in enumerate(_MONTHS, 1) for size in (3, len(name))}
_FURTHER = {"sept": 9, "mrz": 3}
"""Short names that are in use beside those of the locales."""


def month_number(name: str) -> int:
    """Find the month that a name means.

    :param name: a month's name, whole or short, with or without a dot and marks.
    :returns: its number, from 1.
    :raises ValueError: no language that pendulum knows has such a month, or two mean different months by it.
    """
    key = _key(name)
    number = _ENGLISH.get(key) or _FURTHER.get(key) or _others().get(key)
    if number is None:
        raise ValueError(f"{name[:20]!r} is no name of a month")
    return number


@cache
def _others() -> dict[str, int]:
    """The names of all languages; those that mean different months in two of them are left out."""
    import pendulum.locales

    found: dict[str, set[int]] = {}
    for module in pkgutil.iter_modules(pendulum.locales.__path__):
        try:
            locale = importlib.import_module(f"pendulum.locales.{module.name}.locale").locale
        except ImportError:
            continue
        months = locale["translations"]["months"]
        for names in (months.get("wide", {}), months.get("abbreviated", {})):
            for number, name in names.items():
                found.setdefault(_key(name), set()).add(number)
    return {name: numbers.pop() for name, numbers in found.items() if len(numbers) == 1}


def _key(name: str) -> str:
    """A name without case, marks and dots: ``Févr.`` is ``fevr``."""
    folded = unicodedata.normalize("NFKD", name.casefold())
    return "".join(char for char in folded if not unicodedata.combining(char)).strip(". ")
