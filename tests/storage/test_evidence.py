"""Evidence from a history: equal to what HR's exports and Kinde itself say, computed without the history."""

from __future__ import annotations

import csv
import datetime as dt
import io
import random
import time
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_kinde.storage.evidence import collect, write_evidence
from airflow_provider_kinde.storage.history import History
from airflow_provider_kinde.storage.history_writer import retire, write_entry
from airflow_provider_kinde.sync import apply_plan
from airflow_provider_kinde.sync.history.entry import RunRecord
from airflow_provider_kinde.sync.history.evidence import Evidence, Table
from airflow_provider_kinde.sync.repair.undo import make_undo
from airflow_provider_kinde.sync.spec.sections import Guards
from tests.support.world import NOW, SPEC, World, person, settings, world

__all__ = ["settings", "world"]

ZONE = dt.timezone(dt.timedelta(hours=10))
LIMITS = ", ".join(f"{guard}: 1000" for guard in Guards.names())
RULES = SPEC.replace("  end_date:", "  timezone: Australia/Brisbane\n  end_date:") + f"guards: {{{LIMITS}}}\n"
DAYS, PEOPLE = 24, 14


class Replay:
    """Daily exports of a small company, each applied on its day, with changes by hand in between."""

    def __init__(self, world: World, root: Path) -> None:
        self.world, self.history = world, History(str(root), "hr")
        self.chance = random.Random(300)
        self.rows = [person(n, dept=self.chance.choice(["Eng", "Sales"])) for n in range(1, PEOPLE + 1)]
        self.left: dict[str, tuple[str, str]] = {}
        """HR id -> when access was due to end by the exports, and the run that suspended the account."""
        self.access: dict[str, set[tuple[str, str, str]]] = {}

    def run(self) -> None:
        for number in range(DAYS):
            day = dt.date(2026, 3, 2) + dt.timedelta(days=number)
            self._change(day)
            now = f"{day}T16:00:00Z"  # two o'clock in Brisbane, of the next day
            self._by_hand()
            self._apply(now)
            self._look(day, now)

    def _change(self, day: dt.date) -> None:
        active = [row for row in self.rows if row["status"] == "Active" and not row["end"]]
        kind = self.chance.randrange(5)
        if kind == 0 and len(active) > 6:
            self.chance.choice(active)["end"] = str(day + dt.timedelta(days=self.chance.randrange(-3, 4)))
        elif kind == 1:
            row = self.chance.choice(active)
            row["dept"] = "Sales" if row["dept"] == "Eng" else "Eng"
        elif kind == 2:
            self.rows.append(person(100 + day.toordinal() % 1000, dept="Eng", start=str(day + dt.timedelta(days=1))))

    def _by_hand(self) -> None:
        users = [user for user in self.world.kinde.state()["users"] if user["provided_id"] and not user["is_suspended"]]
        if users and self.chance.randrange(3) == 0:
            user, code = self.chance.choice(users), self.world.code("Engineering")
            roles = ["auditor", *user["memberships"].get(code, ())]
            self.world.client.update_organization_users(code, [{"id": user["id"], "roles": roles}])

    def _apply(self, now: str) -> None:
        record = RunRecord("apply", {"dag_id": "hr", "run_id": now}, "test/1", {}, (), time.time())
        report = self.world.apply(self.rows, RULES, now=now)
        assert report.outcome in ("changes", "no changes"), report.blocked
        write_entry(self.history, record, report.plan, report)

    def _look(self, day: dt.date, now: str) -> None:
        state = self.world.kinde.state()
        names = {organization["code"]: organization["name"] for organization in state["organizations"]}
        found: set[tuple[str, str, str]] = set()
        for user in state["users"]:
            id = (user["provided_id"] or "").partition(":")[2].partition("~")[0]
            if id and user["is_suspended"] and id not in self.left:
                end = dt.date.fromisoformat(next(row["end"] for row in self.rows if row["id"] == id))
                due = dt.datetime.combine(end + dt.timedelta(days=1), dt.time(), ZONE).astimezone(dt.timezone.utc)
                self.left[id] = f"{due:%Y-%m-%dT%H:%M:%SZ}", now
            elif id and not user["is_suspended"]:
                places = {names[code]: roles for code, roles in user["memberships"].items()}
                found |= {(id, place, role) for place, roles in places.items() for role in roles or [""]}
                found |= {(id, "", "")} if not places else set()
        self.access[str(day)] = found


