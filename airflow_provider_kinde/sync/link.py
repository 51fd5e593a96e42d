"""Ownership, as it is written in Kinde: the ``provided_id`` of an account.

``<name>:<id>`` says which sync owns the account and whose it is. Marks may follow it:

- ``~renaming=<identity id>`` while the address is being changed, with ``~adding=<digest>`` if the new address is added
  to the account;
- ``~leaving=YYYY-MM-DD`` from the suspension of a leaver until the last write, which replaces it by
  ``~left=YYYY-MM-DD``, with ``~barred`` if another party had suspended the account before.

Nothing else is remembered anywhere, so a lost disk or a second scheduler cannot make the sync wrong.
"""

from __future__ import annotations

import hashlib
import re
from datetime import date
from typing import NamedTuple

from airflow_provider_kinde.resources.normalization import email_key

NAME_PATTERN = "[a-z0-9][a-z0-9-]{0,30}"
"""The name of a sync, as a regular expression."""
_OF_A_SYNC = re.compile(NAME_PATTERN + "[:~]")


def is_of_a_sync(provided_id: str) -> bool:
    """Whether a sync of any name manages the account, or its onboarding form made it.

    :param provided_id: the account's ``provided_id``.
    """
    return _OF_A_SYNC.match(provided_id) is not None


class Link(NamedTuple):
    """A ``provided_id`` of this sync's namespace, taken apart.

    :param id: the HR id.
    :param renaming: identity id of the former primary address of an unfinished rename.
    :param adding: digest of the address that this rename adds to the account, by which a later run finds it.
    :param leaving: UTC day on which the sync suspended the account of a leaver who is not finished yet.
    :param left: UTC day on which the sync took access away.
    :param barred: another party had suspended the account before the person left.
    :param unknown: a mark that this version does not know, or that contradicts another: such an account is held.
    """

    name: str
    id: str
    renaming: str = ""
    adding: str = ""
    leaving: date | None = None
    left: date | None = None
    barred: bool = False
    unknown: str = ""

    def __str__(self) -> str:
        text = f"{self.name}:{self.id}"
        if self.renaming:
            text += f"~renaming={self.renaming}"
        if self.adding:
            text += f"~adding={self.adding}"
        if self.leaving:
            text += f"~leaving={self.leaving.isoformat()}"
        if self.left:
            text += f"~left={self.left.isoformat()}"
        return text + ("~barred" if self.barred else "")

    @property
    def is_plain(self) -> bool:
        """Whether no mark follows the link."""
        return not (self.renaming or self.adding or self.is_marked or self.unknown)

    @property
    def is_marked(self) -> bool:
        """Whether a mark says that the sync took access away, or began to."""
        return bool(self.leaving or self.left or self.barred)

    @property
    def may_return(self) -> bool:
        """Whether the sync suspended the account, so that it may enable it again."""
        return bool(self.leaving or self.left) and not self.barred

    @property
    def problem(self) -> str:
        """Why the account is held because of its link; empty if the link can be read."""
        if not self.id.strip():
            return f"its provided_id names no HR id after '{self.name}:': write the id behind it in Kinde, or clear it"
        return (
            f"the account's provided_id has {self.unknown!r}, which this version does not know" if self.unknown else ""
        )

    def with_leaving(self, day: date) -> Link:
        """The same link, marked as suspended on ``day``, which is not the last write for the leaver.

        :param day: the day of the suspension.
        """
        return self._replace(leaving=day, left=None, barred=False)

    def with_left(self, day: date, *, barred: bool = False) -> Link:
        """The same link, marked as left on ``day``, the last write for a leaver.

        :param day: the UTC day.
        :param barred: whether another party had suspended the account before.
        """
        return self._replace(leaving=None, left=day, barred=barred)

    def without_marks(self) -> Link:
        """The same link, without the marks of a leaver."""
        return self._replace(leaving=None, left=None, barred=False)

    def with_renaming(self, identity_id: str, adding: str = "") -> Link:
        """The same link, marked with the identity that a rename will drop (or no longer, with ``""``).

        :param identity_id: Kinde's id of the identity; empty to drop the mark.
        :param adding: the new address, if the account does not have it yet.
        """
        return self._replace(renaming=identity_id, adding=address_digest(adding) if adding else "")


def parse_link(provided_id: str, name: str) -> Link | None:
    """Read a ``provided_id``; ``None`` when it does not belong to the sync called ``name``.

    :param provided_id: the account's ``provided_id``.
    :param name: the sync's name.
    """
    prefix = f"{name}:"
    if not provided_id.startswith(prefix):
        return None
    person_id, *marks = provided_id[len(prefix) :].split("~")
    if not marks and person_id and not person_id.isspace():
        return Link(name, person_id)
    renaming, adding, leaving, left, barred, unknown = "", "", None, None, False, ""
    for mark in marks:
        key, _, value = mark.partition("=")
        if key == "renaming" and value and not renaming:
            renaming = value
        elif key == "adding" and value and not adding:
            adding = value
        elif key in ("leaving", "left") and not (leaving or left) and (day := _day(value)):
            leaving, left = (day, None) if key == "leaving" else (None, day)
        elif mark == "barred" and not barred:
            barred = True
        else:
            unknown = mark or "~"
    if not person_id.strip():
        unknown = unknown or "a blank id"
    return Link(name, person_id, renaming, adding, leaving, left, barred, unknown)


def address_digest(address: str) -> str:
    """What a mark holds of an address: enough to know it again, and not the address itself.

    :param address: the address.
    """
    return hashlib.sha256(email_key(address).encode()).hexdigest()[:16]


def is_onboarded(provided_id: str, name: str) -> bool:
    """Whether the onboarding form of the sync called ``name`` made this account.

    :param provided_id: the account's ``provided_id``.
    :param name: the sync's name.
    """
    return provided_id.startswith(onboarded_prefix(name))


def onboarded_prefix(name: str) -> str:
    """Return how the ``provided_id`` of an account begins that the onboarding form of a sync made.

    :param name: the sync's name.
    """
    return f"{name}~onboarded:"


def onboarded_day(provided_id: str) -> date | None:
    """Return the day on which the onboarding form made an account; ``None`` where its ``provided_id`` does not say.

    :param provided_id: the account's ``provided_id``.
    """
    return _day(provided_id.rpartition("~onboarded:")[2])


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
