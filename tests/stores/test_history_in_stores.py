"""The history in an object store: each entry is a conditional write, whatever the store does the chain stays whole."""

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
from tests.stores.azure_server import AzureContainer
from tests.stores.gcs_server import GcsBucket
from tests.stores.s3_server import S3Bucket
from tests.stores.store_proxy import CONFLICT, GONE, LOST, REFUSED, UNKNOWN, Call, Fault
from tests.support.at_once import at_once

Store = S3Bucket | GcsBucket | AzureContainer
SIGN = KindeClient("http://localhost", "emulator", "emulator-secret").sign


def make(history: History, count: int, text: str = "") -> list[Written]:
    return [
        history.append(lambda number: {"written": moment_text(time.time()), "text": text}, [f'{{"op": {n}}}'], SIGN)
        for n in range(count)
    ]


@pytest.fixture
def history(store: Store) -> History:
    return History(store.root, "hr")


def test_each_entry_is_written_on_condition_that_there_is_none(store: Store, history: History) -> None:
    history.probe()
    assert store.objects() == []  # the trial leaves nothing behind
    written = make(history, 3)
    entries = [call for call in store.server.calls if store.is_entry(call)]
    assert len(entries) == 3
    assert all(call.conditional for call in entries)
    assert store.objects() == [*(f"hr/history/{number:09d}.jsonl" for number in (1, 2, 3)), "hr/history/head.json"]
    check = check_chain(history, written[0].hash)
    assert (check.problems, check.entries, check.head) == ([], 3, written[-1].hash)


def test_a_large_entry_is_conditional_as_well(store: Store, history: History) -> None:
    make(history, 1, text="x" * 60_000_000)
    assert any(call.conditional for call in store.server.calls)
    assert check_chain(history).problems == []


def test_runs_that_write_at_once_keep_the_chain_whole(store: Store, history: History) -> None:
    def write() -> Callable[[], object]:
        own = History(store.root, "hr")
        return lambda: make(own, 4)

    at_once(6, write)
    check = check_chain(history)
    assert (check.problems, check.entries) == ([], 24)


def write_with(store: Store, fault: Fault) -> None:
    """Write two entries, and let the first request for the second one end so."""
    history, failed = History(store.root, "hr"), []
    make(history, 1)

    def once(call: Call) -> Fault | None:
        if failed or not store.is_entry(call):
            return None
        failed.append(call)
        return fault

    store.server.fault = once
    assert [written.number for written in make(history, 1)] == [2]
    assert len(failed) == 1
    check = check_chain(history)
    assert (check.problems, check.entries) == ([], 2)


def test_an_entry_whose_answer_is_lost_is_written_once(store: Store) -> None:
    write_with(store, LOST)


def test_a_conflict_with_another_run_is_tried_again(bucket: S3Bucket) -> None:
    write_with(bucket, CONFLICT)


def test_a_store_that_does_not_know_the_condition_is_asked_before(bucket: S3Bucket) -> None:
    history = History(bucket.root, "hr")
    bucket.server.fault = lambda call: UNKNOWN if call.conditional else None
    assert [written.number for written in make(history, 2)] == [1, 2]
    assert check_chain(history).problems == []


def test_empty_objects_in_the_place_of_head_json_and_of_the_next_entry_stop_no_run(bucket: S3Bucket) -> None:
    history = History(bucket.root, "hr")
    make(history, 2)
    bucket.write("hr/history/head.json", "")
    bucket.write("hr/history/000000003.jsonl", "")
    assert [written.number for written in make(history, 1)] == [4]
    assert any("entry 3" in problem for problem in check_chain(history).problems)


def test_an_entry_costs_few_requests_whatever_came_before(store: Store, history: History) -> None:
    make(history, 20)
    store.server.calls.clear()
    make(history, 1)
    # The libraries for GCS and Azure send head.json in two requests.
    assert len(store.server.calls) <= 9, [call[:3] for call in store.server.calls]


def test_the_number_of_a_lost_last_entry_is_not_given_again(
    store: Store, history: History, caplog: pytest.LogCaptureFixture
) -> None:
    make(history, 3)
    history.delete(3)
    warn_of_lost_entries(history, history.end(SIGN))
    assert "entry 3 is missing." in caplog.text
    assert [written.number for written in make(history, 2)] == [4, 5]
    assert check_chain(history).problems == ["entry 3 is missing: it was taken away, or the store lost it"]


def test_a_store_that_refuses_writes_is_told_before_anything(store: Store, history: History) -> None:
    store.server.fault = lambda call: REFUSED if call.method in ("PUT", "POST") else None
    with pytest.raises(StorageError, match=r"(?s)history cannot be kept.*Nothing was written to Kinde"):
        history.probe()


@pytest.mark.parametrize(("fault", "word"), [(REFUSED, "AccessDenied"), (GONE, "ServiceUnavailable")])
def test_what_a_bucket_says_is_told_before_anything(bucket: S3Bucket, fault: Fault, word: str) -> None:
    bucket.server.fault = lambda call: fault if call.method == "PUT" else None
    with pytest.raises(StorageError, match=rf"history cannot be kept.*{word}.*Nothing was written to Kinde"):
        History(bucket.root, "hr").probe()


def test_a_bucket_that_does_not_exist_is_told_and_not_made(store: Store) -> None:
    history = History(store.root.replace(store.name, f"{store.name}-typo"), "hr")
    with pytest.raises(StorageError, match=r"(?s)history cannot be kept.*Nothing was written to Kinde"):
        history.probe()
    with pytest.raises(StorageError):
        make(history, 1)
    writes = [call for call in store.server.calls if call.method in ("PUT", "POST")]
    assert not [call for call in writes if call.path.rstrip("/").endswith((f"/{store.name}-typo", "/storage/v1/b"))]


def test_old_entries_are_dropped_and_a_checkpoint_stays(store: Store, history: History) -> None:
    full = {"access": "full", "written": "2020-01-01T00:00:00Z"}
    for number in range(1, 4):
        head = {**full, "full": {"number": number, "at": full["written"]}}
        history.append(lambda _, head=head: head, (), SIGN)  # type: ignore[misc]
    make(history, 1)
    checkpoint = retire(history, 30, time.time(), SIGN)
    assert checkpoint is not None
    assert [key[-12:-6] for key in store.objects() if key.endswith(".jsonl")] == ["000003", "000004", "000005"]
    check = check_chain(history, checkpoint.hash)
    assert (check.problems, check.entries) == ([], 3)


def test_the_verifier_for_auditors_checks_a_copy(store: Store, history: History, tmp_path: Path) -> None:
    written = make(history, 3)
    path = Path(__file__).parents[2] / "docs/verify_history.py"
    spec = importlib.util.spec_from_file_location("verify_history", path)
    assert spec is not None
    assert spec.loader is not None
    verifier = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(verifier)
    for key in store.objects():
        (tmp_path / Path(key).name).write_bytes(store.read(key))
    assert verifier.check(tmp_path, written[-1].hash)[0] == []
    (tmp_path / "000000002.jsonl").write_bytes(b"{}")
    assert verifier.check(tmp_path, written[-1].hash)[0]
