"""Kinde's webhooks: a genuine message updates an asset once, and nothing else has any effect."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa

from airflow_provider_kinde.version_compat import has_plugin_pages
from kinde_emulator import Emulator
from tests.support.company import Company, Run

pytestmark = pytest.mark.skipif(not has_plugin_pages(), reason="plugins take requests from Airflow 3.1")

if has_plugin_pages():
    from fastapi.testclient import TestClient

FACTORY = """
from airflow.sdk import Asset
from airflow_provider_kinde.dag_factory import kinde_sync_dag
dag = kinde_sync_dag(
    {spec!r}, dag_id="DAG_ID", on_change="asset", schedule=Asset("{uri}"), default_args={{"retries": 0}}
)
"""


class Door:
    """The provider's application, as Airflow's API server mounts it."""

    def __init__(self, kinde: Emulator, name: str = "acme") -> None:
        from airflow_provider_kinde.plugins import kinde as plugin

        plugin._application.cache_clear()
        self.client = TestClient(plugin._Pages(), raise_server_exceptions=True)
        self.kinde, self.path = kinde, f"/webhooks/{name}"

    def send(self, token: str | bytes, **headers: str) -> tuple[int, str]:
        answer = self.client.post(self.path, content=token, headers={"content-type": "application/jwt", **headers})
        found = answer.json() if answer.content else {}
        return answer.status_code, str(found.get("outcome", ""))


@pytest.fixture
def synced(dag_file: Callable[[str], Any], company: Company, kinde: Emulator, storage_path: Path) -> Any:
    """A DAG that the asset of the tenant starts; it has synced once."""
    from airflow.models.dag import DagModel
    from airflow.utils.session import create_session
    from sqlalchemy import update

    dag = dag_file(FACTORY.format(spec=str(company.spec), uri=f"kinde://{kinde.host}"))
    assert Run(dag).state == "success"
    with create_session() as session:
        session.execute(update(DagModel).where(DagModel.dag_id == dag.dag_id).values(is_paused=False))
    return dag


@pytest.fixture
def door(synced: Any, kinde: Emulator, monkeypatch: pytest.MonkeyPatch) -> Door:
    from airflow_provider_kinde.plugins import webhooks

    monkeypatch.setenv("AIRFLOW__KINDE__WEBHOOKS", json.dumps({"acme": kinde.url}))
    webhooks._keys_of.cache_clear()
    return Door(kinde)


def events(kinde: Emulator) -> list[dict[str, Any]]:
    from airflow.models.asset import AssetEvent, AssetModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        uri = f"kinde://{kinde.host}"
        found = select(AssetEvent.extra).join(AssetModel, AssetModel.id == AssetEvent.asset_id)
        return list(session.scalars(found.where(AssetModel.uri == uri)))


def updated(kinde: Emulator, **claims: Any) -> str:
    return kinde.webhook("user.updated", {"user": {"id": "kp_1", "email": "mail-1@example.com"}}, **claims)


def test_a_leaver_who_is_enabled_by_hand_is_noticed(door: Door, synced: Any, company: Company, kinde: Emulator) -> None:
    from airflow.models.asset import AssetDagRunQueue
    from airflow.utils.session import create_session
    from sqlalchemy import select

    def leaver() -> dict[str, Any]:
        return next(user for user in kinde.state()["users"] if user["email"] == "mail-3@example.com")

    company.change(3, status="Left")
    assert Run(synced).state == "success"
    assert leaver()["is_suspended"]
    enable = {"email": "mail-3@example.com", "is_suspended": False}
    kinde.seed({"users": [enable]})
    assert door.send(updated(kinde)) == (200, "asset updated")
    (event,) = events(kinde)
    assert event["type"] == "user.updated"
    assert "mail-" not in json.dumps(event)
    with create_session() as session:
        waiting = select(AssetDagRunQueue.target_dag_id).where(AssetDagRunQueue.target_dag_id == synced.dag_id)
        assert list(session.scalars(waiting)) == [synced.dag_id]
    assert Run(synced).state == "success"
    assert leaver()["is_suspended"]


def forged(kinde: Emulator, genuine: str, number: int) -> str:
    """A message that Kinde did not sign, or one that Kinde signed for another time, tenant or use."""
    other = rsa_key()
    head, body, signature = genuine.split(".")
    claims = {**jwt.decode(genuine, options={"verify_signature": False}), "event_id": f"event_{number}"}
    key_id = jwt.get_unverified_header(genuine)["kid"]
    now = datetime.now(timezone.utc)
    ways: list[Callable[[], str]] = [
        lambda: jwt.encode(claims, other, algorithm="RS256", headers={"kid": key_id}),
        lambda: jwt.encode(claims, other, algorithm="RS256", headers={"kid": f"new-{number}"}),
        lambda: jwt.encode(claims, "", algorithm="none"),
        lambda: f"{head}.{jwt.encode(claims, 'k' * 32, algorithm='HS256').split('.')[1]}.{signature}",
        lambda: genuine[: random.Random(number).randrange(len(genuine))],
        lambda: jwt.encode(claims, public_key(kinde), algorithm="HS256", headers={"kid": key_id}),
        lambda: updated(kinde, iss="https://other.kinde.com"),
        lambda: updated(kinde, timestamp=(now - timedelta(hours=73)).isoformat()),
        lambda: updated(kinde, timestamp=(now + timedelta(hours=1)).timestamp()),
        lambda: updated(kinde, event_id=None),
        lambda: f"{head}.{body}.",
        lambda: "not a token",
    ]
    return ways[number % len(ways)]()


def public_key(kinde: Emulator) -> str:
    """Kinde's public key, which a verifier that is careless about algorithms takes for a shared secret."""
    if not PUBLIC:
        PUBLIC.append(requests.get(f"{kinde.url}/.well-known/jwks", timeout=5).json()["keys"][0]["n"])
    return PUBLIC[0]


