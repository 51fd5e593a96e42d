"""Make the pictures of the docs from the running product, in Chromium: a report, the emulator, and Airflow's pages.

``make images`` runs it in the environment ``browser``; it needs chromium (``apt-get install chromium``).
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
from demo.local_airflow import LocalAirflow
from demo.local_kinde import CLIENT_ID, CLIENT_SECRET
from demo.stage import DAG_ID, DAGS, ROOT, Stage

LEAVERS = 44
TIMEOUT = 300
"""Seconds to wait for one thing."""
FORM = "kinde_onboard_user"
DAG = f"""
import os
from airflow_provider_kinde.dag_factory import kinde_sync_dag
dag = kinde_sync_dag(os.environ["KINDE_SYNC_SPEC"], dag_id="{DAG_ID}", approve="blocked")
"""
IMAGES = ROOT / "docs" / "images"


@contextmanager
def synced_company(folder: Path) -> Iterator[tuple[Stage, SyncSpec, Any, KindeClient]]:
    """The demo's company in a local Kinde, after its first sync."""
    stage = Stage(folder / "stage")
    spec = SyncSpec.load(stage.spec)
    with stage.kinde() as kinde, KindeClient(kinde.url, CLIENT_ID, CLIENT_SECRET) as client:
        apply(spec, make_source(spec), client, RunRequest.of())
        yield stage, spec, kinde, client


def let_people_leave(stage: Stage) -> None:
    """Terminate more people in HR than the guard lets pass: in each department some."""
    rows = stage.hr.rows()
    for row in rows[::6][:LEAVERS]:
        row["Status"] = "Terminated"
    stage.hr.write(rows)


def write_page(folder: Path, stage: Stage, spec: SyncSpec, client: KindeClient) -> Path:
    """Let many people leave at once, and write the page of the plan."""
    let_people_leave(stage)
    facts = RunFacts("airflow-provider-kinde, Airflow 3", dag_id="kinde_hr_sync", run_id="scheduled", task_id="plan")
    plan = plan_run(spec, make_source(spec), client, RunRequest.of())
    plan.run, plan.host = facts.of(client), "harborlane.kinde.com"
    page = folder / "plan.html"
    page.write_text("".join(plan_page(plan)), encoding="utf-8")
    return page


def airflow_pictures(folder: Path, browser: Any) -> None:
    """The connection form, the form for IT, and *Kinde* in Airflow with a plan that waits for approval."""
    stage, dags = Stage(folder / "airflow"), folder / "dags"
    dags.mkdir()
    shutil.copy(DAGS / f"{FORM}.py", dags)
    (dags / "sync.py").write_text(DAG, encoding="utf-8")
    with stage.kinde() as kinde, LocalAirflow(stage.home, dags, stage.env(kinde)) as airflow:
        page = browser.new_page(viewport={"width": 1100, "height": 860}, color_scheme="light")
        page.set_default_timeout(TIMEOUT * 1000)
        airflow.sign_in(page)
        connection_picture(page)
        form_picture(page, airflow)
        airflow.unpause(DAG_ID)
        airflow.run(DAG_ID, timeout=TIMEOUT)
        let_people_leave(stage)
        run = airflow.trigger(DAG_ID)
        waits = ("awaiting_input", "deferred")
        airflow.processes.wait_for("the question", lambda: run.tasks()["approve"]["state"] in waits, TIMEOUT, every=0.5)
        page.goto(f"{airflow.url}/kinde/")
        page.get_by_text("waits for approval").first.wait_for()
        take(page, "kinde", height=720)
        page.goto(f"{airflow.url}/{run.path}/tasks/approve/required_actions".replace("/dagRuns/", "/runs/"))
        page.get_by_text(run.xcom("plan")["hash"]).first.wait_for(state="attached")
        page.wait_for_timeout(1000)
        take(page, "approval", height=900)


def connection_picture(page: Any) -> None:
    """The form of a new connection, filled in."""
    page.get_by_role("button", name="Add Connection").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("combobox").first.fill("Kinde")
    page.get_by_role("option", name="Kinde", exact=True).click()
    dialog.locator("input[name=connection_id]").fill("kinde_default")
    for name, value in (("host", "acme.kinde.com"), ("login", "3f9c…"), ("password", "a secret")):
        dialog.locator(f"input[name={name}]").fill(value)
    page.wait_for_timeout(500)  # until what opens has opened
    take(page, "connection")


def form_picture(page: Any, airflow: LocalAirflow) -> None:
    """The form for IT, filled in for a person."""
    airflow.unpause(FORM, TIMEOUT)
    page.goto(f"{airflow.url}/dags/{FORM}", wait_until="networkidle")
    page.get_by_role("button", name="Trigger").first.click()
    dialog = page.get_by_role("dialog")
    for name, value in (("email", "jo@example.com"), ("given_name", "Jo"), ("family_name", "Example")):
        dialog.locator(f"[name=element_{name}]").fill(value)
    dialog.get_by_role("combobox").first.click()
    page.get_by_role("option").first.click()
    page.wait_for_timeout(500)
    take(page, "onboard")


def take(page: Any, image: str, *, height: int = 0) -> None:
    """Take one picture.

    :param page: the page.
    :param image: the name of the file, without suffix.
    :param height: of the window; as it is when 0.
    """
    if height:
        page.set_viewport_size({"width": page.viewport_size["width"], "height": height})
    page.screenshot(path=str(IMAGES / f"{image}.png"))
    print((IMAGES / f"{image}.png").relative_to(ROOT), flush=True)


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
                take(page, image)
        airflow_pictures(folder, browser)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
