"""Find the rules that explain who is in a group: few conjunctions of tests on HR columns. Pure: it reads nothing.

A rule is worth its length: it is taken if *rules and exceptions together* need fewer bits to write down than before
(minimum description length). So a real pattern becomes a rule, and noise stays what it is: an exception.

A set of people is a whole number, one bit a person. Python counts and joins such sets of 20,000 people in microseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from math import log2

MAX_TESTS = 3
"""Tests of the longest rule."""
MIN_PRECISION = 0.8
"""The least share of the people whom a rule covers that must be in the group."""
_BEAM = 6
"""How many unfinished rules are extended at each length."""


@dataclass(frozen=True, order=True)
class Comparison:
    """``column == value``, or ``column in values``.

    :param column: name of the column.
    :param values: the values that pass, sorted.
    """

    column: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Rule:
    """All tests must pass; without a test it covers everyone.

    :param tests: the tests, at most one a column.
    :param covered: the people whom it covers.
    """

    tests: tuple[Comparison, ...]
    covered: int


def set_of(places: Iterable[int], people: int) -> int:
    """Make a set of people.

    :param places: the bits to set.
    :param people: how many people there are.
    """
    digits = bytearray((people + 7) // 8)
    for place in places:
        digits[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(digits, "little")


class Table:
    """HR's columns as sets of people.

    :param people: how many people there are.
    :param columns: column -> value -> the people who have it. The first of two equal columns is used in rules.
    """

    def __init__(self, people: int, columns: Mapping[str, Mapping[str, int]]) -> None:
        self.people, self.columns = people, columns
        self.everyone = (1 << people) - 1
        self._factorials = [0.0, *accumulate(map(log2, range(1, people + 1)))]

    @cached_property
    def column_bits(self) -> float:
        """Bits to name a column."""
        return log2(len(self.columns) + 1)

    def value_bits(self, column: str) -> float:
        """Bits to name a value of a column.

        :param column: the column.
        """
        return log2(len(self.columns[column]) + 1)

    def rule_bits(self, tests: Iterable[Comparison]) -> float:
        """Bits to write a rule down.

        :param tests: its tests.
        """
        return 1 + sum(self.column_bits + self.value_bits(test.column) * len(test.values) for test in tests)

    def choice_bits(self, chosen: int, people: int) -> float:
        """Bits to say which people of a set are exceptions.

        :param chosen: how many of them are.
        :param people: how many people the set has.
        """
        found = self._factorials
        few = min(chosen, people // 2)  # to name nearly all people is no shorter than to name half of them
        return found[people] - found[few] - found[people - few] + log2(people + 1)


def find_rules(table: Table, group: int, known: Sequence[Rule] = ()) -> list[Rule]:
    """Find the rules that explain a group.

    :param table: HR's columns.
    :param group: the people who are in the group.
    :param known: rules that may be used again, or extended, at almost no cost: those of a larger group.
    :returns: the rules, the shortest first. People whom none covers, and people outside the group whom one covers, are
        exceptions.
    """
    rules: list[Rule] = []
    covered = 0
    while group & ~covered:
        best = _Search(table, group, covered, known).best()
        if best is None:
            break
        rules.append(best)
        covered |= best.covered
    return sorted(_simpler(table, group, rules), key=lambda rule: (len(rule.tests), -rule.covered.bit_count()))


@dataclass(frozen=True, slots=True)
class _Node:
    """A rule in the making: what it covers beyond the rules before it, and what it saves."""

    gain: float
    bits: float
    tests: tuple[Comparison, ...]
    covered: int
    fresh: int
    precision: float


class _Search:
    """The search for one more rule, beside those that cover some people already."""

    def __init__(self, table: Table, group: int, covered: int, known: Sequence[Rule]) -> None:
        self.table, self.known = table, known
        self.open, self.rest = table.everyone & ~covered, group & ~covered
        self.missed = self.rest.bit_count()
        self.inside, self.wrong = covered.bit_count(), (covered & ~group).bit_count()
        self.before = self._bits(0, 0)
        self.support = 3 if table.people >= 100 else 2
        self.live: dict[str, list[tuple[str, int]]] = {
            column: found
            for column, values in table.columns.items()
            if (found := [(value, people) for value, people in values.items() if people & self.rest])
        }

    def best(self) -> Rule | None:
        """The rule that saves the most bits; ``None`` if none saves any."""
        start = self._node((), self.table.everyone, 1)
        nodes = [start, *(self._node(rule.tests, rule.covered, 2) for rule in self.known)]
        best: _Node | None = None
        for length in range(MAX_TESTS + 1):
            for node in nodes:
                if node.precision >= MIN_PRECISION and node.gain > (best.gain if best else 0):
                    best = node
            if length == MAX_TESTS:
                break
            found: dict[int, _Node] = {}
            for node in nodes:
                for extended in self._extended(node):
                    found.setdefault(extended.fresh, extended)  # of equal rules, the one on the first columns
            nodes = sorted(found.values(), key=lambda node: -node.gain)[:_BEAM]
        return Rule(tuple(sorted(best.tests)), best.covered) if best else None

    def _extended(self, node: _Node) -> Iterator[_Node]:
        """A rule with one test more: on one value, or on the best set of values of a column."""
        if len(node.tests) >= MAX_TESTS:
            return
        used = {test.column for test in node.tests}
        members = node.fresh & self.rest
        for column, values in self.live.items():
            if column in used:
                continue
            counts = [
                (right / all_, right, all_, value, people)
                for value, people in values
                if (right := (people & members).bit_count()) and (all_ := (people & node.fresh).bit_count())
            ]
            counts.sort(key=lambda entry: (-entry[0], -entry[1], entry[3]))
            each, first = self.table.value_bits(column), node.bits + self.table.column_bits
            right = all_ = 0
            best: tuple[float, int] = (float("-inf"), 0)
            for number, (_, some, more, value, people) in enumerate(counts, 1):
                if some >= self.support:
                    yield self._node((*node.tests, Comparison(column, (value,))), node.covered & people, first + each)
                right, all_ = right + some, all_ + more
                gain = self.before - self._bits(right, all_) - first - each * number
                if gain > best[0]:
                    best = (gain, number)
            if best[1] > 1:
                chosen = counts[: best[1]]
                people = 0
                for entry in chosen:
                    people |= entry[4]
                test = Comparison(column, tuple(sorted(entry[3] for entry in chosen)))
                yield self._node((*node.tests, test), node.covered & people, first + each * best[1])

    def _node(self, tests: tuple[Comparison, ...], covered: int, bits: float) -> _Node:
        fresh = covered & self.open
        right, all_ = (fresh & self.rest).bit_count(), fresh.bit_count()
        enough = right >= self.support
        gain = self.before - self._bits(right, all_) - bits
        return _Node(gain, bits, tests, covered, fresh, right / all_ if enough else 0)

    def _bits(self, right: int, all_: int) -> float:
        """Bits for all exceptions, if one more rule covers ``all_`` people more, of whom ``right`` are in the group."""
        inside, table = self.inside + all_, self.table
        wrong, missed = self.wrong + all_ - right, self.missed - right
        return table.choice_bits(wrong, inside) + table.choice_bits(missed, table.people - inside)


def _simpler(table: Table, group: int, rules: list[Rule]) -> list[Rule]:
    """The same rules with fewer tests and entries, as long as that needs no more bits."""
    rules = _merged(table, rules)
    bits = _all_bits(table, group, rules)
    while True:
        tried = ((other, _all_bits(table, group, other)) for other in _shorter(table, group, rules))
        better = min(tried, key=lambda item: item[1], default=None)
        if better is None or better[1] > bits:
            return rules
        rules, bits = better


def _merged(table: Table, rules: list[Rule]) -> list[Rule]:
    """Rules that differ in the values of one column become one rule."""
    for first in rules:
        for second in rules:
            if first is second or [t.column for t in first.tests] != [t.column for t in second.tests]:
                continue
            differ = [n for n, tests in enumerate(zip(first.tests, second.tests, strict=True)) if tests[0] != tests[1]]
            if len(differ) == 1:
                place = differ[0]
                values = {*first.tests[place].values, *second.tests[place].values}
                test = Comparison(first.tests[place].column, tuple(sorted(values)))
                tests = (*first.tests[:place], test, *first.tests[place + 1 :])
                rest = [rule for rule in rules if rule is not first and rule is not second]
                return _merged(table, [*rest, Rule(tests, first.covered | second.covered)])
    return rules


def _shorter(table: Table, group: int, rules: list[Rule]) -> Iterator[list[Rule]]:
    """The rules without one of them, or without one test or value of one of them."""
    for number, rule in enumerate(rules):
        rest = [*rules[:number], *rules[number + 1 :]]
        yield rest
        for tests in _shorter_tests(rule.tests):
            shorter = rule_of(table, tests)
            if (shorter.covered & group).bit_count() >= MIN_PRECISION * shorter.covered.bit_count():
                yield [*rest, shorter]


def _shorter_tests(tests: tuple[Comparison, ...]) -> Iterator[tuple[Comparison, ...]]:
    for place, test in enumerate(tests):
        without = (*tests[:place], *tests[place + 1 :])
        yield without
        for value in test.values if len(test.values) > 1 else ():
            fewer = Comparison(test.column, tuple(other for other in test.values if other != value))
            yield tuple(sorted((*without, fewer)))


def rule_of(table: Table, tests: tuple[Comparison, ...]) -> Rule:
    """Make a rule of its tests.

    :param table: HR's columns.
    :param tests: the tests.
    """
    covered = table.everyone
    for test in tests:
        passing = 0
        for value in test.values:
            passing |= table.columns[test.column].get(value, 0)
        covered &= passing
    return Rule(tests, covered)


def _all_bits(table: Table, group: int, rules: Sequence[Rule]) -> float:
    covered = 0
    for rule in rules:
        covered |= rule.covered
    inside = covered.bit_count()
    wrong, missed = (covered & ~group).bit_count(), (group & ~covered).bit_count()
    exceptions = table.choice_bits(wrong, inside) + table.choice_bits(missed, table.people - inside)
    return exceptions + sum(table.rule_bits(rule.tests) for rule in rules)