def rsa_key() -> rsa.RSAPrivateKey:
    if not KEYS:
        KEYS.append(rsa.generate_private_key(public_exponent=65537, key_size=2048))
    return KEYS[0]


KEYS: list[rsa.RSAPrivateKey] = []
PUBLIC: list[str] = []


def test_a_thousand_forged_replayed_and_reordered_messages_have_no_effect(door: Door, kinde: Emulator) -> None:
    from airflow_provider_kinde.plugins import webhooks

    genuine = [updated(kinde) for _ in range(5)]
    for number, token in enumerate(random.Random(1).sample(genuine, len(genuine))):
        assert door.send(token) == (200, "run is due" if number else "asset updated")
    public_key(kinde)
    kinde.clear_log()
    statuses = set()
    for number in range(1_000):
        if number % 3:
            with pytest.raises(webhooks.RefusedError) as refused:
                webhooks._handle("acme", forged(kinde, genuine[number % 5], number))
            statuses.add(refused.value.status)
        else:
            assert webhooks._handle("acme", genuine[number % 5]) == "known"
    # The header is not signed: another one makes no new message.
    assert door.send(genuine[0], **{"webhook-id": "new"}) == (200, "known")
    assert statuses == {400, 401}
    (event,) = events(kinde)
    assert len(event["more"]) == 4
    # Unknown keys make no flood of requests.
    assert len([entry for entry in kinde.log() if entry["path"] == "/.well-known/jwks"]) <= 2


def test_one_message_that_arrives_many_times_at_once_updates_the_asset_once(door: Door, kinde: Emulator) -> None:
    from airflow_provider_kinde.plugins import webhooks

    token = updated(kinde)
    with ThreadPoolExecutor(6) as threads:
        outcomes = sorted(threads.map(lambda _: webhooks._handle("acme", token), range(6)))
    assert outcomes == ["asset updated", *["known"] * 5]
    # Another process, or the same one after a restart.
    webhooks._keys_of.cache_clear()
    assert Door(kinde).send(token) == (200, "known")
    assert len(events(kinde)) == 1


