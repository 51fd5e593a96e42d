"""Roles and permissions of the business, and which role holds which permission."""

from __future__ import annotations

import sqlite3
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response

from .calls import Body, Call, Query, needs
from .errors import ApiError, bad
from .organizations import find_organization
from .paging import TokenQuery, token_page
from .store import grouped, insert, number, one, update

router = APIRouter()

BY_NAME = {"name_asc": "name COLLATE NOCASE, id", "name_desc": "name COLLATE NOCASE DESC, id DESC"}
BY_KEY = {"key_asc": "key", "key_desc": "key DESC"}
BY_ID = {"id_asc": "id", "id_desc": "id DESC"}


def new_uuid() -> str:
    """An id as roles and permissions have it."""
    import uuid

    return str(uuid.uuid4())


class Sorted(TokenQuery):
    """A list with ``sort``."""

    sort: str | None = None


class Named(Body):
    """A permission."""

    name: str | None = None
    description: str | None = None
    key: str | None = None


class Role(Named):
    """A role."""

    is_default_role: bool | None = None
    assignment_permission_id: str | None = None


def _role(row: sqlite3.Row) -> dict[str, Any]:
    return {**dict(row), "is_default_role": bool(row["is_default_role"])}


def _find(db: sqlite3.Connection, table: Literal["roles", "permissions"], item: str) -> sqlite3.Row:
    row = one(db, f"SELECT * FROM {table} WHERE id = ?", item)
    if row is None:
        kind = table[:-1]
        raise ApiError(404, f"{kind.upper()}_NOT_FOUND", f"{kind.capitalize()} not found")
    return row


def _unused_key(db: sqlite3.Connection, table: Literal["roles", "permissions"], key: str, item: str | None) -> None:
    if one(db, f"SELECT 1 FROM {table} WHERE key = ? AND id IS NOT ?", key, item) is not None:
        raise bad(f"{table[:-1].upper()}_KEY_ALREADY_EXISTS", f"The key {key} is in use", "key")


def _required(body: Named, *names: str) -> None:
    for name in names:
        if not getattr(body, name):
            raise bad("MISSING_FIELD", f"Missing field: {name}", name)


@router.get("/api/v1/roles")
async def get_roles(call: Annotated[Call[Sorted], needs("read:roles", Sorted)]) -> Response:
    """Lists roles."""
    rows, following = token_page(call, "SELECT * FROM roles", sorts=BY_NAME | BY_KEY, default="name_asc")
    return call.done(roles=[_role(row) for row in rows], **following)


@router.post("/api/v1/roles")
async def create_role(call: Annotated[Call[Query], needs("create:roles")], body: Role) -> Response:
    """Creates a role."""
    _required(body, "name", "key")
    role_id = new_uuid()
    with call.store.transaction() as db:
        _unused_key(db, "roles", str(body.key), None)
        insert(
            db,
            "roles",
            id=role_id,
            key=body.key,
            name=body.name,
            description=body.description,
            is_default_role=bool(body.is_default_role),
        )
    return call.done(201, message="Role successfully created", role={"id": role_id})


@router.get("/api/v1/roles/{role_id}")
async def get_role(call: Annotated[Call[Query], needs("read:roles")], role_id: str) -> Response:
    """Reads a role."""
    with call.store.transaction() as db:
        return call.done(role=_role(_find(db, "roles", role_id)))


@router.patch("/api/v1/roles/{role_id}")
async def update_roles(call: Annotated[Call[Query], needs("update:roles")], role_id: str, body: Role) -> Response:
    """Changes a role; name and key must both be sent."""
    _required(body, "name", "key")
    changes = body.model_dump(exclude_none=True, exclude={"assignment_permission_id"})
    if not changes.get("description", "-"):
        del changes["description"]  # Kinde does not clear one.
    with call.store.transaction() as db:
        _find(db, "roles", role_id)
        _unused_key(db, "roles", str(body.key), role_id)
        update(db, "roles", "id", role_id, **changes)
    return call.done(201, message="Role successfully updated")


@router.delete("/api/v1/roles/{role_id}")
async def delete_role(call: Annotated[Call[Query], needs("delete:roles")], role_id: str) -> Response:
    """Deletes a role and takes it from everybody."""
    with call.store.transaction() as db:
        _find(db, "roles", role_id)
        db.execute("DELETE FROM roles WHERE id = ?", (role_id,))
    return call.done(message="Role successfully deleted")


@router.get("/api/v1/permissions")
async def get_permissions(call: Annotated[Call[Sorted], needs("read:permissions", Sorted)]) -> Response:
    """Lists permissions."""
    rows, following = token_page(call, "SELECT * FROM permissions", sorts=BY_NAME | BY_ID, default="name_asc")
    return call.done(permissions=[dict(row) for row in rows], **following)


@router.post("/api/v1/permissions")
async def create_permission(call: Annotated[Call[Query], needs("create:permissions")], body: Named) -> Response:
    """Creates a permission; the answer does not say its id."""
    _required(body, "name", "key")
    with call.store.transaction() as db:
        _unused_key(db, "permissions", str(body.key), None)
        insert(db, "permissions", id=new_uuid(), key=body.key, name=body.name, description=body.description)
    return call.done(201, message="Permission successfully created")


