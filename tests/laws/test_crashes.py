"""Killed anywhere, run twice at once, out of disk: the next run finishes, and the one after it is silent."""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_kinde.cli import connection, main, shared
from airflow_provider_kinde.client import KindeClient
from airflow_provider_kinde.exceptions import StorageError, SyncError
from airflow_provider_kinde.storage import run_files
from kinde_emulator import Emulator
from tests.laws.test_sync_laws import OPEN
from tests.laws.trouble import plain
from tests.support.world import SPEC, TENANT, World, people, person

SOAK = os.environ.get("KINDE_SOAK") == "1"
SPEC_TEXT = SPEC + OPEN + "leaver: {delete_after_days: 5}\n"
THEN, NOW = "2026-03-01T12:00:00Z", "2026-03-12T12:00:00Z"
ROOT = Path(__file__).parents[2]


def company(size: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    """HR at first, once some had left, and when they came back and everything else changed."""
    first = [person(n, dept=("Eng", "Sales")[n % 2]) for n in range(size)]
    left = [dict(row, status="Terminated") if n % 8 == 0 else row for n, row in enumerate(first)]
    last = [_changed(n, dict(row)) for n, row in enumerate(left)] + [
        person(size + n, dept=("Eng", "Sales", "Other")[n % 3]) for n in range(size // 4)
    ]
    return first, left, last


def _changed(n: int, row: dict[str, Any]) -> dict[str, Any]:
    if n % 16 == 0:
        row["status"] = "Active"
    elif n % 8 == 1:
        row["email"] = f"new{n}@example.com"
    elif n % 8 == 2:
        row["status"] = "Terminated"
    elif n % 8 == 3:
        row["dept"] = "Eng" if row["dept"] == "Sales" else "Sales"
    elif n % 8 == 4:
        row["last"] = "Roe"
    return row


class Crash:
    """A prepared company, the end state of a run that nothing befalls, and processes to kill."""

    def __init__(self, folder: Path, size: int) -> None:
        self.folder = folder
        self.first, left, self.last = company(size)
        self.base = folder / "base.db"
        with Emulator(data=self.base) as kinde:
            kinde.seed(TENANT)
            world = World(kinde)
            world.apply(self.first, SPEC_TEXT, now=THEN)
            world.apply(left, SPEC_TEXT, now=THEN)
        (folder / "hr.yaml").write_text(SPEC_TEXT)
        (folder / "rows.json").write_text(json.dumps(self.last))
        with self.tenant() as world:
            world.kinde.clear_log()
            report = world.apply(self.last, SPEC_TEXT, now=NOW)
            assert report.outcome == "changes"
            self.changes, self.requests = len(report.plan.operations), report.requests["total"]
            self.reads = next(n for n, e in enumerate(world.kinde.log()) if e["kind"] == "api" and e["method"] != "GET")
            self.expected = plain(world.kinde.state())

    @contextmanager
    def tenant(self) -> Iterator[World]:
        copy = self.folder / "copy.db"
        shutil.copy(self.base, copy)
        with Emulator(data=copy) as kinde:
            yield World(kinde)

    def start(self, world: World, out: str = "report.json") -> subprocess.Popen[bytes]:
        arguments = [world.kinde.url, str(self.folder / "hr.yaml"), str(self.folder / "rows.json"), NOW]
        command = [sys.executable, "-m", "tests.support.sync_process", *arguments, str(self.folder / out)]
        return subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})

    def kill_at(self, world: World, number: int, *, worked: bool) -> None:
        """Run until the request of this number is there, and end the process without a word."""
        fault = world.kinde.fault(None, "/api/", skip=number, delay=0.2, **({} if worked else {"drop": True}))
        process = self.start(world)
        while not fault.hits and process.poll() is None:
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait()
        world.kinde.clear_faults()
        time.sleep(0.25)  # what was under way is done, though nobody waits for it

    def finish(self, world: World) -> None:
        report = world.apply(self.last, SPEC_TEXT, now=NOW)
        assert report.outcome in ("changes", "no changes"), report.plan.blocked
        assert plain(world.kinde.state()) == self.expected
        world.settled(self.last, SPEC_TEXT, now=NOW)


def test_killed_again_and_again(tmp_path: Path) -> None:
    crash = Crash(tmp_path, 32)
    assert crash.changes > 30
    with crash.tenant() as world:
        for number in (crash.reads + 1, crash.reads + 15, crash.reads + 25) if SOAK else (crash.reads + 14,):
            crash.kill_at(world, number, worked=number % 2 == 0)
        assert plain(world.kinde.state()) != crash.expected
        crash.finish(world)


