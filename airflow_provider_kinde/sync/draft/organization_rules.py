"""Find the rules of one organization: who belongs to it, and who has which role there. Pure: it reads nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from airflow_provider_kinde.sync.draft.rule_search import Comparison, Rule, Table, find_rules, rule_of


@dataclass(frozen=True)
class Proposal:
    """One proposed entry of ``memberships``.

    :param tests: all of them must pass; without one it holds for everyone.
    :param roles: the role keys that it gives.
    :param covered: the people for whom it holds.
    """

    tests: tuple[Comparison, ...]
    roles: tuple[str, ...]
    covered: int


def propose(table: Table, members: int, holders: Mapping[str, int]) -> list[Proposal]:
    """Propose the entries that explain who is in an organization, and with which roles.

    :param table: HR's columns.
    :param members: the people who are in the organization.
    :param holders: role key -> the people who hold it there.
    :returns: the entries, the shortest first.
    """
    rules = find_rules(table, members)
    roles: dict[tuple[Comparison, ...], set[str]] = {rule.tests: set() for rule in rules}
    for role, people in holders.items():
        for rule in find_rules(table, people, rules):
            roles.setdefault(rule.tests, set()).add(role)
    found = [(rule_of(table, tests), given) for tests, given in roles.items()]
    needed = [(rule, given) for rule, given in found if given or not _covered_by_others(rule, found)]
    needed.sort(key=lambda entry: (len(entry[0].tests), -entry[0].covered.bit_count()))
    return [Proposal(rule.tests, tuple(sorted(given)), rule.covered) for rule, given in needed]


def _covered_by_others(rule: Rule, found: list[tuple[Rule, set[str]]]) -> bool:
    """Whether other entries, which give roles, give the membership to the same people already."""
    rest = rule.covered
    for other, given in found:
        if given:
            rest &= ~other.covered
    return not rest