def test_all_messages_that_wait_for_one_run_are_one_asset_event(
    door: Door, kinde: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.models.asset import AssetDagRunQueue
    from airflow.utils.session import create_session
    from sqlalchemy import delete

    from airflow_provider_kinde.plugins import webhooks

    monkeypatch.setattr(webhooks, "MERGED", 20)
    tokens = [updated(kinde) for _ in range(50)]
    webhooks._handle("acme", tokens[0])
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda token: webhooks._handle("acme", token), tokens[1:]))
    assert sorted(len(event.get("more", ())) + 1 for event in events(kinde)) == [10, 20, 20]
    assert {webhooks._handle("acme", token) for token in tokens} == {"known"}
    with create_session() as session:  # as the scheduler does when the run begins
        session.execute(delete(AssetDagRunQueue))
    # What is told from now on, the run may not see.
    assert door.send(updated(kinde)) == (200, "asset updated")
    assert door.send(updated(kinde)) == (200, "run is due")
    assert len(events(kinde)) == 4


def test_other_types_and_clocks_that_differ(door: Door, kinde: Emulator) -> None:
    assert door.send(kinde.webhook("user.authenticated", {"user": {"id": "kp_1"}})) == (200, "ignored")
    assert events(kinde) == []
    ahead = datetime.now(timezone.utc) + timedelta(minutes=2)
    late = int((time.time() - 36 * 3600) * 1000)
    for moment, outcome in ((ahead.isoformat(), "asset updated"), (late, "run is due")):
        assert door.send(updated(kinde, timestamp=moment)) == (200, outcome)


def test_an_access_token_of_the_tenant_is_no_message(door: Door, kinde: Emulator) -> None:
    form = {
        "grant_type": "client_credentials",
        "client_id": kinde.client_id,
        "client_secret": kinde.client_secret,
        "audience": f"{kinde.url}/api",
    }
    token = requests.post(f"{kinde.url}/oauth2/token", data=form, timeout=5).json()["access_token"]
    assert door.send(token) == (400, "refused")


def test_a_large_body_an_unknown_name_and_a_tenant_without_dag(
    door: Door, kinde: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert door.send(b"x" * 70_000) == (413, "refused")
    assert door.send("ä".encode()) == (401, "refused")
    assert Door(kinde, "other").send(updated(kinde)) == (404, "refused")
    with Emulator() as lonely:
        monkeypatch.setenv("AIRFLOW__KINDE__WEBHOOKS", json.dumps({"acme": lonely.url}))
        assert door.send(updated(lonely)) == (404, "refused")
    assert door.client.get(door.path).status_code == 405
    assert events(kinde) == []


def test_kinde_out_of_reach_is_an_error_that_kinde_repeats(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    with Emulator() as gone:
        token = updated(gone)
        monkeypatch.setenv("AIRFLOW__KINDE__WEBHOOKS", json.dumps({"acme": gone.url}))
    assert door.send(token) == (503, "refused")


def test_it_is_off_unless_it_is_switched_on(database: None, kinde: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW__KINDE__WEBHOOKS", raising=False)
    assert Door(kinde).client.post("/webhooks/acme", content="x").status_code == 404
    monkeypatch.setenv("AIRFLOW__KINDE__UI", "False")
    monkeypatch.setenv("AIRFLOW__KINDE__WEBHOOKS", json.dumps({"acme": kinde.url}))
    without_pages = Door(kinde)
    assert without_pages.client.get("/").status_code == 404
    assert without_pages.send("x") == (401, "refused")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("acme.kinde.com", "expected JSON such as"),
        ('["acme.kinde.com"]', "expected JSON such as"),
        ('{"acme": 7}', "expected JSON such as"),
        ('{"acme": "http://acme.kinde.com"}', "https:// is expected"),
        ('{"acme": "acme.kinde.com/api"}', "a domain is expected"),
        ('{"acme": "user@acme.kinde.com"}', "must contain a Kinde domain"),
    ],
)
def test_a_setting_that_cannot_be_understood_says_what_was_expected(text: str, message: str) -> None:
    from airflow_provider_kinde.plugins.webhooks import parse

    with pytest.raises(ValueError, match=message):
        parse(text)
    assert parse('{"acme": "Acme.kinde.com/"}')["acme"].asset_uri == "kinde://acme.kinde.com"
