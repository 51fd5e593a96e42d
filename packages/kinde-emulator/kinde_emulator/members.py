"""Users of an organization: list, add, update, remove."""

from __future__ import annotations

import json
import sqlite3
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response

from .calls import Body, Call, Query, listed, needs
from .directories import refuse_if_kept
from .errors import ApiError, bad
from .organizations import find_organization
from .paging import TokenQuery, token_page
from .people import add_member, find_user
from .settings import Settings
from .store import grouped, one

router = APIRouter()

FULL_NAME = "trim(coalesce(first_name, '') || ' ' || coalesce(last_name, ''))"
SORTS = {
    "id_asc": "members.user_id",
    "name_asc": f"{FULL_NAME} COLLATE NOCASE, members.user_id",
    "name_desc": f"{FULL_NAME} COLLATE NOCASE DESC, members.user_id DESC",
    "email_asc": "email COLLATE NOCASE, members.user_id",
    "email_desc": "email COLLATE NOCASE DESC, members.user_id DESC",
}


class ListMembers(TokenQuery):
    """GET /organizations/{code}/users."""

    sort: Literal["name_asc", "name_desc", "email_asc", "email_desc"] | None = None
    roles: str | None = None
    permissions: str | None = None


HELD = """(SELECT permissions.key FROM member_permissions JOIN permissions ON permissions.id = permission_id
           WHERE org_code = members.org_code AND user_id = members.user_id
           UNION SELECT permissions.key FROM member_roles JOIN role_permissions USING (role_id)
           JOIN permissions ON permissions.id = permission_id
           WHERE org_code = members.org_code AND user_id = members.user_id)"""


@router.get("/api/v1/organizations/{org_code}/users")
async def get_organization_users(
    call: Annotated[Call[ListMembers], needs("read:organization_users", ListMembers)], org_code: str
) -> Response:
    """Lists members; of several roles or permissions in a filter, all must match."""
    where, values = ["members.org_code = ?"], [org_code]
    for key in listed(call.query.roles) or []:
        where.append(
            "EXISTS (SELECT 1 FROM member_roles JOIN roles ON roles.id = role_id"
            " WHERE org_code = members.org_code AND user_id = members.user_id AND roles.key = ?)"
        )
        values.append(key)
    for key in listed(call.query.permissions) or []:
        where.append(f"? IN {HELD}")
        values.append(key)
    with call.store.transaction() as db:
        find_organization(db, org_code, call.settings)
        rows, following = token_page(
            call,
            f"SELECT users.*, joined_on, last_accessed_on, {FULL_NAME} AS full_name"
            " FROM members JOIN users ON users.id = members.user_id",
            where=where,
            values=values,
            sorts=SORTS,
            default="id_asc",
        )
        keys = _role_keys(db, org_code, [row["id"] for row in rows])
    users = [
        {
            "id": row["id"],
            "email": row["email"],
            "full_name": row["full_name"],
            "last_name": row["last_name"],
            "first_name": row["first_name"],
            "picture": row["picture"],
            "joined_on": row["joined_on"],
            "last_accessed_on": row["last_accessed_on"],
            "is_suspended": bool(row["is_suspended"]),
            "roles": [item["key"] for item in keys.get(row["id"], [])],
        }
        for row in rows
    ]
    return call.done(organization_users=users, **following)


def _role_keys(db: sqlite3.Connection, org_code: str, ids: list[str]) -> dict[str, list[sqlite3.Row]]:
    sql = """SELECT user_id, key FROM member_roles JOIN roles ON roles.id = role_id
             WHERE org_code = ? AND user_id IN (SELECT value FROM json_each(?)) ORDER BY key"""
    return grouped(db.execute(sql, (org_code, json.dumps(ids))), "user_id")


class NewMember(Body):
    """A user to add."""

    id: str
    roles: list[str] | None = None
    permissions: list[str] | None = None


class AddMembers(Body):
    """POST /organizations/{code}/users."""

    users: list[NewMember]


class ChangedMember(NewMember):
    """A user to add, update or remove."""

    operation: Literal["delete"] | None = None


class ChangeMembers(Body):
    """PATCH /organizations/{code}/users."""

    users: list[ChangedMember]


def _bulk(users: list[Any], settings: Settings) -> None:
    if len(users) > settings.max_bulk:
        message = f"At most {settings.max_bulk} users can be sent at once, not {len(users)}"
        raise bad("BULK_LIMIT_EXCEEDED", message, "users")


@router.post("/api/v1/organizations/{org_code}/users")
async def add_organization_users(
    call: Annotated[Call[Query], needs("create:organization_users")], org_code: str, body: AddMembers
) -> Response:
    """Adds members."""
    settings, failures = call.settings, _Failures(call.settings)
    _bulk(body.users, settings)
    added = []
    with call.store.transaction() as db:
        find_organization(db, org_code, settings)
        refuse_if_kept(db, org_code, settings)
        for user in body.users:
            with failures:
                _known_user(db, user.id)
                roles, permissions = _ids(db, "roles", user.roles), _ids(db, "permissions", user.permissions)
                if not add_member(db, org_code, user.id, default_roles=user.roles is None):
                    if settings.add_existing_member == "409":
                        raise ApiError(409, "USER_ALREADY_IN_ORGANIZATION", f"{user.id} is in the organization already")
                    continue
                _grant(db, "role", org_code, user.id, roles)
                _grant(db, "permission", org_code, user.id, permissions)
                added.append(user.id)
    failures.tell()
    if not added and settings.add_existing_member == "204":
        return Response(status_code=204)
    return call.done(message="Users successfully added", users_added=added)


