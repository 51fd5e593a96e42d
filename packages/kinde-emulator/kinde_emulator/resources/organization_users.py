"""``/organizations/{org_code}/users``: list, add, update and remove the members of an organization."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any, Literal

from kinde_emulator.data.organizations import add_member, find_member, find_organization, refuse_managed, require_member
from kinde_emulator.data.store import grouped, one
from kinde_emulator.errors import ApiError, bad
from kinde_emulator.server.http import Response, error_response
from kinde_emulator.server.operations import Body, Call, Query, comma_separated, delete, get, patch, post
from kinde_emulator.server.pagination import TokenQuery, token_page
from kinde_emulator.settings import Settings

USERS = "/organizations/{org_code}/users"
FULL_NAME = "trim(coalesce(first_name, '') || ' ' || coalesce(last_name, ''))"
SORTS = {
    "id_asc": "members.user_id",
    "name_asc": f"{FULL_NAME} COLLATE NOCASE, members.user_id",
    "name_desc": f"{FULL_NAME} COLLATE NOCASE DESC, members.user_id DESC",
    "email_asc": "email COLLATE NOCASE, members.user_id",
    "email_desc": "email COLLATE NOCASE DESC, members.user_id DESC",
}


class ListMembers(TokenQuery):
    """Query parameters of the list."""

    sort: Literal["name_asc", "name_desc", "email_asc", "email_desc"] | None = None
    roles: str | None = None
    permissions: str | None = None


HELD = """(SELECT permissions.key FROM member_permissions JOIN permissions ON permissions.id = permission_id
           WHERE org_code = members.org_code AND user_id = members.user_id
           UNION SELECT permissions.key FROM member_roles JOIN role_permissions USING (role_id)
           JOIN permissions ON permissions.id = permission_id
           WHERE org_code = members.org_code AND user_id = members.user_id)"""


@get(USERS, scope="read:organization_users")
def get_organization_users(call: Call[ListMembers], org_code: str) -> Response:
    """Lists members; with several roles or permissions in the filter, a member must have all of them.

    :param call: the checked request, with its query parameters.
    :param org_code: code of the organization.
    :raises ApiError: 404 if there is no such organization.
    """
    where, values = ["members.org_code = ?"], [org_code]
    for key in comma_separated(call.query.roles) or []:
        where.append(
            "EXISTS (SELECT 1 FROM member_roles JOIN roles ON roles.id = role_id"
            " WHERE org_code = members.org_code AND user_id = members.user_id AND roles.key = ?)"
        )
        values.append(key)
    for key in comma_separated(call.query.permissions) or []:
        where.append(f"? IN {HELD}")
        values.append(key)
    find_organization(call.db, org_code, call.settings)
    rows, following = token_page(
        call,
        f"SELECT users.*, joined_on, last_accessed_on, {FULL_NAME} AS full_name"
        " FROM members JOIN users ON users.id = members.user_id",
        where=where,
        values=values,
        sorts=SORTS,
        default="id_asc",
    )
    keys = _role_keys(call.db, org_code, [row["id"] for row in rows])
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
    return call.success(organization_users=users, **following)


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
    """The users to add."""

    users: list[NewMember]


class ChangedMember(NewMember):
    """A user to add, update or remove."""

    operation: Literal["delete"] | None = None


class ChangeMembers(Body):
    """The users to add, update and remove."""

    users: list[ChangedMember]


@post(USERS, scope="create:organization_users")
def add_organization_users(call: Call[Query], org_code: str, body: AddMembers) -> Response:
    """Adds users to an organization.

    :param call: the checked request, with its query parameters.
    :param org_code: code of the organization.
    :param body: the checked JSON body.
    :raises ApiError: 404 if there is no such organization; 400 if a directory manages the organization.
    """
    db, settings, failures = call.db, call.settings, _Failures(call.settings)
    _check_bulk(body.users, settings)
    find_organization(db, org_code, settings)
    refuse_managed(db, org_code, settings)
    added = []
    for user in body.users:
        with failures:
            _require_user(db, user.id)
            roles, permissions = _ids(db, "roles", user.roles), _ids(db, "permissions", user.permissions)
            if not add_member(db, org_code, user.id, default_roles=user.roles is None):
                if settings.add_existing_member == "409":
                    raise ApiError(409, "USER_ALREADY_IN_ORGANIZATION", f"{user.id} is in the organization already")
                continue
            _grant(db, "role", org_code, user.id, roles)
            _grant(db, "permission", org_code, user.id, permissions)
            added.append(user.id)
    if failures.refusal is not None:
        return failures.refusal
    if not added and settings.add_existing_member == "204":
        return Response(204)
    return call.success(message="Users successfully added", users_added=added)


@patch(USERS, scope="update:organization_users")
def update_organization_users(call: Call[Query], org_code: str, body: ChangeMembers) -> Response:
    """Adds, updates and removes members, mixed.

    :param call: the checked request, with its query parameters.
    :param org_code: code of the organization.
    :param body: the checked JSON body.
    :raises ApiError: 404 if there is no such organization; 400 if a directory manages the organization.
    """
    settings, failures = call.settings, _Failures(call.settings)
    _check_bulk(body.users, settings)
    find_organization(call.db, org_code, settings)
    refuse_managed(call.db, org_code, settings)
    done: dict[str, list[str]] = {"users_added": [], "users_updated": [], "users_removed": []}
    for user in body.users:
        with failures:
            done[_change(call.db, org_code, user, settings)].append(user.id)
    return failures.refusal or call.success(**dict[str, Any](done))


@delete(USERS + "/{user_id}", scope="delete:organization_users")
def remove_organization_user(call: Call[Query], org_code: str, user_id: str) -> Response:
    """Removes a member from an organization.

    :param call: the checked request, with its query parameters.
    :param org_code: code of the organization.
    :param user_id: Kinde's id of the user.
    :raises ApiError: 404 if there is no such user or organization, 400 if the user is no member; 400 if a directory
        manages the organization.
    """
    refuse_managed(call.db, org_code, call.settings)
    find_member(call.db, org_code, user_id, call.settings)
    _remove(call.db, org_code, user_id)
    return call.success()


def _check_bulk(users: Sequence[NewMember], settings: Settings) -> None:
    if len(users) > settings.max_bulk:
        message = f"At most {settings.max_bulk} users can be sent at once, not {len(users)}"
        raise bad("BULK_LIMIT_EXCEEDED", message, "users")


def _change(db: sqlite3.Connection, org_code: str, user: ChangedMember, settings: Settings) -> str:
    _require_user(db, user.id)
    if user.operation == "delete":
        require_member(db, org_code, user.id)
        _remove(db, org_code, user.id)
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
    """What happens to a request with a user who cannot be changed: a context manager around the work for each user.

    The setting ``bulk_failure`` says whether the whole request is undone (``atomic``), the others are changed and the
    request is refused (``partial``), or the others are changed and nothing is said (``silent``).
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._first: ApiError | None = None

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, ApiError) or self._settings.bulk_failure == "atomic":
            return False
        self._first = self._first or error
        return True

    @property
    def refusal(self) -> Response | None:
        """The response that refuses the request, or ``None``. It is returned, not raised: the changes are kept."""
        if self._first is None or self._settings.bulk_failure == "silent":
            return None
        return error_response(self._first, self._settings)


def _require_user(db: sqlite3.Connection, user_id: str) -> None:
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


def _remove(db: sqlite3.Connection, org_code: str, user_id: str) -> None:
    db.execute("DELETE FROM members WHERE org_code = ? AND user_id = ?", (org_code, user_id))
