from __future__ import annotations

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
