"""Learns how a real Kinde behaves where that is not documented, on throwaway objects that it creates and removes."""

from __future__ import annotations

from airflow_provider_kinde.probe.ask import probe_tenant
from airflow_provider_kinde.probe.findings import Finding, Findings

__all__ = ["Finding", "Findings", "probe_tenant"]
