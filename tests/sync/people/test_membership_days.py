"""Memberships that begin and end on a day, days in expressions, lists of organizations, values that no rule names."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_kinde.exceptions import SpecError
from airflow_provider_kinde.sync.people.reader import read_people
from airflow_provider_kinde.sync.plan.run_request import as_source, moment
from airflow_provider_kinde.sync.report.text import plan_text
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.store.people import People
from tests.support.world import SPEC, World, people, person

HEAD = SPEC.partition("memberships:")[0].replace("may_be_empty: [start, end]", "may_be_empty: [start, end, day, first]")
TODAY = "2026-03-02"


def read(rule: str, rows: list[dict[str, Any]], now: str = f"{TODAY}T12:00:00Z", head: str = HEAD) -> People:
    text = head + f"memberships:\n  - organization: eng\n{rule}"
    return read_people(SyncSpec.parse(text), as_source(rows), moment(now))


def members(found: People) -> set[str]:
    assert not found.problems
    return {id for id, each in found.persons.items() if each.memberships}


def row(number: int, day: Any = "", **columns: Any) -> dict[str, Any]:
    return person(number, day=day, **{"first_day": "", "zone": "UTC", **columns})


@pytest.mark.parametrize(
    ("rule", "there"),
    [
        ('    until: "{{ row.day }}"\n', {"2", "3", "4", "5"}),
        ('    from: "{{ row.day }}"\n', {"1", "2", "4"}),
        ("    when: \"{{ row.day != '' and row.day >= today }}\"\n", {"2", "3", "5"}),
        ("    when: \"{{ row.day != '' and today <= row.day }}\"\n", {"2", "3", "5"}),
        ("    when: \"{{ row.day != '' and row.day | date > today + days(3) }}\"\n", {"3", "5"}),
        ('    when: "{{ row.day == today }}"\n', {"2"}),
        ("    when: \"{{ row.day != '' and (row.day | date - today).days == -1 }}\"\n", {"1"}),
    ],
)
def test_a_membership_has_a_first_and_a_last_day(rule: str, there: set[str]) -> None:
    days = ("2026-03-01", TODAY, "2026-03-09", "", "4712-12-31")
    assert members(read(rule, [row(number, day) for number, day in enumerate(days, 1)])) == there


def test_the_day_is_the_local_one() -> None:
    head = HEAD.replace("employment:", 'employment:\n  timezone: "{{ row.zone }}"')
    rows = [row(1, TODAY, zone="Pacific/Auckland"), row(2, TODAY, zone="America/New_York")]
    for rule in ('    until: "{{ row.day }}"\n', '    when: "{{ row.day >= today }}"\n'):
        found = [members(read(rule, rows, f"2026-03-0{day}T{hour}:00:00Z", head)) for day, hour in ((2, 12), (3, "06"))]
        assert found == [{"2"}, set()]
        assert members(read(rule, rows, "2026-03-02T10:00:00Z", head)) == {"1", "2"}


def test_the_next_run_on_another_day_sees_that_day() -> None:
    text = HEAD + 'memberships:\n  - organization: eng\n    when: "{{ row.day >= today }}"\n'
    spec, rows = SyncSpec.parse(text), [row(1, TODAY)]
    found = [read_people(spec, as_source(rows), moment(f"2026-03-0{day}T12:00:00Z")) for day in (1, 2, 3)]
    assert [members(each) for each in found] == [{"1"}, {"1"}, set()]


def test_dates_are_read_as_the_spec_says() -> None:
    head = HEAD.replace("employment:", "employment:\n  date_format: D.M.YYYY")
    rows = [row(1, "2.3.2026"), row(2, "1.3.2026")]
    for rule in ('    until: "{{ row.day }}"\n', '    when: "{{ row.day >= today }}"\n'):
        assert members(read(rule, rows, head=head)) == {"1"}
    rule = "    when: \"{{ row.day | date('M/D/YYYY') >= today }}\"\n"
    assert members(read(rule, [row(1, "3/2/2026"), row(2, "3/1/2026")])) == {"1"}


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ('    when: "{{ row.day >= today }}"\n', "memberships[0].when: a blank is compared with a day"),
        ('    when: "{{ row.day | date >= today }}"\n', "memberships[0].when: a blank is compared with a day"),
        ('    when: "{{ row.day | date + days(1) > today }}"\n', "memberships[0].when: a blank is used as a day"),
    ],
)
def test_a_blank_is_no_day(rule: str, reason: str) -> None:
    found = read(rule, [row(1, TODAY), row(2, "")])
    assert [r.reason[: len(reason)] for r in found.rejected] == [reason]


def test_an_invalid_date_rejects_the_row() -> None:
    for rule in ('    until: "{{ row.day }}"\n', '    when: "{{ row.day >= today }}"\n'):
        found = read(rule, [row(1, TODAY), row(2, "soon")])
        assert "'soon' is not a date in an ISO 8601 date" in found.rejected[0].reason


def test_a_format_that_is_none_is_told_when_the_spec_is_read() -> None:
    with pytest.raises(SpecError, match="'QQ' is no format of a date"):
        SyncSpec.parse(HEAD + "scope: \"{{ row.day | date('QQ') > today }}\"\n")


def test_a_membership_ends_on_its_day_and_the_next_run_is_silent(world: World) -> None:
    spec = SyncSpec.parse(SPEC.replace("dept == 'Eng' }}\"", 'dept == \'Eng\' }}"\n    until: "{{ row.end }}"'))
    rows = [person(1, dept="Eng", end="2026-03-02"), *people(5, dept="Eng")[1:]]
    spec = SyncSpec.parse(
        SPEC.replace('  end_date: "{{ row.end }}"\n', "").replace(
            "dept == 'Eng' }}\"", 'dept == \'Eng\' }}"\n    until: "{{ row.end }}"'
        )
    )
    world.apply(rows, spec)
    assert world.memberships("p1@example.com") == {"Engineering": ["engineer"]}
    world.apply(rows, spec, now="2026-03-03T12:00:00Z")
    assert world.memberships("p1@example.com") == {}
    world.settled(rows, spec, now="2026-03-03T13:00:00Z")


def test_an_organization_may_be_a_list(world: World) -> None:
    spec = HEAD + "memberships:\n  - organization: \"{{ row.orgs | split(';') }}\"\n    roles: [engineer]\n"
    rows = [person(1, orgs="eng; sales;"), person(2, orgs="sales"), person(3, orgs="eng;legal")]
    report = world.apply(rows, spec, only=None)
    assert world.memberships("p1@example.com") == {"Engineering": ["engineer"], "Sales": ["engineer"]}
    assert "memberships[0].organization yields 'legal'" in report.plan.rejected[0].reason
    assert world.apply(rows, spec).outcome == "no changes"


def test_values_that_no_rule_names_are_counted_in_the_plan(world: World) -> None:
    office, stock = people(8, dept="Office"), [person(n, dept="Stock") for n in range(20, 24)]
    rows = [*office, *stock, person(30), person(31, dept="Legal", status="Terminated"), person(32, dept="")]
    rows += [person(20, dept="Stock")]
    plan = world.plan(rows)
    assert plan.to_json()["unmapped"] == ["dept: Office 8 people, Stock 4"]
    assert "Values that no rule names, of people with access\n  dept: Office 8 people, Stock 4\n" in plan_text(plan)
    assert world.plan(rows, ids=["1"]).unmapped == []


def test_values_that_no_rule_names_are_bounded_and_never_tell_who_a_person_is() -> None:
    head = HEAD + "memberships:\n  - {organization: eng, when: \"{{ row.email == 'boss@example.com' }}\"}\n"
    rows = [row(number, dept=f"Unit {number:02d}") for number in range(1, 31)]
    assert read_people(SyncSpec.parse(head), as_source(rows), moment(TODAY)).unmapped == []
    found = read("    when: \"{{ row.dept | lower in ['it', 'hr'] }}\"\n", rows).unmapped
    assert found[0].startswith("dept: Unit 01 1 person, Unit 02 1, ")
    assert found[0].endswith("Unit 10 1, and 20 more values 20")


def test_today_is_no_name_for_other_things() -> None:
    with pytest.raises(SpecError, match="'today' cannot be set"):
        SyncSpec.parse(HEAD + 'scope: "{% set today = 1 %}{{ today == 1 }}"\n')
    assert read('    when: "{{ today.year == 2026 }}"\n', [row(1)]).persons["1"].memberships
