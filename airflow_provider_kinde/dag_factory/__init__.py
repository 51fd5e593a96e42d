"""From a spec file: the DAG of a sync, its tasks as a group of another DAG, and the forms for one person."""

from __future__ import annotations

from airflow_provider_kinde.dag_factory.person_dags import kinde_offboard_dag, kinde_onboard_dag
from airflow_provider_kinde.dag_factory.sync_dag import kinde_sync_dag
from airflow_provider_kinde.dag_factory.sync_group import kinde_sync_task_group
from airflow_provider_kinde.dag_factory.sync_tasks import kinde_sync_params

__all__ = [
    "kinde_offboard_dag",
    "kinde_onboard_dag",
    "kinde_sync_dag",
    "kinde_sync_params",
    "kinde_sync_task_group",
]
