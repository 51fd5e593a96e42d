"""A plan of thousands is a page of text: equal reasons once, with a count and a few people."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from airflow_provider_kinde.sync import Plan
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
    assert "500 rows: status 'Pending' is neither" in text
    assert len([line for line in lines if "@example.com>" in line]) == 2 * SAMPLES  # hires, and rows with that status
    assert ["eng", "1,900", "0", "1,900", "0"] in [line.split() for line in lines]
    full = plan_text(plan, full=True).splitlines()
    assert len(full) > 3 * 2400
    assert sum("status 'Pending'" in line for line in full) == 500


def held_lines(plan: Plan) -> list[str]:
    lines = plan_text(plan).splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("Held, ")) + 1
    return lines[first : lines.index("", first)]


def shared(addresses: Iterable[int]) -> list[dict[str, Any]]:
    """People of whom two each have one address, but for the names."""
    return [person(100 + number, email=f"a{address}@example.com") for number, address in enumerate(addresses)]


def test_a_few_people_whose_reasons_differ_keep_each_the_own_one(world: World) -> None:
    bad = [person(200 + number, email="x@example.com", first="Ann") for number in range(2)]
    waiting = [{"email": f"p{number}@example.com", "is_suspended": True} for number in range(1, 10)]
    world.kinde.seed({"users": waiting})
    lines = held_lines(world.plan([*people(9), *bad, person(300)], OPEN))
    assert lines[0].startswith("  ! 9 people: the Kinde account with this address is suspended: not adopted")
    assert lines[1] == "          1  Given1 Doe <p1@example.com>"
    shares, end = "Ann Doe <x@example.com>: shares its e-mail address with", ": one address cannot be two accounts"
    assert lines[-2:] == [f"  ! 200  {shares} 201 (row 11){end}", f"  ! 201  {shares} 200 (row 10){end}"]


def test_the_reason_of_many_names_none_of_them(world: World) -> None:
    plan = world.plan(shared(number // 2 for number in range(12)), OPEN)
    assert held_lines(plan) == [
        "  ! 12 people: shares its e-mail address with … (row …): one address cannot be two accounts",
        *(f"          {100 + n}  Given{100 + n} Doe <a{n // 2}@example.com>" for n in range(SAMPLES)),
        f"          and {12 - SAMPLES} more",
    ]
    assert "101 (row 2)" in plan_text(plan, full=True)


def test_the_number_of_rejected_rows_says_what_it_counts(world: World) -> None:
    text = plan_text(world.plan([person(1), person(2), person(2, dept="Eng", last="Other")], OPEN))
    heading, line = text[text.index("Rejected") :].splitlines()[:2]
    assert heading == "Rejected rows, nothing is done for their people (2 rows)"
    assert line.startswith("  ! row 2, id 2")


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
