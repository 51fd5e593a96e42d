"""A task that Airflow ends half-way begins nothing more, and its report says what was done."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_kinde.exceptions import KindeError
from airflow_provider_kinde.operators.api import KindeApiOperator
from airflow_provider_kinde.operators.sync import KindeSyncOperator
from kinde_emulator import Emulator
from tests.support.company import Company, row, writes

PEOPLE = 60


class Ti(SimpleNamespace):
    """The part of a task instance that these operators use."""

    def __init__(self) -> None:
        super().__init__(dag_id="hr", run_id="now", task_id="sync", map_index=-1, try_number=1, pushed={})

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed[key] = value


def context() -> dict[str, Any]:
    return {"ti": Ti(), "dag_run": SimpleNamespace(run_type="manual")}


def test_a_sync_that_is_ended_begins_nothing_more_and_reports_what_it_did(
    company: Company, kinde: Emulator, storage_path: Path
) -> None:
    # All of these people are new: what a run began that was ended is not for the guard of roles.
    company.spec.write_text(company.spec.read_text() + "guards: {max_role_grants: 1000}\n")
    company.rows = {number: row(number) for number in range(1, PEOPLE + 1)}
    company.save()
    kinde.set(latency=40)
    sync, ti = KindeSyncOperator(task_id="sync", spec=str(company.spec)), context()
    counts: list[int] = []

    def end() -> None:
        while writes(kinde) < 10:
            time.sleep(0.01)
        sync.on_kill()
        time.sleep(0.3)
        counts.append(writes(kinde))

    killer = threading.Thread(target=end)
    killer.start()
    with pytest.raises(Exception, match=r"of \d+ operations? not done"):
        sync.execute(ti)
    killer.join()
    assert counts == [writes(kinde)]
    assert 10 <= counts[0] < PEOPLE
    report = json.loads(Path(ti["ti"].pushed["return_value"]["path"]).read_text(encoding="utf-8"))
    made = [item["id"] for item in report["operations"] if item["kind"] == "create" and item["outcome"] == "done"]
    there = [user["provided_id"].split(":")[1] for user in kinde.state()["users"] if user["provided_id"]]
    assert sorted(made) == sorted(there)

    # What is left is done by the next try.
    kinde.set(latency=0)
    assert KindeSyncOperator(task_id="sync", spec=str(company.spec)).execute(context())["outcome"] == "changes"
    assert sum(bool(user["provided_id"]) for user in kinde.state()["users"]) == PEOPLE


def test_a_task_that_was_ended_before_it_had_a_client_sends_nothing(kinde: Emulator) -> None:
    task = KindeApiOperator(task_id="api", kinde_conn_id="kinde_small", operation="get_users")
    task.on_kill()
    with pytest.raises(KindeError, match="stopped"):
        task.execute(context())
    assert [entry for entry in kinde.log() if entry["kind"] == "api"] == []
