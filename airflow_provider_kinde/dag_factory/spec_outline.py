"""The little of a spec file that the shape of a DAG depends on: read when a DAG file is parsed, so it must be cheap."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class DagOutline:
    """What is known of a spec without checking it.

    :param organizations: alias -> what to call it in a form; empty where they are looked up by ``match``.
    :param roles: role keys that the rules give, in the order of the file.
    """

    name: str
    kinde_conn_id: str
    organizations: Mapping[str, str] = field(default_factory=dict)
    roles: tuple[str, ...] = ()


_outlines: dict[Path, tuple[tuple[int, int], DagOutline]] = {}


def read_outline(path: Path, caller: str) -> DagOutline:
    """Read what a DAG needs of a spec, anew only when the file has changed. The whole spec is checked when a task runs.

    :param path: the spec file.
    :param caller: the function that asks, for messages.
    :raises FileNotFoundError: there is no such file.
    :raises ValueError: it cannot be the spec of a sync.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        raise FileNotFoundError(f"{caller}: there is no spec file {path}") from None
    stamp = (status.st_mtime_ns, status.st_size)
    known = _outlines.get(path)
    if known and known[0] == stamp:
        return known[1]
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        content = yaml.load(path.read_text(encoding="utf-8-sig"), Loader=loader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{caller}: {path} is not YAML: {error}") from error
    name = content.get("name") if isinstance(content, dict) else None
    if not isinstance(content, dict) or not isinstance(name, str) or not name:
        raise ValueError(f"{caller}: {path} has no `name`, which every spec has")
    conn_id = str(content.get("kinde_conn_id") or "kinde_default")
    outline = DagOutline(name, conn_id, _organizations(content), _roles(content))
    _outlines[path] = (stamp, outline)
    return outline


def spec_file(spec_path: Any, caller: Path) -> Path:
    """The spec file that a DAG file names; a relative path starts at the DAG file's folder.

    :param spec_path: the path as the DAG file names it.
    :param caller: the DAG file.
    """
    path = Path(spec_path).expanduser()
    return path if path.is_absolute() else caller.parent / path


def calling_file(*factories: str) -> Path:
    """The DAG file: the first one on the stack that is neither this file nor a factory's.

    :param factories: the factory's ``__file__``.
    """
    frame = inspect.currentframe()
    while frame is not None and frame.f_code.co_filename in (__file__, *factories):
        frame = frame.f_back
    return Path(frame.f_code.co_filename).resolve() if frame is not None else Path.cwd() / "dag.py"


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
    protected = protect.get("roles", ("owner", "admin")) if isinstance(protect, dict) else ("owner", "admin")
    found = [
        str(role)
        for rule in (rules if isinstance(rules, list) else ())
        if isinstance(rule, dict) and isinstance(rule.get("roles"), list)
        for role in rule["roles"]
    ]
    return tuple(role for role in dict.fromkeys(found) if role not in (protected or ()))
