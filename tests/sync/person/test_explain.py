"""Explain finds a person by id, with or without row and account."""

from __future__ import annotations

from pathlib import Path

from airflow_provider_kinde.sources import make_source
from airflow_provider_kinde.sync.person.explain import explain
from tests.support.world import NOW, SPEC, World, people, person


def test_an_id_with_an_account_and_no_row_is_known(world: World) -> None:
    world.apply(people(3))
    plan = world.plan(people(2), ids=["2", "3", "77"])
    assert plan.warnings == ["id 77: no HR row and no account of this sync has it"]


def test_a_person_whom_hr_no_longer_lists_is_explained_as_a_run_over_all_people_plans(world: World) -> None:
    world.apply(people(20))
    (planned,) = world.plan(people(19)).operations
    text, plan = explain(world.spec(), people(19), world.client, "20", now=NOW)
    assert (planned.kind, planned.reason) == ("suspend", "no longer in the HR source")
    assert "action   - suspend  suspended: no -> yes  (no longer in the HR source)" in text
    assert "a run over all people treats as absent" in text
    assert (plan.outcome, [change.id for change in plan.operations]) == ("changes", ["20"])
    assert world.plan(people(19), ids=["20"]).operations == []


def test_a_held_absent_person_is_explained_as_held(world: World) -> None:
    world.apply(people(20))
    spec = world.spec(SPEC + "absent: hold\n")
    text, _ = explain(spec, people(19), world.client, "20", now=NOW)
    assert "held: no longer in the HR source; the spec holds absent people" in text


def test_a_person_whose_absence_the_source_does_not_prove_is_told_what_to_set(world: World, tmp_path: Path) -> None:
    (tmp_path / "hr.csv").write_text("id,first,last,email,dept,status,start,end\n1,P,One,p1@example.com,Eng,Active,,\n")
    world.apply(people(2))
    spec = world.spec(SPEC.replace("path: hr.csv", f"path: {tmp_path}/hr.csv"))
    text, _ = explain(spec, make_source(spec), world.client, "2", now=NOW)
    said = "the source does not prove that it is whole: set source.expect (or absent)"
    assert f"held: no longer in the HR source; {said}" in text
    assert "the spec holds" not in text


def test_an_absent_person_who_is_suspended_already_needs_nothing(world: World) -> None:
    world.apply(people(20))
    world.apply(people(19))
    text, plan = explain(world.spec(), people(19), world.client, "20", now=NOW)
    assert ("none: nothing to do" in text, plan.outcome) == (True, "no changes")


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
