"""Rules replayed over kept HR exports: what each day would have done, and which guard would have stopped it.

Each export is planned against a Kinde in memory, which is empty at first, by the same code as a real run. A plan that a
guard stops is counted as stopped, and then carried out as if it had been approved: otherwise each later day would be
stopped as well. What can never be approved (an empty, cut or drifted export) is not carried out.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pendulum

from airflow_provider_kinde.exceptions import SourceError
from airflow_provider_kinde.sync.model import Source
from airflow_provider_kinde.sync.people.examples import check_examples
from airflow_provider_kinde.sync.people.reader import read_people
from airflow_provider_kinde.sync.plan.plan import Plan
from airflow_provider_kinde.sync.plan.planner import plan_run
from airflow_provider_kinde.sync.plan.run_request import RunRequest
from airflow_provider_kinde.sync.read_once import ReadOnceSource
from airflow_provider_kinde.sync.rules.beside import beside
from airflow_provider_kinde.sync.rules.memory_tenant import MemoryTenant
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.store.people import decode_memberships

States = dict[str, tuple[Any, ...]]
"""HR id -> what the person has."""
NOBODY = (False,)
"""The state of a person without an account."""


@dataclass(frozen=True, slots=True)
class Export:
    """One kept HR export.

    :param name: what messages call it.
    :param moment: when it was made.
    :param source: its rows.
    """

    name: str
    moment: pendulum.DateTime
    source: Source


@dataclass(slots=True)
class Day:
    """What one export would have done.

    :param joined: people given access: created, or enabled again.
    :param moved: other people with any change.
    :param left: people whose access would have been taken.
    :param deleted: accounts that would have been deleted.
    :param held: people held.
    :param rejected: rows rejected.
    :param rows: rows read.
    :param with_access: people with access at the end of the day.
    :param stopped: the guards, or other reasons, that would have stopped the run: short names.
    :param reasons: the same in full.
    :param error: why the export could not be read at all; empty if it could.
    """

    joined: int = 0
    moved: int = 0
    left: int = 0
    deleted: int = 0
    held: int = 0
    rejected: int = 0
    rows: int = 0
    with_access: int = 0
    stopped: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    error: str = ""

    def to_json(self) -> dict[str, Any]:
        """The day as JSON holds it."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True)
class Backtest:
    """Every export with what it would have done, in the order of the days.

    :param spec: the spec's name.
    :param days: export name, moment, the day with the spec, and the day with the old spec (``None`` without one).
    :param differ: with an old spec: for how many people the two tenants differ at the end of each day.
    :param notes: gaps between exports, several exports of one day, files that were left out.
    :param against: what messages call the old spec; empty without one.
    """

    spec: str
    days: list[tuple[str, pendulum.DateTime, Day, Day | None]] = field(default_factory=list)
    differ: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    against: str = ""

    @property
    def stopped(self) -> Counter[str]:
        """How many days each guard would have stopped."""
        return Counter(name for _, _, day, _ in self.days for name in day.stopped)

    @property
    def outcome(self) -> str:
        """With an old spec ``same`` or ``differs``; else ``passed``, or ``stopped`` where one day would have been."""
        if self.against:
            stops = any(new.stopped != old.stopped for _, _, new, old in self.days if old)
            return "differs" if stops or any(self.differ) else "same"
        return "stopped" if self.stopped else "passed"

    def to_json(self) -> dict[str, Any]:
        """The backtest as JSON."""
        days = []
        for index, (name, moment, day, old) in enumerate(self.days):
            entry = {"export": name, "moment": moment.to_iso8601_string(), **day.to_json()}
            days.append(entry | ({"old": old.to_json(), "differ": self.differ[index]} if old else {}))
        against = {"against": self.against} if self.against else {}
        return {
            "spec": self.spec, **against, "outcome": self.outcome, "stopped": dict(self.stopped), "notes": self.notes,
            "days": days,
        }  # fmt: skip


