"""The operator behind ``operators.approval``, made where Airflow can ask a person; loaded when it is used."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_kinde.operators.spec_base import is_true, may_name_people, spec_path
from airflow_provider_kinde.storage import run_files

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

INSTEAD = (
    "asking a person within a run needs Airflow 3.1 or later with apache-airflow-providers-standard; without it use "
    "approve='never': a blocked plan then fails, and passes when its hash is given as `approve` in \"Trigger DAG\""
)


def _base() -> Any:
    try:
        return import_module("airflow.providers.standard.operators.hitl").ApprovalOperator
    except Exception:  # no such module, or Airflow's own exception for a version that knows no approvals
        return None


_ApprovalOperator = _base()


def can_ask() -> bool:
    """Whether this Airflow can ask a person within a run."""
    return _ApprovalOperator is not None


class _CannotAsk:
    """Stands for Airflow's operator where there is none."""

    template_fields: Sequence[str] = ()

    def __init__(self, **kwargs: Any) -> None:
        raise RuntimeError(INSTEAD)


class KindeSyncApprovalOperator(_ApprovalOperator or _CannotAsk):  # type: ignore[misc]
    """Show a plan to a person and wait for *Approve* or *Reject*, without holding a worker.

    The text holds counts, the levels of the guards, the first 20 HR ids of everybody who would lose something (names
    only with ``log_personal_data``), the plan's hash, and where the whole plan is. Rejecting skips what follows; no
    answer in time fails the task. Without a reason to ask, it succeeds at once.

    :param spec: path of the spec file; a relative one starts at the folder of the DAG file (templated).
    :param plan_task_id: the task of the plan, a :class:`KindeSyncPlanOperator` with ``ask=True``.
    :param when: ``"blocked"``: ask only where the guards stopped the plan; ``"always"``: for every plan with changes.
    :param plan_only: when true, nobody is asked: nothing will be applied (templated).
    :param approvers: who may answer: user ids of Airflow's auth manager; everybody who may otherwise.
    :param response_timeout: how long to wait.
    :param log_personal_data: whether people are named; ``[kinde] log_personal_data`` when left out.
    :returns: ``{asked, hash, path, by}``: the plan that may be applied, with ``hash`` only where it was approved.
    """

    # Found there by whoever asks for the operator by its path.
    __module__ = "airflow_provider_kinde.operators.approval"

    template_fields: Sequence[str] = ("spec", "plan_only")
    ui_color = "#e6f4ee"
    ui_fgcolor = "#0f3d2e"

    def __init__(
        self,
        *,
        spec: str,
        plan_task_id: str = "plan",
        when: str = "blocked",
        plan_only: bool | str = False,
        approvers: Sequence[str | Mapping[str, str]] = (),
        response_timeout: timedelta = timedelta(days=1),
        log_personal_data: bool | None = None,
        **kwargs: Any,
    ) -> None:
        if approvers:
            kwargs["assigned_users"] = [
                {"id": one, "name": one} if isinstance(one, str) else dict(one) for one in approvers
            ]
        super().__init__(subject="", response_timeout=response_timeout, **kwargs)
        if when not in ("blocked", "always"):
            raise ValueError(f"when={when!r}: expected 'blocked' or 'always'")
        self.spec = spec
        self.plan_task_id = plan_task_id
        self.when = when
        self.plan_only = plan_only
        self.log_personal_data = log_personal_data
        self.spec_folder = ""

    def execute(self, context: Context) -> Any:
        """Ask, if there is something to ask."""
        from airflow_provider_kinde.sync.report.approval_text import approval_body
        from airflow_provider_kinde.sync.spec.models import SyncSpec

        summary: dict[str, Any] = context["ti"].xcom_pull(task_ids=self.plan_task_id)
        blocked, path = list(summary["blocked"]), str(summary["path"])
        asks = bool(blocked) or (self.when == "always" and summary["outcome"] == "changes")
        if is_true(self.plan_only) or not asks:
            return {"asked": False, "hash": None, "path": path, "by": None}
        spec = SyncSpec.load(self._spec_file())
        limits = {name: str(spec.guards[name]) for name in spec.guards}
        plan = json.loads(run_files.read(path))
        # What is approved is what was shown, whatever the plan's task may do in the meantime.
        context["ti"].xcom_push(key="asked", value={"hash": plan["hash"], "path": path})
        names = may_name_people(self.log_personal_data)
        self.subject = f"Apply this plan of {spec.name}?"
        self.body = approval_body(plan, blocked, limits, path, names=names)
        self.log.info("asking for approval of %s", plan["hash"])
        return super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        """Hand on what was approved; a rejected plan ends here, and what follows is skipped."""
        answer = super().execute_complete(context, event)
        asked = context["ti"].xcom_pull(task_ids=self.task_id, key="asked")
        approved = answer["chosen_options"] == [self.APPROVE]
        by = answer.get("responded_by_user") or {}
        return {"asked": True, "hash": asked["hash"] if approved else None, "path": asked["path"], "by": by.get("id")}

    def _spec_file(self) -> Path:
        return spec_path(self.spec, self.spec_folder, self.get_dag())
