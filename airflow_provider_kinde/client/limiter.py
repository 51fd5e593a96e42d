"""How many requests are sent at once, and when: learnt from what the server accepts and refuses. Sends nothing itself.

Kinde publishes no limits, and a refusal (429) does not say which limit it is about. Three small classes each look for
one answer: ``Concurrency`` (how many at once), ``Quota`` (how many in a window of time) and ``Pause`` (how long to wait
when that window is used up). ``Limiter`` decides which of them a response is about. Time is passed in by the caller.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

START = 8
"""Concurrent requests before anything is known about the server."""
LONG = 2.0
"""Seconds: a server that asks for a longer wait than this does not refuse because of concurrent requests."""
_FIRST_PAUSE, _LAST_PAUSE = 1.0, 32.0
_FIRST_PROBE, _LAST_PROBE = 1.0, 8.0
_RARELY = 64
_MEMORY = 120.0


@dataclass(frozen=True, slots=True)
class Ticket:
    """Permission to send one request. It is returned with the outcome.

    :param number: how many requests are under way, this one included.
    :param started: when it was given out.
    :param period: counts the refusals before it.
    :param probe: it is sent alone, to see whether the server accepts requests again.
    """

    number: int
    started: float
    period: int
    probe: bool


class Concurrency:
    """How many requests may be under way at once: one more after some success, half as many after a refusal.

    A number that was refused is tried again after a while, which doubles with each failure.

    :param most: the upper bound.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.level = min(most, START)
        """Requests at once, now."""
        self._good = self._best = 0
        self._successes = 0
        self._beyond_good = -math.inf
        self._ceiling: int | None = None
        self._probe_at, self._probe_every = -math.inf, _FIRST_PROBE

    def start(self, ticket: Ticket) -> None:
        """Note a request that starts.

        :param ticket: its ticket.
        """
        if ticket.number > self._good:
            self._beyond_good = ticket.started

    def accept(self, ticket: Ticket, now: float) -> None:
        """Note a request that the server accepted; after enough of them, allow one more.

        :param ticket: its ticket.
        :param now: monotonic time in seconds.
        """
        if ticket.number < self.level:
            return
        self._successes += 1
        if self._successes < self.level * (1 if self.level < self._best else 4):
            return
        self._good, self._best = self.level, max(self._best, self.level)
        if self._ceiling is not None and self.level >= self._ceiling:
            self._ceiling, self._probe_every = None, _FIRST_PROBE
        more = self.level + 1
        if more > self._most or (self._ceiling is not None and more >= self._ceiling and now < self._probe_at):
            return
        self.level, self._successes = more, 0

    def refuse(self, ticket: Ticket, now: float, first: bool) -> bool:
        """Note a refusal, and allow fewer.

        :param ticket: of the refused request.
        :param now: monotonic time in seconds.
        :param first: no other refusal came since the last success.
        :returns: whether the number was halved.
        """
        self._successes = 0
        if first and ticket.started <= self._beyond_good:
            # Requests overtake each other on their way: the refused one need not be the one too many.
            self._ceiling = max(ticket.number, self._good + 1)
            self.level = self._ceiling - 1
            self._probe_at = now + self._probe_every
            self._probe_every = min(2 * self._probe_every, _LAST_PROBE)
            return False
        self.level = ticket.number // 2
        self._good = min(self._good, self.level)
        return True


