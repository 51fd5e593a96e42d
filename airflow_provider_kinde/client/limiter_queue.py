"""Where requests wait for the limiter: one queue, for threads and for the tasks of an event loop."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from queue import SimpleQueue
from typing import Any, TypeAlias

from airflow_provider_kinde.client.limiter import Limiter, Ticket
from airflow_provider_kinde.client.responses import Response, limit_reset, requested_wait

_Place: TypeAlias = "SimpleQueue[Ticket | None] | asyncio.Queue[Ticket | None]"
"""Where a waiting request receives its ticket; ``None`` tells it to ask again."""


class _LimiterQueue:
    """Serves waiting requests in the order in which they came.

    A returned ticket goes straight to the request that has waited longest, so that no later one can take it.

    :param limiter: decides when a request may start.
    :param clock: monotonic clock, in seconds.
    :param longest: seconds; a longer wait than this is not waited for, and pauses no other request.
    """

    def __init__(self, limiter: Limiter, clock: Callable[[], float], longest: float) -> None:
        self.limiter, self._clock, self._longest = limiter, clock, longest
        self._waiting: deque[_Place] = deque()

    def paused(self) -> float:
        """Seconds until the pause of all requests ends."""
        return self.limiter.paused(self._clock())

    def _ask(self, called: bool) -> Ticket | float | None:
        """A ticket; or the seconds after which to ask again; or ``None``: wait in the queue."""
        return self.limiter.admit(self._clock()) if called or not self._waiting else None

    def _return(self, ticket: Ticket, response: Response | None) -> None:
        limiter, now = self.limiter, self._clock()
        if response is None or response.status >= 500 or response.status in (401, 408, 425):
            limiter.unanswered(ticket)
        elif response.status == 429:
            limiter.refused(ticket, now, self._bounded(requested_wait(response.headers, time.time)))
        else:
            none_left = response.headers.get("ratelimit-remaining") == "0"
            reset = limit_reset(response.headers, time.time) if none_left else None
            limiter.accepted(ticket, now, self._bounded(reset))
        self._call()

    def _bounded(self, wait: float | None) -> float | None:
        return wait if wait is not None and wait <= self._longest else None

    def _call(self) -> None:
        """Give tickets to those that may start now."""
        while self._waiting:
            found = self.limiter.admit(self._clock())
            if isinstance(found, Ticket):
                self._waiting.popleft().put_nowait(found)
                continue
            if found is not None:
                # Each waits for itself until it is time.
                for _ in range(min(self.limiter.free, len(self._waiting))):
                    self._waiting.popleft().put_nowait(None)
            return

    def _leave(self, place: _Place) -> None:
        """Leave without having sent: another request may start instead."""
        if place in self._waiting:
            self._waiting.remove(place)
        elif not place.empty() and (ticket := place.get_nowait()):
            self.limiter.unanswered(ticket)
        self._call()


class ThreadQueue(_LimiterQueue):
    """The queue for threads.

    :param limiter: decides when a request may start.
    :param clock: monotonic clock, in seconds.
    :param longest: seconds; a longer wait than this is not waited for, and pauses no other request.
    :param sleep: waits for so many seconds; raises an error at once when the client was stopped.
    :param stopped: whether the client was stopped: then every request that waits is called, to find that out.
    """

    def __init__(
        self,
        limiter: Limiter,
        clock: Callable[[], float],
        longest: float,
        sleep: Callable[[float], Any],
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        super().__init__(limiter, clock, longest)
        self._sleep, self._stopped = sleep, stopped
        self._lock = threading.Lock()

    def acquire(self) -> Ticket:
        """Wait until a request may be sent."""
        place: SimpleQueue[Ticket | None] = SimpleQueue()
        called = False
        try:
            while True:
                if self._stopped():
                    self._sleep(0)
                with self._lock:
                    found = self._ask(called)
                    if found is None:
                        self._waiting.append(place)
                        if self._stopped():
                            self._call()
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

    def _call(self) -> None:
        while self._stopped() and self._waiting:
            self._waiting.popleft().put_nowait(None)
        super()._call()

    def release(self, ticket: Ticket, response: Response | None) -> None:
        """Return a ticket.

        :param ticket: from ``acquire``.
        :param response: the response to the request; ``None`` where none came.
        """
        with self._lock:
            self._return(ticket, response)


class TaskQueue(_LimiterQueue):
    """The queue for the tasks of one event loop.

    :param limiter: decides when a request may start.
    :param clock: monotonic clock, in seconds.
    :param longest: seconds; a longer wait than this is not waited for, and pauses no other request.
    :param sleep: waits for so many seconds.
    """

    def __init__(
        self,
        limiter: Limiter,
        clock: Callable[[], float],
        longest: float,
        sleep: Callable[[float], Coroutine[Any, Any, Any]],
    ) -> None:
        super().__init__(limiter, clock, longest)
        self._sleep = sleep

    async def acquire(self) -> Ticket:
        """Wait until a request may be sent."""
        place: asyncio.Queue[Ticket | None] = asyncio.Queue()
        called = False
        try:
            while True:
                found = self._ask(called)
                if found is None:
                    self._waiting.append(place)
                    found = await place.get()
                elif not isinstance(found, Ticket):
                    await self._sleep(found)
                if isinstance(found, Ticket):
                    return found
                called = True
        except BaseException:
            self._leave(place)
            raise

    def release(self, ticket: Ticket, response: Response | None) -> None:
        """Return a ticket.

        :param ticket: from ``acquire``.
        :param response: the response to the request; ``None`` where none came.
        """
        self._return(ticket, response)
