"""``…/mfa``: the second factors of a user, and those that an organization allows."""

from __future__ import annotations

import json
import sqlite3
from typing import Literal

from kinde_emulator.data.organizations import find_member, find_organization
from kinde_emulator.data.store import one, update
from kinde_emulator.data.users import find_user
from kinde_emulator.errors import ApiError
from kinde_emulator.server.http import Response
from kinde_emulator.server.operations import Body, Call, Query, delete, get, put

USER = "/users/{user_id}/mfa"
MEMBER = "/organizations/{org_code}/users/{user_id}/mfa"


class ReplaceMfa(Body):
    """The second factors that an organization allows."""

    enabled_factors: list[Literal["mfa:email", "mfa:sms", "mfa:authenticator_app"]]
    is_recovery_codes_enabled: bool = True


@get(USER, scope="read:user_mfa")
@get(MEMBER, scope="read:organization_user_mfa")
def get_mfa(call: Call[Query], user_id: str, org_code: str | None = None) -> Response:
    """Reads the second factor of a user or a member: one object, not a list.

    :param call: the checked request, with its query parameters.
    :param user_id: Kinde's id of the user.
    :param org_code: code of the organization.
    :raises ApiError: 404 if there is no such object.
    """
    row = _find(call, user_id, org_code)
    factor = {name: row[name] for name in ("id", "type", "created_on", "name")}
    return call.success(mfa={**factor, "is_verified": True, "usage_count": 0, "last_used_on": row["created_on"]})


@delete(USER, scope="delete:user_mfa")
@delete(USER + "/{factor_id}", scope="delete:user_mfa")
@delete(MEMBER, scope="delete:organization_user_mfa")
@delete(MEMBER + "/{factor_id}", scope="delete:organization_user_mfa")
def reset_mfa(call: Call[Query], user_id: str, org_code: str | None = None, factor_id: str | None = None) -> Response:
    """Deletes one second factor of a user or a member, or all of them.

    :param call: the checked request, with its query parameters.
    :param user_id: Kinde's id of the user.
    :param org_code: code of the organization.
    :param factor_id: Kinde's id of the second factor; ``None`` for all of them.
    :raises ApiError: 404 if there is no such object.
    """
    _find(call, user_id, org_code, factor_id)
    call.db.execute("DELETE FROM factors WHERE user_id = ? AND id = coalesce(?, id)", (user_id, factor_id))
    return call.success()


@put("/organizations/{org_code}/mfa", scope="update:organization_mfa")
def replace_organization_mfa(call: Call[Query], org_code: str, body: ReplaceMfa) -> Response:
    """Sets which second factors an organization allows.

    :param call: the checked request, with its query parameters.
    :param org_code: code of the organization.
    :param body: the checked JSON body.
    :raises ApiError: 404 if there is no such organization.
    """
    row = find_organization(call.db, org_code, call.settings)
    details = {**json.loads(row["details"]), "mfa": body.to_dict()}
    update(call.db, "organizations", "code", org_code, details=json.dumps(details))
    return call.success()


def _find(call: Call[Query], user_id: str, org_code: str | None, factor_id: str | None = None) -> sqlite3.Row:
    if org_code is None:
        find_user(call.db, user_id, call.settings)
    else:
        find_member(call.db, org_code, user_id, call.settings)
    sql = "SELECT * FROM factors WHERE user_id = ? AND id = coalesce(?, id) ORDER BY created_on, id"
    row = one(call.db, sql, user_id, factor_id)
    if row is None:
        raise ApiError(404, "MFA_NOT_FOUND", "The user has no such second factor")
    return row
