"""Every parameter of Airflow's sensor means the same in the worker, between reschedules and in the triggerer."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta, timezone
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTimeout,
    TaskDeferred,
)

from airflow_provider_kinde.sensors.organizations import (
    KindeInvitationSensor,
    KindeOrganizationSensor,
    KindeOrganizationUserSensor,
)
from airflow_provider_kinde.sensors.sources import HrSourceSensor
from airflow_provider_kinde.sensors.users import KindeUserSensor
from airflow_provider_kinde.storage import source_state
from airflow_provider_kinde.triggers.base import backoff
from airflow_provider_kinde.triggers.events import KindeUserEventTrigger
from airflow_provider_kinde.triggers.sources import HrSourceEventTrigger, HrSourceTrigger
from kinde_emulator import Emulator
from tests.support.operator_runs import AIRFLOW_3, Ti

RESCHEDULE = import_module("airflow.sdk.exceptions" if AIRFLOW_3 else "airflow.exceptions").AirflowRescheduleException
SPEC = """
version: 1
name: small-hr
source: {type: file, path: people.csv}
person: {id: "{{ row.id }}", email: "{{ row.email }}", given_name: a, family_name: b}
employment: {status: Active, active: [Active], inactive: []}
organizations: {it: {name: IT}}
memberships: [{organization: it}]
"""


class World:
    """A Kinde and an HR source in which the five sensors see the same: nothing, what they wait for, or failures."""

    def __init__(self, kinde: Emulator, folder: Path) -> None:
        self.kinde, self.folder = kinde, folder
        self.storage = str(folder / "storage")
        self.met = self.wrong = False

    def sensor(self, name: str, **arguments: Any) -> Any:
        common = {"task_id": "wait", "poke_interval": 0.05, **arguments}
        if name == "source":
            return HrSourceSensor(spec=str(self.folder / "hr.yaml"), storage_path=self.storage, **common)
        common["kinde_conn_id"] = "kinde_test"
        user = {"user_id": "kp_ann" if self.met else "kp_none"}
        if name == "user":
            return KindeUserSensor(**common, **({"email": "no address"} if self.wrong else user))
        if name == "organization":
            code = "a/b" if self.wrong else "org_sales" if self.met else "org_none"
            return KindeOrganizationSensor(**common, org_code=code)
        if name == "invitation":
            # A member needs no invitation.
            address = "no address" if self.wrong else f"{'cat' if self.met else 'none'}@example.com"
            return KindeInvitationSensor(**common, org_code="org_sales", email=address)
        role = {"roles": ["boss" if self.wrong else "seller"]}
        user = {"user_id": "kp_cat" if self.met else "kp_none"}
        return KindeOrganizationUserSensor(**common, org_code="org_sales", **user, **role)

    def becomes(self, state: str) -> None:
        self.met, self.wrong = state == "once", state == "wrong"
        shutil.rmtree(self.storage, ignore_errors=True)
        spec, people = self.folder / "hr.yaml", self.folder / "people.csv"
        spec.write_text("version: 1" if self.wrong else SPEC)
        people.write_text("id,email\n1,a@x.com\n")
        if state == "never":
            source_state.SourceState.of(spec, self.storage, None, timedelta(hours=1)).check()
        if state in ("once", "fails"):
            times = 1 if state == "once" else 1000
            self.kinde.fault("GET", "/api/v1/", status=302, headers={"Location": "/"}, times=times)
            people.unlink()


@pytest.fixture
def world(database: None, kinde: Emulator, tmp_path: Path) -> World:
    return World(kinde, tmp_path)


class Task:
    """A task instance that Airflow starts as often as the way of waiting needs; each time with a new operator."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make
        self.ti: Any = Ti()
        names = {"dag_id": "dag", "task_id": "wait", "run_id": uuid.uuid4().hex, "map_index": -1}
        vars(self.ti).update(names, try_number=1, max_tries=0, start_date=datetime.now(timezone.utc))
        if AIRFLOW_3:
            self.ti.get_first_reschedule_date = lambda context: self.ti.start_date
        self.begun = False

    def start(self, method: str = "execute", *arguments: Any) -> Any:
        operator = self.make()
        if not operator.execution_timeout:
            return getattr(operator, method)(*arguments, context={"ti": self.ti})
        name = "airflow.sdk.execution_time.timeout" if AIRFLOW_3 else "airflow.utils.timeout"
        with import_module(name).timeout(operator.execution_timeout.total_seconds()):
            return getattr(operator, method)(*arguments, context={"ti": self.ti})

    def run(self) -> Any:
        while True:
            try:
                return self.start()
            except RESCHEDULE as later:
                self._written(later.reschedule_date)
                time.sleep(max(0.0, (later.reschedule_date - datetime.now(timezone.utc)).total_seconds()))
            except TaskDeferred as deferred:
                path, arguments = deferred.trigger.serialize()
                module, _, kind = path.rpartition(".")
                trigger = getattr(import_module(module), kind)(**json.loads(json.dumps(arguments)))
                return self.start("resume_execution", deferred.method_name, {"event": asyncio.run(_event(trigger))})

    def _written(self, until: datetime) -> None:
        """Airflow 2 reads the time of the first check from its database."""
        if AIRFLOW_3 or self.begun:
            return
        from airflow import settings

        self.begun = True
        names = ("dag_id", "task_id", "run_id", "map_index", "try_number")
        moments = [f"{moment:%Y-%m-%d %H:%M:%S.%f}" for moment in (self.ti.start_date, until, until)]
        row = [*(getattr(self.ti, name) for name in names), 0, *moments]
        columns = ", ".join((*names, "duration", "start_date", "end_date", "reschedule_date"))
        # Not over Airflow: the row belongs to a task instance, of which a sensor on its own has none.
        with closing(sqlite3.connect(settings.engine.url.database)) as database, database:
            database.execute(f"INSERT INTO task_reschedule ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)

    def state(self) -> str:
        try:
            return "success" if self.run() else "no value"
        except AirflowSkipException:
            return "skipped"
        except (AirflowFailException, AirflowSensorTimeout):
            return "failed"
        except (Exception, AirflowTaskTimeout):
            return "up for retry"


async def _event(trigger: Any) -> Any:
    (event,) = [event.payload async for event in trigger.run()]
    return event


WAYS: dict[str, dict[str, Any]] = {
    "poke": {"deferrable": False, "mode": "poke"},
    "reschedule": {"deferrable": False, "mode": "reschedule"},
    "deferrable": {"deferrable": True},
}
SHORT = {"timeout": 0.2}
# It ends the wait between two checks: raised in one, it may meet a finalizer, which swallows every exception.
OVER = {"execution_timeout": timedelta(seconds=1.2), "poke_interval": 1.6}


@pytest.mark.parametrize("sensor", ["user", "organization", "member", "invitation", "source"])
@pytest.mark.parametrize(
    ("sees", "parameters", "ends"),
    [
        ("never", {**SHORT}, "failed"),
        ("never", {**SHORT, "soft_fail": True}, "skipped"),
        ("never", {**SHORT, "never_fail": True}, "failed"),
        ("never", {"timeout": timedelta(seconds=0.2), "poke_interval": timedelta(seconds=0.1)}, "failed"),
        ("never", {**SHORT, "exponential_backoff": True, "max_wait": 0.1, "silent_fail": True}, "failed"),
        ("fails", {"max_failures": 2}, "up for retry"),
        ("fails", {"max_failures": 2, "soft_fail": True}, "up for retry"),
        ("fails", {"max_failures": 2, "never_fail": True}, "skipped"),
        ("fails", {"max_failures": 1}, "up for retry"),
        ("fails", {"max_failures": 1, "never_fail": True}, "skipped"),
        ("fails", {"max_failures": 1, "silent_fail": True, **SHORT}, "failed"),
        ("fails", {"max_failures": 100, "soft_fail": True, **SHORT}, "skipped"),
        ("once", {"max_failures": 2}, "success"),
        ("once", {"max_failures": 1, "silent_fail": True}, "success"),
        ("once", {"max_failures": 1, "retries": 3}, "up for retry"),
        ("wrong", {}, "failed"),
        ("wrong", {"soft_fail": True}, "skipped"),
        ("wrong", {"never_fail": True, "retries": 3}, "skipped"),
        ("wrong", {"silent_fail": True}, "failed"),
    ],
)
def test_a_parameter_means_the_same_in_each_way_of_waiting(
    world: World, sensor: str, sees: str, parameters: dict[str, Any], ends: str
) -> None:
    assert _ends(world, sensor, sees, parameters) == dict.fromkeys(WAYS, ends)


# Each takes seconds; the sensors of Kinde have one way to wait.
@pytest.mark.parametrize("sensor", ["user", "source"])
@pytest.mark.parametrize("parameters", [{}, {"soft_fail": True}, {"never_fail": True, "timeout": 60}])
def test_a_task_that_takes_too_long_is_tried_again(world: World, sensor: str, parameters: dict[str, Any]) -> None:
    assert _ends(world, sensor, "never", {**OVER, **parameters}) == dict.fromkeys(WAYS, "up for retry")


def _ends(world: World, sensor: str, sees: str, parameters: dict[str, Any]) -> dict[str, str]:
    found = {}
    for way, how in WAYS.items():
        world.kinde.clear_faults()
        world.becomes(sees)
        task = Task(lambda how=how: world.sensor(sensor, **{**how, **parameters}))  # type: ignore[misc]
        if sees == "once" and sensor == "source":
            # The file is back once the first check has failed.
            task.make = _back_after(task.make, world.folder / "people.csv")
        found[way] = task.state()
    return found


def _back_after(make: Callable[[], Any], file: Path) -> Callable[[], Any]:
    def made() -> Any:
        sensor = make()
        check = sensor._check

        def once(context: Any) -> Any:
            try:
                return check(context)
            finally:
                file.write_text("id,email\n1,a@x.com\n", encoding="utf-8")

        sensor._check = once
        return sensor

    return made


@pytest.mark.parametrize("way", WAYS)
def test_an_unknown_role_is_no_wait_even_if_the_first_check_fails(world: World, way: str) -> None:
    world.becomes("wrong")
    world.kinde.fault("GET", "/api/v1/roles", status=302, headers={"Location": "/"})
    assert Task(lambda: world.sensor("member", **WAYS[way])).state() == "failed"


def test_failed_checks_count_anew_in_each_try(world: World) -> None:
    world.becomes("fails")
    task = Task(lambda: world.sensor("user", max_failures=3, **WAYS["reschedule"]))
    states = []
    for number in (1, 2):
        task.ti.try_number = number
        world.kinde.clear_log()
        states.append((task.state(), len(world.kinde.log())))
    assert states[0][0] == states[1][0] == "up for retry"
    assert states[0][1] >= states[1][1] >= 3


def test_a_reschedule_without_storage_fails_the_task(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.becomes("fails")
    (world.folder / "no folder").write_text("")
    monkeypatch.setenv("AIRFLOW__KINDE__STORAGE_PATH", str(world.folder / "no folder"))
    assert Task(lambda: world.sensor("user", **WAYS["reschedule"])).state() == "up for retry"


@pytest.mark.parametrize(
    ("interval", "longest", "least"),
    [(60, None, [30, 60, 120, 240]), (60, 100, [30, 60, 100, 100, 100]), (0.5, None, [1, 2, 4, 8]), (10, 3, [3, 3, 3])],
)
def test_pauses_double_as_in_a_worker(interval: float, longest: float | None, least: list[float]) -> None:
    now, pauses = 0.0, []
    for _ in least:
        pauses.append(backoff(interval, longest, now, "seed"))
        # A triggerer that was restarted half-way checks at the same moment.
        assert backoff(interval, longest, now + pauses[-1] / 2, "seed") == pytest.approx(pauses[-1] / 2)
        now += pauses[-1]
    for pause, shortest in zip(pauses, least, strict=True):
        assert shortest * 0.99 <= pause <= min(2 * shortest, longest or 1e9) * 1.01


def test_a_long_wait_with_a_short_limit_is_quickly_counted() -> None:
    assert 0 < backoff(1, 1, 7 * 86400 + 0.5, "seed") <= 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"poke_interval": 0},
        {"poke_interval": timedelta(0)},
        {"timeout": 0},
        {"timeout": timedelta(0)},
        {"exponential_backoff": True, "max_wait": 0},
        {"execution_timeout": timedelta(seconds=-1)},
        {"max_failures": 0},
        {"max_failures": True},
    ],
)
@pytest.mark.parametrize("sensor", ["user", "organization", "member", "invitation", "source"])
def test_durations_of_zero_or_less_are_refused_at_parse(world: World, sensor: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(reversed(wrong))):
        world.sensor(sensor, **wrong)


@pytest.mark.parametrize("name", ["at_least_every", "retry_after"])
@pytest.mark.parametrize("wrong", [0, timedelta(0), -1, "1h", True])
def test_the_source_sensor_takes_durations_above_0(world: World, name: str, wrong: Any) -> None:
    with pytest.raises(ValueError, match=name):
        world.sensor("source", **{name: wrong})
    assert getattr(world.sensor("source", **{name: 90}), name) == timedelta(seconds=90)


def test_triggers_take_durations_above_0() -> None:
    state = source_state.SourceState("", "", "", 0, 1).parameters()
    make: list[Callable[..., Any]] = [lambda **how: HrSourceTrigger(state=state, **how)]
    if AIRFLOW_3:
        make += [lambda **how: HrSourceEventTrigger(state=state, **how), KindeUserEventTrigger]
    for kind in make:
        made = kind(poll_interval=timedelta(seconds=90))
        assert json.loads(json.dumps(made.serialize()[1]))["poll_interval"] == 90
        for wrong in (0, timedelta(0), -1.0, "60"):
            with pytest.raises(ValueError, match="poll_interval"):
                kind(poll_interval=wrong)
