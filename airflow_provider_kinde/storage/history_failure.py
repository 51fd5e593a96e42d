"""Write the entry of a run that failed before it had a plan."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from airflow_provider_kinde.storage.history import Written
from airflow_provider_kinde.storage.history_settings import open_history
from airflow_provider_kinde.storage.history_writer import write_event
from airflow_provider_kinde.sync.history.entry import RunRecord, failure_text
from airflow_provider_kinde.sync.signature import Sign
from airflow_provider_kinde.sync.spec.models import SyncSpec


class WrongSpec(NamedTuple):
    """What is known of a spec that need not be valid.

    :param name: its name.
    :param kinde_conn_id: the id of its connection.
    """

    name: str
    kinde_conn_id: str


def outline_of(path: Path) -> WrongSpec | None:
    """Name and connection of a spec that need not be valid; ``None`` where the file says none.

    :param path: the spec file.
    """
    import yaml

    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
        return WrongSpec(str(found["name"]), str(found.get("kinde_conn_id") or "kinde_default"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, yaml.YAMLError):
        return None


def write_failure(
    root: str | None,
    spec: SyncSpec | WrongSpec,
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
