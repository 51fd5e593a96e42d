"""What the runs of today and yesterday took away and changed, so that many small runs count as one large one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

import pendulum

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.resources.fields import some
from airflow_provider_kinde.sync.changes import Change
from airflow_provider_kinde.sync.snapshot.reader import Snapshot


@dataclass(frozen=True, slots=True)
class RecentChanges:
    """What earlier runs did, as their reports say. It only adds to what the guards count.

    :param removed: code of an organization -> HR ids of the people who lost their membership.
    :param renamed: HR ids of the people whose address was changed.
    :param names: digests of the changes that wrote names.
    :param warnings: reports that could not be read, or whose signature is not right.
    """

    removed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    renamed: frozenset[str] = frozenset()
    warnings: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()

    @classmethod
    def joined(cls, parts: Iterable[RecentChanges]) -> RecentChanges:
        """Join what several reports say. A person counts once.

        :param parts: what each report says.
        """
        removed: dict[str, frozenset[str]] = {}
        renamed: frozenset[str] = frozenset()
        warnings: tuple[str, ...] = ()
        names: frozenset[str] = frozenset()
        for part in parts:
            renamed, warnings = renamed | part.renamed, warnings + part.warnings
            names |= part.names
            for code, ids in part.removed.items():
                removed[code] = removed.get(code, frozenset()) | ids
        return cls(removed, renamed, warnings, names)

    def written_back(self, updates: Iterable[Change]) -> list[str]:
        """Warn about names that an earlier run wrote, and that a plan would write once more in the same way.

        :param updates: the updates of the plan.
        :returns: the warning, or nothing.
        """
        again = [update.id for update in updates if update.digest in self.names] if self.names else []
        if not again:
            return []
        people = f"{counted(len(again), 'person', 'people')} (id {some(again, 5)})"
        reason = f"names that a run of the last day wrote differ again, of {people}: an identity provider rewrites "
        way = "them at sign-in. Set person.names to at_creation, or switch off the profile sync in Kinde's connection"
        return [reason + way]

    def still_removed(self, snapshot: Snapshot, aliases: Iterable[str]) -> dict[str, int]:
        """Count the people who lost a membership and do not have it again: alias -> how many.

        :param snapshot: what Kinde says now.
        :param aliases: the organizations that are asked for.
        """
        found = {}
        for alias in aliases:
            organization = snapshot.organizations[alias]
            ids = self.removed.get(organization.code, frozenset())
            gone = [id for id in ids if not any(a.id in organization.members for a in snapshot.linked.get(id, ()))]
            found[alias] = len(gone)
        return found


def first_day(now: pendulum.DateTime) -> date:
    """The first UTC day whose runs count: yesterday.

    :param now: the moment of the run.
    """
    return now.in_timezone("UTC").date() - timedelta(days=1)
