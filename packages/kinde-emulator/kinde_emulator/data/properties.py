"""Property definitions and values in the database: what operations and seeds share."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any, Literal

from kinde_emulator.data.store import insert, new_id, one
from kinde_emulator.errors import bad

Context = Literal["usr", "org"]

VALUE_TABLES: dict[Context, tuple[str, str]] = {
    "usr": ("user_properties", "user_id"),
    "org": ("organization_properties", "org_code"),
}
"""Context of a property -> the table of its values, and that table's column of owners."""

BUILT_IN = (
    "city", "industry", "job_title", "middle_name", "postcode", "salutation", "state_region", "street_address",
    "street_address_2",
)  # fmt: skip
"""Kinde's own properties of users: ``kp_usr_`` and one of these."""


def define_built_in(db: sqlite3.Connection) -> None:
    """Defines those of Kinde's own properties of users that are missing.

    :param db: the tenant's database, inside a transaction.
    """
    for name in BUILT_IN:
        if one(db, "SELECT 1 FROM properties WHERE key = ?", f"kp_usr_{name}") is None:
            define(db, f"kp_usr_{name}", name.replace("_", " ").capitalize(), "usr", is_kinde_property=True)


def define(db: sqlite3.Connection, key: str, name: str, context: str, **more: Any) -> str:
    """Adds a property definition.

    :param db: the tenant's database, inside a transaction.
    :param key: the property's key.
    :param name: the property's name.
    :param context: ``usr``, ``org`` or ``app``.
    :param more: further columns.
    :returns: the definition's id.
    """
    values = {"id": new_id("prop"), "type": "single_line_text", **more}
    insert(db, "properties", key=key, name=name, context=context, **values)
    return str(values["id"])


def set_values(db: sqlite3.Connection, context: Context, owner: str, values: Mapping[str, str | None]) -> None:
    """Sets property values of a user or an organization.

    :param db: the tenant's database, inside a transaction.
    :param context: ``usr`` or ``org``.
    :param owner: the user's id or the organization's code.
    :param values: value by key; ``None`` removes a value.
    :raises ApiError: 400 for a property that is not defined.
    """
    table, column = VALUE_TABLES[context]
    for key, value in values.items():
        row = one(db, "SELECT id FROM properties WHERE context = ? AND key = ?", context, key)
        if row is None:
            raise bad("PROPERTY_NOT_FOUND", f"Property not found: {key}", "properties")
        if value is None:
            db.execute(f"DELETE FROM {table} WHERE {column} = ? AND property_id = ?", (owner, row["id"]))
        else:
            sql = f"INSERT OR REPLACE INTO {table} ({column}, property_id, value) VALUES (?, ?, ?)"
            db.execute(sql, (owner, row["id"], value))
