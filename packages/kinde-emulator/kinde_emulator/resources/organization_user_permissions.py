"""``/organizations/{org_code}/users/{user_id}/permissions``: the permissions of one member."""

from __future__ import annotations

import sqlite3
from typing import Any

from kinde_emulator.data.organizations import find_member
from kinde_emulator.data.store import grouped, one
from kinde_emulator.errors import bad
from kinde_emulator.server.http import Response
from kinde_emulator.server.operations import Body, Call, Query, delete, expand_of, get, post

PERMISSIONS = "/organizations/{org_code}/users/{user_id}/permissions"
VIA_ROLE = """SELECT permission_id, roles.id, roles.key FROM member_roles JOIN role_permissions USING (role_id)
              JOIN roles ON roles.id = role_id WHERE org_code = ? AND user_id = ? ORDER BY roles.key"""


class ListPermissions(Query):
    """Query parameters of the list."""

    expand: str | None = None


class CreateUserPermission(Body):
    """A permission to give, by its id."""

    permission_id: str


@get(PERMISSIONS, scope="read:organization_user_permissions")
def get_organization_user_permissions(call: Call[ListPermissions], org_code: str, user_id: str) -> Response:
    """Lists the permissions of a member: those given directly and those that come with a role.

    :param call: the checked request, with its query parameters.
    :param org_code: code of the organization.
    :param user_id: Kinde's id of the user.
    :raises ApiError: 404 if there is no such user or organization, 400 if the user is no member; 400 if something
        that was sent is wrong.
    """
    db, expand = call.db, expand_of(call.query.expand, "roles")
    find_member(db, org_code, user_id, call.settings)
    via_role = _via_role(db, org_code, user_id)
    direct = "SELECT permission_id FROM member_permissions WHERE org_code = ? AND user_id = ?"
    held = via_role.keys() | {row["permission_id"] for row in db.execute(direct, (org_code, user_id))}
    permissions = []
    for row in db.execute("SELECT * FROM permissions ORDER BY key"):
        if row["id"] in held:
            permission: dict[str, Any] = dict(row)
            if "roles" in expand:
                permission["roles"] = [{"id": role["id"], "key": role["key"]} for role in via_role.get(row["id"], [])]
            permissions.append(permission)
    return call.success(permissions=permissions)


@post(PERMISSIONS, scope="create:organization_user_permissions")
def create_organization_user_permission(
    call: Call[Query], org_code: str, user_id: str, body: CreateUserPermission
) -> Response:
    """Gives a member a permission directly.

    :param call: the checked request, with its query parameters.
    :param org_code: code of the organization.
    :param user_id: Kinde's id of the user.
    :param body: the checked JSON body.
    :raises ApiError: 404 if there is no such user or organization, 400 if the user is no member; 400 if something
        that was sent is wrong.
    """
    find_member(call.db, org_code, user_id, call.settings)
    if one(call.db, "SELECT 1 FROM permissions WHERE id = ?", body.permission_id) is None:
        raise bad("INVALID_PERMISSION_ID", "Permission not found", "permission_id")
    sql = "INSERT OR IGNORE INTO member_permissions (org_code, user_id, permission_id) VALUES (?, ?, ?)"
    call.db.execute(sql, (org_code, user_id, body.permission_id))
    return call.success()


@delete(PERMISSIONS + "/{permission_id}", scope="delete:organization_user_permissions")
def delete_organization_user_permission(call: Call[Query], org_code: str, user_id: str, permission_id: str) -> Response:
    """Takes a permission that was given directly; refused for one that comes with a role.

    :param call: the checked request, with its query parameters.
    :param org_code: code of the organization.
    :param user_id: Kinde's id of the user.
    :param permission_id: Kinde's id of the permission.
    :raises ApiError: 404 if there is no such user or organization, 400 if the user is no member; 400 if something
        that was sent is wrong.
    """
    find_member(call.db, org_code, user_id, call.settings)
    sql = "DELETE FROM member_permissions WHERE org_code = ? AND user_id = ? AND permission_id = ?"
    if not call.db.execute(sql, (org_code, user_id, permission_id)).rowcount:
        if permission_id in _via_role(call.db, org_code, user_id):
            raise bad("INVALID_PERMISSION_ID_ROLE", "The user has this permission by a role", "permission_id")
        raise bad("INVALID_PERMISSION_ID", "The user does not have this permission", "permission_id")
    return call.success()


def _via_role(db: sqlite3.Connection, org_code: str, user_id: str) -> dict[str, list[sqlite3.Row]]:
    return grouped(db.execute(VIA_ROLE, (org_code, user_id)), "permission_id")
