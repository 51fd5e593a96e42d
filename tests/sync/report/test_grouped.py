"""A plan of thousands is a page of text: equal reasons once, with a count and a few people."""

from __future__ import annotations

from typing import Any

from airflow_provider_kinde.sync.report.grouped import SAMPLES
from airflow_provider_kinde.sync.report.text import plan_text, report_text
from tests.support.world import SPEC, World, people, person

OPEN = SPEC + "guards: {max_rejected_rows: 100%, max_leavers: 100%, max_joiners: 10000, max_held: 100%}\n"


def crowd() -> list[dict[str, Any]]:
    rows = people(3000, dept="Eng")
    for number in range(1000, 1500):
        rows[number] = person(number + 1, dept="Sales")
    for number in range(1500, 2000):
        rows[number] = person(number + 1, status="Pending")
    for number in range(2000, 2100):
        rows[number] = person(number + 1, email=f"mail {number}")
    return rows


def test_a_plan_of_thousands_fits_few_lines_and_says_how_many_and_why(world: World) -> None:
    plan = world.plan(crowd(), OPEN)
    lines = plan_text(plan).splitlines()
    assert len(lines) < 60
    text = "\n".join(lines)
    assert "+ create: 2,400" in text
    assert "2,400  (status is Active)" in text
    assert "1,900  engineer in eng" in text
    assert "and 2,395 more" in text
    assert "500: status 'Pending' is neither" in text
    assert len([line for line in lines if "@example.com>" in line]) == SAMPLES
    assert ["eng", "1,900", "0", "1,900", "0"] in [line.split() for line in lines]
    full = plan_text(plan, full=True).splitlines()
    assert len(full) > 3 * 2400
    assert sum("status 'Pending'" in line for line in full) == 500


def test_a_small_plan_names_each_person(world: World) -> None:
    text = plan_text(world.plan(people(12), OPEN))
    assert all(f"p{number}@example.com" in text for number in range(1, 13))


def test_what_failed_among_a_screen_of_changes_is_repeated_at_the_end(world: World) -> None:
    world.apply(people(20))
    world.kinde.fault("PATCH", "/user\\?id=", status=400, times=1)
    report = world.apply(people(20, first="New"), SPEC)
    assert report.failed == 1
    text = report_text(report)
    assert text.count("failed: update 1: ") == 1
    assert text.index("Not done") > text.rindex("~ update")
    assert "Not done" not in report_text(world.apply(people(20, first="New")))


def test_failed_operations_are_grouped_by_error(world: World) -> None:
    world.kinde.fault("POST", "/api/v1/user$", status=400, times=None)
    text = report_text(world.apply(people(200), OPEN))
    assert "failed: create 200:" in text
    assert len(text.splitlines()) < 60
