"""The one place for what differs between versions of Airflow.

Airflow's classes are imported when they are needed: parsing a DAG file must stay cheap.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from datetime import datetime, timezone
from functools import cache
from importlib import import_module, metadata
from typing import Any

from airflow_provider_kinde.version import __version__

log = logging.getLogger(__name__)


def mask(token: str) -> None:
    """Mask a token in all logs of this task.

    :param token: the token.
    """
    try:
        _mask_secret()(token)
    except Exception as error:
        if "too large" not in str(error):
            raise
        log.warning("Airflow masks too many secrets already; a Kinde token is not among them: %s", error)


async def amask(token: str) -> None:
    """Mask a token from an event loop, without blocking the loop.

    :param token: the token.
    """
    try:
        from airflow.sdk.log import amask_secret
    except ImportError:
        await off_loop(mask, token)
    else:
        await amask_secret(token)


@cache
def _mask_secret() -> Any:
    # The compat provider has it in its latest versions only, and 3.0 to 3.3 run with older ones as well.
    try:
        return import_module("airflow.sdk.log").mask_secret
    except ImportError:
        return import_module("airflow.utils.log.secrets_masker").mask_secret


async def off_loop(function: Callable[..., Any], *args: Any) -> Any:
    """Run a function that blocks in a thread.

    :param function: may read connections and other things of Airflow.
    :param args: its arguments.
    """
    # Airflow's own way, not a bare thread: a task or trigger talks to its supervisor by way of the running loop.
    return await import_module("asgiref.sync").sync_to_async(function)(*args)


async def connection_of(conn_id: str) -> tuple[Any, Any]:
    """Read a connection and its extra in an event loop. The extra may be any JSON.

    :param conn_id: the Airflow connection.
    """
    from airflow.providers.common.compat.sdk import BaseHook

    try:
        from airflow.providers.common.compat.connection import get_async_connection, get_async_extra_dejson
    except ImportError:
        connection = await off_loop(BaseHook.get_connection, conn_id)
        return connection, await off_loop(lambda: connection.extra_dejson)
    connection = await get_async_connection(conn_id)
    return connection, await get_async_extra_dejson(connection)


@cache
def _airflow_version() -> str:
    for name in ("apache-airflow", "apache-airflow-core", "apache-airflow-task-sdk"):
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return "unknown"


@cache
def has_plugin_pages() -> bool:
    """Whether plugins of this Airflow can add pages to its navigation: 3.1 and later."""
    parts = _airflow_version().split(".")[:2]
    return [int(part) for part in parts if part.isdigit()] >= [3, 1]


@cache
def user_agent() -> str:
    """``airflow-provider-kinde/0.1.0 Airflow/3.3.2 Python/3.11``."""
    version = _airflow_version()
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return f"airflow-provider-kinde/{__version__} Airflow/{version} Python/{python}"


@cache
def stats() -> Any:
    """Airflow's sender of metrics."""
    try:
        return import_module("airflow.sdk.observability.stats").Stats
    except ImportError:
        return import_module("airflow.stats").Stats


@cache
def approval_operator() -> Any:
    """Airflow's own approval operator (``ApprovalOperator``), or ``None`` before Airflow 3.1."""
    try:
        return import_module("airflow.providers.standard.operators.hitl").ApprovalOperator
    except Exception:  # no such module, or Airflow's own exception for a version that knows no approvals
        return None


@cache
def event_trigger() -> Any:
    """Airflow's base class of triggers for asset watchers; before Airflow 3 a class that cannot be used."""
    from airflow.triggers import base

    return getattr(base, "BaseEventTrigger", None) or _without_watchers(base.BaseTrigger)


def has_asset_watchers() -> bool:
    """Whether this Airflow has asset watchers: 3.0 and later."""
    from airflow.triggers import base

    return hasattr(base, "BaseEventTrigger")


def _without_watchers(base: Any) -> Any:
    class NoAssetWatchers(base):  # type: ignore[misc]
        def __init__(self) -> None:
            raise RuntimeError(f"{type(self).__name__} needs Airflow 3: earlier versions have no asset watchers")

    return NoAssetWatchers


def date_time_trigger(moment: Any) -> Any:
    """Airflow's trigger that fires at a moment (``DateTimeTrigger``).

    :param moment: the moment, in UTC.
    """
    try:
        module = import_module("airflow.providers.standard.triggers.temporal")
    except ImportError:
        module = import_module("airflow.triggers.temporal")
    return module.DateTimeTrigger(moment=moment)


def elapsed_in_try(ti: Any, run_duration: Callable[[], float]) -> float:
    """Seconds since the first check of this try of a sensor that is rescheduled.

    :param ti: the task instance.
    :param run_duration: of Airflow's sensor. Before Airflow 3 it counts from the first try.
    """
    if hasattr(ti, "get_first_reschedule_date"):
        return run_duration()
    return (datetime.now(timezone.utc) - ti.start_date).total_seconds()  # type: ignore[no-any-return]


@cache
def retry_policy_module() -> Any:
    """Airflow's module of retry policies, or ``None`` before Airflow 3.3."""
    try:
        return import_module("airflow.sdk.definitions.retry_policy")
    except ImportError:
        return None
