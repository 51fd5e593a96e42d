"""HR extract, sync and audit in one DAG: ``kinde_sync_task_group`` puts the tasks of a sync into a DAG of your own.

The task ``extract`` stands for yours: it brings HR's data to where the spec reads it. The task ``audit`` runs after
each applied plan and gets its counts. Use this DAG instead of ``kinde_hr_sync``, not beside it. ``KINDE_SYNC_SPEC`` and
``KINDE_SYNC_SCHEDULE`` are those of ``kinde_hr_sync``.
"""

from __future__ import annotations

import os
from datetime import datetime, timezone
from typing import Any

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_kinde.dag_factory import kinde_sync_params, kinde_sync_task_group

spec = os.environ.get("KINDE_SYNC_SPEC")


@task
def extract() -> None:
    """Write what HR knows to the file, the table or the bucket that the spec names as its source."""
    print("replace this task with your extract")


@task
def audit(report: Any) -> None:
    """Keep what the sync did: counts, the plan's hash, and where the report is. It names no person."""
    print(f"{report['outcome']}: {report['summary']}, {report['path']}")


with DAG(
    "kinde_hr_pipeline",
    schedule=(os.environ.get("KINDE_SYNC_SCHEDULE", "@hourly") or None) if spec else None,
    # Airflow 2 schedules no DAG without it.
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=1,
    params=kinde_sync_params(),
    is_paused_upon_creation=True,
    tags=["kinde", "example"],
    doc_md=__doc__,
) as dag:
    sync = kinde_sync_task_group(spec or "kinde_hr_sync.yaml", group_id="sync")
    extract() >> sync >> audit(dag.get_task("sync.apply").output)
