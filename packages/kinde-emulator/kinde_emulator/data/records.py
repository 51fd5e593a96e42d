"""Plain objects that nothing else in the tenant depends on: environment variables, webhooks, applications.

Each is a row of one table: its kind, its id, and its fields as JSON.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from kinde_emulator.data.store import insert, new_id, now, one
from kinde_emulator.errors import ApiError


def add_record(db: sqlite3.Connection, kind: str, prefix: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Adds an object.

    :param db: the tenant's database, inside a transaction.
    :param kind: what it is, such as ``webhook``.
    :param prefix: what its id begins with.
    :param fields: its fields.
    :returns: the object, with ``id`` and ``created_on``.
    """
    record_id, moment = new_id(prefix), now()
    insert(db, "records", id=record_id, kind=kind, fields=json.dumps(fields), created_on=moment)
    return {"id": record_id, **fields, "created_on": moment}


def find_record(db: sqlite3.Connection, kind: str, record_id: str) -> dict[str, Any]:
    """Reads an object.

    :param db: the tenant's database, inside a transaction.
    :param kind: what it is.
    :param record_id: its id.
    :raises ApiError: 404 if it does not exist.
    """
    row = one(db, "SELECT * FROM records WHERE kind = ? AND id = ?", kind, record_id)
    if row is None:
        raise ApiError(404, f"{kind.upper()}_NOT_FOUND", f"{kind.capitalize().replace('_', ' ')} not found")
    return record_of(row)


def change_record(db: sqlite3.Connection, kind: str, record_id: str, changes: dict[str, Any]) -> None:
    """Changes fields of an object.

    :param db: the tenant's database, inside a transaction.
    :param kind: what it is.
    :param record_id: its id.
    :param changes: the new values by field.
    :raises ApiError: 404 if it does not exist.
    """
    kept = find_record(db, kind, record_id)
    fields = {name: value for name, value in {**kept, **changes}.items() if name not in ("id", "created_on")}
    db.execute("UPDATE records SET fields = ? WHERE id = ?", (json.dumps(fields), record_id))


def delete_record(db: sqlite3.Connection, kind: str, record_id: str) -> None:
    """Deletes an object.

    :param db: the tenant's database, inside a transaction.
    :param kind: what it is.
    :param record_id: its id.
    :raises ApiError: 404 if it does not exist.
    """
    find_record(db, kind, record_id)
    db.execute("DELETE FROM records WHERE id = ?", (record_id,))


def list_records(db: sqlite3.Connection, kind: str) -> list[dict[str, Any]]:
    """Lists all objects of a kind, in the order of their creation.

    :param db: the tenant's database, inside a transaction.
    :param kind: what they are.
    """
    rows = db.execute("SELECT * FROM records WHERE kind = ? ORDER BY created_on, id", (kind,))
    return [record_of(row) for row in rows]


def record_of(row: sqlite3.Row) -> dict[str, Any]:
    """The object in a row of the table ``records``.

    :param row: the row.
    """
    return {"id": row["id"], **json.loads(row["fields"]), "created_on": row["created_on"]}
