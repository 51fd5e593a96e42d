"""What a probe found out, as a table, as JSON, and as the emulator's settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

Value = str | int | float | bool | None


@dataclass(frozen=True)
class Finding:
    """One switch that is known now.

    :param setting: the emulator's name for it.
    :param value: how this Kinde behaves.
    :param evidence: what showed it.
    """

    setting: str
    value: Value
    evidence: str


@dataclass
class Findings:
    """The result of a probe.

    :param host: the Kinde that was asked.
    :param probed_at: when, in ISO 8601.
    :param learnt: what is known now, by setting.
    :param not_learnt: setting -> why its value is not known.
    :param seen: answers that no switch stands for: what was done -> what came of it.
    :param missing_scopes: what the application would need for the rest.
    :param left_behind: what the probe made and could not remove.
    :param stopped: why it ended early; empty if it did not.
    :param requests: requests that were sent, token calls apart.
    """

    host: str
    probed_at: str
    learnt: dict[str, Finding] = field(default_factory=dict)
    not_learnt: dict[str, str] = field(default_factory=dict)
    seen: dict[str, str] = field(default_factory=dict)
    missing_scopes: set[str] = field(default_factory=set)
    left_behind: list[str] = field(default_factory=list)
    stopped: str = ""
    requests: int = 0

    @property
    def settings(self) -> dict[str, Value]:
        """What ``kinde-emulator --like`` takes; a value that could not be learnt is not in it."""
        return {name: finding.value for name, finding in sorted(self.learnt.items())}

    @property
    def clean(self) -> bool:
        """Whether the probe came to its end and left nothing behind."""
        return not self.stopped and not self.left_behind

    def to_json(self) -> dict[str, Any]:
        """Everything, as JSON has it."""
        return {
            "host": self.host,
            "probed_at": self.probed_at,
            "settings": self.settings,
            "evidence": {name: finding.evidence for name, finding in sorted(self.learnt.items())},
            "not_learnt": dict(sorted(self.not_learnt.items())),
            "seen": self.seen,
            "missing_scopes": sorted(self.missing_scopes),
            "left_behind": self.left_behind,
            "stopped": self.stopped,
            "requests": self.requests,
        }

    def text(self) -> str:
        """The table for a person."""
        lines = [f"Kinde at {self.host}, {self.probed_at}, {self.requests} requests", ""]
        rows = [(name, written(finding.value), finding.evidence) for name, finding in sorted(self.learnt.items())]
        lines += _table(("setting", "value", "how it showed"), rows)
        if self.seen:
            lines += ["", *_table(("also seen", "answer"), list(self.seen.items()))]
        if self.not_learnt:
            lines += ["", *_table(("not learnt", "why"), sorted(self.not_learnt.items()))]
        if self.missing_scopes:
            lines += ["", f"missing scopes: {', '.join(sorted(self.missing_scopes))}"]
        if self.stopped:
            lines += ["", f"stopped early: {self.stopped}"]
        lines += ["", "everything that was made is removed"] if not self.left_behind else ["", "LEFT BEHIND:"]
        lines += [f"  {item}" for item in self.left_behind]
        return "\n".join(lines) + "\n"


def written(value: Value) -> str:
    """A value as ``kinde-emulator --set`` takes it."""
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head) - 1)]
    shown = [head, tuple("-" * len(title) for title in head), *rows]
    return [
        "  ".join([*(f"{cell:{width}}" for cell, width in zip(row, widths, strict=False)), row[-1]]) for row in shown
    ]
