"""Property definitions, their categories, and the values that users and organizations have."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response

from .calls import Body, Call, Query, needs
from .errors import ApiError, bad
from .organizations import find_organization
from .paging import CursorQuery, cursor_page, end
from .people import find_user
from .store import insert, new_id, one, update

router = APIRouter()

BUILT_IN = (
    "city", "industry", "job_title", "middle_name", "postcode", "salutation", "state_region", "street_address",
    "street_address_2",
)  # fmt: skip
"""Kinde's own properties of users: ``kp_usr_`` and one of these."""


def define_built_in(db: sqlite3.Connection) -> None:
    """Defines Kinde's own properties of users, where they are missing."""
    for name in BUILT_IN:
        if one(db, "SELECT 1 FROM properties WHERE key = ?", f"kp_usr_{name}") is None:
            define(db, f"kp_usr_{name}", name.replace("_", " ").capitalize(), "usr", is_kinde_property=True)


def define(db: sqlite3.Connection, key: str, name: str, context: str, **more: Any) -> str:
    """Adds a definition.

    :returns: its id.
    """
    values = {"id": new_id("prop"), "type": "single_line_text", **more}
    insert(db, "properties", key=key, name=name, context=context, **values)
    return str(values["id"])


class ListProperties(CursorQuery):
    """GET /properties."""

    context: Literal["usr", "org", "app"] | None = None


@router.get("/api/v1/properties")
async def get_properties(call: Annotated[Call[ListProperties], needs("read:properties", ListProperties)]) -> Response:
    """Lists property definitions."""
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
    return call.done(properties=shown, has_more=more)


class CreateProperty(Body):
    """POST /properties."""

    name: str
    description: str | None = None
    key: str
    type: Literal["single_line_text", "multi_line_text"]
    context: Literal["org", "usr", "app"]
    is_private: bool
    category_id: str


@router.post("/api/v1/properties")
async def create_property(call: Annotated[Call[Query], needs("create:properties")], body: CreateProperty) -> Response:
    """Defines a property."""
    with call.store.transaction() as db:
        _category(db, body.category_id)
        if one(db, "SELECT 1 FROM properties WHERE context = ? AND key = ?", body.context, body.key) is not None:
            raise bad("PROPERTY_KEY_ALREADY_EXISTS", f"The key {body.key} is in use", "key")
        property_id = define(db, **body.model_dump())
    return call.done(201, message="Property successfully created", property={"id": property_id})


def _category(db: sqlite3.Connection, category_id: str) -> None:
    if one(db, "SELECT 1 FROM categories WHERE id = ?", category_id) is None:
        raise bad("CATEGORY_NOT_FOUND", "Property category not found", "category_id")


class UpdateProperty(Body):
    """PUT /properties/{id}."""

    name: str
    description: str | None = None
    is_private: bool
    category_id: str


def _find(db: sqlite3.Connection, property_id: str) -> sqlite3.Row:
    row = one(db, "SELECT * FROM properties WHERE id = ?", property_id)
    if row is None:
        raise ApiError(404, "PROPERTY_NOT_FOUND", "Property not found")
    return row


@router.put("/api/v1/properties/{property_id}")
async def update_property(
    call: Annotated[Call[Query], needs("update:properties")], property_id: str, body: UpdateProperty
) -> Response:
    """Changes a definition."""
    with call.store.transaction() as db:
        _find(db, property_id)
        _category(db, body.category_id)
        update(db, "properties", "id", property_id, **body.model_dump())
    return call.done(message="Property successfully updated")


@router.delete("/api/v1/properties/{property_id}")
async def delete_property(call: Annotated[Call[Query], needs("delete:properties")], property_id: str) -> Response:
    """Deletes a definition, and all values with it."""
    with call.store.transaction() as db:
        if _find(db, property_id)["is_kinde_property"]:
            raise bad("KINDE_PROPERTY", "Kinde's own properties cannot be deleted")
        db.execute("DELETE FROM properties WHERE id = ?", (property_id,))
    return call.done(message="Property successfully deleted")


class ListCategories(CursorQuery):
    """GET /property_categories."""

    context: Literal["usr", "org"] | None = None


@router.get("/api/v1/property_categories")
async def get_categories(
    call: Annotated[Call[ListCategories], needs("read:property_categories", ListCategories)],
) -> Response:
    """Lists categories of properties."""
    where, values = (["context = ?"], [call.query.context]) if call.query.context else ([], [])
    rows, more = cursor_page(call, "SELECT id, name FROM categories", where=where, values=values)
    return call.done(categories=[dict(row) for row in rows], has_more=more)


class CreateCategory(Body):
    """POST /property_categories."""

    name: str
    context: Literal["org", "usr", "app"]


