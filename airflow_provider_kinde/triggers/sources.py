"""Watch an HR source from the triggerer: for a deferred sensor, and for an asset (Airflow 3)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import TriggerEvent

from airflow_provider_kinde.storage.source_state import SourceState
from airflow_provider_kinde.triggers.base import WaitTrigger
from airflow_provider_kinde.triggers.durations import seconds
from airflow_provider_kinde.version_compat import event_trigger, off_loop

if TYPE_CHECKING:
    from airflow_provider_kinde.resources.conditions import CheckResult

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

    A check that fails is written to the triggerer's log, and the next one follows as usual: a watcher never ends.

    :param state: the parameters of a :class:`~airflow_provider_kinde.storage.source_state.SourceState`.
    :param poll_interval: seconds (or a ``timedelta``) between two checks.
    :raises RuntimeError: on Airflow 2, which has no asset watchers.
    """

    def __init__(self, *, state: dict[str, Any], poll_interval: float | timedelta = 60.0) -> None:
        super().__init__()
        self.state = state
        self.poll_interval = seconds("poll_interval", poll_interval)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """The path of the class and all arguments."""
        name = f"{type(self).__module__}.{type(self).__qualname__}"
        return name, {"state": self.state, "poll_interval": self.poll_interval}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield ``{why, at}`` whenever a sync is due."""
        while True:
            try:
                found = await _check(self.state)
            except Exception as error:
                self.log.warning("the HR source cannot be checked: %s", error)
            else:
                if found.met:
                    payload = {"why": found.value["why"], "at": found.value["at"]}
                    yield TriggerEvent(payload)  # type: ignore[no-untyped-call]
            await asyncio.sleep(self.poll_interval)


async def _check(state: dict[str, Any]) -> CheckResult:
    found: CheckResult = await off_loop(SourceState(**state).check)
    return found
