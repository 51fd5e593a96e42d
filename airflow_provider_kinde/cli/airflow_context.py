"""Use Airflow connections in a plain process, in the same way as the command ``airflow connections``."""

from __future__ import annotations

import locale
import logging
import os
import sys
import warnings
from typing import Any

from airflow_provider_kinde.exceptions import SyncError

_SERVER = "_AIRFLOW_PROCESS_CONTEXT"


class _OneLineFormatter(logging.Formatter):
    """Logs an exception in one line: Airflow 2.11 logs long tracebacks when the metadata database is missing."""

    def formatException(self, ei: Any) -> str:
        kind, error, _ = ei
        return f"  {kind.__name__}: {(str(error).splitlines() or [''])[0]}" if kind else ""


def open_connections() -> None:
    """Let hooks in this process find connections in the environment, the secrets backend and the metadata database.

    On Airflow 3.1 and later a process reads the metadata database only if it declares itself a server, as
    ``airflow connections get`` does. Airflow 2.11 and 3.0 always read it. Airflow's notices ("Retrieving connection
    ...") are silenced, so that standard output holds only the command's output. Warnings and errors still go to
    standard error.

    :raises SyncError: Airflow cannot be loaded in this locale.
    """
    if not os.environ.get(_SERVER):
        os.environ[_SERVER] = "server"
    with warnings.catch_warnings(record=True):
        # The import warns of deprecations inside Airflow, which users of this command cannot change.
        try:
            from airflow.providers.common.compat.sdk import BaseHook  # noqa: F401
        except UnicodeDecodeError:  # Airflow reads its own files in the encoding of the locale
            encoding = locale.getpreferredencoding(False)
            raise SyncError(
                f"Airflow cannot be loaded in a locale whose encoding is {encoding}: set PYTHONUTF8=1 or LC_ALL=C.UTF-8"
            ) from None
    root = logging.getLogger()
    for handler in list(root.handlers):
        told_here = isinstance(handler.formatter, _OneLineFormatter) or getattr(handler, "stream", None) is sys.stdout
        if told_here or type(handler).__module__.startswith("airflow"):
            root.removeHandler(handler)
    plain = logging.StreamHandler(sys.stderr)
    plain.setFormatter(_OneLineFormatter("%(levelname)s: %(message)s"))
    root.addHandler(plain)
    root.setLevel(logging.WARNING)
    # Airflow gives these levels or handlers of their own.
    for name in ("airflow", "airflow.hooks", "airflow.task", "airflow.processor", "alembic", "py.warnings"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.setLevel(logging.WARNING)
        logger.propagate = True
    _log_structured()


def _log_structured() -> None:
    """Send what Airflow 3 logs through structlog, such as an AWS connection's notices, the same way as all else."""
    structlog: Any = sys.modules.get("structlog")
    if structlog is None:
        return

    def text(logger: Any, method: str, event: dict[str, Any]) -> str:
        return str(event["event"])

    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, structlog.stdlib.PositionalArgumentsFormatter(), text],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
