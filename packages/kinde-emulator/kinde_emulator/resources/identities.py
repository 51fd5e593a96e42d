"""``/users/{user_id}/identities`` and ``/identities``: the addresses, numbers and names that a user signs in with."""

from __future__ import annotations

import sqlite3
from typing import Any, Literal

from kinde_emulator.data.store import number, one, update
from kinde_emulator.data.users import (
    COLUMN_OF,
    add_identity,
    checked_email,
    checked_phone,
    find_user,
    is_enterprise,
    make_primary,
    owner_of,
    show_remaining_address,
)
from kinde_emulator.errors import ApiError, bad
from kinde_emulator.server.http import Response
from kinde_emulator.server.operations import Body, Call, Query, delete, get, patch, post
from kinde_emulator.server.pagination import cursor_page


class ListIdentities(Query):
    """Query parameters of the list; its page size is fixed."""

    starting_after: str | None = None
    ending_before: str | None = None


class CreateIdentity(Body):
    """An identity to add."""

    value: str
    type: Literal["email", "username", "phone", "enterprise", "social"]
    phone_country_id: str | None = None
    connection_id: str | None = None


class UpdateIdentity(Body):
    """Changes of an identity."""

    is_primary: bool


@get("/users/{user_id}/identities", scope="read:user_identities")
def get_user_identities(call: Call[ListIdentities], user_id: str) -> Response:
    """Lists the identities of a user.

    :param call: the checked request, with its query parameters.
    :param user_id: Kinde's id of the user.
    :raises ApiError: 404 if there is no such user.
    """
    find_user(call.db, user_id, call.settings)
    rows, more = cursor_page(call, "SELECT * FROM identities", where=["user_id = ?"], values=[user_id])
    return call.success(identities=[_shown(row) for row in rows], has_more=more)


@post("/users/{user_id}/identities", scope="create:user_identities")
def create_user_identity(call: Call[Query], user_id: str, body: CreateIdentity) -> Response:
    """Adds an identity to a user; refused if a user has it already.

    :param call: the checked request, with its query parameters.
    :param user_id: Kinde's id of the user.
    :param body: the checked JSON body.
    :raises ApiError: 404 if there is no such user; 400 if something that was sent is wrong.
    """
    db, settings = call.db, call.settings
    if body.type in ("enterprise", "social") and not body.connection_id:
        raise bad("MISSING_FIELD", "Missing field: connection_id", "connection_id")
    if body.type == "phone":
        value = checked_phone(body.value, body.phone_country_id)
    elif body.type == "username":
        value = body.value
        if not value.strip():
            raise bad("MISSING_FIELD", "Missing field: value", "value")
    else:
        value = checked_email(body.value, settings)
    find_user(db, user_id, settings)
    if body.type == "enterprise":
        return _create_enterprise_identity(call, user_id, value, str(body.connection_id))
    kinds = {row["type"] for row in db.execute("SELECT type FROM identities WHERE user_id = ?", (user_id,))}
    if "enterprise" in kinds and settings.enterprise_identity != "beside":
        raise bad("ENTERPRISE_IDENTITY", "A user with an enterprise identity cannot have other identities")
    same = "SELECT 1 FROM identities WHERE user_id = ? AND type = ? AND folded = ?"
    owner = owner_of(db, body.type, value, settings)
    if owner not in (None, user_id) or (owner and one(db, same, user_id, body.type, value.lower())):
        message = f"This {body.type} identity already exists"
        raise ApiError(settings.identity_conflict_status, "IDENTITY_ALREADY_EXISTS", message, field="value")
    confirmed = None if body.type == "social" else settings.identity_confirmed
    identity_id = add_identity(db, user_id, body.type, value, confirmed=confirmed, connection_id=body.connection_id)
    return call.success(201, message="Identity successfully created", identity={"id": identity_id})


