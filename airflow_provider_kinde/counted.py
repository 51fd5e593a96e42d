"""Numbers with their nouns in messages: ``1 row``, ``2 rows``, ``12,000 people``. Imports nothing."""

from __future__ import annotations


def counted(count: int, one: str, many: str = "") -> str:
    """Write a number with its noun.

    :param count: the number.
    :param one: the noun for one, with what follows if that differs: ``person has``.
    :param many: the same for several; ``one`` with an s when left out.
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"


_SINGULAR = {
    "people": "person", "people are": "person is", "people have": "person has", "people would": "person would",
    "people who were": "person who was", "people who lose": "person who loses", "people who get": "person who gets",
    "people with access have": "person with access has", "rows": "row", "rows are": "row is", "rows have": "row has",
    "memberships": "membership", "e-mail addresses": "e-mail address", "accounts": "account", "leavers": "leaver",
    "joiners": "joiner", "removals": "removal", "new members": "new member", "changes": "change",
    "deletions": "deletion", "rejected rows": "rejected row", "held people": "held person",
    "organizations": "organization", "users": "user",
}  # fmt: skip


def singular(text: str) -> str:
    """Turn the words that follow a number into those for one.

    :param text: the words for several, such as ``people would lose access``.
    """
    found = max((many for many in _SINGULAR if f"{text} ".startswith(f"{many} ")), key=len, default="")
    return _SINGULAR[found] + text[len(found) :] if found else text
