from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_kinde.client import KindeClient
from airflow_provider_kinde.triggers.events import (
    KindeMembershipEventTrigger,
    KindeOrganizationEventTrigger,
    KindeUserEventTrigger,
)
from kinde_emulator import Emulator
from tests.support.operator_runs import AIRFLOW_3, calls

only_3 = pytest.mark.skipif(not AIRFLOW_3, reason="asset watchers came with Airflow 3")

KIND: dict[str, Any] = {"kinde_conn_id": "kinde_test", "poll_interval": 0.3}


@pytest.mark.skipif(AIRFLOW_3, reason="about Airflow 2")
def test_airflow_2_is_told_so_only_when_it_is_used() -> None:
    with pytest.raises(RuntimeError, match="needs Airflow 3"):
        KindeUserEventTrigger()


@only_3
def test_every_setting_survives_a_round_trip() -> None:
    kwargs = {
        "kinde_conn_id": "c",
        "events": ["created", "deleted"],
        "poll_interval": 5.0,
        "storage_path": "/tmp/x",
        "name": "n",
    }
    path, serialized = KindeUserEventTrigger(**kwargs).serialize()
    assert path == "airflow_provider_kinde.triggers.events.KindeUserEventTrigger"
    assert serialized == kwargs
    assert json.loads(json.dumps(serialized)) == kwargs
    from airflow.triggers.base import BaseEventTrigger

    assert isinstance(BaseEventTrigger.hash(path, serialized), int)


@only_3
@pytest.mark.parametrize("wrong", [{"events": ["moved"]}, {"events": []}, {"events": "created"}, {"poll_interval": 0}])
def test_nonsense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must be|expected a timedelta"):
        KindeUserEventTrigger(**wrong)


async def steps(trigger: Any, *changes: Callable[[], Any]) -> list[Any]:
    """Events of a trigger that polls once before, between and after some changes."""
    found: list[Any] = []

    async def stream() -> AsyncIterator[Any]:
        listed = type(trigger)(**{**trigger.serialize()[1], "poll_interval": 0.2}).listings()
        yield await anext_(listed)
        for change in changes:
            await asyncio.to_thread(change)
            yield await anext_(listed)
        await listed.aclose()  # type: ignore[attr-defined]

    async for event in trigger.filter_shared_stream(stream()):
        found.append(event.payload)  # noqa: PERF401
    return found


async def remembered(*triggers: Any) -> None:
    """Wait for the first poll of some triggers."""
    while not all(Path(trigger._file()).exists() for trigger in triggers):
        await asyncio.sleep(0.02)


async def anext_(listed: Any) -> Any:
    return await listed.__anext__()


@only_3
def test_changes_of_users_become_events(kinde: Emulator) -> None:
    found = asyncio.run(
        steps(
            KindeUserEventTrigger(**KIND),
            lambda: None,
            lambda: kinde.seed({"users": [{"id": "kp_new", "email": "new@example.com"}]}),
            lambda: kinde.seed({"users": [{"id": "kp_ann", "last_name": "Low"}]}),
            lambda: kinde.seed({"users": [{"id": "kp_ann", "is_suspended": True}]}),
            lambda: kinde.seed({"users": [{"id": "kp_ann", "is_suspended": False, "total_sign_ins": 7}]}),
            lambda: kinde.seed({"users": [{"id": "kp_bob", "total_sign_ins": 9, "is_suspended": True}]}),
            lambda: kinde.seed({"users": [{"id": "kp_new", "memberships": ["org_sales"]}]}),
        )
    )
    assert [event["users"] for event in found] == [
        {"created": ["kp_new"]},
        {"changed": ["kp_ann"]},
        {"suspended": ["kp_ann"]},
        {"changed": ["kp_ann"]},
        {"changed": ["kp_new"]},
    ]
    assert found[0]["counts"] == {"created": 1}
    assert not found[0]["truncated"]


def _delete(kinde: Emulator, user_id: str) -> None:
    from airflow_provider_kinde.operators.users import KindeDeleteUserOperator
    from tests.support.operator_runs import execute

    execute(KindeDeleteUserOperator(task_id="t", kinde_conn_id="kinde_test", user_id=user_id))


@only_3
def test_deletions_and_only_those_asked_for(kinde: Emulator) -> None:
    found = asyncio.run(
        steps(
            KindeUserEventTrigger(**KIND, events=["deleted"]),
            lambda: kinde.seed({"users": [{"id": "kp_new", "email": "new@example.com"}]}),
            lambda: _delete(kinde, "kp_new"),
            lambda: _delete(kinde, "kp_bob"),
        )
    )
    assert [event["users"] for event in found] == [{"deleted": ["kp_new"]}, {"deleted": ["kp_bob"]}]


