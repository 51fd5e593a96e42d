"""Turns a webhook of an HR system into an update of an asset in Airflow. Runs wherever a WSGI application runs.

Needs Python alone, and in the environment: ``AIRFLOW_URL``, ``AIRFLOW_USER`` and ``AIRFLOW_PASSWORD`` (a user who may
do nothing but create asset events), ``ASSET`` (the name of the asset), ``VENDOR`` (``bamboohr``, ``hibob`` or
``path``) and ``SECRET`` (the key of the webhook; with ``path``, the last part of the address that the HR system calls).

The message itself goes no further: it is a hint, and the sync asks HR.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable
from typing import Any

MAX_BODY = 1 << 20
TIMEOUT = 10


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer one request of the HR system."""
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if environ["REQUEST_METHOD"] != "POST" or length > MAX_BODY:
        status = "413 Content Too Large" if length > MAX_BODY else "405 Method Not Allowed"
    elif not is_genuine(environ, environ["wsgi.input"].read(length)):
        status = "401 Unauthorized"
    else:
        try:
            update_asset(os.environ["ASSET"])
            status = "200 OK"
        except OSError:  # the HR system tries again
            status = "502 Bad Gateway"
    start_response(status, [("Content-Type", "text/plain")])
    return [status.encode()]


def is_genuine(environ: dict[str, Any], body: bytes) -> bool:
    """Whether the HR system sent this: by its signature, or by the secret in the address."""
    secret = os.environ["SECRET"].encode()
    if os.environ["VENDOR"] == "bamboohr":
        signed = body + environ.get("HTTP_X_BAMBOOHR_TIMESTAMP", "").encode()
        expected = hmac.new(secret, signed, hashlib.sha256).hexdigest()
        return hmac.compare_digest(expected.encode(), environ.get("HTTP_X_BAMBOOHR_SIGNATURE", "").encode())
    if os.environ["VENDOR"] == "hibob":
        expected = base64.b64encode(hmac.new(secret, body, hashlib.sha512).digest()).decode()
        return hmac.compare_digest(expected.encode(), environ.get("HTTP_BOB_SIGNATURE", "").encode())
    return hmac.compare_digest(secret, environ.get("PATH_INFO", "").rpartition("/")[2].encode())


def update_asset(name: str) -> None:
    """Create an event of the asset over Airflow's REST API."""
    login = {"username": os.environ["AIRFLOW_USER"], "password": os.environ["AIRFLOW_PASSWORD"]}
    token = call("/auth/token", login)["access_token"]
    query = urllib.parse.urlencode({"name_pattern": name})
    assets = call(f"/api/v2/assets?{query}", token=token)["assets"]
    asset_id = next((asset["id"] for asset in assets if asset["name"] == name), None)
    if asset_id is None:
        raise OSError(f"Airflow has no asset {name!r}: is a DAG scheduled by it?")
    call("/api/v2/assets/events", {"asset_id": asset_id, "extra": {"from": os.environ["VENDOR"]}}, token)


def call(path: str, body: Any = None, token: str = "") -> Any:
    """Send one request to Airflow."""
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(os.environ["AIRFLOW_URL"].rstrip("/") + path, data, headers)
    with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
        return json.load(response)
