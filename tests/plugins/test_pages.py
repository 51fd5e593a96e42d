"""The provider's pages in Airflow, with Airflow's own users and rights: who sees what, and what may be done."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from airflow_provider_kinde.links.report import page_address
from airflow_provider_kinde.version_compat import has_plugin_pages
from kinde_emulator import Emulator
from tests.support.company import Company, Run

pytestmark = pytest.mark.skipif(not has_plugin_pages(), reason="pages of plugins need Airflow 3.1")

FACTORY = """
from airflow_provider_kinde.dag_factory import kinde_sync_dag
dag = kinde_sync_dag({spec!r}, dag_id="DAG_ID", default_args={{"retries": 0}})
"""
SECRET = "of these tests alone, the same for all: Airflow keeps its key for good"
EVIL = "<script>alert(1)</script>"

if has_plugin_pages():
    from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from fastapi.testclient import TestClient

    HIDDEN: set[str] = set()
    """DAGs that the user ``vic`` has no access to."""

    class AuthManager(SimpleAuthManager):
        """Airflow's simple auth manager, with rights on single DAGs."""

        def is_authorized_dag(self, *, method: Any, user: Any, access_entity: Any = None, details: Any = None) -> bool:
            if user.get_id() == "vic" and details is not None and details.id in HIDDEN:
                return False
            return super().is_authorized_dag(method=method, user=user, access_entity=access_entity, details=details)

    Client = Callable[[str], TestClient]


