"""Takes one person's access to Kinde from a form that IT fills in.

It works with the spec of your sync, so that form and sync agree: set ``KINDE_SYNC_SPEC=/path/to/hr.yaml`` in the
environment of Airflow's DAG processor and workers, as for ``kinde_hr_sync``. Or copy this file into your own DAG folder
and write the path down in it. Then unpause it, and press *Trigger*: that is the form.
"""

from __future__ import annotations

import os

from airflow_provider_kinde.dag_factory import kinde_offboard_dag

dag = kinde_offboard_dag(
    os.environ.get("KINDE_SYNC_SPEC") or "kinde_hr_sync.yaml",
    dag_id="kinde_offboard_user",
    is_paused_upon_creation=True,
)
