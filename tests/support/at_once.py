"""Threads that begin at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable


def at_once(count: int, prepare: Callable[[], Callable[[], object]]) -> None:
    """Do the same in several threads, and wait for all.

    :param count: how many threads.
    :param prepare: called in each thread; returns what is done once every thread is ready.
    """
    ready = threading.Barrier(count)

    def run() -> None:
        work = prepare()
        ready.wait()
        work()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
