"""``/connections``: the identity providers of the environment. A seed makes them."""

from __future__ import annotations

import sqlite3
from typing import Any

from kinde_emulator.data.store import one
from kinde_emulator.errors import bad
from kinde_emulator.server.http import Response
from kinde_emulator.server.operations import Call, Query, get
from kinde_emulator.server.pagination import CursorQuery, cursor_page


class ListConnections(CursorQuery):
    """Query parameters of the list."""

    home_realm_domain: str | None = None


@get("/connections", scope="read:connections")
def get_connections(call: Call[ListConnections]) -> Response:
    """Lists connections, all or those of a home realm domain; ``connections_shape`` says in which form.

    :param call: the checked request, with its query parameters.
    """
    where, values = [], []
    if call.query.home_realm_domain is not None:
        where.append("EXISTS (SELECT 1 FROM json_each(domains) WHERE lower(value) = lower(?))")
        values.append(call.query.home_realm_domain.strip())
    rows, more = cursor_page(call, "SELECT * FROM connections", where=where, values=values)
    items = [_shown(row) for row in rows]
    if call.settings.connections_shape == "wrapped":
        items = [{"code": "OK", "message": "Success", "connection": item} for item in items]
    return call.success(connections=items, has_more=more)


@get("/connections/{connection_id}", scope="read:connections")
def get_connection(call: Call[Query], connection_id: str) -> Response:
    """Reads a connection.

    :param call: the checked request, with its query parameters.
    :param connection_id: Kinde's id of the connection.
    :raises ApiError: 400 if something that was sent is wrong.
    """
    row = one(call.db, "SELECT * FROM connections WHERE id = ?", connection_id)
    if row is None:
        raise bad("CONNECTION_NOT_FOUND", "Connection not found", "connection_id")
    return call.success(connection=_shown(row))


def _shown(row: sqlite3.Row) -> dict[str, Any]:
    return {"id": row["id"], "name": row["name"], "display_name": row["name"], "strategy": row["strategy"]}
