"""Keep Kinde in step with HR from a DAG: plan, apply, or both in one task.

Heavy modules are imported when a task runs: a DAG file that names these operators parses in no time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException

from airflow_provider_kinde.operators.metrics import send_metrics
from airflow_provider_kinde.operators.spec_base import (
    KindeSpecOperator,
    is_true,
    items,
    refuse_backfill,
    summary_of,
    text,
)
from airflow_provider_kinde.storage import run_files, source_state

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_kinde.client import KindeClient
    from airflow_provider_kinde.sync.model import Source
    from airflow_provider_kinde.sync.plan.plan import Plan
    from airflow_provider_kinde.sync.plan.run_request import RunRequest
    from airflow_provider_kinde.sync.report.plan_file import PlanFile
    from airflow_provider_kinde.sync.report.report import Report
    from airflow_provider_kinde.sync.spec.models import SyncSpec


class _SyncOperator(KindeSpecOperator):
    """What the three operators share: whom a run is for, and what was approved."""

    template_fields: Sequence[str] = (
        *KindeSpecOperator.template_fields,
        "ids",
        "only",
        "approve",
        "approve_protected",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"ids": "json", "only": "json", "approve_protected": "json"}

    def __init__(
        self,
        *,
        ids: Iterable[str] | str | None = None,
        only: Iterable[str] | str | None = None,
        approve: str | None = None,
        approve_protected: Iterable[str] | str | None = None,
        approvers_decide: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.approvers_decide = approvers_decide
        self.ids = ids
        self.only = only
        self.approve = approve
        self.approve_protected = approve_protected

    def _check_run(self, context: Context) -> None:
        """Refuse an approval by way of the run's configuration, where approvers decide."""
        given = dict(getattr(context["dag_run"], "conf", None) or {}) if self.approvers_decide else {}
        found = [name for name in ("approve", "approve_protected") if given.get(name)]
        if found:
            raise AirflowFailException(
                f"the run was triggered with {' and '.join(found)}, but this DAG names approvers: approval comes from "
                "them alone. Nothing was written. Trigger a run without them: an approver then answers the task "
                "that asks. Suspend the account of a protected leaver by hand in Kinde"
            )

    def _request(self, spec: SyncSpec, client: KindeClient) -> RunRequest:
        """What the run is to do, from the rendered fields and from the reports of the last day."""
        from airflow_provider_kinde.storage.recent import recent_in_storage
        from airflow_provider_kinde.sync.plan.run_request import RunRequest

        return RunRequest.of(
            ids=items(self.ids),
            only=items(self.only),
            approve=text(self.approve),
            approve_protected=items(self.approve_protected),
            recent=recent_in_storage(self.storage_path or run_files.default_path(), spec, client),
        )

    def _make_plan(self, spec: SyncSpec, source: Source, client: KindeClient) -> Plan:
        from airflow_provider_kinde.sync.plan.planner import plan_tested

        return plan_tested(spec, source, client, self._request(spec, client))

    def _apply(self, spec: SyncSpec, source: Source, client: KindeClient, plan_file: PlanFile | None) -> Report:
        from airflow_provider_kinde.sync.apply import run

        return run.apply(spec, source, client, self._request(spec, client), plan_file=plan_file)

    def _fired(self, spec: SyncSpec) -> dict[str, str]:
        """Which change of the source this run is for. Data that changes from now on makes another run."""
        root = self.storage_path or run_files.default_path()
        return source_state.fired_for(root, spec.name) if self.marks_source else {}

    def _mark_synced(self, spec: SyncSpec, fired: dict[str, str], result: dict[str, Any]) -> None:
        """Remember that everything of a change was synced; a run of some people or some changes leaves the rest."""
        if not items(self.ids) and not items(self.only) and not result["changed_since_plan"]:
            source_state.synced(self.storage_path or run_files.default_path(), spec.name, fired)

    marks_source = False
    """Whether a success is remembered, for a DAG that waits for changes of the HR source."""
    ask = False
    """Whether a person will be asked about a plan that guards stopped, so that it is no failure yet."""

    def _finish_plan(self, spec: SyncSpec, plan: Plan, context: Context) -> dict[str, Any]:
        from airflow_provider_kinde.sync.apply.stages import still_blocked
        from airflow_provider_kinde.sync.report.page import plan_page
        from airflow_provider_kinde.sync.report.plan_file import lines
        from airflow_provider_kinde.sync.report.redaction import redact_plan

        folder = self._folder(spec, context)
        path = f"{folder}/plan.json"
        plan.run = self._run_facts()
        kept = redact_plan(plan) if self._redacts() else plan
        run_files.write(path, lines(kept.document()))
        run_files.write(f"{folder}/plan.html", plan_page(kept))
        blocked = still_blocked(plan, text(self.approve))
        result = summary_of(plan.outcome if blocked or not plan.blocked else "changes", plan, blocked, path)
        self._log_result("plan", result, plan)
        send_metrics(spec.name, result, plan.run)
        self._trace(plan, result, applied=False)
        if self._may_name_people():
            from airflow_provider_kinde.sync.report.text import plan_text

            self.log.info("%s", plan_text(plan))
        if blocked:
            with self._entry_if_possible():
                self._keep_run(spec, plan, None, context, result)
        if blocked and not (self.ask and result["approvable"]):
            self._block(result, context)
        for reason in result["blocked"]:
            self.log.warning("blocked: %s", reason)
        if blocked:
            self.log.warning("nothing is written; the next task asks for approval")
        return result


