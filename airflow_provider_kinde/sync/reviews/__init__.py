"""Access reviews: who is in which organization, for its owner to decide, and the removals that the owner decides on."""

from __future__ import annotations

from airflow_provider_kinde.sync.reviews.access_list import AccessList, list_access
from airflow_provider_kinde.sync.reviews.decisions import Decision, read_decisions
from airflow_provider_kinde.sync.reviews.removals import Review, plan_removals

__all__ = ["AccessList", "Decision", "Review", "list_access", "plan_removals", "read_decisions"]
