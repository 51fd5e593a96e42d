"""Learns how a real Kinde behaves where that is not documented, on throwaway objects that it creates and removes."""

from __future__ import annotations

from airflow_provider_kinde.probe.findings import Finding, Findings
from airflow_provider_kinde.probe.run import probe_tenant

__all__ = ["Finding", "Findings", "probe_tenant"]
