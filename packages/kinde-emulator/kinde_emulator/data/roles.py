"""Roles and permissions in the database: what several operations share."""

from __future__ import annotations

import sqlite3
from typing import Literal

from kinde_emulator.data.store import one
from kinde_emulator.errors import ApiError, bad

Table = Literal["roles", "permissions"]


def find_role(db: sqlite3.Connection, role_id: str) -> sqlite3.Row:
    """Reads a role.

    :param db: the tenant's database, inside a transaction.
    :param role_id: the role's id.
    :raises ApiError: 404 if there is no such role.
    """
    return _find(db, "roles", role_id)


def find_permission(db: sqlite3.Connection, permission_id: str) -> sqlite3.Row:
    """Reads a permission.

    :param db: the tenant's database, inside a transaction.
    :param permission_id: the permission's id.
    :raises ApiError: 404 if there is no such permission.
    """
    return _find(db, "permissions", permission_id)


def require_unused_key(db: sqlite3.Connection, table: Table, key: str, item_id: str | None = None) -> None:
    """Checks that no other role or permission has a key.

    :param db: the tenant's database, inside a transaction.
    :param table: ``roles`` or ``permissions``.
    :param key: the key.
    :param item_id: the role or permission that gets the key; ``None`` for a new one.
    :raises ApiError: 400 if another one has it.
    """
    if one(db, f"SELECT 1 FROM {table} WHERE key = ? AND id IS NOT ?", key, item_id) is not None:
        raise bad(f"{table[:-1].upper()}_KEY_ALREADY_EXISTS", f"The key {key} is in use", "key")


def require_text(name: str, value: str | None) -> str:
    """Checks that a field was sent and is not empty.

    :param name: the field's name.
    :param value: its value.
    :returns: the value.
    :raises ApiError: 400 if it is missing.
    """
    if not value:
        raise bad("MISSING_FIELD", f"Missing field: {name}", name)
    return value


def _find(db: sqlite3.Connection, table: Table, item_id: str) -> sqlite3.Row:
    row = one(db, f"SELECT * FROM {table} WHERE id = ?", item_id)
    if row is None:
        kind = table[:-1]
        raise ApiError(404, f"{kind.upper()}_NOT_FOUND", f"{kind.capitalize()} not found")
    return row
