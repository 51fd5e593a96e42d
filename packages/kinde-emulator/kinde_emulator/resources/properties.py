"""``/properties``: the definitions of properties."""

from __future__ import annotations

import sqlite3
from typing import Literal

from kinde_emulator.data.properties import define
from kinde_emulator.data.store import one, update
from kinde_emulator.errors import ApiError, bad
from kinde_emulator.server.http import Response
from kinde_emulator.server.operations import Body, Call, Query, delete, get, post, put
from kinde_emulator.server.pagination import CursorQuery, cursor_page


class ListProperties(CursorQuery):
    """Query parameters of the list."""

    context: Literal["usr", "org", "app"] | None = None


class CreateProperty(Body):
    """A property to define."""

    name: str
    description: str | None = None
    key: str
    type: Literal["single_line_text", "multi_line_text"]
    context: Literal["org", "usr", "app"]
    is_private: bool
    category_id: str


class UpdateProperty(Body):
    """The fields of a definition that can change."""

    name: str
    description: str | None = None
    is_private: bool
    category_id: str


@get("/properties", scope="read:properties")
def get_properties(call: Call[ListProperties]) -> Response:
    """Lists the property definitions.

    :param call: the checked request, with its query parameters.
    """
    where, values = (["context = ?"], [call.query.context]) if call.query.context else ([], [])
    rows, more = cursor_page(call, "SELECT * FROM properties", where=where, values=values)
    shown = [
        {
            "id": row["id"],
            "key": row["key"],
            "name": row["name"],
            "is_private": bool(row["is_private"]),
            "description": row["description"],
            "is_kinde_property": bool(row["is_kinde_property"]),
        }
        for row in rows
    ]
    return call.success(properties=shown, has_more=more)


@post("/properties", scope="create:properties")
def create_property(call: Call[Query], body: CreateProperty) -> Response:
    """Defines a property.

    :param call: the checked request, with its query parameters.
    :param body: the checked JSON body.
    :raises ApiError: 400 if something that was sent is wrong.
    """
    _check_category(call.db, body.category_id)
    sql = "SELECT 1 FROM properties WHERE context = ? AND key = ?"
    if one(call.db, sql, body.context, body.key) is not None:
        raise bad("PROPERTY_KEY_ALREADY_EXISTS", f"The key {body.key} is in use", "key")
    property_id = define(call.db, **body.to_dict())
    return call.success(201, message="Property successfully created", property={"id": property_id})


@put("/properties/{property_id}", scope="update:properties")
def update_property(call: Call[Query], property_id: str, body: UpdateProperty) -> Response:
    """Changes a property definition.

    :param call: the checked request, with its query parameters.
    :param property_id: Kinde's id of the property.
    :param body: the checked JSON body.
    :raises ApiError: 404 if there is no such object.
    """
    _find(call.db, property_id)
    _check_category(call.db, body.category_id)
    update(call.db, "properties", "id", property_id, **body.to_dict())
    return call.success(message="Property successfully updated")


@delete("/properties/{property_id}", scope="delete:properties")
def delete_property(call: Call[Query], property_id: str) -> Response:
    """Deletes a property definition and all of its values.

    :param call: the checked request, with its query parameters.
    :param property_id: Kinde's id of the property.
    :raises ApiError: 404 if there is no such object; 400 if something that was sent is wrong.
    """
    if _find(call.db, property_id)["is_kinde_property"]:
        raise bad("KINDE_PROPERTY", "Kinde's own properties cannot be deleted")
    call.db.execute("DELETE FROM properties WHERE id = ?", (property_id,))
    return call.success(message="Property successfully deleted")


def _find(db: sqlite3.Connection, property_id: str) -> sqlite3.Row:
    row = one(db, "SELECT * FROM properties WHERE id = ?", property_id)
    if row is None:
        raise ApiError(404, "PROPERTY_NOT_FOUND", "Property not found")
    return row


def _check_category(db: sqlite3.Connection, category_id: str) -> None:
    if one(db, "SELECT 1 FROM categories WHERE id = ?", category_id) is None:
        raise bad("CATEGORY_NOT_FOUND", "Property category not found", "category_id")
