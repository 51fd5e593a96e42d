"""A seal on an approval: XCom can be written by each user who may edit the DAG, an approval must not be.

The key is derived from the client secret of the Kinde connection, which workers read and users of the DAG do not.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

_PURPOSE = b"airflow-provider-kinde approval 1"


def sealed(approval: Mapping[str, Any], conn_id: str, context: Context) -> dict[str, Any]:
    """Add a seal to what a task hands on.

    :param approval: what it hands on: ``asked``, ``hash`` and ``path`` are sealed, for this DAG run.
    :param conn_id: the Kinde connection.
    :param context: the task's context.
    """
    return {**approval, "seal": _seal(approval, conn_id, context)}


def is_sealed(given: Any, conn_id: str, context: Context) -> bool:
    """Tell whether something was sealed for this DAG run, and not changed since.

    :param given: what was read from XCom.
    :param conn_id: the Kinde connection.
    :param context: the task's context.
    """
    if not isinstance(given, Mapping) or not isinstance(given.get("seal"), str):
        return False
    return hmac.compare_digest(given["seal"].encode(), _seal(given, conn_id, context).encode())


def _seal(approval: Mapping[str, Any], conn_id: str, context: Context) -> str:
    from airflow_provider_kinde.hooks.kinde import KindeHook

    ti = context["ti"]
    parts = [ti.dag_id, ti.run_id, *(approval.get(name) for name in ("asked", "hash", "path"))]
    secret = KindeHook(kinde_conn_id=conn_id).settings().client_secret
    key = hmac.new(secret.encode(), _PURPOSE, hashlib.sha256).digest()
    return hmac.new(key, json.dumps(parts).encode(), hashlib.sha256).hexdigest()