class KindeSyncPlanOperator(_SyncOperator):
    """Compare HR with Kinde and write down what a sync would do. Reads only.

    The plan goes to ``storage_path``, as ``plan.json`` and as a page to look at, ``plan.html``. XCom holds counts, the
    plan's hash and its path, never a name or an address. A blocked plan (a suspicious HR source, too many leavers)
    fails the task at once, without retries.

    :param spec: path of the spec file; a relative one starts at the folder of the DAG file (templated).
    :param kinde_conn_id: Airflow connection; the spec's ``kinde_conn_id`` when left out (templated).
    :param ids: HR ids, a list or a text with commas: plan for these people only (templated).
    :param only: kinds of operations (``create``, ``adopt``, ``update``, ...), for a staged roll-out (templated).
    :param approve: hash of a blocked plan: the plan with that hash passes its volume guards (templated).
    :param approve_protected: HR ids of protected leavers whose access may be taken (templated).
    :param storage_path: folder for plans, local or ``ObjectStoragePath``; ``[kinde] storage_path`` when left out
        (templated).
    :param log_personal_data: whether the task log may name people; ``[kinde] log_personal_data`` when left out.
    :param redact: whether the plan is kept without names, addresses and properties; ``[kinde] redact`` when left out.
    :param ask: whether a plan that only guards stopped is handed on, for a person to approve it.
    :param approvers_decide: whether approvers alone approve: a run whose configuration holds ``approve`` or
        ``approve_protected`` fails.
    :returns: ``{outcome, hash, summary, held, rejected, blocked, approvable, path}``.
    """

    _command = "plan"

    def __init__(self, *, ask: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.ask = ask

    def execute(self, context: Context) -> dict[str, Any]:
        """Plan, write ``plan.json``, and return its summary.

        :param context: Airflow's context of the task.
        :raises AirflowFailException: when the plan is blocked, or spec or connection are wrong.
        :raises AirflowException: when source or Kinde could not be reached.
        """
        refuse_backfill(context)
        with self._recorded(context):
            self._check_run(context)
            spec, source = self._load(context)
            with self._client(spec) as client:
                return self._finish_plan(spec, self._make_plan(spec, source, client), context)


class KindeSyncApplyOperator(_SyncOperator):
    """Apply the plan of a :class:`KindeSyncPlanOperator`: those of its changes that are still needed, and no others.

    A task that fails half-way can run again. It does what is left.

    :param spec: path of the spec file, as for the plan (templated).
    :param plan_path: the plan, usually ``{{ ti.xcom_pull("plan")["path"] }}`` (templated).
    :param plan_only: when true (or a text that says so), the task skips itself (templated).
    :param approval_task_id: the task of the approval, a ``KindeSyncApprovalOperator``: only what it sealed for this run
        is applied, so that no user can put another hash in its place.
    :param approvers_decide: as for the plan.
    :param marks_source: whether a success is remembered, for a DAG that waits for changes of the HR source.
    :param kinde_conn_id: Airflow connection; the spec's when left out (templated).
    :param ids: as for the plan (templated).
    :param only: as for the plan (templated).
    :param approve: hash of the plan in ``plan_path``, to let it pass its volume guards (templated).
    :param approve_protected: HR ids of protected leavers whose access may be taken (templated).
    :param storage_path: folder for reports (templated).
    :param log_personal_data: whether the task log may name people.
    :param redact: whether reports are kept without names, addresses and properties (they cannot be undone then).
    :returns: ``{outcome, hash, summary, outcomes, requests, changed_since_plan, held, rejected, blocked, approvable,
        path}``.
    """

    template_fields: Sequence[str] = (*_SyncOperator.template_fields, "plan_path", "plan_only")

    def __init__(
        self,
        *,
        plan_path: str,
        plan_only: bool | str = False,
        approval_task_id: str | None = None,
        marks_source: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.approval_task_id = approval_task_id
        self.plan_path = plan_path
        self.plan_only = plan_only
        self.marks_source = marks_source

    def execute(self, context: Context) -> dict[str, Any]:
        """Plan afresh, do what both plans hold, write the report (JSON, CSV and HTML), and return the summary.

        :param context: Airflow's context of the task.
        :raises AirflowSkipException: with ``plan_only``.
        :raises AirflowFailException: when the run is blocked, or the plan file, spec or connection are wrong.
        :raises AirflowException: when some operations failed: a retry does only what is left.
        """
        refuse_backfill(context)
        with self._recorded(context):
            self._check_run(context)
            if is_true(self.plan_only):
                raise AirflowSkipException("this run makes a plan only")
            spec, source = self._load(context)
            if self.approval_task_id:
                self._check_approval(self.approval_task_id, spec, context)
            plan_file = self._read_plan()
            fired = self._fired(spec)
            with self._client(spec) as client:
                result = self._finish_report(spec, self._apply(spec, source, client, plan_file), context)
            self._mark_synced(spec, fired, result)
            return result

    def _check_approval(self, task_id: str, spec: SyncSpec, context: Context) -> None:
        """Check that the approval is the one that was given; XCom can be written by each user who may edit the DAG."""
        from airflow_provider_kinde.operators.approval_seal import is_sealed

        given = context["ti"].xcom_pull(task_ids=task_id)
        if not is_sealed(given, self.kinde_conn_id or spec.kinde_conn_id, context):
            raise AirflowFailException(
                f"the result of the task {task_id!r} was changed after the task ended. Nothing was written. Clear "
                "the task: it then asks again"
            )
        if given.get("asked"):
            self._approved = {"by": "", **{name: given[name] for name in ("hash", "by", "at") if given.get(name)}}
        if self.approvers_decide:
            self.approve, self.plan_path = given["hash"], given["path"]

    def _read_plan(self) -> PlanFile:
        from airflow_provider_kinde.exceptions import SyncError
        from airflow_provider_kinde.sync.report.plan_file import PlanFile

        try:
            found = PlanFile.read(lambda: run_files.opened(self.plan_path))
            self._planned_at = str(found.head.get("created_at") or "")
            return found
        except FileNotFoundError as error:
            raise AirflowFailException(
                f"no plan at {self.plan_path}: is [kinde] storage_path a place that all workers reach?"
            ) from error
        except (SyncError, ValueError) as error:
            raise AirflowFailException(f"{self.plan_path} is not a plan file: {error}") from error


class KindeSyncOperator(_SyncOperator):
    """Plan and apply in one task. When it succeeds, all is done but for people who are held and rejected rows.

    :param spec: path of the spec file; a relative one starts at the folder of the DAG file (templated).
    :param kinde_conn_id: Airflow connection; the spec's when left out (templated).
    :param ids: HR ids, a list or a text with commas: these people only (templated).
    :param only: kinds of operations, for a staged roll-out (templated).
    :param approve: hash of a plan that was blocked by a volume guard, to let it pass (templated).
    :param approve_protected: HR ids of protected leavers whose access may be taken (templated).
    :param storage_path: folder for reports (templated).
    :param log_personal_data: whether the task log may name people.
    :param redact: whether reports are kept without names, addresses and properties (they cannot be undone then).
    :param plan_only: when true (or a text that says so), the task writes the plan and changes nothing (templated).
    :param marks_source: whether a success is remembered, for a DAG that waits for changes of the HR source.
    :returns: ``{outcome, hash, summary, outcomes, requests, changed_since_plan, held, rejected, blocked, approvable,
        path}``; with ``plan_only`` as the plan operator does.
    """

    template_fields: Sequence[str] = (*_SyncOperator.template_fields, "plan_only")

    def __init__(self, *, plan_only: bool | str = False, marks_source: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.plan_only = plan_only
        self.marks_source = marks_source

    def execute(self, context: Context) -> dict[str, Any]:
        """Plan, guard, apply, verify, write the report (JSON, CSV and HTML), and return the summary.

        :param context: Airflow's context of the task.
        :raises AirflowFailException: when the run is blocked, or spec or connection are wrong.
        :raises AirflowException: when some operations failed: a retry does only what is left.
        """
        refuse_backfill(context)
        with self._recorded(context):
            self._check_run(context)
            spec, source = self._load(context)
            fired = self._fired(spec)
            with self._client(spec) as client:
                if is_true(self.plan_only):
                    return self._finish_plan(spec, self._make_plan(spec, source, client), context)
                result = self._finish_report(spec, self._apply(spec, source, client, None), context)
            self._mark_synced(spec, fired, result)
            return result
