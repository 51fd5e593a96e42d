"""``/organizations/{org_code}/users/{user_id}/apis/{api_id}/scopes``: scopes of the customer's own APIs."""

from __future__ import annotations

from kinde_emulator.data.organizations import find_member
from kinde_emulator.data.store import one
from kinde_emulator.errors import bad
from kinde_emulator.server.http import Response
from kinde_emulator.server.operations import Call, Query, delete, post

SCOPE = "/organizations/{org_code}/users/{user_id}/apis/{api_id}/scopes/{scope_id}"


@post(SCOPE, scope="create:organization_user_api_scopes")
def add_organization_user_api_scope(
    call: Call[Query], org_code: str, user_id: str, api_id: str, scope_id: str
) -> Response:
    """Gives a member a scope of an API.

    :param call: the checked request, with its query parameters.
    :param org_code: code of the organization.
    :param user_id: Kinde's id of the user.
    :param api_id: Kinde's id of the API.
    :param scope_id: Kinde's id of the scope.
    :raises ApiError: 404 if there is no such user or organization, 400 if the user is no member; 400 if something
        that was sent is wrong.
    """
    find_member(call.db, org_code, user_id, call.settings)
    if one(call.db, "SELECT 1 FROM api_scopes WHERE api_id = ? AND id = ?", api_id, scope_id) is None:
        raise bad("SCOPE_NOT_FOUND", "The API has no such scope", "scope_id")
    sql = "INSERT OR IGNORE INTO member_api_scopes (org_code, user_id, scope_id) VALUES (?, ?, ?)"
    call.db.execute(sql, (org_code, user_id, scope_id))
    return Response()


@delete(SCOPE, scope="delete:organization_user_api_scopes")
def delete_organization_user_api_scope(
    call: Call[Query], org_code: str, user_id: str, api_id: str, scope_id: str
) -> Response:
    """Takes a scope of an API from a member.

    :param call: the checked request, with its query parameters.
    :param org_code: code of the organization.
    :param user_id: Kinde's id of the user.
    :param api_id: Kinde's id of the API.
    :param scope_id: Kinde's id of the scope.
    :raises ApiError: 404 if there is no such user or organization, 400 if the user is no member; 400 if something
        that was sent is wrong.
    """
    find_member(call.db, org_code, user_id, call.settings)
    sql = """DELETE FROM member_api_scopes WHERE org_code = ? AND user_id = ?
             AND scope_id = (SELECT id FROM api_scopes WHERE api_id = ? AND id = ?)"""
    if not call.db.execute(sql, (org_code, user_id, api_id, scope_id)).rowcount:
        raise bad("SCOPE_NOT_FOUND", "The user does not have this scope", "scope_id")
    return Response()
