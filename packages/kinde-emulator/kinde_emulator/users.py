"""Users: list, read, create, update, delete."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime, timezone
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from pydantic import Field

from .calls import Body, Call, Flag, Query, expand_of, listed, needs
from .directories import refuse_if_kept
from .errors import bad
from .paging import TokenQuery, token_page
from .people import (
    add_identity,
    add_member,
    checked_email,
    checked_names,
    checked_phone,
    checked_provided_id,
    find_user,
    identities_of,
    owner_of,
)
from .settings import Settings
from .store import grouped, insert, new_id, now, one, update

router = APIRouter()


class ListUsers(TokenQuery):
    """GET /users."""

    user_id: str | None = None
    email: str | None = None
    username: str | None = None
    phone: str | None = None
    expand: str | None = None
    has_organization: Flag | None = None
    active_since: datetime | None = None


@router.get("/api/v1/users")
async def get_users(call: Annotated[Call[ListUsers], needs("read:users", ListUsers)]) -> Response:
    """Lists users in the order of their ids."""
    query, where, values = call.query, [], []
    expand = expand_of(query.expand, "organizations", "identities", "billing")
    if (ids := listed(query.user_id)) is not None:
        where.append("id IN (SELECT value FROM json_each(?))")
        values.append(json.dumps(ids))
    for kind in ("email", "username", "phone"):
        if (wanted := listed(getattr(query, kind))) is not None:
            condition, arguments = _holds(kind, wanted, call.settings)
            where.append(condition)
            values += arguments
    if query.has_organization is not None:
        where.append(
            f"{'' if query.has_organization else 'NOT '}EXISTS (SELECT 1 FROM members WHERE user_id = users.id)"
        )
    if query.active_since is not None:
        where.append("last_signed_in >= ?")
        try:
            values.append(_utc(query.active_since))
        except OverflowError:
            raise bad(
                "INVALID_PARAMETER", "Invalid query parameter active_since: out of range", "active_since"
            ) from None
    rows, following = token_page(
        call, "SELECT * FROM users", where=where, values=values, sorts={"id_asc": "id"}, default="id_asc"
    )
    return call.done(users=shown_users(call, rows, expand), **following)


def _utc(moment: datetime) -> str:
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).astimezone(timezone.utc).isoformat()


def _holds(kind: str, wanted: list[str], settings: Settings) -> tuple[str, list[str]]:
    types = f"= '{kind}'" if kind != "email" else "NOT IN ('phone', 'username')"
    sql = f"SELECT user_id FROM identities WHERE type {types} AND folded IN (SELECT value FROM json_each(?))"
    arguments = [json.dumps([value.lower() for value in wanted])]
    if kind == "email" and settings.email_case == "sensitive":
        sql += " AND value IN (SELECT value FROM json_each(?))"
        arguments.append(json.dumps(wanted))
    if kind == "email" and settings.email_filter == "primary":
        sql += " AND is_primary"
    return f"id IN ({sql})", arguments


def shown_users(
    call: Call[Any], rows: list[sqlite3.Row], expand: set[str], *, search: bool = False
) -> list[dict[str, Any]]:
    """Users as lists show them, each part of ``expand`` read once for all of them."""
    ids = [row["id"] for row in rows]
    json_ids = json.dumps(ids)
    with call.store.transaction() as db:
        identities = identities_of(db, ids, json_ids) if "identities" in expand else {}
        organizations = _organizations_of(db, json_ids) if "organizations" in expand else {}
        properties = _properties_of(db, json_ids) if "properties" in expand else {}
    users = []
    for row in rows:
        user = {
            "id": row["id"],
            "provided_id": row["provided_id"],
            "email": row["email"],
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
            objects = call.settings.expand_organizations == "objects"
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


def _organizations_of(db: sqlite3.Connection, json_ids: str) -> dict[str, list[sqlite3.Row]]:
    sql = """SELECT user_id, org_code FROM members WHERE user_id IN (SELECT value FROM json_each(?))
             ORDER BY user_id, org_code"""
    return grouped(db.execute(sql, (json_ids,)), "user_id")


def _properties_of(db: sqlite3.Connection, json_ids: str) -> dict[str, list[sqlite3.Row]]:
    sql = """SELECT user_id, key, value FROM user_properties JOIN properties ON properties.id = property_id
             WHERE user_id IN (SELECT value FROM json_each(?)) ORDER BY key"""
    return grouped(db.execute(sql, (json_ids,)), "user_id")


class OneUser(Query):
    """GET /user."""

    id: str
    expand: str | None = None


@router.get("/api/v1/user")
async def get_user_data(call: Annotated[Call[OneUser], needs("read:users", OneUser)]) -> Response:
    """Reads a user; the address is called ``preferred_email`` here."""
    expand = expand_of(call.query.expand, "organizations", "identities", "billing")
    with call.store.transaction() as db:
        row = find_user(db, call.query.id, call.settings)
    user = shown_users(call, [row], expand)[0]
    return call.answer({("preferred_email" if name == "email" else name): value for name, value in user.items()})


class Profile(Body):
    """Names of a new user."""

    given_name: str | None = None
    family_name: str | None = None
    picture: str | None = None
    email: str | None = None


class Details(Body):
    """What an identity says, by its type."""

    email: str | None = None
    phone: str | None = None
    phone_country_id: str | None = None
    username: str | None = None


class NewIdentity(Body):
    """An identity of a new user."""

    type: Literal["email", "phone", "username"]
    is_verified: bool | None = None
    details: Details

    def value(self, settings: Settings) -> str:
        """The address, number or name, checked.

        :raises ApiError: 400 if it is missing or is none.
        """
        text = getattr(self.details, self.type)
        if not text:
            raise bad("MISSING_FIELD", f"The identity has no details.{self.type}", f"identities.details.{self.type}")
        if self.type == "email":
            return checked_email(text, settings)
        return checked_phone(text, self.details.phone_country_id) if self.type == "phone" else str(text)


class CreateUser(Body):
    """POST /user."""

    profile: Profile = Profile()
    organization_code: str | None = None
    provided_id: str | None = None
    identities: list[NewIdentity] = Field(default=[])


@router.post("/api/v1/user")
async def create_user(call: Annotated[Call[Query], needs("create:users")], body: CreateUser) -> Response:
    """Creates a user, unless anybody has one of the identities."""
    settings, profile = call.settings, body.profile
    if profile.email is not None and settings.profile_email == "reject":
        raise bad("UNKNOWN_FIELD", "Unknown field: profile.email", "profile.email")
    checked_names(profile.given_name, profile.family_name, settings)
    with call.store.transaction() as db:
        user_id, moment, results = new_id("kp"), now(), []
        checked_provided_id(db, body.provided_id, None, settings)
        org_code = _organization_of_new_user(db, body, settings)
        insert(
            db,
            "users",
            id=user_id,
            first_name=profile.given_name or None,
            last_name=profile.family_name or None,
            picture=profile.picture,
            provided_id=body.provided_id or None,
            created_on=moment,
        )
        for identity in body.identities:
            value = identity.value(settings)
            owner = owner_of(db, identity.type, value, settings)
            kept = settings.recreate_deleted == "conflict" and one(
                db, "SELECT 1 FROM kept_profiles WHERE folded = ?", value.lower()
            )
            if owner not in (None, user_id) or kept:
                raise bad("USER_ALREADY_EXISTS", f"A user with this {identity.type} already exists")
            if owner is None:
                confirmed = settings.identity_confirmed if identity.is_verified is None else identity.is_verified
                add_identity(db, user_id, identity.type, value, confirmed=confirmed, created_on=moment)
            results.append({"type": identity.type, "result": {"created": owner is None}})
        if org_code is not None:
            add_member(db, org_code, user_id, joined_on=moment)
    return call.answer({"id": user_id, "created": True, "identities": results})


def _organization_of_new_user(db: sqlite3.Connection, body: CreateUser, settings: Settings) -> str | None:
    if body.organization_code is not None:
        if one(db, "SELECT 1 FROM organizations WHERE code = ?", body.organization_code) is None:
            raise bad("ORGANIZATION_NOT_FOUND", "Organization not found", "organization_code")
        refuse_if_kept(db, body.organization_code, settings)
        return body.organization_code
    row = one(db, "SELECT code FROM organizations WHERE is_default") if settings.default_org_policy else None
    return row["code"] if row else None


class UserId(Query):
    """Which user."""

    id: str


class UpdateUser(Body):
    """PATCH /user. What is left out stays."""

    given_name: str | None = None
    family_name: str | None = None
    picture: str | None = None
    is_suspended: bool | None = None
    is_password_reset_requested: bool | None = None
    provided_id: str | None = None


COLUMNS = {"given_name": "first_name", "family_name": "last_name"}


@router.patch("/api/v1/user")
async def update_user(call: Annotated[Call[UserId], needs("update:users", UserId)], body: UpdateUser) -> Response:
    """Changes a user; a name is never cleared."""
    settings, user_id = call.settings, call.query.id
    sent = body.model_dump(exclude_unset=True)
    if nulls := sorted(name for name, value in sent.items() if value is None):
        raise bad("INVALID_FIELD", f"Invalid field {nulls[0]}: must not be null", nulls[0])
    checked_names(body.given_name, body.family_name, settings)
    with call.store.transaction() as db:
        find_user(db, user_id, settings)
        checked_provided_id(db, body.provided_id, user_id, settings)
        changes: dict[str, Any] = {}
        for name, value in sent.items():
            if name in COLUMNS and not value.strip():
                if settings.clear_name == "reject":
                    raise bad("INVALID_FIELD", f"Invalid field {name}: must not be empty", name)
                continue
            if name == "provided_id" and not value:
                if settings.clear_provided_id == "ignore":
                    continue
                value = None
            changes[COLUMNS.get(name, name)] = value
        update(db, "users", "id", user_id, **changes)
        row = find_user(db, user_id, settings)
    return call.answer(
        {
            "id": user_id,
            "given_name": row["first_name"],
            "family_name": row["last_name"],
            "email": row["email"],
            "is_suspended": bool(row["is_suspended"]),
            "is_password_reset_requested": bool(row["is_password_reset_requested"]),
            "picture": row["picture"],
        }
    )


class DeleteUser(UserId):
    """DELETE /user."""

    is_delete_profile: Flag = False


@router.delete("/api/v1/user")
async def delete_user(call: Annotated[Call[DeleteUser], needs("delete:users", DeleteUser)]) -> Response:
    """Deletes a user, keeping the profile or not."""
    user_id = call.query.id
    with call.store.transaction() as db:
        find_user(db, user_id, call.settings)
        theirs = "SELECT folded FROM identities WHERE user_id = ?"
        if call.query.is_delete_profile:
            db.execute(f"DELETE FROM kept_profiles WHERE folded IN ({theirs})", (user_id,))
        else:
            db.execute(f"INSERT OR IGNORE INTO kept_profiles (folded) {theirs}", (user_id,))
        db.execute("DELETE FROM users WHERE id = ?", (user_id,))
    return call.done(message="User successfully deleted")


@router.post("/api/v1/users/{user_id}/refresh_claims")
async def refresh_user_claims(
    call: Annotated[Call[Query], needs("update:user_refresh_claims")], user_id: str
) -> Response:
    """Does nothing that could be seen here: tokens of users are not issued."""
    with call.store.transaction() as db:
        find_user(db, user_id, call.settings)
    return call.done()
