"""What a sync tells Airflow's metrics (StatsD, OpenTelemetry): counts, requests and times, never a name."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from airflow_provider_kinde.version_compat import stats

log = logging.getLogger(__name__)


def drift(result: Mapping[str, Any]) -> int:
    """How many changes were still to be made when a task of a sync ended.

    :param result: what the task hands on.
    """
    outcomes = result.get("outcomes")
    if outcomes is not None and result.get("outcome") != "blocked":
        return int(outcomes.get("failed") or 0) + int(outcomes.get("skipped") or 0)
    summary = result.get("summary") or {}
    return sum(int(count) for kind, count in summary.items() if kind not in ("held", "rejected", "unchanged"))


def send_metrics(spec_name: str, result: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    """Send the metrics of one run. Trouble with metrics never fails a sync.

    :param spec_name: name of the spec.
    :param result: what the task hands on.
    :param facts: duration, requests and throttling of the run.
    """
    try:
        sender = stats()
        for name, value in _gauges(result, facts):
            # Plain StatsD knows no tags, so each is sent in two ways, as Airflow does with its own.
            sender.gauge(f"kinde.sync.{name}", value, tags={"spec": spec_name})
            sender.gauge(f"kinde.sync.{spec_name}.{name}", value)
        sender.incr(f"kinde.sync.outcome.{str(result['outcome']).replace(' ', '_')}", tags={"spec": spec_name})
        if "outcomes" in result:
            for kind, count in result["summary"].items():
                if count and kind not in ("held", "rejected", "unchanged"):
                    sender.incr("kinde.sync.changes", count, tags={"spec": spec_name, "kind": kind})
    except Exception as error:  # the metrics systems have errors of their own kinds
        log.warning("metrics of %s were not sent: %s: %s", spec_name, type(error).__name__, error)


def _gauges(result: Mapping[str, Any], facts: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    yield "managed", int(result.get("managed") or 0)
    yield "held", int(result.get("held") or 0)
    yield "rejected", int(result.get("rejected") or 0)
    yield "drift", drift(result)
    if facts:
        yield "requests", int(facts["requests"]["total"])
        yield "throttled_seconds", float(facts["throttled_seconds"])
        yield "duration_seconds", float(facts["seconds"])
