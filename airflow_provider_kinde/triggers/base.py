"""What triggers share: check, wait, tolerate failures that may pass, and tell the sensor how the wait ended."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException, AirflowSensorTimeout
from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_kinde.exceptions import may_retry
from airflow_provider_kinde.triggers.poller import until_next

if TYPE_CHECKING:
    from airflow_provider_kinde.resources.conditions import CheckResult

MAX_FAILURES = 5
"""How many checks in a row may fail before a wait is given up."""


class WaitTrigger(BaseTrigger):
    """Checks every ``poll_interval`` seconds until a condition is met, and yields one event.

    It only reads: when it is killed, nothing is left behind.

    :param poll_interval: seconds between two checks.
    :param deadline: when to give up, in seconds since 1970. The clock goes on while a triggerer is restarted.
    :param max_failures: how many failed checks in a row end the wait. A check that fails with an error that a retry
        cannot help ends it at once.
    """

    def __init__(
        self, *, poll_interval: float = 60.0, deadline: float | None = None, max_failures: int = MAX_FAILURES
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.poll_interval = poll_interval
        self.deadline = deadline
        self.max_failures = max_failures

    def parameters(self) -> dict[str, Any]:
        """The arguments of the subclass."""
        return {}

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """The path of the class and all arguments, so that another triggerer can go on."""
        common = {"poll_interval": self.poll_interval, "deadline": self.deadline, "max_failures": self.max_failures}
        return f"{type(self).__module__}.{type(self).__qualname__}", {**self.parameters(), **common}

    async def wait(self, check: Callable[[], Awaitable[CheckResult]]) -> TriggerEvent:
        """Wait until a condition is met.

        :param check: checks the condition once.
        :returns: the event ``met``, ``timeout`` or ``error``.
        """
        failures = 0
        while True:
            try:
                seen = await check()
            except Exception as error:
                if not may_retry(error):
                    return _event(status="error", retry=False, message=str(error))
                failures += 1
                self.log.warning("check %s of %s failed: %s", failures, self.max_failures, error)
                if failures >= self.max_failures:
                    message = f"{failures} checks in a row failed, the last one with {type(error).__name__}: {error}"
                    return _event(status="error", retry=True, message=message)
            else:
                failures = 0
                if seen.met:
                    return _event(status="met", value=seen.value)
            left = None if self.deadline is None else self.deadline - time.time()
            if left is not None and left <= 0:
                return _event(status="timeout")
            pause = until_next(self.poll_interval)
            await asyncio.sleep(pause if left is None else min(pause, left))


def value_of(event: Any) -> dict[str, Any]:
    """What a sensor returns for a trigger's event.

    :param event: the event, as Airflow hands it to the sensor.
    :raises AirflowSensorTimeout: the deadline passed.
    :raises AirflowFailException: a check failed with an error that a retry cannot help.
    :raises AirflowException: too many checks failed, or the event is not one of :class:`WaitTrigger`.
    """
    if isinstance(event, Mapping):
        status, value = event.get("status"), event.get("value")
        if status == "met" and isinstance(value, Mapping) and value:
            return dict(value)
        if status == "timeout":
            raise AirflowSensorTimeout("the condition was not met in time")
        if status == "error":
            kind = AirflowException if event.get("retry", True) else AirflowFailException
            raise kind(str(event.get("message") or "the trigger failed without a message"))
    raise AirflowException(f"the trigger's event is not one that this sensor understands: {str(event)[:200]!r}")


def _event(**payload: Any) -> TriggerEvent:
    return TriggerEvent(payload)  # type: ignore[no-untyped-call]
