"""How often a request is tried, and how long it waits in between."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tenacity import RetryCallState, retry_if_exception, wait_random_exponential

from airflow_provider_kinde.client.responses import AttemptFailed
from airflow_provider_kinde.exceptions import KindeRateLimitError

Clock = Callable[[], float]


@dataclass
class RetryPolicy:
    """When a failed request is sent again: tenacity's strategies, for the sync and the async client alike.

    :param max_tries: how often a request is sent at most; twice as often if all that Kinde says is 429.
    :param retry_time: no new try once this many seconds would have passed since the first.
    """

    max_tries: int = 6
    retry_time: float = 300.0
    clock: Clock = time.monotonic
    _backoff: wait_random_exponential = field(default_factory=lambda: wait_random_exponential(multiplier=0.5, max=20))

    def strategies(self) -> dict[str, Any]:
        """Arguments for ``tenacity.Retrying`` and ``tenacity.AsyncRetrying``."""
        return {
            "retry": retry_if_exception(lambda error: isinstance(error, AttemptFailed) and error.resend),
            "wait": self._wait,
            "stop": _Stop(self),
            "reraise": True,
        }

    def _wait(self, state: RetryCallState) -> float:
        told = _failed(state).wait
        if told is None:
            return 0.05 + self._backoff(state)
        # A little later than told, and not all threads in the same instant.
        return told + random.uniform(0.0, min(1.0, 0.1 * told + 0.05))


class _Stop:
    """Counts the tries of one request; each call of ``strategies`` makes one."""

    def __init__(self, patience: RetryPolicy) -> None:
        self._patience = patience
        self._started = patience.clock()
        self._others = 0

    def __call__(self, state: RetryCallState) -> bool:
        failed = _failed(state)
        if failed.most is not None and state.attempt_number >= failed.most:
            return True
        error = failed.error
        limited = isinstance(error, KindeRateLimitError)
        self._others += not limited
        elapsed = self._patience.clock() - self._started
        if elapsed + state.upcoming_sleep > self._patience.retry_time:
            if isinstance(error, KindeRateLimitError) and (error.retry_after or 0) > self._patience.retry_time:
                error.message += (
                    f" - Kinde asks to wait {error.retry_after:.0f} s, longer than the"
                    f" {self._patience.retry_time:.0f} s that this client waits"
                )
            return True
        return self._others >= self._patience.max_tries or state.attempt_number >= 2 * self._patience.max_tries


def _failed(state: RetryCallState) -> AttemptFailed:
    outcome = state.outcome.exception() if state.outcome else None
    assert isinstance(outcome, AttemptFailed)
    return outcome
