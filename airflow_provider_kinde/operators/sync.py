"""Keep Kinde in step with HR from a DAG: plan, apply, or both in one task.

Heavy modules are imported when a task runs: a DAG file that names these operators parses in no time.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import (
    AirflowException,
    AirflowFailException,
    AirflowNotFoundException,
    AirflowSkipException,
    BaseOperator,
)

from airflow_provider_kinde import storage

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_kinde.api import KindeClient
    from airflow_provider_kinde.sync.model import Source
    from airflow_provider_kinde.sync.plan import Plan
    from airflow_provider_kinde.sync.report import Report
    from airflow_provider_kinde.sync.spec import SyncSpec

SHOWN = 50
"""How many ids a log line or an error message names."""


class _SyncOperator(BaseOperator):
    """What the three operators share: spec, connection, storage, and what a log may say."""

    template_fields: Sequence[str] = (
        "spec",
        "kinde_conn_id",
        "ids",
        "only",
        "approve",
        "approve_protected",
        "storage_path",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"ids": "json", "only": "json", "approve_protected": "json"}
    ui_color = "#e6f4ee"
    ui_fgcolor = "#0f3d2e"

    def __init__(
        self,
        *,
        spec: str,
        kinde_conn_id: str | None = None,
        ids: Iterable[str] | str | None = None,
        only: Iterable[str] | str | None = None,
        approve: str | None = None,
        approve_protected: Iterable[str] | str | None = None,
        storage_path: str | None = None,
        log_personal_data: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.spec = spec
        self.kinde_conn_id = kinde_conn_id
        self.ids = ids
        self.only = only
        self.approve = approve
        self.approve_protected = approve_protected
        self.storage_path = storage_path
        self.log_personal_data = log_personal_data
        self.spec_folder = ""

    def _spec_file(self) -> Path:
        path = Path(self.spec).expanduser()
        if path.is_absolute():
            return path
        dag = self.get_dag()
        return Path(self.spec_folder or (Path(dag.fileloc).parent if dag else ".")) / path

    def _load(self) -> tuple[SyncSpec, Source]:
        from airflow_provider_kinde.sources import make_source
        from airflow_provider_kinde.sync.spec import SyncSpec

        spec = SyncSpec.load(self._spec_file())
        return spec, make_source(spec)

    @contextmanager
    def _client(self, spec: SyncSpec) -> Iterator[KindeClient]:
        from airflow_provider_kinde.hooks.kinde import KindeHook

        conn_id = self.kinde_conn_id or spec.kinde_conn_id
        try:
            client = KindeHook(kinde_conn_id=conn_id).get_conn()
        except (ValueError, AirflowNotFoundException) as error:
            raise AirflowFailException(f"the connection {conn_id!r} cannot be used: {error}") from error
        with client:
            yield client

    def _folder(self, spec: SyncSpec, context: Context) -> str:
        return storage.run_folder(self.storage_path or storage.default_path(), spec.name, context)

    def _may_name_people(self) -> bool:
        if self.log_personal_data is not None:
            return self.log_personal_data
        from airflow.providers.common.compat.sdk import conf

        return bool(conf.getboolean("kinde", "log_personal_data", fallback=False))

    def _make_plan(self, spec: SyncSpec, source: Source, client: KindeClient) -> Plan:
        from airflow_provider_kinde.sync import make_plan

        return make_plan(
            spec,
            source,
            client,
            ids=items(self.ids),
            only=items(self.only),
            approve_protected=items(self.approve_protected) or (),
        )

    def _apply(
        self, spec: SyncSpec, source: Source, client: KindeClient, plan_file: Mapping[str, Any] | None
    ) -> Report:
        from airflow_provider_kinde.sync import run

        return run.apply(
            spec,
            source,
            client,
            plan_file=plan_file,
            approve=text(self.approve),
            approve_protected=items(self.approve_protected) or (),
            now=None,
            ids=items(self.ids),
            only=items(self.only),
        )

    def _finish_plan(self, spec: SyncSpec, plan: Plan, context: Context) -> dict[str, Any]:
        from airflow_provider_kinde.sync.apply import still_blocked

        path = f"{self._folder(spec, context)}/plan.json"
        storage.write(path, json.dumps(plan.to_json(), indent=1, ensure_ascii=False) + "\n")
        blocked = still_blocked(plan, text(self.approve))
        result = summary_of(plan.outcome if blocked or not plan.blocked else "changes", plan, blocked, path)
        self._log_result("plan", result, plan)
        if self._may_name_people():
            from airflow_provider_kinde.sync.render import plan_text

            self.log.info("%s", plan_text(plan))
        if blocked:
            self._block(result, context)
        return result

    def _finish_report(self, spec: SyncSpec, report: Report, context: Context) -> dict[str, Any]:
        from airflow_provider_kinde.sync.render import report_csv

        folder = self._folder(spec, context)
        path = f"{folder}/report.json"
        storage.write(path, json.dumps(report.to_json(), indent=1, ensure_ascii=False) + "\n")
        storage.write(f"{folder}/report.csv", report_csv(report))
        result = summary_of(report.outcome, report.plan, report.blocked, path)
        result |= {"outcomes": report.outcomes, "requests": report.requests, "drift": len(report.drift)}
        self._log_result("report", result, report.plan)
        if self._may_name_people():
            from airflow_provider_kinde.sync.render import report_text

            self.log.info("%s", report_text(report))
        if report.blocked:
            self._block(result, context)
        if report.outcome == "failed":
            self._fail(report, result, context)
        return result

    def _log_result(self, what: str, result: Mapping[str, Any], plan: Plan) -> None:
        counted = ", ".join(f"{count} {kind}" for kind, count in result["summary"].items() if count)
        self.log.info("outcome: %s (%s)", result["outcome"], counted or "nothing there")
        if plan.held:
            self.log.warning("held, waiting for a person: %s", some(held.id for held in plan.held))
        if plan.rejected:
            self.log.warning("rejected rows: %s", some(str(rejected.row) for rejected in plan.rejected))
        if result.get("requests"):
            self.log.info("requests to Kinde: %(read)d read, %(write)d write", result["requests"])
        self.log.info("hash: %s", result["hash"])
        self.log.info("%s: %s", what, result["path"])

    def _block(self, result: dict[str, Any], context: Context) -> None:
        # A failed task returns nothing, and whoever is notified wants to know why.
        context["ti"].xcom_push(key="return_value", value=result)
        how = f" To let this plan pass once, approve {result['hash']}." if result["approvable"] else ""
        raise AirflowFailException(f"blocked, nothing was written: {'; '.join(result['blocked'])}.{how}")

    def _fail(self, report: Report, result: dict[str, Any], context: Context) -> None:
        context["ti"].xcom_push(key="return_value", value=result)
        if not report.failed:
            waiting = some(held.id for held in report.plan.held if held.protected)
            raise AirflowFailException(
                f"protected people who left still have access: {waiting}. Pass their ids in approve_protected, or "
                "suspend them in Kinde"
            )
        left = [operation for operation in report.plan.operations if operation.outcome in ("failed", "skipped")]
        who = some(dict.fromkeys(operation.id or operation.alias or "" for operation in left))
        raise AirflowException(
            f"{len(left)} of {len(report.plan.operations)} operations are left (ids: {who}); the reasons are in "
            f"{result['path']}. A retry does only what is left"
        )

    @contextmanager
    def _clear_errors(self) -> Iterator[None]:
        """Say what a person should do, and retry only what a retry can mend."""
        from airflow_provider_kinde import exceptions
        from airflow_provider_kinde.sync.errors import SourceError, SyncError

        hopeless = (exceptions.KindeAuthError, exceptions.KindePermissionError)
        try:
            yield
        except SourceError as error:
            raise AirflowException(f"the HR source cannot be read: {error}") from error
        except SyncError as error:
            raise AirflowFailException(str(error)) from error
        except hopeless as error:
            raise AirflowFailException(f"Kinde refused the connection: {error}") from error
        except exceptions.KindeError as error:
            raise AirflowException(f"Kinde: {error}") from error


class KindeSyncPlanOperator(_SyncOperator):
    """Compare HR with Kinde and write down what a sync would do. Reads only.

    The plan goes to ``storage_path``; XCom holds counts, the plan's hash and its path, never a name or an address. A
    blocked plan (a suspicious HR source, too many leavers) fails the task at once, without retries.

    :param spec: path of the spec file; a relative one starts at the folder of the DAG file (templated).
    :param kinde_conn_id: Airflow connection; the spec's ``kinde_conn_id`` when left out (templated).
    :param ids: HR ids, a list or a text with commas: plan for these people only (templated).
    :param only: kinds of operations (``create``, ``adopt``, ``update``, ...), for a staged roll-out (templated).
    :param approve: hash of a blocked plan: the plan with that hash passes its volume guards (templated).
    :param approve_protected: HR ids of protected leavers whose access may be taken (templated).
    :param storage_path: folder for plans, local or ``ObjectStoragePath``; ``[kinde] storage_path`` when left out
        (templated).
    :param log_personal_data: whether the task log may name people; ``[kinde] log_personal_data`` when left out.
    :returns: ``{outcome, hash, summary, held, rejected, blocked, approvable, path}``.
    """

    def execute(self, context: Context) -> dict[str, Any]:
        """Plan, write ``plan.json``, and return its summary.

        :raises AirflowFailException: when the plan is blocked, or spec or connection are wrong.
        :raises AirflowException: when source or Kinde could not be reached.
        """
        refuse_backfill(context)
        with self._clear_errors():
            spec, source = self._load()
            with self._client(spec) as client:
                return self._finish_plan(spec, self._make_plan(spec, source, client), context)


class KindeSyncApplyOperator(_SyncOperator):
    """Carry out a plan that :class:`KindeSyncPlanOperator` wrote: what it holds and still stands, and nothing else.

    A task that fails half-way is simply run again: it does what is left.

    :param spec: path of the spec file, as for the plan (templated).
    :param plan_path: the plan, usually ``{{ ti.xcom_pull("plan")["path"] }}`` (templated).
    :param plan_only: when true (or a text that says so), the task skips itself (templated).
    :param kinde_conn_id: Airflow connection; the spec's when left out (templated).
    :param ids: as for the plan (templated).
    :param only: as for the plan (templated).
    :param approve: hash of the plan in ``plan_path``, to let it pass its volume guards (templated).
    :param approve_protected: HR ids of protected leavers whose access may be taken (templated).
    :param storage_path: folder for reports (templated).
    :param log_personal_data: whether the task log may name people.
    :returns: ``{outcome, hash, summary, outcomes, requests, drift, held, rejected, blocked, approvable, path}``.
    """

    template_fields: Sequence[str] = (*_SyncOperator.template_fields, "plan_path", "plan_only")

    def __init__(self, *, plan_path: str, plan_only: bool | str = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.plan_path = plan_path
        self.plan_only = plan_only

    def execute(self, context: Context) -> dict[str, Any]:
        """Plan afresh, do what both plans hold, write ``report.json`` and ``report.csv``, and return the summary.

        :raises AirflowSkipException: with ``plan_only``.
        :raises AirflowFailException: when the run is blocked, or the plan file, spec or connection are wrong.
        :raises AirflowException: when some operations failed: a retry does only what is left.
        """
        refuse_backfill(context)
        if is_true(self.plan_only):
            raise AirflowSkipException("only a plan was asked for")
        with self._clear_errors():
            spec, source = self._load()
            plan_file = self._read_plan()
            with self._client(spec) as client:
                return self._finish_report(spec, self._apply(spec, source, client, plan_file), context)

    def _read_plan(self) -> dict[str, Any]:
        try:
            content = json.loads(storage.read(self.plan_path))
        except FileNotFoundError as error:
            raise AirflowFailException(
                f"no plan at {self.plan_path}: is [kinde] storage_path a place that all workers reach?"
            ) from error
        except ValueError as error:
            raise AirflowFailException(f"{self.plan_path} is not a plan file: {error}") from error
        if not isinstance(content, dict):
            raise AirflowFailException(f"{self.plan_path} is not a plan file")
        return content


class KindeSyncOperator(_SyncOperator):
    """Plan and apply in one task: Kinde agrees with HR when it succeeds.

    :param spec: path of the spec file; a relative one starts at the folder of the DAG file (templated).
    :param kinde_conn_id: Airflow connection; the spec's when left out (templated).
    :param ids: HR ids, a list or a text with commas: these people only (templated).
    :param only: kinds of operations, for a staged roll-out (templated).
    :param approve: hash of a plan that was blocked by a volume guard, to let it pass (templated).
    :param approve_protected: HR ids of protected leavers whose access may be taken (templated).
    :param storage_path: folder for reports (templated).
    :param log_personal_data: whether the task log may name people.
    :returns: ``{outcome, hash, summary, outcomes, requests, drift, held, rejected, blocked, approvable, path}``.
    """

    def execute(self, context: Context) -> dict[str, Any]:
        """Plan, guard, apply, verify, write ``report.json`` and ``report.csv``, and return the summary.

        :raises AirflowFailException: when the run is blocked, or spec or connection are wrong.
        :raises AirflowException: when some operations failed: a retry does only what is left.
        """
        refuse_backfill(context)
        with self._clear_errors():
            spec, source = self._load()
            with self._client(spec) as client:
                return self._finish_report(spec, self._apply(spec, source, client, None), context)


def summary_of(outcome: str, plan: Plan, blocked: Sequence[Mapping[str, Any]], path: str) -> dict[str, Any]:
    """What goes to XCom: small, and free of names and addresses."""
    return {
        "outcome": outcome,
        "hash": plan.hash,
        "summary": plan.summary,
        "held": len(plan.held),
        "rejected": len(plan.rejected),
        "blocked": [str(block["reason"]) for block in blocked],
        "approvable": bool(blocked) and all(block["approvable"] for block in blocked),
        "path": path,
    }


def refuse_backfill(context: Context) -> None:
    """A sync acts on today's HR data, whatever the run's date: a backfill would only do today's work many times."""
    run_type = getattr(context["dag_run"], "run_type", "")
    if str(getattr(run_type, "value", run_type)).startswith("backfill"):
        raise AirflowFailException("a sync cannot be backfilled: it acts on today's HR data, whatever the run's date")


def items(value: Any) -> list[str] | None:
    """A list from what a template yields: a list, JSON, or a text with commas; ``None`` when nothing is in it."""
    if isinstance(value, str):
        stripped = value.strip()
        if stripped in ("", "None", "null"):
            return None
        if stripped.startswith("["):
            try:
                value = json.loads(stripped)
            except ValueError:
                value = ast.literal_eval(stripped)  # Jinja prints a list as Python writes it
        else:
            value = stripped.replace("\n", ",").split(",")
    found = [str(item).strip() for item in value or ()]
    return [item for item in found if item] or None


def text(value: Any) -> str | None:
    """A text from what a template yields; ``None`` when it is blank."""
    stripped = str(value or "").strip()
    return None if stripped in ("", "None") else stripped


def is_true(value: Any) -> bool:
    """A boolean from what a template yields."""
    return value is True or str(value).strip().casefold() in ("true", "1", "yes")


def some(ids: Iterable[str]) -> str:
    """The first ids, and how many more there are."""
    listed = list(ids)
    more = len(listed) - SHOWN
    return ", ".join(listed[:SHOWN]) + (f" and {more} more" if more > 0 else "")
