"""A server with limits and its clients, in time that passes by itself: what a ``Limiter`` does with them."""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from airflow_provider_kinde.client.limiter import Limiter, Ticket


class Simulation:
    """Many callers, one limiter, one server.

    :param at_once: requests that the server works on at once; ``None`` for any number.
    :param in_window: requests that it takes in a fixed window of ``window`` seconds, from the first one on.
    :param word: what a refusal says: ``seconds`` (whole ones until it will do), ``one`` (always one), ``nothing``.
    :param latency: seconds for a request that is taken; ``refusal`` for one that is not, ``way`` to the server, and
        up to ``sway`` more: requests overtake each other.
    :param changes: (second, attributes) of what the server changes on the way.
    """

    def __init__(
        self,
        limiter: Limiter,
        *,
        at_once: int | None = None,
        in_window: int | None = None,
        window: float = 60.0,
        word: str = "seconds",
        latency: float = 0.05,
        refusal: float = 0.003,
        way: float = 0.002,
        sway: float = 0.0,
        callers: int = 16,
        changes: Iterable[tuple[float, Mapping[str, Any]]] = (),
    ) -> None:
        self.limiter, self.callers = limiter, callers
        self.at_once, self.in_window, self.window, self.word = at_once, in_window, window, word
        self.latency, self.refusal, self.way = latency, refusal, way
        self.sway, self._chance = sway, random.Random(7)
        self.now = 0.0
        self.starts: list[float] = []
        self.taken: list[float] = []
        self.refusals: list[float] = []
        self.most_under_way = 0
        self._working = 0
        self._window_began, self._in_this_window = -math.inf, 0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._waiting = 0
        self._todo = self._left = 0
        for second, attributes in changes:
            self._at(second, lambda attributes=attributes: self.__dict__.update(attributes))  # type: ignore[misc]

    def run(self, requests: int) -> Simulation:
        """Have the callers send so many requests, each until it is taken."""
        self._todo = self._left = requests
        for _ in range(self.callers):
            self._next()
        while self._left:
            assert self._events, f"{self._waiting} callers wait for nothing"
            self.now, _, happen = heapq.heappop(self._events)
            happen()
        return self

    def until(self, second: float) -> Simulation:
        """Have the callers send for so long, without an end."""
        self._todo = self._left = 10**9
        for _ in range(self.callers):
            self._next()
        while self._events and self._events[0][0] <= second:
            self.now, _, happen = heapq.heappop(self._events)
            happen()
        assert self._events, f"{self._waiting} callers wait for nothing"
        return self

    @property
    def took(self) -> float:
        return self.taken[-1]

    @property
    def refused(self) -> float:
        """The share of requests that were refused."""
        return len(self.refusals) / len(self.starts)

    def taken_between(self, begin: float, end: float) -> int:
        return sum(begin <= moment < end for moment in self.taken)

    def _at(self, moment: float, happen: Callable[[], None]) -> None:
        heapq.heappush(self._events, (moment, next(self._order), happen))

    def _next(self) -> None:
        if self._todo:
            self._todo -= 1
            self._ask()

    def _ask(self) -> None:
        found = self.limiter.admit(self.now)
        if found is None:
            self._waiting += 1
        elif isinstance(found, Ticket):
            self.starts.append(self.now)
            self.most_under_way = max(self.most_under_way, self.limiter.under_way)
            self._at(self.now + self.way + self._chance.uniform(0, self.sway), lambda: self._arrive(found))
        else:
            assert found > 0
            self._at(self.now + found, self._ask)

    def _arrive(self, ticket: Ticket) -> None:
        if self.now - self._window_began >= self.window:
            self._window_began, self._in_this_window = self.now, 0
        if self.in_window is not None and self._in_this_window >= self.in_window:
            self._refuse(ticket, self._window_began + self.window - self.now)
        elif self.at_once is not None and self._working >= self.at_once:
            self._refuse(ticket, 1.0)
        else:
            self._in_this_window += 1
            self._working += 1
            self._at(self.now + self.latency, lambda: self._take(ticket))

    def _refuse(self, ticket: Ticket, seconds: float) -> None:
        self.refusals.append(self.now)
        told = {"seconds": float(max(1, math.ceil(seconds))), "one": 1.0, "nothing": None}[self.word]
        self._at(self.now + self.refusal, lambda: self._hear_refusal(ticket, told))

    def _hear_refusal(self, ticket: Ticket, told: float | None) -> None:
        self.limiter.refused(ticket, self.now, told)
        self._wake()
        self._at(self.now + (0.3 if told is None else 1.05 * told), self._ask)

    def _take(self, ticket: Ticket) -> None:
        self._working -= 1
        self._at(self.now + self.way, lambda: self._hear(ticket))

    def _hear(self, ticket: Ticket) -> None:
        self.limiter.accepted(ticket, self.now)
        self.taken.append(self.now)
        self._left -= 1
        self._wake()
        self._next()

    def _wake(self) -> None:
        for _ in range(min(self._waiting, max(1, self.limiter.free))):
            self._waiting -= 1
            self._at(self.now, self._ask)
