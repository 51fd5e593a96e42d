"""``/permissions``: the permissions of the business."""

from __future__ import annotations

from kinde_emulator.data.roles import find_permission, require_text, require_unused_key
from kinde_emulator.data.store import insert, new_uuid, update
from kinde_emulator.server.http import Response
from kinde_emulator.server.operations import Body, Call, Query, delete, get, patch, post
from kinde_emulator.server.pagination import SortedQuery, token_page

SORTS = {
    "name_asc": "name COLLATE NOCASE, id",
    "name_desc": "name COLLATE NOCASE DESC, id DESC",
    "id_asc": "id",
    "id_desc": "id DESC",
}


class PermissionFields(Body):
    """The fields of a permission."""

    name: str | None = None
    description: str | None = None
    key: str | None = None


@get("/permissions", scope="read:permissions")
def get_permissions(call: Call[SortedQuery]) -> Response:
    """Lists the permissions.

    :param call: the checked request, with its query parameters.
    """
    rows, following = token_page(call, "SELECT * FROM permissions", sorts=SORTS, default="name_asc")
    return call.success(permissions=[dict(row) for row in rows], **following)


@post("/permissions", scope="create:permissions")
def create_permission(call: Call[Query], body: PermissionFields) -> Response:
    """Creates a permission; the response does not hold its id.

    :param call: the checked request, with its query parameters.
    :param body: the checked JSON body.
    :raises ApiError: 400 if something that was sent is wrong.
    """
    name, key = require_text("name", body.name), require_text("key", body.key)
    require_unused_key(call.db, "permissions", key)
    insert(call.db, "permissions", id=new_uuid(), key=key, name=name, description=body.description)
    return call.success(201, message="Permission successfully created")


@patch("/permissions/{permission_id}", scope="update:permissions")
def update_permissions(call: Call[Query], permission_id: str, body: PermissionFields) -> Response:
    """Changes a permission.

    :param call: the checked request, with its query parameters.
    :param permission_id: Kinde's id of the permission.
    :param body: the checked JSON body.
    :raises ApiError: 404 if there is no such permission.
    """
    find_permission(call.db, permission_id)
    if body.key:
        require_unused_key(call.db, "permissions", body.key, permission_id)
    changes = {name: value for name, value in body.to_dict(filled=True).items() if value}
    update(call.db, "permissions", "id", permission_id, **changes)
    return call.success(message="Permission successfully updated")


@delete("/permissions/{permission_id}", scope="delete:permissions")
def delete_permission(call: Call[Query], permission_id: str) -> Response:
    """Deletes a permission; every role and member that has it loses it.

    :param call: the checked request, with its query parameters.
    :param permission_id: Kinde's id of the permission.
    :raises ApiError: 404 if there is no such permission.
    """
    find_permission(call.db, permission_id)
    call.db.execute("DELETE FROM permissions WHERE id = ?", (permission_id,))
    return call.success(message="Permission successfully deleted")
