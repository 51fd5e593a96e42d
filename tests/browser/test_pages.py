"""Airflow's own web interface in a real browser: the connection form, the form for IT, and the page of an approval.

Screenshots go to ``KINDE_SCREENSHOTS``, or to pytest's temporary folder.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from airflow_provider_kinde.client.settings import Settings
from airflow_provider_kinde.hooks.connection_form import FIELDS
from airflow_provider_kinde.hooks.connection_settings import connection_settings
from demo.local_airflow import USER, DagRun, LocalAirflow
from demo.stage import DAGS, Stage
from tests.support.browser import findings

pytest.importorskip("playwright.sync_api")

AUTH_MANAGER = """
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager


class PerDagAuthManager(SimpleAuthManager):  # Airflow's own, but that bob has no access to the syncs
    def is_authorized_dag(self, *, method, user, access_entity=None, details=None):
        if user.get_id() == "bob" and details is not None and (details.id or "").startswith("kinde_hr_sync"):
            return False
        return super().is_authorized_dag(method=method, user=user, access_entity=access_entity, details=details)
"""
FORM, APPROVED = "kinde_onboard_user", "kinde_hr_sync_approved"
STORED = {"audience": "https://acme.kinde.com/api", "max_concurrency": 4}


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAirflow]:
    stage = Stage(tmp_path_factory.mktemp("browser") / "stage")
    dags = tmp_path_factory.mktemp("dags")
    for name in (FORM, APPROVED):
        shutil.copy(DAGS / f"{name}.py", dags)
    code: Path = tmp_path_factory.mktemp("code")
    (code / "per_dag_auth.py").write_text(AUTH_MANAGER)
    settings = {
        "PYTHONPATH": os.pathsep.join([str(code), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep),
        "AIRFLOW__CORE__AUTH_MANAGER": "per_dag_auth.PerDagAuthManager",
    }
    with (
        stage.kinde() as kinde,
        LocalAirflow(stage.home, dags, {**stage.env(kinde), **settings}, users={"bob": "op"}) as running,
    ):
        for name in (FORM, APPROVED):
            running.unpause(name)
        yield running


@pytest.fixture(scope="module")
def page(airflow: LocalAirflow, chromium: Any) -> Iterator[Any]:
    page = chromium.new_page(viewport={"width": 900, "height": 800})
    page.set_default_timeout(60_000)
    airflow.sign_in(page)
    yield page
    page.close()


@pytest.fixture(scope="module")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(os.environ.get("KINDE_SCREENSHOTS") or tmp_path_factory.mktemp("shots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def shoot(page: Any, path: Path) -> None:
    page.wait_for_timeout(500)  # until what opens has opened
    page.screenshot(path=str(path))
    assert path.stat().st_size > 10_000


def visible(dialog: Any, *texts: str) -> None:
    for text in texts:
        # A label that is required has a star of its own.
        dialog.get_by_text(re.compile(rf"^{re.escape(text)}\s*\*?$")).first.wait_for(state="visible")


def test_a_connection_is_made(page: Any, airflow: LocalAirflow, shots: Path) -> None:
    page.goto(f"{airflow.url}/connections")
    page.get_by_role("button", name="Add Connection").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("combobox").first.fill("Kinde")
    page.get_by_role("option", name="Kinde", exact=True).click()
    visible(dialog, "Kinde domain", "Client ID", "Client secret", "Standard Fields", "Extra Fields")
    for hidden in ("Host", "Login", "Password", "Port", "Schema"):
        assert not dialog.get_by_text(hidden, exact=True).count()
    assert dialog.locator("input[name=host]").get_attribute("placeholder") == "acme.kinde.com"
    shoot(page, shots / "connection-new.png")

    dialog.get_by_role("button", name="Extra Fields", exact=True).click()
    visible(dialog, *(field["label"] for field in FIELDS.values()))
    shoot(page, shots / "connection-new-extra.png")
    dialog.get_by_role("button", name="Standard Fields", exact=True).click()

    dialog.locator("input[name=connection_id]").fill("kinde_made")
    for name, value in (("host", "acme.kinde.com"), ("login", "client-1"), ("password", "secret-1")):
        dialog.locator(f"input[name={name}]").fill(value)
    dialog.get_by_role("button", name="Save").click()
    page.get_by_role("row").filter(has_text="kinde_made").wait_for()

    made = stored(airflow, "kinde_made")
    assert (made["conn_type"], made["host"], made["login"]) == ("kinde", "acme.kinde.com", "client-1")
    # Every field of the form is stored, empty or not; none may be what stops the connection from working.
    found = connection_settings(SimpleNamespace(**made), made["extra_dejson"], "kinde_made")
    assert found == Settings("acme.kinde.com", "client-1", "secret-1", token_cache="host")


def test_masked_fields_survive_an_edit_of_the_connection(page: Any, airflow: LocalAirflow) -> None:
    # It takes `token_cache` for a secret, by its name.
    extra = {"token_cache": "process", "scopes": "read:users"}
    make(airflow, "kinde_masked", extra)
    edit(page, airflow, "kinde_masked")
    page.get_by_role("dialog").locator("input[name=login]").fill("client-2")
    save(page)
    found = stored(airflow, "kinde_masked")
    assert (found["login"], found["password"], found["extra_dejson"]) == ("client-2", "secret-1", extra)


def stored(airflow: LocalAirflow, conn_id: str) -> dict[str, Any]:
    """A connection as tasks get it: the REST API masks."""
    command = [str(part) for part in airflow.command("connections", "get", conn_id, "--output", "json")]
    done = subprocess.run(command, env=airflow.env, cwd=airflow.home, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout[done.stdout.index("[") :])[0]
    return {**found, "extra_dejson": ast.literal_eval(str(found["extra_dejson"]))}


def make(airflow: LocalAirflow, conn_id: str, extra: dict[str, Any]) -> None:
    values = {"host": "acme.kinde.com", "login": "client-1", "password": "secret-1", "extra": json.dumps(extra)}
    airflow.api("POST", "connections", {"connection_id": conn_id, "conn_type": "kinde", **values})


def edit(page: Any, airflow: LocalAirflow, conn_id: str) -> None:
    page.goto(f"{airflow.url}/connections")
    page.get_by_role("row").filter(has_text=conn_id).get_by_role("button", name="Edit Connection").click()
    visible(page.get_by_role("dialog"), "Kinde domain", "Client ID", "Client secret")


def save(page: Any) -> None:
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    page.get_by_role("dialog").wait_for(state="hidden")


def test_a_stored_connection_is_edited(page: Any, airflow: LocalAirflow, shots: Path) -> None:
    make(airflow, "kinde_stored", STORED)
    edit(page, airflow, "kinde_stored")
    dialog = page.get_by_role("dialog")
    assert dialog.locator("input[name=host]").input_value() == "acme.kinde.com"
    assert "secret-1" not in page.content()
    shoot(page, shots / "connection-edit.png")
    dialog.get_by_role("button", name="Extra Fields", exact=True).click()
    visible(dialog, *(FIELDS[name]["label"] for name in STORED))
    shoot(page, shots / "connection-edit-extra.png")
    dialog.get_by_role("button", name="Standard Fields", exact=True).click()
    dialog.locator("input[name=login]").fill("client-2")
    save(page)
    changed = stored(airflow, "kinde_stored")
    settings = connection_settings(SimpleNamespace(**changed), changed["extra_dejson"], "kinde_stored")
    assert (settings.client_id, settings.client_secret) == ("client-2", "secret-1")
    assert {name: getattr(settings, name) for name in STORED} == STORED


def test_the_form_for_it(page: Any, airflow: LocalAirflow, shots: Path) -> None:
    page.goto(f"{airflow.url}/dags/{FORM}", wait_until="networkidle")
    page.get_by_role("button", name="Trigger").first.click()
    dialog = page.get_by_role("dialog")
    visible(dialog, "E-mail address", "Given name", "Family name", "Organization", "Roles", "First day", "HR id")
    for name, value in (("email", "jo@example.com"), ("given_name", "Jo"), ("family_name", "Example")):
        dialog.locator(f"[name=element_{name}]").fill(value)
    dialog.get_by_role("combobox").first.click()
    offered = page.get_by_role("option").all_inner_texts()
    assert offered
    page.get_by_role("option").first.click()
    shoot(page, shots / "onboard.png")


def asked(airflow: LocalAirflow, run: DagRun) -> None:
    """Wait until a run asks for approval, and Airflow takes the answer."""
    heard = f"task_id='approve', run_id='{run.run_id}'"

    def waits() -> bool:
        assert not run.finished(), run.log("plan")
        if run.tasks()["approve"]["state"] not in ("awaiting_input", "deferred"):
            return False
        # The process of the task lingers for some seconds after it asked. A task that is queued again before the
        # scheduler has heard of its end is failed by Airflow; no person answers as fast.
        lines = (airflow.home / "process-logs" / "scheduler.log").read_text(errors="replace").splitlines()
        return any("Received executor event" in line and heard in line for line in lines)

    airflow.processes.wait_for("the question", waits, 300, every=0.5)


def overview(page: Any, airflow: LocalAirflow) -> None:
    page.goto(f"{airflow.url}/kinde/")
    page.get_by_text("people would join").first.wait_for()


def fits_a_narrow_screen(page: Any) -> None:
    usual = page.viewport_size
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.set_viewport_size(usual)


def test_a_plan_is_rejected_and_another_is_made_on_the_page(
    page: Any, airflow: LocalAirflow, shots: Path, axe: str
) -> None:
    run = airflow.trigger(APPROVED)
    asked(airflow, run)
    page.goto(f"{airflow.url}/{run.path}/tasks/approve/required_actions".replace("/dagRuns/", "/runs/"))
    page.get_by_text("people would join").first.wait_for()
    page.get_by_text(run.xcom("plan")["hash"]).first.wait_for()
    shoot(page, shots / "approval.png")
    page.goto(f"{airflow.url}/")
    page.locator('[src$="/kinde/icon.svg"]').first.wait_for(state="attached")
    overview(page, airflow)
    assert "1 plan waits for approval" in page.locator("h1").inner_text()
    shoot(page, shots / "kinde.png")
    assert findings(page, axe) == []
    fits_a_narrow_screen(page)
    page.get_by_role("link", name="Look at the plan").first.click()
    page.get_by_text("Nothing is written yet:").wait_for()
    answer = page.get_by_role("link", name="Waits for approval: answer it in Airflow").get_attribute("href")
    assert answer.endswith(
        f"/{run.path}/tasks/approve/required_actions".replace("/dagRuns/", "/runs/")
        .replace("+", "%2B")
        .replace(":", "%3A")
    )
    assert findings(page, axe) == []
    shoot(page, shots / "kinde-plan.png")
    overview(page, airflow)
    page.get_by_role("button", name="Reject").click()
    page.get_by_role("button", name="Really reject?").click()
    page.get_by_text("Rejected. Nothing is written.").wait_for()
    airflow.processes.wait_for("the end of the run", run.finished, 300, every=0.5)
    assert run.tasks()["apply"]["state"] == "skipped"
    page.reload()
    page.get_by_role("button", name="Plan now").click()
    page.get_by_text("A run was triggered that only plans.").wait_for()
    runs = {found["dag_run_id"]: found["conf"] for found in airflow.api("GET", f"dags/{APPROVED}/dagRuns")["dag_runs"]}
    assert [conf for run_id, conf in runs.items() if run_id != run.run_id] == [{"dry_run": True}]


def test_two_users_see_and_do_what_airflow_allows_and_a_plan_is_approved_on_the_page(
    page: Any, airflow: LocalAirflow
) -> None:
    run = airflow.trigger(APPROVED)
    asked(airflow, run)
    address = f"/kinde/run?dag_id={APPROVED}&run_id={run.run_id}&task_id=plan".replace("+", "%2B")
    assert APPROVED in get(airflow, "/kinde/", USER).text
    assert "people would join" in get(airflow, address, USER).text
    seen = get(airflow, "/kinde/", "bob")
    assert (seen.status_code, APPROVED in seen.text) == (200, False)
    assert get(airflow, address, "bob").status_code == 403
    assert get(airflow, address, None).status_code == 401
    for method, path, body in (
        ("POST", f"dags/{APPROVED}/dagRuns", {"logical_date": None}),
        ("PATCH", f"{run.path}/taskInstances/approve/-1/hitlDetails", {"chosen_options": ["Approve"]}),
    ):
        with pytest.raises(RuntimeError, match=" 403 "):
            airflow.api(method, path, body, user="bob")
    overview(page, airflow)
    page.get_by_role("button", name="Approve").click()
    page.get_by_role("button", name="Really approve?").click()
    page.get_by_text("Approved. The plan is carried out now.").wait_for()
    airflow.processes.wait_for("the end of the run", run.finished, 300, every=0.5)
    assert {name: task["state"] for name, task in run.tasks().items()} == dict.fromkeys(
        ("plan", "approve", "apply"), "success"
    )
    assert run.xcom("apply")["outcomes"]["done"] > 100


def get(airflow: LocalAirflow, path: str, user: str | None) -> requests.Response:
    """One page of the provider, as a user with a token, or without one."""
    headers = {"Authorization": f"Bearer {airflow.token(user)}"} if user else {}
    return requests.get(f"{airflow.url}{path}", headers=headers, timeout=60)
