"""Numbers with their nouns in messages: ``1 row``, ``2 rows``, ``12,000 people``. Imports nothing."""

from __future__ import annotations


def counted(count: int, one: str, many: str = "") -> str:
    """Write a number with its noun.

    :param count: the number.
    :param one: the noun for one, with what follows if that differs: ``person has``.
    :param many: the same for several; ``one`` with an s when left out.
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"