@pytest.mark.skipif(not SOAK, reason="make soak")
def test_killed_at_every_nth_request(tmp_path: Path) -> None:
    crash = Crash(tmp_path, 1000)
    assert crash.changes > 1000
    step = max(1, crash.requests // 40)
    for number in range(1, crash.requests, step):
        with crash.tenant() as world:
            crash.kill_at(world, number, worked=number // step % 2 == 0)
            crash.finish(world)


@pytest.mark.skipif(not SOAK, reason="make soak")
@pytest.mark.parametrize("seed", range(6))
def test_two_processes_at_once_one_of_them_killed(tmp_path: Path, seed: int) -> None:
    crash = Crash(tmp_path, 200)
    kill_after = random.Random(seed).choice([None, 0.2, 0.5, 1.0])
    with crash.tenant() as world:
        both = [crash.start(world, f"{n}.json") for n in range(2)]
        while len(world.kinde.log()) < crash.reads and both[0].poll() is None:
            time.sleep(0.002)
        if kill_after is not None:
            time.sleep(kill_after)
            both[0].send_signal(signal.SIGKILL)
        codes = [process.wait(120) for process in both]
        assert codes[1] == 0
        links = [user["provided_id"] for user in world.kinde.state()["users"]]
        assert len(links) == len(set(links))
        crash.finish(world)


# -- files ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def command(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The command line on the local Kinde; only the look-up of the connection, which is Airflow's, is left out."""
    (tmp_path / "hr.yaml").write_text(SPEC)
    rows = people(12)
    columns = list(rows[0])
    (tmp_path / "hr.csv").write_text(
        "\n".join(",".join(map(str, row)) for row in [columns, *(row.values() for row in rows)]) + "\n"
    )

    def connect(conn_id: str) -> KindeClient:
        return KindeClient(world.kinde.url, world.kinde.client_id, world.kinde.client_secret)

    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / "airflow"))
    monkeypatch.setattr(connection, "open_connection", connect)
    return lambda *words: main.main([words[0], "--spec", str(tmp_path / "hr.yaml"), *map(str, words[1:])])


@contextmanager
def full_disk(room: int = 200) -> Iterator[None]:
    """No file may grow beyond a few bytes: what a full disk looks like to who writes to it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("write", [shared.write_private, run_files.write], ids=["command line", "Airflow"])
def test_a_full_disk_leaves_the_old_file_or_none_and_no_rest(tmp_path: Path, write: Any) -> None:
    target = tmp_path / "report.json"
    target.write_text("old")
    with full_disk(), pytest.raises((SyncError, StorageError), match=r"report.json could not be written"):
        write(str(target), "x" * 10_000)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("report.json", "old")]
    write(str(target), "new")
    assert (target.read_text(), target.stat().st_mode & 0o777) == ("new", 0o600)


def test_a_report_that_cannot_be_kept_is_on_the_screen_and_an_error(
    world: World, command: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with full_disk():
        code = command("apply", "--report", tmp_path / "report.json")
    out, err = capsys.readouterr()
    assert code == 1
    assert "report.json could not be written" in err
    report = json.loads(out)
    assert report["outcome"] == "changes"
    assert {change["outcome"] for change in report["operations"]} == {"done"}
    assert len(world.users()) == 12
    assert command("apply", "--report", tmp_path / "report.json") == 0
    assert json.loads((tmp_path / "report.json").read_text())["outcome"] == "no changes"


def test_an_apply_whose_report_cannot_be_written_writes_nothing_to_kinde(
    world: World, command: Any, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    for place in ("missing/report.json", "file/report.json", "folder"):
        assert command("apply", "--report", tmp_path / place) == 1
    assert world.writes() == []


def test_a_plan_that_cannot_be_kept_is_an_error(
    world: World, command: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with full_disk():
        assert command("plan", "--out", tmp_path / "plan.json") == 1
    assert "plan.json could not be written" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"hr.yaml", "hr.csv"}
    assert world.writes() == []


def test_an_undo_that_cannot_be_kept_is_on_the_screen_and_an_error(
    world: World, command: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("apply", "--report", tmp_path / "report.json") == 0
    approve = "--approve", undone(command, tmp_path, capsys)["hash"]
    with full_disk():
        code = command("undo", "--report", tmp_path / "report.json", "--apply", *approve, "--out", tmp_path / "u.json")
    out, err = capsys.readouterr()
    assert code == 1
    assert "u.json could not be written" in err
    assert {change["outcome"] for change in json.loads(out)["operations"]} == {"done"}
    assert all(user["is_suspended"] for user in world.users().values())


def undone(command: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """The plan of an undo."""
    capsys.readouterr()
    command("undo", "--report", tmp_path / "report.json", "--json")
    return json.loads(capsys.readouterr().out)
