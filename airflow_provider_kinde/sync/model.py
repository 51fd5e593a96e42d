"""What the engine's rooms hand to one another. Plain data: nothing here reads, writes or decides."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from airflow_provider_kinde.resources.normalization import email_key
from airflow_provider_kinde.sync.link import Link


class Row(NamedTuple):
    """One row of an HR source.

    :param number: where a person finds it: the line in a CSV or JSONL file, the item (from 1) elsewhere.
    :param values: column -> value as read; text is not trimmed.
    :param problem: why the row cannot be read as a whole (ragged, not an object); empty when it can.
    """

    number: int
    values: Mapping[str, Any]
    problem: str = ""


class Reading(Protocol):
    """One pass over a source: rows first, and once they are exhausted, what is known of the whole."""

    name: str
    """What messages call the source: a path, a URL without its secrets, a table."""
    columns: Sequence[str] | None
    """Columns known beforehand (a CSV header); ``None`` where each row names its own."""
    incomplete: list[str]
    """After the last row: why this cannot be the whole source (never approvable); empty when nothing says so."""
    proven: bool
    """After the last row: the source itself proved that nothing is missing (``expect``, totals, a snapshot)."""
    warnings: list[str]

    def __iter__(self) -> Iterator[Row]: ...


class Source(Protocol):
    """Where HR rows come from. Each call of ``read`` starts a new pass."""

    def read(self) -> Reading: ...


class Access(enum.Enum):
    """Whether HR says that a person has access on the day of the run."""

    ACTIVE = "active"
    """Has access; given where missing."""
    KEEP = "keep"
    """Active, but the start is still ahead: nothing is given, and a person who has access keeps it."""
    GRACE = "grace"
    """Past the end, within grace: what is there stays exactly as it is."""
    NONE = "none"
    """A leaver."""


@dataclass(frozen=True, slots=True)
class DesiredMembership:
    """One membership rule that holds for a person.

    :param alias: the organization's alias in the spec.
    :param roles: role keys.
    :param entry: index of the rule in the spec's ``memberships``.
    :param kept: it stays where it is there, and is not given: the row that gives it starts later, or is in grace.
    """

    alias: str
    roles: frozenset[str]
    entry: int
    kept: bool = False


@dataclass(frozen=True, slots=True)
class UnclearRule:
    """A blank column that a rule reads, where the rule did not hold: if this would take access away, hold the person.

    :param columns: the blank columns.
    :param entry: index of the rule in ``memberships``, or ``None`` for ``scope``.
    :param alias: the organization's alias, or ``None`` where it could not be known (or for ``scope``).
    :param roles: the role keys of the rule.
    """

    columns: tuple[str, ...]
    entry: int | None = None
    alias: str | None = None
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Person:
    """A row that was understood.

    ``email``, ``given_name`` and ``family_name`` are trimmed and NFC; they may be empty for a leaver only.
    """

    id: str
    row: int
    email: str
    given_name: str
    family_name: str
    properties: tuple[tuple[str, str], ...]
    access: Access
    why: str
    """Why ``access`` is what it is, in words that go into plan and report ("Status is Terminated")."""
    memberships: tuple[DesiredMembership, ...] = ()
    unclear_rules: tuple[UnclearRule, ...] = ()
    adopt_provided_id: str = ""
    connection: str = ""
    """Id of the enterprise connection to sign in by; empty for a person who signs in by the address."""
    due_at: str = ""
    """Since when, by HR's dates, the person has this access: a moment in UTC. Empty where no date says so."""


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that could not be understood: its person is left alone.

    :param row: its number in the source.
    :param id: the HR id; ``None`` where it cannot be read.
    :param reason: why, in words.
    :param who: the person's name and address, as far as the row could be read.
    """

    row: int
    id: str | None
    reason: str
    who: str = ""


class Account(NamedTuple):
    """One Kinde user.

    :param email: the primary address as Kinde writes it; may be empty.
    :param identities: (type, value) of everything that the person signs in with.
    :param organizations: codes of all organizations, managed or not.
    :param link: the ``provided_id`` taken apart, if it is of this sync's namespace.
    :param created: when Kinde made the account, in seconds since 1970; ``None`` where Kinde does not say.
    :param signed_in: when the user signed in last, as Kinde writes it; empty for never.
    """

    id: str
    provided_id: str
    email: str
    first_name: str
    last_name: str
    suspended: bool
    identities: tuple[tuple[str, str], ...]
    organizations: tuple[str, ...]
    link: Link | None
    created: int | None = None
    signed_in: str = ""

    @property
    def addresses(self) -> set[str]:
        """Every address of the account, primary or not, in the form in which addresses are compared."""
        values = {self.email} | {value for _, value in self.identities}
        return {email_key(value) for value in values if "@" in value}
