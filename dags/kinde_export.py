"""Writes users, memberships and roles of the tenant to files, once a week: for a warehouse, or for an audit.

To use it, name the folder (``KINDE_EXPORT_PATH``, such as ``s3://aws_default@hr-audit/kinde/{{ run_id }}``) and unpause
this DAG. It only reads Kinde, by the connection ``kinde_default``. The files name people: keep the bucket private.
"""

from __future__ import annotations

import os

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_kinde.operators.object_storage import KindeUsersToObjectStorageOperator

path = os.environ.get("KINDE_EXPORT_PATH")

with DAG(
    "kinde_export",
    schedule="@weekly" if path else None,
    catchup=False,
    is_paused_upon_creation=True,
    tags=["kinde", "example"],
    doc_md=__doc__,
) as dag:
    KindeUsersToObjectStorageOperator(
        task_id="export",
        path=path or "s3://aws_default@hr-audit/kinde/{{ run_id }}",
        file_format="csv",
    )
