from __future__ import annotations

import asyncio
import dataclasses
import inspect
import json
import subprocess
import sys
import time
from collections.abc import Coroutine
from importlib import import_module
from typing import Any

import pytest

from airflow_provider_kinde.resources.conditions import CONDITIONS
from airflow_provider_kinde.triggers import poller as pollers
from airflow_provider_kinde.triggers.base import WaitTrigger
from airflow_provider_kinde.triggers.conditions import KindeConditionTrigger
from airflow_provider_kinde.triggers.poller import until_next
from kinde_emulator import Emulator
from tests.support.company import connection
from tests.support.operator_runs import calls

KIND: dict[str, Any] = {"kinde_conn_id": "kinde_test", "poll_interval": 0.3}


COMMON = inspect.signature(WaitTrigger.__init__).parameters.keys() - {"self"} | {"kinde_conn_id", "prepared"}


def waiting(name: str, arguments: dict[str, Any]) -> KindeConditionTrigger:
    common = {key: arguments.pop(key) for key in list(arguments) if key in COMMON}
    return KindeConditionTrigger(condition=name, parameters=arguments, **common)


def user(**arguments: Any) -> KindeConditionTrigger:
    return waiting("UserCondition", arguments)


def organization(**arguments: Any) -> KindeConditionTrigger:
    return waiting("OrganizationCondition", arguments)


def member(**arguments: Any) -> KindeConditionTrigger:
    return waiting("MemberCondition", arguments)


