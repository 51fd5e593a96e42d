"""Runs the sync when a user was changed, suspended or deleted in Kinde by hand.

Airflow 3 only: the triggerer reads all users every 15 minutes. The DAG uses the spec of your sync: set
``KINDE_SYNC_SPEC=/path/to/hr.yaml`` in the environment of Airflow's DAG processor, triggerer and workers, as for
``kinde_hr_sync``; until then, and on Airflow 2, this DAG has no schedule. A sync that changes users is followed by one
that finds nothing to do.
"""

from __future__ import annotations

import os
from typing import Any

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_kinde.operators.retry_policy import retry_arguments
from airflow_provider_kinde.operators.sync import KindeSyncOperator
from airflow_provider_kinde.triggers.events import KindeUserEventTrigger
from airflow_provider_kinde.version_compat import has_asset_watchers

spec = os.environ.get("KINDE_SYNC_SPEC")
schedule: Any = None
if spec and has_asset_watchers():
    from airflow.sdk import Asset, AssetWatcher

    trigger = KindeUserEventTrigger(
        kinde_conn_id=os.environ.get("KINDE_SYNC_CONNECTION") or "kinde_default",
        events=["changed", "suspended", "deleted"],
    )
    schedule = Asset("kinde_users", watchers=[AssetWatcher(name="kinde_users", trigger=trigger)])

with DAG(
    "kinde_example_user_events",
    schedule=schedule,
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=True,
    tags=["kinde", "example"],
    doc_md=__doc__,
    default_args={"retries": 3, **retry_arguments()},
) as dag:
    KindeSyncOperator(task_id="sync", spec=spec or "kinde_hr_sync.yaml")
