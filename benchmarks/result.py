"""What a benchmark hands in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Result:
    """A table, what was to be reached, and how it was measured.

    :param columns: headings.
    :param rows: cells, as they are shown.
    :param goals: (what, limit, measured); reached when what was measured is not more than the limit.
    """

    title: str
    about: str
    columns: Sequence[str]
    rows: list[Sequence[Any]] = field(default_factory=list)
    goals: list[tuple[str, float, float]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """As ``results.json`` keeps it."""
        plain = asdict(self)
        plain["goals"] = [
            {"what": what, "at_most": limit, "measured": measured, "reached": measured <= limit}
            for what, limit, measured in self.goals
        ]
        return plain
