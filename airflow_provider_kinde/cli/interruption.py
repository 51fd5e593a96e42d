"""Ctrl-C and SIGTERM: both end a command with the exit code 130, and a command that writes still reports."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

EXIT = 130
_ENDING = ("SIGINT", "SIGTERM", "SIGHUP")

_stops: list[Callable[[], None]] = []


def stop_when_interrupted(stop: Callable[[], None]) -> None:
    """Have something stopped at the moment of an interruption, so that no thread goes on with queued work.

    :param stop: must not wait.
    """
    _stops.append(stop)


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise ``KeyboardInterrupt`` at SIGTERM and SIGHUP as at Ctrl-C; what the caller ignores stays ignored."""
    _stops.clear()
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: object) -> None:
        for stop in _stops:
            stop()
        raise KeyboardInterrupt

    before = {}
    for name in _ENDING:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            before[number] = signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def ignore_interruptions() -> None:
    """Ignore further signals: the writes are over, and the report has to be kept."""
    if threading.current_thread() is threading.main_thread():
        for name in _ENDING:
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), signal.SIG_IGN)