@router.post("/api/v1/property_categories")
async def create_category(
    call: Annotated[Call[Query], needs("create:property_categories")], body: CreateCategory
) -> Response:
    """Creates a category."""
    category_id = new_id("category")
    with call.store.transaction() as db:
        insert(db, "categories", id=category_id, name=body.name, context=body.context)
    return call.done(201, message="Category successfully created", category={"id": category_id})


class UpdateCategory(Body):
    """PUT /property_categories/{id}."""

    name: str


@router.put("/api/v1/property_categories/{category_id}")
async def update_category(
    call: Annotated[Call[Query], needs("update:property_categories")], category_id: str, body: UpdateCategory
) -> Response:
    """Renames a category."""
    with call.store.transaction() as db:
        if one(db, "SELECT 1 FROM categories WHERE id = ?", category_id) is None:
            raise ApiError(404, "CATEGORY_NOT_FOUND", "Property category not found")
        update(db, "categories", "id", category_id, name=body.name)
    return call.done(message="Category successfully updated")


class Values(Body):
    """Property values by key; ``null`` takes one away."""

    properties: dict[str, str | None]


class Value(Query):
    """PUT …/properties/{key}."""

    value: str


OWNERS = {"usr": ("user_properties", "user_id"), "org": ("organization_properties", "org_code")}


def set_values(
    db: sqlite3.Connection, context: Literal["usr", "org"], owner: str, values: Mapping[str, str | None]
) -> None:
    """Sets property values of a user or an organization.

    :raises ApiError: 400 for a property that is not defined.
    """
    table, column = OWNERS[context]
    for key, value in values.items():
        row = one(db, "SELECT id FROM properties WHERE context = ? AND key = ?", context, key)
        if row is None:
            raise bad("PROPERTY_NOT_FOUND", f"Property not found: {key}", "properties")
        if value is None:
            db.execute(f"DELETE FROM {table} WHERE {column} = ? AND property_id = ?", (owner, row["id"]))
        else:
            sql = f"INSERT OR REPLACE INTO {table} ({column}, property_id, value) VALUES (?, ?, ?)"
            db.execute(sql, (owner, row["id"], value))


def _values(db: sqlite3.Connection, context: Literal["usr", "org"], owner: str) -> list[dict[str, Any]]:
    table, column = OWNERS[context]
    sql = f"""SELECT id, name, description, key, value FROM properties
              LEFT JOIN {table} ON property_id = id AND {column} = ? WHERE context = ? ORDER BY key"""
    return [dict(row) for row in db.execute(sql, (owner, context))]


@router.get("/api/v1/users/{user_id}/properties")
async def get_user_property_values(
    call: Annotated[Call[Query], needs("read:user_properties")], user_id: str
) -> Response:
    """Lists all properties that a user can have, with the user's values."""
    with call.store.transaction() as db:
        find_user(db, user_id, call.settings)
        return call.done(properties=_values(db, "usr", user_id), **end(call.settings))


@router.patch("/api/v1/users/{user_id}/properties")
async def update_user_properties(
    call: Annotated[Call[Query], needs("update:user_properties")], user_id: str, body: Values
) -> Response:
    """Sets several values of a user."""
    with call.store.transaction() as db:
        find_user(db, user_id, call.settings)
        set_values(db, "usr", user_id, body.properties)
    return call.done(message="Properties successfully updated")


@router.put("/api/v1/users/{user_id}/properties/{property_key}")
async def update_user_property(
    call: Annotated[Call[Value], needs("update:user_properties", Value)], user_id: str, property_key: str
) -> Response:
    """Sets one value of a user."""
    with call.store.transaction() as db:
        find_user(db, user_id, call.settings)
        set_values(db, "usr", user_id, {property_key: call.query.value})
    return call.done(message="Property successfully updated")


@router.get("/api/v1/organizations/{org_code}/properties")
async def get_organization_property_values(
    call: Annotated[Call[Query], needs("read:organization_properties")], org_code: str
) -> Response:
    """Lists all properties that an organization can have, with its values."""
    with call.store.transaction() as db:
        find_organization(db, org_code, call.settings)
        return call.done(properties=_values(db, "org", org_code), **end(call.settings))


@router.patch("/api/v1/organizations/{org_code}/properties")
async def update_organization_properties(
    call: Annotated[Call[Query], needs("update:organization_properties")], org_code: str, body: Values
) -> Response:
    """Sets several values of an organization."""
    with call.store.transaction() as db:
        find_organization(db, org_code, call.settings)
        set_values(db, "org", org_code, body.properties)
    return call.done(message="Properties successfully updated")


@router.put("/api/v1/organizations/{org_code}/properties/{property_key}")
async def update_organization_property(
    call: Annotated[Call[Value], needs("update:organization_properties", Value)], org_code: str, property_key: str
) -> Response:
    """Sets one value of an organization."""
    with call.store.transaction() as db:
        find_organization(db, org_code, call.settings)
        set_values(db, "org", org_code, {property_key: call.query.value})
    return call.done(message="Property successfully updated")
