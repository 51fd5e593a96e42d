"""Explain finds a person by id, with or without row and account."""

from __future__ import annotations

from airflow_provider_kinde.sync.person.explain import explain
from tests.support.world import NOW, SPEC, World, people, person


def test_an_id_with_an_account_and_no_row_is_known(world: World) -> None:
    world.apply(people(3))
    plan = world.plan(people(2), ids=["2", "3", "77"])
    assert plan.warnings == ["id 77: no HR row and no account of this sync has it"]


def test_an_id_with_a_row_and_no_account_is_known(world: World) -> None:
    assert world.plan(people(3), ids=["3"]).warnings == []


def test_invisible_characters_take_no_membership_and_are_named(world: World) -> None:
    spec = world.spec(SPEC.replace("'Sales'", "'B\u00fcro'"))
    rows = [person(1, dept="B\u00fcro"), person(2, dept="B\u00fcro")]
    world.apply(rows, spec)
    rows = [person(1, dept="Bu\u0308ro\u200b"), person(2, dept="B\u00fcro\u00a0")]
    world.settled(rows, spec)
    text, _ = explain(spec, rows, world.client, "1", now=NOW)
    assert "dept = 'B\u00fcro' (the source has U+200B ZERO WIDTH SPACE in it, which is read as this)" in text
    text, _ = explain(spec, rows, world.client, "2", now=NOW)
    assert "dept = 'B\u00fcro' (the source has U+00A0 NO-BREAK SPACE in it, which is read as this)" in text


def test_a_cell_that_looks_like_a_text_of_the_spec_is_told_apart_by_code_points(world: World) -> None:
    text, _ = explain(world.spec(), [person(1, dept="S\u0430les")], world.client, "1", now=NOW)
    assert "looks like 'Sales' of the spec and is another text: the cell has U+0430 CYRILLIC SMALL LETTER A" in text


def test_only_what_the_spec_reads_is_shown(world: World) -> None:
    text, _ = explain(world.spec(), [person(1, salary="90000")], world.client, "1", now=NOW)
    assert "salary" not in text
    assert "dept = 'Sales'" in text
