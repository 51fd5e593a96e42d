"""Ask a user of Airflow to approve a plan, in Airflow's own interface (Airflow 3.1 and later)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException

from airflow_provider_kinde.links.report import KindeReportLink, has_pages, page_address
from airflow_provider_kinde.operators.base import TextTemplatesMixin
from airflow_provider_kinde.operators.run_history import RunHistoryMixin
from airflow_provider_kinde.operators.spec_base import is_true, may_name_people, spec_path
from airflow_provider_kinde.storage import run_files
from airflow_provider_kinde.triggers.durations import duration

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperator, Context

INSTEAD = (
    "asking for approval within a run needs Airflow 3.1 or later with apache-airflow-providers-standard; without it "
    "use approve='never': a blocked plan then fails, and passes when its hash is given as `approve` in \"Trigger DAG\""
)


def check_approvers(approvers: Any) -> None:
    """Check who may approve.

    :param approvers: user ids, or mappings with the texts ``id`` and ``name``.
    :raises ValueError: one of them can be none.
    """
    if isinstance(approvers, (str, bytes, Mapping)) or not hasattr(approvers, "__iter__"):
        raise ValueError(f"approvers={approvers!r}: a list is expected")
    for one in approvers:
        texts = [one.get("id"), one.get("name")] if isinstance(one, Mapping) else [one]
        if not all(isinstance(text, str) and text.strip() for text in texts):
            raise ValueError(
                f"approvers: {one!r} is no user id; expected a text, or a mapping with the texts id and name"
            )


def user_text(user: Mapping[str, Any]) -> str | None:
    """Say who answered: the id, and the name where the id alone says nothing, such as the number of a FAB user.

    :param user: ``id`` and ``name``, as Airflow keeps them.
    :returns: ``olga``, or ``olga (2)``; ``None`` where Airflow does not say.
    """
    id, name = str(user.get("id") or ""), str(user.get("name") or "")
    return f"{name} ({id})" if id and name and name.casefold() != id.casefold() else id or name or None


class _NoApprovals:
    """Stands for Airflow's approval operator in versions that have none."""

    template_fields: Sequence[str] = ()

    def __init__(self, **kwargs: Any) -> None:
        raise RuntimeError(INSTEAD)


if TYPE_CHECKING:

    class KindeSyncApprovalOperator(BaseOperator):
        """What :func:`__getattr__` makes, for type checkers."""


def __getattr__(name: str) -> Any:
    if name != "KindeSyncApprovalOperator":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from airflow_provider_kinde.version_compat import approval_operator

    # Made when it is first used: Airflow's approval operator loads triggers and asgiref.
    made = globals()[name] = _operator(approval_operator() or _NoApprovals)
    return made


