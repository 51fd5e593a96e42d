from __future__ import annotations

from tests.support.airflow_fixtures import company, dag_file, database, kinde, storage_path

__all__ = ["company", "dag_file", "database", "kinde", "storage_path"]
