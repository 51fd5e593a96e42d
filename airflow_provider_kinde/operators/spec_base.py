"""What operators that work with a spec share: spec, connection, storage, reports, and what a log may say."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import (
    AirflowException,
    AirflowFailException,
    BaseOperator,
)

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.exceptions import StorageError
from airflow_provider_kinde.links.report import KindeReportLink
from airflow_provider_kinde.operators.asset_events import tell_outlets
from airflow_provider_kinde.operators.base import TextTemplatesMixin, connected
from airflow_provider_kinde.operators.cancellation import CancellableMixin
from airflow_provider_kinde.operators.metrics import send_metrics
from airflow_provider_kinde.operators.run_history import RunHistoryMixin
from airflow_provider_kinde.storage import run_files
from airflow_provider_kinde.storage.history_settings import keep_days, open_history
from airflow_provider_kinde.version_compat import user_agent

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_kinde.client import KindeClient
    from airflow_provider_kinde.sync.model import Source
    from airflow_provider_kinde.sync.plan.plan import Plan
    from airflow_provider_kinde.sync.report.report import Report
    from airflow_provider_kinde.sync.report.run_facts import RunFacts
    from airflow_provider_kinde.sync.spec.models import SyncSpec

SHOWN = 50
"""How many ids a log line or an error message names."""


class KindeSpecOperator(RunHistoryMixin, TextTemplatesMixin, CancellableMixin, BaseOperator):
    """An operator with the spec of a sync.

    :param spec: path of the spec file; a relative one starts at the folder of the DAG file (templated).
    :param kinde_conn_id: Airflow connection; the spec's ``kinde_conn_id`` when left out (templated).
    :param storage_path: folder for plans and reports, local or ``ObjectStoragePath``; ``[kinde] storage_path`` when
        left out (templated).
    :param log_personal_data: whether the task log may name people; ``[kinde] log_personal_data`` when left out.
    :param redact: whether plans and reports are kept without names, addresses and properties; ``[kinde] redact`` when
        left out.
    :param spec_folder: where a relative ``spec`` starts; the folder of the DAG file when left out.
    :param kwargs: of Airflow's ``BaseOperator``.
    """

    template_fields: Sequence[str] = ("spec", "kinde_conn_id", "storage_path")
    operator_extra_links = (KindeReportLink(),)
    ui_color = "#e6f4ee"
    ui_fgcolor = "#0f3d2e"

    def __init__(
        self,
        *,
        spec: str,
        kinde_conn_id: str | None = None,
        storage_path: str | None = None,
        log_personal_data: bool | None = None,
        redact: bool | None = None,
        spec_folder: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        for name, value in (("log_personal_data", log_personal_data), ("redact", redact)):
            if value is not None and not isinstance(value, bool):
                raise ValueError(f"{name}={value!r}: expected True, False or None")
        self.spec = spec
        self.kinde_conn_id = kinde_conn_id
        self.storage_path = storage_path
        self.log_personal_data = log_personal_data
        self.redact = redact
        self.spec_folder = spec_folder
        self._source: Source | None = None
        self._facts: RunFacts | None = None
        self._connected: KindeClient | None = None
        self._lineage: Any = None

    def _spec_file(self) -> Path:
        return spec_path(self.spec, self.spec_folder, self.get_dag())

    def _load(self, context: Context) -> tuple[SyncSpec, Source]:
        """Read the spec, and check settings and storage: all that can be wrong before a request is sent."""
        from airflow_provider_kinde.sources import make_source
        from airflow_provider_kinde.sync.report.run_facts import RunFacts
        from airflow_provider_kinde.sync.spec.models import SyncSpec

        ti = context["ti"]
        names = {name: getattr(ti, name, None) for name in ("dag_id", "run_id", "task_id")}
        triggered_by = getattr(context.get("dag_run"), "triggering_user_name", None)
        self._facts = RunFacts(user_agent(), **names, triggered_by=triggered_by)
        KindeReportLink.push(context)
        self._redacts()
        self._may_name_people()
        spec = self._loaded = SyncSpec.load(self._spec_file())
        run_files.probe(self._folder(spec, context))
        open_history(spec.name, self.storage_path).probe()
        keep_days()
        self._source = make_source(spec)
        return spec, self._source

    @contextmanager
    def _client(self, spec: SyncSpec) -> Iterator[KindeClient]:
        with connected(self.kinde_conn_id or spec.kinde_conn_id) as client:
            self._sends_with(client)
            self._connected = client
            yield client

    def _run_facts(self) -> dict[str, Any]:
        """What the report says of this run."""
        if self._facts is None or self._connected is None:
            return {}
        return self._facts.of(self._connected, approved_by=self._approved.get("by"))

    def _given(self) -> tuple[str | None, Sequence[str]]:
        protected = items(getattr(self, "approve_protected", None)) or []
        if confirmed := text(getattr(self, "confirm_protected", None)):
            protected.append("the person of the form" if "@" in confirmed else confirmed)
        return text(getattr(self, "approve", None)), protected

    def _folder(self, spec: SyncSpec, context: Context) -> str:
        return run_files.run_folder(self.storage_path or run_files.default_path(), spec.name, context)

    def _may_name_people(self) -> bool:
        return may_name_people(self.log_personal_data)

    def _redacts(self) -> bool:
        return chosen(self.redact, "redact")

    def _finish_report(self, spec: SyncSpec, report: Report, context: Context) -> dict[str, Any]:
        from airflow_provider_kinde.sync.report.page import report_page
        from airflow_provider_kinde.sync.report.plan_file import lines
        from airflow_provider_kinde.sync.report.redaction import redact_report
        from airflow_provider_kinde.sync.report.table import csv_lines

        folder = self._folder(spec, context)
        path = f"{folder}/report.json"
        result = summary_of(report.outcome, report.plan, report.blocked, path)
        result |= {
            "outcomes": report.outcomes,
            "requests": report.requests,
            "changed_since_plan": len(report.changed_since_plan),
        }
        # What was done stands in the log before anything can go wrong with the files.
        self._log_result("report", result, report.plan)
        self._trace(report.plan, result, applied=not report.blocked)
        report.plan.run = self._run_facts()
        send_metrics(spec.name, result, report.plan.run, self._source)
        tell_outlets(self.outlets or (), context, result, report.plan)
        kept = report
        try:
            self._keep_run(spec, report.plan, report, context, result)
            kept = redact_report(report) if self._redacts() else report
            run_files.write(path, lines(kept.document()))
            run_files.write(f"{folder}/report.csv", csv_lines(kept))
            run_files.write(f"{folder}/report.html", report_page(kept))
        except StorageError as error:
            # The place was tried before, and is full or gone now. What was done must stand somewhere.
            whole = report if self._may_name_people() and not self._redacts() else redact_report(report)
            self.log.error("%s. The report as JSON:\n%s", error, "".join(lines(whole.document())))
            if not report.blocked:
                raise
            self._kept = True  # the run ends as blocked, and its entry would be refused as well
        if self._may_name_people():
            from airflow_provider_kinde.sync.report.text import report_text

            self.log.info("%s", report_text(report))
        if report.blocked:
            self._block(result, context)
        try:
            if report.outcome == "failed":
                self._fail(report, result, context)
        finally:
            if report.interruption:
                raise report.interruption  # Airflow has to see how its task was ended
        return result

    def _trace(self, plan: Plan, result: Mapping[str, Any], *, applied: bool) -> None:
        from airflow_provider_kinde.openlineage import lineage

        # Now: where OpenLineage asks for it, connections can no longer be read.
        self._lineage = lineage.trace(self._source, plan, result, applied=applied)

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:
        """What was read and written, for OpenLineage, which calls this after a failure as well.

        :param task_instance: Airflow's task instance.
        :returns: an ``OperatorLineage``; ``None`` when the task did not come that far.
        """
        return self._lineage

    def _log_result(self, what: str, result: Mapping[str, Any], plan: Plan) -> None:
        counted = ", ".join(f"{count} {kind}" for kind, count in result["summary"].items() if count)
        self.log.info("outcome: %s (%s)", result["outcome"], counted or "nothing there")
        self._log_reasons("held, nothing is done for these people", ((h.reason, h.id) for h in plan.held))
        rejected = ((r.reason, f"row {r.row}" + (f" (id {r.id})" if r.id else "")) for r in plan.rejected)
        self._log_reasons("rejected rows, nothing is done for their people", rejected)
        if result.get("requests"):
            self.log.info("requests to Kinde: %(read)d read, %(write)d write", result["requests"])
        self.log.info("hash: %s", result["hash"])
        self.log.info("%s: %s", what, result["path"])

    def _log_reasons(self, what: str, found: Iterable[tuple[str, str]]) -> None:
        """Log each reason once, with the HR ids or rows that it is about."""
        from airflow_provider_kinde.sync.report.grouped import group_by_reason
        from airflow_provider_kinde.sync.report.redaction import without_values
        from airflow_provider_kinde.sync.report.text import clean

        groups = group_by_reason((("", without_values(reason), name) for reason, name in found), samples=SHOWN)
        if groups:
            self.log.warning("%s: %d", what, sum(group.count for group in groups))
        for group in groups[:SHOWN]:
            more = f" and {group.count - len(group.samples)} more" if group.count > len(group.samples) else ""
            listed = ", ".join(map(clean, group.samples))
            self.log.warning("  %d x %s: %s%s", group.count, clean(group.said), listed, more)

    def _block(self, result: dict[str, Any], context: Context) -> None:
        # A failed task returns nothing, and a notification has to say why.
        context["ti"].xcom_push(key="return_value", value=result)
        for reason in result["blocked"]:
            self.log.error("blocked: %s", reason)
        if result["approvable"]:
            self.log.error("to let exactly this plan pass once, approve %s", result["hash"])
        count = len(result["blocked"])
        raise AirflowFailException(f"blocked, nothing was written. In the log above: {counted(count, 'reason')}")

    def _fail(self, report: Report, result: dict[str, Any], context: Context) -> None:
        from airflow_provider_kinde.sync.report.redaction import first_reasons

        waiting = "protected people who left still have access"
        result["reasons"] = first_reasons(report) if report.failed else [waiting]
        context["ti"].xcom_push(key="return_value", value=result)
        if not report.failed:
            ids = some(held.id for held in report.plan.held if held.protected)
            raise AirflowFailException(
                f"{waiting}: {ids}. Pass their ids in approve_protected, or suspend them in Kinde"
            )
        who = some(dict.fromkeys(o.id or o.alias or "" for o in report.plan.operations if o.outcome != "done"))
        raise AirflowException(
            f"{report.failed} of {counted(len(report.plan.operations), 'operation')} not done. The first reasons: "
            f"{'; '.join(result['reasons'])}. All reasons are in {result['path']}. A retry does only what is left. "
            f"Ids: {who}"
        )


def spec_path(spec: str, folder: str, dag: Any) -> Path:
    """Where a spec file is; a relative path starts at ``folder``, or at the DAG file's.

    :param spec: the path as the operator got it.
    :param folder: the folder that a relative path starts at.
    :param dag: the DAG, whose file's folder counts where ``folder`` is left out.
    """
    path = Path(spec).expanduser()
    return path if path.is_absolute() else Path(folder or (Path(dag.fileloc).parent if dag else ".")) / path


def may_name_people(wanted: bool | None) -> bool:
    """Whether logs may name people: as wanted, else as ``[kinde] log_personal_data`` says.

    :param wanted: the operator's ``log_personal_data``.
    """
    return chosen(wanted, "log_personal_data")


def chosen(wanted: bool | None, setting: str) -> bool:
    """Return the operator's own choice, else that of a setting in ``[kinde]``, else no.

    :param wanted: what the operator got; ``None`` when it was left out.
    :param setting: name of the setting.
    """
    if wanted is not None:
        return wanted
    from airflow.providers.common.compat.sdk import conf

    try:
        return bool(conf.getboolean("kinde", setting, fallback=False))
    except Exception as error:  # Airflow's errors of configuration have no type that all versions share
        raise AirflowFailException(
            f"[kinde] {setting} is neither true nor false. Nothing was written: {error}"
        ) from None


def summary_of(outcome: str, plan: Plan, blocked: Sequence[Mapping[str, Any]], path: str) -> dict[str, Any]:
    """What goes to XCom: small, and free of names and addresses.

    :param outcome: what the task did.
    :param plan: the plan.
    :param blocked: why the plan is blocked.
    :param path: where the plan or report is kept.
    """
    from airflow_provider_kinde.sync.report.redaction import without_addresses

    return {
        "outcome": outcome,
        "hash": plan.hash,
        "summary": plan.summary,
        "held": len(plan.held),
        "rejected": len(plan.rejected),
        "managed": plan.managed,
        "blocked": [without_addresses(str(block["reason"])) for block in blocked],
        "approvable": bool(blocked) and all(block["approvable"] for block in blocked),
        "path": path,
    }


def refuse_backfill(context: Context) -> None:
    """A sync acts on today's HR data, whatever the run's date: a backfill would only do today's work many times.

    :param context: Airflow's context of the task.
    """
    run_type = getattr(context["dag_run"], "run_type", "")
    if str(getattr(run_type, "value", run_type)).startswith("backfill"):
        raise AirflowFailException("a sync cannot be backfilled: it acts on today's HR data, whatever the run's date")


def items(value: Any) -> list[str] | None:
    """A list from what a template yields: a list, JSON, or a text with commas; ``None`` when it is empty.

    :param value: what the template yields.
    """
    if isinstance(value, str):
        stripped = value.strip()
        if stripped in ("", "None", "null"):
            return None
        if stripped.startswith("["):
            try:
                value = json.loads(stripped)
            except (ValueError, RecursionError):
                value = _python_list(stripped)
        else:
            value = stripped.replace("\n", ",").split(",")
    if not isinstance(value, (list, tuple, set, frozenset)):
        value = [] if value is None else [value]
    found = [str(item).strip() for item in value]
    return [item for item in found if item] or None


def _python_list(text: str) -> Any:
    """A list as Jinja prints it, in Python's own form."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        raise AirflowFailException(f"{text[:60]!r} is no list: write texts with commas between them, or JSON") from None


def text(value: Any) -> str | None:
    """A text from what a template yields, as it is or with ``| tojson``; ``None`` when it is blank.

    :param value: what the template yields.
    """
    stripped = "" if value is None else str(value).strip()
    if stripped == "null":
        return None
    if len(stripped) > 1 and stripped[0] == stripped[-1] == '"':
        try:
            stripped = str(json.loads(stripped)).strip()
        except ValueError:
            return stripped
    return stripped or None


def is_true(value: Any) -> bool:
    """A boolean from what a template yields.

    :param value: what the template yields.
    """
    return value is True or str(value).strip().casefold() in ("true", "1", "yes")


def some(ids: Iterable[str]) -> str:
    """The first ids as a text, and how many more there are.

    :param ids: all ids.
    """
    listed = list(ids)
    more = len(listed) - SHOWN
    return ", ".join(listed[:SHOWN]) + (f" and {more} more" if more > 0 else "")
