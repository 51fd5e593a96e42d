"""The entry that a task of Airflow writes into the history of its sync."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException, AirflowTaskTimeout

from airflow_provider_kinde.exceptions import ProviderError, StorageError
from airflow_provider_kinde.operators.base import airflow_errors
from airflow_provider_kinde.storage import run_files
from airflow_provider_kinde.storage.history_settings import keep_days, open_history

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_kinde.sync.history.entry import RunRecord
    from airflow_provider_kinde.sync.plan.plan import Plan
    from airflow_provider_kinde.sync.report.report import Report
    from airflow_provider_kinde.sync.signature import Sign
    from airflow_provider_kinde.sync.spec.models import SyncSpec


class RunHistoryMixin:
    """For operators each of whose runs has an entry in the history.

    The operator has ``spec``, ``kinde_conn_id`` and ``storage_path``.
    """

    _command = "apply"
    """What the history calls a run of this operator."""
    _approved: Mapping[str, Any] = MappingProxyType({})
    """The approval of this run, or its rejection: ``hash``, ``by`` and ``at``."""
    _planned_at = ""
    """When the plan was made that this run carries out."""
    _began = 0.0
    _loaded: SyncSpec | None = None
    _kept = False

    @contextmanager
    def _recorded(self, context: Context) -> Iterator[None]:
        """Raise errors as Airflow takes them. A run that fails before its entry was written gets one that says so.

        A try that Airflow repeats writes none, so that retries do not fill the history: the last one speaks for all.
        """
        operator: Any = self
        self._began, self._kept = time.time(), False
        try:
            with airflow_errors():
                yield
        except AirflowSkipException:
            raise
        except (Exception, AirflowTaskTimeout) as error:
            if not self._kept:
                try:
                    if _is_last_try(error, context):
                        self._keep_failure(error, context)
                except Exception:  # the failure of the run is what Airflow and the user must see
                    operator.log.exception("the history has no entry of this run")
            raise

    def _keep_failure(self, error: BaseException, context: Context) -> None:
        from airflow_provider_kinde.storage.history_failure import outline_of, write_failure

        operator: Any = self
        spec = self._loaded or outline_of(operator._spec_file())
        if spec is None:
            operator.log.warning("the history has no entry of this run: the spec's name could not be read")
            return
        sign = _sign_of(operator.kinde_conn_id or spec.kinde_conn_id)
        record = self._record(context)
        with self._entry_if_possible():
            written = write_failure(operator.storage_path, spec, record, error, sign, AirflowFailException)
            operator.log.info("history: entry %d, head %s", written.number, written.hash)

    @contextmanager
    def _entry_if_possible(self) -> Iterator[None]:
        """For the entry of a run that ends all the same, as it would otherwise, where the store refuses the entry."""
        operator: Any = self
        try:
            yield
        except StorageError as problem:
            operator.log.warning("the history has no entry of this run: %s", problem)
        self._kept = True

    def _keep_run(
        self, spec: SyncSpec, plan: Plan, report: Report | None, context: Context, result: dict[str, Any]
    ) -> None:
        """Write the entry of this run, and name it in the log, in the result and in the report."""
        from airflow_provider_kinde.storage.history_writer import write_entry

        operator: Any = self
        history = open_history(spec.name, operator.storage_path)
        written = write_entry(history, self._record(context), plan, report, keep_days())
        self._kept = True
        result["history"] = written.hash
        plan.run = {**plan.run, "history": f"entry {written.number}, head {written.hash}"}
        operator.log.info("history: entry %d, head %s", written.number, written.hash)

    def _keep_rejection(
        self, spec: SyncSpec, path: str, facts: Mapping[str, Any], answer: Mapping[str, Any], context: Context
    ) -> None:
        """Write the entry of a plan that no user approved.

        :param spec: the spec.
        :param path: the file of the plan that was shown.
        :param facts: the outcome, and why.
        :param answer: ``hash``, ``by`` and ``at`` of the rejection.
        :param context: the task's context.
        """
        from airflow_provider_kinde.storage.history_writer import write_event
        from airflow_provider_kinde.sync.history.entry import rejected_plan
        from airflow_provider_kinde.sync.report.plan_file import PlanFile

        operator: Any = self
        self._approved = answer
        shown: dict[str, Any] = {}
        operations: Iterator[dict[str, Any]] = iter(())
        try:
            shown, operations = rejected_plan(PlanFile.read(lambda: run_files.opened(path)))
        except (ProviderError, OSError, ValueError) as error:  # who rejected counts more than what
            operator.log.warning("the history does not say what was rejected: %s", error)
        sign = _sign_of(operator.kinde_conn_id or spec.kinde_conn_id)
        history = open_history(spec.name, operator.storage_path)
        with self._entry_if_possible():
            written = write_event(history, self._record(context), {**shown, **facts}, sign, operations)
            operator.log.info("history: entry %d, head %s", written.number, written.hash)

    def _given(self) -> tuple[str | None, Sequence[str]]:
        """The hash and the HR ids of protected people that the run itself approves."""
        return None, ()

    def _record(self, context: Context) -> RunRecord:
        """Who or what ran this task, and who approved."""
        from airflow_provider_kinde.sync.history.entry import RunRecord
        from airflow_provider_kinde.version_compat import user_agent

        ti, dag_run = context["ti"], context.get("dag_run")
        run_type = getattr(dag_run, "run_type", "")
        user = getattr(dag_run, "triggering_user_name", None)
        names = {
            **{name: getattr(ti, name, None) for name in ("dag_id", "run_id", "task_id", "try_number")},
            "trigger": getattr(run_type, "value", run_type),
            "user": user,
        }
        approval: dict[str, Any] = {}
        approve, protected = self._given()
        if self._approved:
            approval = {**self._approved, "how": "an approval in Airflow"}
        elif approve:
            # No task asked: the hash was given where the run was triggered, or in the DAG.
            approval = {"hash": approve, "by": user or "", "how": "a parameter of the run"}
        return RunRecord(self._command, names, user_agent(), approval, protected, self._began, self._planned_at)


def _is_last_try(error: BaseException, context: Context) -> bool:
    """Whether Airflow does not run this task again by itself."""
    ti = context["ti"]
    most = getattr(ti, "max_tries", None)
    return isinstance(error, AirflowFailException) or not isinstance(most, int) or ti.try_number > most


def _sign_of(conn_id: str) -> Sign | None:
    """Signs with the client secret of a connection; ``None`` where the connection cannot be used."""
    from airflow_provider_kinde.hooks.kinde import KindeHook

    with suppress(Exception), KindeHook(kinde_conn_id=conn_id).get_conn() as client:
        sign: Sign = client.sign
        return sign
    return None
