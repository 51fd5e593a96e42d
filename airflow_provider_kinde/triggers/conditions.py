"""Waits for a condition in Kinde, in the triggerer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_kinde.triggers.base import WaitTrigger
from airflow_provider_kinde.triggers.poller import poller

if TYPE_CHECKING:
    from airflow.triggers.base import TriggerEvent

    from airflow_provider_kinde.resources.conditions import CheckResult
    from airflow_provider_kinde.triggers.poller import Poller


class KindeConditionTrigger(WaitTrigger):
    """Waits until a condition of :mod:`airflow_provider_kinde.resources.conditions` is met.

    :param condition: the name of the condition: ``UserCondition``, ``OrganizationCondition`` or ``MemberCondition``.
    :param parameters: the condition's parameters by name.
    :param kinde_conn_id: Airflow connection.
    :param prepared: whether a sensor has made the checks that are made once, such as whether Kinde has the roles.
    :param common: of :class:`~.base.WaitTrigger`.
    """

    def __init__(
        self,
        *,
        condition: str,
        parameters: Mapping[str, Any],
        kinde_conn_id: str = "kinde_default",
        prepared: bool = False,
        **common: Any,
    ) -> None:
        super().__init__(**common)
        self.condition = condition
        self.condition_parameters = dict(parameters)
        self.kinde_conn_id = kinde_conn_id
        self.prepared = prepared

    def parameters(self) -> dict[str, Any]:
        """The condition and the connection, and whether it is prepared."""
        return {
            "condition": self.condition,
            "parameters": self.condition_parameters,
            "kinde_conn_id": self.kinde_conn_id,
            "prepared": self.prepared,
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield one event: ``met``, ``timeout``, ``execution_timeout`` or ``error``."""
        async with poller(self.kinde_conn_id) as shared:
            event = await self.wait(lambda: self._check(shared))
        yield event

    async def _check(self, shared: Poller) -> CheckResult:
        # In a thread: the first import reads files.
        run_query_async, condition = await asyncio.to_thread(self._condition)
        if not self.prepared:
            await run_query_async(condition.prepare(), shared.answer)
            self.prepared = True
        result: CheckResult = await run_query_async(condition.check(), shared.answer)
        return result

    def _condition(self) -> tuple[Any, Any]:
        from airflow_provider_kinde.resources.conditions import CONDITIONS
        from airflow_provider_kinde.resources.queries import run_query_async

        return run_query_async, CONDITIONS[self.condition](**self.condition_parameters)