def go(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


async def event(trigger: Any, within: float = 20) -> Any:
    async def first() -> Any:
        events = [item.payload async for item in trigger.run()]
        assert len(events) == 1
        return events[0]

    return await asyncio.wait_for(first(), within)


COMMON_VALUES: dict[str, Any] = {
    "kinde_conn_id": "c",
    "prepared": True,
    "poll_interval": 7.5,
    "exponential_backoff": True,
    "max_wait": 60.0,
    "started": 0.5,
    "deadline": 1.5,
    "execution_deadline": 2.5,
    "max_failures": 9,
    "failures": 3,
}
EXAMPLES = [
    user(
        user_id="kp_a",
        email="a@b.example",
        condition="active",
        identity="x",
        identity_type="email",
        **COMMON_VALUES,
    ),
    organization(
        org_code="o",
        handle="h",
        external_id="e",
        name="n",
        condition="missing",
        **COMMON_VALUES,
    ),
    member(
        org_code="o",
        handle="h",
        external_id="e",
        name="n",
        user_id="kp_a",
        email="a@b.example",
        roles=["r"],
        condition="missing",
        **COMMON_VALUES,
    ),
]


@pytest.mark.parametrize("trigger", EXAMPLES, ids=lambda trigger: trigger.condition)
def test_every_setting_survives_a_round_trip(trigger: Any) -> None:
    path, kwargs = trigger.serialize()
    assert kwargs.keys() == COMMON | {"condition", "parameters"}
    fields = dataclasses.fields(CONDITIONS[trigger.condition])  # type: ignore[arg-type]
    assert kwargs["parameters"].keys() == {field.name for field in fields}
    # Each one differs from its default, so that one that is dropped shows.
    assert not [field.name for field in fields if kwargs["parameters"][field.name] == field.default]
    defaults = KindeConditionTrigger(condition="", parameters={}).serialize()[1]
    assert not [name for name, value in kwargs.items() if value == defaults[name]]
    module, _, name = path.rpartition(".")
    kind = getattr(import_module(module), name)
    again = kind(**json.loads(json.dumps(kwargs)))
    assert again.serialize() == (path, kwargs)
    encoded = _through_the_database(path, kwargs)
    assert kind(**encoded).serialize() == (path, kwargs)


def _through_the_database(path: str, kwargs: dict[str, Any]) -> dict[str, Any]:
    from airflow.models.trigger import Trigger

    return dict(Trigger(classpath=path, kwargs=kwargs).kwargs)


def test_events(kinde: Emulator) -> None:
    async def all_of_them() -> list[Any]:
        return await asyncio.gather(
            event(user(email="ann@example.com", **KIND)),
            event(user(user_id="kp_bob", condition="suspended", **KIND)),
            event(organization(name="Sales", **KIND)),
            event(member(handle="sales", user_id="kp_cat", roles=["seller"], **KIND)),
        )

    assert [found["value"] for found in go(all_of_them())] == [
        {"user_id": "kp_ann", "state": "active"},
        {"user_id": "kp_bob", "state": "suspended"},
        {"org_code": "org_sales"},
        {"user_id": "kp_cat", "org_code": "org_sales", "roles": ["seller"]},
    ]


def test_a_trigger_fires_on_a_change(kinde: Emulator) -> None:
    async def later() -> None:
        await asyncio.sleep(0.7)
        await asyncio.to_thread(kinde.seed, {"users": [{"id": "kp_new", "email": "new@example.com"}]})

    async def both() -> Any:
        found, _ = await asyncio.gather(event(user(email="NEW@example.com", **KIND)), later())
        return found

    assert go(both()) == {"status": "met", "value": {"user_id": "kp_new", "state": "active"}}


def test_a_deadline_of_the_wall_clock(kinde: Emulator) -> None:
    kind = {**KIND, "poll_interval": 60}
    begun = time.monotonic()
    assert go(event(user(user_id="kp_no", deadline=time.time() + 0.5, **kind))) == {"status": "timeout"}
    assert time.monotonic() - begun < 5
    # After a restart that took long, it looks once more before it gives up.
    assert go(event(user(user_id="kp_no", deadline=time.time() - 9, **kind))) == {"status": "timeout"}
    assert go(event(user(user_id="kp_ann", deadline=time.time() - 9, **kind)))["status"] == "met"


def _broken(kinde: Emulator, times: int) -> None:
    kinde.fault("GET", "/api/v1/users", status=302, headers={"Location": "/"}, times=times)


def test_several_failures_in_a_row_pass(kinde: Emulator) -> None:
    _broken(kinde, 4)
    assert go(event(user(user_id="kp_ann", **KIND)))["status"] == "met"


def test_failures_that_do_not_pass(kinde: Emulator) -> None:
    _broken(kinde, 5)
    found = go(event(user(user_id="kp_ann", **KIND)))
    assert (found["status"], found["retry"]) == ("error", True)
    assert "5 checks in a row failed" in found["message"]
    assert "redirect" in found["message"]


def test_impossible_parameters_are_reported_at_once(kinde: Emulator) -> None:
    kinde.seed({"organizations": [{"name": "Sales", "code": "org_other"}]})
    found = go(event(organization(name="Sales", **KIND)))
    assert (found["status"], found["retry"]) == ("error", False)
    assert "2 organizations have the name" in found["message"]
    found = go(event(user(user_id="a/b", **KIND)))
    assert (found["status"], found["retry"]) == ("error", False)


def test_a_wrong_secret_ends_the_wait_at_once(kinde: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_KINDE_TEST", connection(kinde, password="wrong"))
    found = go(event(user(user_id="kp_ann", **KIND)))
    assert (found["status"], found["retry"]) == ("error", False)


def test_a_secret_that_is_changed_while_waiting_is_read_anew(kinde: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    async def change() -> None:
        await asyncio.sleep(0.6)
        monkeypatch.setenv("AIRFLOW_CONN_KINDE_TEST", connection(kinde, password="another"))
        kinde.set(client_secret="another")
        kinde.revoke_tokens()
        await asyncio.sleep(0.6)
        await asyncio.to_thread(kinde.seed, {"users": [{"id": "kp_new", "email": "new@example.com"}]})

    async def both() -> Any:
        found, _ = await asyncio.gather(event(user(user_id="kp_new", max_failures=1, **KIND)), change())
        return found

    assert go(both())["status"] == "met"


def test_triggers_share_their_requests(kinde: Emulator) -> None:
    users = [{"id": f"kp_{n}", "email": f"p{n}@example.com", "memberships": ["org_sales"]} for n in range(60)]
    kinde.seed({"users": users})
    kinde.clear_log()

    async def many() -> list[Any]:
        return await asyncio.gather(
            *(event(user(email=f"P{n}@example.com", **KIND)) for n in range(60)),
            *(event(user(user_id=f"kp_{n}", **KIND)) for n in range(40)),
            *(event(organization(name="Sales", **KIND)) for _ in range(20)),
            *(event(member(handle="sales", user_id=f"kp_{n}", **KIND)) for n in range(20)),
        )

    found = go(many())
    assert {item["status"] for item in found} == {"met"}
    assert [item["value"]["user_id"] for item in found[:60]] == [f"kp_{n}" for n in range(60)]
    # 60 addresses in both spellings are three requests, forty ids one; the organizations are listed once or twice.
    assert calls(kinde).count("GET /api/v1/users") == 4
    assert calls(kinde).count("GET /api/v1/organizations") <= 2
    assert len(calls(kinde)) <= 6


def test_waiting_triggers_look_together(kinde: Emulator) -> None:
    async def many() -> list[Any]:
        end = time.time() + 2.2
        kind = {**KIND, "poll_interval": 1, "deadline": end}

        async def late(number: int) -> Any:
            await asyncio.sleep(number * 0.03)
            return await event(user(user_id=f"kp_none{number}", **kind))

        return await asyncio.gather(*(late(number) for number in range(20)))

    assert {item["status"] for item in go(many())} == {"timeout"}
    # Alone, each would send four; a beat takes one for all of them.
    assert len(calls(kinde)) < 30


def test_a_cancelled_trigger_does_not_end_the_others(kinde: Emulator) -> None:
    kinde.set(latency=400)

    async def both() -> Any:
        gone = asyncio.ensure_future(event(organization(name="Sales", **KIND)))
        stays = asyncio.ensure_future(event(organization(name="Sales", **KIND)))
        await asyncio.sleep(0.2)
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        found = await stays
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        return found, left, dict(pollers._pollers.get(asyncio.get_running_loop(), {}))

    found, left, held = go(both())
    assert found["status"] == "met"
    assert (left, held) == ([], {})


def test_the_last_one_closes_the_connections(kinde: Emulator) -> None:
    async def alone() -> tuple[int, dict[str, Any]]:
        kinde.set(latency=10_000)
        task = asyncio.ensure_future(event(user(user_id="kp_ann", **KIND)))
        await asyncio.sleep(0.5)
        task.cancel()
        await asyncio.wait([task])
        await asyncio.sleep(0.05)
        return len(asyncio.all_tasks()), dict(pollers._pollers.get(asyncio.get_running_loop(), {}))

    assert go(alone()) == (1, {})


def test_beats() -> None:
    for interval in (0.3, 1.0, 60.0):
        left = until_next(interval)
        assert interval / 10 <= left <= interval * 1.1
        beat = (time.time() + left) % interval
        assert min(beat, interval - beat) < 0.05


LAG = """
import asyncio, json, sys, time
from airflow.providers.common.compat.sdk import BaseHook
from airflow_provider_kinde.triggers.conditions import KindeConditionTrigger

MEMBER = {"name": "Sales", "user_id": "kp_cat", "roles": ["lead"]}

async def main():
    longest, over = 0.0, False
    async def watchdog():
        nonlocal longest
        while not over:
            before = time.perf_counter()
            await asyncio.sleep(0.005)
            longest = max(longest, time.perf_counter() - before - 0.005)
    async def one(trigger):
        return [event.payload async for event in trigger.run()][0]
    dog = asyncio.ensure_future(watchdog())
    await asyncio.sleep(0.05)
    kind = {"kinde_conn_id": "kinde_test", "poll_interval": 0.5, "deadline": time.time() + 4}
    found = await asyncio.gather(
        *(one(KindeConditionTrigger(condition="UserCondition", parameters={"email": f"nobody{n}@example.com"}, **kind))
          for n in range(50)),
        *(one(KindeConditionTrigger(condition="MemberCondition", parameters=MEMBER, **kind)) for _ in range(20)),
    )
    over = True
    await dog
    print(json.dumps({"lag": longest, "states": sorted({item["status"] for item in found})}))

# A triggerer has Airflow's own part of this loaded.
BaseHook.get_connection("kinde_test").extra_dejson
asyncio.run(main())
"""


def test_the_loop_is_never_blocked(kinde: Emulator) -> None:
    # A process of its own: there our first imports, the connection and the token are part of it.
    kinde.set(latency=3000)
    done = subprocess.run([sys.executable, "-c", LAG], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["states"] == ["timeout"]
    # An answer takes 3 s: a single one waited for on the loop would show.
    assert found["lag"] < 2, found
