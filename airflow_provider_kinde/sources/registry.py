"""Which class reads which ``source.type``; a class is imported when it is used."""

from __future__ import annotations

import difflib
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
"""``source.type`` -> "module:Class"; the class is made as ``Class(spec)`` and checks its own options."""


def make_source(spec: SyncSpec) -> Source:
    """Make the source that a spec names; nothing is read yet.

    :param spec: the spec.
    :returns: the source.
    :raises SpecError: there is no such type, or an option is wrong.
    """
    kind = spec.source.type
    if kind not in SOURCES:
        near = difflib.get_close_matches(kind, list(SOURCES), 1)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(SOURCES))}"
        line = spec.source.lines.get("source.type") or spec.source.line
        raise spec.error("source.type", f"{kind!r} is not a type of source; {hint}", line)
    module, _, name = SOURCES[kind].partition(":")
    source: Source = getattr(importlib.import_module(module), name)(spec)
    return source
