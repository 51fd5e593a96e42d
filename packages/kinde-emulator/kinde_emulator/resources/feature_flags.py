"""``/feature_flags``: feature flags, and where the environment, an organization or a user overrides them."""

from __future__ import annotations

import sqlite3
from typing import Literal

from kinde_emulator.data.organizations import find_organization
from kinde_emulator.data.store import insert, one, update
from kinde_emulator.data.users import find_user
from kinde_emulator.errors import bad
from kinde_emulator.server.http import Response
from kinde_emulator.server.operations import Body, Call, Query, delete, get, patch, post, put

ENVIRONMENT = "/environment/feature_flags"
ORGANIZATION = "/organizations/{org_code}/feature_flags"

FlagType = Literal["str", "int", "bool"]


class CreateFlag(Body):
    """A feature flag to define."""

    name: str
    description: str | None = None
    key: str
    type: FlagType
    allow_override_level: Literal["env", "org", "usr"] | None = None
    default_value: str


class UpdateFlag(Query):
    """The new fields of a feature flag, all of them, as query parameters."""

    name: str
    description: str
    type: FlagType
    allow_override_level: Literal["env", "org"]
    default_value: str


class FlagValue(Query):
    """Query parameters of an override: the value is one of them."""

    value: str


class EnvironmentFlagValue(Body):
    """The body of an override in the environment."""

    value: str


@post("/feature_flags", scope="create:feature_flags")
def create_feature_flag(call: Call[Query], body: CreateFlag) -> Response:
    """Defines a feature flag. The emulator takes overrides on every level.

    :param call: the checked request, with its query parameters.
    :param body: the checked JSON body.
    :raises ApiError: 400 if something that was sent is wrong.
    """
    if one(call.db, "SELECT 1 FROM feature_flags WHERE key = ?", body.key) is not None:
        raise bad("FEATURE_FLAG_ALREADY_EXISTS", f"The key {body.key} is in use", "key")
    _check_value(body.type, body.default_value, "default_value")
    insert(call.db, "feature_flags", key=body.key, name=body.name, type=body.type, value=body.default_value)
    return call.success(201, message="Feature flag successfully created")


@put("/feature_flags/{feature_flag_key}", scope="update:feature_flags")
def update_feature_flag(call: Call[UpdateFlag], feature_flag_key: str) -> Response:
    """Changes a feature flag.

    :param call: the checked request, with its query parameters.
    :param feature_flag_key: key of the flag.
    :raises ApiError: 400 if there is no such flag, or if something that was sent is wrong.
    """
    _find(call.db, feature_flag_key)
    wanted = call.query
    _check_value(wanted.type, wanted.default_value, "default_value")
    changes = {"name": wanted.name, "type": wanted.type, "value": wanted.default_value}
    update(call.db, "feature_flags", "key", feature_flag_key, **changes)
    return call.success(message="Feature flag successfully updated")


@delete("/feature_flags/{feature_flag_key}", scope="delete:feature_flags")
def delete_feature_flag(call: Call[Query], feature_flag_key: str) -> Response:
    """Deletes a feature flag and its overrides.

    :param call: the checked request, with its query parameters.
    :param feature_flag_key: key of the flag.
    :raises ApiError: 400 if there is no such flag.
    """
    _find(call.db, feature_flag_key)
    call.db.execute("DELETE FROM feature_flags WHERE key = ?", (feature_flag_key,))
    return call.success(message="Feature flag successfully deleted")


@get(ENVIRONMENT, scope="read:environment_feature_flags")
def get_environment_feature_flags(call: Call[Query]) -> Response:
    """Shows the flags that the environment overrides, by key.

    :param call: the checked request, with its query parameters.
    """
    sql = "SELECT key, type, environment_flags.value FROM environment_flags JOIN feature_flags USING (key) ORDER BY key"
    return call.success(feature_flags=_shown(call.db.execute(sql).fetchall()), next_token=None)


@delete(ENVIRONMENT, scope="delete:environment_feature_flags")
def delete_environment_feature_flag_overrides(call: Call[Query]) -> Response:
    """Deletes all overrides of the environment.

    :param call: the checked request, with its query parameters.
    """
    call.db.execute("DELETE FROM environment_flags")
    return call.success()


@delete(ENVIRONMENT + "/{feature_flag_key}", scope="delete:environment_feature_flags")
def delete_environment_feature_flag_override(call: Call[Query], feature_flag_key: str) -> Response:
    """Deletes one override of the environment.

    :param call: the checked request, with its query parameters.
    :param feature_flag_key: key of the flag.
    :raises ApiError: 400 if there is no such flag.
    """
    _find(call.db, feature_flag_key)
    call.db.execute("DELETE FROM environment_flags WHERE key = ?", (feature_flag_key,))
    return call.success()