def tables(history: History, begin: str, end: str, **options: Any) -> dict[str, list[dict[str, str]]]:
    found, _ = collect(history, begin, end, **options)
    return {table.name: parsed(table) for table in found}


def parsed(table: Table) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO("".join(table.lines()))))


def seconds(begin: str, end: str) -> float:
    first, last = (dt.datetime.fromisoformat(text.replace("Z", "+00:00")) for text in (begin, end))
    return (last - first).total_seconds()


def test_lateness_and_access_are_those_of_the_exports_and_of_kinde(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_kinde.storage.history_writer.FULL_ENTRIES", 9)
    replay = Replay(world, tmp_path)
    replay.run()
    titles = {"Engineering": "eng", "Sales": "sales", "": ""}
    for day, expected in replay.access.items():
        rows = tables(replay.history, day, day)["access"]
        assert {(row["id"], row["organization"], row["role"]) for row in rows} == {
            (id, titles[place], role) for id, place, role in expected
        }, day
        assert len(rows) == len(expected)
    found = tables(replay.history, "2026-03-02", max(replay.access))
    leavers = {row["id"]: row for row in found["leavers"]}
    assert len(replay.left) > 2
    assert set(leavers) == set(replay.left)
    for id, (due, now) in replay.left.items():
        row = leavers[id]
        assert row["due"] == due
        assert 0 <= seconds(now, row["done"]) < 60
        assert abs(float(row["late_seconds"]) - seconds(due, row["done"])) < 0.01
        assert row["sessions_ended"] >= row["done"]
        assert row["api_keys_deleted"] >= row["done"]
    assert found["by_hand"]
    assert all("auditor in eng" in row["what"] or "joined eng" in row["what"] for row in found["by_hand"])
    statement = {row["what"]: row["value"] for row in found["completeness"]}
    assert statement["chain"] == "whole"
    assert statement["days on which no run was carried out"] == "0"
    assert statement["access read from Kinde last"][:10] == max(replay.access)


def apply(world: World, history: History, rows: list[dict[str, Any]], spec: str = SPEC, **options: Any) -> None:
    approval = {"hash": options["approve"], "by": "carol", "how": "the command line"} if "approve" in options else {}
    record = RunRecord("apply", {"user": "ann"}, "test/1", approval, (), time.time())
    report = world.apply(rows, spec, **options)
    write_entry(history, record, report.plan, report)


def blocked_leavers(world: World, folder: Path) -> tuple[History, list[dict[str, Any]]]:
    """The history and the rows after ten of twenty people left, which a guard blocked."""
    history, rows = History(str(folder), "hr"), [person(n) for n in range(20)]
    apply(world, history, rows)
    for row in rows[:10]:
        row.update(status="Terminated", end="2026-03-02")
    apply(world, history, rows, now="2026-03-03T08:00:00Z")
    return history, rows


def test_what_delayed_a_leaver_and_who_approved(world: World, tmp_path: Path) -> None:
    history, rows = blocked_leavers(world, tmp_path)
    blocked = tables(history, "2026-03-01", "2026-03-03")
    assert {row["done"] for row in blocked["leavers"]} == {""}
    assert all(row["note"] == "blocked in entry 2" for row in blocked["leavers"])
    approved = world.plan(rows, now="2026-03-05T08:00:00Z").hash
    apply(world, history, rows, now="2026-03-05T08:00:00Z", approve=approved)
    found = tables(history, "2026-03-01", "2026-03-06")
    assert len(found["leavers"]) == 10
    for row in found["leavers"]:
        assert row["due"] == "2026-03-03T00:00:00Z"
        assert row["known"] == "2026-03-03T08:00:00.000Z"
        assert row["note"] == "blocked in entry 2; finished in entry 3"
        assert row["approval"] == "approved by carol (the command line)"
        assert 2 * 86_400 <= float(row["seconds_after_known"]) < 2 * 86_400 + 60
    kinds = {row["what"]: row for row in found["exceptions"]}
    assert (kinds["approval"]["by"], kinds["approval"]["hash"]) == ("carol", approved)
    assert "max_leavers" in kinds["blocked run"]["detail"]
    name = "days on which no run was carried out"
    assert [(row["what"], row["value"]) for row in found["completeness"] if row["what"].startswith(name)] == [
        (name, "4 (3 without an apply, 1 blocked)"),
        (f"{name}: without an apply", "2026-03-01"),
        (f"{name}: blocked", "2026-03-03"),
        (f"{name}: without an apply", "2026-03-04"),
        (f"{name}: without an apply", "2026-03-06"),
    ]


def test_a_leaver_whom_someone_suspends_while_the_run_is_blocked_has_no_access_any_more(
    world: World, tmp_path: Path
) -> None:
    history, rows = blocked_leavers(world, tmp_path)
    world.client.update_user(world.users()["p0@example.com"]["id"], is_suspended=True)
    apply(world, history, rows, now="2026-03-04T08:00:00Z")
    leavers = tables(history, "2026-03-01", "2026-03-04")["leavers"]
    (gone,) = [row for row in leavers if row["done"]]
    assert (gone["id"], gone["done"][:10]) == ("0", "2026-03-04")
    assert gone["how"] == "suspended by someone else, not yet finished by a run"
    assert gone["note"].endswith("; done is when a run noticed it")


@pytest.mark.parametrize("ids", [(), ("1",)])
def test_a_leaver_whose_account_someone_deletes_while_the_run_is_blocked_has_a_line(
    world: World, tmp_path: Path, ids: tuple[str, ...]
) -> None:
    history, rows = blocked_leavers(world, tmp_path)
    world.client.delete_user(world.users()["p0@example.com"]["id"])
    apply(world, history, rows, now="2026-03-04T08:00:00Z", **({"ids": ids} if ids else {}))
    leavers = {row["id"]: row for row in tables(history, "2026-03-01", "2026-03-04")["leavers"]}
    assert (len(leavers), leavers["0"]["done"][:10]) == (10, "2026-03-04")
    assert leavers["0"]["how"] == "account deleted, or its link removed, by someone else"
    assert leavers["0"]["note"] == "blocked in entry 2; done is when a run noticed it"


def test_a_leaver_who_was_enabled_by_hand_is_late_from_then_on(world: World, tmp_path: Path) -> None:
    history, rows = History(str(tmp_path), "hr"), [person(n) for n in range(20)]
    apply(world, history, rows)
    rows[0].update(status="Terminated", end="2026-03-01")
    apply(world, history, rows)
    world.client.update_user(world.users()["p0@example.com"]["id"], is_suspended=False)
    apply(world, history, rows, now="2026-03-09T12:00:00Z")
    found = tables(history, "2026-03-01", "2026-03-10")
    first, second = found["leavers"]
    assert first["due"] == "2026-03-02T00:00:00Z"
    assert second["note"] == "enabled by someone else after the person had left"
    assert float(second["late_seconds"]) < 60
    assert [row["what"] for row in found["by_hand"]] == ["enabled"]


def test_the_note_of_a_leaver_names_the_first_cause_and_that_all_was_finished(world: World, tmp_path: Path) -> None:
    history, rows = History(str(tmp_path), "hr"), [person(n) for n in range(20)]
    apply(world, history, rows)
    rows[0].update(status="Terminated", end="2026-03-01")
    for day, fault in ((3, ("PATCH", "/user$")), (4, ("PATCH", "/user$")), (5, ("DELETE", "/sessions")), (6, None)):
        if fault:
            world.kinde.fault(*fault, status=403, times=None)
        apply(world, history, rows, now=f"2026-03-0{day}T12:00:00Z")
        world.kinde.clear_faults()
        (leaver,) = tables(history, "2026-03-01", "2026-03-10")["leavers"]
        assert ("finished" in leaver["note"]) is (day == 6)
    first, last, finished = leaver["note"].split("; ")
    assert first.startswith("failed in entry 2: ")
    assert "PATCH" in first
    assert last.startswith("failed in entry 4: ")
    assert "/sessions" in last
    assert finished == "finished in entry 5"
    assert leaver["done"][:10] == "2026-03-05"


def test_each_failed_run_is_an_exception_and_says_why(world: World, tmp_path: Path) -> None:
    history, rows = History(str(tmp_path), "hr"), [person(n) for n in range(20)]
    apply(world, history, rows)
    for row in rows[:2]:
        row.update(status="Terminated", end="2026-03-01")
    world.kinde.fault("DELETE", "/sessions", status=403, times=None)
    apply(world, history, rows, now="2026-03-03T12:00:00Z")
    world.kinde.clear_faults()
    rows[2].update(status="Terminated", end="2026-03-01")
    apply(world, history, rows, SPEC + "protect: {ids: ['2']}\n", now="2026-03-04T12:00:00Z")
    found = tables(history, "2026-03-01", "2026-03-10")
    failed = [(row["entry"], row["detail"]) for row in found["exceptions"] if row["what"] == "failed run"]
    assert failed == [("2", "2 operations failed"), ("3", "1 protected leaver kept access: 2")]
    assert {row["what"]: row["value"] for row in found["completeness"]}["runs: apply, failed"] == "2"


@pytest.mark.parametrize("by_hand", [True, False])
def test_a_leaver_with_something_left_to_do_who_comes_back_and_leaves_again_has_two_lines(
    world: World, tmp_path: Path, by_hand: bool
) -> None:
    history, rows = History(str(tmp_path), "hr"), [person(n) for n in range(20)]
    apply(world, history, rows)
    user = world.users()["p0@example.com"]["id"]
    rows[0].update(status="Terminated", end="2026-03-01")
    world.kinde.fault("DELETE", "/sessions", status=403, times=None)
    apply(world, history, rows, now="2026-03-03T12:00:00Z")
    world.kinde.clear_faults()
    if by_hand:
        world.client.update_user(user, is_suspended=False)
    else:
        rows[0].update(status="Active", end="")
        apply(world, history, rows, now="2026-03-05T12:00:00Z")
        rows[0].update(status="Terminated", end="2026-03-08")
    apply(world, history, rows, now="2026-03-09T12:00:00Z")
    first, second = tables(history, "2026-03-01", "2026-03-10")["leavers"]
    assert (first["due"], first["done"][:10]) == ("2026-03-02T00:00:00Z", "2026-03-03")
    assert "failed in entry 2" in first["note"]
    assert second["done"][:10] == "2026-03-09"
    assert second["due"][:10] == "2026-03-09"
    assert 0 <= float(second["late_seconds"]) < 86_400


def test_a_leaver_without_a_date_who_was_enabled_by_hand_has_a_second_line(world: World, tmp_path: Path) -> None:
    history, rows = History(str(tmp_path), "hr"), [person(n) for n in range(20)]
    apply(world, history, rows)
    rows[0].update(status="Terminated")
    apply(world, history, rows, now="2026-03-03T12:00:00Z")
    world.client.update_user(world.users()["p0@example.com"]["id"], is_suspended=False)
    apply(world, history, rows, now="2026-03-09T12:00:00Z")
    first, second = tables(history, "2026-03-01", "2026-03-10")["leavers"]
    assert (first["due"], first["note"]) == ("", "")
    assert (second["due"][:10], second["late_from"]) == ("2026-03-09", "when it was enabled")
    assert float(second["late_seconds"]) < 60
    assert second["note"] == "enabled by someone else after the person had left"


def test_joiners_whose_creation_was_undone_did_not_leave(world: World, tmp_path: Path) -> None:
    history, rows = History(str(tmp_path), "hr"), [person(n) for n in range(20)]
    apply(world, history, rows)
    rows.append(person(20))
    report = world.apply(rows)
    write_entry(history, RunRecord("apply", {"user": "ann"}, "test/1", {}, (), time.time()), report.plan, report)
    undo = make_undo(world.spec(), world.client, report.to_json(), now=NOW).plan
    undone = apply_plan(undo, world.client)
    assert undone.plan.summary["suspend"] == 1
    write_entry(history, RunRecord("undo", {"user": "ann"}, "test/1", {}, (), time.time()), undone.plan, undone)
    found = tables(history, "2026-03-01", "2026-03-10")
    assert found["leavers"] == []
    assert "20" not in {row["id"] for row in found["access"]}


def test_a_leaver_who_was_enabled_by_mistake_leaves_again_with_the_undo(world: World, tmp_path: Path) -> None:
    history, rows = History(str(tmp_path), "hr"), [person(n) for n in range(20)]
    apply(world, history, rows)
    rows[0].update(status="Terminated")
    apply(world, history, rows)
    rows[0].update(status="Active")
    report = world.apply(rows)
    write_entry(history, RunRecord("apply", {"user": "ann"}, "test/1", {}, (), time.time()), report.plan, report)
    undone = apply_plan(make_undo(world.spec(), world.client, report.to_json(), now=NOW).plan, world.client)
    write_entry(history, RunRecord("undo", {"user": "ann"}, "test/1", {}, (), time.time()), undone.plan, undone)
    assert [row["id"] for row in tables(history, "2026-03-01", "2026-03-10")["leavers"]] == ["0", "0"]


def test_since_when_does_not_count_the_time_in_which_an_account_was_suspended(world: World, tmp_path: Path) -> None:
    history, rows = History(str(tmp_path), "hr"), [person(n, dept="Eng") for n in range(20)]
    rows[1]["dept"] = "None"
    apply(world, history, rows)
    for row in rows[:2]:
        row.update(status="Terminated")
    apply(world, history, rows, now="2026-03-04T12:00:00Z")
    for row in rows[:2]:
        row.update(status="Active")
    apply(world, history, rows, now="2026-03-09T12:00:00Z")
    access = {row["id"]: row for row in tables(history, "2026-03-01", "2026-03-10")["access"]}
    since = {id: (row["organization"], row["role"], row["since"][:10], row["entry"]) for id, row in access.items()}
    assert since["0"] == ("eng", "engineer", "2026-03-09", "3")
    assert "dept is Eng" in access["0"]["rule"]
    assert since["1"] == ("", "", "2026-03-09", "3")
    assert since["2"] == ("eng", "engineer", "2026-03-02", "1")


def test_access_that_is_older_than_the_entries_that_are_kept_is_there_before_the_first_list(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_kinde.storage.history_writer.FULL_ENTRIES", 2)
    history, rows = History(str(tmp_path), "hr"), [person(n, dept="Eng") for n in range(3)]
    rows[2]["dept"] = "None"
    for day in (2, 3, 4, 5, 6):
        rows[0]["dept"] = "Sales" if day == 6 else "Eng"
        apply(world, history, rows, now=f"2026-03-0{day}T12:00:00Z")
    retire(history, 30, time.time() + 40 * 86_400, world.client.sign)
    assert history.numbers()[0] == 4
    found = tables(history, "2026-03-01", "2026-03-10")
    first = next(row["value"] for row in found["completeness"] if row["what"] == "access known since")
    assert first.startswith("2026-03-05T12:00")
    since = {row["id"]: (row["organization"], row["since"], row["entry"]) for row in found["access"]}
    assert (since["0"][0], since["0"][1][:10], since["0"][2]) == ("sales", "2026-03-06", "5")
    assert since["1"] == ("eng", f"before {first}", "4")
    assert since["2"] == ("", f"before {first}", "4")


def test_a_leaver_whose_row_is_rejected_for_a_day_is_known_since_the_first_run(world: World, tmp_path: Path) -> None:
    history, rows = History(str(tmp_path), "hr"), [person(n) for n in range(20)]
    apply(world, history, rows)
    for row in rows[:10]:
        row.update(status="Terminated")
    apply(world, history, rows, now="2026-03-03T12:00:00Z")
    rows[0]["status"] = "Unheard of"
    apply(world, history, rows, now="2026-03-04T12:00:00Z")
    rows[0]["status"] = "Terminated"
    approved = world.plan(rows, now="2026-03-05T12:00:00Z").hash
    apply(world, history, rows, now="2026-03-05T12:00:00Z", approve=approved)
    leavers = {row["id"]: row for row in tables(history, "2026-03-01", "2026-03-06")["leavers"]}
    assert {leavers[id]["known"][:10] for id in ("0", "1")} == {"2026-03-03"}
    assert float(leavers["0"]["late_seconds"]) >= 2 * 86_400


def test_a_leaver_whom_someone_suspended_before_hr_said_so_is_in_one_range(world: World, tmp_path: Path) -> None:
    history, rows = History(str(tmp_path), "hr"), [person(n) for n in range(20)]
    apply(world, history, rows, now="2026-03-20T12:00:00Z")
    world.client.update_user(world.users()["p0@example.com"]["id"], is_suspended=True)
    apply(world, history, rows, now="2026-03-21T12:00:00Z")
    rows[0].update(end="2026-03-25")
    apply(world, history, rows, now="2026-04-03T12:00:00Z")
    assert tables(history, "2026-01-01", "2026-03-31")["leavers"] == []
    (leaver,) = tables(history, "2026-04-01", "2026-06-30")["leavers"]
    assert (leaver["id"], leaver["done"][:10], leaver["due"]) == ("0", "2026-03-21", "2026-03-26T00:00:00Z")


def test_a_leaver_who_was_suspended_before_the_history_began_was_so_at_the_latest_then(
    world: World, tmp_path: Path
) -> None:
    history, rows = History(str(tmp_path), "hr"), [person(n) for n in range(20)]
    world.apply(rows, now="2026-03-01T12:00:00Z")
    world.client.update_user(world.users()["p0@example.com"]["id"], is_suspended=True)
    apply(world, history, rows, now="2026-03-20T12:00:00Z")
    rows[0].update(end="2026-03-25")
    apply(world, history, rows, now="2026-04-03T12:00:00Z")
    (leaver,) = tables(history, "2026-04-01", "2026-04-30")["leavers"]
    assert leaver["how"] == "suspended before the history began, finished by this run"
    assert leaver["done"][:10] == "2026-03-20"


def test_a_leaver_of_two_runs_at_once_is_one_line(world: World, tmp_path: Path) -> None:
    history, rows = History(str(tmp_path), "hr"), [person(n) for n in range(20)]
    apply(world, history, rows)
    rows[0].update(end="2026-03-01")
    record = RunRecord("apply", {"user": "ann"}, "test/1", {}, (), time.time())
    report = world.apply(rows, now="2026-03-03T12:00:00Z")
    for _ in range(2):
        write_entry(history, record, report.plan, report)
    assert len(tables(history, "2026-03-01", "2026-03-03")["leavers"]) == 1


def test_people_who_are_held_for_long_are_exceptions(world: World, tmp_path: Path) -> None:
    history, rows = History(str(tmp_path), "hr"), [person(1), person(2)]
    apply(world, history, rows)
    world.client.update_user(world.users()["p1@example.com"]["id"], is_suspended=True)
    for day in (3, 8, 13):
        apply(world, history, rows, now=f"2026-03-{day:02d}T12:00:00Z")
    held = [row for row in tables(history, "2026-03-01", "2026-03-20")["exceptions"] if row["id"] == "1"]
    assert [(row["what"], row["at"][:10], row["until"]) for row in held] == [
        ("held for more than 7 days", "2026-03-03", "")
    ]
    assert not tables(history, "2026-03-01", "2026-03-20", held_days=30)["exceptions"]


def test_files_and_bad_ends(world: World, tmp_path: Path) -> None:
    history = History(str(tmp_path / "kinde"), "hr")
    for day in (2, 3, 4):
        apply(world, history, [person(1)], now=f"2026-03-{day:02d}T12:00:00Z")
    Path(history.path(2)).unlink()
    found, check = collect(history, "2026-03-01", "2026-03-04")
    assert check.problems
    paths = write_evidence(str(tmp_path / "audit"), "hr", "2026-03-01", "2026-03-04", found)
    assert sorted(Path(path).name for path in paths) == [
        "access.csv", "by_hand.csv", "completeness.csv", "evidence.html", "exceptions.csv", "leavers.csv",
    ]  # fmt: skip
    statement = (tmp_path / "audit/completeness.csv").read_text()
    assert "chain,NOT WHOLE" in statement
    assert "entry 2 is missing" in statement
    assert "NOT WHOLE" in (tmp_path / "audit/evidence.html").read_text()
    empty = tables(history, "2020-01-01", "2020-01-02")
    assert (empty["access"], empty["leavers"]) == ([], [])
    assert {row["what"]: row["value"] for row in empty["completeness"]}[
        "days on which no run was carried out"
    ] == "2 (2 without an apply)"


@pytest.mark.parametrize("between", ["undo", "review"])
def test_a_review_or_an_undo_does_not_end_the_time_for_which_a_person_is_held(between: str) -> None:
    evidence = Evidence("2026-01-01", "2026-01-31")
    held = [{"id": "7", "reason": "two accounts"}]
    for number, (command, day) in enumerate([("apply", 1), (between, 5), ("apply", 12)], 1):
        at = f"2026-01-{day:02d}T00:00:00Z"
        head = {"number": number, "command": command, "at": at, "access": "changes"}
        evidence.entry({**head, "held": held} if command == "apply" else head, iter(()))
    exceptions = next(table for table in evidence.tables(()) if table.name == "exceptions")
    (row,) = exceptions.rows
    assert (row[0], row[1], row[3]) == ("held for more than 7 days", "2026-01-01T00:00:00Z", "7")


def test_a_run_for_a_moment_to_come_counts_when_it_was_written(world: World, tmp_path: Path) -> None:
    history, rows = History(str(tmp_path), "hr"), [person(n) for n in range(20)]
    clock = dt.datetime.now(dt.timezone.utc)
    later, tomorrow = (clock + dt.timedelta(days=45)).isoformat(), str(clock.date() + dt.timedelta(days=1))
    today = str(clock.date())
    apply(world, history, rows, now=clock.isoformat())
    rows.append(person(20, start=str(clock.date() + dt.timedelta(days=40))))
    rows[0].update(end=str(clock.date() + dt.timedelta(days=30)))
    plan = world.plan(rows, now=later).hash
    apply(world, history, rows, now=later, approve=plan)
    found = tables(history, today, tomorrow)
    access = {row["id"]: row["since"][:10] for row in found["access"]}
    assert access["20"] in (today, tomorrow)
    assert "0" not in access
    (leaver,) = found["leavers"]
    assert (leaver["id"], leaver["done"][:10] <= tomorrow, leaver["known"][:10] <= tomorrow) == ("0", True, True)
    assert [(row["what"], row["hash"], row["entry"]) for row in found["exceptions"]] == [("approval", plan, "2")]
    (moved,) = [row["value"] for row in found["completeness"] if row["what"].startswith("runs for another moment")]
    assert moved.startswith(f"entry 2: apply for {later[:10]}")
    world.client.update_user(world.users()["p1@example.com"]["id"], is_suspended=True)
    apply(world, history, rows, now=dt.datetime.now(dt.timezone.utc).isoformat())
    (by_hand,) = tables(history, today, tomorrow)["by_hand"]
    assert (by_hand["id"], by_hand["not_so_at"] <= by_hand["noticed_at"]) == ("1", True)


def test_a_run_for_an_earlier_moment_is_named_in_the_days_in_which_it_was_written(world: World, tmp_path: Path) -> None:
    history, today = History(str(tmp_path), "hr"), dt.datetime.now(dt.timezone.utc).date().isoformat()
    apply(world, history, [person(1)], now="2026-03-02T12:00:00Z")
    for day in ("2026-03-02", today):
        rows = [row["value"] for row in tables(history, day, day)["completeness"] if "another moment" in row["what"]]
        assert [row.startswith("entry 1: apply for 2026-03-02T12:00") for row in rows] == [True]


def test_moments_of_plan_files_are_in_utc() -> None:
    evidence = Evidence("2026-11-01", "2026-11-30")
    head = {
        "number": 1,
        "command": "apply",
        "outcome": "changes",
        "access": "changes",
        "written": "2026-11-06T07:00:00.000Z",
    }
    head |= {"at": "2026-11-06T06:00:00.000Z", "planned_at": "2026-11-06T18:00:00+13:00"}
    head |= {"approval": {"by": "carol", "at": "2026-11-06T18:30:00.123456+13:00", "how": "Airflow"}}
    change = {"op": "suspend", "id": "7", "user": "kp_7", "outcome": "done", "done": "2026-11-06T06:00:01.000Z"}
    evidence.entry(head, iter([change]))
    found = {table.name: parsed(table) for table in evidence.tables(())}
    (leaver,) = found["leavers"]
    assert leaver["known"] == "2026-11-06T05:00:00.000Z"
    assert found["exceptions"][0]["until"] == "2026-11-06T05:30:00.123Z"


def test_a_leaver_of_the_offboarding_form_has_organizations_and_lateness_stands_before_the_ids_of_kinde() -> None:
    evidence = Evidence("2026-11-01", "2026-11-30")
    moments = dict.fromkeys(("at", "began", "ended", "written"), "2026-11-06T06:00:00.000Z")
    head = {
        "number": 1,
        "command": "apply",
        "outcome": "no changes",
        "access": "full",
        "organizations": {"eng": "org_1"},
    }
    evidence.entry(head | moments, iter([["kp_7", "7", 0, {"org_1": ["engineer"]}, ""]]))
    change = {"op": "suspend", "id": "7", "user": "kp_7", "outcome": "done", "done": "2026-11-07T06:00:00.000Z"}
    evidence.entry({"number": 2, "command": "offboard", "outcome": "changes"} | moments, iter([change]))
    table = next(table for table in evidence.tables(()) if table.name == "leavers")
    (leaver,) = parsed(table)
    assert (leaver["id"], leaver["user"], leaver["organizations"]) == ("7", "kp_7", "eng")
    assert table.columns.index("late_seconds") < table.columns.index("user")


def test_a_failed_run_without_signature_for_a_moment_to_come_counts_when_it_was_written() -> None:
    evidence = Evidence("2026-11-01", "2026-11-30")
    head = {"number": 1, "command": "apply", "outcome": "failed", "error": "no connection", "unsigned": True}
    head |= {"at": "2027-01-11T06:00:00.000Z", "written": "2026-11-06T06:00:00.000Z"}
    assert evidence.wants(head)
    evidence.entry(head, iter(()))
    (failed,) = next(table for table in evidence.tables(()) if table.name == "exceptions").rows
    assert failed[:2] == ("failed run", "2026-11-06T06:00:00.000Z")


def test_a_run_for_an_earlier_moment_than_the_run_before_does_not_say_when_it_was_not_so_yet() -> None:
    evidence = Evidence("2026-11-01", "2026-11-30")
    moments = ("at", "began", "ended", "written")
    head = {"command": "apply", "outcome": "no changes", "organizations": {"eng": "org_1"}}
    full = dict.fromkeys(moments, "2026-11-20T06:00:00.000Z") | {"number": 1, "access": "full"}
    evidence.entry(head | full, iter([["kp_7", "7", 0, {}, ""]]))
    earlier = dict.fromkeys(moments, "2026-11-10T06:00:00.000Z") | {"number": 2, "access": "changes"}
    line = {"noticed": "kp_7", "before": ["kp_7", "7", 0, {}], "after": ["kp_7", "7", 1, {}]}
    evidence.entry(head | earlier | {"written": "2026-11-20T07:00:00.000Z", "shifted_seconds": -867600.0}, iter([line]))
    (by_hand,) = parsed(next(table for table in evidence.tables(()) if table.name == "by_hand"))
    assert (by_hand["noticed_at"], by_hand["not_so_at"]) == ("2026-11-10T06:00:00.000Z", "")