class Quota:
    """How many requests the server accepts in one window: what it accepted before a refusal is the limit next time.

    A window begins with the first request that is accepted after a pause. After some windows without a refusal, one
    goes beyond the limit, request by request, to see whether it still holds.
    """

    def __init__(self) -> None:
        self.limit = math.inf
        self.began = math.nan
        self.used = 0
        self.spent = False
        """Whether the window is used up."""
        self._quiet, self._patience = 0, 2
        self._exploring = False

    @property
    def reached(self) -> bool:
        """Whether as many requests started as the server accepted in an earlier window."""
        return self.used >= self.limit

    def must_stop(self) -> bool:
        """Whether to pause before the server refuses."""
        if self.spent or not self.reached:
            return False
        if not self._exploring:
            return True
        if self.used >= 2 * self.limit:
            self.limit = math.inf
        return False

    def begin(self, now: float, used: int = 0) -> None:
        """Begin a new window.

        :param now: monotonic time in seconds.
        :param used: how many requests of it have started.
        """
        self.began, self.used, self.spent = now, used, False

    def reopen(self, started: float) -> None:
        """Begin a new window, because the server accepts requests again.

        :param started: when the request started that it accepted.
        """
        self.begin(started, used=1)
        self._quiet += 1
        self._exploring = self._quiet >= self._patience

    def close(self, now: float) -> None:
        """Take the window for used up, because the server says so.

        :param now: monotonic time in seconds.
        """
        if self.spent:
            return
        self.spent = True
        if not now - self.began <= _MEMORY:
            # After minutes without a refusal it is unknown when the server began to count.
            self.began = now
            return
        accepted = max(1, self.used)
        as_before = 0.85 * self.limit <= accepted <= 1.15 * self.limit
        self._patience = min(2 * self._patience, _RARELY) if as_before else 2
        self.limit, self._quiet, self._exploring = accepted, 0, False


class Pause:
    """Until when no request starts, and how long a window is, from its first request until the server accepts again.

    The server's word counts when it asks for a long wait. Otherwise the pauses double until a request is accepted, and
    later ones halve the distance between what was too early and what was late enough.
    """

    def __init__(self) -> None:
        self.until = -math.inf
        self.total = 0.0
        """Seconds of all pauses that the server asked for."""
        self._too_early, self._late_enough = 0.0, math.inf
        self._next = _FIRST_PAUSE

    def begin(self, began: float, now: float, wait: float | None) -> None:
        """Pause because the server refuses.

        :param began: when the window began.
        :param now: monotonic time in seconds.
        :param wait: seconds that the server asks to wait, or ``None``.
        """
        before = max(self.until, now)
        self._begin(began, now, wait)
        self.total += max(0.0, self.until - before)

    def _begin(self, began: float, now: float, wait: float | None) -> None:
        if wait is not None and wait > LONG:
            self.until = max(self.until, now + wait)
            if self.until - began < self._late_enough:
                self._too_early = self._late_enough = self.until - began
            return
        if now < began + self._late_enough < math.inf:
            self.until = began + self._late_enough
        else:
            self._late_enough = math.inf
            self.until = now + self._next
            self._next = min(2 * self._next, _LAST_PAUSE)
        self.until = max(self.until, now + (wait or 0.0))

    def begin_in_time(self, began: float, now: float) -> bool:
        """Pause before the server refuses, unless the window is over.

        :param began: when the window began.
        :param now: monotonic time in seconds.
        :returns: whether there is a pause.
        """
        apart = self._late_enough - self._too_early
        known = apart <= 0.05 * self._late_enough
        again = began + (self._late_enough if known else self._late_enough - apart / 2)
        if known and now >= again:
            return False
        self.until = max(now, again)
        return True

    def too_early(self, began: float, started: float) -> None:
        """Note that a request was refused after a pause.

        :param began: when the window began.
        :param started: when the request started.
        """
        self._too_early = started - began

    def late_enough(self, began: float, started: float) -> None:
        """Note that a request was accepted after a pause.

        :param began: when the window began.
        :param started: when the request started.
        """
        self._late_enough = min(self._late_enough, started - began)
        self._too_early = min(self._too_early, self._late_enough)
        self._next = _FIRST_PAUSE


