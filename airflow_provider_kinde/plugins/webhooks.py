"""Kinde's webhooks as updates of an asset: ``POST /kinde/webhooks/<name>`` of Airflow's API server, off by default.

Kinde signs each message. What it says is not used: a genuine message updates the asset of its tenant, so that a sync
that is scheduled by the asset looks for itself.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import jwt
import pendulum
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response

from airflow_provider_kinde.assets.kinde import organization_uri
from airflow_provider_kinde.client.urls import is_loopback

log = logging.getLogger(__name__)

MAX_BODY = 65_536
"""Bytes of the largest message."""
SKEW = timedelta(minutes=5)
"""How far Kinde's clock may be ahead."""
MEMORY = timedelta(hours=72)
"""How old a message may be. Kinde tries for 36 hours to deliver one; for so long is each remembered."""
TYPES = frozenset(
    f"{what}.{change}" for what in ("user", "organization", "role") for change in ("created", "updated", "deleted")
)
"""What a sync is started for. A sign-in (``user.authenticated``) changes nothing that a sync looks at."""
KEYS_AGAIN, KEYS_FOR = 30.0, 3600.0
"""Seconds between two requests for Kinde's keys at least, and for which they are kept at most."""
MERGED = 200
"""How many messages one asset event stands for at most."""
MAX_ID = 200
"""Characters of the longest id of a message."""


