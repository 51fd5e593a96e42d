"""What triggers share: look, wait, tolerate what passes, and tell the sensor in an event that cannot be mistaken."""

from __future__ import annotations

import asyncio
import time
from abc import abstractmethod
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException, AirflowSensorTimeout
from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_kinde.triggers.poller import poller, until_next

if TYPE_CHECKING:
    from airflow_provider_kinde.resources.conditions import Wait
    from airflow_provider_kinde.triggers.poller import Poller

MAX_FAILURES = 5
"""How many looks in a row may fail before a wait is given up."""


class KindeWaitTrigger(BaseTrigger):
    """Looks every ``poll_interval`` seconds until a wait is over.

    It only reads: when it is killed, nothing is left behind in Kinde.

    :param kinde_conn_id: Airflow connection.
    :param poll_interval: seconds between two looks.
    :param deadline: when to give up, in seconds since 1970: the wall clock goes on while a triggerer is restarted.
    :param max_failures: so many failed looks in a row end the wait.
    """

    def __init__(
        self,
        *,
        kinde_conn_id: str = "kinde_default",
        poll_interval: float = 60.0,
        deadline: float | None = None,
        max_failures: int = MAX_FAILURES,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kinde_conn_id = kinde_conn_id
        self.poll_interval = poll_interval
        self.deadline = deadline
        self.max_failures = max_failures

    @abstractmethod
    def wait(self) -> Wait:
        """What is waited for.

        :raises KindeInputError: it makes no sense.
        """

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """The arguments of the subclass."""

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Everything that it takes to go on elsewhere."""
        common = {
            "kinde_conn_id": self.kinde_conn_id,
            "poll_interval": self.poll_interval,
            "deadline": self.deadline,
            "max_failures": self.max_failures,
        }
        return f"{type(self).__module__}.{type(self).__qualname__}", {**self.settings(), **common}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield one event: ``met``, ``timeout`` or ``error``."""
        async with poller(self.kinde_conn_id) as shared:
            event = await self._until_over(shared)
        yield TriggerEvent(event)  # type: ignore[no-untyped-call]

    async def _until_over(self, shared: Poller) -> dict[str, Any]:
        failures = 0
        while True:
            try:
                seen = await self._look(shared)
            except AirflowFailException as error:
                return {"status": "error", "retry": False, "message": str(error)}
            except Exception as error:
                failures += 1
                self.log.warning("look %s of %s failed: %s", failures, self.max_failures, error)
                if failures >= self.max_failures:
                    message = f"{failures} looks in a row failed, the last one with {type(error).__name__}: {error}"
                    return {"status": "error", "retry": True, "message": message}
            else:
                failures = 0
                if seen.met:
                    return {"status": "met", "value": seen.value}
            left = None if self.deadline is None else self.deadline - time.time()
            if left is not None and left <= 0:
                return {"status": "timeout"}
            pause = until_next(self.poll_interval)
            await asyncio.sleep(pause if left is None else min(pause, left))

    async def _look(self, shared: Poller) -> Any:
        run_query_async, wait = await asyncio.to_thread(self._prepare)
        return await run_query_async(wait.look(), shared.answer)

    def _prepare(self) -> tuple[Any, Wait]:
        # In a thread: the first one imports.
        from airflow_provider_kinde.resources.queries import run_query_async

        return run_query_async, self.wait()


def value_of(event: Any) -> dict[str, Any]:
    """What a sensor returns for a trigger's event.

    :raises AirflowSensorTimeout: the deadline passed.
    :raises AirflowFailException: what was asked for cannot be.
    :raises AirflowException: looking failed too often, or the event is none of ours: a lost one is no success.
    """
    if isinstance(event, Mapping):
        status, value = event.get("status"), event.get("value")
        if status == "met" and isinstance(value, Mapping) and value:
            return dict(value)
        if status == "timeout":
            raise AirflowSensorTimeout("what was waited for did not come about in time")
        if status == "error":
            kind = AirflowException if event.get("retry", True) else AirflowFailException
            raise kind(str(event.get("message") or "the trigger failed and did not say why"))
    raise AirflowException(f"the trigger's event says nothing that this sensor understands: {str(event)[:200]!r}")
