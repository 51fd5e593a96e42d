"""The page of a plan in a real browser: opened from a disk, quick with many people, searched, and usable by all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_kinde.sync.changes import Change
from airflow_provider_kinde.sync.report.page import file_page
from airflow_provider_kinde.sync.report.plan_file import PlanFile
from airflow_provider_kinde.sync.store.changes import ChangeList
from tests.support.browser import findings

PEOPLE = 10_000
SECONDS = 2.0


def changes(people: int) -> Iterator[Change]:
    organizations = ("finance", "sales", "support")
    for number in range(people):
        id, where, who = f"E{number:05}", organizations[number % 3], f"Ann Lee {number} <ann{number}@example.com>"
        if number % 2:
            before, after = {"suspended": False}, {"suspended": True}
            why = f"status is Terminated, ended on 2026-11-{1 + number % 27:02}"
            yield Change("suspend", id, before=before, after=after, who=who, reason=why, organizations=(where,))
        else:
            yield Change("rename", id, before={"email": "a@example.com"}, after={"email": "b@example.com"}, who=who)


def write(folder: Path, people: int) -> str:
    reason = "max_leavers (10%): 30 people would lose access. The limit without approval is 20 (10 % of 200)"
    guard = {"guard": "max_leavers", "limit": "10%", "count": 30, "base": 200, "allowed": 20, "exceeded": True}
    head = {
        "spec": "acme-hr", "host": "acme.kinde.com", "hash": "ab" * 32, "created_at": "2026-11-27T06:00:00Z",
        "outcome": "blocked", "summary": {"unchanged": 170}, "managed": 200,
        "blocked": [{"reason": reason, "approvable": True}],
        "guards": [{**guard, "what": "people would lose access"},
                   {**guard, "guard": "max_held", "count": 1, "exceeded": False, "what": "people are held"}],
        "held": [{"id": "E9", "reason": "suspended in Kinde by someone else, while HR says active"}],
        "rejected": [{"row": 7, "id": None, "reason": "id: blank"}],
        "warnings": ["a warning"], "unmapped": ["department: 'Legal' 3 people"],
        "run": {"seconds": 3.1, "versions": "airflow-provider-kinde/0.1.0"},
    }  # fmt: skip
    file = PlanFile(head, ChangeList(changes(people)), None)  # type: ignore[arg-type]
    path = folder / f"{people}.html"
    path.write_text("".join(file_page(file)), encoding="utf-8")
    return path.as_uri()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(chromium: Any, axe: str, tmp_path: Path, scheme: str) -> None:
    page = chromium.new_page(color_scheme=scheme)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(write(tmp_path, 120))
    page.locator("details:not([open]) > summary").first.click()
    assert findings(page, axe) == []
    assert complaints == []
    page.close()


def test_ten_thousand_people_open_within_two_seconds(chromium: Any, tmp_path: Path) -> None:
    page = chromium.new_page()
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    page.goto(write(tmp_path, PEOPLE))
    metrics = {item["name"]: item["value"] for item in session.send("Performance.getMetrics")["metrics"]}
    # Of the processor: other programs on this machine do not count.
    assert metrics["ProcessTime"] < SECONDS
    assert "5,000 people would lose access" in page.locator("h1").inner_text()
    page.locator("#find").fill("ann777@")
    page.get_by_text("1 of the listed").wait_for()
    assert page.locator("tr[data-find]:visible").count() == 1
    page.close()


def test_search_and_filters_show_who_fits(chromium: Any, tmp_path: Path) -> None:
    page = chromium.new_page()
    page.goto(write(tmp_path, 60))
    page.locator("#kind").select_option("suspend")
    page.locator("#organization").select_option("sales")
    page.get_by_text("10 of the listed").wait_for()
    assert page.locator(".category:visible").count() == 1
    page.get_by_role("button", name="Show all").click()
    page.locator(".category >> nth=1").wait_for(state="visible")
    page.locator("#find").fill("E00003")
    page.get_by_text("1 of the listed").wait_for()
    assert "Ann Lee 3" in page.locator("tr[data-find]:visible").inner_text()
    page.close()


def test_everything_is_reached_by_keyboard_and_printed(chromium: Any, tmp_path: Path) -> None:
    page = chromium.new_page()
    page.goto(write(tmp_path, 120))
    group = page.locator("details.group").first
    assert group.get_attribute("open") is None
    group.locator("summary").focus()
    page.keyboard.press("Enter")
    assert group.get_attribute("open") is not None
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details.group:not([open])").count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details.group:not([open])").count() > 0
    page.close()


def test_the_page_is_complete_without_javascript(chromium: Any, tmp_path: Path) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(write(tmp_path, 120))
    assert "lose access" in page.locator("h1").inner_text()
    assert page.locator(".filters").is_hidden()
    page.locator("details.group > summary").first.click()
    assert page.locator("tr[data-find]").first.is_visible()
    context.close()
