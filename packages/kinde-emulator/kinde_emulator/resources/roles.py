"""``/roles``: the roles of the business."""

from __future__ import annotations

import sqlite3
from typing import Any

from kinde_emulator.data.roles import find_role, require_text, require_unused_key
from kinde_emulator.data.store import insert, new_uuid, update
from kinde_emulator.server.http import Response
from kinde_emulator.server.operations import Body, Call, Query, delete, get, patch, post
from kinde_emulator.server.pagination import SortedQuery, token_page

SORTS = {
    "name_asc": "name COLLATE NOCASE, id",
    "name_desc": "name COLLATE NOCASE DESC, id DESC",
    "key_asc": "key",
    "key_desc": "key DESC",
}


class RoleFields(Body):
    """The fields of a role."""

    name: str | None = None
    description: str | None = None
    key: str | None = None
    is_default_role: bool | None = None
    assignment_permission_id: str | None = None


@get("/roles", scope="read:roles")
def get_roles(call: Call[SortedQuery]) -> Response:
    """Lists the roles.

    :param call: the checked request, with its query parameters.
    """
    rows, following = token_page(call, "SELECT * FROM roles", sorts=SORTS, default="name_asc")
    return call.success(roles=[_shown(row) for row in rows], **following)


@post("/roles", scope="create:roles")
def create_role(call: Call[Query], body: RoleFields) -> Response:
    """Creates a role.

    :param call: the checked request, with its query parameters.
    :param body: the checked JSON body.
    :raises ApiError: 400 if something that was sent is wrong.
    """
    name, key, role_id = require_text("name", body.name), require_text("key", body.key), new_uuid()
    require_unused_key(call.db, "roles", key)
    default = bool(body.is_default_role)
    insert(call.db, "roles", id=role_id, key=key, name=name, description=body.description, is_default_role=default)
    return call.success(201, message="Role successfully created", role={"id": role_id})


@get("/roles/{role_id}", scope="read:roles")
def get_role(call: Call[Query], role_id: str) -> Response:
    """Reads a role.

    :param call: the checked request, with its query parameters.
    :param role_id: Kinde's id of the role.
    :raises ApiError: 404 if there is no such role.
    """
    return call.success(role=_shown(find_role(call.db, role_id)))


@patch("/roles/{role_id}", scope="update:roles")
def update_roles(call: Call[Query], role_id: str, body: RoleFields) -> Response:
    """Changes a role; name and key must be sent. An empty description leaves the description as it is.

    :param call: the checked request, with its query parameters.
    :param role_id: Kinde's id of the role.
    :param body: the checked JSON body.
    :raises ApiError: 404 if there is no such role; 400 if something that was sent is wrong.
    """
    require_text("name", body.name)
    key = require_text("key", body.key)
    changes = body.to_dict(filled=True, without={"assignment_permission_id"})
    if not changes.get("description", "-"):
        del changes["description"]
    find_role(call.db, role_id)
    require_unused_key(call.db, "roles", key, role_id)
    update(call.db, "roles", "id", role_id, **changes)
    return call.success(201, message="Role successfully updated")


@delete("/roles/{role_id}", scope="delete:roles")
def delete_role(call: Call[Query], role_id: str) -> Response:
    """Deletes a role; every member who has it loses it.

    :param call: the checked request, with its query parameters.
    :param role_id: Kinde's id of the role.
    :raises ApiError: 404 if there is no such role.
    """
    find_role(call.db, role_id)
    call.db.execute("DELETE FROM roles WHERE id = ?", (role_id,))
    return call.success(message="Role successfully deleted")


def _shown(row: sqlite3.Row) -> dict[str, Any]:
    return {**dict(row), "is_default_role": bool(row["is_default_role"])}
