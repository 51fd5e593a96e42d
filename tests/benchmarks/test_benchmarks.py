"""The benchmarks run, and the page shows what was measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import formula, page, pipe, tokens
from benchmarks.__main__ import there
from benchmarks.companies import make_company
from benchmarks.formula import Day, least
from benchmarks.hr import Person
from benchmarks.rules import measure


def test_the_page_shows_the_results() -> None:
    assert page.PAGE.read_text(encoding="utf-8") == page.render(page.read())


def test_the_results_are_of_benchmarks_that_there_are() -> None:
    assert {"formula", "pipe", "parsing", "tokens", "waiting"} <= set(page.read()) <= set(there())


def test_a_sync_sends_what_the_formula_says() -> None:
    result = formula.run(True)
    assert len(result.rows) == 4
    for what, limit, measured in result.goals:
        assert measured <= limit, what


def test_the_pipe_runs() -> None:
    [row] = pipe.run(True).rows
    assert row[-1] == 0


def test_tokens_are_shared() -> None:
    result = tokens.run(True)
    for what, limit, measured in result.goals:
        assert measured <= limit, what
    assert result.rows[0][-2:] == [1, 12]


LEAD, WORKER = Person(1, "sales", lead=True), Person(2, "sales")


@pytest.mark.parametrize(
    ("before", "after", "day", "requests"),
    [
        ([], [], Day(0), 9),
        ([], [WORKER], Day(0), 9 + 1 + 1),
        ([], [LEAD], Day(0), 9 + 1 + 1 + 1),
        ([WORKER], [WORKER.changed(team="support")], Day(1), 9 + 2 + 2),
        ([WORKER], [WORKER.changed(lead=True)], Day(1), 9 + 1 + 1),
        ([WORKER], [WORKER.changed(status="Left")], Day(1, leavers=1), 9 + 4),
        ([WORKER], [WORKER.changed(status="Left")], Day(1, leavers=1, api_keys=2), 9 + 4 + 2),
        ([WORKER], [WORKER.changed(address="new@bench.example")], Day(1, renames=1), 9 + 6),
        ([WORKER], [WORKER], Day(501), 10),
    ],
)
def test_the_formula(before: list[Person], after: list[Person], day: Day, requests: int) -> None:
    people = [{person.number: person for person in those} for those in (before, after)]
    assert least(day, people[0], people[1], frozenset(), False) == requests


@pytest.mark.parametrize("noise", [0, 0.05])
def test_the_rules_of_a_company_are_found_and_its_orphans_named(tmp_path: Path, noise: float) -> None:
    company = make_company(5, 200, noise)
    found = measure(company, tmp_path, conn=True)
    assert found["rules"] <= 1.2 * found["true rules"]
    assert found["right"] >= 0.98 * (found["right"] + found["missed"] + found["wrong"])
    assert (found["taken"], found["blocked"], found["wrong orphans"]) == (0, 0, 0)