class RefusedError(Exception):
    """A message without effect.

    :param status: the HTTP status of the answer.
    :param reason: why, for the log and the answer; it quotes nothing of the message.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True)
class Message:
    """What is used of a genuine message.

    :param id: Kinde's id of the event, which is signed.
    :param type: the type of the event, such as ``user.updated``.
    """

    id: str
    type: str


class SigningKeys:
    """The public keys of a tenant, requested when they are needed, at most every 30 seconds.

    :param url: where Kinde publishes them.
    """

    def __init__(self, url: str) -> None:
        self._client = jwt.PyJWKClient(url, cache_jwk_set=False, timeout=10)
        self._keys: dict[str, Any] = {}
        self._asked = float("-inf")
        self._lock = threading.Lock()

    def find(self, key_id: str) -> Any:
        """Return a key by its id; ``None`` where the tenant has no such key.

        :param key_id: the id that a token names.
        :raises RefusedError: the keys cannot be read.
        """
        with self._lock:
            age = time.monotonic() - self._asked
            if age > KEYS_FOR or (key_id not in self._keys and age > KEYS_AGAIN):
                self._asked = time.monotonic()
                try:
                    found = self._client.get_signing_keys()
                except (jwt.PyJWTError, OSError, ValueError) as error:
                    log.warning("the keys of %s cannot be read: %s", self._client.uri, type(error).__name__)
                else:
                    self._keys = {str(key.key_id): key.key for key in found}
            if not self._keys:
                raise RefusedError(503, "Kinde's keys cannot be read")
            return self._keys.get(key_id)


@dataclass(frozen=True)
class Webhook:
    """One webhook of ``[kinde] webhooks``.

    :param name: its name in the address.
    :param issuer: the address of the tenant, which signs.
    """

    name: str
    issuer: str

    @property
    def asset_uri(self) -> str:
        """The asset that is updated: the environment."""
        return organization_uri(urlsplit(self.issuer).netloc)

    def read(self, token: str, keys: SigningKeys, now: datetime) -> Message:
        """Check a message: its signature, its issuer, its age and its type.

        :param token: the body.
        :param keys: of the tenant.
        :param now: the time.
        :raises RefusedError: it is not a genuine message of now.
        """
        try:
            header = jwt.get_unverified_header(token)
            key = keys.find(str(header.get("kid")))
            if key is None:
                raise RefusedError(401, "the signature is not Kinde's")
            # A message need not have an audience or an end; its age is judged below.
            options: Any = {"verify_aud": False, "verify_iat": False}
            claims = jwt.decode(token, key, algorithms=["RS256"], leeway=SKEW, options=options)
        except jwt.PyJWTError:
            raise RefusedError(401, "the signature is not Kinde's") from None
        if str(claims.get("iss")).rstrip("/") != self.issuer:
            raise RefusedError(401, "another tenant signed it")
        event, kind = claims.get("event_id"), claims.get("type")
        if not isinstance(event, str) or not 0 < len(event) <= MAX_ID or not isinstance(kind, str):
            raise RefusedError(400, "it is no message of a webhook")
        age = now - _moment(claims.get("timestamp"))
        if not -SKEW <= age <= MEMORY:
            raise RefusedError(400, "it is too old, or of a time to come")
        return Message(event, kind)


def add_to(application: FastAPI) -> None:
    """Add the address of each webhook of ``[kinde] webhooks`` to the provider's application.

    :param application: the application.
    """
    application.add_api_route("/webhooks/{name}", _receive, methods=["POST"])


def configured() -> dict[str, Webhook]:
    """The webhooks of ``[kinde] webhooks``, by name; none where it is not set.

    :raises ValueError: it cannot be understood; the message says what was expected.
    """
    from airflow.providers.common.compat.sdk import conf

    text = str(conf.get("kinde", "webhooks", fallback="") or "").strip()
    return parse(text) if text else {}


@cache
def parse(text: str) -> dict[str, Webhook]:
    """Read the setting.

    :param text: JSON such as ``{"acme": "acme.kinde.com"}``.
    :raises ValueError: it cannot be understood.
    """
    expected = f'[kinde] webhooks: expected JSON such as {{"acme": "acme.kinde.com"}}, found {text[:100]!r}'
    try:
        found = json.loads(text)
    except ValueError:
        raise ValueError(expected) from None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise ValueError(expected)
    return {name: Webhook(name, _issuer(domain)) for name, domain in found.items()}


def _issuer(domain: str) -> str:
    whole = (domain if "://" in domain else f"https://{domain}").rstrip("/").lower()
    parts = urlsplit(whole)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        raise ValueError(f"[kinde] webhooks: {domain}: https:// is expected")
    if parts.path or parts.query:
        raise ValueError(f"[kinde] webhooks: {domain}: a domain is expected, such as acme.kinde.com")
    organization_uri(parts.netloc)
    return whole


async def _receive(request: Request, name: str) -> Response:
    """Take a message of Kinde, and answer once the asset is updated."""
    try:
        body = await _body(request)
        outcome = await run_in_threadpool(_handle, name, body)
    except RefusedError as refused:
        log.info("a message to the webhook %s had no effect: %s", name if name in configured() else "?", refused)
        return JSONResponse({"outcome": "refused", "reason": str(refused)}, refused.status)
    return JSONResponse({"outcome": outcome})


async def _body(request: Request) -> str:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise RefusedError(413, "it is too large")
    try:
        return body.decode("ascii").strip()
    except UnicodeDecodeError:
        raise RefusedError(401, "the signature is not Kinde's") from None


def _handle(name: str, token: str) -> str:
    webhook = configured().get(name)
    if webhook is None:
        raise RefusedError(404, "there is no webhook of this name in [kinde] webhooks")
    now = datetime.now(timezone.utc)
    message = webhook.read(token, _keys_of(webhook.issuer), now)
    if message.type not in TYPES:
        return "ignored"
    return _update_asset(webhook, message, now)


@cache
def _keys_of(issuer: str) -> SigningKeys:
    return SigningKeys(f"{issuer}/.well-known/jwks")


def _update_asset(webhook: Webhook, message: Message, now: datetime) -> str:
    """Write one asset event, unless there is one of this message. One event stands for all that wait for the same run.

    The asset events are the memory: Airflow's API servers share them, and they outlive a restart. The asset's row is
    locked meanwhile, so that two processes that get one message write one event.
    """
    from airflow.assets.manager import asset_manager
    from airflow.models.asset import AssetEvent, AssetModel
    from airflow.utils.session import create_session
    from sqlalchemy import String, cast, select, update

    with create_session() as session:
        active = select(AssetModel.id).where(AssetModel.uri == webhook.asset_uri, AssetModel.active.has())
        asset_id = session.scalar(active)
    if asset_id is None:
        raise RefusedError(404, f"no DAG has the asset {webhook.asset_uri}")
    with create_session() as session:
        # The lock is the first statement: a transaction in MySQL sees what was there at its first read.
        session.execute(update(AssetModel).where(AssetModel.id == asset_id).values(id=asset_id))
        remembered = select(AssetEvent).where(
            AssetEvent.asset_id == asset_id, AssetEvent.timestamp > now - MEMORY - 2 * SKEW
        )
        text = cast(AssetEvent.extra, String).contains(json.dumps(message.id)[1:-1], autoescape=True)
        if any(message.id in _messages(event) for event in session.scalars(remembered.where(text))):
            return "known"
        asset = session.scalars(select(AssetModel).where(AssetModel.id == asset_id)).one()
        last = session.scalars(remembered.order_by(AssetEvent.id.desc()).limit(1)).first()
        # A run that has not begun yet will see what this message is about.
        if last is not None and 0 < len(_messages(last)) < MERGED and _run_is_due(asset, session):
            last.extra = {**last.extra, "more": [*last.extra.get("more", ()), message.id]}
            return "run is due"
        extra = {"webhook": webhook.name, "event_id": message.id, "type": message.type}
        asset_manager.register_asset_change(asset=asset, extra=extra, session=session)
    return "asset updated"


def _messages(event: Any) -> list[str]:
    """The ids of the messages that an asset event stands for; none for an event that no webhook wrote."""
    extra = event.extra if isinstance(event.extra, Mapping) else {}
    return [extra["event_id"], *extra.get("more", ())] if "webhook" in extra and "event_id" in extra else []


def _run_is_due(asset: Any, session: Any) -> bool:
    """Whether each DAG that the asset starts waits for a run already, which Airflow has not begun yet."""
    from airflow.models.asset import AssetDagRunQueue
    from sqlalchemy import select

    started = {reference.dag_id for reference in asset.scheduled_dags if not reference.dag.is_paused}
    waiting = select(AssetDagRunQueue.target_dag_id).where(AssetDagRunQueue.asset_id == asset.id)
    return bool(started) and started <= set(session.scalars(waiting))


def _moment(value: Any) -> datetime:
    """A time as Kinde writes it: ISO 8601, or seconds or milliseconds since 1970."""
    try:
        if isinstance(value, str):
            found = pendulum.parse(value)
            if isinstance(found, pendulum.DateTime):
                return found
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000 if value > 1e11 else value, timezone.utc)
    except (ValueError, OverflowError, OSError):
        pass
    raise RefusedError(400, "it has no time")
