"""Several rows with one id: one person, or rejected."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_kinde.sync.report.markdown import plan_markdown
from airflow_provider_kinde.sync.report.page import plan_page
from airflow_provider_kinde.sync.report.text import plan_text
from airflow_provider_kinde.sync.spec.models import SyncSpec
from tests.support.world import SPEC, World, person

ALL = SPEC.replace("person:", "person:\n  rows: all")
LATER = {"start": "2026-06-01", "dept": "Eng"}
LEFT = {"status": "Terminated"}


@pytest.mark.parametrize("text", [SPEC, ALL])
def test_rows_that_all_take_access_away_are_a_leaver(world: World, text: str) -> None:
    world.apply([person(1), person(2)], text)
    rows = [person(1), person(2, **LEFT), person(2, dept="Eng", end="2026-01-31", email="", **LEFT)]
    plan = world.plan(rows, text)
    assert ([(c.kind, c.id) for c in plan.operations], plan.rejected) == ([("suspend", "2")], [])


@pytest.mark.parametrize("text", [SPEC, ALL])
def test_a_leaver_with_two_rows_is_shown_with_the_address_of_the_account(world: World, text: str) -> None:
    world.apply([person(1), person(2)], text)
    rows = [person(1), person(2, email="a.second@example.com", **LEFT), person(2, dept="Eng", **LEFT)]
    (change,) = world.plan(rows, text).operations
    assert (change.kind, change.who) == ("suspend", "Given2 Doe <p2@example.com>")


def test_rows_of_one_id_that_are_rejected_are_one_line_with_all_row_numbers(world: World) -> None:
    rows = [person(1), *[person(1, dept=f"Eng{number}") for number in range(7)], person(2, status="?")]
    plan = world.plan(rows)
    assert len(plan.rejected) == 9  # the guard counts rows
    numbers = "rows 1, 2, 3, 4, 5, 6, 7, 8 hold the same id and differ"
    for text in (plan_text(plan), plan_markdown(plan), "".join(plan_page(plan))):
        assert text.count(numbers) == 1
    (line,) = [line for line in plan_text(plan).splitlines() if "row 9, id 2" in line]
    assert "status" in line


def test_rows_that_differ_are_rejected_unless_the_spec_joins_them(world: World) -> None:
    rows = [person(1), person(1, dept="Eng")]
    plan = world.plan(rows)
    assert "rows 1, 2 hold the same id and differ; where a person may have two jobs" in plan.rejected[0].reason
    assert (len(plan.rejected), len(plan.operations)) == (2, 0)


def test_a_person_with_two_jobs_is_in_both_organizations(world: World) -> None:
    rows = [person(1), person(1, dept="Eng"), person(1, dept="Eng")]
    world.apply(rows, ALL)
    assert world.memberships("p1@example.com") == {"Sales": [], "Engineering": ["engineer"]}
    world.settled(rows, ALL)


def test_a_job_that_ended_is_taken_and_the_other_one_stays(world: World) -> None:
    rest = [person(number, dept="Eng") for number in range(2, 12)]
    world.apply([person(1), person(1, dept="Eng"), *rest], ALL)
    world.apply([person(1), person(1, dept="Eng", **LEFT), *rest], ALL)
    assert world.memberships("p1@example.com") == {"Sales": []}


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"email": "other@example.com"}, "rows 1, 2 hold the same id and differ in the address"),
        ({"last": "Other"}, "rows 1, 2 hold the same id and differ in the name"),
        ({"status": "Activ"}, "rows 1, 2 hold the same id and differ, and one of them is rejected"),
    ],
)
def test_differing_addresses_and_names_are_rejected(world: World, columns: dict[str, Any], reason: str) -> None:
    plan = world.plan([person(1), person(1, dept="Eng", **columns)], ALL)
    assert ([r.reason for r in plan.rejected], len(plan.operations)) == ([reason, reason], 0)


def test_a_second_job_that_starts_later_gives_nothing_yet_and_takes_nothing(world: World) -> None:
    world.apply([person(1), person(1, dept="Eng")], ALL)
    world.settled([person(1), person(1, **LATER)], ALL)
    world.apply([person(1), person(1, **LATER), person(2), person(2, **LATER)], ALL)
    assert world.memberships("p2@example.com") == {"Sales": []}


ROW = st.fixed_dictionaries(
    {"dept": st.sampled_from(["Eng", "Sales", "Else"]), "status": st.sampled_from(["Active", "Terminated", "zz"])},
    optional={"start": st.just("2026-06-01"), "email": st.just("other@example.com")},
)


@settings(max_examples=60, deadline=None)
@given(st.lists(ROW, min_size=2, max_size=4), st.randoms(use_true_random=False))
def test_the_order_of_joined_rows_changes_nothing(columns: list[dict[str, str]], rng: random.Random) -> None:
    from airflow_provider_kinde.sync.people.reader import read_people
    from airflow_provider_kinde.sync.plan.run_request import as_source, moment
    from airflow_provider_kinde.sync.store.people import roles_by_organization

    spec, rows = SyncSpec.parse(ALL), [person(1, **found) for found in columns]
    found = []
    for order in (rows, rng.sample(rows, len(rows))):
        people = read_people(spec, as_source(order), moment("2026-03-02T12:00:00Z"))
        p = people.persons.get("1")
        found.append(
            (
                len(people.rejected),
                p and (p.email, p.access, p.why, roles_by_organization(p.memberships), p.unclear_rules),
            )
        )
    assert found[0] == found[1]


def test_values_that_no_rule_names_are_counted_of_every_row_of_a_person(world: World) -> None:
    rows = [person(1), person(1, dept="Stock"), person(2, dept="Office"), person(2, dept="Stock"), person(3)]
    rows += [person(3, dept="Yard", status="Terminated"), person(4, dept="Office")]
    expected = ["dept: Office 2 people, Stock 2"]
    assert world.plan(rows, ALL).unmapped == expected
    assert world.plan(rows[::-1], ALL).unmapped == expected
