"""``/organizations/{organization_code}/connections``: the identity providers of an organization."""

from __future__ import annotations

from kinde_emulator.data.organizations import find_organization
from kinde_emulator.data.store import one
from kinde_emulator.errors import bad
from kinde_emulator.server.http import Response
from kinde_emulator.server.operations import Call, Query, delete, get, post

CONNECTIONS = "/organizations/{organization_code}/connections"


@get(CONNECTIONS, scope="read:organization_connections")
def get_organization_connections(call: Call[Query], organization_code: str) -> Response:
    """Lists the connections of an organization; the setting ``connections_shape`` says in which form.

    :param call: the checked request, with its query parameters.
    :param organization_code: code of the organization.
    :raises ApiError: 404 if there is no such organization.
    """
    find_organization(call.db, organization_code, call.settings)
    sql = """SELECT id, name, name AS display_name, strategy FROM organization_connections
             JOIN connections ON connections.id = connection_id WHERE org_code = ? ORDER BY name"""
    items = [dict(row) for row in call.db.execute(sql, (organization_code,))]
    if call.settings.connections_shape == "wrapped":
        items = [{"code": "OK", "message": "Success", "connection": item} for item in items]
    return call.success(connections=items, has_more=False)


@post(CONNECTIONS + "/{connection_id}", scope="create:organization_connections")
def enable_org_connection(call: Call[Query], organization_code: str, connection_id: str) -> Response:
    """Enables a connection for an organization; the response has no body.

    :param call: the checked request, with its query parameters.
    :param organization_code: code of the organization.
    :param connection_id: Kinde's id of the connection.
    :raises ApiError: 404 if there is no such organization; 400 if something that was sent is wrong.
    """
    find_organization(call.db, organization_code, call.settings)
    if one(call.db, "SELECT 1 FROM connections WHERE id = ?", connection_id) is None:
        raise bad("CONNECTION_NOT_FOUND", "Connection not found", "connection_id")
    sql = "INSERT OR IGNORE INTO organization_connections (org_code, connection_id) VALUES (?, ?)"
    call.db.execute(sql, (organization_code, connection_id))
    return Response()


@delete(CONNECTIONS + "/{connection_id}", scope="delete:organization_connections")
def remove_org_connection(call: Call[Query], organization_code: str, connection_id: str) -> Response:
    """Disables a connection for an organization.

    :param call: the checked request, with its query parameters.
    :param organization_code: code of the organization.
    :param connection_id: Kinde's id of the connection.
    :raises ApiError: 404 if there is no such organization; 400 if something that was sent is wrong.
    """
    find_organization(call.db, organization_code, call.settings)
    sql = "DELETE FROM organization_connections WHERE org_code = ? AND connection_id = ?"
    if not call.db.execute(sql, (organization_code, connection_id)).rowcount:
        raise bad("CONNECTION_NOT_FOUND", "The organization does not have this connection", "connection_id")
    return call.success()
