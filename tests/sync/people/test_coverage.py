"""What the rules of a spec do not cover."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pendulum
import pytest

from airflow_provider_kinde.cli.main import main
from airflow_provider_kinde.sync import SyncSpec
from airflow_provider_kinde.sync.people.coverage import Coverage, coverage_of
from airflow_provider_kinde.sync.people.reader import read_people
from airflow_provider_kinde.sync.plan.run_request import as_source
from tests.support.world import NOW, SPEC, World, people, person


def covered(rows: list[dict[str, Any]], text: str = SPEC) -> Coverage:
    spec = SyncSpec.parse(text)
    now = pendulum.parse(NOW)
    assert isinstance(now, pendulum.DateTime)
    return coverage_of(spec, read_people(spec, as_source(rows), now))


def test_gaps_in_the_rules_are_reported() -> None:
    text = SPEC.replace("row.dept == 'Eng'", "row.dept in ['Egn', 'ENG'] and row.country | lower != 'xx'")
    text = text.replace("active: [Active]", "active: [Active, On Leave]")
    rows = [person(1, dept="Eng", country="DE"), person(2, country="DE"), person(3, dept="Eng", country="DE")]
    found = covered([*rows, person(4, dept="Eng", country="XX", status="Terminated")], text)
    assert found.lines() == [
        "rule in line 21: dept is one of Egn, ENG and country is not xx: it matches no person",
        "no row has 'ENG' in dept, which memberships[0].when (line 22) names; rows have 'Eng'",
        "no row has 'Egn' in dept, which memberships[0].when (line 22) names; rows have 'Eng'",
        "no row has the status 'on leave', which employment.active names",
        "no rule gives an organization to 2 people with access: id 1, 3",
    ]


def test_full_coverage_prints_nothing() -> None:
    found = covered([person(1, dept="Eng"), person(2)])
    assert found.lines() == []
    assert [(rule.people, rule.decides) for rule in found.rules] == [(1, 1), (1, 1)]


MORE = """
  - organization: eng
    roles: [lead]
    when: "{{ row.dept == 'Eng' and row.last == 'Doe' }}"
  - organization: eng
    when: "{{ row.dept != 'Sales' }}"
"""


def test_a_rule_that_others_cover_never_decides() -> None:
    found = covered([person(1, dept="Eng"), person(2), person(3, dept="Eng", last="Roe")], SPEC + MORE)
    assert [(rule.people, rule.decides, rule.covered_by) for rule in found.rules] == [
        (2, 2, ()),
        (1, 1, ()),
        (1, 1, ()),
        (2, 0, (0,)),
    ]
    assert "it never decides, since rule in line 21: dept is Eng gives the same to its 2 people" in found.lines()[0]
    twice = covered([person(1, dept="Eng"), person(2)], SPEC + SPEC.partition("memberships:")[2])
    assert [rule.decides for rule in twice.rules] == [0, 0, 0, 0]
    assert [rule.covered_by for rule in twice.rules] == [(2,), (3,), (0,), (1,)]


def test_leavers_and_future_hires_are_in_no_organization_and_not_counted() -> None:
    rows = [person(1, dept="Eng"), person(2), person(3, dept="Ops", status="Terminated")]
    assert covered([*rows, person(4, dept="Ops", start="2026-09-01")]).without_organization == []


def counted(rule: int, line: int, text: str, count: int) -> dict[str, Any]:
    return {"rule": rule, "line": line, "text": text, "people": count, "decides": count, "covered_by": []}


def test_a_plan_holds_it_and_a_plan_for_one_person_does_not(world: World) -> None:
    rows = [*people(2), person(3, dept="Ops")]
    plan = world.plan(rows)
    assert plan.to_json()["coverage"] == {
        "rules": [
            {
                "rule": 0,
                "line": 21,
                "text": "rule in line 21: dept is Eng",
                "people": 0,
                "decides": 0,
                "covered_by": [],
            },
            {
                "rule": 1,
                "line": 24,
                "text": "rule in line 24: dept is Sales",
                "people": 2,
                "decides": 2,
                "covered_by": [],
            },
        ],
        "findings": [
            "rule in line 21: dept is Eng: it matches no person",
            "no row has 'Eng' in dept, which memberships[0].when (line 22) names",
            "no rule gives an organization to 1 person with access: id 3",
        ],
        "unmapped": ["dept: Ops 1 person"],
        "unseen": ["no row has 'Eng' in dept, which memberships[0].when (line 22) names"],
        "without_organization": {"people": 1, "first": ["3"]},
    }
    assert "coverage" not in world.plan(rows, ids=["1"]).to_json()


def test_people_without_an_organization_are_told_once_and_held_people_are_not_among_them(world: World) -> None:
    rows = people(20, dept="Eng")
    world.apply(rows)
    rows[0] = person(1, dept="")  # held: a blank would take the membership away
    rows[1] = {**rows[1], "status": "?"}  # rejected
    rows += [person(number, dept="") for number in (21, 22)]
    rows += [person(40, dept="Ops")]
    plan = world.plan(rows)
    assert ([held.id for held in plan.held], len(plan.rejected), plan.coverage is not None) == (["1"], 1, True)
    assert plan.coverage is not None
    told = [*plan.warnings, *plan.coverage.lines()]
    assert [line for line in told if "no rule gives" in line] == [
        "no rule gives an organization to 1 person with access: id 40",
        "no rule gives an organization to 2 people with access, because 'dept' is blank in their rows: id 21, 22",
    ]
    assert plan.coverage.to_json()["without_organization"] == {"people": 3, "first": ["40", "21", "22"]}


def test_validate_looks_at_a_local_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = tmp_path / "hr.yaml"
    spec.write_text(SPEC)
    assert main(["validate", "--spec", str(spec)]) == 0
    assert "the rows were not looked at: there is no file" in capsys.readouterr().out
    columns = "id,first,last,email,dept,status,start,end\n"
    (tmp_path / "hr.csv").write_text(columns + "1,A,Doe,a@x.com,Ops,Active,,\n2,B,Doe,b@x.com,Eng,Aktiv,,\n")
    assert main(["validate", "--spec", str(spec)]) == 0
    out = capsys.readouterr().out
    assert "! 1 of 2 rows rejected; row 3: status 'Aktiv' is neither in employment.active" in out
    assert "rule in line 24: dept is Sales: it matches no person" in out
    assert "values that no rule names, of people with access: dept: Ops 1 person" in out