class Limiter:
    """The limits of one server, as far as they are known. Not safe for threads by itself.

    :param most: requests at once at most.
    :param per_minute: requests that start in a minute at most, evenly spread; ``None`` for no limit.
    """

    def __init__(self, most: int, per_minute: float | None = None) -> None:
        self.concurrency = Concurrency(most)
        self.quota = Quota()
        self.pause = Pause()
        self.under_way = 0
        self._every = 60 / per_minute if per_minute else 0.0
        self._next_start = -math.inf
        self._period = 0
        """Counts the refusals that something was slowed down for."""
        self._refusals = 0
        """In a row."""
        self._started_since = 0
        self._one_first = False

    @property
    def free(self) -> int:
        """How many requests could start now besides those under way."""
        alone = self.quota.spent or self.quota.reached
        left = (1 if alone else self.concurrency.level) - self.under_way
        if self._one_first:
            left = min(left, 1 - self._started_since)
        return max(0, left)

    def paused(self, now: float) -> float:
        """Return how many seconds are left of the pause of all requests.

        :param now: monotonic time in seconds.
        """
        return max(0.0, self.pause.until - now)

    def admit(self, now: float) -> Ticket | float | None:
        """Ask for permission to send a request.

        :param now: monotonic time in seconds.
        :returns: a ticket; or the seconds after which to ask again; or ``None``: ask when a ticket was returned.
        """
        if self.quota.must_stop():
            if self.pause.begin_in_time(self.quota.began, now):
                self.quota.spent = True
            else:
                self.quota.begin(now)
        if not self.free:
            return None
        start = max(self._next_start, self.pause.until)
        if start > now:
            return start - now
        # A request that comes late delays the later ones by one place at most.
        self._next_start = max(self._next_start, now - self._every) + self._every
        if math.isnan(self.quota.began):
            self.quota.begin(now)
        self.under_way += 1
        self.quota.used += 1
        self._started_since += 1
        ticket = Ticket(self.under_way, now, self._period, self.quota.spent)
        self.concurrency.start(ticket)
        return ticket

    def unanswered(self, ticket: Ticket) -> None:
        """Return a ticket: no response came, or one that says nothing about limits.

        :param ticket: from ``admit``.
        """
        self.under_way -= 1
        if ticket.period == self._period:
            self._started_since -= 1

    def accepted(self, ticket: Ticket, now: float, none_left_for: float | None = None) -> None:
        """Return a ticket: the server accepted the request.

        :param ticket: from ``admit``.
        :param now: monotonic time in seconds.
        :param none_left_for: seconds for which it will accept no other, if it says so.
        """
        self.under_way -= 1
        if ticket.probe and self.quota.spent:
            self.pause.late_enough(self.quota.began, ticket.started)
            self.quota.reopen(ticket.started)
        if ticket.period == self._period:
            self._refusals, self._one_first = 0, False
            self.concurrency.accept(ticket, now)
        if none_left_for is not None:
            self._close(now, none_left_for)

    def refused(self, ticket: Ticket, now: float, wait: float | None = None) -> None:
        """Return a ticket: the server refused the request because of a limit.

        :param ticket: from ``admit``.
        :param now: monotonic time in seconds.
        :param wait: seconds that it asks to wait, or ``None``.
        """
        self.under_way -= 1
        self.quota.used -= 1
        long = wait is not None and wait > LONG
        if ticket.period != self._period:
            # Sent before the refusal that the others have been slowed down for.
            if self.quota.spent:
                self.quota.limit = max(1, self.quota.limit - 1)
            elif long:
                self._close(now, wait)
            return
        self._refusals += 1
        self._period += 1
        self._started_since = 0
        if ticket.probe:
            self.pause.too_early(self.quota.began, ticket.started)
            self.pause.begin(self.quota.began, now, wait)
        elif long or ticket.number == 1 or self._refusals == 3:
            self._close(now, wait)
        elif self.concurrency.refuse(ticket, now, first=self._refusals == 1):
            self._one_first = True

    def _close(self, now: float, wait: float | None) -> None:
        self.quota.close(now)
        self.pause.begin(self.quota.began, now, wait)