def _create_enterprise_identity(call: Call[Query], user_id: str, value: str, connection_id: str) -> Response:
    """Adds an enterprise identity; ``enterprise_identity`` says what becomes of identities of other types.

    Where the user has it already, the response names it as ``identity_id``.
    """
    db, settings = call.db, call.settings
    connection = one(db, "SELECT strategy FROM connections WHERE id = ?", connection_id)
    if connection is None or not is_enterprise(connection["strategy"]):
        raise bad("INVALID_ENTERPRISE_CONNECTION", "No such enterprise connection", "connection_id")
    sql = "SELECT id FROM identities WHERE user_id = ? AND connection_id = ? AND value = ?"
    present = one(db, sql, user_id, connection_id, value)
    if present is not None:
        return call.success(201, message="Identity successfully created", identity={"identity_id": present["id"]})
    if owner_of(db, "enterprise", value, settings) not in (None, user_id):
        message = "This enterprise identity already exists"
        raise ApiError(settings.identity_conflict_status, "IDENTITY_ALREADY_EXISTS", message, field="value")
    others = "user_id = ? AND type <> 'enterprise'"
    if settings.enterprise_identity == "refuse" and number(
        db, f"SELECT count(*) FROM identities WHERE {others}", user_id
    ):
        raise bad("ENTERPRISE_IDENTITY", "A user with an enterprise identity cannot have other identities")
    identity_id = add_identity(db, user_id, "enterprise", value, confirmed=None, connection_id=connection_id)
    if settings.enterprise_identity == "replace":
        db.execute(f"DELETE FROM identities WHERE {others}", (user_id,))
        update(db, "users", "id", user_id, phone=None, username=None)
        show_remaining_address(db, user_id)
    return call.success(201, message="Identity successfully created", identity={"id": identity_id})


@get("/identities/{identity_id}", scope="read:identities")
def get_identity(call: Call[Query], identity_id: str) -> Response:
    """Reads an identity.

    :param call: the checked request, with its query parameters.
    :param identity_id: Kinde's id of the identity.
    :raises ApiError: 404 if there is no such object.
    """
    return call.answer(_shown(_find(call.db, identity_id)))


@patch("/identities/{identity_id}", scope="update:identities")
def update_identity(call: Call[Query], identity_id: str, body: UpdateIdentity) -> Response:
    """Makes an identity the primary one; the user's ``email`` changes with it.

    :param call: the checked request, with its query parameters.
    :param identity_id: Kinde's id of the identity.
    :param body: the checked JSON body.
    :raises ApiError: 404 if there is no such object; 400 if something that was sent is wrong.
    """
    row = _find(call.db, identity_id)
    if body.is_primary and row["type"] not in COLUMN_OF:
        raise bad("INVALID_IDENTITY_TYPE", f"A {row['type']} identity cannot be made primary", "is_primary")
    if body.is_primary:
        make_primary(call.db, row["user_id"], identity_id)
    elif row["is_primary"]:
        raise bad("PRIMARY_IDENTITY_REQUIRED", "Make another identity primary instead", "is_primary")
    return call.success(message="Identity successfully updated")


@delete("/identities/{identity_id}", scope="delete:identities")
def delete_identity(call: Call[Query], identity_id: str) -> Response:
    """Deletes an identity; refused for the primary address and for the user's last identity.

    :param call: the checked request, with its query parameters.
    :param identity_id: Kinde's id of the identity.
    :raises ApiError: 404 if there is no such object; 400 if something that was sent is wrong.
    """
    db, row = call.db, _find(call.db, identity_id)
    user_id, kind = row["user_id"], row["type"]
    others = number(db, "SELECT count(*) FROM identities WHERE user_id = ? AND id <> ?", user_id, identity_id)
    if (kind == "email" and row["is_primary"]) or not others:
        raise bad("PRIMARY_IDENTITY_REQUIRED", "The primary identity cannot be deleted")
    db.execute("DELETE FROM identities WHERE id = ?", (identity_id,))
    if row["is_primary"] and (column := COLUMN_OF.get(kind)):
        sql = "SELECT id FROM identities WHERE user_id = ? AND type = ? ORDER BY created_on, id"
        following = one(db, sql, user_id, kind)
        if following is None:
            update(db, "users", "id", user_id, **{column: None})
        else:
            make_primary(db, user_id, following["id"])
    show_remaining_address(db, user_id)
    return call.success(message="Identity successfully deleted")


def _find(db: sqlite3.Connection, identity_id: str) -> sqlite3.Row:
    row = one(db, "SELECT * FROM identities WHERE id = ?", identity_id)
    if row is None:
        raise ApiError(404, "IDENTITY_NOT_FOUND", "Identity not found")
    return row


def _shown(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "type": row["type"],
        "is_confirmed": None if row["is_confirmed"] is None else bool(row["is_confirmed"]),
        "created_on": row["created_on"],
        "last_login_on": row["last_login_on"],
        "total_logins": row["total_logins"],
        "name": row["value"],
        "email": row["value"] if "@" in row["value"] else None,
        "connection_id": row["connection_id"],
        "is_primary": bool(row["is_primary"]),
    }
