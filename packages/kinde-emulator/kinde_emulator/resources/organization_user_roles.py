"""``/organizations/{org_code}/users/{user_id}/roles``: the roles of one member."""

from __future__ import annotations

from kinde_emulator.data.organizations import find_member, refuse_managed
from kinde_emulator.data.store import insert, one
from kinde_emulator.errors import bad
from kinde_emulator.server.http import Response
from kinde_emulator.server.operations import Body, Call, Query, delete, get, post
from kinde_emulator.server.pagination import list_end

ROLES = "/organizations/{org_code}/users/{user_id}/roles"
HELD = "SELECT 1 FROM member_roles WHERE org_code = ? AND user_id = ? AND role_id = ?"


class CreateUserRole(Body):
    """A role to give, by its id."""

    role_id: str


@get(ROLES, scope="read:organization_user_roles")
def get_organization_user_roles(call: Call[Query], org_code: str, user_id: str) -> Response:
    """Lists the roles of a member, on one page.

    :param call: the checked request, with its query parameters.
    :param org_code: code of the organization.
    :param user_id: Kinde's id of the user.
    :raises ApiError: 404 if there is no such user or organization, 400 if the user is no member.
    """
    find_member(call.db, org_code, user_id, call.settings)
    rows = call.db.execute(
        "SELECT id, key, name FROM member_roles JOIN roles ON roles.id = role_id"
        " WHERE org_code = ? AND user_id = ? ORDER BY key",
        (org_code, user_id),
    )
    return call.success(roles=[dict(row) for row in rows], **list_end(call.settings))


@post(ROLES, scope="create:organization_user_roles")
def create_organization_user_role(call: Call[Query], org_code: str, user_id: str, body: CreateUserRole) -> Response:
    """Gives a member a role.

    :param call: the checked request, with its query parameters.
    :param org_code: code of the organization.
    :param user_id: Kinde's id of the user.
    :param body: the checked JSON body.
    :raises ApiError: 404 if there is no such user or organization, 400 if the user is no member; 400 if something
        that was sent is wrong; 400 if a directory manages the organization.
    """
    refuse_managed(call.db, org_code, call.settings)
    find_member(call.db, org_code, user_id, call.settings)
    if one(call.db, "SELECT 1 FROM roles WHERE id = ?", body.role_id) is None:
        raise bad("INVALID_ROLE_ID", "Role not found: role_id is the id of a role, not its key", "role_id")
    if one(call.db, HELD, org_code, user_id, body.role_id) is None:
        insert(call.db, "member_roles", org_code=org_code, user_id=user_id, role_id=body.role_id)
    elif call.settings.role_twice_status == 400:
        raise bad("ROLE_ALREADY_ASSIGNED", "The user has this role already", "role_id")
    return call.success()


@delete(ROLES + "/{role_id}", scope="delete:organization_user_roles")
def delete_organization_user_role(call: Call[Query], org_code: str, user_id: str, role_id: str) -> Response:
    """Takes a role from a member.

    :param call: the checked request, with its query parameters.
    :param org_code: code of the organization.
    :param user_id: Kinde's id of the user.
    :param role_id: Kinde's id of the role.
    :raises ApiError: 404 if there is no such user or organization, 400 if the user is no member; 400 if something
        that was sent is wrong; 400 if a directory manages the organization.
    """
    refuse_managed(call.db, org_code, call.settings)
    find_member(call.db, org_code, user_id, call.settings)
    sql = "DELETE FROM member_roles WHERE org_code = ? AND user_id = ? AND role_id = ?"
    if not call.db.execute(sql, (org_code, user_id, role_id)).rowcount:
        raise bad("INVALID_ROLE_ID", "The user does not have this role", "role_id")
    return call.success()
