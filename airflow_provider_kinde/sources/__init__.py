"""HR sources: each yields rows and says whether they are the whole of it."""

from __future__ import annotations

from airflow_provider_kinde.sources.registry import SOURCES, make_source
from airflow_provider_kinde.sync.rows import ListSource

__all__ = ["SOURCES", "ListSource", "make_source"]
