"""The sync engine: read, plan, guard, approve, apply, verify, report. It knows neither Airflow nor HTTP."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_kinde.sync.apply.stages import apply_plan as apply_plan
    from airflow_provider_kinde.sync.plan.guards import Block as Block
    from airflow_provider_kinde.sync.plan.plan import Plan as Plan
    from airflow_provider_kinde.sync.plan.planner import make_plan as make_plan
    from airflow_provider_kinde.sync.plan.policies import PlannedChange as PlannedChange
    from airflow_provider_kinde.sync.plan.policies import PlannedRun as PlannedRun
    from airflow_provider_kinde.sync.report.report import Report as Report
    from airflow_provider_kinde.sync.spec.models import SyncSpec as SyncSpec

__all__ = ["Block", "Plan", "PlannedChange", "PlannedRun", "Report", "SyncSpec", "apply_plan", "make_plan"]

_HOMES = {
    "Block": "plan.guards",
    "Plan": "plan.plan",
    "PlannedChange": "plan.policies",
    "PlannedRun": "plan.policies",
    "Report": "report.report",
    "SyncSpec": "spec.models",
    "apply_plan": "apply.stages",
    "make_plan": "plan.planner",
}


def __getattr__(name: str) -> Any:
    # On demand: comparing two addresses needs neither YAML nor Jinja.
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
