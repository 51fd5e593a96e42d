"""What a sync tells Airflow's metrics (StatsD, OpenTelemetry): counts, requests and times, never a name."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any

from airflow_provider_kinde.version_compat import stats

log = logging.getLogger(__name__)

ACCOUNTS = {
    "orphan": "orphans",
    "held": "held",
    "adoptable": "adoptable",
    "other source": "other_source",
    "service or test": "service_or_test",
    "managed": "managed",
}
"""Class of an account -> the name of its gauge below ``kinde.accounts``."""


OUTCOMES = ("changes", "no changes", "blocked", "failed")
"""What a run may come to."""


def read_kinde(result: Mapping[str, Any]) -> bool:
    """Whether a run read Kinde: where the source stops it, no person is counted, and 0 would be misread.

    :param result: what a task of a sync hands on.
    """
    stopped = result.get("outcome") == "blocked" and not result.get("approvable")
    return not stopped or bool(result.get("managed"))


def drift(result: Mapping[str, Any]) -> int:
    """How many changes were still to be made when a task of a sync ended.

    :param result: what the task hands on.
    """
    outcomes = result.get("outcomes")
    if outcomes is not None and result.get("outcome") != "blocked":
        return int(outcomes.get("failed") or 0) + int(outcomes.get("skipped") or 0)
    summary = result.get("summary") or {}
    return sum(int(count) for kind, count in summary.items() if kind not in ("held", "rejected", "unchanged"))


def send_metrics(spec_name: str, result: Mapping[str, Any], facts: Mapping[str, Any], source: Any = None) -> None:
    """Send the metrics of one run. Trouble with metrics never fails a sync.

    :param spec_name: name of the spec.
    :param result: what the task hands on.
    :param facts: duration, requests and throttling of the run.
    :param source: the HR source that was read: it may know when its data was changed.
    """
    try:
        sender = stats()
        gauges = dict(_gauges(result, facts))
        if (seconds := seconds_since_change(result, source)) is not None:
            gauges["seconds_from_change"] = seconds
        _send(sender, "kinde.sync", spec_name, gauges)
        # Each counter is sent with 0, too: Prometheus sees no increase in a counter that begins with the first event.
        for outcome in OUTCOMES:
            name = f"kinde.sync.outcome.{outcome.replace(' ', '_')}"
            sender.incr(name, int(outcome == result["outcome"]), tags={"spec": spec_name})
        if "outcomes" in result:
            for kind, count in result["summary"].items():
                if kind not in ("held", "rejected", "unchanged"):
                    made = 0 if result["outcome"] == "blocked" else int(count)
                    sender.incr("kinde.sync.changes", made, tags={"spec": spec_name, "kind": kind})
    except Exception as error:  # the metrics systems have errors of their own kinds
        log.warning("metrics of %s were not sent: %s: %s", spec_name, type(error).__name__, error)


def send_account_metrics(spec_name: str, classes: Mapping[str, int]) -> None:
    """Send how many accounts of each class a tenant has. Trouble with metrics never fails the task.

    :param spec_name: name of the spec.
    :param classes: how many accounts there are, by class (``orphan``, ``held``, ``adoptable``, ...).
    """
    try:
        counts = {name: classes.get(kind, 0) for kind, name in ACCOUNTS.items()}
        _send(stats(), "kinde.accounts", spec_name, counts)
    except Exception as error:  # the metrics systems have errors of their own kinds
        log.warning("metrics of %s were not sent: %s: %s", spec_name, type(error).__name__, error)


def seconds_since_change(result: Mapping[str, Any], source: Any) -> float | None:
    """How long it took from a change of HR's data until it was done in Kinde; ``None`` where that is not known.

    :param result: what a task that applied a plan hands on; a run that did nothing, or not all, has no such time.
    :param source: the HR source that was read.
    """
    outcomes = result.get("outcomes") or {}
    if source is None or not outcomes.get("done") or result.get("outcome") != "changes":
        return None
    from airflow_provider_kinde.sources.change_tokens import changed_at

    changed = changed_at(source)
    return None if changed is None else max((datetime.now(timezone.utc) - changed).total_seconds(), 0.0)


def _send(sender: Any, prefix: str, spec_name: str, gauges: Mapping[str, float]) -> None:
    for name, value in gauges.items():
        # Plain StatsD knows no tags, so each is sent in two ways, as Airflow does with its own.
        sender.gauge(f"{prefix}.{name}", value, tags={"spec": spec_name})
        sender.gauge(f"{prefix}.{spec_name}.{name}", value)


def _gauges(result: Mapping[str, Any], facts: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    if read_kinde(result):
        yield "managed", int(result.get("managed") or 0)
        yield "held", int(result.get("held") or 0)
        yield "drift", drift(result)
    yield "rejected", int(result.get("rejected") or 0)
    if facts:
        yield "requests", int(facts["requests"]["total"])
        yield "throttled_seconds", float(facts["throttled_seconds"])
        yield "duration_seconds", float(facts["seconds"])
