"""The sync of ``kinde_hr_sync``, run when HR's data changes, and every six hours in any case.

On Airflow 3 an asset stands for the HR source: the triggerer watches it, and the DAG runs when it changes. On Airflow 2
each run begins with a sensor that waits for the change, without holding a worker. Use this DAG instead of
``kinde_hr_sync``, not beside it. ``KINDE_SYNC_SPEC`` names the spec, as there.
"""

from __future__ import annotations

import os

from airflow_provider_kinde.dag_factory.sync_dag import can_watch, kinde_sync_dag

spec = os.environ.get("KINDE_SYNC_SPEC")
by_asset = bool(spec) and can_watch()

dag = kinde_sync_dag(
    spec or "kinde_hr_sync.yaml",
    schedule="@continuous" if spec and not by_asset else None,
    on_change="asset" if by_asset else "sensor",
    dag_id="kinde_hr_sync_on_change",
    is_paused_upon_creation=True,
)
