"""Large plans in few lines: equal reasons once, with a count and a few people; totals for each organization."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.sync.changes import Change
from airflow_provider_kinde.sync.kinds import MEMBERSHIP, SIGNS
from airflow_provider_kinde.sync.model import RejectedRow

SAMPLES = 5
"""People who are shown of each group."""
GROUPS = 6
"""Groups that are shown of each kind."""
ORGANIZATIONS = 12
"""Organizations in the table of totals."""
_SHOWN_WITH_NAMES = 2
"""Groups of each kind whose people have a line each; of the others only ids are shown."""

_VARIABLE = re.compile(r"'[^']*'|\"[^\"]*\"|\S+@\S+|\d[\d.,:-]*")
"""What differs between two reasons of one sort: quoted cells, addresses, numbers and days."""

Clean = Callable[[object], str]


@dataclass(slots=True)
class Group:
    """Things with the same reason.

    :param reason: the reason of the first one.
    :param count: how many there are.
    :param samples: the first few.
    :param exact: whether all have the same reason to the letter.
    """

    reason: str
    count: int = 0
    samples: list[Any] = field(default_factory=list)
    exact: bool = True

    @property
    def said(self) -> str:
        """The reason of all of them: where they differ in ids, cells or days, these are left out."""
        return self.reason if self.exact else _VARIABLE.sub("…", self.reason)

    def add(self, item: Any, reason: str, samples: int = SAMPLES) -> None:
        """Count one more.

        :param item: kept while there are few.
        :param reason: its reason.
        :param samples: how many are kept.
        """
        self.count += 1
        self.exact &= reason == self.reason
        if len(self.samples) < samples:
            self.samples.append(item)


def group_by_reason(items: Iterable[tuple[str, str, Any]], samples: int = SAMPLES) -> list[Group]:
    """Group things whose reasons are of one sort, the largest group first.

    :param items: what must be equal besides the reason, the reason, and the thing itself.
    :param samples: how many things of each group are kept.
    """
    found: dict[tuple[str, str], Group] = {}
    for place, reason, item in items:
        key = (place, _VARIABLE.sub("…", reason))
        if key not in found:
            found[key] = Group(reason)
        found[key].add(item, reason, samples)
    return sorted(found.values(), key=lambda group: -group.count)


class GroupedChanges:
    """The changes of a plan by kind and reason, counted in one pass.

    :param changes: the changes, in order of their kinds.
    """

    def __init__(self, changes: Iterable[Change]) -> None:
        self.kinds: dict[str, dict[tuple[str, str], Group]] = {}
        self.organizations: dict[str, Counter[str]] = {}
        self.undone: dict[tuple[str, str, str], Group] = {}
        """Changes that were not done, by outcome, kind and error."""
        for change in changes:
            place = " in ".join(part for part in (change.role, change.alias) if part)
            groups = self.kinds.setdefault(change.kind, {})
            key = (place, _VARIABLE.sub("…", change.reason))
            if key not in groups:
                groups[key] = Group(change.reason)
            groups[key].add(change, change.reason)
            if change.alias and change.kind in MEMBERSHIP:
                self.organizations.setdefault(change.alias, Counter())[change.kind] += 1
            if change.outcome in ("failed", "skipped"):
                undone = (change.outcome, change.kind, _VARIABLE.sub("…", change.error))
                if undone not in self.undone:
                    self.undone[undone] = Group(change.error)
                self.undone[undone].add(change, change.error)

    def lines(
        self, words: dict[str, str], describe: Callable[[Change], str], paint: Callable[[str, str], str], clean: Clean
    ) -> Iterator[str]:
        """Write the changes: totals of the organizations, then kind by kind.

        :param words: how a kind is called.
        :param describe: what changes, in words.
        :param paint: colours a text.
        :param clean: makes text from outside safe to print.
        """
        yield from self._totals(paint, clean)
        for kind, groups in self.kinds.items():
            count = sum(group.count for group in groups.values())
            yield paint("1", f"  {SIGNS[kind]} {words.get(kind, kind)}: {count:,}")
            ranked = sorted(groups.items(), key=lambda item: -item[1].count)
            for number, ((place, _), group) in enumerate(ranked[:GROUPS]):
                reason = f"({clean(group.said)})" if group.reason else ""
                head = f"{group.count:>7,}  {clean(place)}  {reason}" if place else f"{group.count:>7,}  {reason}"
                if kind in MEMBERSHIP or number >= _SHOWN_WITH_NAMES:
                    yield f"{head}  {_ids(group, clean)}"
                    continue
                yield head
                for change in group.samples:
                    what = describe(change) if SIGNS[kind] == "~" else ""  # of others, the person says it all
                    yield f"             {clean(change.id)}  {clean(change.who)}  {what}".rstrip()
                if group.count > len(group.samples):
                    yield f"             and {group.count - len(group.samples):,} more"
            if hidden := ranked[GROUPS:]:
                yield f"{sum(group.count for _, group in hidden):>7,}  for {counted(len(hidden), 'other reason')}"
        yield ""

    def undone_lines(self, words: dict[str, str], clean: Clean) -> Iterator[str]:
        """Write what was not done, grouped by outcome and error.

        :param words: how a kind is called.
        :param clean: makes text from outside safe to print.
        """
        ranked = sorted(self.undone.items(), key=lambda item: (item[0][0] != "failed", -item[1].count))
        for (outcome, kind, _), group in ranked[: 2 * GROUPS]:
            yield f"  {outcome}: {words.get(kind, kind)} {group.count:,}: {clean(group.reason)}  {_ids(group, clean)}"
        if hidden := ranked[2 * GROUPS :]:
            yield f"  and {sum(group.count for _, group in hidden):,} more, for {counted(len(hidden), 'other reason')}"

    def _totals(self, paint: Callable[[str, str], str], clean: Clean) -> Iterator[str]:
        if not self.organizations:
            return
        ranked = sorted(self.organizations.items(), key=lambda item: (-item[1].total(), item[0]))
        width = max(12, *(len(clean(alias)) for alias, _ in ranked[:ORGANIZATIONS]))
        yield paint("1", f"  {'organization':<{width}}    join   leave  roles given  roles taken")
        for alias, counts in ranked[:ORGANIZATIONS]:
            numbers = [counts[kind] for kind in ("add_membership", "remove_membership", "add_role", "remove_role")]
            cells = f"{numbers[0]:>8,}{numbers[1]:>8,}{numbers[2]:>13,}{numbers[3]:>13,}"
            yield f"  {clean(alias):<{width}}{cells}"
        if len(ranked) > ORGANIZATIONS:
            yield f"  and {counted(len(ranked) - ORGANIZATIONS, 'more organization')}"
        yield ""


def once_each(rejected: Iterable[RejectedRow]) -> list[RejectedRow]:
    """Of rows with one id that are rejected for one reason, only the first: the reason names the others.

    :param rejected: rejected rows.
    """
    found: dict[tuple[object, str], RejectedRow] = {}
    for row in rejected:
        found.setdefault((row.row if row.id is None else row.id, row.reason), row)
    return list(found.values())


def reason_lines(groups: Iterable[Group], name: Callable[[Any], str], nouns: str, clean: Clean) -> Iterator[str]:
    """Write groups of held people or rejected rows: each reason once, with a count and samples.

    Where the reasons of a few differ, such as in the id of another person, each has a line with the own reason.

    :param groups: the groups; their things are pairs of a reason and what has it.
    :param name: how one of them is named.
    :param nouns: what is counted: ``people`` or ``rows``.
    :param clean: makes text from outside safe to print.
    """
    for group in groups:
        more = group.count - len(group.samples)
        if group.count == 1 or not (group.exact or more):
            yield from (f"{name(item)}: {clean(reason)}" for reason, item in group.samples)
            continue
        yield f"{group.count:,} {nouns}: {clean(group.said)}"
        yield from (f"    {name(item)}" for _, item in group.samples)
        if more:
            yield f"    and {more:,} more"


def _ids(group: Group, clean: Clean) -> str:
    shown = ", ".join(clean(change.id) for change in group.samples if change.id)
    more = f" and {group.count - len(group.samples):,} more" if group.count > len(group.samples) else ""
    return f"{shown}{more}" if shown else ""
