"""Wait for HR's data to change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_kinde.operators.spec_base import is_true, spec_path
from airflow_provider_kinde.sensors.base import WaitSensor
from airflow_provider_kinde.storage import run_files, source_state
from airflow_provider_kinde.storage.source_state import SourceState
from airflow_provider_kinde.triggers.durations import duration

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_kinde.resources.conditions import CheckResult
    from airflow_provider_kinde.triggers.sources import HrSourceTrigger


class HrSourceSensor(WaitSensor):
    """Wait until a sync is due: HR's data changed since the last successful sync, or that sync is too long ago.

    How a change is noticed depends on the source. Of a file: its time and size (or ETag). Of an API with a list of
    changes: that list. Of any other source: a digest of its rows. The apply task with ``marks_source=True`` writes to
    ``storage_path`` what was synced. A change whose sync failed is reported again after ``retry_after``. The sensor
    holds no worker between two checks.

    :param spec: path of the spec file; a relative one starts at the folder of the DAG file (templated).
    :param at_least_every: how long after the last sync the next one is due without a change (``timedelta`` or
        seconds), since first days, last days and grace periods come due by themselves; ``None`` for never.
    :param retry_after: how long after a failed sync the same change is reported again (``timedelta`` or seconds).
    :param stays_due: when true (or a text that says so), the change stays due for other runs, since this one leaves it
        unsynced: it only plans, or is for some people or kinds of changes (templated).
    :param storage_path: folder of plans and reports; ``[kinde] storage_path`` when left out (templated).
    :param deferrable: wait in the triggerer; ``[operators] default_deferrable`` when left out. Otherwise the sensor
        is rescheduled.
    :param max_failures: how many failed checks in a row end the wait; see
        :class:`~airflow_provider_kinde.sensors.base.WaitSensor`.
    :returns: ``{why, at, token}``.
    """

    template_fields: Sequence[str] = ("spec", "stays_due", "storage_path")

    def __init__(
        self,
        *,
        spec: str,
        at_least_every: timedelta | float | None = source_state.AT_LEAST_EVERY,
        retry_after: timedelta | float = source_state.RETRY_AFTER,
        stays_due: bool | str = False,
        storage_path: str | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("mode", "reschedule")
        super().__init__(**kwargs)
        self.spec = spec
        self.at_least_every = None if at_least_every is None else duration("at_least_every", at_least_every)
        self.retry_after = duration("retry_after", retry_after)
        self.stays_due = stays_due
        self.storage_path = storage_path
        self.spec_folder = ""

    def _check(self, context: Context) -> CheckResult:
        found = self._state().check()
        if found.met:
            self.log.info("a sync is due: %s", found.value["why"])
        return found

    def _trigger(self, **common: Any) -> HrSourceTrigger:
        from airflow_provider_kinde.triggers.sources import HrSourceTrigger

        return HrSourceTrigger(state=self._state().parameters(), **common)

    def _state(self) -> SourceState:
        from airflow_provider_kinde.exceptions import SpecError

        file = spec_path(self.spec, self.spec_folder, self.get_dag())
        root = self.storage_path or run_files.default_path()
        try:
            return SourceState.of(file, root, self.at_least_every, self.retry_after, stays_due=is_true(self.stays_due))
        except OSError as error:
            raise SpecError(f"the spec file {file} cannot be read: {error.strerror or error}") from error
