"""End a run early without losing its report: Ctrl-C, SIGTERM, and what Airflow raises in a task that it ends."""

from __future__ import annotations

import threading
from collections.abc import Callable

NOT_BEGUN = "not begun: the run was interrupted"
UNFINISHED = "the run was interrupted in the middle of it; the next run finishes it"
UNVERIFIED = "not verified: the run was interrupted"

_LOOK = 0.2
"""Seconds. The system may give a signal to another thread; then Python's main thread must run to see it."""


def finish_if_interrupted(work: Callable[[], None], stop: Callable[[], None]) -> BaseException | None:
    """Do work in a thread of its own, so that an exception raised in this one does not tear it apart.

    Python raises Ctrl-C in the main thread, and Airflow raises the end of a task there as well, wherever that thread
    happens to be. Here it only waits. So the work sees that it was stopped at a place of its choice.

    :param work: the work; it ends soon once ``stop`` was called.
    :param stop: called at the first interruption, and at each one after it.
    :returns: the first interruption; ``None`` where there was none.
    :raises BaseException: what the work raised.
    """
    failed: list[BaseException] = []
    done = threading.Event()  # not join(): one that was interrupted takes the thread for ended (bpo-45274)

    def run() -> None:
        try:
            work()
        except BaseException as error:  # raised again below, in the thread that asked for the work
            failed.append(error)
        finally:
            done.set()

    interruption: BaseException | None = None
    try:
        threading.Thread(target=run, name="apply").start()
    except RuntimeError:  # the system gives no thread: an interruption tears the work apart then
        run()
    while not done.is_set():
        try:
            done.wait(_LOOK)
        except BaseException as error:  # KeyboardInterrupt, AirflowTaskTerminated, AirflowTaskTimeout
            interruption = interruption or error
            stop()
    if failed:
        raise failed[0]
    return interruption
