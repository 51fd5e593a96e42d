"""Where requests wait until they may be sent: the two thin gates, for threads and for tasks, around one ``Flow``."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

from airflow_provider_kinde.api.answers import Answer, seconds_until, told_wait
from airflow_provider_kinde.api.flow import Flow, Ticket
from airflow_provider_kinde.api.pace import Clock


class _Gate:
    """What both gates do alike.

    :param longest: seconds; a wait longer than this is nobody's to wait, and stops no other request.
    """

    def __init__(self, flow: Flow, clock: Clock, longest: float) -> None:
        self.flow, self._clock, self._longest = flow, clock, longest

    def paused(self) -> float:
        """Seconds until the pause of all requests ends."""
        return self.flow.paused(self._clock())

    def _heard(self, ticket: Ticket, answer: Answer | None) -> int:
        """Give a ticket back; returns how many others may ask now."""
        flow, now = self.flow, self._clock()
        if answer is None or answer.status >= 500 or answer.status in (401, 408, 425):
            flow.unheard(ticket)
        elif answer.status == 429:
            told = told_wait(answer.headers, time.time)
            flow.refused(ticket, now, told if told is None or told <= self._longest else None)
        else:
            left = (
                seconds_until(answer.headers, time.time) if answer.headers.get("ratelimit-remaining") == "0" else None
            )
            flow.accepted(ticket, now, left if left is not None and left <= self._longest else None)
        return max(1, flow.free)


class Turns(_Gate):
    """The gate for threads."""

    def __init__(self, flow: Flow, clock: Clock, longest: float, sleep: Callable[[float], Any]) -> None:
        super().__init__(flow, clock, longest)
        self._sleep = sleep
        self._free = threading.Condition()

    def take(self) -> Ticket:
        """Wait until a request may be sent."""
        while True:
            with self._free:
                while (found := self.flow.admit(self._clock())) is None:
                    self._free.wait()
            if isinstance(found, Ticket):
                return found
            try:
                self._sleep(found)
            except BaseException:
                # Somebody else may have been left waiting for this one to send.
                with self._free:
                    self._free.notify()
                raise

    def give(self, ticket: Ticket, answer: Answer | None) -> None:
        """Say what came of it; ``None`` where no answer came."""
        with self._free:
            self._free.notify(self._heard(ticket, answer))


class AsyncTurns(_Gate):
    """The gate for the tasks of one event loop."""

    def __init__(
        self, flow: Flow, clock: Clock, longest: float, sleep: Callable[[float], Coroutine[Any, Any, Any]]
    ) -> None:
        super().__init__(flow, clock, longest)
        self._sleep = sleep
        self._waiting: dict[asyncio.Future[None], None] = {}

    async def take(self) -> Ticket:
        """Wait until a request may be sent."""
        while True:
            found = self.flow.admit(self._clock())
            if isinstance(found, Ticket):
                return found
            try:
                await (self._turn() if found is None else self._sleep(found))
            except BaseException:
                self._wake(1)
                raise

    def give(self, ticket: Ticket, answer: Answer | None) -> None:
        """Say what came of it; ``None`` where no answer came."""
        self._wake(self._heard(ticket, answer))

    async def _turn(self) -> None:
        called = asyncio.get_running_loop().create_future()
        self._waiting[called] = None
        try:
            await called
        finally:
            self._waiting.pop(called, None)

    def _wake(self, number: int) -> None:
        for _ in range(min(number, len(self._waiting))):
            called = next(iter(self._waiting))
            del self._waiting[called]
            if not called.done():
                called.set_result(None)
