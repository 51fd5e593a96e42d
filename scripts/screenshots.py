"""Make the pictures of the docs from the running product, in Chromium: the page of a blocked plan, and the emulator's.

``make screenshots`` runs it in the environment ``browser``; it needs chromium (``apt-get install chromium``).
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from airflow_provider_kinde.client import KindeClient
from airflow_provider_kinde.sources import make_source
from airflow_provider_kinde.sync import SyncSpec
from airflow_provider_kinde.sync.apply.run import apply
from airflow_provider_kinde.sync.plan.planner import plan_run
from airflow_provider_kinde.sync.plan.run_request import RunRequest
from airflow_provider_kinde.sync.report.page import plan_page
from airflow_provider_kinde.sync.report.run_facts import RunFacts
from demo.local_kinde import CLIENT_ID, CLIENT_SECRET
from demo.stage import ROOT, Stage

LEAVERS = 44
IMAGES = ROOT / "docs" / "images"


@contextmanager
def synced_company(folder: Path) -> Iterator[tuple[Stage, SyncSpec, Any, KindeClient]]:
    """The demo's company in a local Kinde, after its first sync."""
    stage = Stage(folder / "stage")
    spec = SyncSpec.load(stage.spec)
    with stage.kinde() as kinde, KindeClient(kinde.url, CLIENT_ID, CLIENT_SECRET) as client:
        apply(spec, make_source(spec), client, RunRequest.of())
        yield stage, spec, kinde, client


def write_page(folder: Path, stage: Stage, spec: SyncSpec, client: KindeClient) -> Path:
    """Let many people leave at once, and write the page of the plan."""
    rows = stage.hr.rows()
    for row in rows[:LEAVERS]:
        row["Status"] = "Terminated"
    stage.hr.write(rows)
    facts = RunFacts("airflow-provider-kinde, Airflow 3", dag_id="kinde_hr_sync", run_id="scheduled", task_id="plan")
    plan = plan_run(spec, make_source(spec), client, RunRequest.of())
    plan.run, plan.host = facts.of(client), "harborlane.kinde.com"
    page = folder / "plan.html"
    page.write_text("".join(plan_page(plan)), encoding="utf-8")
    return page


def main() -> int:
    """Open the pages, and take the pictures."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if not chromium:
        print("needs chromium: apt-get install chromium", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1100, "height": 900}, color_scheme="light")
        folder = Path(name)
        with synced_company(folder) as (stage, spec, kinde, client):
            pages = {"emulator": kinde.url, "report": write_page(folder, stage, spec, client).as_uri()}
            for image, address in pages.items():
                page.goto(address)
                page.screenshot(path=str(IMAGES / f"{image}.png"))
                print((IMAGES / f"{image}.png").relative_to(ROOT))
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
