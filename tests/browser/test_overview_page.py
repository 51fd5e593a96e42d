"""The page of all syncs in Airflow, with the syncs that a hurried reader may meet, on a telephone and in the dark."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_kinde.plugins.pages import overview_html
from airflow_provider_kinde.plugins.runs import Question, Result, Sync, SyncRun
from tests.browser.test_pages_of_all_kinds import LONG, PHONE, shots
from tests.support.browser import findings

__all__ = ["shots"]

NOW = datetime(2026, 11, 27, 6, 0, tzinfo=timezone.utc)
SUMMARY = {"create": 3, "suspend": 44, "held": 7, "rejected": 2, "unchanged": 190}


def run(number: int, outcome: str | None, state: str = "success", **values: Any) -> SyncRun:
    made = SyncRun(f"scheduled__{(NOW - timedelta(days=number)).isoformat()}", state, NOW - timedelta(days=number))
    if outcome:
        result = {"outcome": outcome, "summary": SUMMARY, "managed": 240, "path": "/kinde/report.json", **values}
        made.results.append(Result("apply" if "outcomes" in values else "plan", -1, result))
    return made


def done(number: int) -> SyncRun:
    return run(number, "changes", outcomes={"done": 47, "failed": 0, "skipped": 0})


def reason(number: int) -> str:
    return f"max_membership_removals (25%): {30 + number} people would leave '{LONG}'. The limit without approval is 20"


def syncs() -> list[Sync]:
    calm = Sync("kinde_hr_sync", False, NOW + timedelta(days=1), [done(number) for number in range(30)])
    blocks = [reason(number) for number in range(10)]
    waits = Sync("kinde_waits", False, None, [run(0, "blocked", blocked=blocks[:1], approvable=True), done(1)])
    waits.questions = [
        Question(waits.runs[0].run_id, "approve", -1, "acme-hr: 44 people would lose access", frozenset())
    ]
    blocked = Sync(f"kinde_{LONG}", False, NOW, [run(0, "blocked", "failed", blocked=blocks, approvable=True), done(1)])
    empty = ["hr.csv is empty. Nobody's access was removed"]
    stops = [run(0, "blocked", "failed", blocked=empty, approvable=False, managed=0)]
    stopped = Sync("kinde_empty_source", False, NOW, stops)
    broken = Sync("kinde_broken", False, NOW, [run(0, None, "failed"), done(1)])
    killed = Sync("kinde_killed", True, None, [run(0, "changes", "failed"), done(1)])
    return [calm, waits, blocked, stopped, broken, killed, Sync("kinde_new", False, NOW, [run(0, None, "running")])]


def write(folder: Path, found: list[Sync], *, may: bool = True) -> str:
    rights = {
        sync.dag_id: {"plan": may, "questions": [(question, may) for question in sync.questions]} for sync in found
    }
    path = folder / "overview.html"
    path.write_text(overview_html(found, rights), encoding="utf-8")
    return path.as_uri()


@pytest.mark.parametrize(
    ("name", "found", "may"), [("all", syncs(), True), ("none", [], True), ("reader", syncs(), False)]
)
def test_the_overview_is_read_on_a_telephone_and_in_the_dark(
    chromium: Any, axe: str, tmp_path: Path, shots: Path, name: str, found: list[Sync], may: bool
) -> None:
    address = write(tmp_path, found, may=may)
    for scheme, size in (("light", PHONE), ("dark", {"width": 1100, "height": 900})):
        page = chromium.new_page(viewport=size, color_scheme=scheme)
        page.goto(address)
        page.screenshot(path=str(shots / f"overview-{name}-{scheme}.png"), full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        assert findings(page, axe) == []
        page.close()


def test_a_run_that_failed_without_a_report_is_not_hidden_by_the_report_of_yesterday(
    chromium: Any, tmp_path: Path
) -> None:
    page = chromium.new_page()
    page.goto(
        write(tmp_path, [sync for sync in syncs() if sync.dag_id in ("kinde_hr_sync", "kinde_broken", "kinde_killed")])
    )
    assert page.locator("h1").inner_text() == "2 failed (of 3 syncs with Kinde)"
    assert page.locator("section.sync h2").all_inner_texts()[-1].startswith("kinde_hr_sync")
    for dag_id, broken in (("kinde_hr_sync", False), ("kinde_broken", True), ("kinde_killed", True)):
        card = page.locator("section.sync").filter(has=page.get_by_role("link", name=dag_id, exact=True))
        assert card.get_by_text("failed, and no report says why").count() == int(broken)
    page.close()
