"""The history of a sync: each run has its entry, and no entry can be changed, moved or taken away unseen."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import random
import resource
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from airflow_provider_kinde.client import KindeClient
from airflow_provider_kinde.exceptions import StorageError
from airflow_provider_kinde.storage import run_files
from airflow_provider_kinde.storage.history import History, Written
from airflow_provider_kinde.storage.history_check import check_chain, check_lines
from airflow_provider_kinde.storage.history_gaps import warn_of_lost_entries
from airflow_provider_kinde.storage.history_reader import heads, read_entries
from airflow_provider_kinde.storage.history_writer import retire, write_entry, write_event
from airflow_provider_kinde.sync.history.entry import RunRecord, moment_text
from airflow_provider_kinde.sync.history.table import person_lines, run_lines
from airflow_provider_kinde.sync.signature import Sign, key_id
from airflow_provider_kinde.sync.spec.sections import Guards
from tests.support.at_once import at_once
from tests.support.world import SPEC, World, person, settings, world

__all__ = ["settings", "world"]

EDITS = int(os.environ.get("KINDE_EXAMPLES", "0")) * 5 or 300


def load_verifier() -> ModuleType:
    path = Path(__file__).parents[2] / "docs/verify_history.py"
    assert len(path.read_text().splitlines()) <= 200
    spec = importlib.util.spec_from_file_location("verify_history", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


VERIFIER = load_verifier()


SECRET = "emulator-secret"


def signing(secret: str) -> Sign:
    return KindeClient("http://localhost", "emulator", secret).sign


SIGN = signing(SECRET)
KEYS = {"kinde_default": SIGN}


def make(history: History, count: int, **head: Any) -> list[Written]:
    return [
        history.append(lambda number: {"written": moment_text(number), **head}, [f'{{"op": {n}}}'], SIGN)
        for n in range(count)
    ]


def forge_head(history: History, number: int, hash: str, key: str = key_id(SIGN)) -> None:
    """Write a ``head.json`` as one can who has no secret: which key signs stands in each entry."""
    head = {"number": number, "hash": hash, "spec": history.spec_name, "signature": f"{key}:{'a' * 64}"}
    (Path(history.folder) / "head.json").write_text(json.dumps(head) + "\n")


def verdicts(history: History, known: str = "", secret: str = "") -> tuple[bool, bool]:
    """Whether the package and the verifier for auditors find the history whole, with a client secret or without."""
    independent, _ = VERIFIER.check(Path(history.folder), known, secret)
    keys = {"given": signing(secret)} if secret else {}
    return not check_chain(history, known, keys).problems, not independent


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("scheme", ["", "memory://"])
def test_entries_are_chained(tmp_path: Path, scheme: str) -> None:
    history = History(f"{scheme}{tmp_path}", "hr")
    history.probe()
    assert check_lines(check_chain(history)) == ["the history is empty"]
    written = make(history, 5)
    assert [entry.number for entry in written] == [1, 2, 3, 4, 5]
    assert [head["previous"] for head in heads(history)] == ["", *(entry.hash for entry in written[:-1])]
    check = check_chain(history, written[2].hash)
    assert (check.problems, check.entries, check.head) == ([], 5, written[-1].hash)


def test_every_edit_deletion_swap_and_truncation_is_detected(tmp_path: Path) -> None:
    history = History(str(tmp_path), "hr")
    make(history, 12, text="some words " * 5)
    folder = Path(history.folder)
    files = sorted(folder.iterdir())
    kept = {path: path.read_bytes() for path in files}
    chance = random.Random(17)
    for number in range(EDITS):
        tamper(chance, files)
        if any(not path.exists() or path.read_bytes() != content for path, content in kept.items()):
            assert verdicts(history, secret=SECRET) == (False, False), number
        for path, content in kept.items():
            if not path.exists() or path.read_bytes() != content:
                path.write_bytes(content)
    assert verdicts(history) == (True, True)


def tamper(chance: random.Random, files: list[Path]) -> None:
    path, kind = chance.choice(files), chance.randrange(6)
    content = path.read_bytes()
    place = chance.randrange(len(content))
    if kind == 0:
        path.write_bytes(content[:place] + bytes([chance.randrange(256)]) + content[place + 1 :])
    elif kind == 1:
        path.unlink()
    elif kind == 2:
        other = chance.choice(files)
        theirs = other.read_bytes()
        other.write_bytes(content)
        path.write_bytes(theirs)
    elif kind == 3:
        path.write_bytes(content[:place])
    elif kind == 4:
        for tail in files[chance.randrange(len(files) - 1) : -1]:  # the last file is head.json
            tail.unlink()
    else:
        path.write_bytes(content[:place] + b" " + content[place:])


def test_a_cut_end_shows_with_a_head_from_elsewhere_even_if_an_older_head_is_put_back(tmp_path: Path) -> None:
    history = History(str(tmp_path), "hr")
    written = make(history, 4)
    older = (Path(history.folder) / "head.json").read_bytes()
    written += make(history, 2)
    for number in (5, 6):
        Path(history.path(number)).unlink()
    assert verdicts(history) == (False, False)
    (Path(history.folder) / "head.json").write_bytes(older)
    assert verdicts(history, secret=SECRET) == (True, True)  # the end was cut, and nothing in the folder says so
    assert verdicts(history, written[-1].hash) == (False, False)
    assert "taken away or changed" in check_chain(history, written[-1].hash).problems[0]


def test_a_cut_end_shows_where_head_json_was_forged_to_fit(tmp_path: Path) -> None:
    history = History(str(tmp_path), "hr")
    written = make(history, 6)
    for number in (5, 6):
        Path(history.path(number)).unlink()
    forge_head(history, 4, written[3].hash)
    assert verdicts(history) == (True, True)
    assert verdicts(history, secret=SECRET) == (False, False)
    assert check_chain(history, keys=KEYS).problems == [
        "head.json does not match its signature: it was forged or changed"
    ]
    forge_head(history, 4, written[3].hash, "0" * 16)  # a run signs the head with the key of its entry
    assert verdicts(history) == (False, False)
    assert verdicts(history, secret=SECRET) == (False, False)


@pytest.mark.parametrize("key", [key_id(SIGN), "0" * 16, ""])
def test_a_forged_head_json_with_a_high_number_makes_no_gap(
    tmp_path: Path, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    history = History(str(tmp_path), "hr")
    make(history, 3)
    forge_head(history, 90, "b" * 64, key)
    assert verdicts(history, secret=SECRET) == (False, False)
    warn_of_lost_entries(history, history.end(SIGN))
    assert ("names entry 90, but is not signed with the client secret of this run" in caplog.text) == bool(key)
    assert make(history, 1)[0].number == 4
    assert verdicts(history, secret=SECRET) == (True, True)
    caplog.clear()
    warn_of_lost_entries(history, history.end(SIGN))
    assert caplog.text == ""


def test_both_checkers_say_that_head_json_is_genuine_and_both_name_what_it_lost(tmp_path: Path) -> None:
    history = History(str(tmp_path), "hr")
    make(history, 3)
    told: list[str] = []
    VERIFIER.check(Path(history.folder), "", SECRET, told.append)
    assert "head.json names entry 3 and is genuine" in told
    genuine = "head.json is genuine: the run that wrote entry 3 signed it"
    assert genuine in check_chain(history, keys=KEYS).checked
    assert genuine not in check_chain(history).checked
    history.delete(3)
    assert genuine in check_chain(history, keys=KEYS).checked
    other = {"other": signing("another secret")}
    assert "or head.json was forged: it is signed with another" in check_chain(history, keys=other).problems[0]


def test_a_head_json_of_another_history_with_the_same_secret_is_not_followed(tmp_path: Path) -> None:
    history, other = History(str(tmp_path), "hr"), History(str(tmp_path), "other")
    make(history, 2)
    make(other, 5)
    (Path(history.folder) / "head.json").write_bytes((Path(other.folder) / "head.json").read_bytes())
    assert verdicts(history) == (False, False)
    assert make(history, 1)[0].number == 3


def test_a_forged_entry_with_a_high_number_is_not_followed_where_head_json_is_missing(tmp_path: Path) -> None:
    history = History(str(tmp_path), "hr")
    make(history, 3)
    Path(history.path(2)).unlink()  # a real gap
    forged = Path(history.path(2)).with_name("000000090.jsonl")
    forged.write_bytes(Path(history.path(3)).read_bytes().replace(b'"number": 3', b'"number": 90'))
    (Path(history.folder) / "head.json").unlink()
    assert make(history, 1)[0].number == 4
    forged.unlink()
    assert missing(history) == (["entry 2 is missing"],) * 2


def test_a_run_that_cannot_sign_leaves_head_json_as_it_is(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    history, failed = History(str(tmp_path), "hr"), {"outcome": "failed"}
    for number in (1, 2):
        assert history.append(lambda _: failed, (), None).number == number
    warn_of_lost_entries(history, history.end(SIGN))
    assert caplog.text == ""  # no run could sign: there is no head yet
    assert verdicts(history) == (True, True)
    assert make(history, 1)[0].number == 3
    for number in (4, 5):
        assert history.append(lambda _: failed, (), None).number == number
    assert verdicts(history, secret=SECRET) == (True, True)
    assert make(history, 1)[0].number == 6
    assert verdicts(history, secret=SECRET) == (True, True)
    (Path(history.folder) / "head.json").unlink()
    assert verdicts(history) == (False, False)


def rewritten(history: History, number: int, change: Callable[[bytes], bytes]) -> None:
    """Change one entry, and all after it so that the chain fits, as one can who has no secret."""
    last = history.numbers()[-1]
    path = Path(history.path(number))
    path.write_bytes(change(path.read_bytes()))
    for following in range(number + 1, last + 1):
        path = Path(history.path(following))
        before = history.head_line(following)["previous"]
        path.write_bytes(path.read_bytes().replace(before.encode(), history.hash_of(following - 1).encode()))
    forge_head(history, last, history.hash_of(last))


def test_an_entry_that_was_changed_with_all_after_it_does_not_match_its_signature(tmp_path: Path) -> None:
    history = History(str(tmp_path), "hr")
    make(history, 4, by="carol")
    assert verdicts(history, secret=SECRET) == (True, True)
    rewritten(history, 2, lambda content: content.replace(b"carol", b"mallo"))
    assert verdicts(history) == (True, True)
    assert verdicts(history, secret=SECRET) == (False, False)
    assert "forged or changed" in check_chain(history, keys=KEYS).problems[0]


@pytest.mark.parametrize("outcome", ["changes", "failed"])
@pytest.mark.parametrize("lines", [(), ('{"op": "suspend"}',)])
def test_a_forged_entry_or_checkpoint_at_the_end_shows(tmp_path: Path, outcome: str, lines: tuple[str, ...]) -> None:
    history = History(str(tmp_path), "hr")
    make(history, 3)
    head = (Path(history.folder) / "head.json").read_bytes()
    forged = {"outcome": outcome, "written": moment_text(9)}
    history.append(lambda number: forged, lines, signing("another secret"))
    assert verdicts(history, secret=SECRET) == (False, False)
    assert "signed with another client secret" in check_chain(history, keys=KEYS).problems[0]
    assert verdicts(history, secret=f"{SECRET}\nanother secret")[1]
    assert not check_chain(history, keys={**KEYS, "other": signing("another secret")}).problems
    Path(history.path(4)).unlink()
    (Path(history.folder) / "head.json").write_bytes(head)
    history.append(lambda number: forged, lines, None)  # only a failed run may lack a signature
    fine = outcome == "failed" and not lines
    assert verdicts(history) == (fine, fine)


def test_entries_before_a_secret_was_replaced_are_told_and_no_fault(tmp_path: Path) -> None:
    history = History(str(tmp_path), "hr")
    make(history, 2)
    history.append(lambda number: {}, (), signing("the next secret"))
    check = check_chain(history, keys={"kinde_default": signing("the next secret")})
    assert check.problems == []
    assert any("2 entries (1 to 2) are signed with another client secret" in line for line in check.checked)
    assert VERIFIER.check(Path(history.folder), "", "the next secret")[0] == []
    assert VERIFIER.check(Path(history.folder), "", SECRET)[0] == [
        "entry 3 is signed with another secret than entries before it"
    ]


def test_a_history_of_another_spec_in_the_place_of_this_one_shows(tmp_path: Path) -> None:
    other = History(str(tmp_path), "other")
    make(other, 2)
    Path(tmp_path / "hr").mkdir()
    Path(other.folder).rename(tmp_path / "hr/history")
    check = check_chain(History(str(tmp_path), "hr"), keys=KEYS)
    assert check.problems[0] == "entry 1 is of the spec 'other': it is from another history"


def test_a_check_says_against_which_head_and_how_many_entries_a_checkpoint_stands_for(tmp_path: Path) -> None:
    history = History(str(tmp_path), "hr")
    written = make(history, 3)
    for second in (3, 5e9, 5e9):
        head = {"written": moment_text(second), "access": "full"}
        written.append(history.append(lambda number, head=head: head, (), SIGN))
    assert retire(history, 1, 5e9, SIGN)
    told = "\n".join(check_lines(check_chain(history, keys=KEYS)))
    assert "4 entries, 4 to 7" in told
    assert "entry 7 is a checkpoint: it stands for entries 1 to 3 (3 entries), which were dropped after 1 day" in told
    assert "checked against head.json alone" in told
    assert "4 entries are signed with the client secret of kinde_default" in told
    for number, after in ((3, 4), (4, 3), (6, 1)):  # a head of before the checkpoint is known to it
        lines = check_chain(history, written[number - 1].hash).checked
        came = f"{after} {'entry' if after == 1 else 'entries'}"
        assert lines[0] == f"checked against the given head: it is entry {number}, {came} came after it"
        assert verdicts(history, written[number - 1].hash) == (True, True)
    assert "entries up to 3, which were dropped" in check_chain(history, written[0].hash).problems[0]
    assert verdicts(history, written[0].hash) == (False, False)


def test_runs_that_write_at_once_keep_the_chain_whole(tmp_path: Path) -> None:
    history = History(str(tmp_path), "hr")
    at_once(8, lambda: lambda: make(History(str(tmp_path), "hr"), 5))
    check = check_chain(history)
    assert (check.problems, check.entries) == ([], 40)


def test_a_run_that_was_killed_before_head_json_is_followed(tmp_path: Path) -> None:
    history = History(str(tmp_path), "hr")
    make(history, 2)
    before = (Path(history.folder) / "head.json").read_bytes()
    make(history, 1)
    (Path(history.folder) / "head.json").write_bytes(before)
    assert [written.number for written in make(history, 1)] == [4]
    assert verdicts(history) == (True, True)


def test_a_store_that_lost_entries_says_which(tmp_path: Path) -> None:
    history = History(str(tmp_path), "hr")
    make(history, 6)
    for number in (2, 3):
        Path(history.path(number)).unlink()
    assert check_chain(history).problems == ["entries 2 to 3 are missing: they were taken away, or the store lost them"]
    assert make(history, 1)[0].number == 7


def missing(history: History) -> tuple[list[str], list[str]]:
    """What the two checkers say."""
    independent, _ = VERIFIER.check(Path(history.folder), "", SECRET)
    return [text.partition(":")[0] for text in check_chain(history, keys=KEYS).problems], [
        text.partition(":")[0] for text in independent
    ]


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("scheme", ["", "memory://"])
def test_the_number_of_a_lost_last_entry_is_not_given_again(tmp_path: Path, scheme: str) -> None:
    history = History(f"{scheme}{tmp_path}", "hr")
    written = make(history, 4)
    with history.open(4) as file:
        backup = file.read()
    history.delete(4)
    assert [entry.number for entry in make(history, 2)] == [5, 6]
    assert check_chain(history, keys=KEYS).problems == ["entry 4 is missing: it was taken away, or the store lost it"]
    assert history.head_line(5)["previous"] == written[3].hash
    check = check_chain(history, written[3].hash)  # the head that the log of the lost run names
    assert check.checked[0] == "checked against the given head: it is entry 4, 2 entries came after it"
    assert len(check.problems) == 1
    run_files.copy(io.BytesIO(backup), history.path(4))
    assert check_chain(history, written[3].hash, KEYS).problems == []


def test_both_checkers_name_lost_entries_and_blame_no_other_entry(tmp_path: Path) -> None:
    history = History(str(tmp_path), "hr")
    written = make(history, 4)
    for number in (3, 4):
        history.delete(number)
    assert missing(history) == (["head.json names entry 4, which is missing"],) * 2
    make(history, 1)
    assert missing(history) == (["entries 3 to 4 are missing"],) * 2
    make(history, 2)
    history.delete(6)
    assert missing(history) == (["entries 3 to 4 are missing", "entry 6 is missing"],) * 2
    told: list[str] = []
    VERIFIER.check(Path(history.folder), written[3].hash, "", told.append)
    assert "the given head is entry 4; entries after it: 3" in told
    assert verdicts(history, written[3].hash) == (False, False)
    assert verdicts(history, written[2].hash) == (False, False)


def test_all_entries_may_be_lost_and_the_numbers_go_on(tmp_path: Path) -> None:
    history = History(str(tmp_path), "hr")
    make(history, 2)
    for number in (1, 2):
        history.delete(number)
    assert make(history, 1)[0].number == 3
    assert missing(history) == (["entries 1 to 2 are missing"],) * 2


def test_an_entry_after_a_lost_one_is_followed_even_if_its_run_was_killed_before_head_json(tmp_path: Path) -> None:
    history = History(str(tmp_path), "hr")
    make(history, 2)
    head = Path(history.folder) / "head.json"
    before = head.read_bytes()
    make(history, 1)
    head.write_bytes(before)
    history.delete(2)
    assert make(history, 1)[0].number == 4
    assert missing(history) == (["entry 2 is missing"],) * 2


def test_runs_that_write_at_once_after_a_loss_go_behind_each_other(tmp_path: Path) -> None:
    history = History(str(tmp_path), "hr")
    make(history, 2)
    history.delete(2)
    at_once(4, lambda: lambda: make(History(str(tmp_path), "hr"), 3))
    assert history.numbers() == [1, *range(3, 15)]
    assert missing(history) == (["entry 2 is missing"],) * 2


@pytest.mark.parametrize(
    "content",
    [
        None, "", "[]", "[" * 100_000, "{}", '{"number": 1e999, "hash": "x"}', '{"number": [1], "hash": "x"}',
        f'{{"number": 999999999, "hash": "{"0" * 64}"}}', f'{{"number": 0, "hash": "{"0" * 64}"}}',
        f'{{"number": "7", "hash": "{"0" * 64}"}}', '{"number": 7, "hash": "none"}',
        f'{{"number": 7, "hash": "{"0" * 64}"}}', f'{{"number":3,"hash":"{"0" * 64}","spec":"hr"}}',
    ],
)  # fmt: skip
def test_a_head_json_that_is_missing_or_damaged_is_made_anew(
    tmp_path: Path, content: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    history = History(str(tmp_path), "hr")
    make(history, 3)
    head = Path(history.folder) / "head.json"
    if content is None:
        head.unlink()
    else:
        head.write_text(content + "\n")
    assert verdicts(history) == (False, False)
    warn_of_lost_entries(history, history.end(SIGN))
    assert "The last entry that is there is 3" in caplog.text
    assert make(history, 1)[0].number == 4
    assert verdicts(history) == (True, True)


def test_a_forged_file_with_a_high_number_is_named_and_not_followed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    history = History(str(tmp_path), "hr")
    make(history, 3)
    Path(history.path(999_999_999)).write_text("{}\n", encoding="utf-8")
    (Path(history.folder) / "head.json").unlink()
    assert make(history, 1)[0].number == 4
    assert verdicts(history) == (False, False)
    warn_of_lost_entries(history, history.end(SIGN))
    assert caplog.text == ""
    history.delete(999_999_999)
    assert verdicts(history) == (True, True)


def test_what_retention_dropped_is_no_loss(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    history = History(str(tmp_path), "hr")
    for second in (3, 3, 5e9, 5e9):
        head = {"written": moment_text(second), "access": "full"}
        history.append(lambda number, head=head: head, (), SIGN)
    retire(history, 1, 5e9, SIGN)
    assert history.numbers() == [2, 3, 4, 5]
    warn_of_lost_entries(history, history.end(SIGN))
    assert caplog.text == ""
    history.delete(5)
    warn_of_lost_entries(history, history.end(SIGN))
    assert "entry 5 is missing." in caplog.text
    assert make(history, 1)[0].number == 6


def test_entries_that_are_dropped_while_a_run_lists_them_are_no_loss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    history = History(str(tmp_path), "hr")
    make(history, 5)
    lists = iter([[1, 3, 4, 5], [4, 5]])  # the first list met a run that was dropping entries 1 to 3
    monkeypatch.setattr(History, "numbers", lambda self: next(lists))
    warn_of_lost_entries(history, history.end(SIGN))
    assert caplog.text == ""
    assert next(lists, None) is None


def test_a_clock_that_went_back_is_noted_and_no_fault_of_the_chain(tmp_path: Path) -> None:
    history = History(str(tmp_path), "hr")
    for second in (1000, 990, 50):  # 10 seconds are runs at the same time
        history.append(lambda number, at=second: {"written": moment_text(at)}, (), SIGN)
    check = check_chain(history)
    assert check.problems == []
    assert [note[:32] for note in check.notes] == ["entry 3 is older than entry 2: th"[:32]]
    assert "clock" in check.notes[0]


def test_a_store_that_refuses_writes_is_told_before_anything(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"history cannot be kept.*Nothing was written to Kinde.*storage_path"):
        History(str(tmp_path / "file"), "hr").probe()


def test_a_full_disk_is_told_before_anything(tmp_path: Path) -> None:
    history = History(str(tmp_path), "hr")
    history.probe()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with pytest.raises(StorageError, match=r"history cannot be kept.*Nothing was written to Kinde"):
            history.probe()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


class Runs:
    """Runs of a sync that keep their history."""

    def __init__(self, world: World, root: Path) -> None:
        self.world, self.root = world, root
        self.history = History(str(root), "hr")

    def apply(self, rows: list[dict[str, Any]], spec: str = SPEC, **options: Any) -> Written:
        approval, keep = options.pop("approval", {}), options.pop("keep", None)
        record = RunRecord("apply", {"user": "ann"}, "test/1", approval, (), time.time())
        report = self.world.apply(rows, spec, **options)
        return write_entry(self.history, record, report.plan, report, keep)

    def head(self) -> dict[str, Any]:
        return list(heads(self.history))[-1]

    def changes(self) -> list[dict[str, Any]]:
        return list(read_entries(self.history))[-1][1]

    def access(self, number: int) -> list[list[Any]]:
        with self.history.open(number) as file:
            return [json.loads(line) for line in file if line.startswith(b"[")]


@pytest.fixture
def runs(world: World, tmp_path: Path) -> Runs:
    return Runs(world, tmp_path)


def test_an_entry_says_what_was_done_when_and_when_it_was_due(runs: Runs) -> None:
    rows = [person(1, dept="Eng"), person(2, start="2026-03-02")]
    runs.apply(rows)
    head, changes = runs.head(), runs.changes()
    assert head["outcome"] == "changes"
    assert head["input"] == {
        "source": "the list of rows", "rows": 2, "complete": True,
        "columns": ["dept", "email", "end", "first", "id", "last", "start", "status"], "data_time": "",
    }  # fmt: skip
    assert head["spec_hash"] == runs.world.spec().digest
    assert head["requests"]["write"] == len(runs.world.writes())
    created = {change["id"]: change for change in changes if change["op"] == "create"}
    assert "due" not in created["1"]
    assert created["2"]["due"] == "2026-03-02T00:00:00Z"
    assert created["2"]["done"].startswith("2026-03-02T12:00:")  # the run was for noon of that day
    rows[0].update(status="Terminated", end="2026-03-01")
    runs.apply(rows, approval={"hash": "abc", "by": "carol", "how": "the command line"})
    head, changes = runs.head(), runs.changes()
    assert head["approval"]["by"] == "carol"
    (left,) = changes
    assert (left["op"], left["due"], left["outcome"]) == ("suspend", "2026-03-02T00:00:00Z", "done")
    assert list(left["steps"]) == ["suspended", "sessions", "api_keys"]
    assert left["steps"]["suspended"] <= left["done"]
    text = "\n".join(person_lines(read_entries(runs.history), "1"))
    assert "joined eng" in text
    assert "access taken" in text
    assert "approved by carol" in text
    assert len(list(run_lines(heads(runs.history)))) == 3
    assert all("example.com" not in path.read_text() for path in Path(runs.history.folder).iterdir())


def test_a_blocked_run_has_its_entry(runs: Runs) -> None:
    rows = [person(number) for number in range(20)]
    runs.apply(rows)
    for row in rows[:15]:
        row["status"] = "Terminated"
    runs.apply(rows)
    head = runs.head()
    assert head["outcome"] == "blocked"
    assert "max_leavers" in head["blocked"][0]["reason"]
    assert {change["outcome"] for change in runs.changes()} == {"planned"}
    runs.apply([])
    assert runs.head()["access"] == "unread"


def test_what_changed_without_a_run_is_noticed(runs: Runs) -> None:
    rows = [person(1, dept="Eng"), person(2), person(3)]
    first = runs.apply(rows)
    assert (runs.head()["access"], runs.access(first.number)) == ("full", [])
    runs.apply(rows)
    assert (runs.head()["access"], runs.head()["accounts"], runs.changes()) == ("changes", 3, [])
    users = runs.world.users()
    code = runs.world.code("Engineering")
    client = runs.world.client
    client.update_user(users["p2@example.com"]["id"], is_suspended=True)
    client.update_organization_users(code, [{"id": users["p1@example.com"]["id"], "roles": ["engineer", "auditor"]}])
    runs.apply(rows)
    noticed = {change["noticed"]: change for change in runs.changes() if "noticed" in change}
    assert set(noticed) == {users["p1@example.com"]["id"], users["p2@example.com"]["id"]}
    by_hand = noticed[users["p1@example.com"]["id"]]
    assert by_hand["before"][3] == {code: ["engineer"]}
    assert by_hand["after"][3] == {code: ["auditor", "engineer"]}
    runs.apply(rows)
    assert runs.changes() == []
    assert "suspended" in "\n".join(person_lines(read_entries(runs.history), "2"))


def test_every_kind_of_operation_leaves_the_state_that_the_next_run_reads(runs: Runs) -> None:
    limits = ", ".join(f"{guard}: 100" for guard in Guards.names())
    spec = SPEC + f"leaver: {{delete_after_days: 1}}\nguards: {{{limits}}}\n"
    client, rows = runs.world.client, [person(1, dept="Eng"), person(2), person(3), person(4)]
    made = client.create_user(
        profile={"given_name": "Given9", "family_name": "Doe"},
        identities=[{"type": "email", "details": {"email": "p9@example.com"}, "is_verified": True}],
    )
    client.add_organization_users(runs.world.code("Sales"), [{"id": made["id"], "roles": ["auditor"]}])
    runs.apply([*rows, person(9)], spec)
    assert ("adopt", "done") in [(change.get("op"), change.get("outcome")) for change in runs.changes()]
    for change in (
        {"dept": "Eng"}, {"dept": "None"}, {"status": "Terminated"}, {"status": "Active"}, {"last": "Roe"},
    ):  # fmt: skip
        for row in rows[:1]:
            row.update(change)
        runs.apply([*rows, person(9)], spec)
        runs.apply([*rows, person(9)], spec)
        assert [found for found in runs.changes() if "noticed" in found] == []
        assert runs.head()["access"] in ("changes", "full")
    rows[3].update(status="Terminated")
    runs.apply([*rows, person(9)], spec)
    runs.apply([*rows, person(9)], spec, now="2026-03-09T12:00:00Z")
    assert [change["op"] for change in runs.changes()] == ["delete"]
    runs.apply([*rows, person(9)], spec, now="2026-03-09T12:00:00Z")
    assert runs.changes() == []


def test_dropped_entries_leave_a_checkpoint_and_a_chain_that_is_whole(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_kinde.storage.history_writer.FULL_ENTRIES", 2)
    for _ in range(6):
        runs.apply([person(1)])
    later = time.time() + 40 * 86_400
    assert retire(runs.history, 60, later, SIGN) is None
    checkpoint = retire(runs.history, 30, later, SIGN)
    assert checkpoint is not None
    numbers = runs.history.numbers()
    assert numbers == [4, 5, 6, 7]
    assert next(heads(runs.history))["access"] == "full"
    assert verdicts(runs.history) == (True, True)
    runs.apply([person(1)])
    assert verdicts(runs.history) == (True, True)
    Path(runs.history.path(4)).unlink()
    assert verdicts(runs.history) == (False, False)


def test_a_history_that_cannot_be_read_is_begun_anew_with_the_whole_list(runs: Runs) -> None:
    runs.apply([person(1)])
    runs.apply([person(1)])
    Path(runs.history.path(1)).write_text("{", encoding="utf-8")
    runs.apply([person(1)])
    head = runs.head()
    assert head["access"] == "full"
    assert head["access_lost"]
    assert runs.access(head["number"])[0][1] == "1"


def test_a_run_warns_of_each_lost_entry_and_writes_its_own(runs: Runs, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(4):
        runs.apply([person(1)])
    assert caplog.text == ""
    runs.history.delete(4)
    assert runs.apply([person(1)]).number == 5
    assert "is not whole: entry 4 is missing. Restore what is missing from a backup of the store" in caplog.text
    assert (runs.head()["access"], runs.head()["access_lost"]) == ("full", "entry 4 is missing")
    runs.history.delete(2)
    caplog.clear()
    record = RunRecord("apply", {"user": "ann"}, "test/1", {}, (), time.time())
    assert write_event(runs.history, record, {"outcome": "failed"}, runs.world.client.sign).number == 6
    assert "entry 2 is missing; entry 4 is missing." in caplog.text
    runs.history.delete(6)
    assert runs.apply([]).number == 7  # a blocked run, which does not read Kinde
    assert missing(runs.history) == (["entry 2 is missing", "entry 4 is missing", "entry 6 is missing"],) * 2
    assert runs.apply([person(1)]).number == 8
    assert runs.head()["access"] == "full"
