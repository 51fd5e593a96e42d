"""What the two forms, onboarding and offboarding, share: what they refuse, and what they say before they act."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from airflow_provider_kinde.exceptions import SyncError
from airflow_provider_kinde.sync.model import Row, Source
from airflow_provider_kinde.sync.spec.models import SyncSpec

Tell = Callable[[str, str], None]
"""Told before anything is written: what will be done without names and addresses, and the same with them."""


class FormRefused(SyncError):
    """The form asks for what must not be done. The message says why, and what to do instead; it names nobody."""


class Remembered:
    """A source that is read once, however often somebody asks: what is explained is then what is done."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._reading: _Passed | None = None

    def read(self) -> Any:
        """Start one pass over the rows."""
        if self._reading is None:
            self._reading = _Passed(self._source.read())
        return self._reading


class _Passed:
    """A pass that is over."""

    def __init__(self, reading: Any) -> None:
        rows: list[Row] = list(reading)
        self._rows = rows
        self.name, self.columns = reading.name, reading.columns
        self.incomplete, self.proven, self.warnings = list(reading.incomplete), reading.proven, list(reading.warnings)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)


def check_tenant(spec: SyncSpec, host: str) -> None:
    """Stop before a form writes to another Kinde than the spec is for.

    :raises Refused: it would.
    """
    if spec.tenant and spec.tenant.split("://")[-1].strip("/").casefold() != host.casefold():
        raise FormRefused(f"wrong tenant: the spec is for {spec.tenant}, the connection is for {host}")


def told(title: str, row: str, match: list[str], action: list[str]) -> str:
    """The explanation of somebody for whom HR has no row, in the shape of ``explain``."""
    lines = [title, ""]
    for name, content in (("row", [row]), ("match", match), ("action", action)):
        lines += [f"  {name if number == 0 else '':<9}{line}" for number, line in enumerate(content)] + [""]
    return "\n".join(lines) + "\n"
