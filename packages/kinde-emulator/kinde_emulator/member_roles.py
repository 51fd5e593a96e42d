"""Roles and permissions of one user in one organization."""

from __future__ import annotations

import sqlite3
from typing import Annotated, Any

from fastapi import APIRouter, Response

from .calls import Body, Call, Query, expand_of, needs
from .directories import refuse_if_kept
from .errors import bad
from .members import member_or_400
from .organizations import find_organization
from .paging import end
from .people import find_user
from .store import grouped, insert, one

router = APIRouter()

PATH = "/api/v1/organizations/{org_code}/users/{user_id}"


def _member(db: sqlite3.Connection, call: Call[Any], org_code: str, user_id: str) -> None:
    find_organization(db, org_code, call.settings)
    find_user(db, user_id, call.settings)
    member_or_400(db, org_code, user_id)


@router.get(PATH + "/roles")
async def get_organization_user_roles(
    call: Annotated[Call[Query], needs("read:organization_user_roles")], org_code: str, user_id: str
) -> Response:
    """Lists the roles of a member; there are no pages."""
    with call.store.transaction() as db:
        _member(db, call, org_code, user_id)
        rows = db.execute(
            "SELECT id, key, name FROM member_roles JOIN roles ON roles.id = role_id"
            " WHERE org_code = ? AND user_id = ? ORDER BY key",
            (org_code, user_id),
        ).fetchall()
    return call.done(roles=[dict(row) for row in rows], **end(call.settings))


class RoleId(Body):
    """Which role, by its id."""

    role_id: str


@router.post(PATH + "/roles")
async def create_organization_user_role(
    call: Annotated[Call[Query], needs("create:organization_user_roles")], org_code: str, user_id: str, body: RoleId
) -> Response:
    """Gives a member a role, named by its id."""
    with call.store.transaction() as db:
        refuse_if_kept(db, org_code, call.settings)
        _member(db, call, org_code, user_id)
        if one(db, "SELECT 1 FROM roles WHERE id = ?", body.role_id) is None:
            raise bad("INVALID_ROLE_ID", "Role not found: role_id is the id of a role, not its key", "role_id")
        if _has(db, "role", org_code, user_id, body.role_id):
            if call.settings.role_twice_status == 400:
                raise bad("ROLE_ALREADY_ASSIGNED", "The user has this role already", "role_id")
        else:
            insert(db, "member_roles", org_code=org_code, user_id=user_id, role_id=body.role_id)
    return call.done()


@router.delete(PATH + "/roles/{role_id}")
async def delete_organization_user_role(
    call: Annotated[Call[Query], needs("delete:organization_user_roles")], org_code: str, user_id: str, role_id: str
) -> Response:
    """Takes a role from a member."""
    with call.store.transaction() as db:
        refuse_if_kept(db, org_code, call.settings)
        _member(db, call, org_code, user_id)
        if not _has(db, "role", org_code, user_id, role_id):
            raise bad("INVALID_ROLE_ID", "The user does not have this role", "role_id")
        sql = "DELETE FROM member_roles WHERE org_code = ? AND user_id = ? AND role_id = ?"
        db.execute(sql, (org_code, user_id, role_id))
    return call.done()


def _has(db: sqlite3.Connection, kind: str, org_code: str, user_id: str, item: str) -> bool:
    sql = f"SELECT 1 FROM member_{kind}s WHERE org_code = ? AND user_id = ? AND {kind}_id = ?"
    return one(db, sql, org_code, user_id, item) is not None


VIA_ROLE = """SELECT permission_id, roles.id, roles.key FROM member_roles JOIN role_permissions USING (role_id)
              JOIN roles ON roles.id = role_id WHERE org_code = ? AND user_id = ? ORDER BY roles.key"""


class ExpandRoles(Query):
    """GET …/permissions."""

    expand: str | None = None


@router.get(PATH + "/permissions")
async def get_organization_user_permissions(
    call: Annotated[Call[ExpandRoles], needs("read:organization_user_permissions", ExpandRoles)],
    org_code: str,
    user_id: str,
) -> Response:
    """Lists the permissions of a member, by hand and by role."""
    expand = expand_of(call.query.expand, "roles")
    with call.store.transaction() as db:
        _member(db, call, org_code, user_id)
        via_role = grouped(db.execute(VIA_ROLE, (org_code, user_id)), "permission_id")
        by_hand = {
            row["permission_id"]
            for row in db.execute(
                "SELECT permission_id FROM member_permissions WHERE org_code = ? AND user_id = ?", (org_code, user_id)
            )
        }
        rows = db.execute("SELECT * FROM permissions ORDER BY key").fetchall()
    permissions = []
    for row in rows:
        if row["id"] in by_hand or row["id"] in via_role:
            permission: dict[str, Any] = dict(row)
            if "roles" in expand:
                permission["roles"] = [{"id": role["id"], "key": role["key"]} for role in via_role.get(row["id"], [])]
            permissions.append(permission)
    return call.done(permissions=permissions)


class PermissionId(Body):
    """Which permission, by its id."""

    permission_id: str


@router.post(PATH + "/permissions")
async def create_organization_user_permission(
    call: Annotated[Call[Query], needs("create:organization_user_permissions")],
    org_code: str,
    user_id: str,
    body: PermissionId,
) -> Response:
    """Gives a member a permission by hand."""
    with call.store.transaction() as db:
        _member(db, call, org_code, user_id)
        if one(db, "SELECT 1 FROM permissions WHERE id = ?", body.permission_id) is None:
            raise bad("INVALID_PERMISSION_ID", "Permission not found", "permission_id")
        if not _has(db, "permission", org_code, user_id, body.permission_id):
            insert(db, "member_permissions", org_code=org_code, user_id=user_id, permission_id=body.permission_id)
    return call.done()


@router.delete(PATH + "/permissions/{permission_id}")
async def delete_organization_user_permission(
    call: Annotated[Call[Query], needs("delete:organization_user_permissions")],
    org_code: str,
    user_id: str,
    permission_id: str,
) -> Response:
    """Takes a permission given by hand; one that comes by a role stays."""
    with call.store.transaction() as db:
        _member(db, call, org_code, user_id)
        if not _has(db, "permission", org_code, user_id, permission_id):
            via_role = grouped(db.execute(VIA_ROLE, (org_code, user_id)), "permission_id")
            if permission_id in via_role:
                raise bad("INVALID_PERMISSION_ID_ROLE", "The user has this permission by a role", "permission_id")
            raise bad("INVALID_PERMISSION_ID", "The user does not have this permission", "permission_id")
        sql = "DELETE FROM member_permissions WHERE org_code = ? AND user_id = ? AND permission_id = ?"
        db.execute(sql, (org_code, user_id, permission_id))
    return call.done()