def _operator(base: Any) -> Any:
    class KindeSyncApprovalOperator(RunHistoryMixin, TextTemplatesMixin, base):  # type: ignore[misc]
        """Show a plan to a user of Airflow and wait for *Approve* or *Reject*, without holding a worker.

        The subject says what is asked ("acme-hr: 44 people would lose access, limit 28"). The text holds counts by
        organization and reason, largest first, each guard with its value and limit, the first HR ids of each group
        (names only with ``log_personal_data``), the plan's hash, and the link to the page of the whole plan. After
        *Reject* this task and those that follow are skipped. Without an answer in time the task fails. Both write an
        entry into the history of the sync. A plan that needs no approval passes at once.

        :param spec: path of the spec file; a relative one starts at the folder of the DAG file (templated).
        :param kinde_conn_id: Airflow connection; the spec's ``kinde_conn_id`` when left out (templated).
        :param plan_task_id: the task of the plan, a :class:`KindeSyncPlanOperator` with ``ask=True``.
        :param when: ``"blocked"``: ask only where the guards stopped the plan; ``"always"``: for each plan with
            changes.
        :param plan_only: when true, the task asks for nothing, since nothing will be applied (templated).
        :param approvers: who may answer: user ids of Airflow's auth manager; without them, each user who may edit
            the DAG.
        :param response_timeout: how long to wait (``timedelta`` or seconds).
        :param storage_path: where the history is kept; ``[kinde] storage_path`` when left out (templated).
        :param log_personal_data: whether people are named; ``[kinde] log_personal_data`` when left out.
        :returns: ``{asked, hash, path, by, at, seal}``: the plan that may be applied, with ``hash`` only where it was
            approved; sealed, since users who may edit the DAG may edit what stands in XCom.
        :raises ValueError: an approver is no user id, or ``response_timeout`` is not above 0.
        """

        template_fields: Sequence[str] = ("spec", "kinde_conn_id", "plan_only", "storage_path")
        _command = "approve"
        operator_extra_links = (KindeReportLink(),)
        ui_color = "#e6f4ee"
        ui_fgcolor = "#0f3d2e"

        def __init__(
            self,
            *,
            spec: str,
            kinde_conn_id: str | None = None,
            plan_task_id: str = "plan",
            when: str = "blocked",
            plan_only: bool | str = False,
            approvers: Sequence[str | Mapping[str, str]] = (),
            response_timeout: timedelta | float = timedelta(days=1),
            storage_path: str | None = None,
            log_personal_data: bool | None = None,
            **kwargs: Any,
        ) -> None:
            check_approvers(approvers)
            if approvers:
                kwargs["assigned_users"] = [
                    {"id": one, "name": one} if isinstance(one, str) else dict(one) for one in approvers
                ]
            super().__init__(subject="", response_timeout=duration("response_timeout", response_timeout), **kwargs)
            if when not in ("blocked", "always"):
                raise ValueError(f"when={when!r}: expected 'blocked' or 'always'")
            self.spec = spec
            self.kinde_conn_id = kinde_conn_id
            self.plan_task_id = plan_task_id
            self.when = when
            self.plan_only = plan_only
            self.storage_path = storage_path
            self.log_personal_data = log_personal_data
            self.spec_folder = ""

        def execute(self, context: Context) -> Any:
            """Ask for approval, if the plan needs one.

            :param context: the task's context.
            :returns: ``{asked: False, ...}`` at once where no approval is needed.
            """
            with self._recorded(context):
                return self._ask(context)
            raise AssertionError("unreachable")

        def _ask(self, context: Context) -> Any:
            from airflow_provider_kinde.operators.approval_seal import sealed
            from airflow_provider_kinde.sync.report.approval_text import approval_text
            from airflow_provider_kinde.sync.report.plan_file import PlanFile
            from airflow_provider_kinde.sync.spec.models import SyncSpec

            summary: dict[str, Any] = context["ti"].xcom_pull(task_ids=self.plan_task_id)
            blocked, path = list(summary["blocked"]), str(summary["path"])
            spec = SyncSpec.load(self._spec_file())
            conn_id = self.kinde_conn_id or spec.kinde_conn_id
            plan: PlanFile | None = None
            if blocked or self.when == "always":
                # The plan itself, and not what stands in XCom, says whether and what to ask.
                plan = PlanFile.read(lambda: run_files.opened(path))
                if self.assigned_users:
                    blocked = [str(block["reason"]) for block in plan.head["blocked"]]
            if is_true(self.plan_only) or plan is None or not (blocked or plan.operations):
                return sealed({"asked": False, "hash": None, "path": path, "by": None}, conn_id, context)
            # The approval is for the plan that was shown, even if the plan's task runs again in the meantime.
            asked = sealed({"asked": True, "hash": plan.hash, "path": path}, conn_id, context)
            context["ti"].xcom_push(key="asked", value=asked)
            ti, page = context["ti"], ""
            if has_pages():
                page = page_address(ti.dag_id, ti.run_id, self.plan_task_id)
                ti.xcom_push(key=KindeReportLink.key, value=page)
            names = may_name_people(self.log_personal_data)
            text = approval_text(plan, blocked, path, page=page, names=names)
            self.subject, self.body = text.subject, text.body
            self.log.info("asking for approval of %s", plan.hash)
            return super().execute(context)

        def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
            """Return the plan that was approved; after a rejection this task and those that follow are skipped.

            :param context: the task's context.
            :param event: the answer, as Airflow passes it.
            """
            from airflow_provider_kinde.operators.approval_seal import is_sealed, sealed
            from airflow_provider_kinde.sync.spec.models import SyncSpec

            with self._recorded(context):
                spec = self._loaded = SyncSpec.load(self._spec_file())
                asked = context["ti"].xcom_pull(task_ids=self.task_id, key="asked")
                conn_id = self.kinde_conn_id or spec.kinde_conn_id
                if not is_sealed(asked, conn_id, context):
                    raise AirflowFailException(
                        "the question was changed after it was shown, so the answer is for another plan. Clear the "
                        "task: it then asks again"
                    )
                answer = self._answer(spec, asked, event, context)
                return sealed({"asked": True, "hash": asked["hash"], "path": asked["path"], **answer}, conn_id, context)
            raise AssertionError("unreachable")

        def _answer(self, spec: Any, asked: dict[str, Any], event: dict[str, Any], context: Context) -> dict[str, Any]:
            """Who approved and when. Of a rejection, and where no user answered in time, the history has an entry."""

            def keep(outcome: str, error: str, by: dict[str, Any]) -> None:
                facts = {"outcome": outcome, "error": error}
                self._keep_rejection(spec, asked["path"], facts, {"hash": asked["hash"], **by}, context)

            if event.get("error_type") == "timeout":
                keep("failed", "no user answered in time", {})
            # Not the one of ApprovalOperator: after a rejection that one ends this task as a success.
            answer = super(base, self).execute_complete(context, event)
            by = user_text(answer.get("responded_by_user") or {})
            given = {"by": by, **({"at": str(at)} if (at := answer.get("responded_at")) else {})}
            if answer["chosen_options"] != [self.APPROVE]:
                keep("rejected", "", given)
                # Skipped, so that the run shows that nothing was done: a success would look like an applied plan.
                raise AirflowSkipException(
                    f"{by or 'an approver'} rejected the plan {asked['hash']}: nothing is written"
                )
            return given

        def _spec_file(self) -> Path:
            return spec_path(self.spec, self.spec_folder, self.get_dag())

    KindeSyncApprovalOperator.__qualname__ = KindeSyncApprovalOperator.__name__
    return KindeSyncApprovalOperator
