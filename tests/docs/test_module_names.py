"""Modules that a page names as `operators.users` or `airflow_provider_kinde.sensors.users.KindeUserSensor` exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "airflow_provider_kinde"
ROOMS = sorted(path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists())
NAMED = re.compile(rf"`(?:airflow_provider_kinde\.)?((?:{'|'.join(ROOMS)})(?:\.\w+)+)")


def exists(name: str) -> bool:
    """Whether a module is there, and what is named in it as well."""
    path = PACKAGE
    parts = name.split(".")
    while parts and (path / parts[0]).is_dir():
        path /= parts.pop(0)
    if parts and (path / f"{parts[0]}.py").exists():
        path /= f"{parts.pop(0)}.py"
    source = path if path.is_file() else path / "__init__.py"
    return not parts or re.search(rf"\b{parts[0]}\b", source.read_text(encoding="utf-8")) is not None


def test_every_module_on_a_page_exists() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    named = {(page.name, name) for page in pages for name in NAMED.findall(page.read_text(encoding="utf-8"))}
    assert len(named) > 10
    assert sorted((page, name) for page, name in named if not exists(name)) == []
