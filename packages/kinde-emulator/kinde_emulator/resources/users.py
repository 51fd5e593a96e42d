"""``/users`` and ``/user``: list, read, create, update and delete users."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime, timezone
from typing import Any, Literal

from kinde_emulator.data.organizations import add_member, refuse_managed
from kinde_emulator.data.shown import shown_users
from kinde_emulator.data.store import insert, new_id, now, one, update
from kinde_emulator.data.users import (
    add_identity,
    checked_email,
    checked_names,
    checked_phone,
    checked_provided_id,
    find_user,
    owner_of,
)
from kinde_emulator.errors import bad
from kinde_emulator.server.http import Response
from kinde_emulator.server.operations import (
    Body,
    Call,
    Query,
    comma_separated,
    delete,
    expand_of,
    get,
    patch,
    post,
)
from kinde_emulator.server.pagination import TokenQuery, token_page
from kinde_emulator.settings import Settings


class ListUsers(TokenQuery):
    """Query parameters of the list."""

    user_id: str | None = None
    email: str | None = None
    username: str | None = None
    phone: str | None = None
    expand: str | None = None
    has_organization: bool | None = None
    active_since: datetime | None = None


@get("/users", scope="read:users")
def get_users(call: Call[ListUsers]) -> Response:
    """Lists users in the order of their ids.

    :param call: the checked request, with its query parameters.
    :raises ApiError: 400 if something that was sent is wrong.
    """
    query, where, values = call.query, [], []
    expand = expand_of(query.expand, "organizations", "identities", "billing")
    if (ids := comma_separated(query.user_id)) is not None:
        where.append("id IN (SELECT value FROM json_each(?))")
        values.append(json.dumps(ids))
    for kind in ("email", "username", "phone"):
        if (wanted := comma_separated(getattr(query, kind))) is not None:
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
    return call.success(users=shown_users(call.db, call.settings, rows, expand), **following)


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


class OneUser(Query):
    """Query parameters of one user."""

    id: str
    expand: str | None = None


@get("/user", scope="read:users")
def get_user_data(call: Call[OneUser]) -> Response:
    """Reads a user; the address is called ``preferred_email`` here.

    :param call: the checked request, with its query parameters.
    :raises ApiError: 404 if there is no such user; 400 if something that was sent is wrong.
    """
    expand = expand_of(call.query.expand, "organizations", "identities", "billing")
    row = find_user(call.db, call.query.id, call.settings)
    [user] = shown_users(call.db, call.settings, [row], expand)
    return call.answer({("preferred_email" if name == "email" else name): value for name, value in user.items()})


class Profile(Body):
    """The profile of a new user."""

    given_name: str | None = None
    family_name: str | None = None
    picture: str | None = None
    email: str | None = None


class Details(Body):
    """The value of an identity, in the field of its type."""

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

        :param settings: the tenant's settings.
        :raises ApiError: 400 if it is missing or not valid.
        """
        text = getattr(self.details, self.type)
        if not text:
            raise bad("MISSING_FIELD", f"The identity has no details.{self.type}", f"identities.details.{self.type}")
        if self.type == "email":
            return checked_email(text, settings)
        return checked_phone(text, self.details.phone_country_id) if self.type == "phone" else str(text)


class CreateUser(Body):
    """A user to create."""

    profile: Profile = Profile()
    organization_code: str | None = None
    provided_id: str | None = None
    identities: list[NewIdentity] = []


@post("/user", scope="create:users")
def create_user(call: Call[Query], body: CreateUser) -> Response:
    """Creates a user; refused if a user has one of the identities.

    :param call: the checked request, with its query parameters.
    :param body: the checked JSON body.
    :raises ApiError: 400 if something that was sent is wrong.
    """
    db, settings, profile = call.db, call.settings, body.profile
    if profile.email is not None and settings.profile_email == "reject":
        raise bad("UNKNOWN_FIELD", "Unknown field: profile.email", "profile.email")
    checked_names(profile.given_name, profile.family_name, settings)
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
        refuse_managed(db, body.organization_code, settings)
        return body.organization_code
    row = one(db, "SELECT code FROM organizations WHERE is_default") if settings.default_org_policy else None
    return row["code"] if row else None


class UserId(Query):
    """Query parameters: the user's id."""

    id: str


class UpdateUser(Body):
    """Changes of a user. A field that is left out keeps its value."""

    given_name: str | None = None
    family_name: str | None = None
    picture: str | None = None
    is_suspended: bool | None = None
    is_password_reset_requested: bool | None = None
    provided_id: str | None = None


COLUMNS = {"given_name": "first_name", "family_name": "last_name"}


@patch("/user", scope="update:users")
def update_user(call: Call[UserId], body: UpdateUser) -> Response:
    """Changes a user; an empty name never clears a name.

    :param call: the checked request, with its query parameters.
    :param body: the checked JSON body.
    :raises ApiError: 404 if there is no such user; 400 if something that was sent is wrong.
    """
    db, settings, user_id = call.db, call.settings, call.query.id
    sent = body.to_dict(given=True)
    if nulls := sorted(name for name, value in sent.items() if value is None):
        raise bad("INVALID_FIELD", f"Invalid field {nulls[0]}: must not be null", nulls[0])
    checked_names(body.given_name, body.family_name, settings)
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
    """Query parameters of a deletion."""

    is_delete_profile: bool = False


@delete("/user", scope="delete:users")
def delete_user(call: Call[DeleteUser]) -> Response:
    """Deletes a user; the profile is kept unless ``is_delete_profile`` is sent.

    :param call: the checked request, with its query parameters.
    :raises ApiError: 404 if there is no such user.
    """
    user_id = call.query.id
    find_user(call.db, user_id, call.settings)
    folded = "SELECT folded FROM identities WHERE user_id = ?"
    if call.query.is_delete_profile:
        call.db.execute(f"DELETE FROM kept_profiles WHERE folded IN ({folded})", (user_id,))
    else:
        call.db.execute(f"INSERT OR IGNORE INTO kept_profiles (folded) {folded}", (user_id,))
    call.db.execute("DELETE FROM users WHERE id = ?", (user_id,))
    return call.success(message="User successfully deleted")


@post("/users/{user_id}/refresh_claims", scope="update:user_refresh_claims")
def refresh_user_claims(call: Call[Query], user_id: str) -> Response:
    """Checks that the user exists. There is nothing else to do, because no tokens are issued to users.

    :param call: the checked request, with its query parameters.
    :param user_id: Kinde's id of the user.
    :raises ApiError: 404 if there is no such user.
    """
    find_user(call.db, user_id, call.settings)
    return call.success()