@patch(ENVIRONMENT + "/{feature_flag_key}", scope="update:environment_feature_flags")
def update_environment_feature_flag_override(
    call: Call[Query], feature_flag_key: str, body: EnvironmentFlagValue
) -> Response:
    """Overrides a flag for the environment.

    :param call: the checked request, with its query parameters.
    :param feature_flag_key: key of the flag.
    :param body: the checked JSON body.
    :raises ApiError: 400 if there is no such flag, or if something that was sent is wrong.
    """
    _check_value(_find(call.db, feature_flag_key)["type"], body.value, "value")
    sql = "INSERT OR REPLACE INTO environment_flags (key, value) VALUES (?, ?)"
    call.db.execute(sql, (feature_flag_key, body.value))
    return call.success()


@get(ORGANIZATION, scope="read:organization_feature_flags")
def get_organization_feature_flags(call: Call[Query], org_code: str) -> Response:
    """Shows the flags that an organization overrides, by key.

    :param call: the checked request, with its query parameters.
    :param org_code: code of the organization.
    :raises ApiError: 404 if there is no such organization.
    """
    find_organization(call.db, org_code, call.settings)
    sql = """SELECT key, type, organization_flags.value FROM organization_flags JOIN feature_flags USING (key)
             WHERE org_code = ? ORDER BY key"""
    return call.success(feature_flags=_shown(call.db.execute(sql, (org_code,)).fetchall()))


@delete(ORGANIZATION, scope="delete:organization_feature_flags")
def delete_organization_feature_flag_overrides(call: Call[Query], org_code: str) -> Response:
    """Deletes all overrides of an organization.

    :param call: the checked request, with its query parameters.
    :param org_code: code of the organization.
    :raises ApiError: 404 if there is no such organization.
    """
    find_organization(call.db, org_code, call.settings)
    call.db.execute("DELETE FROM organization_flags WHERE org_code = ?", (org_code,))
    return call.success()


@delete(ORGANIZATION + "/{feature_flag_key}", scope="delete:organization_feature_flags")
def delete_organization_feature_flag_override(call: Call[Query], org_code: str, feature_flag_key: str) -> Response:
    """Deletes one override of an organization.

    :param call: the checked request, with its query parameters.
    :param org_code: code of the organization.
    :param feature_flag_key: key of the flag.
    :raises ApiError: 404 if there is no such organization or no such object.
    """
    find_organization(call.db, org_code, call.settings)
    _find(call.db, feature_flag_key)
    call.db.execute("DELETE FROM organization_flags WHERE org_code = ? AND key = ?", (org_code, feature_flag_key))
    return call.success()


@patch("/users/{user_id}/feature_flags/{feature_flag_key}", scope="update:user_feature_flags")
@patch(ORGANIZATION + "/{feature_flag_key}", scope="update:organization_feature_flags")
def update_feature_flag_override(
    call: Call[FlagValue], feature_flag_key: str, user_id: str | None = None, org_code: str | None = None
) -> Response:
    """Overrides a flag for a user or an organization.

    :param call: the checked request, with its query parameters.
    :param feature_flag_key: key of the flag.
    :param user_id: Kinde's id of the user.
    :param org_code: code of the organization.
    :raises ApiError: 404 if there is no such user or no such organization or no such object; 400 if something that
        was sent is wrong.
    """
    db, value = call.db, call.query.value
    if user_id is not None:
        find_user(db, user_id, call.settings)
    else:
        find_organization(db, str(org_code), call.settings)
    _check_value(_find(db, feature_flag_key)["type"], value, "value")
    table, owner = ("user_flags", "user_id") if user_id is not None else ("organization_flags", "org_code")
    sql = f"INSERT OR REPLACE INTO {table} ({owner}, key, value) VALUES (?, ?, ?)"
    db.execute(sql, (user_id or org_code, feature_flag_key, value))
    return call.success()


def _find(db: sqlite3.Connection, key: str) -> sqlite3.Row:
    row = one(db, "SELECT * FROM feature_flags WHERE key = ?", key)
    if row is None:
        raise bad("FEATURE_FLAG_NOT_FOUND", f"Feature flag not found: {key}", "feature_flag_key")
    return row


def _check_value(kind: str, value: str, field: str) -> None:
    if (kind == "bool" and value not in ("true", "false")) or (kind == "int" and not value.removeprefix("-").isdigit()):
        raise bad("INVALID_PARAMETER", f"The value is not of the type {kind}", field)


def _shown(rows: list[sqlite3.Row]) -> dict[str, dict[str, str]]:
    return {row["key"]: {"type": row["type"], "value": row["value"]} for row in rows}