@only_3
def test_changes_while_the_trigger_was_down_become_events(kinde: Emulator, tmp_path: Path) -> None:
    kind = {**KIND, "storage_path": str(tmp_path / "watch")}
    assert asyncio.run(steps(KindeUserEventTrigger(**kind))) == []
    kinde.seed({"users": [{"id": "kp_new", "email": "new@example.com"}]})
    found = asyncio.run(steps(KindeUserEventTrigger(**kind)))
    assert [event["users"] for event in found] == [{"created": ["kp_new"]}]
    assert asyncio.run(steps(KindeUserEventTrigger(**kind))) == []
    (kept,) = (tmp_path / "watch").rglob("*.json")
    content = json.loads(kept.read_text())
    assert {len(value) for value in content["users"].values()} == {16}
    assert "example.com" not in kept.read_text()
    # Another watcher has a memory of its own.
    assert asyncio.run(steps(KindeUserEventTrigger(**kind, name="other"))) == []


@only_3
@pytest.mark.parametrize("kept", ["{", "[]", '{"host": "other.kinde.com", "users": {}}'])
def test_a_memory_that_is_not_ours_counts_as_none(kinde: Emulator, kept: str) -> None:
    trigger = KindeUserEventTrigger(**KIND)
    path = Path(trigger._file())
    path.parent.mkdir(parents=True)
    path.write_text(kept, encoding="utf-8")
    assert asyncio.run(steps(trigger)) == []
    assert "kp_ann" in json.loads(path.read_text(encoding="utf-8"))["users"]


@only_3
def test_a_user_who_slipped_through_the_pages_is_not_deleted(kinde: Emulator) -> None:
    trigger = KindeUserEventTrigger(**KIND)
    everybody = asyncio.run(_one())
    partly = {**everybody, "items": {key: value for key, value in everybody["items"].items() if key != "kp_ann"}}

    async def stream() -> AsyncIterator[Any]:
        yield everybody
        yield partly

    async def collect() -> list[Any]:
        return [event async for event in trigger.filter_shared_stream(stream())]

    assert asyncio.run(collect()) == []


async def _one() -> Any:
    listed = KindeUserEventTrigger(kinde_conn_id="kinde_test", poll_interval=0.2).listings()
    found = await anext_(listed)
    await listed.aclose()  # type: ignore[attr-defined]
    return found


@only_3
def test_half_a_listing_is_none(kinde: Emulator) -> None:
    kinde.fault("GET", "/api/v1/users", status=302, headers={"Location": "/"}, times=3)
    found = asyncio.run(_one())
    assert len(found["items"]) == 3
    assert len(calls(kinde)) == 4


