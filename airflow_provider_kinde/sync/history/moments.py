"""The moments of an entry as evidence counts them: in UTC, and none ahead of the computer's clock."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from airflow_provider_kinde.sync.history.entry import moment_text


def seconds_of(text: str) -> float:
    """A moment in seconds since 1970.

    :param text: a moment in ISO 8601, with its offset.
    """
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def utc_text(text: Any) -> str:
    """A moment as entries write it, so that moments can be compared as text; other text is left as it is.

    :param text: a moment in ISO 8601, with its offset.
    """
    try:
        found = datetime.fromisoformat(str(text or "").replace("Z", "+00:00"))
    except ValueError:
        return str(text or "")
    return moment_text(found.timestamp()) if found.tzinfo else str(text)


def by_the_clock(head: Mapping[str, Any]) -> dict[str, Any]:
    """The first line of an entry, with each moment in UTC.

    A run for a moment to come (``--now``) counts at the moments of the clock: what it did is done already.

    :param head: the first line of the entry.
    """
    found, ahead = dict(head), seconds_ahead(head)
    for name in ("at", "began", "ended"):
        if head.get(name):
            found[name] = _earlier(str(head[name]), ahead)
    if planned := utc_text(head.get("planned_at")):
        found["planned_at"] = min(planned, str(found.get("at") or planned))
    if (head.get("approval") or {}).get("at"):
        found["approval"] = {**head["approval"], "at": utc_text(head["approval"]["at"])}
    if (head.get("input") or {}).get("data_time"):
        found["input"] = {**head["input"], "data_time": utc_text(head["input"]["data_time"])}
    return found


def operation_by_the_clock(change: Mapping[str, Any], ahead: float) -> Mapping[str, Any]:
    """An operation of an entry, with the moments at which it was done by the clock.

    :param change: the operation.
    :param ahead: seconds by which the moment of the run was ahead of the clock.
    """
    if not ahead or change.get("outcome") == "planned":
        return change
    found = dict(change)
    if change.get("done"):
        found["done"] = _earlier(str(change["done"]), ahead)
    if change.get("steps"):
        found["steps"] = {name: _earlier(str(at), ahead) for name, at in change["steps"].items()}
    return found


def seconds_ahead(head: Mapping[str, Any]) -> float:
    """Seconds by which the moment of a run was ahead of the clock; 0 for a run for the current time or an earlier one.

    :param head: the first line of the entry.
    """
    return max(float(head.get("shifted_seconds") or 0), 0.0)


def _earlier(text: str, seconds: float) -> str:
    return moment_text(seconds_of(text) - seconds) if seconds else text
