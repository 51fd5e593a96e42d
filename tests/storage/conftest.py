from __future__ import annotations

import pytest

from tests.support.airflow_fixtures import (
    airflow_process,
    command,
    company,
    dag_file,
    database,
    kinde,
    said,
    storage_path,
)

__all__ = ["airflow_process", "command", "company", "dag_file", "database", "kinde", "said", "storage_path"]


@pytest.fixture
def memory() -> None:
    """An object store that needs no network."""
    try:
        from airflow.sdk.io import attach
    except ImportError:
        from airflow.io.store import attach
    from fsspec.implementations.memory import MemoryFileSystem

    attach(protocol="memory", fs=MemoryFileSystem())
