"""``/roles/{role_id}/permissions``: the permissions of a role."""

from __future__ import annotations

import sqlite3
from typing import Literal

from kinde_emulator.data.roles import find_role
from kinde_emulator.data.store import one
from kinde_emulator.errors import bad
from kinde_emulator.resources.permissions import SORTS
from kinde_emulator.server.http import Response
from kinde_emulator.server.operations import Body, Call, Query, delete, get, patch
from kinde_emulator.server.pagination import SortedQuery, token_page


class PermissionChange(Body):
    """A permission to give to a role, or to take from it."""

    id: str
    operation: Literal["delete"] | None = None


class UpdateRolePermissions(Body):
    """The permissions to give and to take."""

    permissions: list[PermissionChange]


@get("/roles/{role_id}/permissions", scope="read:role_permissions")
def get_role_permissions(call: Call[SortedQuery], role_id: str) -> Response:
    """Lists the permissions of a role.

    :param call: the checked request, with its query parameters.
    :param role_id: Kinde's id of the role.
    :raises ApiError: 404 if there is no such role.
    """
    find_role(call.db, role_id)
    rows, following = token_page(
        call,
        "SELECT permissions.* FROM permissions JOIN role_permissions ON permission_id = permissions.id",
        where=["role_id = ?"],
        values=[role_id],
        sorts=SORTS,
        default="name_asc",
    )
    return call.success(permissions=[dict(row) for row in rows], **following)


@patch("/roles/{role_id}/permissions", scope="update:role_permissions")
def update_role_permissions(call: Call[Query], role_id: str, body: UpdateRolePermissions) -> Response:
    """Gives permissions to a role and takes others from it.

    :param call: the checked request, with its query parameters.
    :param role_id: Kinde's id of the role.
    :param body: the checked JSON body.
    :raises ApiError: 404 if there is no such role; 400 if something that was sent is wrong.
    """
    added, removed = [], []
    find_role(call.db, role_id)
    for change in body.permissions:
        if one(call.db, "SELECT 1 FROM permissions WHERE id = ?", change.id) is None:
            raise bad("INVALID_PERMISSION_ID", f"Permission not found: {change.id}", "permissions")
        if change.operation == "delete":
            _take(call.db, role_id, change.id)
            removed.append(change.id)
        else:
            sql = "INSERT OR IGNORE INTO role_permissions (role_id, permission_id) VALUES (?, ?)"
            if call.db.execute(sql, (role_id, change.id)).rowcount:
                added.append(change.id)
    return call.success(permissions_added=added, permissions_removed=removed)


@delete("/roles/{role_id}/permissions/{permission_id}", scope="delete:role_permissions")
def remove_role_permission(call: Call[Query], role_id: str, permission_id: str) -> Response:
    """Takes a permission from a role.

    :param call: the checked request, with its query parameters.
    :param role_id: Kinde's id of the role.
    :param permission_id: Kinde's id of the permission.
    :raises ApiError: 404 if there is no such role.
    """
    find_role(call.db, role_id)
    _take(call.db, role_id, permission_id)
    return call.success()


def _take(db: sqlite3.Connection, role_id: str, permission_id: str) -> None:
    sql = "DELETE FROM role_permissions WHERE role_id = ? AND permission_id = ?"
    if not db.execute(sql, (role_id, permission_id)).rowcount:
        raise bad("INVALID_PERMISSION_ID", "The role does not have this permission", "permission_id")
