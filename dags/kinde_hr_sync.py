"""Keeps Kinde's users, organizations and roles in step with an HR file or HR system.

To use it:

1. Copy ``kinde_hr_sync.yaml`` from beside this file, make it your own, and check it:
   ``python -m airflow_provider_kinde validate --spec hr.yaml``.
2. Make an Airflow connection of type *Kinde* under the ``kinde_conn_id`` of the spec.
3. Tell this DAG where the spec is: ``KINDE_SYNC_SPEC=/path/to/hr.yaml`` in the environment of Airflow's DAG processor
   and workers (and ``KINDE_SYNC_SCHEDULE``, a cron expression, unless hourly suits you). Or copy this file into your
   own DAG folder and write both down in it: one call makes the DAG.
4. Unpause it. Its first task only reads, and writes a plan; the second one does what was planned.

Until then it is paused, has no schedule, and its spec names an HR file that does not exist.
"""

from __future__ import annotations

import os

from airflow_provider_kinde.dag_factory import kinde_sync_dag

spec = os.environ.get("KINDE_SYNC_SPEC")

dag = kinde_sync_dag(
    spec or "kinde_hr_sync.yaml",
    schedule=(os.environ.get("KINDE_SYNC_SCHEDULE", "@hourly") or None) if spec else None,
    dag_id="kinde_hr_sync",
    is_paused_upon_creation=True,
)