@router.patch("/api/v1/organizations/{org_code}/users")
async def update_organization_users(
    call: Annotated[Call[Query], needs("update:organization_users")], org_code: str, body: ChangeMembers
) -> Response:
    """Adds, changes and removes members, mixed."""
    settings, failures = call.settings, _Failures(call.settings)
    _bulk(body.users, settings)
    done: dict[str, list[str]] = {"users_added": [], "users_updated": [], "users_removed": []}
    with call.store.transaction() as db:
        find_organization(db, org_code, settings)
        refuse_if_kept(db, org_code, settings)
        for user in body.users:
            with failures:
                done[_change(db, org_code, user, settings)].append(user.id)
    failures.tell()
    return call.done(**dict[str, Any](done))


def _change(db: sqlite3.Connection, org_code: str, user: ChangedMember, settings: Settings) -> str:
    _known_user(db, user.id)
    if user.operation == "delete":
        remove_member(db, org_code, user.id)
        return "users_removed"
    roles, permissions = _ids(db, "roles", user.roles), _ids(db, "permissions", user.permissions)
    added = add_member(db, org_code, user.id, default_roles=user.roles is None)
    if user.roles is not None and settings.patch_roles == "replace":
        db.execute("DELETE FROM member_roles WHERE org_code = ? AND user_id = ?", (org_code, user.id))
    if user.permissions is not None or settings.patch_without_permissions == "clear":
        db.execute("DELETE FROM member_permissions WHERE org_code = ? AND user_id = ?", (org_code, user.id))
    _grant(db, "role", org_code, user.id, roles)
    _grant(db, "permission", org_code, user.id, permissions)
    return "users_added" if added else "users_updated"


class _Failures:
    """What becomes of a chunk with a bad user in it: a context manager around the work for each user."""

    def __init__(self, settings: Settings) -> None:
        self._mode = settings.bulk_failure
        self._first: ApiError | None = None

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, ApiError) or self._mode == "atomic":
            return False
        self._first = self._first or error
        return True

    def tell(self) -> None:
        """Raises what went wrong, after the transaction with the good ones."""
        if self._first is not None and self._mode == "partial":
            raise self._first


def _known_user(db: sqlite3.Connection, user_id: str) -> None:
    if one(db, "SELECT 1 FROM users WHERE id = ?", user_id) is None:
        raise bad("USER_NOT_FOUND", f"User not found: {user_id}", "users")


def _ids(db: sqlite3.Connection, table: Literal["roles", "permissions"], keys: list[str] | None) -> list[str]:
    ids = []
    for key in dict.fromkeys(keys or []):
        row = one(db, f"SELECT id FROM {table} WHERE key = ?", key)
        if row is None:
            raise bad(f"{table[:-1].upper()}_NOT_FOUND", f"Unknown {table[:-1]} key: {key}", table)
        ids.append(row["id"])
    return ids


def _grant(
    db: sqlite3.Connection, kind: Literal["role", "permission"], org_code: str, user_id: str, ids: list[str]
) -> None:
    sql = f"INSERT OR IGNORE INTO member_{kind}s (org_code, user_id, {kind}_id) VALUES (?, ?, ?)"
    db.executemany(sql, [(org_code, user_id, item) for item in ids])


def member_or_400(db: sqlite3.Connection, org_code: str, user_id: str) -> None:
    """Checks that a user is in an organization.

    :raises ApiError: 400 USER_NOT_IN_ORGANIZATION.
    """
    if one(db, "SELECT 1 FROM members WHERE org_code = ? AND user_id = ?", org_code, user_id) is None:
        raise bad("USER_NOT_IN_ORGANIZATION", "User is not in the organization")


def remove_member(db: sqlite3.Connection, org_code: str, user_id: str) -> None:
    """Takes a user out of an organization.

    :raises ApiError: 400 if the user is not in it.
    """
    member_or_400(db, org_code, user_id)
    db.execute("DELETE FROM members WHERE org_code = ? AND user_id = ?", (org_code, user_id))


@router.delete("/api/v1/organizations/{org_code}/users/{user_id}")
async def remove_organization_user(
    call: Annotated[Call[Query], needs("delete:organization_users")], org_code: str, user_id: str
) -> Response:
    """Takes a member out."""
    with call.store.transaction() as db:
        find_organization(db, org_code, call.settings)
        refuse_if_kept(db, org_code, call.settings)
        find_user(db, user_id, call.settings)
        remove_member(db, org_code, user_id)
    return call.done()
