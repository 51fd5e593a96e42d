"""What is read of a spec without checking it: for the shape of a DAG, and for the history of a run with a wrong spec.

A DAG file reads it each time that Airflow parses that file, so it must be cheap.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class SpecOutline:
    """What is known of a spec without checking it.

    :param organizations: alias -> what to call it in a form; empty where they are looked up by ``match``.
    :param roles: role keys that the rules give, in the order of the file.
    """

    name: str
    kinde_conn_id: str
    organizations: Mapping[str, str] = field(default_factory=dict)
    roles: tuple[str, ...] = ()


_outlines: dict[Path, tuple[tuple[int, int], SpecOutline]] = {}


def read_outline(path: Path) -> SpecOutline:
    """Read name, connection, organizations and roles of a spec, anew only when the file has changed.

    :param path: the spec file.
    :raises FileNotFoundError: there is no such file.
    :raises ValueError: it cannot be the spec of a sync.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no spec file {path}") from None
    stamp = (status.st_mtime_ns, status.st_size)
    known = _outlines.get(path)
    if known and known[0] == stamp:
        return known[1]
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        content = yaml.load(path.read_text(encoding="utf-8-sig"), Loader=loader)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"{path} is not YAML: {error}") from error
    name = content.get("name") if isinstance(content, dict) else None
    if not isinstance(content, dict) or not isinstance(name, str) or not name:
        raise ValueError(f"{path} has no `name`, which every spec has")
    conn_id = str(content.get("kinde_conn_id") or "kinde_default")
    outline = SpecOutline(name, conn_id, _organizations(content), _roles(content))
    _outlines[path] = (stamp, outline)
    return outline


def _organizations(content: Mapping[str, Any]) -> dict[str, str]:
    listed = content.get("organizations")
    if not isinstance(listed, dict) or "match" in listed:
        return {}
    names = {str(alias): value.get("name") if isinstance(value, dict) else None for alias, value in listed.items()}
    return {alias: f"{name} ({alias})" if name and name != alias else alias for alias, name in names.items()}


def _roles(content: Mapping[str, Any]) -> tuple[str, ...]:
    """The role keys of the rules; protected ones cannot be given."""
    rules = content.get("memberships")
    protect = content.get("protect")
    protected = protect.get("roles") if isinstance(protect, dict) else None
    if not isinstance(protected, list):
        protected = ["owner", "admin"]
    found = [
        str(role)
        for rule in (rules if isinstance(rules, list) else ())
        if isinstance(rule, dict) and isinstance(rule.get("roles"), list)
        for role in rule["roles"]
    ]
    return tuple(role for role in dict.fromkeys(found) if role not in protected)
