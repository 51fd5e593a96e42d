"""What the rules of a spec do not cover: rules without people, rules that change nothing, people without a rule."""

from __future__ import annotations

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


@dataclass(slots=True)
class Coverage:
    """What the rules of a spec cover.

    :param rules: one entry for each rule, in the order of the spec.
    :param unmapped: values of columns that rules compare, which no rule names: a line for each column, in counts.
    :param unseen: texts that the spec compares a column with, and that no row holds.
    :param without_organization: how many people with access are in no organization.
    :param first_without: the ids of the first ten of them.
    """

    rules: list[RuleCoverage] = field(default_factory=list)
    unmapped: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    without_organization: int = 0
    first_without: list[str] = field(default_factory=list)

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
        if self.without_organization:
            more = self.without_organization - len(self.first_without)
            ids = ", ".join(self.first_without) + (f" and {more:,} more" if more > 0 else "")
            verb = "is" if self.without_organization == 1 else "are"
            found.append(f"{_people(self.without_organization)} with access {verb} in no organization: id {ids}")
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
            "without_organization": {"people": self.without_organization, "first": self.first_without},
        }


def coverage_of(spec: SyncSpec, people: People) -> Coverage:
    """Say what the rules of a spec cover of the people that were read. Nothing is read again.

    :param spec: the spec.
    :param people: what one reading of HR says.
    """
    rules = [
        RuleCoverage(rule.index, rule.line, rule_text(rule.line, rule.when.text if rule.when else ""))
        for rule in spec.memberships
    ]
    covering: dict[int, set[int]] = {}
    nowhere: list[str] = []
    without = 0
    for text, given, count in people.persons.count_memberships():
        due = decode_memberships(text)[0]
        if given and not due:
            nowhere.append(text)
            without += count
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
    first = people.persons.first_with_memberships(nowhere[:500]) if nowhere and rules else []
    return Coverage(rules, people.unmapped, people.unseen, without if rules else 0, first)


def _covers(others: list[DesiredMembership], mine: list[DesiredMembership]) -> bool:
    """Whether rules give all that others give, too."""
    held: dict[str, frozenset[str]] = {}
    for due in others:
        held[due.alias] = held.get(due.alias, frozenset()) | due.roles
    return all(due.alias in held and due.roles <= held[due.alias] for due in mine)


def _people(count: int) -> str:
    return counted(count, "person", "people")
