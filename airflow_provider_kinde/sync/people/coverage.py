"""What the rules of a spec do not cover: rules without people, rules that change nothing, people without a rule."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.sync.model import DesiredMembership
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.spec.rule_text import rule_text
from airflow_provider_kinde.sync.store.people import People, decode_memberships


@dataclass(slots=True)
class RuleCoverage:
    """What one membership rule does for the people of today.

    :param index: its position in ``memberships``, from 0.
    :param line: its line in the spec.
    :param text: its condition in words, with its line.
    :param people: how many people it holds for, of those who are not leavers.
    :param decides: for how many of them it gives something that no other rule gives.
    :param covered_by: where it never decides: the rules each of which gives all of it to each of its people.
    """

    index: int
    line: int | None
    text: str
    people: int = 0
    decides: int = 0
    covered_by: tuple[int, ...] = ()


_SHOWN = 10
"""Ids that one line names."""


@dataclass(slots=True)
class WithoutOrganization:
    """People with access, and not held, to whom no rule gives an organization.

    :param columns: the columns, blank in their rows, that leave rules undecided; empty where every rule says no.
    :param people: how many there are.
    :param first: the ids of the first ten of them.
    """

    columns: tuple[str, ...]
    people: int = 0
    first: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Who they are, and why, in words."""
        why = ""
        if self.columns:
            rows = "their row" if self.people == 1 else "their rows"
            verb = "is" if len(self.columns) == 1 else "are"
            why = f", because {', '.join(map(repr, self.columns))} {verb} blank in {rows}"
        more = self.people - len(self.first)
        ids = ", ".join(self.first) + (f" and {more:,} more" if more else "")
        return f"no rule gives an organization to {_people(self.people)} with access{why}: id {ids}"


@dataclass(slots=True)
class Coverage:
    """What the rules of a spec cover.

    :param rules: one entry for each rule, in the order of the spec.
    :param unmapped: values of columns that rules compare, which no rule names: a line for each column, in counts.
    :param unseen: texts that the spec compares a column with, and that no row holds.
    :param without_organization: people with access to whom no rule gives an organization, by their blank columns.
    """

    rules: list[RuleCoverage] = field(default_factory=list)
    unmapped: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    without_organization: list[WithoutOrganization] = field(default_factory=list)

    def lines(self, *, unmapped: bool = True) -> list[str]:
        """What an author of the spec should look at, one line each; empty where the rules cover everything.

        :param unmapped: whether values that no rule names are listed, too.
        """
        found = []
        for rule in self.rules:
            if not rule.people:
                found.append(f"{rule.text}: it matches no person")
            elif not rule.decides:
                others = [self.rules[index].text for index in rule.covered_by[:3]]
                gives = f"{'; '.join(others)} gives" if others else "other rules together give"
                found.append(f"{rule.text}: it never decides, since {gives} the same to its {_people(rule.people)}")
        found += self.unseen
        if unmapped:
            found += [f"values that no rule names, of people with access: {line}" for line in self.unmapped]
        found += [group.text for group in self.without_organization]
        return found

    def to_json(self) -> dict[str, Any]:
        """The coverage as ``plan.json`` holds it under ``coverage``."""
        return {
            "rules": [
                {
                    "rule": rule.index,
                    "line": rule.line,
                    "text": rule.text,
                    "people": rule.people,
                    "decides": rule.decides,
                    "covered_by": list(rule.covered_by),
                }
                for rule in self.rules
            ],
            "findings": self.lines(unmapped=False),
            "unmapped": self.unmapped,
            "unseen": self.unseen,
            "without_organization": {
                "people": sum(group.people for group in self.without_organization),
                "first": [id for group in self.without_organization for id in group.first][:_SHOWN],
            },
        }


def coverage_of(spec: SyncSpec, people: People, held: Collection[str] = ()) -> Coverage:
    """Say what the rules of a spec cover of the people that were read. Nothing is read again.

    :param spec: the spec.
    :param people: what one reading of HR says.
    :param held: ids of the people whom the plan holds: their memberships stay as they are.
    """
    rules = [
        RuleCoverage(rule.index, rule.line, rule_text(rule.line, rule.when.text if rule.when else ""))
        for rule in spec.memberships
    ]
    covering: dict[int, set[int]] = {}
    nowhere: dict[str, tuple[str, ...]] = {}
    for text, given, count in people.persons.count_memberships():
        due, unclear = decode_memberships(text)
        if given and not due and rules:
            nowhere[text] = tuple(sorted({column for rule in unclear for column in rule.columns}))
        for index in {each.entry for each in due}:
            mine = [each for each in due if each.entry == index]
            others = [each for each in due if each.entry != index]
            rules[index].people += count
            rules[index].decides += 0 if _covers(others, mine) else count
            alone = {e for e in {each.entry for each in others} if _covers([o for o in others if o.entry == e], mine)}
            covering[index] = covering[index] & alone if index in covering else alone
    for rule in rules:
        if rule.people and not rule.decides:
            rule.covered_by = tuple(sorted(covering[rule.index]))
    return Coverage(rules, people.unmapped, people.unseen, _without_organization(people, nowhere, held))


def _without_organization(
    people: People, nowhere: dict[str, tuple[str, ...]], held: Collection[str]
) -> list[WithoutOrganization]:
    found: dict[tuple[str, ...], WithoutOrganization] = {}
    for id, text in people.persons.with_memberships(nowhere) if nowhere else ():
        if id not in held:
            columns = nowhere[text]
            group = found.setdefault(columns, WithoutOrganization(columns))
            group.people += 1
            if len(group.first) < _SHOWN:
                group.first.append(id)
    return [group for _, group in sorted(found.items())]


def _covers(others: list[DesiredMembership], mine: list[DesiredMembership]) -> bool:
    """Whether rules give all that others give, too."""
    held: dict[str, frozenset[str]] = {}
    for due in others:
        held[due.alias] = held.get(due.alias, frozenset()) | due.roles
    return all(due.alias in held and due.roles <= held[due.alias] for due in mine)


def _people(count: int) -> str:
    return counted(count, "person", "people")
