"""Where the history of a spec is, and how long its entries are kept."""

from __future__ import annotations

from airflow_provider_kinde.exceptions import StorageError
from airflow_provider_kinde.storage import run_files
from airflow_provider_kinde.storage.history import History


def open_history(spec_name: str, root: str | None = None) -> History:
    """The history of a spec, where plans and reports are kept.

    :param spec_name: the spec's name.
    :param root: where plans and reports are kept; ``[kinde] storage_path`` when left out.
    """
    return History(root or run_files.default_path(), spec_name)


def keep_days() -> int | None:
    """How many days entries are kept, from ``[kinde] keep_history``; ``None`` for ever.

    :raises StorageError: the setting is no number of days.
    """
    try:
        from airflow.providers.common.compat.sdk import conf
    except ImportError:  # the engine alone, without Airflow
        return None
    configured = str(conf.get("kinde", "keep_history", fallback="") or "").strip()
    if not configured:
        return None
    if not configured.isdigit() or int(configured) < 1:
        raise StorageError(f"[kinde] keep_history is {configured!r}: expected a number of days, such as 730")
    return int(configured)
