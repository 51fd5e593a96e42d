"""Guards that count what runs of the last day did, from their reports."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any

import pendulum
import pytest

from airflow_provider_kinde.sync import Report
from airflow_provider_kinde.sync.plan.recent import RecentChanges
from airflow_provider_kinde.sync.report.plan_file import lines
from airflow_provider_kinde.sync.report.recent import changes_of_report
from airflow_provider_kinde.sync.report.redaction import redact_report
from tests.support.world import NOW, SPEC, World, people

Rows = list[dict[str, Any]]


def text_of(report: Report) -> str:
    return "".join(lines(report.document()))


def recent(world: World, *texts: str, now: str = NOW, name: str = "hr") -> RecentChanges:
    moment = pendulum.parse(now)
    assert isinstance(moment, pendulum.DateTime)
    return RecentChanges.joined(
        changes_of_report(
            lambda text=text: io.StringIO(text),  # type: ignore[misc]
            "report.json",
            name,
            world.client.host,
            moment,
            world.client.sign,
        )
        for text in texts
    )


def without_department(rows: Rows, gone: int) -> Rows:
    return [{**row, "dept": "Lost"} if number < gone else row for number, row in enumerate(rows)]


def runs(world: World, spec: str, steps: Sequence[Rows], **options: Any) -> list[Report]:
    """Each step is one run, which knows the reports of the ones before."""
    reports: list[Report] = []
    for rows in steps:
        known = recent(world, *map(text_of, reports))
        reports.append(world.apply(rows, spec, recent=known, **options))
    return reports


def test_a_feed_that_loses_a_part_of_a_department_every_run_is_stopped_on_the_second(world: World) -> None:
    rows = people(50)
    world.apply(rows)
    first, second, third = runs(world, SPEC, [without_department(rows, count) for count in (12, 21, 28)])
    assert (first.outcome, first.outcomes["done"]) == ("changes", 12)
    assert (second.outcome, third.outcome) == ("blocked", "blocked")
    text = "21 memberships of 'sales' would be removed (12 of them in earlier runs, since yesterday)"
    assert text in str(second.blocked[0]["reason"])
    assert "25 % of 50" in str(second.blocked[0]["reason"])
    # Approved, like any plan that a guard stops.
    plan = world.plan(without_department(rows, 21))
    known = recent(world, text_of(first))
    assert world.apply(without_department(rows, 21), recent=known, approve=plan.hash).outcome == "changes"


def test_addresses_changed_every_run_are_stopped_on_the_second(world: World) -> None:
    rows = people(50)
    world.apply(rows)

    def taken_over(count: int) -> Rows:
        return [{**row, "email": f"other{n}@example.com"} if n < count else row for n, row in enumerate(rows)]

    first, second = runs(world, SPEC, [taken_over(5), taken_over(10)])
    assert (first.outcome, second.outcome) == ("changes", "blocked")
    text = "10 e-mail addresses would change (5 of them in earlier runs, since yesterday)"
    assert text in str(second.blocked[0]["reason"])


def test_a_membership_that_was_given_back_is_not_counted(world: World) -> None:
    rows = people(50)
    world.apply(rows)
    first, _, third = runs(world, SPEC, [without_department(rows, 12), rows, without_department(rows, 12)])
    assert (first.outcome, third.outcome) == ("changes", "changes")


def test_a_run_that_takes_nothing_is_not_stopped_by_earlier_ones(world: World) -> None:
    rows = people(50)
    world.apply(rows)
    less = without_department(rows, 12)
    first, second = runs(world, SPEC + "guards: {max_membership_removals: 12}\n", [less, less])
    assert (first.outcome, second.outcome) == ("changes", "no changes")


def test_the_day_before_yesterday_another_spec_and_another_tenant_do_not_count(world: World) -> None:
    rows = people(50)
    world.apply(rows)
    text = text_of(world.apply(without_department(rows, 12)))
    assert recent(world, text).removed
    assert recent(world, text, now="2026-03-03T23:59:00Z").removed
    assert recent(world, text, now="2026-03-04T00:00:00Z") == RecentChanges()
    assert recent(world, text, name="other") == RecentChanges()
    document = json.loads(text)
    assert recent(world, json.dumps({**document, "host": "other.kinde.com"})) == RecentChanges()
    assert recent(world, text_of(world.apply(rows))).removed == {}


def test_a_redacted_report_counts_like_any_other(world: World) -> None:
    rows = people(50)
    world.apply(rows)
    report = world.apply([{**row, "email": f"o{n}@example.com"} if n < 2 else row for n, row in enumerate(rows)])
    assert recent(world, text_of(redact_report(report))) == recent(world, text_of(report))
    assert recent(world, text_of(report)).renamed == {"1", "2"}


def test_an_edited_report_makes_no_guard_looser_and_is_told(world: World) -> None:
    rows = people(50)
    world.apply(rows)
    document = json.loads(text_of(world.apply(without_department(rows, 12))))
    (code,) = recent(world, json.dumps(document)).removed
    unsigned = {key: value for key, value in document.items() if key != "signature"}
    shorter = {**document, "operations": document["operations"][:3]}
    for edited, count, word in ((unsigned, 12, "no signature"), (shorter, 3, "was changed")):
        found = recent(world, json.dumps(edited))
        assert len(found.removed[code]) == count
        assert word in found.warnings[0]
    # With whatever a report says, a plan is stopped no later than without it.
    invented = recent(world, json.dumps(unsigned))
    report = world.apply(without_department(rows, 21), recent=invented)
    assert report.outcome == "blocked"
    assert any("the guards may not see all changes of the last day" in text for text in report.plan.warnings)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "not JSON", '{"spec": "hr", "requests": {}, "operations": [{"kind": 1}]}', "\0", '{"spec": "hr"'],
)
def test_a_report_that_cannot_be_read_is_a_warning(world: World, text: str) -> None:
    found = recent(world, text)
    assert (found.removed, len(found.warnings)) == ({}, 1)
    assert "report.json cannot be read" in found.warnings[0]


@pytest.mark.parametrize("redact", [False, True], ids=["whole", "redacted"])
def test_names_that_are_written_back_in_every_run_are_told(world: World, redact: bool) -> None:
    rows = people(20)
    world.apply(rows)

    def provider() -> None:
        world.kinde.seed({"users": [{"email": "p1@example.com", "first_name": "GIVEN1"}]})

    provider()
    first = world.apply(rows)
    assert not [warning for warning in first.plan.warnings if "names" in warning]
    provider()
    shown = redact_report(first) if redact else first
    (warning,) = world.plan(rows, recent=recent(world, text_of(shown))).warnings
    assert "1 person (id 1): an identity provider rewrites them at sign-in. Set person.names to at_creation" in warning
    world.kinde.seed({"users": [{"email": "p1@example.com", "first_name": "Other"}]})
    assert world.plan(rows, recent=recent(world, text_of(shown))).warnings == []
