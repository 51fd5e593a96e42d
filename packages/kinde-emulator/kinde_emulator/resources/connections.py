"""``/connections``: the identity providers of the environment."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from kinde_emulator.data.store import insert, new_id, one, update
from kinde_emulator.errors import bad
from kinde_emulator.server.http import Response
from kinde_emulator.server.operations import Body, Call, Query, delete, get, patch, post, put
from kinde_emulator.server.pagination import CursorQuery, cursor_page


class ListConnections(CursorQuery):
    """Query parameters of the list."""

    home_realm_domain: str | None = None


class Options(Body):
    """Options of a connection; the emulator acts on the domains and keeps nothing of the rest."""

    allow_unknown = True

    home_realm_domains: list[str] | None = None


class ChangeConnection(Body):
    """The fields of a connection that can change."""

    name: str | None = None
    display_name: str | None = None
    enabled_applications: list[str] | None = None
    options: Options | None = None


class CreateConnection(ChangeConnection):
    """A connection to create."""

    strategy: str
    organization_code: str | None = None


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
    return call.success(connection=_shown(_find(call.db, connection_id)))


@post("/connections", scope="create:connections")
def create_connection(call: Call[Query], body: CreateConnection) -> Response:
    """Creates a connection.

    :param call: the checked request, with its query parameters.
    :param body: the checked JSON body.
    :raises ApiError: 400 if something that was sent is wrong.
    """
    kind, _, provider = body.strategy.partition(":")
    if kind not in ("oauth2", "saml", "wsfed") or not provider:
        raise bad("INVALID_FIELD", "Invalid field strategy: such as oauth2:google or saml:okta", "strategy")
    connection_id = new_id("conn")
    name = body.name or body.display_name or body.strategy
    insert(call.db, "connections", id=connection_id, name=name, strategy=body.strategy)
    _set_domains(call.db, connection_id, body)
    return call.success(201, message="Connection successfully created", connection={"id": connection_id})


@put("/connections/{connection_id}", scope="update:connections")
@patch("/connections/{connection_id}", scope="update:connections")
def update_connection(call: Call[Query], connection_id: str, body: ChangeConnection) -> Response:
    """Changes a connection.

    :param call: the checked request, with its query parameters.
    :param connection_id: Kinde's id of the connection.
    :param body: the checked JSON body.
    :raises ApiError: 400 if there is no such connection.
    """
    _find(call.db, connection_id)
    if name := body.name or body.display_name:
        update(call.db, "connections", "id", connection_id, name=name)
    _set_domains(call.db, connection_id, body)
    return call.success(message="Connection successfully updated")


@delete("/connections/{connection_id}", scope="delete:connections")
def delete_connection(call: Call[Query], connection_id: str) -> Response:
    """Deletes a connection.

    :param call: the checked request, with its query parameters.
    :param connection_id: Kinde's id of the connection.
    :raises ApiError: 400 if there is no such connection.
    """
    _find(call.db, connection_id)
    call.db.execute("DELETE FROM connections WHERE id = ?", (connection_id,))
    return call.success(message="Connection successfully deleted")


def _find(db: sqlite3.Connection, connection_id: str) -> sqlite3.Row:
    row = one(db, "SELECT * FROM connections WHERE id = ?", connection_id)
    if row is None:
        raise bad("CONNECTION_NOT_FOUND", "Connection not found", "connection_id")
    return row


def _set_domains(db: sqlite3.Connection, connection_id: str, body: ChangeConnection) -> None:
    if body.options is not None and body.options.home_realm_domains is not None:
        domains = json.dumps(body.options.home_realm_domains)
        update(db, "connections", "id", connection_id, domains=domains)


def _shown(row: sqlite3.Row) -> dict[str, Any]:
    return {"id": row["id"], "name": row["name"], "display_name": row["name"], "strategy": row["strategy"]}
