"""Identities of a user: the addresses, numbers and names by which somebody signs in."""

from __future__ import annotations

import sqlite3
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response

from .calls import Body, Call, Query, needs
from .errors import ApiError, bad
from .paging import CursorQuery, cursor_page
from .people import COLUMN_OF, add_identity, checked_email, checked_phone, find_user, make_primary, owner_of
from .store import number, one, update

router = APIRouter()


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


class ListIdentities(Query):
    """GET /users/{id}/identities."""

    starting_after: str | None = None
    ending_before: str | None = None


@router.get("/api/v1/users/{user_id}/identities")
async def get_user_identities(
    call: Annotated[Call[CursorQuery], needs("read:user_identities", ListIdentities)], user_id: str
) -> Response:
    """Lists a user's identities; the size of a page cannot be asked for."""
    with call.store.transaction() as db:
        find_user(db, user_id, call.settings)
        rows, more = cursor_page(
            call, "SELECT * FROM identities", where=["user_id = ?"], values=[user_id], size=call.settings.page_size
        )
    return call.done(identities=[_shown(row) for row in rows], has_more=more)


class AddIdentity(Body):
    """POST /users/{id}/identities."""

    value: str
    type: Literal["email", "username", "phone", "enterprise", "social"]
    phone_country_id: str | None = None
    connection_id: str | None = None


@router.post("/api/v1/users/{user_id}/identities")
async def create_user_identity(
    call: Annotated[Call[Query], needs("create:user_identities")], user_id: str, body: AddIdentity
) -> Response:
    """Adds an identity, unless anybody has it already."""
    settings = call.settings
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
    with call.store.transaction() as db:
        find_user(db, user_id, settings)
        kinds = {row["type"] for row in db.execute("SELECT type FROM identities WHERE user_id = ?", (user_id,))}
        if kinds and "enterprise" in {*kinds, body.type} and {*kinds, body.type} != {"enterprise"}:
            raise bad("ENTERPRISE_IDENTITY", "A user with an enterprise identity cannot have other identities")
        if owner_of(db, body.type, value, settings) is not None:
            message = f"This {body.type} identity already exists"
            raise ApiError(settings.identity_conflict_status, "IDENTITY_ALREADY_EXISTS", message, field="value")
        identity_id = add_identity(
            db, user_id, body.type, value, confirmed=settings.identity_confirmed, connection_id=body.connection_id
        )
    return call.done(201, message="Identity successfully created", identity={"id": identity_id})


def _find(db: sqlite3.Connection, identity_id: str) -> sqlite3.Row:
    row = one(db, "SELECT * FROM identities WHERE id = ?", identity_id)
    if row is None:
        raise ApiError(404, "IDENTITY_NOT_FOUND", "Identity not found")
    return row


@router.get("/api/v1/identities/{identity_id}")
async def get_identity(call: Annotated[Call[Query], needs("read:identities")], identity_id: str) -> Response:
    """Reads an identity."""
    with call.store.transaction() as db:
        return call.answer(_shown(_find(db, identity_id)))


class ChangeIdentity(Body):
    """PATCH /identities/{id}."""

    is_primary: bool


@router.patch("/api/v1/identities/{identity_id}")
async def update_identity(
    call: Annotated[Call[Query], needs("update:identities")], identity_id: str, body: ChangeIdentity
) -> Response:
    """Makes an identity the primary one: the user's ``email`` changes with it."""
    with call.store.transaction() as db:
        row = _find(db, identity_id)
        if body.is_primary and row["type"] not in COLUMN_OF:
            raise bad("INVALID_IDENTITY_TYPE", f"A {row['type']} identity cannot be made primary", "is_primary")
        if body.is_primary:
            make_primary(db, row["user_id"], identity_id)
        elif row["is_primary"]:
            raise bad("PRIMARY_IDENTITY_REQUIRED", "Make another identity primary instead", "is_primary")
    return call.done(message="Identity successfully updated")


@router.delete("/api/v1/identities/{identity_id}")
async def delete_identity(call: Annotated[Call[Query], needs("delete:identities")], identity_id: str) -> Response:
    """Deletes an identity; the primary address and the last identity stay."""
    with call.store.transaction() as db:
        row = _find(db, identity_id)
        user_id, kind = row["user_id"], row["type"]
        if (kind == "email" and row["is_primary"]) or not number(
            db, "SELECT count(*) FROM identities WHERE user_id = ? AND id <> ?", user_id, identity_id
        ):
            raise bad("PRIMARY_IDENTITY_REQUIRED", "The primary identity cannot be deleted")
        db.execute("DELETE FROM identities WHERE id = ?", (identity_id,))
        if row["is_primary"] and (column := COLUMN_OF.get(kind)):
            sql = "SELECT id FROM identities WHERE user_id = ? AND type = ? ORDER BY created_on, id"
            following = one(db, sql, user_id, kind)
            if following is None:
                update(db, "users", "id", user_id, **{column: None})
            else:
                make_primary(db, user_id, following["id"])
    return call.done(message="Identity successfully deleted")
