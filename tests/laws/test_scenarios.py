"""Situations that a sync has to survive, each from the file to the tenant; the page of guarantees lists all of them."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_kinde.sources import make_source
from airflow_provider_kinde.sync import Report, SyncSpec
from airflow_provider_kinde.sync.apply.run import apply
from airflow_provider_kinde.sync.repair.release import release
from airflow_provider_kinde.sync.repair.relink import relink
from tests.support.world import SPEC, World, people, person, request_of

Write = Callable[..., Report]


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


@pytest.fixture
def run(world: World, tmp_path: Path) -> Write:
    """Writes the HR file as it stands, and applies; ``sent`` tells how many writes that took."""

    def write(content: str | bytes, name: str = "hr.csv", **options: Any) -> Report:
        (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
        spec = SyncSpec.parse(SPEC.replace("hr.csv", name) + "absent: suspend\n", str(tmp_path / "hr.yaml"))
        world.kinde.clear_log()
        return apply(spec, make_source(spec), world.client, request_of(options), **options)

    return write


def test_1_nothing_in_the_source_of_150_people(run: Write, world: World) -> None:
    staff = people(150)
    assert run(as_csv(staff)).outcome == "changes"
    header = as_csv(staff).partition("\n")[0] + "\n"
    for content, name in (("", "hr.csv"), (header, "hr.csv"), ("[]", "hr.json"), ("", "hr.jsonl")):
        report = run(content, name)
        assert (report.outcome, world.writes()) == ("blocked", []), (content, name)
        assert run(content, name, approve=report.plan.hash).outcome == "blocked"
    assert not any(user["is_suspended"] for user in world.users().values())
    assert run(as_csv(staff)).outcome == "no changes"


def test_2_half_a_file_withholds_creates_too(run: Write, world: World) -> None:
    staff = people(40)
    run(as_csv(staff[:30]))
    whole = as_csv([{**row, "last": 'Doe, "Jr"'} for row in staff])
    inside = whole.index('"', len(whole) // 2)
    for cut in (whole[: inside + 4], whole[: whole.index(",", len(whole) // 2)], json.dumps(staff)[:2500]):
        report = run(cut, "hr.json" if cut.startswith("[") else "hr.csv")
        assert (report.outcome, world.writes()) == ("blocked", [])
        assert not any(block["approvable"] for block in report.blocked)
    assert run(as_csv(staff)).plan.summary["create"] == 10


def test_3_three_rows_that_cannot_be_understood(run: Write, world: World) -> None:
    staff = people(70)
    run(as_csv(staff))
    staff[4] |= {"email": "p5@@example"}
    staff[9] |= {"status": "Sabbatical?"}
    staff[14] |= {"last": " "}
    staff[19] |= {"last": "Roe"}
    report = run(as_csv([*staff, person(71)]))
    assert report.outcome == "changes"
    assert [(rejected.row, rejected.id) for rejected in report.plan.rejected] == [(6, "5"), (11, "10"), (16, "15")]
    assert (report.plan.summary["suspend"], report.plan.summary["create"], report.plan.summary["update"]) == (0, 1, 1)
    assert not any(user["is_suspended"] for user in world.users().values())


def test_4_another_address_and_surname_is_the_same_account(run: Write, world: World) -> None:
    run(as_csv([person(1, "Ann", dept="Eng"), person(2)]))
    account = world.users()["p1@example.com"]
    rows = [person(1, "Ann", "Roe", dept="Eng", email="ann.roe@example.com"), person(2)]
    assert run(as_csv(rows)).outcome == "changes"
    now = world.users()["ann.roe@example.com"]
    assert (now["id"], now["last_name"], now["memberships"]) == (account["id"], "Roe", account["memberships"])
    assert (run(as_csv(rows)).outcome, world.writes()) == ("no changes", [])


def test_6_letters_and_domains_written_otherwise(run: Write, world: World) -> None:
    world.kinde.seed(
        {
            "users": [
                {"email": "Ann@X.com", "first_name": "Ann", "last_name": "Doe", "memberships": ["Sales"]},
                {
                    "email": "bo@xn--mller-kva.example",
                    "first_name": "Bo",
                    "last_name": "Müller",
                    "memberships": ["Sales"],
                },
            ]
        }
    )
    rows = [
        person(1, " Ann", "Doe ", email=" ann@x.com "),
        person(2, "Bo", unicodedata.normalize("NFD", "Müller"), email="BO@müller.example"),
        *(person(n) for n in range(10, 60)),
    ]
    report = run(as_csv(rows))
    assert report.plan.summary["adopt"] == 2
    assert [o.kind for o in report.plan.operations if o.id in {"1", "2"}] == ["adopt", "adopt"]
    assert run(as_csv(rows)).outcome == "no changes"
    report = run(as_csv([*rows, person(3, email="new@müller.example"), person(4, email="NEW@xn--mller-kva.example")]))
    assert [held.id for held in report.plan.held] == ["3", "4"]
    assert world.writes() == []


def test_9_limits_outages_and_a_lost_answer(run: Write, world: World) -> None:
    world.kinde.fault("POST", "/user$", status=429, headers={"RateLimit-Reset": "1"}, times=2)
    world.kinde.fault("POST", "/user$", skip=20, status=503, times=3)
    world.kinde.fault("POST", "/user$", skip=40, after_work=True, times=2)
    report = run(as_csv(people(60)))
    assert report.outcomes == {"done": 120, "failed": 0, "skipped": 0}
    assert {entry["status"] for entry in world.kinde.log()} >= {200, 429, 503}
    assert len(world.users()) == 60
    assert len({user["provided_id"] for user in world.users().values()}) == 60


def test_11_local_days_and_returns(run: Write, world: World) -> None:
    zone = SPEC.replace("  active:", '  timezone: "{{ row.zone }}"\n  active:')

    def at(now: str, *rows: Mapping[str, Any]) -> dict[str, bool]:
        report = world.apply(rows, zone, now=now)
        assert report.outcome in ("changes", "no changes"), report.blocked
        return {user["provided_id"][3:].split("~")[0]: not user["is_suspended"] for user in world.users().values()}

    melbourne = person(1, zone="Australia/Melbourne")
    auckland = person(2, zone="Pacific/Auckland", start="2026-03-03")
    other = person(3, zone="UTC")
    leaving = {**melbourne, "end": "2026-03-02"}
    assert at("2026-03-01T00:00:00Z", melbourne, auckland, other) == {"1": True, "3": True}
    # 23:59 of the last day in Melbourne, 01:59 of the first one in Auckland: on the clock in UTC, the day before.
    assert at("2026-03-02T12:59:00Z", leaving, auckland, other) == {"1": True, "2": True, "3": True}
    assert at("2026-03-02T13:01:00Z", leaving, auckland, other)["1"] is False
    assert at("2026-03-03T09:00:00Z", melbourne, auckland, other)["1"] is True  # rescinded
    assert world.memberships("p1@example.com") == {"Sales": []}
    at("2026-03-05T09:00:00Z", {**melbourne, "status": "Terminated"}, auckland, other)
    assert at("2026-04-05T09:00:00Z", {**melbourne, "start": "2026-04-05"}, auckland, other)["1"] is True  # old id
    at("2026-04-07T09:00:00Z", {**melbourne, "status": "Terminated"}, auckland, other)
    again = [{**melbourne, "id": "9"}, auckland, other]
    held = world.apply(again, zone, now="2026-05-05T09:00:00Z").plan.held
    assert [one.id for one in held] == ["1", "9"]
    relink(world.spec(zone), again, world.client, "1", "9", now="2026-05-05T09:00:00Z")
    assert at("2026-05-05T09:00:00Z", *again) == {"9": True, "2": True, "3": True}
    assert world.memberships("p1@example.com") == {"Sales": []}


def test_17_two_runs_at_once_over_different_data(world: World) -> None:
    """Yesterday's file and today's: whichever write came last, the next run over today's settles it, then is silent."""
    world.apply(people(40))
    today = [person(n, dept="Eng") for n in range(4, 61)]
    data = [[person(n, last="Roe") for n in range(1, 51)], today]
    with ThreadPoolExecutor(2) as pool:
        wide = SPEC.replace("may_be_empty", "guards: {floor: 1000, max_leavers: 1000, max_row_drop: 1000, "
                            "max_membership_removals: 1000, max_membership_grants: 1000, "
                            "max_role_grants: 1000}\nmay_be_empty")  # fmt: skip
        reports = list(pool.map(lambda rows: World(world.kinde).apply(rows, wide), data))
    assert {report.outcome for report in reports} <= {"changes", "failed"}
    assert world.apply(today, wide).outcome in ("changes", "no changes")
    world.settled(today, wide)
    links = [user["provided_id"].split("~")[0] for user in world.users().values()]
    assert sorted(links) == sorted(f"hr:{n}" for n in range(1, 61))
    assert {n for n in range(1, 61) if world.users()[f"p{n}@example.com"]["is_suspended"]} == {1, 2, 3}


def test_5_a_leavers_address_is_handed_on_by_a_person(run: Write, world: World) -> None:
    run(as_csv([person(1, "Ann"), person(2)]))
    rows = [person(1, "Ann", status="Terminated"), person(2), person(3, "Bob", email="p1@example.com")]
    assert [held.id for held in run(as_csv(rows)).plan.held] == ["3"]
    release(world.spec(), world.client, "1")
    assert run(as_csv(rows)).plan.summary["create"] == 1
    owner = world.users()["p1@example.com"]
    assert (owner["provided_id"], owner["first_name"]) == ("hr:3", "Bob")
