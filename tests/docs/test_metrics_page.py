"""Metrics: what the code sends, what the page says, and what the dashboard shows are the same names."""

from __future__ import annotations

import json
import re
from datetime import datetime, timezone
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_kinde.operators import metrics

DOCS = Path(__file__).resolve().parents[2] / "docs"
DASHBOARD = json.loads((DOCS / "examples" / "grafana.json").read_text(encoding="utf-8"))
FACTS = {"requests": {"total": 7}, "throttled_seconds": 0.0, "seconds": 1.5}


class Recorder:
    """Takes the metrics that have the tag ``spec``; the others are the same once more, for plain StatsD."""

    def __init__(self) -> None:
        self.kinds: dict[str, str] = {}
        self.tags: dict[str, set[str]] = {}

    def gauge(self, name: str, value: float, *, tags: Any = None) -> None:
        if tags:
            self._take("gauge", name, tags)

    def incr(self, name: str, count: int = 1, *, tags: Any = None) -> None:
        assert count >= 0
        self._take("counter", name, tags)

    def _take(self, kind: str, name: str, tags: Any) -> None:
        assert self.kinds.setdefault(name, kind) == kind
        assert self.tags.setdefault(name, set(tags)) == set(tags)


class Source:
    def changed_at(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=timezone.utc)


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """All metrics that the code sends."""
    recorder = Recorder()
    monkeypatch.setattr(metrics, "stats", lambda: recorder)
    for outcome in ("changes", "no changes", "blocked", "failed"):
        result = {"outcome": outcome, "summary": {"create": 1}, "outcomes": {"done": 1}, "approvable": True}
        metrics.send_metrics("hr", result, FACTS, Source())
    metrics.send_account_metrics("hr", {"orphan": 3})
    assert len(recorder.kinds) > 15
    return recorder


@pytest.fixture
def sent(recorder: Recorder) -> set[str]:
    """Their names."""
    return set(recorder.kinds)


def test_the_dashboard_shows_every_metric_that_is_sent_and_no_other(sent: set[str]) -> None:
    expressions = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    shown = set(re.findall(r"airflow_(kinde_\w+)", " ".join(expressions)))
    assert shown == {name.replace(".", "_") for name in sent}
    (listed,) = (item for item in DASHBOARD["templating"]["list"] if item["name"] == "spec")
    assert re.findall(r"airflow_(kinde_\w+)", listed["definition"]) == ["kinde_sync_managed"]


def test_the_dashboard_asks_for_tags_kinds_and_units_as_they_are_sent(recorder: Recorder) -> None:
    """A counter is shown as its increase, a gauge as it is; seconds have that unit; each label is a tag."""
    metrics_by_name = {name.replace(".", "_"): name for name in recorder.kinds}
    for panel in DASHBOARD["panels"]:
        unit = panel["fieldConfig"]["defaults"]["unit"]
        for target in panel["targets"]:
            expression, legend = target["expr"], target["legendFormat"]
            (shown,) = re.findall(r"airflow_(kinde_[a-z_]+?)(?=\(_total\)|\{|\")", expression)
            name = metrics_by_name[shown]
            counter = recorder.kinds[name] == "counter"
            assert counter == ("increase(" in expression) == ("(_total)?" in expression), expression
            selected = re.findall(r"(\w+)=~\"\$", expression)
            grouped = [label for part in re.findall(r"by \(([^)]*)\)", expression) for label in part.split(", ")]
            assert selected == ["spec"]
            assert {*selected, *grouped} <= recorder.tags[name]
            kept = set(grouped) if "sum" in expression else recorder.tags[name]
            assert set(re.findall(r"\{\{(\w+)\}\}", legend)) <= kept
            assert unit == ("s" if "seconds" in name else "short"), name


def test_a_run_that_its_source_stopped_sends_no_number_of_people(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder()
    monkeypatch.setattr(metrics, "stats", lambda: recorder)
    stopped = {"outcome": "blocked", "summary": {"create": 0}, "managed": 0, "rejected": 2, "approvable": False}
    metrics.send_metrics("hr", stopped, FACTS)
    unknown = {"kinde.sync.managed", "kinde.sync.held", "kinde.sync.drift"}
    assert not unknown & set(recorder.kinds)
    assert "kinde.sync.rejected" in recorder.kinds
    metrics.send_metrics("hr", {**stopped, "managed": 7}, FACTS)
    assert unknown <= set(recorder.kinds)


def test_the_page_names_every_metric(sent: set[str]) -> None:
    text = (DOCS / "airflow.md").read_text(encoding="utf-8")
    told = set(re.findall(r"`(kinde\.(?:sync|accounts)\.[a-z_.]+)`", text))
    outcomes = {name for name in sent if ".outcome." in name}
    assert "`kinde.sync.outcome.OUTCOME`" in text
    assert sorted(sent - outcomes - told) == []
    assert sorted(told - sent) == []


def test_the_dashboard_can_be_imported() -> None:
    panels = DASHBOARD["panels"]
    assert DASHBOARD["title"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        assert panel["type"] in ("stat", "timeseries")
        assert panel["datasource"] == {"type": "prometheus", "uid": "${source}"}
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
    for one, other in combinations([panel["gridPos"] for panel in panels], 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        assert beside or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]


def test_the_time_from_a_change_is_that_of_a_run_that_did_everything() -> None:
    whole = {"outcome": "changes", "outcomes": {"done": 1}}
    assert (metrics.seconds_since_change(whole, Source()) or 0) > 0
    for other in ({"outcome": "failed", "outcomes": {"done": 1}}, {"outcome": "changes"}, {**whole, "outcomes": {}}):
        assert metrics.seconds_since_change(other, Source()) is None
    assert metrics.seconds_since_change(whole, object()) is None
