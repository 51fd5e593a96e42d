"""HR rows from one vendor: the YAML beside this module, filled in with the options of the spec."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any
from urllib.parse import quote

from airflow_provider_kinde.sources.http.login import Connect
from airflow_provider_kinde.sources.http.source import ApiSource
from airflow_provider_kinde.sync.spec.api_description import VendorDescription
from airflow_provider_kinde.sync.spec.models import SyncSpec

_NAME = re.compile(r"\$([a-z_]+)")


class VendorSource(ApiSource):
    """HR rows from a vendor's API, as ``vendors/<type>.yaml`` describes it.

    :param spec: a spec whose ``source.type`` is the name of a description.
    :param connect: reads a connection; Airflow's, unless something else is given.
    :param settings: of :class:`~..http.source.ApiSource`.
    """

    def __init__(self, spec: SyncSpec, connect: Connect | None = None, **settings: Any) -> None:
        vendor = _load(spec.source.type)
        values = _values(spec, vendor)
        api = VendorDescription.model_validate(_described(vendor, values))
        super().__init__(spec, api, _host(vendor["host"], values), connect, **settings)


@cache
def _load(kind: str) -> Mapping[str, Any]:
    import yaml

    text = (resources.files(__package__) / f"{kind}.yaml").read_text(encoding="utf-8")
    loaded: Mapping[str, Any] = yaml.safe_load(text)
    return loaded


def _host(host: str, values: Mapping[str, Any]) -> str:
    """The vendor's address, or nothing where only the connection can tell it."""
    return str(_filled(host, values)) if all(values[name] for name in _NAME.findall(host)) else ""


def _values(spec: SyncSpec, vendor: Mapping[str, Any]) -> dict[str, Any]:
    """The value of every option; ``fields`` are the columns that the spec reads, where it names none."""
    options = spec.source
    found = {name: getattr(options, name) for name in type(options).model_fields}
    if found.get("fields", ()) is None:
        columns = {column for template in spec.templates for column in template.columns}
        found["fields"] = tuple(sorted(columns - set(vendor.get("given", []))))
    return found


def _parts(vendor: Mapping[str, Any], values: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The description and the variants that the options choose."""
    parts = [vendor["description"]]
    for option, variants in vendor.get("variants", {}).items():
        value = values[option]
        parts.append(variants[str(value).lower() if isinstance(value, bool) else value])
    return parts


def _described(vendor: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The description with the variants that the options choose, and with the options' values filled in."""
    found: dict[str, Any] = {}
    for part in _parts(vendor, values):
        for name, value in _filled(part, values).items():
            both = isinstance(value, Mapping) and isinstance(found.get(name), Mapping)
            found[name] = {**found[name], **value} if both else value
    return found


def _filled(value: Any, values: Mapping[str, Any]) -> Any:
    """A description with the options' values in the place of their names; what stays empty is left out."""
    if isinstance(value, Mapping):
        filled = {name: _filled(entry, values) for name, entry in value.items()}
        # An empty first cursor is one that is sent.
        return {name: entry for name, entry in filled.items() if entry not in ("", (), None) or name == "first"}
    if isinstance(value, str):
        whole = _NAME.fullmatch(value)
        if whole:
            return values[whole[1]]
        return _NAME.sub(lambda match: quote(str(values[match[1]]), safe="/"), value)
    return value
