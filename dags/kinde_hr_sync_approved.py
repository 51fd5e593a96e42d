"""The sync of ``kinde_hr_sync``, with a person who approves its plans in Airflow's own interface.

Every plan with changes waits for *Approve* or *Reject* under *Required Actions*. With ``approve="blocked"`` only those
wait that the guards of the spec stopped, and the others are applied straight away. Use this DAG instead of
``kinde_hr_sync``, not beside it. ``KINDE_SYNC_SPEC`` and ``KINDE_SYNC_SCHEDULE`` are those of ``kinde_hr_sync``;
``KINDE_SYNC_APPROVERS`` names who may answer, by their user ids with commas between them. Needs Airflow 3.1 or later.
"""

from __future__ import annotations

import os

from airflow_provider_kinde.dag_factory.sync_dag import kinde_sync_dag
from airflow_provider_kinde.dag_factory.sync_tasks import can_ask

spec = os.environ.get("KINDE_SYNC_SPEC")

# Airflow before 3.1 cannot ask: there a blocked plan passes when its hash is given in "Trigger DAG".
if can_ask():
    dag = kinde_sync_dag(
        spec or "kinde_hr_sync.yaml",
        schedule=(os.environ.get("KINDE_SYNC_SCHEDULE", "@hourly") or None) if spec else None,
        approve="always",
        approvers=[name.strip() for name in os.environ.get("KINDE_SYNC_APPROVERS", "").split(",") if name.strip()],
        dag_id="kinde_hr_sync_approved",
        is_paused_upon_creation=True,
    )
