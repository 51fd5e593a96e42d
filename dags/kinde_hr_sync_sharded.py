"""The sync of ``kinde_hr_sync``, its writes divided among several tasks: for tenants that one worker does not manage.

Use this DAG instead of ``kinde_hr_sync``, not beside it. ``KINDE_SYNC_SPEC`` and ``KINDE_SYNC_SCHEDULE`` are those of
``kinde_hr_sync``; ``KINDE_SYNC_SHARDS`` says into how many tasks at most (4), and ``KINDE_SYNC_POOL`` names an Airflow
pool. All workers must reach ``[kinde] storage_path``.
"""

from __future__ import annotations

import os

from airflow_provider_kinde.dag_factory import kinde_sync_dag

spec = os.environ.get("KINDE_SYNC_SPEC")

dag = kinde_sync_dag(
    spec or "kinde_hr_sync.yaml",
    schedule=(os.environ.get("KINDE_SYNC_SCHEDULE", "@hourly") or None) if spec else None,
    shards=int(os.environ.get("KINDE_SYNC_SHARDS", "4")),
    pool=os.environ.get("KINDE_SYNC_POOL"),
    dag_id="kinde_hr_sync_sharded",
    is_paused_upon_creation=True,
)
