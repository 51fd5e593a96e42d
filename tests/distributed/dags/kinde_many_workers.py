"""The DAG of these tests: a sync as users write it, one queue for each task, and retries that start within a second."""

from __future__ import annotations

import os
from datetime import timedelta

from airflow_provider_kinde.dag_factory import kinde_sync_dag

soon = {"retries": 3, "retry_delay": timedelta(seconds=1), "retry_exponential_backoff": False}
dag = kinde_sync_dag(os.environ["KINDE_TEST_SPEC"], dag_id="kinde_many_workers", default_args=soon)
dag.get_task("plan").queue = "planning"
dag.get_task("apply").queue = "applying"
