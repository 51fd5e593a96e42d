"""The whole tenant as plain data, in the form of a seed."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from kinde_emulator.data.store import Store, grouped

_WITH_PROPERTY = "JOIN properties ON properties.id = property_id ORDER BY key"
_WITH_PERMISSION = "JOIN permissions ON permissions.id = permission_id ORDER BY key"


def state(store: Store) -> dict[str, Any]:
    """Everything in the tenant, in the form that :func:`~.seeding.seed` takes.

    :param store: the tenant's database.
    """
    with store.transaction() as db:
        return {
            "organizations": _organizations(db),
            "permissions": _rows(db, "SELECT id, key, name, description FROM permissions ORDER BY key"),
            "roles": _roles(db),
            "properties": [
                {**row, "is_private": bool(row["is_private"]), "is_kinde_property": bool(row["is_kinde_property"])}
                for row in _rows(
                    db,
                    "SELECT id, key, name, description, context, type, is_private, is_kinde_property FROM properties"
                    " ORDER BY context, key",
                )
            ],
            "connections": [
                {**row, "domains": json.loads(row["domains"])}
                for row in _rows(db, "SELECT id, name, strategy, domains FROM connections ORDER BY name, id")
            ],
            "users": _users(db),
        }


def _rows(db: sqlite3.Connection, sql: str) -> list[dict[str, Any]]:
    return [dict(row) for row in db.execute(sql)]


def _organizations(db: sqlite3.Connection) -> list[dict[str, Any]]:
    values = grouped(
        db.execute(f"SELECT org_code, key, value FROM organization_properties {_WITH_PROPERTY}"), "org_code"
    )
    kept = _rows(db, "SELECT org_code, name, status FROM directories")
    directories = {row.pop("org_code"): row for row in kept}
    sql = "SELECT code, name, handle, external_id, is_default, is_suspended FROM organizations"
    return [
        {
            **row,
            "is_default": bool(row["is_default"]),
            "is_suspended": bool(row["is_suspended"]),
            "properties": {item["key"]: item["value"] for item in values.get(row["code"], [])},
            **({"directory": directories[row["code"]]} if row["code"] in directories else {}),
        }
        for row in _rows(db, f"{sql} ORDER BY is_default DESC, name, code")
    ]


def _roles(db: sqlite3.Connection) -> list[dict[str, Any]]:
    held = grouped(db.execute(f"SELECT role_id, key FROM role_permissions {_WITH_PERMISSION}"), "role_id")
    return [
        {
            **row,
            "is_default_role": bool(row["is_default_role"]),
            "permissions": [item["key"] for item in held.get(row["id"], [])],
        }
        for row in _rows(db, "SELECT id, key, name, description, is_default_role FROM roles ORDER BY key")
    ]


def _users(db: sqlite3.Connection) -> list[dict[str, Any]]:
    def by_user(sql: str) -> dict[str, list[sqlite3.Row]]:
        return grouped(db.execute(sql), "user_id")

    identities = by_user("SELECT * FROM identities ORDER BY user_id, is_primary DESC, created_on, id")
    values = by_user(f"SELECT user_id, key, value FROM user_properties {_WITH_PROPERTY}")
    members = by_user("SELECT user_id, org_code FROM members ORDER BY user_id, org_code")
    roles = by_user("SELECT user_id, org_code, key FROM member_roles JOIN roles ON roles.id = role_id ORDER BY key")
    by_hand = by_user(f"SELECT user_id, org_code, key FROM member_permissions {_WITH_PERMISSION}")
    sessions = by_user("SELECT user_id, id FROM sessions")
    api_keys = by_user("SELECT user_id, name FROM api_keys WHERE user_id IS NOT NULL ORDER BY user_id, name, id")
    columns = "id, email, first_name, last_name, picture, provided_id, created_on, last_signed_in, total_sign_ins"
    users = []
    for user in _rows(db, f"SELECT {columns}, is_suspended FROM users ORDER BY created_on, id"):
        user_id = user["id"]
        held = _keys(roles.get(user_id, []))
        users.append(
            {
                **user,
                "is_suspended": bool(user["is_suspended"]),
                "identities": [_identity(item) for item in identities.get(user_id, [])],
                "memberships": {item["org_code"]: held.get(item["org_code"], []) for item in members.get(user_id, [])},
                "permissions": _keys(by_hand.get(user_id, [])),
                "properties": {item["key"]: item["value"] for item in values.get(user_id, [])},
                "sessions": len(sessions.get(user_id, [])),
                "api_keys": [item["name"] for item in api_keys.get(user_id, [])],
            }
        )
    return users


def _keys(rows: list[sqlite3.Row]) -> dict[str, list[str]]:
    return {code: [item["key"] for item in items] for code, items in grouped(rows, "org_code").items()}


def _identity(row: sqlite3.Row) -> dict[str, Any]:
    return {
        **{name: row[name] for name in ("id", "type", "value", "connection_id")},
        "is_primary": bool(row["is_primary"]),
        "is_confirmed": None if row["is_confirmed"] is None else bool(row["is_confirmed"]),
    }
