"""Where requests wait until they may be sent: the two thin gates, for threads and for tasks, around one ``Flow``."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from queue import SimpleQueue
from typing import Any, TypeAlias

from airflow_provider_kinde.client.limiter import Flow, Ticket
from airflow_provider_kinde.client.responses import Response, limit_reset, requested_wait

_Place: TypeAlias = "SimpleQueue[Ticket | None] | asyncio.Queue[Ticket | None]"
"""Where one that waits is given a ticket, or called to ask again (``None``)."""


class _Gate:
    """What both gates do alike: those who wait are served in the order in which they came.

    A ticket goes straight from who gives it back to who has waited longest: that one has its request ready, and nobody
    who comes by snatches it.

    :param longest: seconds; a wait longer than this is nobody's to wait, and stops no other request.
    """

    def __init__(self, flow: Flow, clock: Callable[[], float], longest: float) -> None:
        self.flow, self._clock, self._longest = flow, clock, longest
        self._queue: deque[_Place] = deque()

    def paused(self) -> float:
        """Seconds until the pause of all requests ends."""
        return self.flow.paused(self._clock())

    def _ask(self, called: bool) -> Ticket | float | None:
        """A ticket; or the seconds after which to ask again; or ``None``: wait to be called."""
        return self.flow.admit(self._clock()) if called or not self._queue else None

    def _heard(self, ticket: Ticket, answer: Response | None) -> None:
        """Give a ticket back."""
        flow, now = self.flow, self._clock()
        if answer is None or answer.status >= 500 or answer.status in (401, 408, 425):
            flow.unheard(ticket)
        elif answer.status == 429:
            told = requested_wait(answer.headers, time.time)
            flow.refused(ticket, now, told if told is None or told <= self._longest else None)
        else:
            left = limit_reset(answer.headers, time.time) if answer.headers.get("ratelimit-remaining") == "0" else None
            flow.accepted(ticket, now, left if left is not None and left <= self._longest else None)
        self._call()

    def _call(self) -> None:
        """Call those who may send now."""
        while self._queue:
            found = self.flow.admit(self._clock())
            if isinstance(found, Ticket):
                self._queue.popleft().put_nowait(found)
                continue
            if found is not None:
                # Each waits for itself until it is time.
                for _ in range(min(self.flow.free, len(self._queue))):
                    self._queue.popleft().put_nowait(None)
            return

    def _leave(self, place: _Place) -> None:
        """Go without having sent: the turn is somebody else's."""
        if place in self._queue:
            self._queue.remove(place)
        elif not place.empty() and (ticket := place.get_nowait()):
            self.flow.unheard(ticket)
        self._call()


class Turns(_Gate):
    """The gate for threads."""

    def __init__(self, flow: Flow, clock: Callable[[], float], longest: float, sleep: Callable[[float], Any]) -> None:
        super().__init__(flow, clock, longest)
        self._sleep = sleep
        self._lock = threading.Lock()

    def take(self) -> Ticket:
        """Wait until a request may be sent."""
        place: SimpleQueue[Ticket | None] = SimpleQueue()
        called = False
        try:
            while True:
                with self._lock:
                    found = self._ask(called)
                    if found is None:
                        self._queue.append(place)
                if found is None:
                    found = place.get()
                elif not isinstance(found, Ticket):
                    self._sleep(found)
                if isinstance(found, Ticket):
                    return found
                called = True
        except BaseException:
            with self._lock:
                self._leave(place)
            raise

    def give(self, ticket: Ticket, answer: Response | None) -> None:
        """Say what came of it; ``None`` where no answer came."""
        with self._lock:
            self._heard(ticket, answer)


class AsyncTurns(_Gate):
    """The gate for the tasks of one event loop."""

    def __init__(
        self, flow: Flow, clock: Callable[[], float], longest: float, sleep: Callable[[float], Coroutine[Any, Any, Any]]
    ) -> None:
        super().__init__(flow, clock, longest)
        self._sleep = sleep

    async def take(self) -> Ticket:
        """Wait until a request may be sent."""
        place: asyncio.Queue[Ticket | None] = asyncio.Queue()
        called = False
        try:
            while True:
                found = self._ask(called)
                if found is None:
                    self._queue.append(place)
                    found = await place.get()
                elif not isinstance(found, Ticket):
                    await self._sleep(found)
                if isinstance(found, Ticket):
                    return found
                called = True
        except BaseException:
            self._leave(place)
            raise

    def give(self, ticket: Ticket, answer: Response | None) -> None:
        """Say what came of it; ``None`` where no answer came."""
        self._heard(ticket, answer)
