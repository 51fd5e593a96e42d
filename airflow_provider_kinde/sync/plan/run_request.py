"""What one run is to do: at which moment, for whom, which kinds of changes, and what was approved."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

import pendulum

from airflow_provider_kinde.exceptions import SyncError, UnknownIdsError
from airflow_provider_kinde.sync.kinds import COUNTED, KINDS
from airflow_provider_kinde.sync.model import Source
from airflow_provider_kinde.sync.people.hr_id import MAX_ID, clean_id
from airflow_provider_kinde.sync.plan.recent import RecentChanges
from airflow_provider_kinde.sync.rows import ListSource
from airflow_provider_kinde.sync.spec.cell_text import clean_text, is_scientific, shortened
from airflow_provider_kinde.sync.spec.date_parser import NO_END_YEAR

_YEAR = re.compile(r"\d{4}")


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What one run is to do. Made by :meth:`of`, which checks every value.

    :param now: the moment for which the plan is made.
    :param ids: the HR ids that the run is for; ``None`` for all people. With ids, no person counts as absent.
    :param only: the kinds of changes to plan; ``None`` for all.
    :param approve: hash of the plan that may pass the volume guards.
    :param approve_protected: HR ids of protected people who may lose access, be renamed or be adopted.
    :param recent_source: what runs of the last day did, or a function that reads it once it is needed.
    """

    now: pendulum.DateTime
    ids: frozenset[str] | None = None
    only: frozenset[str] | None = None
    approve: str | None = None
    approve_protected: frozenset[str] = field(default_factory=frozenset)
    recent_source: RecentChanges | Callable[[], RecentChanges] = field(default_factory=RecentChanges)
    shift: float = 0.0
    """Seconds by which ``now`` is ahead of the clock; 0 for the current time."""
    same_person: frozenset[str] = frozenset()
    """HR ids whose account is known to be theirs, whatever its name and address are: those of a relink."""
    judges_absence: bool = False
    """Whether people of ``ids`` whom HR no longer lists count as absent, as in a run over all people: for explain."""

    @property
    def recent(self) -> RecentChanges:
        """What runs of the last day did; the guards count it."""
        return self.recent_source() if callable(self.recent_source) else self.recent_source

    @classmethod
    def of(
        cls,
        *,
        now: pendulum.DateTime | str | None = None,
        ids: Collection[str] | None = None,
        only: Collection[str] | None = None,
        approve: str | None = None,
        approve_protected: Collection[str] | None = None,
        recent: RecentChanges | Callable[[], RecentChanges] | None = None,
    ) -> RunRequest:
        """Make a request from what a user or an operator gave.

        :param now: a moment, as such or in ISO 8601; the current time when left out.
        :param ids: HR ids; all people when left out.
        :param only: kinds of changes; all when left out.
        :param approve: hash of a plan.
        :param approve_protected: HR ids of protected leavers.
        :param recent: what runs of the last day did, or a function that reads it; the guards count it.
        :raises SyncError: when ``now`` is no moment, an id cannot be one, or a kind of change does not exist.
        """
        if unknown := sorted(set(only or ()) - set(KINDS)):
            raise SyncError(f"no such kind of change: {', '.join(unknown)}; there are: {', '.join(COUNTED)}")
        at = moment(now)
        return cls(
            at,
            None if ids is None else _typed_ids(ids),
            None if only is None else frozenset(only),
            approve,
            _typed_ids(approve_protected or ()),
            recent or RecentChanges(),
            shift_of(now, at),
        )

    @property
    def limits(self) -> str:
        """The people and the kinds of changes that the run is limited to, in words; empty for a whole run."""
        found = []
        if self.ids is not None:
            listed = sorted(self.ids)
            more = f" and {len(listed) - 5:,} more" if len(listed) > 5 else ""
            found.append(f"id {', '.join(listed[:5])}{more}" if listed else "no id")
        if self.only is not None:
            found.append(f"only {', '.join(sorted(self.only)) or 'no kind of change'}")
        return "; ".join(found)

    def includes(self, id: str | None) -> bool:
        """Whether the run is for the person with this HR id.

        :param id: an HR id; ``None`` where a row has none that can be read.
        """
        return self.ids is None or id in self.ids


def as_source(source: Any) -> Source:
    """Return a source as it is; make one that counts as complete from a list of rows.

    :param source: an HR source, or rows.
    """
    if hasattr(source, "read"):
        found: Source = source
        return found
    return ListSource(list(source))


def moment(now: pendulum.DateTime | str | None) -> pendulum.DateTime:
    """Return a moment.

    :param now: the moment, also as text in ISO 8601; the current time when ``None``.
    :raises SyncError: for a text that is none, and for a year in which days cannot be counted on either side.
    """
    if now is None:
        return pendulum.now("UTC")
    try:
        # Pendulum takes a time of day, and the word "now", for moments of today.
        parsed = (_YEAR.match(now) and pendulum.parse(now)) if isinstance(now, str) else pendulum.instance(now)
        known = isinstance(parsed, pendulum.DateTime) and 1 < parsed.in_timezone("UTC").year < NO_END_YEAR
    except (ValueError, OverflowError):
        known = False
    if not known:
        raise SyncError(f"not a moment in ISO 8601: {str(now)!r}")
    assert isinstance(parsed, pendulum.DateTime)
    return parsed


def check_approved_only(command: str, id: str, approve_protected: Collection[str]) -> None:
    """Refuse the approval of protected people whom a command for one person does not concern: an id is mistyped.

    :param command: the name of the command.
    :param id: the HR id of the person whom an approval may name.
    :param approve_protected: the HR ids that were approved.
    :raises UnknownIdsError: one of them is another id.
    """
    if other := sorted({typed_id(one) for one in approve_protected} - {id}):
        raise UnknownIdsError(
            f"--approve-protected (approve_protected) names {', '.join(map(repr, other))}: this {command} is about "
            f"{id}. Nothing was written"
        )


def shift_of(given: object, at: pendulum.DateTime) -> float:
    """Return the seconds by which the moment of a run is ahead of the clock.

    :param given: the moment that was given; ``None`` where the run is for the current time.
    :param at: the moment of the run.
    """
    return 0.0 if given is None else at.timestamp() - time.time()


def typed_id(text: object, error: type[SyncError] = SyncError) -> str:
    """Read an HR id that a person typed as the cells of the HR source are read.

    :param text: the id.
    :param error: what is raised.
    :returns: the id.
    :raises SyncError: no row of HR can have this id: it is not text, or a number in scientific notation, say.
    """
    id = str(text)
    try:
        id.encode()
    except UnicodeEncodeError:  # half a character, as a command line can hold it
        raise error(f"{id!r} cannot be an id: it is not text") from None
    id = clean_text(id)
    if is_scientific(id):
        raise error(f"{shortened(id)!r} is a number in scientific notation, not an HR id: type all digits of the id")
    try:
        return clean_id(id) if id else id
    except ValueError:  # its message speaks of an export
        raise error(
            f"{shortened(id)!r} cannot be an HR id: it begins with ' or =\", holds ~ or a control character, or is "
            f"longer than {MAX_ID} characters"
        ) from None


def _typed_ids(ids: Collection[str] | str) -> frozenset[str]:
    """Read HR ids that a person typed; a text is one id, not a list of characters."""
    return frozenset(typed_id(id) for id in ([ids] if isinstance(ids, str) else ids))
