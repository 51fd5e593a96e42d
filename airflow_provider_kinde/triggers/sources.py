"""Watch an HR source from the triggerer: for a deferred sensor, and for an asset (Airflow 3)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

from airflow.triggers import base as triggers
from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_kinde.storage.source_state import Watch
from airflow_provider_kinde.triggers.base import MAX_FAILURES

_EventBase: Any = getattr(triggers, "BaseEventTrigger", BaseTrigger)
AVAILABLE = _EventBase is not BaseTrigger
"""Whether this Airflow has asset watchers: 3.0 and later."""


class HrSourceTrigger(BaseTrigger):
    """Looks at an HR source until a sync is due, and fires once.

    :param watch: the fields of a :class:`~airflow_provider_kinde.storage.source_state.Watch`.
    :param poll_interval: seconds between two looks.
    :param deadline: when to give up, in seconds since 1970.
    :param max_failures: so many failed looks in a row end the wait.
    """

    def __init__(
        self,
        *,
        watch: dict[str, Any],
        poll_interval: float = 60.0,
        deadline: float | None = None,
        max_failures: int = MAX_FAILURES,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.watch = watch
        self.poll_interval = poll_interval
        self.deadline = deadline
        self.max_failures = max_failures

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Everything that it takes to go on elsewhere."""
        fields = ("watch", "poll_interval", "deadline", "max_failures")
        return f"{type(self).__module__}.{type(self).__qualname__}", {name: getattr(self, name) for name in fields}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield one event: ``met``, ``timeout`` or ``error``."""
        failures = 0
        while True:
            try:
                found = await _look(self.watch)
            except Exception as error:
                failures += 1
                self.log.warning("look %s of %s failed: %s", failures, self.max_failures, error)
                if failures >= self.max_failures:
                    message = f"{failures} looks in a row failed, the last one with {type(error).__name__}: {error}"
                    yield _event({"status": "error", "retry": True, "message": message})
                    return
            else:
                failures = 0
                if found:
                    yield _event({"status": "met", "value": found})
                    return
            left = None if self.deadline is None else self.deadline - time.time()
            if left is not None and left <= 0:
                yield _event({"status": "timeout"})
                return
            await asyncio.sleep(self.poll_interval if left is None else min(self.poll_interval, left))


class HrSourceEventTrigger(_EventBase):  # type: ignore[misc]
    """Fires an asset whenever a sync is due: HR's data changed, or the last sync is too long ago.

    A look that fails is told in the triggerer's log, and the next one is made as if nothing had happened.

    :param watch: the fields of a :class:`~airflow_provider_kinde.storage.source_state.Watch`.
    :param poll_interval: seconds between two looks.
    :raises RuntimeError: on Airflow 2, which has no asset watchers.
    """

    def __init__(self, *, watch: dict[str, Any], poll_interval: float = 60.0) -> None:
        if not AVAILABLE:
            raise RuntimeError("HrSourceEventTrigger needs Airflow 3: earlier versions have no asset watchers")
        super().__init__()
        self.watch = watch
        self.poll_interval = poll_interval

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Everything that makes this watcher."""
        name = f"{type(self).__module__}.{type(self).__qualname__}"
        return name, {"watch": self.watch, "poll_interval": self.poll_interval}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield ``{why, at}`` whenever a sync is due."""
        while True:
            try:
                found = await _look(self.watch)
            except Exception as error:
                self.log.warning("the HR source cannot be looked at: %s", error)
            else:
                if found:
                    yield _event({"why": found["why"], "at": found["at"]})
            await asyncio.sleep(self.poll_interval)


async def _look(fields: dict[str, Any]) -> dict[str, Any] | None:
    from airflow_provider_kinde.triggers.events import off_loop

    found: dict[str, Any] | None = await off_loop(Watch(**fields).look)
    return found


def as_fields(watch: Watch) -> dict[str, Any]:
    """A watch as a trigger keeps it."""
    return asdict(watch)


def _event(payload: dict[str, Any]) -> TriggerEvent:
    return TriggerEvent(payload)  # type: ignore[no-untyped-call]
