"""``/property_categories``: the categories of properties."""

from __future__ import annotations

from typing import Literal

from kinde_emulator.data.store import insert, new_id, one, update
from kinde_emulator.errors import ApiError
from kinde_emulator.server.http import Response
from kinde_emulator.server.operations import Body, Call, Query, get, post, put
from kinde_emulator.server.pagination import CursorQuery, cursor_page


class ListCategories(CursorQuery):
    """Query parameters of the list."""

    context: Literal["usr", "org"] | None = None


class CreateCategory(Body):
    """A category to create."""

    name: str
    context: Literal["org", "usr", "app"]


class UpdateCategory(Body):
    """The field of a category that can change."""

    name: str


@get("/property_categories", scope="read:property_categories")
def get_categories(call: Call[ListCategories]) -> Response:
    """Lists the categories.

    :param call: the checked request, with its query parameters.
    """
    where, values = (["context = ?"], [call.query.context]) if call.query.context else ([], [])
    rows, more = cursor_page(call, "SELECT id, name FROM categories", where=where, values=values)
    return call.success(categories=[dict(row) for row in rows], has_more=more)


@post("/property_categories", scope="create:property_categories")
def create_category(call: Call[Query], body: CreateCategory) -> Response:
    """Creates a category.

    :param call: the checked request, with its query parameters.
    :param body: the checked JSON body.
    """
    category_id = new_id("category")
    insert(call.db, "categories", id=category_id, name=body.name, context=body.context)
    return call.success(201, message="Category successfully created", category={"id": category_id})


@put("/property_categories/{category_id}", scope="update:property_categories")
def update_category(call: Call[Query], category_id: str, body: UpdateCategory) -> Response:
    """Renames a category.

    :param call: the checked request, with its query parameters.
    :param category_id: Kinde's id of the category.
    :param body: the checked JSON body.
    :raises ApiError: 404 if it does not exist.
    """
    if one(call.db, "SELECT 1 FROM categories WHERE id = ?", category_id) is None:
        raise ApiError(404, "CATEGORY_NOT_FOUND", "Property category not found")
    update(call.db, "categories", "id", category_id, name=body.name)
    return call.success(message="Category successfully updated")
