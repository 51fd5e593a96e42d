"""Airflow connections in a plain process, as the ``airflow connections`` command opens them."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from typing import Any

_SERVER = "_AIRFLOW_PROCESS_CONTEXT"


class _Short(logging.Formatter):
    """An exception in one line: 2.11 logs whole tracebacks of a metadata database that is not there."""

    def formatException(self, ei: Any) -> str:
        kind, error, _ = ei
        return f"  {kind.__name__}: {(str(error).splitlines() or [''])[0]}" if kind else ""


def open_connections() -> None:
    """Let hooks in this process find connections in the environment, the secrets backend and the metadata database.

    A plain process on Airflow 3.1 and later leaves the metadata database aside unless it says that it is a server, as
    ``airflow connections get`` does; 2.11 and 3.0 look there anyway. Airflow's own chatter (start-up notices,
    "Retrieving connection ...") is silenced, so that standard output holds the command's output alone; its warnings
    and errors still go to standard error.
    """
    if not os.environ.get(_SERVER):
        os.environ[_SERVER] = "server"
    with warnings.catch_warnings(record=True):
        # The import itself warns of Airflow's own deprecations, which nobody here can mend.
        from airflow.providers.common.compat.sdk import BaseHook  # noqa: F401
    root = logging.getLogger()
    for handler in list(root.handlers):
        if type(handler).__module__.startswith("airflow") or getattr(handler, "stream", None) is sys.stdout:
            root.removeHandler(handler)
    plain = logging.StreamHandler(sys.stderr)
    plain.setFormatter(_Short("%(levelname)s: %(message)s"))
    root.addHandler(plain)
    root.setLevel(logging.WARNING)
    # Airflow gives these levels or handlers of their own.
    for name in ("airflow", "airflow.hooks", "airflow.task", "airflow.processor", "alembic", "py.warnings"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.setLevel(logging.WARNING)
        logger.propagate = True
