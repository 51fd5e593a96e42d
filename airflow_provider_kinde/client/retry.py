"""How often a request is tried, and how long the client waits in between."""

from __future__ import annotations

import random
from typing import Any

from tenacity import RetryCallState, retry_if_exception, wait_random_exponential

from airflow_provider_kinde.client.responses import AttemptFailed
from airflow_provider_kinde.client.settings import Settings
from airflow_provider_kinde.exceptions import KindeRateLimitError

_BACKOFF = wait_random_exponential(multiplier=0.5, max=20)


class RetryPolicy:
    """When one request that failed is sent again; make one for each request.

    :param settings: ``max_tries`` and ``retry_time`` of the client.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._started = settings.clock()
        self._failures = 0
        """Tries that failed for another reason than the rate limit."""

    def strategies(self) -> dict[str, Any]:
        """Return the arguments for ``tenacity.Retrying`` and ``tenacity.AsyncRetrying``."""
        return {
            "retry": retry_if_exception(lambda error: isinstance(error, AttemptFailed) and error.resend),
            "wait": self._wait,
            "stop": self._stop,
            "reraise": True,
        }

    def _wait(self, state: RetryCallState) -> float:
        wait = _failed(state).wait
        if wait is None:
            return 0.05 + _BACKOFF(state)
        # A little longer than Kinde asks for, and not all threads in the same instant.
        return wait + random.uniform(0.0, min(1.0, 0.1 * wait + 0.05))

    def _stop(self, state: RetryCallState) -> bool:
        failed = _failed(state)
        if failed.most is not None and state.attempt_number >= failed.most:
            return True
        error, settings = failed.error, self._settings
        self._failures += not isinstance(error, KindeRateLimitError)
        if settings.clock() - self._started + state.upcoming_sleep > settings.retry_time:
            if isinstance(error, KindeRateLimitError) and (error.retry_after or 0) > settings.retry_time:
                error.message += (
                    f" - Kinde asks to wait {error.retry_after:.0f} s, longer than the"
                    f" {settings.retry_time:.0f} s that this client waits"
                )
            return True
        return self._failures >= settings.max_tries or state.attempt_number >= 2 * settings.max_tries


def _failed(state: RetryCallState) -> AttemptFailed:
    outcome = state.outcome.exception() if state.outcome else None
    assert isinstance(outcome, AttemptFailed)
    return outcome
