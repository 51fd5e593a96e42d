"""Which class reads which ``source.type``; a class is imported when it is used."""

from __future__ import annotations

import importlib

from airflow_provider_kinde.sync.model import Source
from airflow_provider_kinde.sync.spec.models import SyncSpec

SOURCES: dict[str, str] = {
    "file": "airflow_provider_kinde.sources.file.source:FileSource",
    "sql": "airflow_provider_kinde.sources.sql:SqlSource",
    "http": "airflow_provider_kinde.sources.http.source:HttpSource",
    "scim": "airflow_provider_kinde.sources.vendors.source:VendorSource",
    "bamboohr": "airflow_provider_kinde.sources.vendors.source:VendorSource",
    "hibob": "airflow_provider_kinde.sources.vendors.source:VendorSource",
    "personio": "airflow_provider_kinde.sources.vendors.source:VendorSource",
    "workday": "airflow_provider_kinde.sources.vendors.source:VendorSource",
}
"""``source.type`` -> "module:Class"; made as ``Class(spec)``. The options are in ``sync.spec.source``."""


def make_source(spec: SyncSpec) -> Source:
    """Make the source that a spec names; nothing is read yet.

    :param spec: the spec.
    :returns: the source.
    :raises SpecError: an option names what is not there, such as a file with a query.
    """
    module, _, name = SOURCES[spec.source.type].partition(":")
    source: Source = getattr(importlib.import_module(module), name)(spec)
    return source
