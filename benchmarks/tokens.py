"""Tokens: how many the tasks of one host ask Kinde for; each counts against a monthly quota."""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Iterable

from benchmarks.kinde import Kinde, local_kinde
from benchmarks.result import Result

HOUR = 3600


def run(quick: bool) -> Result:
    """Run task processes, side by side and through a day."""
    result = Result(
        "Tokens",
        "Processes on one host, each a task: it connects and reads one page of users. The day is 24 hourly runs of 20 "
        "mapped tasks; its hours are told to the processes as their clock. Peer: `token_cache=none`, as any client "
        "without a shared cache.",
        ["case", "processes", "tokens shared (`host`)", "tokens not shared (`none`)"],
    )
    at_once, hours, mapped = (12, 3, 3) if quick else (200, 24, 20)
    with local_kinde(expires_in=24 * HOUR) as kinde:
        shared = _tasks(kinde, [0.0] * at_once, "host")
        alone = _tasks(kinde, [0.0] * at_once, "none")
    result.rows.append([f"{at_once} tasks at once", at_once, shared, alone])
    result.goals.append((f"{at_once} tasks at once: tokens", 1, shared))
    day = [hour * HOUR for hour in range(hours) for _ in range(mapped)]
    for title, lifetime in (("a day", 24), ("an hour", 1))[1 if quick else 0 :]:
        with local_kinde(expires_in=lifetime * HOUR) as kinde:
            shared = _tasks(kinde, day, "host", mapped)
            alone = _tasks(kinde, day, "none", mapped) if lifetime == 24 else len(day)
        result.rows.append([f"a day of hourly runs, tokens live {title}", len(day), shared, alone])
        result.goals.append((f"tokens of a day, which live {title}", -(-hours // lifetime), shared))
    return result


def _tasks(kinde: Kinde, clocks: Iterable[float], cache: str, together: int = 25) -> int:
    """Run one process for each clock; returns how many tokens they took."""
    kinde.forget()
    fork = multiprocessing.get_context("fork")
    waiting = list(clocks)
    with tempfile.TemporaryDirectory() as folder:
        while waiting:
            now, waiting = waiting[:together], waiting[together:]
            processes = [fork.Process(target=_task, args=(kinde, ahead, cache, folder)) for ahead in now]
            for process in processes:
                process.start()
            for process in processes:
                process.join()
                if process.exitcode:
                    raise RuntimeError(f"a task ended with {process.exitcode}")
    return kinde.counts()["token"]


def _task(kinde: Kinde, ahead: float, cache: str, folder: str) -> None:
    with kinde.client(token_cache=cache, cache_dir=folder, wall=lambda: time.time() + ahead) as client:
        client.get_users(page_size=1)
