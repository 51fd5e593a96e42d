"""People whose first day is ahead: no change names them, so plan and page say how many they are."""

from __future__ import annotations

import pytest

from airflow_provider_kinde.sync.report.page import plan_page
from airflow_provider_kinde.sync.report.text import plan_text, report_text
from tests.support.world import SPEC, World, people, person

LINE = "3 people start later, the first on 2026-03-09: access is given then."


def test_plan_page_and_report_say_how_many_people_start_later_and_when(world: World) -> None:
    rows = [*people(5), person(6, start="2026-12-01"), person(7, start="2026-03-09")]
    rows.append(person(8, start="2026-04-01", status="Terminated"))  # a system that calls them inactive until then
    plan = world.plan(rows)
    assert f"\n{LINE}\n" in plan_text(plan)
    assert plan.content()["starting_later"] == {"people": 3, "first": "2026-03-09"}
    page = "".join(plan_page(plan))
    assert "Start later" in page
    assert "3, the first on 2026-03-09" in page
    assert f"\n{LINE}\n" in report_text(world.apply(rows))


@pytest.mark.parametrize("status", ["Active", "Terminated"])
def test_a_person_who_has_access_or_left_before_starts_no_more(world: World, status: str) -> None:
    rows = [*people(5), person(6, start="2026-03-09")]
    world.apply(people(6))
    gone = person(7, start="2020-01-01", end="2021-01-01", status=status)
    assert world.plan([*rows, gone]).starting_later is None


def test_a_person_who_left_and_starts_again_counts(world: World) -> None:
    world.apply(people(6))
    world.apply([*people(5), person(6, status="Terminated")])
    rows = [*people(5), person(6, start="2026-03-09")]
    assert str(world.plan(rows).starting_later) == "1 person starts later, on 2026-03-09: access is given then"


def test_a_run_for_one_id_speaks_of_that_person_alone(world: World) -> None:
    rows = [*people(5), person(6, start="2026-12-01"), person(7, start="2026-03-09")]
    (found,) = [world.plan(rows, ids=[id]).starting_later for id in ("6",)]
    assert (found and (found.people, found.first)) == (1, "2026-12-01")
    assert world.plan(rows, ids=["1"]).starting_later is None


def test_days_before_the_first_day_are_access_already(world: World) -> None:
    rows = [*people(5), person(6, start="2026-03-09")]
    assert world.plan(rows, SPEC + "joiner: {days_before_start: 7}\n").starting_later is None
