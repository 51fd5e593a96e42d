"""HR rows from one vendor: the YAML beside this module, filled in with the options of the spec."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any
from urllib.parse import quote

from airflow_provider_kinde.sources.base import Options
from airflow_provider_kinde.sources.http.api import read_api
from airflow_provider_kinde.sources.http.login import Connect
from airflow_provider_kinde.sources.http.reader import Reader
from airflow_provider_kinde.sources.http.source import COMMON, ApiSource
from airflow_provider_kinde.sync.spec.models import SyncSpec

_NAME = re.compile(r"\$([a-z_]+)")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


class VendorSource(ApiSource):
    """HR rows from a vendor's API, as ``vendors/<type>.yaml`` describes it.

    :param spec: a spec whose ``source.type`` is the name of a description.
    :param connect: reads a connection; Airflow's, unless something else is given.
    :raises SpecError: an option is unknown or wrong.
    """

    def __init__(self, spec: SyncSpec, connect: Connect | None = None, **settings: Any) -> None:
        kind = spec.source.type
        vendor = _load(kind)
        options = Options(spec, (*COMMON, *vendor["options"]))
        values = _options(spec, options, vendor)

        def error(key: str, message: str) -> Exception:
            # The description's keys are not the spec's; the option that a value came from has its name, if any.
            name = next((part for part in reversed(key.split(".")) if part in vendor["options"]), "type")
            return options.error(name, message)

        for name in _needed(vendor, values):
            if not values[name]:
                raise options.error(name, "is missing")
        api = read_api(_described(vendor, values), error)
        super().__init__(spec, api, options, _host(vendor, values, options), connect, **settings)


def describe(kind: str) -> Mapping[str, Mapping[str, Any]]:
    """The options that a vendor's source has, as its description states them."""
    options: Mapping[str, Mapping[str, Any]] = _load(kind)["options"]
    return options


@cache
def _load(kind: str) -> Mapping[str, Any]:
    import yaml

    text = (resources.files(__package__) / f"{kind}.yaml").read_text(encoding="utf-8")
    loaded: Mapping[str, Any] = yaml.safe_load(text)
    return loaded


def _host(vendor: Mapping[str, Any], values: Mapping[str, Any], options: Options) -> str:
    """The vendor's address, or nothing where only the connection can tell it."""
    host: str = vendor["host"]
    for name in _NAME.findall(host):
        if not values[name]:
            return ""
        if not _LABEL.fullmatch(values[name]):
            known = host.partition("://")[2].replace(f"${name}", "acme")
            raise options.error(name, f"a name as in {known} is expected, found {values[name]!r}")
    return str(_filled(host, values))


def _options(spec: SyncSpec, options: Options, vendor: Mapping[str, Any]) -> dict[str, Any]:
    """The value of every option of the vendor, checked."""
    reader = Reader(spec.source.options, options.error)
    found: dict[str, Any] = {}
    for name, kind in vendor["options"].items():
        default = kind.get("default")
        if kind.get("columns") and spec.source.options.get(name) is None:
            found[name] = _columns(spec, vendor.get("given", []))
        elif kind.get("columns") or kind.get("list"):
            found[name] = reader.items(name, str)
        elif kind.get("whole"):
            found[name] = reader.whole(name, default, kind.get("least", 1))
        elif kind.get("flag"):
            found[name] = reader.flag(name, default)
        elif kind.get("mapping"):
            found[name] = reader.texts(name)
        elif kind.get("choices"):
            found[name] = reader.choice(name, tuple(kind["choices"]), default)
        else:
            found[name] = reader.text(name, default).strip()
    return found


def _columns(spec: SyncSpec, given: list[str]) -> tuple[str, ...]:
    """The fields to ask for: the columns that the expressions of the spec read."""
    columns = {column for template in spec.templates for column in template.columns}
    return tuple(sorted(columns - set(given)))


def _parts(vendor: Mapping[str, Any], values: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The description and the variants that the options choose."""
    parts = [vendor["description"]]
    for option, variants in vendor.get("variants", {}).items():
        value = values[option]
        parts.append(variants[str(value).lower() if isinstance(value, bool) else value])
    return parts


def _needed(vendor: Mapping[str, Any], values: Mapping[str, Any]) -> set[str]:
    """The options that stand within a longer text: an empty one would leave a hole in it."""
    found: set[str] = set()
    waiting: list[Any] = list(_parts(vendor, values))
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            waiting.extend(value.values())
        elif isinstance(value, str) and not _NAME.fullmatch(value):
            found.update(_NAME.findall(value))
    return found


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
