"""How many requests at once, and when: learnt from what the server takes and refuses. Decides only, sends nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass

START = 8
"""Requests at once before anything is known of the server."""
LONG = 2.0
"""Seconds: who asks to wait longer than this does not mean the number of requests at once."""
_FIRST_PAUSE, _LAST_PAUSE = 1.0, 32.0
_FIRST_PROBE, _LAST_PROBE = 1.0, 8.0
_RARELY = 64
_MEMORY = 120.0


@dataclass(frozen=True, slots=True)
class Ticket:
    """Leave to send one request; it goes back with what became of it.

    :param number: how many were under way with it.
    :param scout: it went alone, to see whether the server takes requests again.
    """

    number: int
    started: float
    epoch: int
    scout: bool


class Flow:
    """The state of the stream of requests to one server. Not safe for threads by itself; time is told by the caller.

    Two limits are looked for, since a refusal (429) does not say which one it is about:

    - requests *at once*: one more after a while without refusal, half of them after a refusal at a number that was
      fine before. A number that was refused is tried again after a pause that doubles with each failure.
    - requests *in a time*: when the server refuses a request that goes alone, or asks for a long wait, or goes on
      refusing with fewer at once, everything pauses: as long as told, else for a pause that doubles. How many it took
      until then, and how long it did not, is kept to next time, so that the pause comes before the refusal.

    :param most: requests at once, whatever the server would take.
    :param per_minute: requests in a minute, evenly spread; ``None`` for no limit.
    """

    def __init__(self, most: int, per_minute: float | None = None) -> None:
        if per_minute is not None and not per_minute > 0:
            raise ValueError("requests_per_minute must be more than 0")
        self._most = most
        self.level = min(most, START)
        """Requests at once, now."""
        self.under_way = 0
        self._good = self._best = 0
        self._beyond = -math.inf
        self._taken_in_a_row = 0
        self._ceiling: int | None = None
        self._probe_at, self._probe_every = -math.inf, _FIRST_PROBE
        self._epoch = 0
        self._refusals, self._careful = 0, False
        self._since_refusal = 0
        self._every = 60 / per_minute if per_minute else 0.0
        self._next = self._resume = -math.inf
        # A burst: what is sent from the moment the server takes requests until it takes no more.
        self._began: float | None = None
        self._used = 0
        self._spent = False
        self._quota = math.inf
        self._too_early, self._late_enough = 0.0, math.inf
        self._pause = _FIRST_PAUSE
        self._trusted, self._doubted = True, False
        self._quiet, self._patience = 0, 2
        self._exploring = self._unlike_any = False

    @property
    def free(self) -> int:
        """How many requests could be under way besides those that are."""
        alone = self._spent or self._used >= self._quota
        left = (1 if alone else self.level) - self.under_way
        if self._careful:
            # What is slowed down to is tried with a single request first.
            left = min(left, 1 - self._since_refusal)
        return max(0, left)

    def paused(self, now: float) -> float:
        """Seconds until the pause of all requests ends."""
        return max(0.0, self._resume - now)

    def admit(self, now: float) -> Ticket | float | None:
        """Ask for leave to send a request.

        :returns: a ticket; or the seconds after which to ask again; or ``None``: ask when a ticket has come back.
        """
        if not self._spent and self._used >= self._quota:
            if not self._exploring:
                self._stop_in_time(now)
            elif self._used >= 2 * self._quota:
                self._quota = math.inf
        if not self.free:
            return None
        start = max(self._next, self._resume)
        if start > now:
            return start - now
        # Who comes late does not delay those after him, by one place at most.
        self._next = max(self._next, now - self._every) + self._every
        if self._began is None:
            self._began = now
        self.under_way += 1
        self._used += 1
        self._since_refusal += 1
        if self.under_way > self._good:
            self._beyond = now
        return Ticket(self.under_way, now, self._epoch, self._spent)

    def unheard(self, ticket: Ticket) -> None:
        """Give a ticket back: nothing was heard that says anything about limits."""
        self.under_way -= 1
        if ticket.epoch == self._epoch:
            self._since_refusal -= 1

    def accepted(self, ticket: Ticket, now: float, spent_for: float | None = None) -> None:
        """Give a ticket back: the server took the request.

        :param spent_for: seconds for which it will take no other, if it says so.
        """
        self.under_way -= 1
        if ticket.scout and self._spent:
            self._open(ticket)
        if ticket.epoch == self._epoch:
            self._refusals, self._careful = 0, False
            if ticket.number >= self.level:
                self._taken_in_a_row += 1
                self._more_at_once(now)
        if spent_for is not None:
            self._close(now, spent_for)

    def refused(self, ticket: Ticket, now: float, told: float | None = None) -> None:
        """Give a ticket back: the server refused the request because of a limit.

        :param told: seconds that it asks to wait.
        """
        self.under_way -= 1
        self._used -= 1
        long = told is not None and told > LONG
        if ticket.epoch != self._epoch:
            # It was sent before the refusal that everything has been slowed down for.
            if self._spent:
                self._quota = max(1, self._quota - 1)
            elif long:
                self._close(now, told)
            return
        self._refusals += 1
        self._epoch += 1
        self._since_refusal = self._taken_in_a_row = 0
        if ticket.scout:
            self._still_closed(ticket, now, told)
        elif long or ticket.number == 1 or self._refusals == 3:
            self._close(now, told)
        elif ticket.started <= self._beyond and self._refusals == 1:
            # On their way requests overtake each other: who is refused need not be the one too many.
            self._ceiling = max(ticket.number, self._good + 1)
            self.level = self._ceiling - 1
            self._probe_at = now + self._probe_every
            self._probe_every = min(2 * self._probe_every, _LAST_PROBE)
        else:
            self.level = ticket.number // 2
            self._good = min(self._good, self.level)
            self._careful = True

    # -- requests at once ---------------------------------------------------------------------------------------

    def _more_at_once(self, now: float) -> None:
        known = self.level < self._best
        if self._taken_in_a_row < self.level * (1 if known else 4):
            return
        self._good, self._best = self.level, max(self._best, self.level)
        if self._ceiling is not None and self.level >= self._ceiling:
            self._ceiling, self._probe_every = None, _FIRST_PROBE
        wanted = self.level + 1
        if wanted > self._most or (self._ceiling is not None and wanted >= self._ceiling and now < self._probe_at):
            return
        self.level, self._taken_in_a_row = wanted, 0

    # -- requests in a time -------------------------------------------------------------------------------------

    def _stop_in_time(self, now: float) -> None:
        """Pause before the server refuses: it took no more than this the last time."""
        assert self._began is not None
        apart = self._late_enough - self._too_early
        sure = apart <= 0.05 * self._late_enough
        # The server did not say when: halfway between what was too early and what was not, until they meet.
        again = self._began + (self._late_enough if sure else self._late_enough - apart / 2)
        if sure and now >= again:
            self._began, self._used = now, 0
        else:
            self._spent, self._resume = True, max(now, again)

    def _close(self, now: float, told: float | None) -> None:
        """Pause: the server takes no more."""
        if self._began is None:
            self._began = now
        if not self._spent:
            # What was sent for minutes without a refusal says nothing about when the server began to count.
            self._unlike_any = now - self._began > _MEMORY
            self._learn_quota()
        self._spent = True
        if told is not None and (self._trusted or told > LONG):
            self._resume = max(self._resume, now + told)
            if self._resume - self._began < self._late_enough:
                self._too_early = self._late_enough = self._resume - self._began
        else:
            self._wait_by_experience(now, told)

    def _still_closed(self, scout: Ticket, now: float, told: float | None) -> None:
        assert self._began is not None
        if told is not None and told <= LONG and self._too_early == self._late_enough:
            # It asks for a moment each time, and does not mean it.
            self._trusted = False
        self._too_early = scout.started - self._began
        self._wait_by_experience(now, told)

    def _wait_by_experience(self, now: float, told: float | None) -> None:
        assert self._began is not None
        if now < self._began + self._late_enough < math.inf:
            self._resume = self._began + self._late_enough
        else:
            self._late_enough = math.inf
            self._resume = now + self._pause
            self._pause = min(2 * self._pause, _LAST_PAUSE)
        self._resume = max(self._resume, now + (told or 0.0))

    def _open(self, scout: Ticket) -> None:
        """The server takes requests again: a new burst."""
        assert self._began is not None
        if self._unlike_any:
            self._quota, self._too_early, self._late_enough = math.inf, 0.0, math.inf
        else:
            self._late_enough = min(self._late_enough, scout.started - self._began)
            self._too_early = min(self._too_early, self._late_enough)
        self._began, self._used, self._spent = scout.started, 1, False
        self._pause = _FIRST_PAUSE
        self._quiet += 1
        self._exploring = self._quiet >= self._patience

    def _learn_quota(self) -> None:
        took = max(1, self._used)
        if (took < 2 * START or took < self._quota / 4 < math.inf) and not self._doubted:
            # More likely it was about how many at once, or the server's time began before this burst did: believed
            # when it happens again.
            self._doubted = True
            return
        self._doubted = False
        as_before = 0.85 * self._quota <= took <= 1.15 * self._quota
        self._patience = min(2 * self._patience, _RARELY) if as_before else 2
        self._quota, self._quiet, self._exploring = took, 0, False