@only_3
def test_a_listing_without_ids_yields_no_event(kinde: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    kinde.fault("GET", "/api/v1/users", status=200, body={"users": [{"email": "a@b.example"}]})
    assert len(asyncio.run(_one())["items"]) == 3
    assert "answered with 'None' as 'id'" in caplog.text


@only_3
def test_one_poll_for_many_watchers(kinde: Emulator) -> None:
    first = KindeUserEventTrigger(**KIND, events=["created"])
    second = KindeUserEventTrigger(**KIND, events=["suspended"], name="b")
    other = KindeUserEventTrigger(**{**KIND, "poll_interval": 9})
    assert first.shared_stream_key() == second.shared_stream_key() != other.shared_stream_key()

    async def both() -> tuple[Any, Any]:
        polls = 0
        queues: list[asyncio.Queue[Any]] = [asyncio.Queue(), asyncio.Queue()]

        async def source() -> None:
            nonlocal polls
            async for listing in KindeUserEventTrigger.open_shared_stream(first.serialize()[1]):
                polls += 1
                for queue in queues:
                    queue.put_nowait(listing)

        async def drain(queue: asyncio.Queue[Any]) -> AsyncIterator[Any]:
            while True:
                yield await queue.get()

        async def one(trigger: Any, queue: asyncio.Queue[Any]) -> Any:
            async for event in trigger.filter_shared_stream(drain(queue)):
                return event.payload["users"]
            raise AssertionError("the stream ended")

        poll = asyncio.ensure_future(source())
        tasks = [asyncio.ensure_future(one(*pair)) for pair in zip((first, second), queues, strict=True)]
        await remembered(first, second)
        await asyncio.to_thread(
            kinde.seed,
            {"users": [{"id": "kp_new", "email": "n@example.com"}, {"id": "kp_ann", "is_suspended": True}]},
        )
        found = await asyncio.wait_for(asyncio.gather(*tasks), 10)
        poll.cancel()
        await asyncio.wait([poll])
        return found, polls

    found, polls = asyncio.run(both())
    assert found == [{"created": ["kp_new"]}, {"suspended": ["kp_ann"]}]
    assert calls(kinde).count("GET /api/v1/users") <= polls + 1


@only_3
def test_changes_of_organizations_become_events(kinde: Emulator) -> None:
    with KindeClient(kinde.url, kinde.client_id, kinde.client_secret) as client:
        found = asyncio.run(
            steps(
                KindeOrganizationEventTrigger(**KIND),
                lambda: None,
                lambda: kinde.seed({"organizations": [{"name": "Legal", "code": "org_legal"}]}),
                lambda: client.update_organization("org_sales", name="Selling"),
                lambda: kinde.seed({"users": [{"id": "kp_ann", "memberships": ["org_sales"]}]}),
                lambda: client.delete_organization("org_legal"),
            )
        )
    assert [event["organizations"] for event in found] == [
        {"created": ["org_legal"]},
        {"changed": ["org_sales"]},
        {"deleted": ["org_legal"]},
    ]


@only_3
def test_changes_of_members_become_events(kinde: Emulator) -> None:
    with KindeClient(kinde.url, kinde.client_id, kinde.client_secret) as client:
        found = asyncio.run(
            steps(
                KindeMembershipEventTrigger(**KIND, org_code="org_sales"),
                lambda: client.add_organization_users("org_sales", ["kp_ann"]),
                lambda: client.update_organization_users("org_sales", [{"id": "kp_cat", "roles": ["lead"]}]),
                lambda: client.add_organization_users("org_research", ["kp_cat"]),
                lambda: kinde.seed({"users": [{"id": "kp_cat", "last_name": "Low"}]}),
                lambda: client.remove_organization_user("org_sales", "kp_cat"),
                lambda: _delete(kinde, "kp_ann"),
            )
        )
    assert [event["members"] for event in found] == [
        {"added": ["kp_ann"]},
        {"changed": ["kp_cat"]},
        {"removed": ["kp_cat"]},
        {"removed": ["kp_ann"]},
    ]
    assert {event["org_code"] for event in found} == {"org_sales"}
    assert found[0]["counts"] == {"added": 1}


@only_3
@pytest.mark.parametrize(
    "trigger",
    [KindeOrganizationEventTrigger, lambda **kwargs: KindeMembershipEventTrigger(**kwargs, org_code="org_sales")],
)
def test_what_slipped_through_the_pages_is_not_gone(kinde: Emulator, trigger: Any) -> None:
    kind = trigger(**KIND)

    async def stream() -> AsyncIterator[Any]:
        listed = kind.listings()
        whole = await anext_(listed)
        await listed.aclose()
        yield whole
        yield {**whole, "items": {}}

    async def collect() -> list[Any]:
        return [event async for event in kind.filter_shared_stream(stream())]

    assert asyncio.run(collect()) == []


@only_3
def test_watchers_of_members_share_a_poll_for_one_organization_only() -> None:
    sales = KindeMembershipEventTrigger(**KIND, org_code="org_sales")
    other = KindeMembershipEventTrigger(**KIND, org_code="org_research")
    again = KindeMembershipEventTrigger(**KIND, org_code="org_sales", events=["removed"])
    assert sales.shared_stream_key() == again.shared_stream_key() != other.shared_stream_key()
    assert len({trigger._file() for trigger in (sales, other, again)}) == 3
    path, kwargs = sales.serialize()
    assert path.endswith(".KindeMembershipEventTrigger")
    assert KindeMembershipEventTrigger(**json.loads(json.dumps(kwargs))).serialize()[1] == kwargs
    with pytest.raises(ValueError, match="expected the code of an organization"):
        KindeMembershipEventTrigger(org_code=" ")


@only_3
def test_run_alone(kinde: Emulator) -> None:
    async def alone() -> Any:
        trigger = KindeUserEventTrigger(**KIND)
        stream = trigger.run()
        waiting = asyncio.ensure_future(anext_(stream))
        await remembered(trigger)
        await asyncio.to_thread(kinde.seed, {"users": [{"id": "kp_new", "email": "n@example.com"}]})
        event = await asyncio.wait_for(waiting, 10)
        await stream.aclose()  # type: ignore[attr-defined]
        return event.payload["users"]

    assert asyncio.run(alone()) == {"created": ["kp_new"]}


@only_3
def test_an_asset_takes_it(kinde: Emulator) -> None:
    from airflow.sdk import Asset, AssetWatcher

    watcher = AssetWatcher(name="kinde users", trigger=KindeUserEventTrigger(**KIND))
    assert Asset("kinde_users", watchers=[watcher]).watchers == [watcher]
