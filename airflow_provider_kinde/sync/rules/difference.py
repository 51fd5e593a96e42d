"""What another spec changes: two plans over the same HR rows and the same Kinde, compared person by person."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_kinde.exceptions import SpecError
from airflow_provider_kinde.sync.changes import Change, canonical
from airflow_provider_kinde.sync.kinds import MEMBERSHIP
from airflow_provider_kinde.sync.model import Person, Source
from airflow_provider_kinde.sync.people.examples import check_examples
from airflow_provider_kinde.sync.plan.plan import Plan
from airflow_provider_kinde.sync.plan.planner import plan_run
from airflow_provider_kinde.sync.plan.run_request import RunRequest, as_source
from airflow_provider_kinde.sync.progress import Progress
from airflow_provider_kinde.sync.read_once import ReadOnceClient, ReadOnceSource
from airflow_provider_kinde.sync.spec.fields import Section
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.spec.rule_text import rule_text

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_PLACE = re.compile(r"\bline \d+|\bmemberships\[\d+\]")


@dataclass(slots=True)
class PersonDifference:
    """What is other for one person, or, without an id, for the organizations themselves.

    :param id: the HR id.
    :param who: name and address, for people who read the difference.
    :param added: changes that only the new spec plans.
    :param dropped: changes that only the old spec plans.
    :param old: what else the old spec makes of the person: ``held`` or ``rejected``, with the reason; empty if neither.
    :param new: the same of the new spec.
    :param rules: the rules, or the parts of the spec, that make the difference.
    """

    id: str
    who: str = ""
    added: list[Change] = field(default_factory=list)
    dropped: list[Change] = field(default_factory=list)
    old: str = ""
    new: str = ""
    rules: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Difference:
    """What the new spec does other than the old one, for the same rows and the same Kinde.

    :param old: the plan of the old spec.
    :param new: the plan of the new spec.
    :param against: what messages call the old spec.
    :param people: everyone for whom something differs.
    :param keys: the keys of the two files that differ; not all of them concern a person today.
    :param guards: guards and other blocks that only one of the specs trips: ``old`` or ``new``, and the reason.
    :param uncovered: what the rules do not cover now, and did before.
    :param failed_tests: the tests of the new spec that fail, a line for each: line, expected, found.
    """

    old: Plan
    new: Plan
    against: str
    people: list[PersonDifference] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    guards: list[tuple[str, str]] = field(default_factory=list)
    uncovered: list[str] = field(default_factory=list)
    failed_tests: list[str] = field(default_factory=list)

    @property
    def outcome(self) -> str:
        """``same``, ``differs``, ``blocked`` (no spec comes to a plan), or ``failed``: a test of the new one fails."""
        if self.failed_tests:
            return "failed"
        if self.people or self.guards:
            return "differs"
        return "blocked" if self.stopped else "same"

    @property
    def stopped(self) -> bool:
        """Whether neither spec comes to a plan."""
        return _stopped(self.old) and _stopped(self.new)

    @property
    def comparable(self) -> bool:
        """Whether both specs come to a plan: a source that one of them finds drifted has none."""
        return not _stopped(self.old) and not _stopped(self.new)

    def by_rule(self) -> list[tuple[str, int]]:
        """How many people each rule, or part of the spec, concerns; the most first."""
        counted = Counter(rule for person in self.people for rule in dict.fromkeys(person.rules))
        return sorted(counted.items(), key=lambda found: (-found[1], found[0]))

    def by_organization(self) -> list[tuple[str, str, int, int]]:
        """Organization, what is done there, and for how many people only the new and only the old spec plans it."""
        added: Counter[tuple[str, str]] = Counter()
        dropped: Counter[tuple[str, str]] = Counter()
        for person in self.people:
            for counts, changes in ((added, person.added), (dropped, person.dropped)):
                counts.update((change.alias or "", _what(change)) for change in changes if change.kind in MEMBERSHIP)
        return [(*key, added[key], dropped[key]) for key in sorted(added.keys() | dropped.keys())]

    def summary(self) -> dict[str, dict[str, int]]:
        """How many changes of each kind only one of the specs plans."""
        sides = {"new": Counter[str](), "old": Counter[str]()}
        for person in self.people:
            sides["new"].update(change.kind for change in person.added)
            sides["old"].update(change.kind for change in person.dropped)
        return {side: dict(sorted(counts.items())) for side, counts in sides.items()}

    def to_json(self, *, personal: bool = True) -> dict[str, Any]:
        """The difference as JSON.

        :param personal: whether it holds names, addresses and values.
        """
        return {
            "spec": self.new.spec.name,
            "host": self.new.host,
            "against": self.against,
            "created_at": self.new.now.to_iso8601_string(),
            "outcome": self.outcome,
            "failed_tests": self.failed_tests,
            "people": len([person for person in self.people if person.id]),
            "summary": self.summary(),
            "rules": [{"rule": rule, "people": count} for rule, count in self.by_rule()],
            "organizations": [
                {"organization": alias, "change": what, "only_new": new, "only_old": old}
                for alias, what, new, old in self.by_organization()
            ],
            "guards": [{"spec": side, "reason": reason} for side, reason in self.guards],
            "keys": self.keys,
            "uncovered": self.uncovered,
            "differences": [_person_json(person, personal) for person in self.people],
        }


def compare_specs(
    old: SyncSpec,
    new: SyncSpec,
    source: Source | Iterable[Mapping[str, Any]],
    client: Any,
    request: RunRequest,
    *,
    against: str = "",
    progress: Progress | None = None,
) -> Difference:
    """Plan with two specs over one reading of HR and of Kinde, and say what differs. Nothing is written.

    :param old: the spec as it was. Its tests and its policies are not run.
    :param new: the spec as it is to be.
    :param source: the HR source of the new spec, or a list of rows.
    :param client: a ``KindeClient`` or a ``KindeHook``.
    :param request: for which moment, for whom, and for which kinds of changes.
    :param against: what messages call the old spec; its file when left out.
    :param progress: called with the state of long work.
    :raises SpecError: when a spec names something that Kinde does not have.
    :raises SourceError: when the source cannot be read at all.
    """
    once, reader = ReadOnceSource(as_source(source)), ReadOnceClient(client)
    failed_tests: list[str] = []
    try:
        check_examples(new, request.now)
    except SpecError as error:  # what the rules change says why, so it is shown nevertheless
        failed_tests = str(error).splitlines()
    new_plan = plan_run(new, once, reader, request, progress=progress)
    against = against or old.file
    try:
        old_plan = plan_run(old.with_changes(tests=(), policies=()), once, reader, request, progress=progress)
    except SpecError as error:
        raise SpecError(
            f"the old spec ({against}) does not fit Kinde as it is now, so nothing can be compared with it: {error}"
        ) from error
    found = difference_of(old_plan, new_plan, against)
    found.failed_tests = failed_tests
    return found


def difference_of(old: Plan, new: Plan, against: str) -> Difference:
    """Compare two plans that were made for the same rows and the same Kinde.

    :param old: the plan of the old spec.
    :param new: the plan of the new spec.
    :param against: what messages call the old spec.
    """
    found = Difference(old, new, against, keys=_changed_keys(old.spec, new.spec), guards=_guards(old, new))
    if not found.comparable:
        return found
    people: dict[str, PersonDifference] = {}

    def of(id: str) -> PersonDifference:
        return people.setdefault(id, PersonDifference(id))

    for mine, other, added in ((new, old, True), (old, new, False)):
        theirs = {_key(other, change) for change in other.operations}
        for change in mine.operations:
            if _key(mine, change) not in theirs:
                person = of(change.id)
                person.who = person.who or change.who
                (person.added if added else person.dropped).append(change)
    states = _states(old), _states(new)
    for id in states[0].keys() | states[1].keys():
        before, after = states[0].get(id, ("", "")), states[1].get(id, ("", ""))
        if before[0] != after[0]:
            of(id).old, of(id).new = before[1], after[1]
    for person in people.values():
        person.rules = sorted(set(_rules(old, new, person)))
    found.people = sorted(people.values(), key=lambda person: person.id)
    found.uncovered = _newly_uncovered(old, new)
    return found


def _key(plan: Plan, change: Change) -> str:
    """What makes changes of two plans the same one. An organization is the same under another alias."""
    organization = plan.snapshot.organizations.get(change.alias or "") if plan.snapshot else None
    where = (organization.code or organization.name) if organization else change.alias
    if change.kind == "create_organization":
        return canonical([change.kind, where])
    return canonical([change.id, change.kind, where, change.role, change.before, change.after])


def _stopped(plan: Plan) -> bool:
    """Whether a plan ended before anything was planned: the source cannot be acted upon, or the tenant is wrong."""
    return plan.snapshot is None


def _states(plan: Plan) -> dict[str, tuple[str, str]]:
    """HR id (or row) -> whether the person is held or rejected, and why."""
    found = {
        rejected.id or f"row {rejected.row}": ("rejected", f"rejected: {rejected.reason}") for rejected in plan.rejected
    }
    found |= {held.id: ("protected" if held.protected else "held", f"held: {held.reason}") for held in plan.held}
    return found


def _guards(old: Plan, new: Plan) -> list[tuple[str, str]]:
    """Blocks that only one of the plans has, told apart by the name of the guard: counts differ anyway."""
    names = [{_guard(block.reason): block.reason for block in plan.blocked} for plan in (old, new)]
    return [
        *(("old", names[0][name]) for name in names[0] if name not in names[1]),
        *(("new", names[1][name]) for name in names[1] if name not in names[0]),
    ]


def _guard(reason: str) -> str:
    """The name of the guard, or of the policy, that a reason begins with."""
    return reason.partition(": ")[0] if reason.startswith("policy ") else reason.split()[0]


# -- which rules make a difference -------------------------------------------------------------------------------------


def _rules(old: Plan, new: Plan, person: PersonDifference) -> Iterator[str]:
    persons = [plan.people.persons.get(person.id) if plan.people else None for plan in (old, new)]
    for changes, added in ((person.added, True), (person.dropped, False)):
        for change in changes:
            if change.kind == "create_organization":
                yield "organizations"
            elif change.kind in MEMBERSHIP:
                # A membership is given by the rule of the plan that gives it, and missed by the other plan's absence.
                gives_new = change.kind.startswith("add") == added
                plan, found, side = (new, persons[1], "new") if gives_new else (old, persons[0], "old")
                yield from _giving(plan, found, change, side) or [_access(*persons) or "memberships"]
            elif change.kind == "rename":
                yield "person.email"
            elif change.kind == "update":
                yield "person: names and properties"
            else:
                yield _access(*persons) or f"{change.kind}: other parts of the spec"
    if person.old or person.new:
        yield "held people and rejected rows"


def _giving(plan: Plan, person: Person | None, change: Change, side: str) -> list[str]:
    """The rules of a plan that give what a change is about, in words."""
    found = []
    for due in person.memberships if person else ():
        if due.alias == change.alias and (change.role is None or change.role in due.roles):
            rule = plan.spec.memberships[due.entry]
            found.append(f"{side} {rule_text(rule.line, rule.when.text if rule.when else '')}")
    return found


def _access(old: Person | None, new: Person | None) -> str:
    """The reasons for access, where the specs give different ones."""
    reasons = [_DAY.sub("…", person.why) if person else "no row that is understood" for person in (old, new)]
    if reasons[0] == reasons[1] and (old and old.access) == (new and new.access):
        return ""
    return f"access: {reasons[0]} -> {reasons[1]}"


def _what(change: Change) -> str:
    words = {"add_membership": "join", "remove_membership": "leave", "add_role": "give", "remove_role": "take"}
    return " ".join(part for part in (words[change.kind], change.role) if part)


# -- what else differs -------------------------------------------------------------------------------------------------


def _changed_keys(old: SyncSpec, new: SyncSpec) -> list[str]:
    found = [dict(_flat(spec, "")) for spec in (old, new)]
    keys = found[0].keys() | found[1].keys()
    return sorted(key for key in keys if found[0].get(key) != found[1].get(key))


def _flat(value: Any, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Section):
        for name, described in type(value).model_fields.items():
            if not (name == "tests" and not key):
                yield from _flat(getattr(value, name), f"{key}.{described.alias or name}".lstrip("."))
    elif isinstance(value, tuple) and not all(isinstance(item, str) for item in value):
        for index, item in enumerate(value):
            yield from _flat(item, f"{key}.{item.alias}" if hasattr(item, "alias") else f"{key}[{index}]")
    elif hasattr(value, "alias") and hasattr(value, "code"):
        yield key, repr((value.code, value.external_id, value.handle, value.name, value.create))
    elif value not in (None, ()):
        yield key, repr(sorted(value) if isinstance(value, frozenset) else value)


def _newly_uncovered(old: Plan, new: Plan) -> list[str]:
    """What the rules do not cover now. Rules move within the file, so their places are not compared."""
    if old.coverage is None or new.coverage is None:
        return []
    before = {_PLACE.sub("…", line) for line in old.coverage.lines()}
    return [line for line in new.coverage.lines() if _PLACE.sub("…", line) not in before]


def _person_json(person: PersonDifference, personal: bool) -> dict[str, Any]:
    def changes(found: list[Change]) -> list[dict[str, Any]]:
        return [
            {"kind": change.kind, "alias": change.alias, "role": change.role}
            | ({"before": change.before, "after": change.after} if personal else {})
            for change in found
        ]

    state = (
        {"old": person.old, "new": person.new}
        if personal
        else {side: text.partition(":")[0] for side, text in (("old", person.old), ("new", person.new))}
    )
    return {
        "id": person.id,
        **({"who": person.who} if personal else {}),
        "only_new": changes(person.added),
        "only_old": changes(person.dropped),
        **state,
        "rules": person.rules,
    }
