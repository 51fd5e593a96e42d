"""A difference between two specs as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.sync.changes import Change
from airflow_provider_kinde.sync.report.text import clean, operation_lines
from airflow_provider_kinde.sync.rules.difference import Difference, PersonDifference

_MOST_KEYS = 40
TESTS_FAIL = "Tests of the new spec fail: plan, apply and the DAG refuse it. What the rules change stands below."


def difference_lines(found: Difference, *, personal: bool = True) -> Iterator[str]:
    """Write a difference line by line: in sum, by rule, by organization, and by person.

    :param found: the difference.
    :param personal: whether names, addresses and values are shown.
    """
    yield f"Rules {found.new.spec.name} -> {found.new.host}, against {clean(found.against)}"
    yield ""
    if found.failed_tests:
        yield TESTS_FAIL
        yield from (*(f"  x {clean(line)}" for line in found.failed_tests), "")
    yield sentence(found)
    for side, reason in found.guards:
        yield f"  x only the {side} rules are blocked: {clean(reason)}"
    if found.people:
        yield from ("", "By rule")
        yield from (f"  {count:>6,}  {clean(rule)}" for rule, count in found.by_rule())
        if organizations := found.by_organization():
            yield from ("", "By organization (people: with the new rules only, with the old rules only)")
            yield from (
                f"  {clean(alias)}: {clean(what)}  +{new:,} -{old:,}" for alias, what, new, old in organizations
            )
        yield from ("", "By person (+ with the new rules only, - with the old rules only)")
        for person in found.people:
            yield from person_lines(person, personal)
    if found.uncovered:
        yield from ("", "What the rules do not cover any more")
        yield from (f"  {clean(line)}" for line in found.uncovered)
    if found.keys:
        shown = ", ".join(found.keys[:_MOST_KEYS]) + (", …" if len(found.keys) > _MOST_KEYS else "")
        yield from ("", f"Keys that differ: {clean(shown)}")


def sentence(found: Difference) -> str:
    """Say in one sentence what a difference comes to.

    :param found: the difference.
    """
    if not found.comparable:
        if found.stopped:
            return "Nothing can be compared: " + "; ".join(clean(block.reason) for block in found.new.blocked)
        return "Nothing can be compared, since only one of the specs comes to a plan."
    people = sum(1 for person in found.people if person.id)
    if not found.people and not found.guards:
        return "The rules change nothing for any person today."
    summary = found.summary()
    parts = []
    for side in ("new", "old"):
        if counts := summary[side]:
            listed = ", ".join(f"{count:,} {kind.replace('_', ' ')}" for kind, count in counts.items())
            parts.append(f"only with the {side} rules: {listed}")
    more = f" ({'; '.join(parts)})" if parts else ""
    return f"The rules change something for {counted(people, 'person', 'people')}{more}."


def person_lines(person: PersonDifference, personal: bool) -> list[str]:
    """Write what differs for one person.

    :param person: the person.
    :param personal: whether names, addresses and values are shown.
    """
    who = clean(person.who) if personal else ""
    lines = [f"  {clean(person.id)}  {who}".rstrip() if person.id else "  organizations"]
    for sign, changes in (("+", person.added), ("-", person.dropped)):
        lines += [f"      {sign} {text}" for text in _changes(changes, personal)]
    for sign, state in (("+", person.new), ("-", person.old)):
        if state:
            lines.append(f"      {sign} {clean(state if personal else state.partition(':')[0])}")
    return lines


def _changes(changes: list[Change], personal: bool) -> list[str]:
    if personal:
        return [line.lstrip("+~- ") for line in operation_lines(changes)]
    return [" ".join(part for part in (c.kind.replace("_", " "), c.alias, c.role) if part) for c in changes]
