"""The history in an S3 bucket: each entry is a conditional write, and the chain stays whole whatever the store does."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_provider_kinde.client import KindeClient
from airflow_provider_kinde.exceptions import StorageError
from airflow_provider_kinde.storage.history import History, Written
from airflow_provider_kinde.storage.history_check import check_chain
from airflow_provider_kinde.storage.history_gaps import warn_of_lost_entries
from airflow_provider_kinde.storage.history_writer import retire
from airflow_provider_kinde.sync.history.entry import moment_text
from tests.stores.s3_server import CONFLICT, GONE, LOST, REFUSED, UNKNOWN, Bucket, Call, Fault
from tests.support.at_once import at_once

SIGN = KindeClient("http://localhost", "emulator", "emulator-secret").sign


def make(history: History, count: int, text: str = "") -> list[Written]:
    return [
        history.append(lambda number: {"written": moment_text(time.time()), "text": text}, [f'{{"op": {n}}}'], SIGN)
        for n in range(count)
    ]


def is_entry(call: Call) -> bool:
    return call.method in ("PUT", "POST") and ".jsonl" in call.path


@pytest.fixture
def history(bucket: Bucket) -> History:
    return History(bucket.root, "hr")


def test_each_entry_is_written_on_condition_that_there_is_none(bucket: Bucket, history: History) -> None:
    history.probe()
    assert bucket.objects() == []  # the trial leaves nothing behind
    written = make(history, 3)
    entries = [call for call in bucket.writes() if is_entry(call)]
    assert len(entries) == 3
    assert all(call.conditional for call in entries)
    assert bucket.objects() == [*(f"hr/history/{number:09d}.jsonl" for number in (1, 2, 3)), "hr/history/head.json"]
    check = check_chain(history, written[0].hash)
    assert (check.problems, check.entries, check.head) == ([], 3, written[-1].hash)


def test_a_large_entry_is_conditional_as_well(bucket: Bucket, history: History) -> None:
    make(history, 1, text="x" * 60_000_000)
    assert [call.conditional for call in bucket.writes() if is_entry(call)][-1]
    assert check_chain(history).problems == []


def test_runs_that_write_at_once_keep_the_chain_whole(bucket: Bucket, history: History) -> None:
    def write() -> Callable[[], object]:
        own = History(bucket.root, "hr")
        return lambda: make(own, 4)

    at_once(6, write)
    check = check_chain(history)
    assert (check.problems, check.entries) == ([], 24)


@pytest.mark.parametrize("fault", [CONFLICT, LOST])
def test_an_entry_is_written_once_when_an_answer_is_lost_or_another_run_is_writing(
    bucket: Bucket, history: History, fault: Fault
) -> None:
    make(history, 1)
    failed: list[Call] = []

    def once(call: Call) -> Fault | None:
        if failed or not is_entry(call):
            return None
        failed.append(call)
        return fault

    bucket.server.fault = once
    assert [written.number for written in make(history, 1)] == [2]
    assert len(failed) == 1
    check = check_chain(history)
    assert (check.problems, check.entries) == ([], 2)


def test_a_store_that_does_not_know_the_condition_is_asked_before(bucket: Bucket, history: History) -> None:
    bucket.server.fault = lambda call: UNKNOWN if call.conditional else None
    assert [written.number for written in make(history, 2)] == [1, 2]
    assert check_chain(history).problems == []


def test_the_number_of_a_lost_last_entry_is_not_given_again(
    bucket: Bucket, history: History, caplog: pytest.LogCaptureFixture
) -> None:
    make(history, 3)
    history.delete(3)
    warn_of_lost_entries(history)
    assert "entry 3 is missing." in caplog.text
    assert [written.number for written in make(history, 2)] == [4, 5]
    assert check_chain(history).problems == ["entry 3 is missing: it was taken away, or the store lost it"]


@pytest.mark.parametrize(("fault", "word"), [(REFUSED, "AccessDenied"), (GONE, "ServiceUnavailable")])
def test_a_store_that_refuses_writes_is_told_before_anything(
    bucket: Bucket, history: History, fault: Fault, word: str
) -> None:
    bucket.server.fault = lambda call: fault if call.method == "PUT" else None
    with pytest.raises(StorageError, match=rf"history cannot be kept.*{word}.*Nothing was written to Kinde"):
        history.probe()


def test_a_bucket_that_does_not_exist_is_told_and_not_made(bucket: Bucket) -> None:
    history = History(f"s3://aws_default@{bucket.name}-typo/kinde", "hr")
    with pytest.raises(StorageError, match=r"history cannot be kept.*bucket does not exist"):
        history.probe()
    assert not any(call.method == "PUT" and call.path.rstrip("/") == f"/{bucket.name}-typo" for call in bucket.writes())
    with pytest.raises(StorageError):
        make(history, 1)


def test_old_entries_are_dropped_and_a_checkpoint_stays(bucket: Bucket, history: History) -> None:
    full = {"access": "full", "written": "2020-01-01T00:00:00Z"}
    for number in range(1, 4):
        head = {**full, "full": {"number": number, "at": full["written"]}}
        history.append(lambda _, head=head: head, (), SIGN)  # type: ignore[misc]
    make(history, 1)
    checkpoint = retire(history, 30, time.time(), SIGN)
    assert checkpoint is not None
    assert [key[-12:-6] for key in bucket.objects() if key.endswith(".jsonl")] == ["000003", "000004", "000005"]
    check = check_chain(history, checkpoint.hash)
    assert (check.problems, check.entries) == ([], 3)


def test_the_verifier_for_auditors_checks_a_copy(bucket: Bucket, history: History, tmp_path: Path) -> None:
    written = make(history, 3)
    path = Path(__file__).parents[2] / "docs/verify_history.py"
    spec = importlib.util.spec_from_file_location("verify_history", path)
    assert spec is not None
    assert spec.loader is not None
    verifier = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(verifier)
    for key in bucket.objects():
        (tmp_path / Path(key).name).write_bytes(bucket.read(key))
    assert verifier.check(tmp_path, written[-1].hash)[0] == []
    (tmp_path / "000000002.jsonl").write_bytes(b"{}")
    assert verifier.check(tmp_path, written[-1].hash)[0]
