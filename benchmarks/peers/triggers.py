"""Many triggers in one event loop. Runs in an environment with Airflow and this provider.

``triggers.py URL NUMBER INTERVAL yes|no``: with or without one connection for all of them; prints their looks.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from typing import Any

from airflow_provider_kinde.triggers import poller
from airflow_provider_kinde.triggers.conditions import KindeConditionTrigger


async def _wait(trigger: KindeConditionTrigger) -> Any:
    return [event.payload async for event in trigger.run()]


async def _watch(found: dict[str, float]) -> None:
    """Measures how long the event loop was blocked."""
    while True:
        began = time.perf_counter()
        await asyncio.sleep(0.01)
        found["blocked"] = max(found["blocked"], time.perf_counter() - began - 0.01)


async def run(number: int, interval: float, shared: bool) -> dict[str, float]:
    """Run the triggers until their deadline."""
    found = {"looks": 0.0, "blocked": 0.0}
    ask = poller.Poller.answer

    async def counted(self: poller.Poller, asked: Any) -> Any:
        found["looks"] += 1
        return await ask(self, asked)

    poller.Poller.answer = counted  # type: ignore[method-assign]
    # From one beat to the next but one: the first look, two beats, and the last one.
    await asyncio.sleep(interval - time.time() % interval + 0.1)
    deadline = time.time() + 2.5 * interval
    triggers = [
        KindeConditionTrigger(
            condition="UserCondition",
            parameters={"email": f"nobody{place}@bench.example"},
            kinde_conn_id="kinde_bench" if shared else f"kinde_bench_{place}",
            poll_interval=interval,
            deadline=deadline,
        )
        for place in range(number)
    ]
    watch = asyncio.ensure_future(_watch(found))
    events = await asyncio.gather(*map(_wait, triggers))
    watch.cancel()
    assert all(event == [{"status": "timeout"}] for event in events), events[:3]
    return found


def main() -> None:
    """Entry point."""
    url, number, interval, shared = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4] == "yes"
    connection = {"conn_type": "kinde", "host": url, "login": "emulator-client", "password": "emulator-secret"}
    text = json.dumps({**connection, "extra": {"token_cache": "none"}})
    for name in ["KINDE_BENCH"] if shared else [f"KINDE_BENCH_{place}" for place in range(number)]:
        os.environ[f"AIRFLOW_CONN_{name}"] = text
    print(json.dumps(asyncio.run(run(number, interval, shared))))


if __name__ == "__main__":
    main()
