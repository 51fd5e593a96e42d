"""Write the entry of a run that failed before it had a plan."""

from __future__ import annotations

from pathlib import Path

from airflow_provider_kinde.storage.history import Written
from airflow_provider_kinde.storage.history_settings import open_history
from airflow_provider_kinde.storage.history_writer import write_event
from airflow_provider_kinde.sync.history.entry import RunRecord, failure_text
from airflow_provider_kinde.sync.signature import Sign
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.spec.outline import SpecOutline, read_outline


def outline_of(path: Path) -> SpecOutline | None:
    """Name and connection of a spec that need not be valid; ``None`` where the file says none.

    :param path: the spec file.
    """
    try:
        return read_outline(path)
    except (OSError, ValueError):
        return None


def write_failure(
    root: str | None,
    spec: SyncSpec | SpecOutline,
    record: RunRecord,
    error: BaseException,
    sign: Sign | None,
    *own: type[BaseException],
) -> Written:
    """Write the entry of a run that failed before it had a plan.

    :param root: where plans and reports are kept; ``[kinde] storage_path`` when left out.
    :param spec: the spec, or what is known of a wrong one.
    :param record: who or what ran it.
    :param error: why it failed.
    :param sign: signs with the client secret; ``None`` where the run had no connection.
    :param own: further errors whose messages are this provider's, and may be kept.
    :returns: the entry.
    :raises StorageError: it cannot be written.
    """
    facts = {"outcome": "failed", "error": failure_text(error, *own)}
    if isinstance(spec, SyncSpec):
        facts["spec_hash"] = spec.digest
    return write_event(open_history(spec.name, root), record, facts, sign)
