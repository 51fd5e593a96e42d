"""The recipe of docs/webhooks.md: a webhook of an HR system becomes an event of an asset, over Airflow's REST API."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import runpy
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_kinde.version_compat import has_plugin_pages
from kinde_emulator import Emulator
from tests.support.company import Company, Run

pytestmark = pytest.mark.skipif(not has_plugin_pages(), reason="about the REST API of Airflow 3")

ROOT = Path(__file__).resolve().parents[2]
FACTORY = """
from airflow.sdk import Asset
from airflow_provider_kinde.dag_factory import kinde_sync_dag
dag = kinde_sync_dag({spec!r}, dag_id="DAG_ID", on_change="asset", schedule=Asset("DAG_ID-hr"))
"""
SECRET = "of these tests alone, the same for all: Airflow keeps its key for good"


@pytest.fixture
def airflow(database: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Airflow's API server in this process; returns its address."""
    uvicorn = pytest.importorskip("uvicorn")
    from airflow.api_fastapi import app
    from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

    passwords = tmp_path / "passwords.json"
    passwords.write_text('{"hr": "s3cret"}')
    monkeypatch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", SECRET)
    monkeypatch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS", "hr:op")
    monkeypatch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE", str(passwords))
    monkeypatch.setattr(app._AuthManagerState, "instance", SimpleAuthManager())
    monkeypatch.setattr(app, "app", None, raising=False)
    config = uvicorn.Config(app.create_app(apps="core"), port=0, log_level="error", lifespan="on")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        thread.join(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


class Relay:
    """The program between the HR system and Airflow."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **env: str) -> None:
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        self.application = runpy.run_path(str(ROOT / "docs" / "examples" / "hr_webhook.py"))["application"]

    def post(self, body: bytes, path: str = "/", **headers: str) -> str:
        statuses: list[str] = []
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": path,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            **{f"HTTP_{name.upper()}": value for name, value in headers.items()},
        }
        list(self.application(environ, lambda status, _headers: statuses.append(status)))
        return statuses[0][:3]


def queued(dag_id: str) -> list[Any]:
    from airflow.models.asset import AssetDagRunQueue
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        waiting = select(AssetDagRunQueue.target_dag_id).where(AssetDagRunQueue.target_dag_id == dag_id)
        return list(session.scalars(waiting))


def test_a_webhook_of_an_hr_system_starts_a_sync_over_airflows_rest_api(
    airflow: str,
    dag_file: Callable[[str], Any],
    company: Company,
    kinde: Emulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from airflow.models.dag import DagModel
    from airflow.utils.session import create_session
    from sqlalchemy import update

    dag = dag_file(FACTORY.format(spec=str(company.spec)))
    assert Run(dag).state == "success"
    with create_session() as session:
        session.execute(update(DagModel).where(DagModel.dag_id == dag.dag_id).values(is_paused=False))
    common = {"AIRFLOW_URL": airflow, "AIRFLOW_USER": "hr", "AIRFLOW_PASSWORD": "s3cret", "SECRET": "key"}
    relay = Relay(monkeypatch, ASSET=f"{dag.dag_id}-hr", VENDOR="bamboohr", **common)
    body = json.dumps({"employees": [{"id": 3, "action": "Updated"}]}).encode()
    sign = hmac.new(b"key", body + b"1764230400", hashlib.sha256).hexdigest()
    assert relay.post(body, x_bamboohr_signature=sign, x_bamboohr_timestamp="1764230401") == "401"
    assert relay.post(body) == "401"
    assert queued(dag.dag_id) == []
    assert relay.post(body, x_bamboohr_signature=sign, x_bamboohr_timestamp="1764230400") == "200"
    assert queued(dag.dag_id) == [dag.dag_id]
    # The other ways to check who calls.
    hibob = Relay(monkeypatch, VENDOR="hibob")
    good = base64.b64encode(hmac.new(b"key", body, hashlib.sha512).digest()).decode()
    assert (hibob.post(body, bob_signature=good), hibob.post(body, bob_signature="x")) == ("200", "401")
    by_path = Relay(monkeypatch, VENDOR="path")
    assert (by_path.post(body, "/hr/key"), by_path.post(body, "/hr/other")) == ("200", "401")
    assert by_path.post(b"x" * (1 << 20) + b"x", "/hr/key") == "413"
    # Airflow cannot take it: the HR system tries again.
    assert Relay(monkeypatch, ASSET="unknown").post(body, "/hr/key") == "502"
