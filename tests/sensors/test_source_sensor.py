"""Waiting for HR's data to change: the look, the sensor, the triggers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException, TaskDeferred

from airflow_provider_kinde.exceptions import SourceError
from airflow_provider_kinde.sensors.sources import HrSourceSensor
from airflow_provider_kinde.storage import source_state
from airflow_provider_kinde.triggers.sources import HrSourceEventTrigger, HrSourceTrigger
from airflow_provider_kinde.version_compat import has_asset_watchers

SPEC = """
version: 1
name: small-hr
source: {type: file, path: people.csv}
person: {id: "{{ row.id }}", email: "{{ row.email }}", given_name: a, family_name: b}
employment: {status: Active, active: [Active], inactive: []}
organizations: {it: {name: IT}}
memberships: [{organization: it}]
"""
NOW = datetime(2026, 3, 2, 12, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)


class Source:
    def __init__(self, folder: Path) -> None:
        self.spec, self.file, self.root = folder / "hr.yaml", folder / "people.csv", str(folder / "storage")
        self.spec.write_text(SPEC)
        self.writes = 0
        self.write()

    def write(self) -> None:
        self.writes += 1
        self.file.write_text("id,email\n1,a@x.com\n")
        os.utime(self.file, (self.writes, self.writes))

    def state(self, every: timedelta | None = 6 * HOUR) -> source_state.SourceState:
        return source_state.SourceState.of(self.spec, self.root, every, HOUR)

    def look(self, at: datetime = NOW, every: timedelta | None = 6 * HOUR) -> str:
        found = self.state(every).check(at)
        assert found.met == bool(found.value)
        return str(found.value.get("why", ""))

    def sync(self, at: datetime = NOW) -> None:
        source_state.synced(self.root, "small-hr", source_state.fired_for(self.root, "small-hr"), at)


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return Source(tmp_path)


def test_the_first_look_fires_and_a_synced_source_is_quiet(source: Source) -> None:
    assert source.look() == "nothing was synced yet"
    source.sync(NOW + HOUR / 60)
    assert source.look(NOW + HOUR) == ""
    source.write()
    assert source.look(NOW + HOUR) == "the source changed"
    source.sync(NOW + HOUR)
    assert source.look(NOW + HOUR) == ""


def test_a_change_whose_sync_failed_fires_again_but_not_at_once(source: Source) -> None:
    source.look()
    source.sync()
    source.write()
    assert source.look(NOW + HOUR) == "the source changed"
    assert source.look(NOW + 1.5 * HOUR) == ""
    assert source.look(NOW + 2 * HOUR) == "the source changed"
    source.write()
    assert source.look(NOW + 2.1 * HOUR) == "the source changed"


def test_a_sync_is_due_after_a_while_without_a_change(source: Source) -> None:
    source.look()
    source.sync()
    assert source.look(NOW + 5.9 * HOUR) == ""
    assert source.look(NOW + 7 * HOUR, every=None) == ""
    assert source.look(NOW + 7 * HOUR) == "the last sync was 7.0 hours ago"
    assert source.look(NOW + 7.1 * HOUR) == ""


def test_a_change_during_the_sync_is_not_lost(source: Source) -> None:
    source.look()
    fired = source_state.fired_for(source.root, "small-hr")
    source.write()
    source_state.synced(source.root, "small-hr", fired, NOW + HOUR)
    assert source.look(NOW + HOUR) == "the source changed"


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_run_that_only_plans_leaves_the_change_to_the_next_sync(source: Source, deferrable: bool) -> None:
    def waits(stays_due: str) -> bool:
        task = sensor(source, deferrable=deferrable, stays_due=stays_due)
        if not deferrable:
            return not task.poke({}).is_done  # type: ignore[typeddict-item]
        try:
            task.execute({})  # type: ignore[typeddict-item]
        except TaskDeferred as deferred:
            state = deferred.trigger.serialize()[1]["state"]
        else:
            return False
        assert state["stays_due"] is (stays_due == "true")
        return True

    source.look(NOW)
    source.sync(NOW)
    source.write()
    assert not waits("true")
    assert waits("true")  # the same change is not news to the next run that only plans
    assert not waits("false")
    source.sync(datetime.now(timezone.utc))
    assert waits("true")
    assert waits("false")


def test_an_unreadable_state_counts_as_no_state(source: Source) -> None:
    source.look()
    source.sync()
    for path in Path(source.root).rglob("source-*.json"):
        path.write_text("{")
    assert source.look() == "nothing was synced yet"


def test_the_kept_state_is_small_and_names_no_person(source: Source) -> None:
    source.look()
    source.sync()
    kept = [path.read_text() for path in Path(source.root).rglob("source-*.json")]
    assert len(kept) == 2
    assert all(len(text) < 300 and "@" not in text for text in kept)


def sensor(source: Source, **arguments: Any) -> HrSourceSensor:
    return HrSourceSensor(task_id="wait", spec=str(source.spec), storage_path=source.root, **arguments)


def test_the_sensor_looks_and_hands_on_why(source: Source) -> None:
    task = sensor(source, deferrable=False)
    assert task.mode == "reschedule"
    seen = task.poke({})  # type: ignore[typeddict-item]
    assert (seen.is_done, seen.xcom_value["why"]) == (True, "nothing was synced yet")
    assert not task.poke({}).is_done  # type: ignore[typeddict-item]


def test_the_sensor_s_errors(source: Source) -> None:
    source.file.unlink()
    with pytest.raises(SourceError, match="its time of change cannot be read"):
        sensor(source, max_failures=1).poke({})  # type: ignore[typeddict-item]
    source.spec.write_text("version: 1")
    with pytest.raises(AirflowFailException):
        sensor(source).poke({})  # type: ignore[typeddict-item]
    source.spec.unlink()
    with pytest.raises(AirflowFailException, match="cannot be read"):
        sensor(source).poke({})  # type: ignore[typeddict-item]


def events(trigger: Any) -> list[dict[str, Any]]:
    async def collect() -> list[dict[str, Any]]:
        return [dict(event.payload) async for event in trigger.run()]

    return asyncio.run(collect())


def test_deferred_it_goes_on_in_the_triggerer(source: Source) -> None:
    source.look(datetime.now(timezone.utc))
    task = sensor(source, deferrable=True, poke_interval=5)
    with pytest.raises(TaskDeferred) as caught:
        task.execute({})  # type: ignore[typeddict-item]
    name, arguments = caught.value.trigger.serialize()
    json.dumps(arguments)
    # The spec's file need not be where the triggerer is.
    source.spec.unlink()
    source.write()
    trigger = HrSourceTrigger(**arguments)
    assert (name, trigger.poll_interval) == ("airflow_provider_kinde.triggers.sources.HrSourceTrigger", 5)

    (event,) = events(trigger)
    value = task.execute_complete({}, event)  # type: ignore[typeddict-item]
    assert value["why"] == "nothing was synced yet"


def test_a_sensor_with_something_to_do_is_not_deferred(source: Source) -> None:
    assert sensor(source, deferrable=True).execute({})["why"] == "nothing was synced yet"  # type: ignore[typeddict-item]


def test_a_trigger_gives_up(source: Source) -> None:
    source.look(datetime.now(timezone.utc))
    state = source.state().parameters()
    assert events(HrSourceTrigger(state=state, poll_interval=0.01, deadline=0.0)) == [{"status": "timeout"}]
    source.file.unlink()
    (event,) = events(HrSourceTrigger(state=state, poll_interval=0.01, max_failures=2))
    assert (event["status"], event["retry"]) == ("error", True)
    assert "2 checks in a row failed" in event["message"]


def test_an_asset_is_watched_for_ever(source: Source) -> None:
    if not has_asset_watchers():
        with pytest.raises(RuntimeError, match="needs Airflow 3"):
            HrSourceEventTrigger(state=source.state().parameters())
        return
    trigger = HrSourceEventTrigger(state=source.state().parameters(), poll_interval=0.01)
    again = HrSourceEventTrigger(**trigger.serialize()[1])

    async def two() -> list[dict[str, Any]]:
        found = []
        async for event in again.run():
            found.append(dict(event.payload))
            if len(found) == 2:
                break
            source.sync(datetime.now(timezone.utc))
            source.file.unlink()  # a look that fails is none
            asyncio.get_running_loop().call_later(0.1, source.write)
        return found

    first, second = asyncio.run(asyncio.wait_for(two(), 20))
    assert set(first) == {"why", "at"}
    assert (first["why"], second["why"]) == ("nothing was synced yet", "the source changed")


@pytest.mark.skipif(not has_asset_watchers(), reason="about Airflow 3")
def test_a_broken_spec_starts_a_run_that_fails_and_not_every_second(source: Source) -> None:
    async def within(seconds: float, retry_after: float) -> list[str]:
        found: list[str] = []
        state = {**source.state().parameters(), "retry_after": retry_after}

        async def listen() -> None:
            events = HrSourceEventTrigger(state=state, poll_interval=0.02).run()
            while True:
                found.append((await anext(events)).payload["why"])

        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(listen(), seconds)
        return found

    source.spec.write_text("version: 1")
    (why,) = asyncio.run(within(0.5, 3600))
    assert why.startswith("the HR source cannot be checked: ")
    assert "hr.yaml" in why
    # A source that may be back is not told of at once.
    source.spec.write_text(SPEC)
    source.file.unlink()
    assert asyncio.run(within(0.3, 3600)) == []
    assert len(asyncio.run(within(1.0, 0.4))) in (1, 2)
