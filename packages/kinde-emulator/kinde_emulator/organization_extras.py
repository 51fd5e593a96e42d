"""What else an organization has: MFA and session policies, feature flags, logos, connections."""

from __future__ import annotations

import json
import sqlite3
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response, UploadFile

from .calls import Body, Call, Query, needs
from .errors import bad
from .organizations import find_organization
from .store import one, update

router = APIRouter()

ORGANIZATION = "/api/v1/organizations/{org_code}"


def _remember(call: Call[Any], org_code: str, name: str, value: Any) -> Response:
    with call.store.transaction() as db:
        row = find_organization(db, org_code, call.settings)
        details = {**json.loads(row["details"]), name: value}
        update(db, "organizations", "code", org_code, details=json.dumps(details))
    return call.done()


class Mfa(Body):
    """PUT …/mfa."""

    enabled_factors: list[Literal["mfa:email", "mfa:sms", "mfa:authenticator_app"]]
    is_recovery_codes_enabled: bool = True


@router.put(ORGANIZATION + "/mfa")
async def replace_organization_mfa(
    call: Annotated[Call[Query], needs("update:organization_mfa")], org_code: str, body: Mfa
) -> Response:
    """Sets which second factors the organization allows."""
    return _remember(call, org_code, "mfa", body.model_dump())


class SessionPolicy(Body):
    """PATCH …/sessions. What is left out stays."""

    is_use_org_sso_session_policy: bool | None = None
    sso_session_persistence_mode: Literal["persistent", "non_persistent"] | None = None
    is_use_org_authenticated_session_lifetime: bool | None = None
    authenticated_session_lifetime: int | None = None


@router.patch(ORGANIZATION + "/sessions")
async def update_organization_sessions(
    call: Annotated[Call[Query], needs("update:organizations")], org_code: str, body: SessionPolicy
) -> Response:
    """Sets how long sessions of the organization last."""
    with call.store.transaction() as db:
        before = json.loads(find_organization(db, org_code, call.settings)["details"]).get("sessions", {})
        return _remember(call, org_code, "sessions", {**before, **body.model_dump(exclude_none=True)})


class FlagValue(Query):
    """PATCH …/feature_flags/{key}: the value is a query parameter."""

    value: str


def checked_flag(db: sqlite3.Connection, key: str, value: str | None) -> None:
    """Checks a feature flag's key, and a value for it.

    :raises ApiError: 400 if there is no such flag or the value is not of its type.
    """
    row = one(db, "SELECT type FROM feature_flags WHERE key = ?", key)
    if row is None:
        raise bad("FEATURE_FLAG_NOT_FOUND", f"Feature flag not found: {key}", "feature_flag_key")
    if value is None or row["type"] == "str":
        return
    if not (value in ("true", "false") if row["type"] == "bool" else value.removeprefix("-").isdigit()):
        raise bad("INVALID_PARAMETER", f"The value is not of the type {row['type']}", "value")


@router.get(ORGANIZATION + "/feature_flags")
async def get_organization_feature_flags(
    call: Annotated[Call[Query], needs("read:organization_feature_flags")], org_code: str
) -> Response:
    """Shows overridden flags, as a map by key."""
    with call.store.transaction() as db:
        find_organization(db, org_code, call.settings)
        sql = """SELECT key, type, organization_flags.value FROM organization_flags JOIN feature_flags USING (key)
                 WHERE org_code = ? ORDER BY key"""
        rows = db.execute(sql, (org_code,)).fetchall()
    return call.done(feature_flags={row["key"]: {"type": row["type"], "value": row["value"]} for row in rows})


@router.delete(ORGANIZATION + "/feature_flags")
async def delete_organization_feature_flag_overrides(
    call: Annotated[Call[Query], needs("delete:organization_feature_flags")], org_code: str
) -> Response:
    """Drops all overrides."""
    with call.store.transaction() as db:
        find_organization(db, org_code, call.settings)
        db.execute("DELETE FROM organization_flags WHERE org_code = ?", (org_code,))
    return call.done()


@router.delete(ORGANIZATION + "/feature_flags/{feature_flag_key}")
async def delete_organization_feature_flag_override(
    call: Annotated[Call[Query], needs("delete:organization_feature_flags")], org_code: str, feature_flag_key: str
) -> Response:
    """Drops one override."""
    with call.store.transaction() as db:
        find_organization(db, org_code, call.settings)
        checked_flag(db, feature_flag_key, None)
        db.execute("DELETE FROM organization_flags WHERE org_code = ? AND key = ?", (org_code, feature_flag_key))
    return call.done()


