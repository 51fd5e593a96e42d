"""The few things that differ between versions of Airflow: masking, connections read in an event loop, the version."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module, metadata
from typing import Any

from airflow_provider_kinde.version import __version__

log = logging.getLogger(__name__)


def mask(token: str) -> None:
    """Have a token blacked out in all logs of this task.

    Airflow 2.11 puts all secrets of a process into one pattern, which becomes too large after some hundred of them,
    in a triggerer that runs for months. No code here logs a token: that is worth a warning, and no failed request.
    """
    try:
        _mask_secret()(token)
    except Exception as error:
        if "too large" not in str(error):
            raise
        log.warning("Airflow masks too many secrets already; a Kinde token is not among them: %s", error)


async def amask(token: str) -> None:
    """Do the same from an event loop, without blocking it."""
    try:
        from airflow.sdk.log import amask_secret
    except ImportError:
        await _off_loop(mask, token)
    else:
        await amask_secret(token)


@cache
def _mask_secret() -> Any:
    # The compat provider has it in its latest versions only, and 3.0 to 3.3 run with older ones as well.
    try:
        return import_module("airflow.sdk.log").mask_secret
    except ImportError:
        return import_module("airflow.utils.log.secrets_masker").mask_secret


async def _off_loop(function: Callable[..., Any], *args: Any) -> Any:
    # Airflow's own way, not a bare thread: its supervisor must be spoken to by way of the running loop.
    return await import_module("asgiref.sync").sync_to_async(function)(*args)


async def connection_of(conn_id: str) -> tuple[Any, Any]:
    """Read a connection and its extra in an event loop; the extra is whatever JSON somebody typed."""
    from airflow.providers.common.compat.sdk import BaseHook

    try:
        from airflow.providers.common.compat.connection import get_async_connection, get_async_extra_dejson
    except ImportError:
        connection = await _off_loop(BaseHook.get_connection, conn_id)
        return connection, await _off_loop(lambda: connection.extra_dejson)
    connection = await get_async_connection(conn_id)
    return connection, await get_async_extra_dejson(connection)


@cache
def user_agent() -> str:
    """``airflow-provider-kinde/0.1.0 Airflow/3.3.2 Python/3.11``."""
    version = "unknown"
    for name in ("apache-airflow", "apache-airflow-core", "apache-airflow-task-sdk"):
        try:
            version = metadata.version(name)
            break
        except metadata.PackageNotFoundError:
            continue
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return f"airflow-provider-kinde/{__version__} Airflow/{version} Python/{python}"


@cache
def approval_operator() -> Any:
    """Airflow's own approval operator (``ApprovalOperator``), or ``None`` before Airflow 3.1."""
    try:
        return import_module("airflow.providers.standard.operators.hitl").ApprovalOperator
    except Exception:  # no such module, or Airflow's own exception for a version that knows no approvals
        return None
