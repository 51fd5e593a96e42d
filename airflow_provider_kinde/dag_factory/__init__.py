"""Whole DAGs from a spec file: the sync on a schedule, and the forms that onboard or offboard one person."""

from __future__ import annotations

from airflow_provider_kinde.dag_factory.person_dags import kinde_offboard_dag, kinde_onboard_dag
from airflow_provider_kinde.dag_factory.sync_dag import kinde_sync_dag

__all__ = ["kinde_offboard_dag", "kinde_onboard_dag", "kinde_sync_dag"]