def backtest(
    spec: SyncSpec,
    exports: Iterable[Export],
    *,
    old: SyncSpec | None = None,
    against: str = "",
    notes: Iterable[str] = (),
    progress: Callable[[str, int, int | None], None] | None = None,
) -> Backtest:
    """Replay exports from the first to the last. Needs neither Kinde nor a network.

    :param spec: the spec. Its tests are run first.
    :param exports: the exports, in the order of their moments.
    :param old: another spec to replay beside it, over the same rows.
    :param against: what messages call the old spec.
    :param notes: remarks on the exports.
    :param progress: called after each export.
    :raises SpecError: a test of the spec fails.
    """
    check_examples(spec)
    found = Backtest(spec.name, notes=list(notes), against=against if old else "")
    listed = list(exports)
    days = _Replay(spec).days(listed)
    beside_days: Iterator[tuple[Day | None, States]] = itertools.repeat((None, {}))
    if old:
        beside_days = beside(_Replay(old).days(listed))
    differ = _Differing()
    for number, (export, (day, changed), (other, there)) in enumerate(zip(listed, days, beside_days, strict=False), 1):
        found.days.append((export.name, export.moment, day, other))
        found.differ.append(differ.count(changed, there) if old else 0)
        if progress:
            progress("replaying exports", number, None)
    return found


class _Differing:
    """Counts the people for whom two tenants differ: access, memberships, roles, address, names, properties."""

    def __init__(self) -> None:
        self._states: tuple[States, States] = ({}, {})
        self._ids: set[str] = set()

    def count(self, *changed: States) -> int:
        """Take note of one day.

        :param changed: of each tenant, the people who are other than the day before.
        """
        for states, found in zip(self._states, changed, strict=True):
            states.update(found)
        for id in changed[0].keys() | changed[1].keys():
            here, there = (states.get(id, NOBODY) for states in self._states)
            (self._ids.discard if here == there else self._ids.add)(id)
        return len(self._ids)


class _Replay:
    """One spec on its own tenant in memory."""

    def __init__(self, spec: SyncSpec) -> None:
        person = spec.person.model_copy(update={"connection": None})  # there are no connections in memory
        self.spec = spec.with_changes(tests=(), check_directories=False, person=person)
        self.tenant = MemoryTenant(spec)

    def days(self, exports: Iterable[Export]) -> Iterator[tuple[Day, States]]:
        """Yield of each export what it would have done, and the people who are other than before it."""
        known: States = {}
        for export in exports:
            day = self._day(export.source, export.moment)
            states = {id: user.state for id, user in self.tenant.users.items()}
            changed = {id: state for id, state in states.items() if known.get(id) != state}
            changed.update((id, NOBODY) for id in known.keys() - states.keys())
            known = states
            yield day, changed

    def _day(self, source: Source, moment: pendulum.DateTime) -> Day:
        try:
            if self.spec.organizations_match is not None:
                source = self._with_organizations(source, moment)
            plan = plan_run(self.spec, source, self.tenant, RunRequest.of(now=moment))
        except SourceError as error:
            return Day(error=str(error), stopped=["unreadable"], with_access=self.tenant.with_access)
        day = _counted(plan)
        if all(block.approvable for block in plan.blocked):
            self.tenant.carry_out(plan)
        else:
            day.joined = day.moved = day.left = day.deleted = 0
        day.with_access = self.tenant.with_access
        return day

    def _with_organizations(self, source: Source, moment: pendulum.DateTime) -> Source:
        """With ``match`` only Kinde knows the organizations: here it has all that the rows name."""
        assert self.spec.organizations_match is not None
        once = ReadOnceSource(source)
        people = read_people(self.spec, once, moment)
        named = {due.alias for _, text in people.persons.distinct_memberships() for due in decode_memberships(text)[0]}
        self.tenant.add_external_ids(n for n in sorted(named) if n.startswith(self.spec.organizations_match.prefix))
        return once


def _counted(plan: Plan) -> Day:
    kinds: dict[str, set[str]] = {}
    for change in plan.operations:
        if change.id:
            kinds.setdefault(change.id, set()).add(change.kind)
    joined = {id for id, found in kinds.items() if found & {"create", "adopt", "enable"}}
    left = {id for id, found in kinds.items() if "suspend" in found}
    deleted = {id for id, found in kinds.items() if "delete" in found}
    return Day(
        joined=len(joined),
        moved=len(kinds.keys() - joined - left - deleted),
        left=len(left),
        deleted=len(deleted),
        held=len(plan.held),
        rejected=len(plan.rejected),
        rows=plan.people.rows if plan.people else 0,
        stopped=list(dict.fromkeys(_short(block.reason, block.approvable) for block in plan.blocked)),
        reasons=[block.reason for block in plan.blocked],
    )


def _short(reason: str, approvable: bool) -> str:
    if reason.startswith("policy "):
        return reason.partition(": ")[0]
    if approvable:
        return reason.split()[0].rstrip(":")
    if reason.startswith("drifted"):
        return "drifted"
    return next((word for word in ("incomplete", "empty") if f" is {word}" in reason), "blocked")
