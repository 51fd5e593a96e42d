"""The sync engine: read, plan, guard, approve, apply, verify, report. It knows neither Airflow nor HTTP."""

from airflow_provider_kinde.sync.apply import apply_plan
from airflow_provider_kinde.sync.plan import Plan, make_plan
from airflow_provider_kinde.sync.report import Report
from airflow_provider_kinde.sync.spec import SyncSpec

__all__ = ["Plan", "Report", "SyncSpec", "apply_plan", "make_plan"]
