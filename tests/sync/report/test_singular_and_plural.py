"""Numbers in messages have the noun that fits: 1 row, 2 rows; no text says row(s)."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import airflow_provider_kinde
from airflow_provider_kinde.counted import counted, singular
from airflow_provider_kinde.sync.report.text import plan_text
from tests.support.world import SPEC, World, people, person

PACKAGE = Path(airflow_provider_kinde.__file__).parent


@pytest.mark.parametrize(
    ("count", "words", "said"),
    [
        (0, ("row",), "0 rows"),
        (1, ("row",), "1 row"),
        (1200, ("row",), "1,200 rows"),
        (1, ("person has", "people have"), "1 person has"),
        (2, ("person has", "people have"), "2 people have"),
    ],
)
def test_a_number_has_the_noun_that_fits(count: int, words: tuple[str, ...], said: str) -> None:
    assert counted(count, *words) == said


@pytest.mark.parametrize(
    ("many", "one"),
    [
        ("people would lose role 'x'", "person would lose role 'x'"),
        ("people with access have no HR row", "person with access has no HR row"),
        ("people who were in it would join", "person who was in it would join"),
        ("rows are rejected", "row is rejected"),
        ("memberships of 'eng' would be removed", "membership of 'eng' would be removed"),
        ("peoples", "peoples"),
    ],
)
def test_the_words_of_a_guard_have_a_singular(many: str, one: str) -> None:
    assert singular(many) == one


def test_no_text_leaves_the_choice_to_the_reader() -> None:
    left = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.search(r"\w\(e?s\)", node.value)
    ]
    assert left == []


def test_a_guard_that_stops_one_person_speaks_of_one(world: World) -> None:
    world.apply(people(3))
    spec = SPEC + "guards: {max_leavers: 0, max_rejected_rows: 0}\n"
    rows = [person(1, status="Terminated"), person(2, status="?"), person(3)]
    text = plan_text(world.plan(rows, spec))
    assert "max_leavers (0): 1 person would lose access." in text
    assert "max_rejected_rows (0): 1 row is rejected." in text
