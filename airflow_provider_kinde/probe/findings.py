"""What a probe has learnt, as a table, as JSON, and as settings of the emulator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_kinde.counted import counted

Value = str | int | float | bool | None


@dataclass(frozen=True)
class Finding:
    """One setting whose value is known.

    :param setting: the name of the emulator's setting.
    :param value: the value with which the emulator behaves like this Kinde.
    :param evidence: the response that showed it.
    """

    setting: str
    value: Value
    evidence: str


@dataclass
class Findings:
    """The result of a probe.

    :param host: the Kinde domain.
    :param probed_at: the time of the probe, ISO 8601.
    :param learnt: the findings by setting.
    :param not_learnt: setting -> why its value is not known.
    :param seen: responses that no setting stands for: what was done -> status and code.
    :param missing_scopes: scopes that the application would need for the rest.
    :param left_behind: what the probe created and could not remove.
    :param stopped: why the probe ended early; empty if it did not.
    :param requests: requests that were sent, without token calls.
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
        """The settings for ``kinde-emulator --like``, without those that could not be learnt."""
        return {name: finding.value for name, finding in sorted(self.learnt.items())}

    @property
    def clean(self) -> bool:
        """Whether the probe ended normally and left nothing behind."""
        return not self.stopped and not self.left_behind

    def to_json(self) -> dict[str, Any]:
        """Everything as a JSON object."""
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
        """Everything as a table."""
        lines = [f"Kinde at {self.host}, {self.probed_at}, {counted(self.requests, 'request')}", ""]
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
    """A value as ``kinde-emulator --set`` takes it.

    :param value: the value.
    """
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head) - 1)]
    shown = [head, tuple("-" * len(title) for title in head), *rows]
    return [
        "  ".join([*(f"{cell:{width}}" for cell, width in zip(row, widths, strict=False)), row[-1]]) for row in shown
    ]
