"""What sensors share: one look, tolerance for what passes, and deferring."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseSensorOperator, PokeReturnValue, TaskDeferred

from airflow_provider_kinde.links.admin import KindeAdminLink

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_kinde.client import KindeClient
    from airflow_provider_kinde.resources.conditions import Wait
    from airflow_provider_kinde.triggers.base import KindeWaitTrigger

SLACK = 300.0
"""Seconds after a trigger's own deadline at which Airflow ends the wait by itself."""


class KindeSensor(BaseSensorOperator):
    """A sensor with a Kinde connection. It looks once in the worker; with ``deferrable`` the rest is the triggerer's.

    :param kinde_conn_id: Airflow connection of type ``kinde`` (templated).
    :param deferrable: wait in the triggerer; ``[operators] default_deferrable`` when left out.
    :param max_failures: so many failed looks in a row end the wait; fewer pass, but for ``mode="reschedule"``, where
        each look is a process of its own and Airflow's retries decide.
    """

    template_fields: Sequence[str] = ("kinde_conn_id",)
    operator_extra_links = (KindeAdminLink(),)
    ui_color = "#e6f4ee"
    ui_fgcolor = "#0f3d2e"

    def __init__(
        self,
        *,
        kinde_conn_id: str = "kinde_default",
        deferrable: bool | None = None,
        max_failures: int = 5,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.kinde_conn_id = kinde_conn_id
        self.deferrable = default_deferrable() if deferrable is None else deferrable
        self.max_failures = max_failures
        self._failures = 0
        self._prepared = False

    @abstractmethod
    def _wait(self) -> Wait:
        """What is waited for, from the rendered fields."""

    @abstractmethod
    def _trigger(self, **common: Any) -> KindeWaitTrigger:
        """The trigger that goes on waiting."""

    def _prepare(self, client: KindeClient) -> None:
        """Check what only Kinde can tell, once."""

    def execute(self, context: Context) -> Any:
        """Wait.

        :returns: what was found, the same whether the sensor was deferred or not.
        :raises KindeInputError: what was asked for cannot be.
        """
        if not self.deferrable:
            return super().execute(context)
        seen = self.poke(context)
        if seen:
            return seen.xcom_value
        trigger = self._trigger(
            kinde_conn_id=self.kinde_conn_id,
            poll_interval=max(1.0, self.poke_interval),
            deadline=time.time() + self.timeout,
            max_failures=self.max_failures,
        )
        raise TaskDeferred(
            trigger=trigger, method_name="execute_complete", timeout=timedelta(seconds=self.timeout + SLACK)
        )

    def execute_complete(self, context: Context, event: Any = None) -> Any:
        """Go on after the trigger's event.

        :returns: what was found.
        :raises AirflowSensorTimeout: it was not found in time.
        :raises AirflowException: the trigger failed, or its event got lost.
        """
        from airflow_provider_kinde.triggers.base import value_of

        return value_of(event)

    def poke(self, context: Context) -> PokeReturnValue:
        """Look once."""
        from airflow_provider_kinde.exceptions import KindeRateLimitError, KindeResponseError, KindeServerError
        from airflow_provider_kinde.operators.base import connected
        from airflow_provider_kinde.resources.queries import run_query

        wait = self._wait()
        try:
            with connected(self.kinde_conn_id, context) as client:
                if not self._prepared:
                    self._prepare(client)
                    self._prepared = True
                seen = run_query(wait.look(), client)
        except (KindeServerError, KindeRateLimitError, KindeResponseError) as error:
            self._failures += 1
            if self.reschedule or self._failures >= self.max_failures:
                raise
            self.log.warning("look %s of %s failed: %s", self._failures, self.max_failures, error)
            return PokeReturnValue(is_done=False)
        self._failures = 0
        return PokeReturnValue(is_done=seen.met, xcom_value=seen.value if seen.met else None)


def default_deferrable() -> bool:
    """``[operators] default_deferrable``."""
    from airflow.providers.common.compat.sdk import conf

    return bool(conf.getboolean("operators", "default_deferrable", fallback=False))
