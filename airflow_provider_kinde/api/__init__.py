"""Kinde's Management API: requests per resource, tokens, retries, throttle, pages and typed errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_kinde.api.client import KindeClient as KindeClient

__all__ = ["KindeClient"]


def __getattr__(name: str) -> Any:
    # On demand: the hook imports its methods from here while DAGs are parsed, and the HTTP library takes its time.
    if name == "KindeClient":
        from airflow_provider_kinde.api.client import KindeClient

        return KindeClient
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
