"""The options of sources as JSON schema, for editors: made from the same names that the sources check."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from airflow_provider_kinde.sources.http.api import KEYS, PAGE_TYPES
from airflow_provider_kinde.sources.http.login import AUTH_TYPES
from airflow_provider_kinde.sources.http.source import COMMON
from airflow_provider_kinde.sources.registry import SOURCES
from airflow_provider_kinde.sources.vendors.source import describe

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_OBJECT: Schema = {"type": "object"}
_SHARED: dict[str, Schema] = {
    "conn_id": {"type": "string", "description": "Airflow connection with address and credentials."},
    "timeout": {"type": "number", "minimum": 1, "maximum": 3600, "description": "Seconds without a byte."},
    "tries": {"type": "number", "minimum": 1, "description": "How often one request is sent at most."},
    "expect": {
        "type": "object",
        "properties": {"min_rows": {"type": "integer", "minimum": 1}},
        "additionalProperties": False,
        "description": "Proof of completeness.",
    },
}
_HTTP: dict[str, Schema] = {
    **dict.fromkeys(("url", "rows", "total", "id", "timezone"), _TEXT),
    **dict.fromkeys(("query", "headers", "body", "columns", "lists", "each", "changes"), _OBJECT),
    "method": {"enum": ["GET", "POST"]},
    "format": {"enum": ["json", "csv"]},
    "auth": {
        "anyOf": [
            {"enum": list(AUTH_TYPES)},
            {"type": "object", "properties": {"type": {"enum": list(AUTH_TYPES)}}, "required": ["type"]},
        ]
    },
    "pages": {"type": "object", "properties": {"type": {"enum": list(PAGE_TYPES)}}, "required": ["type"]},
    "empty_status": {"type": "array", "items": {"type": "integer"}},
    "restart_on": {"type": "array", "items": _TEXT},
}


def source_schema() -> Schema:
    """The schema of the key ``source`` of a spec.

    :returns: JSON schema: the types of source, and the options of each.
    """
    kinds = {"enum": sorted(SOURCES), "description": "What kind of source; each has options of its own beside this."}
    return {
        "type": "object",
        "description": "Where the rows come from.",
        "required": ["type"],
        "properties": {"type": kinds},
        "allOf": [
            {"if": {"properties": {"type": {"const": kind}}, "required": ["type"]}, "then": options}
            for kind, options in sorted(option_schemas().items())
        ],
        "if": {"properties": {"type": {"const": "file"}}},
        "then": {"required": ["path"], "properties": {"path": {"type": "string", "minLength": 1}}},
    }


def option_schemas() -> dict[str, Schema]:
    """The schema of the options of every type of source but ``file``.

    :returns: ``source.type`` -> schema of the object under ``source``.
    """
    found = {
        "sql": _section({**_shared(("conn_id", "expect")), "query": _TEXT, "file": _TEXT}, ("conn_id",)),
        "http": _section({**_shared(COMMON), **{name: _HTTP[name] for name in KEYS}}, ("url",)),
    }
    for kind in SOURCES.keys() - found.keys() - {"file"}:
        options = describe(kind)
        needed = [name for name, option in options.items() if not option.keys() - {"about"}]
        own = {name: _option(option) for name, option in options.items()}
        found[kind] = _section({**_shared(COMMON), **own}, ("conn_id", *needed))
    return found


def _shared(names: Iterable[str]) -> dict[str, Schema]:
    return {name: _SHARED[name] for name in names}


def _option(option: Mapping[str, Any]) -> Schema:
    default = {"default": option["default"]} if option.get("default") not in (None, "") else {}
    if "choices" in option:
        return {"enum": list(option["choices"]), **default}
    if option.get("whole"):
        return {"type": "integer", "minimum": option.get("least", 1), **default}
    if option.get("flag"):
        return {"type": "boolean", **default}
    if option.get("columns") or option.get("list"):
        return {"type": "array", "items": _TEXT}
    return {**(_OBJECT if option.get("mapping") else _TEXT), **default}


def _section(properties: Mapping[str, Schema], required: Iterable[str]) -> Schema:
    """An object with these options and no other; one that is left empty counts as left out."""
    return {
        "properties": {
            name: part if name in required else {"anyOf": [part, {"type": "null"}]} for name, part in properties.items()
        },
        "required": list(required),
        "propertyNames": {"enum": ["type", *properties]},
    }
