"""``…/feature_flags``: the feature flags that an organization or a user overrides."""

from __future__ import annotations

import sqlite3

from kinde_emulator.data.organizations import find_organization
from kinde_emulator.data.store import one
from kinde_emulator.data.users import find_user
from kinde_emulator.errors import bad
from kinde_emulator.server.http import Response
from kinde_emulator.server.operations import Call, Query, delete, get, patch

ORGANIZATION = "/organizations/{org_code}/feature_flags"


class FlagValue(Query):
    """Query parameters of an override: the value is one of them."""

    value: str


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
    rows = call.db.execute(sql, (org_code,))
    return call.success(feature_flags={row["key"]: {"type": row["type"], "value": row["value"]} for row in rows})


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
    kind = _find(db, feature_flag_key)["type"]
    if (kind == "bool" and value not in ("true", "false")) or (kind == "int" and not value.removeprefix("-").isdigit()):
        raise bad("INVALID_PARAMETER", f"The value is not of the type {kind}", "value")
    table, owner = ("user_flags", "user_id") if user_id is not None else ("organization_flags", "org_code")
    sql = f"INSERT OR REPLACE INTO {table} ({owner}, key, value) VALUES (?, ?, ?)"
    db.execute(sql, (user_id or org_code, feature_flag_key, value))
    return call.success()


def _find(db: sqlite3.Connection, key: str) -> sqlite3.Row:
    row = one(db, "SELECT * FROM feature_flags WHERE key = ?", key)
    if row is None:
        raise bad("FEATURE_FLAG_NOT_FOUND", f"Feature flag not found: {key}", "feature_flag_key")
    return row