@router.patch("/api/v1/permissions/{permission_id}")
async def update_permissions(
    call: Annotated[Call[Query], needs("update:permissions")], permission_id: str, body: Named
) -> Response:
    """Changes a permission."""
    with call.store.transaction() as db:
        _find(db, "permissions", permission_id)
        if body.key:
            _unused_key(db, "permissions", body.key, permission_id)
        changes = {name: value for name, value in body.model_dump(exclude_none=True).items() if value}
        update(db, "permissions", "id", permission_id, **changes)
    return call.done(message="Permission successfully updated")


@router.delete("/api/v1/permissions/{permission_id}")
async def delete_permission(call: Annotated[Call[Query], needs("delete:permissions")], permission_id: str) -> Response:
    """Deletes a permission and takes it from everybody."""
    with call.store.transaction() as db:
        _find(db, "permissions", permission_id)
        db.execute("DELETE FROM permissions WHERE id = ?", (permission_id,))
    return call.done(message="Permission successfully deleted")


@router.get("/api/v1/roles/{role_id}/permissions")
async def get_role_permissions(
    call: Annotated[Call[Sorted], needs("read:role_permissions", Sorted)], role_id: str
) -> Response:
    """Lists the permissions of a role."""
    with call.store.transaction() as db:
        _find(db, "roles", role_id)
        rows, following = token_page(
            call,
            "SELECT permissions.* FROM permissions JOIN role_permissions ON permission_id = permissions.id",
            where=["role_id = ?"],
            values=[role_id],
            sorts=BY_NAME | BY_ID,
            default="name_asc",
        )
    return call.done(permissions=[dict(row) for row in rows], **following)


class PermissionChange(Body):
    """A permission to give to a role, or to take from it."""

    id: str
    operation: Literal["delete"] | None = None


class PermissionChanges(Body):
    """PATCH /roles/{id}/permissions."""

    permissions: list[PermissionChange]


@router.patch("/api/v1/roles/{role_id}/permissions")
async def update_role_permissions(
    call: Annotated[Call[Query], needs("update:role_permissions")], role_id: str, body: PermissionChanges
) -> Response:
    """Gives permissions to a role and takes others from it."""
    added, removed = [], []
    with call.store.transaction() as db:
        _find(db, "roles", role_id)
        for change in body.permissions:
            if one(db, "SELECT 1 FROM permissions WHERE id = ?", change.id) is None:
                raise bad("INVALID_PERMISSION_ID", f"Permission not found: {change.id}", "permissions")
            if change.operation == "delete":
                _take(db, role_id, change.id)
                removed.append(change.id)
            else:
                sql = "INSERT OR IGNORE INTO role_permissions (role_id, permission_id) VALUES (?, ?)"
                if db.execute(sql, (role_id, change.id)).rowcount:
                    added.append(change.id)
    return call.done(permissions_added=added, permissions_removed=removed)


def _take(db: sqlite3.Connection, role_id: str, permission_id: str) -> None:
    sql = "DELETE FROM role_permissions WHERE role_id = ? AND permission_id = ?"
    if not db.execute(sql, (role_id, permission_id)).rowcount:
        raise bad("INVALID_PERMISSION_ID", "The role does not have this permission", "permission_id")


@router.delete("/api/v1/roles/{role_id}/permissions/{permission_id}")
async def remove_role_permission(
    call: Annotated[Call[Query], needs("delete:role_permissions")], role_id: str, permission_id: str
) -> Response:
    """Takes a permission from a role."""
    with call.store.transaction() as db:
        _find(db, "roles", role_id)
        _take(db, role_id, permission_id)
    return call.done()


@router.get("/api/v1/roles/{role_id}/users")
async def get_role_users(
    call: Annotated[Call[TokenQuery], needs("read:organization_user_roles", TokenQuery)], role_id: str
) -> Response:
    """Lists who has a role, and in which organizations."""
    with call.store.transaction() as db:
        _find(db, "roles", role_id)
        rows, following = token_page(
            call,
            "SELECT DISTINCT user_id AS id FROM member_roles",
            where=["role_id = ?"],
            values=[role_id],
            sorts={"id_asc": "user_id"},
            default="id_asc",
        )
        held = db.execute("SELECT user_id, org_code FROM member_roles WHERE role_id = ? ORDER BY org_code", (role_id,))
        codes = grouped(held, "user_id")
    users = [{"id": row["id"], "org_codes": [item["org_code"] for item in codes[row["id"]]]} for row in rows]
    return call.done(users=users, **following)


@router.get("/api/v1/organizations/{org_code}/roles/{role_id}/users")
async def get_organization_role_users(
    call: Annotated[Call[TokenQuery], needs("read:organization_user_roles", TokenQuery)], org_code: str, role_id: str
) -> Response:
    """Lists who has a role in an organization."""
    with call.store.transaction() as db:
        find_organization(db, org_code, call.settings)
        _find(db, "roles", role_id)
        rows, following = token_page(
            call,
            "SELECT user_id AS id FROM member_roles",
            where=["org_code = ?", "role_id = ?"],
            values=[org_code, role_id],
            sorts={"id_asc": "user_id"},
            default="id_asc",
        )
    return call.done(users=[dict(row) for row in rows], **following)


@router.get("/api/v1/organizations/{org_code}/roles/{role_id}/users/count")
async def get_organization_role_users_count(
    call: Annotated[Call[Query], needs("read:organization_user_roles")], org_code: str, role_id: str
) -> Response:
    """Counts who has a role in an organization."""
    with call.store.transaction() as db:
        find_organization(db, org_code, call.settings)
        _find(db, "roles", role_id)
        sql = "SELECT count(*) FROM member_roles WHERE org_code = ? AND role_id = ?"
        return call.done(count=number(db, sql, org_code, role_id))
