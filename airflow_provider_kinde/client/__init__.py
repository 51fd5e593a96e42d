"""Kinde's Management API: requests per resource, tokens, retries, throttle, pages and typed errors."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_provider_kinde.client.async_client import AsyncKindeClient as AsyncKindeClient
    from airflow_provider_kinde.client.client import KindeClient as KindeClient

__all__ = ["AsyncKindeClient", "KindeClient"]

_HOMES = {"AsyncKindeClient": "async_client", "KindeClient": "client"}


def __getattr__(name: str) -> Any:
    # On demand: the hook imports its methods from here while DAGs are parsed, and the HTTP libraries take their time.
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
