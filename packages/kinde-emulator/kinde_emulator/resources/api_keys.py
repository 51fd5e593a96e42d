"""``/api_keys``: the API keys of users. A seed makes them; they can be listed, read and deleted."""

from __future__ import annotations

import json
import sqlite3
from typing import Any, Literal

from kinde_emulator.data.store import one
from kinde_emulator.errors import ApiError
from kinde_emulator.server.http import Response
from kinde_emulator.server.operations import Call, Query, delete, get
from kinde_emulator.server.pagination import cursor_page


class ListApiKeys(Query):
    """Query parameters of the list."""

    page_size: int | None = None
    starting_after: str | None = None
    key_type: Literal["organization", "user"] | None = None
    status: Literal["active", "inactive", "revoked"] | None = None
    user_id: str | None = None
    org_code: str | None = None


@get("/api_keys", scope="read:api_keys")
def get_api_keys(call: Call[ListApiKeys]) -> Response:
    """Lists API keys; 50 on a page.

    :param call: the checked request, with its query parameters.
    """
    query = call.query
    wanted = {"type": query.key_type, "status": query.status, "user_id": query.user_id, "org_code": query.org_code}
    given = {name: value for name, value in wanted.items() if value is not None}
    rows, more = cursor_page(
        call, "SELECT * FROM api_keys", where=[f"{name} = ?" for name in given], values=list(given.values()), size=50
    )
    return call.success(api_keys=[_shown(row) for row in rows], has_more=more)


@get("/api_keys/{key_id}", scope="read:api_keys")
def get_api_key(call: Call[Query], key_id: str) -> Response:
    """Reads an API key.

    :param call: the checked request, with its query parameters.
    :param key_id: Kinde's id of the API key.
    :raises ApiError: 404 if there is no such object.
    """
    return call.success(api_key=_shown(_find(call.db, key_id)))


@delete("/api_keys/{key_id}", scope="delete:api_keys")
def delete_api_key(call: Call[Query], key_id: str) -> Response:
    """Deletes an API key.

    :param call: the checked request, with its query parameters.
    :param key_id: Kinde's id of the API key.
    :raises ApiError: 404 if there is no such object.
    """
    _find(call.db, key_id)
    call.db.execute("DELETE FROM api_keys WHERE id = ?", (key_id,))
    return call.success(message="API key successfully deleted")


def _find(db: sqlite3.Connection, key_id: str) -> sqlite3.Row:
    row = one(db, "SELECT * FROM api_keys WHERE id = ?", key_id)
    if row is None:
        raise ApiError(404, "API_KEY_NOT_FOUND", "API key not found")
    return row


def _shown(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "type": row["type"],
        "status": row["status"],
        "key_prefix": "kinde_",
        "key_suffix": row["id"][-4:],
        "created_on": row["created_on"],
        "last_verified_on": None,
        "last_verified_ip": None,
        "created_by": None,
        "api_ids": [],
        "scopes": json.loads(row["scopes"]),
    }
