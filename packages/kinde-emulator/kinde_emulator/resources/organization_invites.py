"""``/organization/{org_code}/invites``: invitations into an organization."""

from __future__ import annotations

import json
import secrets
import sqlite3
from typing import Any, Literal

from kinde_emulator.data.organizations import find_organization, refuse_managed
from kinde_emulator.data.store import insert, new_id, now, one, update
from kinde_emulator.data.users import checked_email, owner_of
from kinde_emulator.errors import ApiError, bad
from kinde_emulator.server.http import Response
from kinde_emulator.server.operations import Body, Call, Query, delete, get, post
from kinde_emulator.server.pagination import TokenQuery, token_page

INVITES = "/organization/{org_code}/invites"
FULL_NAME = "trim(coalesce(first_name, '') || ' ' || coalesce(last_name, ''))"
SORTS = {
    f"{name}_{direction}": f"{column} {direction}, id {direction}"
    for name, column in (("created_on", "created_on"), ("email", "email COLLATE NOCASE"), ("name", FULL_NAME))
    for direction in ("asc", "desc")
}


class ListInvites(TokenQuery):
    """Query parameters of the list."""

    sort: Literal["created_on_asc", "created_on_desc", "email_asc", "email_desc", "name_asc", "name_desc"] | None = None
    include_revoked: bool = False
    include_accepted: bool = False


class CreateInvite(Body):
    """An invitation to send."""

    email: str
    first_name: str | None = None
    last_name: str | None = None
    roles: list[str]
    send_email: bool = False


@get(INVITES, scope="read:organization_invites")
def get_organization_invites(call: Call[ListInvites], org_code: str) -> Response:
    """Lists invitations; revoked and accepted ones only on request.

    :param call: the checked request, with its query parameters.
    :param org_code: code of the organization.
    :raises ApiError: 404 if there is no such organization.
    """
    where = ["org_code = ?"]
    where += [] if call.query.include_revoked else ["NOT is_revoked"]
    where += [] if call.query.include_accepted else ["accepted_on IS NULL"]
    find_organization(call.db, org_code, call.settings)
    rows, following = token_page(
        call, "SELECT * FROM invites", where=where, values=[org_code], sorts=SORTS, default="created_on_asc"
    )
    return call.success(invites=[_shown(call.db, row) for row in rows], **following)


@post(INVITES, scope="create:organization_invites")
def create_organization_invite(call: Call[Query], org_code: str, body: CreateInvite) -> Response:
    """Creates an invitation.

    :param call: the checked request, with its query parameters.
    :param org_code: code of the organization.
    :param body: the checked JSON body.
    :raises ApiError: 404 if there is no such organization or no such object; 400 if something that was sent is
        wrong, if a directory manages the organization, or if the address is a member's or has a pending invitation.
    """
    db, email = call.db, checked_email(body.email, call.settings)
    for value, name in ((body.first_name, "first_name"), (body.last_name, "last_name")):
        if value is not None and len(value) > 64:
            raise bad(f"{name.upper()}_TOO_LONG", f"{name} must be 64 characters or less", name)
    find_organization(db, org_code, call.settings)
    refuse_managed(db, org_code, call.settings, invitation=True)
    for key in body.roles:
        if one(db, "SELECT 1 FROM roles WHERE key = ?", key) is None:
            raise bad("ROLE_NOT_FOUND", f"Unknown role key: {key}", "roles")
    owner = owner_of(db, "email", email, call.settings)
    if owner and one(db, "SELECT 1 FROM members WHERE org_code = ? AND user_id = ?", org_code, owner):
        raise bad("USER_ALREADY_IN_ORGANIZATION", "The user is already a member of the organization", "email")
    pending = "org_code = ? AND lower(email) = lower(?) AND accepted_on IS NULL AND NOT is_revoked"
    if one(db, f"SELECT 1 FROM invites WHERE {pending}", org_code, email):
        raise bad("INVITATION_ALREADY_EXISTS", "The address has a pending invitation", "email")
    code = secrets.token_hex(8)
    insert(
        db,
        "invites",
        id=new_id("invite"),
        code=code,
        org_code=org_code,
        email=email,
        first_name=body.first_name,
        last_name=body.last_name,
        roles=json.dumps(body.roles),
        created_on=now(),
        is_sent=body.send_email,
    )
    invite = _shown(db, _find(db, org_code, code))
    return call.success(201, message="Invitation created", code="INVITATION_CREATED", invite=invite)


@get(INVITES + "/{invite_code}", scope="read:organization_invites")
def get_organization_invite(call: Call[Query], org_code: str, invite_code: str) -> Response:
    """Reads an invitation.

    :param call: the checked request, with its query parameters.
    :param org_code: code of the organization.
    :param invite_code: code of the invitation.
    :raises ApiError: 404 if there is no such organization or no such object.
    """
    find_organization(call.db, org_code, call.settings)
    return call.answer({"message": "Success", **_shown(call.db, _find(call.db, org_code, invite_code))})


@delete(INVITES + "/{invite_code}", scope="delete:organization_invites")
def delete_organization_invite(call: Call[Query], org_code: str, invite_code: str) -> Response:
    """Revokes an invitation.

    :param call: the checked request, with its query parameters.
    :param org_code: code of the organization.
    :param invite_code: code of the invitation.
    :raises ApiError: 404 if there is no such organization or no such object.
    """
    find_organization(call.db, org_code, call.settings)
    update(call.db, "invites", "id", _find(call.db, org_code, invite_code)["id"], is_revoked=True)
    return call.success()


def _find(db: sqlite3.Connection, org_code: str, code: str) -> sqlite3.Row:
    row = one(db, "SELECT * FROM invites WHERE org_code = ? AND code = ?", org_code, code)
    if row is None:
        raise ApiError(404, "INVITE_NOT_FOUND", "Invite not found")
    return row


def _shown(db: sqlite3.Connection, row: sqlite3.Row) -> dict[str, Any]:
    sql = "SELECT key, name FROM roles WHERE key IN (SELECT value FROM json_each(?)) ORDER BY key"
    return {
        **{name: row[name] for name in ("id", "code", "email", "first_name", "last_name", "created_on", "accepted_on")},
        "full_name": " ".join(part for part in (row["first_name"], row["last_name"]) if part),
        "is_sent": bool(row["is_sent"]),
        "is_revoked": bool(row["is_revoked"]),
        "roles": [dict(role) for role in db.execute(sql, (row["roles"],))],
        "invite_link": f"/invitation/{row['code']}",
    }
