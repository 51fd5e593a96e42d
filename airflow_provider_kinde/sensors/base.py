"""What sensors share: one check, tolerance of failures that may pass, and waiting in the triggerer."""

from __future__ import annotations

import dataclasses
import time
from abc import abstractmethod
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import BaseSensorOperator, PokeReturnValue, TaskDeferred

from airflow_provider_kinde.exceptions import may_retry
from airflow_provider_kinde.links.admin import KindeAdminLink
from airflow_provider_kinde.operators.base import TextTemplatesMixin, airflow_errors, connected

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_kinde.resources.conditions import CheckResult, Condition
    from airflow_provider_kinde.triggers.base import WaitTrigger

SLACK = 300.0
"""Seconds after a trigger's own deadline at which Airflow ends the wait by itself."""


class WaitSensor(TextTemplatesMixin, BaseSensorOperator):
    """A sensor that checks once in the worker; with ``deferrable`` the triggerer does the rest.

    :param deferrable: wait in the triggerer; ``[operators] default_deferrable`` when left out.
    :param max_failures: how many failed checks in a row end the wait. A check that fails with an error that a retry
        cannot help ends it at once. With ``mode="reschedule"`` each failed check fails the task, and the task's
        ``retries`` decide.
    :param kwargs: of Airflow's ``BaseSensorOperator``.
    """

    ui_color = "#e6f4ee"
    ui_fgcolor = "#0f3d2e"

    def __init__(self, *, deferrable: bool | None = None, max_failures: int = 5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.deferrable = default_deferrable() if deferrable is None else deferrable
        self.max_failures = max_failures
        self._failures = 0

    @abstractmethod
    def _check(self, context: Context) -> CheckResult:
        """Check once, in the worker."""

    @abstractmethod
    def _trigger(self, **common: Any) -> WaitTrigger:
        """The trigger that goes on waiting.

        :param common: the arguments that all triggers share.
        """

    def execute(self, context: Context) -> Any:
        """Wait.

        :param context: the task's context.
        :returns: what was found, the same whether the sensor was deferred or not.
        :raises AirflowFailException: a check failed with an error that a retry cannot help.
        """
        if not self.deferrable:
            return super().execute(context)
        seen = self.poke(context)
        if seen:
            return seen.xcom_value
        trigger = self._trigger(
            poll_interval=max(1.0, self.poke_interval),
            deadline=time.time() + self.timeout,
            max_failures=self.max_failures,
        )
        raise TaskDeferred(
            trigger=trigger, method_name="execute_complete", timeout=timedelta(seconds=self.timeout + SLACK)
        )

    def execute_complete(self, context: Context, event: Any = None) -> Any:
        """Go on after the trigger's event.

        :param context: the task's context.
        :param event: what the trigger yielded.
        :returns: what was found.
        :raises AirflowSensorTimeout: the condition was not met in time.
        :raises AirflowException: the trigger failed, or its event was lost.
        """
        from airflow_provider_kinde.triggers.base import value_of

        return value_of(event)

    @airflow_errors()
    def poke(self, context: Context) -> PokeReturnValue:
        """Check once.

        :param context: the task's context.
        """
        try:
            seen = self._check(context)
        except Exception as error:
            if not may_retry(error):
                raise
            self._failures += 1
            if self.reschedule or self._failures >= self.max_failures:
                raise
            self.log.warning("check %s of %s failed: %s", self._failures, self.max_failures, error)
            return PokeReturnValue(is_done=False)
        self._failures = 0
        return PokeReturnValue(is_done=seen.met, xcom_value=seen.value if seen.met else None)


class KindeSensor(WaitSensor):
    """A sensor that waits for a condition in Kinde.

    :param kinde_conn_id: Airflow connection of type ``kinde`` (templated).
    """

    template_fields: Sequence[str] = ("kinde_conn_id",)
    operator_extra_links = (KindeAdminLink(),)
    condition_class: ClassVar[str]
    """Name of the condition. Its parameters are attributes of the sensor with the same names (``user_email``)."""

    def __init__(self, *, kinde_conn_id: str = "kinde_default", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kinde_conn_id = kinde_conn_id
        self._prepared = False

    def _condition(self, **changes: Any) -> Condition:
        """The condition with the rendered parameters."""
        from airflow_provider_kinde.resources.conditions import CONDITIONS

        kind: Any = CONDITIONS[self.condition_class]
        names = [field.name for field in dataclasses.fields(kind)]
        # `email` is Airflow's own attribute: whom to alert.
        values = {name: getattr(self, "user_email" if name == "email" else name) for name in names}
        return kind(**{**values, **changes})  # type: ignore[no-any-return]

    def _check(self, context: Context) -> CheckResult:
        from airflow_provider_kinde.resources.queries import run_query

        condition = self._condition()
        with connected(self.kinde_conn_id) as client:
            KindeAdminLink.push(context, client.base_url)
            if not self._prepared:
                run_query(condition.prepare(), client)
                self._prepared = True
            return run_query(condition.check(), client)

    def _trigger(self, **common: Any) -> WaitTrigger:
        from airflow_provider_kinde.triggers.conditions import KindeConditionTrigger

        parameters = self._condition().parameters()
        return KindeConditionTrigger(
            condition=self.condition_class, parameters=parameters, kinde_conn_id=self.kinde_conn_id, **common
        )


def default_deferrable() -> bool:
    """``[operators] default_deferrable``."""
    from airflow.providers.common.compat.sdk import conf

    return bool(conf.getboolean("operators", "default_deferrable", fallback=False))
