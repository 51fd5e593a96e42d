"""What else a user has: API scopes, second factors, feature flags, a password."""

from __future__ import annotations

import sqlite3
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response

from .calls import Body, Call, Query, needs
from .errors import ApiError, bad
from .members import member_or_400
from .organization_extras import FlagValue, checked_flag
from .organizations import find_organization
from .people import find_user
from .store import insert, one

router = APIRouter()

MEMBER = "/api/v1/organizations/{org_code}/users/{user_id}"
SCOPE = MEMBER + "/apis/{api_id}/scopes/{scope_id}"


def _member(db: sqlite3.Connection, call: Call[Any], org_code: str, user_id: str) -> None:
    find_organization(db, org_code, call.settings)
    find_user(db, user_id, call.settings)
    member_or_400(db, org_code, user_id)


@router.post(SCOPE)
async def add_organization_user_api_scope(
    call: Annotated[Call[Query], needs("create:organization_user_api_scopes")],
    org_code: str,
    user_id: str,
    api_id: str,
    scope_id: str,
) -> Response:
    """Gives a member a scope of an API of the customer's own."""
    with call.store.transaction() as db:
        _member(db, call, org_code, user_id)
        if one(db, "SELECT 1 FROM api_scopes WHERE api_id = ? AND id = ?", api_id, scope_id) is None:
            raise bad("SCOPE_NOT_FOUND", "The API has no such scope", "scope_id")
        sql = "INSERT OR IGNORE INTO member_api_scopes (org_code, user_id, scope_id) VALUES (?, ?, ?)"
        db.execute(sql, (org_code, user_id, scope_id))
    return Response()


@router.delete(SCOPE)
async def delete_organization_user_api_scope(
    call: Annotated[Call[Query], needs("delete:organization_user_api_scopes")],
    org_code: str,
    user_id: str,
    api_id: str,
    scope_id: str,
) -> Response:
    """Takes it away."""
    with call.store.transaction() as db:
        _member(db, call, org_code, user_id)
        sql = """DELETE FROM member_api_scopes WHERE org_code = ? AND user_id = ?
                 AND scope_id = (SELECT id FROM api_scopes WHERE api_id = ? AND id = ?)"""
        if not db.execute(sql, (org_code, user_id, api_id, scope_id)).rowcount:
            raise bad("SCOPE_NOT_FOUND", "The user does not have this scope", "scope_id")
    return Response()


def _factor(db: sqlite3.Connection, user_id: str, factor_id: str | None = None) -> sqlite3.Row:
    sql = "SELECT * FROM factors WHERE user_id = ? AND id = coalesce(?, id) ORDER BY created_on, id"
    row = one(db, sql, user_id, factor_id)
    if row is None:
        raise ApiError(404, "MFA_NOT_FOUND", "The user has no such second factor")
    return row


def _shown_factor(call: Call[Any], row: sqlite3.Row) -> Response:
    factor = {name: row[name] for name in ("id", "type", "created_on", "name")}
    return call.done(mfa={**factor, "is_verified": True, "usage_count": 0, "last_used_on": row["created_on"]})


def _drop_factors(db: sqlite3.Connection, user_id: str, factor_id: str | None = None) -> None:
    _factor(db, user_id, factor_id)
    db.execute("DELETE FROM factors WHERE user_id = ? AND id = coalesce(?, id)", (user_id, factor_id))


@router.get(MEMBER + "/mfa")
async def get_org_user_mfa(
    call: Annotated[Call[Query], needs("read:organization_user_mfa")], org_code: str, user_id: str
) -> Response:
    """Reads a member's second factor: one object, not a list."""
    with call.store.transaction() as db:
        _member(db, call, org_code, user_id)
        return _shown_factor(call, _factor(db, user_id))


@router.delete(MEMBER + "/mfa")
async def reset_org_user_mfa_all(
    call: Annotated[Call[Query], needs("delete:organization_user_mfa")], org_code: str, user_id: str
) -> Response:
    """Deletes all second factors of a member."""
    with call.store.transaction() as db:
        _member(db, call, org_code, user_id)
        _drop_factors(db, user_id)
    return call.done()


@router.delete(MEMBER + "/mfa/{factor_id}")
async def reset_org_user_mfa(
    call: Annotated[Call[Query], needs("delete:organization_user_mfa")], org_code: str, user_id: str, factor_id: str
) -> Response:
    """Deletes one second factor of a member."""
    with call.store.transaction() as db:
        _member(db, call, org_code, user_id)
        _drop_factors(db, user_id, factor_id)
    return call.done()


@router.get("/api/v1/users/{user_id}/mfa")
async def get_users_mfa(call: Annotated[Call[Query], needs("read:user_mfa")], user_id: str) -> Response:
    """Reads a user's second factor."""
    with call.store.transaction() as db:
        find_user(db, user_id, call.settings)
        return _shown_factor(call, _factor(db, user_id))


@router.delete("/api/v1/users/{user_id}/mfa")
async def reset_users_mfa_all(call: Annotated[Call[Query], needs("delete:user_mfa")], user_id: str) -> Response:
    """Deletes all second factors of a user."""
    with call.store.transaction() as db:
        find_user(db, user_id, call.settings)
        _drop_factors(db, user_id)
    return call.done()


@router.delete("/api/v1/users/{user_id}/mfa/{factor_id}")
async def reset_users_mfa(
    call: Annotated[Call[Query], needs("delete:user_mfa")], user_id: str, factor_id: str
) -> Response:
    """Deletes one second factor of a user."""
    with call.store.transaction() as db:
        find_user(db, user_id, call.settings)
        _drop_factors(db, user_id, factor_id)
    return call.done()


@router.patch("/api/v1/users/{user_id}/feature_flags/{feature_flag_key}")
async def update_user_feature_flag_override(
    call: Annotated[Call[FlagValue], needs("update:user_feature_flags", FlagValue)],
    user_id: str,
    feature_flag_key: str,
) -> Response:
    """Overrides a feature flag for a user."""
    with call.store.transaction() as db:
        find_user(db, user_id, call.settings)
        checked_flag(db, feature_flag_key, call.query.value)
        db.execute("DELETE FROM user_flags WHERE user_id = ? AND key = ?", (user_id, feature_flag_key))
        insert(db, "user_flags", user_id=user_id, key=feature_flag_key, value=call.query.value)
    return call.done()


class Password(Body):
    """PUT /users/{id}/password."""

    hashed_password: str
    hashing_method: (
        Literal["bcrypt", "crypt", "md5", "sha256", "wordpress", "pbkdf2", "firebase-scrypt", "aspnet-identity-v2"]
        | None
    ) = None
    salt: str | None = None
    salt_position: Literal["prefix", "suffix"] | None = None
    iterations: int | None = None
    variant: str | None = None
    signer_key: str | None = None
    salt_separator: str | None = None
    rounds: int | None = None
    mem_cost: int | None = None
    is_temporary_password: bool | None = None


@router.put("/api/v1/users/{user_id}/password")
async def set_user_password(
    call: Annotated[Call[Query], needs("update:user_passwords")], user_id: str, body: Password
) -> Response:
    """Takes a password's hash and checks what goes with it."""
    if body.hashing_method in ("pbkdf2", "firebase-scrypt") and not body.salt:
        raise bad("MISSING_FIELD", f"Missing field: salt, for {body.hashing_method}", "salt")
    with call.store.transaction() as db:
        # Nobody signs in here: the hash is checked, and then there is nothing to keep it for.
        find_user(db, user_id, call.settings)
    return call.done()
