"""Ownership, as it is written in Kinde: the ``provided_id`` of an account.

``<name>:<id>`` says which sync owns the account and whose it is. Two marks may follow it: ``~renaming=<identity id>``
while the address is being changed, and ``~left=YYYY-MM-DD`` once access was taken away. Nothing else is remembered
anywhere, so a lost disk or a second scheduler cannot make the sync wrong.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple


class Link(NamedTuple):
    """A ``provided_id`` of this sync's namespace, taken apart.

    :param id: the HR id.
    :param renaming: identity id of the former primary address of an unfinished rename.
    :param left: UTC day on which the sync took access away.
    :param unknown: a mark that this version does not know: such an account is held.
    """

    name: str
    id: str
    renaming: str = ""
    left: date | None = None
    unknown: str = ""

    def __str__(self) -> str:
        text = f"{self.name}:{self.id}"
        if self.renaming:
            text += f"~renaming={self.renaming}"
        if self.left:
            text += f"~left={self.left.isoformat()}"
        return text

    @property
    def problem(self) -> str:
        """Why the account is held because of its link; empty if the link can be read."""
        return (
            f"the account's provided_id has {self.unknown!r}, which this version does not know" if self.unknown else ""
        )

    def with_left(self, day: date | None) -> Link:
        """The same link, marked as left on ``day`` (or no longer, with ``None``)."""
        return self._replace(left=day)

    def with_renaming(self, identity_id: str) -> Link:
        """The same link, marked with the identity that a rename will drop (or no longer, with ``""``)."""
        return self._replace(renaming=identity_id)


def parse_link(provided_id: str, name: str) -> Link | None:
    """Read a ``provided_id``; ``None`` when it does not belong to the sync called ``name``."""
    prefix = f"{name}:"
    if not provided_id.startswith(prefix):
        return None
    person_id, *marks = provided_id[len(prefix) :].split("~")
    renaming, left, unknown = "", None, ""
    for mark in marks:
        key, _, value = mark.partition("=")
        if key == "renaming" and value and not renaming:
            renaming = value
        elif key == "left" and not left and (left := _day(value)):
            pass
        else:
            unknown = mark or "~"
    if not person_id.strip():
        unknown = unknown or "a blank id"
    return Link(name, person_id, renaming, left, unknown)


def is_onboarded(provided_id: str, name: str) -> bool:
    """Whether the onboarding form of the sync called ``name`` made this account."""
    return provided_id.startswith(f"{name}~onboarded:")


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
