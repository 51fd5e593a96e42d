"""What a sync tells Airflow's metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_kinde.operators import metrics
from airflow_provider_kinde.version_compat import stats
from kinde_emulator import Emulator
from tests.support.company import SECRET_WORDS, Company, Run

FACTORY = """
from airflow_provider_kinde.dag_factory import kinde_sync_dag
dag = kinde_sync_dag({spec!r}, dag_id="DAG_ID", default_args={{"retries": 0}})
"""


class Recorder:
    """Takes metrics in, in place of StatsD."""

    def __init__(self) -> None:
        self.gauges: dict[str, list[float]] = {}
        self.counts: list[tuple[str, int, Any]] = []

    def gauge(self, name: str, value: float, *, tags: Any = None) -> None:
        self.gauges.setdefault(name, []).append(value)

    def incr(self, name: str, count: int = 1, *, tags: Any = None) -> None:
        self.counts.append((name, count, tags))


def test_plan_and_report_send_counts_and_no_names(
    dag_file: Callable[[str], Any], company: Company, kinde: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder()
    monkeypatch.setattr(metrics, "stats", lambda: recorder)
    assert Run(dag_file(FACTORY.format(spec=str(company.spec)))).state == "success"
    plan, report = recorder.gauges["kinde.sync.drift"]
    assert plan >= 24
    assert report == 0
    assert recorder.gauges["kinde.sync.small-hr.drift"] == [plan, report]
    assert recorder.gauges["kinde.sync.requests"][1] > 0
    assert ("kinde.sync.changes", 12, {"spec": "small-hr", "kind": "create"}) in recorder.counts
    ended = [name for name, count, _ in recorder.counts if ".outcome." in name and count]
    assert ended == ["kinde.sync.outcome.changes"] * 2
    assert ("kinde.sync.outcome.blocked", 0, {"spec": "small-hr"}) in recorder.counts
    assert not [word for word in SECRET_WORDS if word in str(vars(recorder)).lower()]


def test_a_blocked_run_counts_no_change(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder()
    monkeypatch.setattr(metrics, "stats", lambda: recorder)
    metrics.send_metrics("hr", {"outcome": "blocked", "summary": {"suspend": 44}, "outcomes": {"done": 0}}, {})
    assert ("kinde.sync.changes", 0, {"spec": "hr", "kind": "suspend"}) in recorder.counts


def test_airflow_has_a_sender_and_trouble_with_it_fails_no_sync(caplog: pytest.LogCaptureFixture) -> None:
    result = {"outcome": "changes", "summary": {"create": 1}, "managed": 1}
    metrics.send_metrics("hr", result, {})
    assert "metrics" not in caplog.text
    assert callable(stats().gauge)
    metrics.send_metrics("hr", {"summary": {}}, {})
    assert "metrics of hr were not sent" in caplog.text
