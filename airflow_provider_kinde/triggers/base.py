"""What triggers share: check, wait, tolerate failures that may pass, and tell the sensor how the wait ended."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import (
    AirflowException,
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowTaskTimeout,
)
from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.exceptions import may_retry
from airflow_provider_kinde.triggers.durations import count, seconds
from airflow_provider_kinde.triggers.poller import until_next

if TYPE_CHECKING:
    from airflow_provider_kinde.resources.conditions import CheckResult

MAX_FAILURES = 5
"""How many checks in a row may fail before a wait is given up."""


class WaitTrigger(BaseTrigger):
    """Checks again and again until a condition is met, and yields one event.

    It only reads: when it is killed, nothing is left behind.

    :param poll_interval: time between two checks, in seconds or as ``timedelta``.
    :param exponential_backoff: let that time double from check to check, as Airflow's sensors do.
    :param max_wait: the longest time between two checks with ``exponential_backoff``, in seconds or as ``timedelta``.
    :param started: when a sensor checked first, in seconds since 1970: the next check then follows after a pause.
        Without it, the first check follows at once.
    :param deadline: when to give up, in seconds since 1970. The clock goes on while a triggerer is restarted.
    :param execution_deadline: when the task's ``execution_timeout`` is over, in seconds since 1970.
    :param max_failures: how many failed checks in a row end the wait; ``None`` for any number. A check that fails with
        an error that a retry cannot help ends it at once.
    :param failures: how many checks in a row have failed already.
    """

    def __init__(
        self,
        *,
        poll_interval: float | timedelta = 60.0,
        exponential_backoff: bool = False,
        max_wait: float | timedelta | None = None,
        started: float | None = None,
        deadline: float | None = None,
        execution_deadline: float | None = None,
        max_failures: int | None = MAX_FAILURES,
        failures: int = 0,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.poll_interval = seconds("poll_interval", poll_interval)
        self.exponential_backoff = exponential_backoff
        self.max_wait = None if max_wait is None else seconds("max_wait", max_wait)
        self.started = started
        self.deadline = deadline
        self.execution_deadline = execution_deadline
        self.max_failures = None if max_failures is None else count("max_failures", max_failures)
        self.failures = failures

    def parameters(self) -> dict[str, Any]:
        """The arguments of the subclass."""
        return {}

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """The path of the class and all arguments, so that another triggerer can go on."""
        common = {name: getattr(self, name) for name in _COMMON}
        return f"{type(self).__module__}.{type(self).__qualname__}", {**self.parameters(), **common}

    async def wait(self, check: Callable[[], Awaitable[CheckResult]]) -> TriggerEvent:
        """Wait until a condition is met.

        :param check: checks the condition once.
        :returns: the event ``met``, ``timeout``, ``execution_timeout`` or ``error``.
        """
        failures = self.failures
        begun = time.time() if self.started is None else self.started
        if self.started is not None:
            await asyncio.sleep(max(0.0, min(self._pause(begun), self._left()[0])))
        while True:
            try:
                seen = await check()
            except Exception as error:
                if not may_retry(error):
                    return _event(status="error", retry=False, message=str(error))
                failures += 1
                self.log.warning("check %s of %s failed: %s", failures, self.max_failures or "any", error)
                if self.max_failures is not None and failures >= self.max_failures:
                    failed = f"{counted(failures, 'check')} in a row failed"
                    message = f"{failed}, the last one with {type(error).__name__}: {error}"
                    return _event(status="error", retry=True, message=message)
            else:
                failures = 0
                if seen.met:
                    return _event(status="met", value=seen.value)
            left, status = self._left()
            if left <= 0:
                return _event(status=status)
            await asyncio.sleep(min(self._pause(begun), left))

    def _left(self) -> tuple[float, str]:
        """Seconds until the wait is over, and how it is over then."""
        ends = ((self.execution_deadline, "execution_timeout"), (self.deadline, "timeout"))
        now = time.time()
        return min(((moment - now, status) for moment, status in ends if moment is not None), default=(math.inf, ""))

    def _pause(self, begun: float) -> float:
        if not self.exponential_backoff:
            return until_next(self.poll_interval)
        seed = f"{type(self).__qualname__}{self.parameters()}{begun}"
        return backoff(self.poll_interval, self.max_wait, time.time() - begun, seed)


_COMMON = (
    "poll_interval",
    "exponential_backoff",
    "max_wait",
    "started",
    "deadline",
    "execution_deadline",
    "max_failures",
    "failures",
)


def backoff(interval: float, longest: float | None, elapsed: float, seed: str) -> float:
    """Seconds until the next check, where the pauses double.

    The checks stand at fixed moments after the first one, so a triggerer that was restarted goes on with the same
    pauses. As with Airflow's sensors, the first pause is at least half the interval and at least a second, each one
    doubles, and up to as much again is added by chance, so that many sensors do not check at one moment.

    :param interval: the interval to begin with, in seconds.
    :param longest: the longest pause in seconds; ``None`` for no limit.
    :param elapsed: seconds since the first check.
    :param seed: what decides the chance.
    """
    limit = math.inf if longest is None else longest
    reached, shortest = 0.0, interval / 2
    while True:
        least = max(shortest, 1.0)
        pause = min(least * (1 + random.Random(f"{seed}{least}").random()), limit)
        if least >= limit and elapsed > reached:
            reached += (elapsed - reached) // limit * limit
        reached += pause
        # A sleep may end a little early: that check was made.
        if reached - elapsed > pause / 10:
            return reached - elapsed
        shortest = least * 2


def value_of(event: Any) -> dict[str, Any]:
    """What a sensor returns for a trigger's event.

    :param event: the event, as Airflow hands it to the sensor.
    :raises AirflowSensorTimeout: the sensor's ``timeout`` is over.
    :raises AirflowTaskTimeout: the task's ``execution_timeout`` is over.
    :raises AirflowFailException: a check failed with an error that a retry cannot help.
    :raises AirflowException: too many checks failed, or the event is not one of :class:`WaitTrigger`.
    """
    if isinstance(event, Mapping):
        status, value = event.get("status"), event.get("value")
        if status == "met" and isinstance(value, Mapping) and value:
            return dict(value)
        if status == "timeout":
            raise AirflowSensorTimeout("the condition was not met within the sensor's timeout")
        if status == "execution_timeout":
            raise AirflowTaskTimeout("the condition was not met within the task's execution_timeout")
        if status == "error":
            kind = AirflowException if event.get("retry", True) else AirflowFailException
            raise kind(str(event.get("message") or "the trigger failed without a message"))
    raise AirflowException(f"the trigger's event is not one that this sensor understands: {str(event)[:200]!r}")


def _event(**payload: Any) -> TriggerEvent:
    return TriggerEvent(payload)  # type: ignore[no-untyped-call]
