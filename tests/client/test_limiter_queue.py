"""The queue before the limiter: what it decides is kept by threads and by tasks."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any

import pytest

from airflow_provider_kinde.client import AsyncKindeClient
from airflow_provider_kinde.client.limiter import Limiter
from airflow_provider_kinde.client.limiter_queue import TaskQueue, ThreadQueue
from tests.support.loopback import Clock, Reply, Server

USERS = "GET /api/v1/users"


def test_the_server_says_that_none_are_left(client: Any, server: Server, clock: Clock) -> None:
    spent = {"RateLimit-Remaining": "0", "RateLimit-Reset": "7"}
    server.on(USERS, Reply({"users": []}, headers={"RateLimit-Remaining": "1", "RateLimit-Reset": "9"}))
    client.get_users()
    server.on(USERS, Reply({"users": []}, headers=spent), Reply({"users": []}))
    client.get_users()
    assert clock.sleeps == []
    client.get_users()
    assert clock.sleeps == [7.0]


def test_a_limit_on_requests_at_once_is_kept_to(connect: Any, server: Server) -> None:
    def reply(_call: Any) -> Reply:
        return Reply(status=429) if server._under_way > 3 else Reply({"users": []}, delay=0.01)

    server.on(USERS, reply)
    client = connect()
    with ThreadPoolExecutor(12) as threads:
        assert list(threads.map(lambda _: client.get_users(), range(150))) == [{"users": []}] * 150
    assert len(server.sent(USERS)) <= 150 + 40


async def _cancelled() -> None:
    queue = TaskQueue(Limiter(1), asyncio.get_running_loop().time, 300, asyncio.sleep)
    held = await queue.acquire()
    gone, waits = asyncio.ensure_future(queue.acquire()), asyncio.ensure_future(queue.acquire())
    await asyncio.sleep(0)
    gone.cancel()
    queue.release(held, None)
    ticket = await asyncio.wait_for(waits, 5)
    # Called and cancelled in the same moment: the call goes on to the next.
    gone, waits = asyncio.ensure_future(queue.acquire()), asyncio.ensure_future(queue.acquire())
    await asyncio.sleep(0)
    queue.release(ticket, None)
    gone.cancel()
    await asyncio.wait_for(waits, 5)


def test_a_cancelled_task_blocks_no_other() -> None:
    asyncio.run(_cancelled())


def test_a_thread_broken_off_while_it_waits_calls_the_next() -> None:
    def interrupted(_seconds: float) -> None:
        raise KeyboardInterrupt

    clock = Clock()
    queue = ThreadQueue(Limiter(1), clock, 300, interrupted)
    queue.release(queue.acquire(), None)
    queue.limiter.refused(queue.acquire(), clock(), 30.0)
    with pytest.raises(KeyboardInterrupt):
        queue.acquire()
    assert queue.paused() == 30.0
    clock.now += 30
    assert queue.acquire().probe


def test_many_tasks_share_one_limiter(server: Server) -> None:
    async def run() -> int:
        async with AsyncKindeClient(server.host, "id", "secret", max_concurrency=4) as client:
            await asyncio.gather(*(client.get_users() for _ in range(40)))
        return server.together

    server.on(USERS, Reply({"users": []}, delay=0.03))
    assert 2 <= asyncio.run(run()) <= 4


def test_threads_are_served_in_the_order_in_which_they_came() -> None:
    queue, served = ThreadQueue(Limiter(2), time.monotonic, 300, time.sleep), []
    ready = threading.Barrier(8)

    def work(name: int) -> None:
        ready.wait(5)
        for _ in range(25):
            ticket = queue.acquire()
            served.append(name)
            time.sleep(0.001)
            queue.release(ticket, None)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))
    # Whoever comes back at once would be served again and again, and the others at the end.
    early = Counter(served[:100])
    assert len(early) == 8
    assert max(early.values()) - min(early.values()) <= 4


def test_tasks_are_served_in_the_order_in_which_they_came() -> None:
    async def run() -> list[int]:
        queue = TaskQueue(Limiter(1), asyncio.get_running_loop().time, 300, asyncio.sleep)
        served = []

        async def work(name: int) -> None:
            for _ in range(3):
                ticket = await queue.acquire()
                served.append(name)
                await asyncio.sleep(0)
                queue.release(ticket, None)

        await asyncio.gather(*(work(name) for name in range(4)))
        return served

    assert asyncio.run(run()) == [0, 1, 2, 3] * 3


def test_a_thread_broken_off_in_the_queue_calls_the_next() -> None:
    queue = ThreadQueue(Limiter(1), time.monotonic, 300, time.sleep)
    held = queue.acquire()

    class Broken(SimpleQueue):  # type: ignore[type-arg]
        def get(self, *args: Any, **kwargs: Any) -> Any:
            queue.release(held, None)  # its turn comes in the very moment in which it is broken off
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("airflow_provider_kinde.client.limiter_queue.SimpleQueue", Broken)
        with pytest.raises(KeyboardInterrupt):
            queue.acquire()
    assert queue.limiter.under_way == 0
    queue.release(queue.acquire(), None)
