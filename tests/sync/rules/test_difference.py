"""What another spec changes, for the same rows and the same Kinde."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from airflow_provider_kinde.exceptions import SpecError
from airflow_provider_kinde.sync import SyncSpec
from airflow_provider_kinde.sync.plan.run_request import RunRequest
from airflow_provider_kinde.sync.read_once import KeptList
from airflow_provider_kinde.sync.rules.difference import Difference, compare_specs
from airflow_provider_kinde.sync.rules.difference_text import difference_lines
from airflow_provider_kinde.sync.rules.markdown import difference_markdown
from tests.support.world import NOW, SPEC, World, people, person

ROWS = [person(1, dept="Eng"), person(2, dept="Eng"), *(person(number) for number in range(3, 9))]


def compare(world: World, new: str, rows: Iterable[dict[str, Any]] = ROWS, old: str = SPEC) -> Difference:
    specs, request = (SyncSpec.parse(old), SyncSpec.parse(new)), RunRequest.of(now=NOW)
    return compare_specs(*specs, list(rows), world.client, request, against="old.yaml")


def words(found: Difference) -> dict[str, list[str]]:
    return {
        person.id: [f"+ {change.words}" for change in person.added] + [f"- {change.words}" for change in person.dropped]
        for person in found.people
    }


def test_only_what_the_rules_change_is_in_it(world: World) -> None:
    world.apply(ROWS)
    rows = [person(1, dept="Eng", status="Terminated"), *ROWS[1:], person(9)]  # HR has changed, too
    found = compare(world, SPEC.replace("roles: [engineer]", "roles: [lead]"), rows)
    assert words(found) == {"2": ["+ add_role 2 eng lead"]}
    assert found.by_rule() == [("new rule in line 21: dept is Eng", 1)]
    assert found.by_organization() == [("eng", "give lead", 1, 0)]
    assert found.keys == ["memberships[0].roles"]
    retired = SPEC.replace("roles: [engineer]", "roles: [lead]") + "retired: {roles: [engineer]}\n"
    found = compare(world, retired, rows)
    assert words(found) == {"2": ["+ add_role 2 eng lead", "+ remove_role 2 eng engineer"]}
    assert dict(found.by_rule()) == {"new rule in line 21: dept is Eng": 1, "old rule in line 21: dept is Eng": 1}


def test_a_person_whom_only_the_new_rules_let_go(world: World) -> None:
    world.apply(ROWS)
    found = compare(world, SPEC + "scope: \"{{ row.id != '3' }}\"\n")
    assert words(found) == {"3": ["+ suspend 3"]}
    assert found.by_rule() == [("access: status is Active -> out of scope", 1)]
    assert (found.outcome, found.keys) == ("differs", ["scope"])


def test_changes_of_the_old_rules_alone_are_listed(world: World) -> None:
    found = compare(world, SPEC.replace("'Sales'", "'Purchase'"), ROWS[:3])
    assert words(found) == {"3": ["- add_membership 3 sales"]}
    assert found.uncovered == [
        "rule in line 24: dept is Purchase: it matches no person",
        "no row has 'Purchase' in dept, which memberships[1].when (line 25) names",
        "values that no rule names, of people with access: dept: Sales 1 person",
        "no rule gives an organization to 1 person with access: id 3",
    ]


REFACTORED = [
    SPEC.replace("{{ row.dept == 'Eng' }}", "{{ row['dept'] in ['Eng'] }}"),
    SPEC.replace("eng:", "technology:").replace("organization: eng", "organization: technology"),
    SPEC.replace("roles: [engineer]", "roles: [engineer, engineer]") + SPEC.partition("memberships:")[2],
    SPEC.replace("active: [Active]", "active: [' ACTIVE ']") + "guards: {max_leavers: 11%}\n",
    SPEC + "tests: [{given: {dept: Eng, status: Active}, expect: {access: true}}]\n",
]


@pytest.mark.parametrize("new", REFACTORED, ids=["condition", "alias", "doubled", "status", "tests"])
def test_a_refactoring_of_rules_shows_no_difference(world: World, new: str) -> None:
    found = compare(world, new, [*ROWS, person(9, dept="Eng", status="?"), person(10, dept="")])
    assert (words(found), found.outcome) == ({}, "same")
    assert "The rules change nothing for any person today." in list(difference_lines(found))
    world.apply(ROWS)
    assert words(compare(world, new, people(9, dept="Eng"))) == {}


def test_held_and_rejected_people_are_in_it(world: World) -> None:
    world.apply(ROWS)
    found = compare(world, SPEC.replace("{{ row.last }}", "{{ row.last if row.id != '4' else '' }}"))
    assert [(p.id, p.old, p.new) for p in found.people] == [("4", "", "rejected: family_name is blank")]
    text = "\n".join(difference_lines(found))
    assert "  4\n      + rejected: family_name is blank" in text
    assert "The rules change something for 1 person." in text


def test_a_guard_that_only_the_new_rules_trip_is_told(world: World) -> None:
    world.apply(ROWS)
    found = compare(world, SPEC.replace("active: [Active]", "active: [X]").replace("[Terminated]", "[Active]"))
    assert [(side, reason.split()[0]) for side, reason in found.guards] == [("new", "max_leavers")]
    assert found.summary() == {"new": {"suspend": 8}, "old": {}}


def test_a_spec_that_comes_to_no_plan_is_told(world: World) -> None:
    found = compare(world, SPEC.replace("row.dept == 'Eng'", "row.department == 'Eng'"))
    assert (found.people, found.comparable, found.outcome) == ([], False, "differs")
    assert found.guards[0][0] == "new"
    assert "has no column 'department'" in found.guards[0][1]
    assert compare(world, SPEC, []).outcome == "blocked"


def test_an_old_spec_that_does_not_fit_kinde_is_told(world: World) -> None:
    with pytest.raises(
        SpecError, match=r"the old spec \(old.yaml\) does not fit Kinde as it is now.*no role with the key"
    ):
        compare(world, SPEC, old=SPEC.replace("[engineer]", "[enginer]"))


def test_hr_and_kinde_are_read_once(world: World) -> None:
    world.apply(ROWS)
    world.kinde.clear_log()
    world.plan(ROWS)
    reads = len(world.reads())
    world.kinde.clear_log()
    compare(world, SPEC.replace("row.dept == 'Eng'", "row.dept == 'Sales'"))
    assert (len(world.reads()), world.writes()) == (reads, [])


def test_the_tests_of_the_new_spec_are_run_and_those_of_the_old_one_are_not(world: World) -> None:
    failing = SPEC + "tests: [{given: {dept: Eng, status: Active}, expect: {access: false}}]\n"
    assert compare(world, SPEC, old=failing).outcome == "same"
    found = compare(world, failing.replace("roles: [engineer]", "roles: [lead]"))
    assert (found.outcome, found.to_json()["outcome"]) == ("failed", "failed")
    (failed,) = found.failed_tests
    assert "expects access false" in failed
    lines = list(difference_lines(found))
    first, second = (next(i for i, line in enumerate(lines) if text in line) for text in (failed, "add role"))
    assert first < second
    text = difference_markdown(found)
    assert text.index("expects access false") < text.index("| rule |")


def test_names_stay_out_where_they_are_not_asked_for(world: World) -> None:
    rows = [person(1, "Ada", "Lovelace", email="ada@example.com")]
    world.apply(rows)
    found = compare(world, SPEC.replace("{{ row.email }}", "x-{{ row.email }}").replace("row.last", "row.first"), rows)
    assert [person.id for person in found.people] == ["1"]
    for text in ("\n".join(difference_lines(found, personal=False)), str(found.to_json(personal=False))):
        assert [word for word in ("Ada", "Lovelace", "ada@") if word in text] == []
    assert "Lovelace" in "\n".join(difference_lines(found))


def test_a_long_list_is_kept_and_asked_for_once() -> None:
    asked: list[int] = []

    def items() -> Iterable[int]:
        for number in range(3000):
            asked.append(number)
            yield number

    kept = KeptList(iter(items()))
    half = iter(kept)
    assert [next(half) for _ in range(1500)] == list(range(1500))
    assert list(kept) == list(range(3000))
    assert list(half) == list(range(1500, 3000))
    assert asked == list(range(3000))