@pytest.fixture
def client(database: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """Speaks to the pages as ``ada`` (may do everything) or ``vic`` (may look)."""
    from airflow.api_fastapi import app

    from airflow_provider_kinde.plugins.pages import make_application

    monkeypatch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", SECRET)
    monkeypatch.setenv("AIRFLOW__CORE__AUTH_MANAGER", f"{__name__}.AuthManager")
    manager = AuthManager()
    monkeypatch.setattr(app._AuthManagerState, "instance", manager)
    application = make_application()

    def speak(user: str) -> TestClient:
        role = {"ada": "ADMIN", "vic": "VIEWER"}.get(user)
        headers = {}
        if role:
            token = manager.generate_jwt(SimpleAuthManagerUser(username=user, role=role))
            headers = {"Authorization": f"Bearer {token}"}
        return TestClient(application, headers=headers, follow_redirects=False)

    yield speak
    HIDDEN.clear()


@pytest.fixture
def ran(dag_file: Callable[[str], Any], company: Company, kinde: Emulator, storage_path: Path) -> Any:
    """A DAG that has synced once."""
    company.change(1, given=EVIL)
    dag = dag_file(FACTORY.format(spec=str(company.spec)))
    run = Run(dag)
    assert run.state == "success"
    return run


def page(run: Any, task_id: str = "apply", **changes: str) -> str:
    address = page_address(run.dag_run.dag_id, changes.get("run_id", run.dag_run.run_id), task_id)
    return address.partition("/kinde")[2]


def test_airflow_loads_the_plugin_by_itself() -> None:
    from airflow import plugins_manager

    plugins_manager.ensure_plugins_loaded()
    apps, _ = plugins_manager.get_fastapi_plugins()
    assert "/kinde" in [each["url_prefix"] for each in apps]


@pytest.mark.parametrize(("ui", "there"), [("True", True), ("False", False)])
def test_the_page_can_be_switched_off(ui: str, there: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow_provider_kinde.plugins.kinde import KindePlugin

    monkeypatch.setenv("AIRFLOW__KINDE__UI", ui)
    monkeypatch.setattr(KindePlugin, "fastapi_apps", [])
    monkeypatch.setattr(KindePlugin, "external_views", [])
    KindePlugin.on_load()
    assert [view["name"] for view in KindePlugin.external_views] == (["Kinde"] if there else [])
    assert bool(KindePlugin.fastapi_apps) is there


def test_a_visitor_without_a_session_gets_nothing(client: Client, ran: Any) -> None:
    for path in ("/", page(ran)):
        assert client("").get(path).status_code == 401
        forged = client("").get(path, headers={"Authorization": "Bearer ey.ey.ey"})
        assert forged.status_code in (401, 403)
        assert ran.dag_run.dag_id not in forged.text
        login = client("").get(path, headers={"Accept": "text/html"})
        assert login.status_code == 302
        assert "/auth/login" in login.headers["location"]


def test_the_overview_shows_each_sync_and_the_pages_of_its_runs(client: Client, ran: Any) -> None:
    html = client("ada").get("/").text
    assert ran.dag_run.dag_id in html
    assert "<dt>People managed</dt>" in html
    assert re.search(r"Joins: 12\b", html)
    for task in ("plan", "apply"):
        assert page(ran, task).replace("&", "&amp;") in html or page(ran, task) in html
    assert "Plan now" in html


def test_the_overview_begins_with_what_needs_a_person(
    client: Client, dag_file: Callable[[str], Any], company: Company, kinde: Emulator, storage_path: Path
) -> None:
    dag = dag_file(FACTORY.format(spec=str(company.spec)))
    Run(dag)
    html = client("ada").get("/").text
    assert "<dd>changes made</dd>" in html
    company.rows = {}
    company.save()
    blocked = Run(dag)
    html = client("ada").get("/").text
    sentence = re.search("<h1>(.*?)</h1>", html)
    assert sentence
    assert "blocked" in sentence[1]
    (card,) = [part for part in html.split("<section") if f">{dag.dag_id}</a>" in part]
    # No person was counted: 0 people would be misread.
    assert "<dt>People managed</dt><dd>not read</dd>" in card
    assert "<dt>Changes still to be made</dt><dd>not known</dd>" in card
    why = re.search(r'<a href="([^"]+)">Why, and what to do</a>', card)
    assert why
    assert blocked.dag_run.run_id in unquote(why[1])
    assert "no approval lets this plan pass" in client("ada").get(page(blocked, "plan")).text


def test_a_user_without_access_to_the_dag_sees_nothing_of_it(client: Client, ran: Any) -> None:
    HIDDEN.add(ran.dag_run.dag_id)
    assert ran.dag_run.dag_id not in client("vic").get("/").text
    refused = client("vic").get(page(ran))
    assert refused.status_code == 403
    assert "E1" not in refused.text
    assert client("ada").get(page(ran)).status_code == 200


def test_people_are_named_to_those_alone_who_may_trigger_or_approve(client: Client, ran: Any) -> None:
    seen, redacted = client("ada").get(page(ran)).text, client("vic").get(page(ran)).text
    assert "mail-2@example.com" in seen
    assert "E2" in redacted
    assert "Redacted" in redacted
    assert "mail-2" not in redacted
    assert "Lastname2" not in redacted
    assert "Plan now" not in client("vic").get("/").text


def test_the_page_is_the_report_and_nothing_in_it_runs(client: Client, ran: Any) -> None:
    answer = client("ada").get(page(ran))
    assert "12 people joined." in answer.text
    assert EVIL not in answer.text
    for path in ("/", page(ran)):
        headers = client("ada").get(path).headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; ")
        assert "unsafe" not in policy
        assert "frame-ancestors 'self'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"


def test_a_path_that_is_not_the_tasks_own_is_not_opened(client: Client, ran: Any, storage_path: Path) -> None:
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session

    (other,) = storage_path.rglob("report.json")
    elsewhere = other.parent.parent.parent / "another__run" / "apply.try1" / "report.json"
    elsewhere.parent.mkdir(parents=True)
    elsewhere.write_text(other.read_text())
    for path in (str(elsewhere), f"{other.parent}/../apply.try1/report.json", "/etc/passwd"):
        with create_session() as session:
            where = {"dag_id": ran.dag_run.dag_id, "task_id": "apply", "key": "return_value"}
            found = session.query(XComModel).filter_by(**where).one()
            found.value = {"outcome": "changes", "path": path, "summary": {}}
        answer = client("ada").get(page(ran))
        assert answer.status_code == 404
        assert "12 people joined." not in answer.text


def test_a_run_that_wrote_nothing_says_so(client: Client, ran: Any) -> None:
    answer = client("ada").get(page(ran, run_id="another"))
    assert answer.status_code == 404
    assert "has written no plan or report yet" in answer.text


def test_the_tasks_have_a_button_that_leads_there(ran: Any) -> None:
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session

    for task in ("plan", "apply"):
        where = {"run_id": ran.dag_run.run_id, "task_id": task, "key": "kinde_report_link"}
        with create_session() as session:
            link = str(session.query(XComModel).filter_by(**where).one().value)
        assert link.strip('"').endswith(page(ran, task))