@router.patch(ORGANIZATION + "/feature_flags/{feature_flag_key}")
async def update_organization_feature_flag_override(
    call: Annotated[Call[FlagValue], needs("update:organization_feature_flags", FlagValue)],
    org_code: str,
    feature_flag_key: str,
) -> Response:
    """Overrides a flag; the value is a query parameter."""
    with call.store.transaction() as db:
        find_organization(db, org_code, call.settings)
        checked_flag(db, feature_flag_key, call.query.value)
        sql = "INSERT OR REPLACE INTO organization_flags (org_code, key, value) VALUES (?, ?, ?)"
        db.execute(sql, (org_code, feature_flag_key, call.query.value))
    return call.done()


@router.get(ORGANIZATION + "/logos")
async def read_organization_logo(call: Annotated[Call[Query], needs("read:organizations")], org_code: str) -> Response:
    """Lists logos."""
    with call.store.transaction() as db:
        find_organization(db, org_code, call.settings)
        rows = db.execute("SELECT type, file_name FROM logos WHERE org_code = ? ORDER BY type", (org_code,)).fetchall()
    logos = [{**dict(row), "path": f"/logos/{org_code}/{row['type']}/{row['file_name']}"} for row in rows]
    return call.done(logos=logos)


@router.post(ORGANIZATION + "/logos/{type}")
async def add_organization_logo(
    call: Annotated[Call[Query], needs("update:organizations")],
    org_code: str,
    type: Literal["dark", "light"],
    logo: UploadFile,
) -> Response:
    """Uploads a logo."""
    if not await logo.read(1):
        raise bad("INVALID_LOGO", "The logo is empty", "logo")
    with call.store.transaction() as db:
        find_organization(db, org_code, call.settings)
        sql = "INSERT OR REPLACE INTO logos (org_code, type, file_name) VALUES (?, ?, ?)"
        db.execute(sql, (org_code, type, logo.filename or "logo"))
    return call.done()


@router.delete(ORGANIZATION + "/logos/{type}")
async def delete_organization_logo(
    call: Annotated[Call[Query], needs("update:organizations")], org_code: str, type: Literal["dark", "light"]
) -> Response:
    """Deletes a logo: 204 where there was none."""
    with call.store.transaction() as db:
        find_organization(db, org_code, call.settings)
        if not db.execute("DELETE FROM logos WHERE org_code = ? AND type = ?", (org_code, type)).rowcount:
            return Response(status_code=204)
    return call.done()


@router.get("/api/v1/organizations/{organization_code}/connections")
async def get_organization_connections(
    call: Annotated[Call[Query], needs("read:organization_connections")], organization_code: str
) -> Response:
    """Lists connections, in either of two shapes."""
    with call.store.transaction() as db:
        find_organization(db, organization_code, call.settings)
        sql = """SELECT id, name, name AS display_name, strategy FROM organization_connections
                 JOIN connections ON connections.id = connection_id WHERE org_code = ? ORDER BY name"""
        items = [dict(row) for row in db.execute(sql, (organization_code,))]
    if call.settings.connections_shape == "wrapped":
        items = [{"code": "OK", "message": "Success", "connection": item} for item in items]
    return call.done(connections=items, has_more=False)


@router.post("/api/v1/organizations/{organization_code}/connections/{connection_id}")
async def enable_org_connection(
    call: Annotated[Call[Query], needs("create:organization_connections")], organization_code: str, connection_id: str
) -> Response:
    """Switches a connection on; the answer is empty."""
    with call.store.transaction() as db:
        find_organization(db, organization_code, call.settings)
        if one(db, "SELECT 1 FROM connections WHERE id = ?", connection_id) is None:
            raise bad("CONNECTION_NOT_FOUND", "Connection not found", "connection_id")
        sql = "INSERT OR IGNORE INTO organization_connections (org_code, connection_id) VALUES (?, ?)"
        db.execute(sql, (organization_code, connection_id))
    return Response()


@router.delete("/api/v1/organizations/{organization_code}/connections/{connection_id}")
async def remove_org_connection(
    call: Annotated[Call[Query], needs("delete:organization_connections")], organization_code: str, connection_id: str
) -> Response:
    """Switches a connection off."""
    with call.store.transaction() as db:
        find_organization(db, organization_code, call.settings)
        sql = "DELETE FROM organization_connections WHERE org_code = ? AND connection_id = ?"
        if not db.execute(sql, (organization_code, connection_id)).rowcount:
            raise bad("CONNECTION_NOT_FOUND", "The organization does not have this connection", "connection_id")
    return call.done()
