"""Users as responses show them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

from kinde_emulator.data.store import grouped
from kinde_emulator.data.users import identities_of
from kinde_emulator.settings import Settings


def shown_users(
    db: sqlite3.Connection, settings: Settings, rows: Sequence[sqlite3.Row], expand: set[str], *, search: bool = False
) -> list[dict[str, Any]]:
    """Users as responses show them. Each part of ``expand`` is read once for all users.

    :param db: the tenant's database, inside a transaction.
    :param settings: the tenant's settings.
    :param rows: rows of ``users``.
    :param expand: ``organizations``, ``identities``, ``properties`` and ``billing``, as many as are asked for.
    :param search: whether the users are results of the search, which shows no telephone number.
    """
    ids = [row["id"] for row in rows]
    json_ids = json.dumps(ids)
    identities = identities_of(db, ids) if "identities" in expand else {}
    organizations = _organizations_of(db, json_ids) if "organizations" in expand else {}
    properties = _properties_of(db, json_ids) if "properties" in expand else {}
    sso = _without_email(db, json_ids) if settings.sso_email == "null" else set()
    users = []
    for row in rows:
        user = {
            "id": row["id"],
            "provided_id": row["provided_id"],
            "email": None if row["id"] in sso else row["email"],
            "phone": row["phone"],
            "username": row["username"],
            "last_name": row["last_name"],
            "first_name": row["first_name"],
            "is_suspended": bool(row["is_suspended"]),
            "picture": row["picture"],
            "total_sign_ins": row["total_sign_ins"],
            "failed_sign_ins": row["failed_sign_ins"],
            "last_signed_in": row["last_signed_in"],
            "created_on": row["created_on"],
        }
        if search:
            del user["phone"]
        if "organizations" in expand:
            codes = [member["org_code"] for member in organizations.get(row["id"], [])]
            objects = settings.expand_organizations == "objects"
            user["organizations"] = [{"code": code} for code in codes] if objects else codes
        if "identities" in expand:
            user["identities"] = [
                {"type": item["type"], "identity": item["value"]}
                | ({} if item["connection_id"] is None else {"connection_id": item["connection_id"]})
                for item in identities[row["id"]]
            ]
        if "properties" in expand:
            user["properties"] = {item["key"]: item["value"] for item in properties.get(row["id"], [])}
        if "billing" in expand:
            user["billing"] = {"customer_id": None}
        users.append(user)
    return users


def _without_email(db: sqlite3.Connection, json_ids: str) -> set[str]:
    sql = """SELECT value FROM json_each(?) WHERE NOT EXISTS
             (SELECT 1 FROM identities WHERE user_id = value AND type = 'email')"""
    return {row["value"] for row in db.execute(sql, (json_ids,))}


def _organizations_of(db: sqlite3.Connection, json_ids: str) -> dict[str, list[sqlite3.Row]]:
    sql = """SELECT user_id, org_code FROM members WHERE user_id IN (SELECT value FROM json_each(?))
             ORDER BY user_id, org_code"""
    return grouped(db.execute(sql, (json_ids,)), "user_id")


def _properties_of(db: sqlite3.Connection, json_ids: str) -> dict[str, list[sqlite3.Row]]:
    sql = """SELECT user_id, key, value FROM user_properties JOIN properties ON properties.id = property_id
             WHERE user_id IN (SELECT value FROM json_each(?)) ORDER BY key"""
    return grouped(db.execute(sql, (json_ids,)), "user_id")
