"""What sensors share: one check, tolerance of failures that may pass, and waiting in the triggerer."""

from __future__ import annotations

import dataclasses
import time
from abc import abstractmethod
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import (
    AirflowException,
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTimeout,
    BaseSensorOperator,
    PokeReturnValue,
    TaskDeferred,
)

from airflow_provider_kinde.exceptions import may_retry
from airflow_provider_kinde.links.admin import KindeAdminLink
from airflow_provider_kinde.operators.base import TextTemplatesMixin, airflow_errors, connected
from airflow_provider_kinde.triggers.durations import count, seconds
from airflow_provider_kinde.version_compat import elapsed_in_try

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_kinde.resources.conditions import CheckResult, Condition
    from airflow_provider_kinde.triggers.base import WaitTrigger

SLACK = 300.0
"""Seconds after a trigger's own deadline at which Airflow ends the wait by itself."""


class WaitSensor(TextTemplatesMixin, BaseSensorOperator):
    """A sensor that checks once in the worker; with ``deferrable`` the triggerer does the rest.

    The parameters of Airflow's ``BaseSensorOperator`` mean the same in a worker (``mode="poke"``), between reschedules
    and in the triggerer: what Airflow does in ``mode="poke"``.

    :param deferrable: wait in the triggerer; ``[operators] default_deferrable`` when left out. ``mode`` then has no
        meaning.
    :param max_failures: how many failed checks in a row end the wait. A check that fails with an error that a retry
        cannot help ends it at once. With ``mode="reschedule"`` the number is kept under ``[kinde] storage_path``.
    :param kwargs: of Airflow's ``BaseSensorOperator``.
    :raises ValueError: ``poke_interval``, ``timeout``, ``max_wait`` or ``execution_timeout`` is not above 0, or
        ``max_failures`` is below 1.
    """

    ui_color = "#e6f4ee"
    ui_fgcolor = "#0f3d2e"
    deferrable = False

    def __init__(self, *, deferrable: bool | None = None, max_failures: int = 5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for name in ("poke_interval", "timeout", "max_wait", "execution_timeout"):
            if getattr(self, name) is not None:
                seconds(name, getattr(self, name))
        self.deferrable = default_deferrable() if deferrable is None else deferrable
        self.max_failures = count("max_failures", max_failures)
        self._failures = 0
        self._ti: Any = None

    @property
    def reschedule(self) -> bool:
        """Whether the task ends between two checks, and Airflow starts it anew."""
        return bool(self.mode == "reschedule" and not self.deferrable)

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
        :raises AirflowTaskTimeout: ``execution_timeout`` is over.
        """
        self._failures, self._ti = 0, context.get("ti")
        try:
            return super().execute(context)
        except AirflowSkipException as skipped:
            # With `soft_fail` Airflow skips if this timeout comes during a check, and fails if it comes between two.
            if isinstance(skipped.__cause__, AirflowTaskTimeout):
                raise skipped.__cause__ from None
            raise

    def _get_next_poke_interval(self, started_at: Any, run_duration: Callable[[], float], poke_count: int) -> float:
        # Airflow asks this after each check that found nothing, before it sleeps or reschedules the task.
        if self.deferrable:
            self._wait_in_the_triggerer(time.time() - run_duration())
        pause = float(super()._get_next_poke_interval(started_at, run_duration, poke_count))
        if self.execution_timeout is None:
            return pause
        # In `mode="reschedule"` Airflow would count the seconds of each check alone. In `mode="poke"` it sets an alarm,
        # and Python loses what an alarm raises in a callback.
        elapsed = elapsed_in_try(self._ti, run_duration) if self.reschedule else run_duration()
        left = self.execution_timeout.total_seconds() - elapsed
        if left <= 0:
            raise AirflowTaskTimeout("the condition was not met within the task's execution_timeout")
        return min(pause, left)

    def _wait_in_the_triggerer(self, started: float) -> None:
        timed = self.execution_timeout
        trigger = self._trigger(
            poll_interval=self.poke_interval,
            exponential_backoff=self.exponential_backoff,
            max_wait=self.max_wait,
            started=started,
            deadline=started + self.timeout,
            execution_deadline=None if timed is None else started + timed.total_seconds(),
            max_failures=None if self.silent_fail else self.max_failures,
            failures=self._failures,
        )
        raise TaskDeferred(
            trigger=trigger, method_name="execute_complete", timeout=timedelta(seconds=self.timeout + SLACK)
        )

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Go on after the wait in the triggerer; Airflow calls this.

        :param next_method: ``execute_complete``, or ``__fail__`` where Airflow ended the wait.
        :param next_kwargs: the trigger's event, or Airflow's reason.
        :param context: the task's context.
        """
        if next_method != "__fail__":
            # Not the sensor's own: with `soft_fail` and `never_fail` it skips in other cases than `mode="poke"`.
            return super(BaseSensorOperator, self).resume_execution(next_method, next_kwargs, context)
        ended = next_kwargs or {}
        for line in ended.get("traceback") or ():
            self.log.error("%s", line.rstrip())
        reason = str(ended.get("error") or "the trigger failed without a message")
        timed_out = "timeout" in reason.lower()
        event = {"status": "timeout"} if timed_out else {"status": "error", "retry": True, "message": reason}
        return self.execute_complete(context, event)

    def execute_complete(self, context: Context, event: Any = None) -> Any:
        """Go on after the trigger's event.

        :param context: the task's context.
        :param event: what the trigger yielded.
        :returns: what was found.
        :raises AirflowSensorTimeout: the condition was not met in time.
        :raises AirflowTaskTimeout: ``execution_timeout`` is over.
        :raises AirflowException: the trigger failed, or its event was lost.
        :raises AirflowSkipException: one of these, where ``soft_fail`` or ``never_fail`` skips the task.
        """
        from airflow_provider_kinde.triggers.base import value_of

        try:
            return value_of(event)
        except AirflowException as error:
            if isinstance(error, AirflowSensorTimeout):
                skips = self.soft_fail
            else:
                skips = self.never_fail or (self.soft_fail and isinstance(error, AirflowFailException))
            if not skips:
                raise
            raise AirflowSkipException(str(error)) from error

    @airflow_errors()
    def poke(self, context: Context) -> PokeReturnValue:
        """Check once.

        :param context: the task's context.
        """
        before = self._failures_before(context)
        try:
            seen = self._check(context)
        except Exception as error:
            if not may_retry(error):
                raise
            kept = self._keep(context, before + 1)
            if self._failures >= self.max_failures or not kept:
                raise
            self.log.warning("check %s of %s failed: %s", self._failures, self.max_failures, error)
            return PokeReturnValue(is_done=False)
        if before:
            self._keep(context, 0)
        return PokeReturnValue(is_done=seen.met, xcom_value=seen.value if seen.met else None)

    def _failures_before(self, context: Context) -> int:
        """How many checks of this try failed in a row; a task that is rescheduled begins each check anew."""
        from airflow_provider_kinde.exceptions import StorageError
        from airflow_provider_kinde.storage.state_files import read_state, task_path

        path = task_path(context) if self.reschedule else None
        if path is None:
            return self._failures
        try:
            kept = read_state(path)
        except StorageError as error:
            self.log.warning("earlier failed checks are not counted: %s", error)
            return 0
        return int(kept.get("failures", 0)) if kept.get("try") == self._try(context) else 0

    def _keep(self, context: Context, failures: int) -> bool:
        from airflow_provider_kinde.exceptions import StorageError
        from airflow_provider_kinde.storage.state_files import task_path, write_state

        self._failures = failures
        path = task_path(context) if self.reschedule else None
        if path is None:
            return True
        try:
            write_state(path, {"try": self._try(context), "failures": failures})
        except StorageError as error:
            self.log.warning("this failed check cannot be remembered: %s", error)
            return False
        return True

    @staticmethod
    def _try(context: Context) -> int | None:
        return getattr(context.get("ti"), "try_number", None)


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
            condition=self.condition_class,
            parameters=parameters,
            kinde_conn_id=self.kinde_conn_id,
            prepared=self._prepared,
            **common,
        )


def default_deferrable() -> bool:
    """``[operators] default_deferrable``."""
    from airflow.providers.common.compat.sdk import conf

    return bool(conf.getboolean("operators", "default_deferrable", fallback=False))
