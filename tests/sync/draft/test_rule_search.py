"""The search for rules: the company's rules are found, noise stays noise, and nothing is made up."""

from __future__ import annotations

import random

import pytest

from airflow_provider_kinde.sync.draft.organization_rules import propose
from airflow_provider_kinde.sync.draft.rule_search import MAX_TESTS, Comparison, Table, find_rules, rule_of, set_of

DEPARTMENTS, COUNTRIES, LEVELS = ("eng", "sales", "law", "ops"), ("de", "fr", "nz"), ("1", "2", "3", "4", "5")


def company(people: int, seed: int = 1) -> tuple[list[dict[str, str]], Table]:
    dice = random.Random(seed)
    rows = [
        {"department": dice.choice(DEPARTMENTS), "country": dice.choice(COUNTRIES), "level": dice.choice(LEVELS)}
        for _ in range(people)
    ]
    columns: dict[str, dict[str, int]] = {"department": {}, "country": {}, "level": {}}
    for name, values in columns.items():
        for value in {row[name] for row in rows}:
            values[value] = set_of((n for n, row in enumerate(rows) if row[name] == value), people)
    return rows, Table(people, columns)


def rules(table: Table, group: int) -> list[tuple[Comparison, ...]]:
    return [rule.tests for rule in find_rules(table, group)]


def covered(table: Table, **tests: tuple[str, ...]) -> int:
    return rule_of(table, tuple(Comparison(column, values) for column, values in sorted(tests.items()))).covered


@pytest.mark.parametrize(
    "tests",
    [
        {"department": ("eng",)},
        {"department": ("eng", "law")},
        {"country": ("de",), "department": ("sales",)},
        {"country": ("de", "fr"), "department": ("ops",), "level": ("4", "5")},
    ],
)
@pytest.mark.parametrize("noise", [0, 0.05, 0.1])
def test_one_rule_is_found_with_and_without_noise(tests: dict[str, tuple[str, ...]], noise: float) -> None:
    _, table = company(600)
    group = covered(table, **tests)
    dice = random.Random(3)
    for place in range(600):
        if group >> place & 1 and dice.random() < noise:
            group ^= 1 << place | 1 << dice.randrange(600)
    assert rules(table, group) == [tuple(Comparison(column, values) for column, values in sorted(tests.items()))]


def test_two_rules_add_up_and_the_shorter_one_comes_first() -> None:
    _, table = company(800)
    group = covered(table, department=("eng",)) | covered(table, country=("nz",), level=("5",))
    assert rules(table, group) == [
        (Comparison("department", ("eng",)),),
        (Comparison("country", ("nz",)), Comparison("level", ("5",))),
    ]


def test_a_group_of_everyone_needs_no_test() -> None:
    _, table = company(200)
    assert rules(table, table.everyone) == [()]
    assert rules(table, table.everyone & ~0b1011) == [()]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("size", [0, 1, 2, 10, 60, 200])
def test_a_group_by_chance_has_no_rule(seed: int, size: int) -> None:
    _, table = company(400, seed)
    dice = random.Random(seed)
    assert rules(table, set_of(dice.sample(range(400), size), 400)) == []


def test_no_rule_has_more_than_three_tests_and_none_is_mostly_wrong() -> None:
    dice = random.Random(9)
    columns = {f"c{n}": {str(v): 0 for v in range(3)} for n in range(6)}
    for values in columns.values():
        for place in range(500):
            value = dice.choice("012")
            values[value] |= 1 << place
    table = Table(500, columns)
    group = rule_of(table, tuple(Comparison(f"c{n}", ("0", "1")) for n in range(5))).covered
    for rule in find_rules(table, group):
        assert len(rule.tests) <= MAX_TESTS
        assert (rule.covered & group).bit_count() >= 0.8 * rule.covered.bit_count()


def test_a_table_without_people_or_columns_has_no_rule() -> None:
    assert find_rules(Table(0, {}), 0) == []
    assert find_rules(Table(5, {}), 0b00011) == []


def test_roles_of_all_members_and_of_some_make_no_further_entries() -> None:
    _, table = company(600)
    members = covered(table, department=("eng",))
    leads = covered(table, department=("eng",), level=("5",))
    found = propose(table, members, {"engineer": members, "lead": leads})
    assert [(entry.tests, entry.roles) for entry in found] == [
        ((Comparison("department", ("eng",)),), ("engineer",)),
        ((Comparison("department", ("eng",)), Comparison("level", ("5",))), ("lead",)),
    ]
