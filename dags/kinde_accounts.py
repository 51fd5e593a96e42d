"""Lists every account of the tenant, orphans first, once a week: who has access, and who of them HR knows.

To use it, name the spec of a sync as in ``kinde_hr_sync`` (``KINDE_SYNC_SPEC``), and unpause this DAG. It only reads.
The list is a CSV file below ``[kinde] storage_path``, in the folder of the run.
"""

from __future__ import annotations

import os
from datetime import datetime, timezone

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_kinde.operators.accounts import KindeAccountsOperator

spec = os.environ.get("KINDE_SYNC_SPEC")

with DAG(
    "kinde_accounts",
    schedule="@weekly" if spec else None,
    # Airflow 2 schedules no DAG without it.
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    is_paused_upon_creation=True,
    tags=["kinde", "example"],
    doc_md=__doc__,
) as dag:
    KindeAccountsOperator(task_id="accounts", spec=spec or "kinde_hr_sync.yaml")
