"""Have a person approve a plan in Airflow's own user interface (Airflow 3.1 and later)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_kinde.operators.approval_operator import (
        KindeSyncApprovalOperator as KindeSyncApprovalOperator,
    )

__all__ = ["KindeSyncApprovalOperator"]


def __getattr__(name: str) -> Any:
    # On demand: the operator that it extends loads Airflow's triggers and what they need, asgiref among it.
    if name in __all__:
        from airflow_provider_kinde.operators import approval_operator

        return getattr(approval_operator, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
