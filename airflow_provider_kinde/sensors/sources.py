"""Wait for HR's data to change."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import (
    AirflowException,
    AirflowFailException,
    BaseSensorOperator,
    PokeReturnValue,
    TaskDeferred,
)

from airflow_provider_kinde.operators.spec_base import spec_path
from airflow_provider_kinde.sensors.base import SLACK, default_deferrable
from airflow_provider_kinde.storage import run_files, source_state

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class HrSourceSensor(BaseSensorOperator):
    """Wait until a sync is due: HR's data changed since the last one that succeeded, or that one is too long ago.

    A file is asked when it was written and how large it is (or for its ETag), an API with a list of changes for those,
    and any other source is read and its rows are digested. What was synced is remembered under ``storage_path`` by the
    apply task with ``marks_source=True``, when everything was applied. A change whose sync failed fires again after
    ``retry_after``. Between two looks no worker is held.

    :param spec: path of the spec file; a relative one starts at the folder of the DAG file (templated).
    :param at_least_every: how long after the last sync one is due without a change: starts, ends and grace come due by
        themselves. ``None`` for never.
    :param retry_after: how long after firing in vain the same change fires again.
    :param storage_path: folder of plans and reports; ``[kinde] storage_path`` when left out (templated).
    :param deferrable: wait in the triggerer; ``[operators] default_deferrable`` when left out. Otherwise the sensor
        is rescheduled.
    :param max_failures: so many failed looks in a row end a deferred wait; otherwise the task's retries decide.
    :returns: ``{why, at, token}``.
    """

    template_fields: Sequence[str] = ("spec", "storage_path")
    ui_color = "#e6f4ee"
    ui_fgcolor = "#0f3d2e"

    def __init__(
        self,
        *,
        spec: str,
        at_least_every: timedelta | None = source_state.AT_LEAST_EVERY,
        retry_after: timedelta = source_state.RETRY_AFTER,
        storage_path: str | None = None,
        deferrable: bool | None = None,
        max_failures: int = 5,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("mode", "reschedule")
        super().__init__(**kwargs)
        self.spec = spec
        self.at_least_every = at_least_every
        self.retry_after = retry_after
        self.storage_path = storage_path
        self.deferrable = default_deferrable() if deferrable is None else deferrable
        self.max_failures = max_failures
        self.spec_folder = ""

    def execute(self, context: Context) -> Any:
        """Wait."""
        if not self.deferrable:
            return super().execute(context)
        seen = self.poke(context)
        if seen:
            return seen.xcom_value
        from airflow_provider_kinde.triggers.sources import HrSourceTrigger, as_fields

        trigger = HrSourceTrigger(
            watch=as_fields(self._watch()),
            poll_interval=max(1.0, self.poke_interval),
            deadline=time.time() + self.timeout,
            max_failures=self.max_failures,
        )
        raise TaskDeferred(
            trigger=trigger, method_name="execute_complete", timeout=timedelta(seconds=self.timeout + SLACK)
        )

    def execute_complete(self, context: Context, event: Any = None) -> Any:
        """Go on after the trigger's event."""
        from airflow_provider_kinde.triggers.base import value_of

        return value_of(event)

    def poke(self, context: Context) -> PokeReturnValue:
        """Look once."""
        from airflow_provider_kinde.exceptions import SourceError, SyncError

        try:
            found = self._watch().look()
        except SourceError as error:
            raise AirflowException(f"the HR source cannot be asked: {error}") from error
        except SyncError as error:
            raise AirflowFailException(str(error)) from error
        if found:
            self.log.info("a sync is due: %s", found["why"])
        return PokeReturnValue(is_done=bool(found), xcom_value=found)

    def _watch(self) -> source_state.Watch:
        file = spec_path(self.spec, self.spec_folder, self.get_dag())
        try:
            return source_state.watch(
                file, self.storage_path or run_files.default_path(), self.at_least_every, self.retry_after
            )
        except OSError as error:
            raise AirflowFailException(f"the spec file {file} cannot be read: {error.strerror or error}") from error
