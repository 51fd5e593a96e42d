"""Watch an HR source from the triggerer: for a deferred sensor, and for an asset (Airflow 3)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import TriggerEvent

from airflow_provider_kinde.exceptions import may_retry
from airflow_provider_kinde.storage.source_state import SourceState
from airflow_provider_kinde.triggers.base import WaitTrigger
from airflow_provider_kinde.triggers.durations import seconds
from airflow_provider_kinde.version_compat import event_trigger, off_loop

if TYPE_CHECKING:
    from airflow_provider_kinde.resources.conditions import CheckResult

LONGEST_REASON = 500
"""Characters of an error in an event, which Airflow's database keeps."""

_EventTrigger: Any = event_trigger()


class HrSourceTrigger(WaitTrigger):
    """Waits until a sync is due.

    :param state: the parameters of a :class:`~airflow_provider_kinde.storage.source_state.SourceState`.
    :param common: of :class:`~.base.WaitTrigger`.
    """

    def __init__(self, *, state: dict[str, Any], **common: Any) -> None:
        super().__init__(**common)
        self.state = state

    def parameters(self) -> dict[str, Any]:
        """The state to compare with."""
        return {"state": self.state}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield one event: ``met``, ``timeout``, ``execution_timeout`` or ``error``."""
        yield await self.wait(lambda: _check(self.state))


class HrSourceEventTrigger(_EventTrigger):  # type: ignore[misc]
    """Updates an asset whenever a sync is due: HR's data changed, or the last sync is too long ago.

    A check that fails is written to the triggerer's log, and the next one follows as usual: a watcher never ends. Where
    a retry cannot help (the spec is wrong), or where checks have failed for ``retry_after``, the asset is updated as
    well: the run that follows fails with the reason, where users see it. That is repeated after ``retry_after``.

    :param state: the parameters of a :class:`~airflow_provider_kinde.storage.source_state.SourceState`.
    :param poll_interval: seconds (or a ``timedelta``) between two checks. When left out, 3 where HR answers one small
        question, else 60.
    :raises RuntimeError: on Airflow 2, which has no asset watchers.
    """

    def __init__(self, *, state: dict[str, Any], poll_interval: float | timedelta | None = None) -> None:
        super().__init__()
        self.state = state
        self.poll_interval = None if poll_interval is None else seconds("poll_interval", poll_interval)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """The path of the class and all arguments."""
        name = f"{type(self).__module__}.{type(self).__qualname__}"
        return name, {"state": self.state, "poll_interval": self.poll_interval}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield ``{why, at}`` whenever a sync is due."""
        told = failing = None
        pause = self.poll_interval or await off_loop(_interval, self.state)
        while True:
            now = time.monotonic()
            try:
                found = await _check(self.state)
            except Exception as error:
                self.log.warning("the HR source cannot be checked: %s", error)
                failing = now if failing is None else failing
                lasting = not may_retry(error) or now - failing >= self.state["retry_after"]
                if lasting and (told is None or now - told >= self.state["retry_after"]):
                    told = now
                    why = f"the HR source cannot be checked: {' '.join(str(error).split())[:LONGEST_REASON]}"
                    yield _event(why, datetime.now(timezone.utc).isoformat())
            else:
                told = failing = None
                if found.met:
                    yield _event(found.value["why"], found.value["at"])
            await asyncio.sleep(pause)


def _event(why: str, at: str) -> TriggerEvent:
    return TriggerEvent({"why": why, "at": at})  # type: ignore[no-untyped-call]


def _interval(state: dict[str, Any]) -> float:
    return SourceState(**state).interval()


async def _check(state: dict[str, Any]) -> CheckResult:
    found: CheckResult = await off_loop(SourceState(**state).check)
    return found
