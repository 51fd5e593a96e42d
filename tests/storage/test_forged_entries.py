"""Entries that no run wrote: of one without signature only that a run failed counts, and none stops a run."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_kinde.exceptions import StorageError
from airflow_provider_kinde.storage.evidence import collect, write_evidence
from airflow_provider_kinde.storage.history import History
from airflow_provider_kinde.storage.history_check import check_chain
from airflow_provider_kinde.storage.history_failure import write_failure
from airflow_provider_kinde.storage.history_reader import heads, read_entries
from airflow_provider_kinde.storage.history_writer import retire, write_event
from airflow_provider_kinde.sync.history.entry import RunRecord, moment_text
from airflow_provider_kinde.sync.history.table import person_lines, run_lines
from tests.storage.test_evidence import apply
from tests.storage.test_history import KEYS, SECRET, SIGN, VERIFIER, make, rewritten
from tests.support.world import SPEC, World, person, settings, world

__all__ = ["settings", "world"]

MOMENT = "2026-03-04T12:00:00.000Z"
RECORD = RunRecord("apply", {"user": "ann"}, "test/1", {"by": "ann", "hash": "0" * 64}, ["7"], 9.0)


def forge(history: History, lines: tuple[str, ...] = (), **more: Any) -> int:
    """Add an entry without signature, as one can who has no client secret."""
    number = history.numbers()[-1] + 1
    before = Path(history.path(number - 1)).read_bytes()
    head = {
        "number": number, "previous": hashlib.sha256(before).hexdigest(), "spec": history.spec_name,
        "command": "apply", "outcome": "failed", "error": "SourceError: no file",
        **dict.fromkeys(("at", "began", "ended", "written"), MOMENT), **more,
    }  # fmt: skip
    Path(history.path(number)).write_text("\n".join([json.dumps(head), *lines]) + "\n", encoding="utf-8")
    return number


def problems(history: History, secret: str = SECRET) -> tuple[list[str], list[str]]:
    """What the package and the verifier for auditors say."""
    return check_chain(history, keys=KEYS if secret else {}).problems, VERIFIER.check(Path(history.folder), "", secret)[
        0
    ]


def whole(history: History) -> bool:
    return problems(history) == ([], []) and problems(history, "") == ([], [])


MORE: list[dict[str, Any]] = [
    {"checkpoint": {"first": 1, "last": 2, "hash": "0" * 64, "until": MOMENT, "keep_days": 30}},
    {"access": "changes"}, {"access": "full"}, {"held": [{"id": "1", "reason": "two accounts"}]}, {"held": 7},
    {"held": ["x"]}, {"rejected": [5]}, {"organizations": {"hack": "org_1"}}, {"organizations": ["x"]},
    {"approval": {"by": "The CEO", "hash": "0" * 64}}, {"approval": "x"}, {"approved_protected": ["7"]},
    {"full": "x"}, {"full": {"number": "x"}}, {"changes": "x"}, {"managed": "x"}, {"input": "x"}, {"blocked": [5]},
    {"shifted_seconds": "x"}, {"exceptions": [1]}, {"guards": [{"exceeded": True}]}, {"spec_hash": "0"},
    {"versions": "x"}, {"summary": {"create": 9}}, {"signature": "x"}, {"unsigned": True}, {"outcomes": {"done": 9}},
    {"run": "x"}, {"run": {"user": 5}}, {"run": {"user": ["x"]}}, {"error": ["x"]}, {"command": 5}, {"at": 5},
    {"at": "2026"}, {"written": "9999"}, {"began": "x"}, {"ended": None}, {"nonce": {}}, {"outcome": "no changes"},
    {"number": True},
]  # fmt: skip


@pytest.mark.parametrize("more", MORE, ids=str)
def test_an_entry_without_signature_may_say_that_a_run_failed_and_no_more(more: dict[str, Any], tmp_path: Path) -> None:
    history = History(str(tmp_path), "hr")
    make(history, 2)
    forge(history)
    assert whole(history)
    Path(history.path(3)).unlink()
    forge(history, **more)
    for secret in (SECRET, ""):
        own, others = problems(history, secret)
        for found in (own, others):
            assert any("holds more than a failed run may say" in problem for problem in found), found


def test_an_entry_without_signature_has_no_other_lines(tmp_path: Path) -> None:
    history = History(str(tmp_path), "hr")
    make(history, 1)
    forge(history, lines=('{"op": "suspend", "id": "1", "outcome": "done"}',))
    assert not any(found == [] for found in problems(history))
    assert list(read_entries(history))[-1][1] == []


def test_a_forged_checkpoint_does_not_stand_for_the_entries_that_were_taken_away(tmp_path: Path) -> None:
    history = History(str(tmp_path), "hr")
    written = make(history, 9)
    for number in (1, 2, 3):
        history.delete(number)
    forge(history, command="checkpoint", checkpoint={"first": 1, "last": 3, "hash": written[2].hash, "keep_days": 30})
    for found in problems(history):
        assert [text.partition(":")[0] for text in found if "missing" in text] == ["entries 1 to 3 are missing"]
        assert any("holds more than a failed run may say" in text for text in found)
    assert check_chain(history).checkpoints == []


@pytest.fixture
def blocked(world: World, tmp_path: Path) -> tuple[History, list[dict[str, Any]]]:
    """A history whose last run was blocked, so that ten leavers still have access, and the rows of HR."""
    history, rows = History(str(tmp_path), "hr"), [person(n, dept="Eng") for n in range(20)]
    apply(world, history, rows)
    for row in rows[:10]:
        row.update(status="Terminated", end="2026-03-02")
    apply(world, history, rows, now="2026-03-03T08:00:00Z")
    return history, rows


def test_an_entry_without_signature_changes_nothing_in_the_evidence(
    blocked: tuple[History, list[dict[str, Any]]],
) -> None:
    history, _ = blocked
    before = tables(history)
    for more in MORE:
        number = forge(history, **more)
        after = tables(history)
        for name in ("leavers", "access", "by_hand"):
            assert after[name] == before[name], more
        added = [row for row in after["exceptions"] if row not in before["exceptions"]]
        assert {row[0] for row in added} <= {"failed run"}, more
        assert len(list(run_lines(heads(history)))) == 4
        list(person_lines(read_entries(history), "1"))
        history.delete(number)


def tables(history: History) -> dict[str, list[Any]]:
    return {table.name: table.rows for table in collect(history, "2026-03-01", "2026-03-06")[0]}


@pytest.mark.parametrize("more", [{"full": "x"}, {"access": "full"}, {"written": "9999", "changes": "x"}], ids=str)
def test_an_entry_without_signature_stops_no_run(
    more: dict[str, Any], blocked: tuple[History, list[dict[str, Any]]], world: World
) -> None:
    history, rows = blocked
    number = forge(history, **more)
    apply(world, history, rows, now="2026-03-05T08:00:00Z")
    head = history.head_line(number + 1)
    assert (head["access"], "signature" in head) == ("full", True)
    assert len(tables(history)["leavers"]) == 10


BROKEN: list[dict[str, Any]] = [
    {"full": "x"}, {"full": 7}, {"full": []}, {"full": {"number": "x", "at": 5}}, {"full": {}}, {"changes": "x"},
    {"changes": None}, {"full": {"number": -5, "at": "9999"}}, {"written": 5}, {"written": None},
]  # fmt: skip


@pytest.mark.parametrize("more", BROKEN, ids=str)
def test_no_content_of_a_signed_entry_keeps_a_run_from_writing_its_own(
    more: dict[str, Any], world: World, tmp_path: Path
) -> None:
    history, rows = History(str(tmp_path), "hr"), [person(1)]
    apply(world, history, rows)
    last = {**history.head_line(1), **more}
    for name in ("number", "previous", "nonce", "spec", "signature"):
        last.pop(name)
    history.append(lambda _: last, (), world.client.sign)
    write_event(history, RECORD, {"outcome": "failed"}, world.client.sign)
    apply(world, history, rows)
    retire(history, 30, time.time() + 90 * 86_400, world.client.sign)
    assert history.numbers()[-1] >= 4
    assert check_chain(history, keys={"kinde_default": world.client.sign}).problems == []


@pytest.mark.parametrize(
    "line",
    ['["x"]', '["x", 5]', "[]", '{"op": "suspend", "user": "x"}', '{"noticed": "x"}', '{"noticed": ["x"]}', "{", "[",
     '{"op": "add_role", "user": "kp_1", "id": "1", "outcome": "done", "organization": ["x"]}'],
)  # fmt: skip
def test_no_line_of_an_old_entry_keeps_a_run_from_writing_its_own(line: str, world: World, tmp_path: Path) -> None:
    history, rows = History(str(tmp_path), "hr"), [person(1), person(2)]
    apply(world, history, rows)
    apply(world, history, rows)
    head = history.head_line(2)
    for name in ("number", "previous", "nonce", "spec", "signature"):
        head.pop(name)
    history.append(lambda _: {**head, "written": moment_text(9)}, (line,), world.client.sign)
    rows.append(person(3))
    apply(world, history, rows)
    assert history.numbers() == [1, 2, 3, 4]
    if history.head_line(4)["access"] == "full":
        with history.entry(4) as (_, lines):
            assert len([found for found in lines if found.startswith(b"[")]) == history.head_line(4)["accounts"] == 2


@pytest.mark.parametrize(
    "more",
    [{"held": 7}, {"held": ["x"]}, {"input": "x"}, {"organizations": ["x"]}, {"run": "x"}, {"shifted_seconds": "x"},
     {"exceptions": [1]}, {"approval": {"by": "x"}, "guards": [{"exceeded": True}]}, {"blocked": [5]},
     {"outcome": "blocked", "blocked": [5]}, {"approval": 5}, {"outcomes": "x"},
     {"summary": 5}, {"rejected": 5}, {"checkpoint": 7}],
    ids=str,
)  # fmt: skip
def test_a_signed_entry_with_content_that_no_run_writes_is_an_error_that_names_it(
    more: dict[str, Any], tmp_path: Path
) -> None:
    history = History(str(tmp_path), "hr")
    history.append(lambda _: {"command": "apply", "at": MOMENT}, (), SIGN)
    whole = {"command": "apply", "outcome": "changes", "access": "changes", "at": MOMENT, "written": MOMENT}
    history.append(lambda _: {**whole, **more}, (), SIGN)
    errors = []
    for read in (
        lambda: collect(history, "2026-03-01", "2026-03-31"),
        lambda: list(run_lines(heads(history))),
        lambda: list(person_lines(read_entries(history), "1")),
    ):
        try:
            read()
        except StorageError as error:
            errors.append(str(error))
    assert errors
    assert all("entry 2 of the history has content that no run writes" in error for error in errors), errors


def test_a_line_that_no_run_writes_is_an_error_that_names_its_entry(tmp_path: Path) -> None:
    history = History(str(tmp_path), "hr")
    history.append(lambda _: {"command": "apply", "access": "full", "at": MOMENT}, ["[", "{"], SIGN)
    for read in (lambda: collect(history, "2026-03-01", "2026-03-31"), lambda: list(read_entries(history))):
        with pytest.raises(StorageError, match="entry 1 of the history has content that no run writes"):
            read()


def test_a_run_without_connection_has_an_entry_that_both_checkers_accept(world: World, tmp_path: Path) -> None:
    history = History(str(tmp_path), "hr")
    write_failure(str(tmp_path), world.spec(), RECORD, ValueError("x"), None)
    make(history, 1)
    write_failure(str(tmp_path), world.spec(), RECORD, StorageError("no connection"), None)
    assert whole(history)
    assert "2 entries of failed runs have none" in "\n".join(check_chain(history, keys=KEYS).checked)
    first, _, last = heads(history)
    assert (first["error"], last["error"]) == ("ValueError", "StorageError: no connection")
    assert not {"approval", "approved_protected", "versions", "spec_hash"} & last.keys()
    assert (last["run"], last["unsigned"]) == ({"user": "ann"}, True)


def test_only_a_failed_run_has_an_entry_without_signature(tmp_path: Path) -> None:
    history = History(str(tmp_path), "hr")
    make(history, 1)
    with pytest.raises(StorageError, match="cannot be signed"):
        write_event(history, RECORD, {"outcome": "rejected"}, None, [{"op": "suspend", "id": "1"}])
    write_event(history, RECORD, {"outcome": "failed"}, None, [{"op": "suspend", "id": "1"}])
    assert whole(history)


def test_an_entry_without_signature_does_not_end_the_dropping_of_old_entries(tmp_path: Path) -> None:
    history = History(str(tmp_path), "hr")
    for second in (3, 3):
        history.append(lambda _, at=second: {"written": moment_text(at), "access": "full"}, (), SIGN)
    forge(history, written="9999-01-01T00:00:00.000Z")
    for second in (5, 5e9):
        history.append(lambda _, at=second: {"written": moment_text(at), "access": "full"}, (), SIGN)
    assert retire(history, 1, 5e9, SIGN)
    assert history.numbers() == [4, 5, 6]
    assert check_chain(history, keys=KEYS).notes == []


def test_old_entries_that_cannot_be_read_do_not_fail_the_run_that_would_drop_them(
    world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_provider_kinde.storage.history_writer import write_entry

    history = History(str(tmp_path), "hr")
    make(history, 2)
    rewritten(history, 1, lambda _: b"[]\n")
    report = world.apply([person(1)], SPEC)
    assert write_entry(history, RECORD, report.plan, report, 30).number == 3
    assert "old entries of the history were not dropped" in caplog.text


def test_any_text_of_a_failed_run_can_be_shown(tmp_path: Path) -> None:
    history = History(str(tmp_path), "hr")
    history.append(lambda _: {"command": "apply", "at": MOMENT}, (), SIGN)
    forge(history, error="\ud800 <b>\x1b[31m\n=1+1", run={"user": "\udfff\n"}, command="{x}")
    assert whole(history)
    tables, _ = collect(history, "2026-03-01", "2026-03-31")
    write_evidence(str(tmp_path / "audit"), "hr", "2026-03-01", "2026-03-31", tables)
    assert "<b>" not in (tmp_path / "audit/evidence.html").read_text()
    "\n".join([*run_lines(heads(history)), *person_lines(read_entries(history), "1")]).encode()
