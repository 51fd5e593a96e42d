"""``…/roles/{role_id}/users``: the users who have a role, anywhere or in one organization."""

from __future__ import annotations

from kinde_emulator.data.organizations import find_organization
from kinde_emulator.data.roles import find_role
from kinde_emulator.data.store import grouped, number
from kinde_emulator.server.http import Response
from kinde_emulator.server.operations import Call, Query, get
from kinde_emulator.server.pagination import TokenQuery, token_page


@get("/roles/{role_id}/users", scope="read:organization_user_roles")
def get_role_users(call: Call[TokenQuery], role_id: str) -> Response:
    """Lists the users who have a role, each with the organizations where.

    :param call: the checked request, with its query parameters.
    :param role_id: Kinde's id of the role.
    :raises ApiError: 404 if there is no such role.
    """
    find_role(call.db, role_id)
    rows, following = token_page(
        call,
        "SELECT DISTINCT user_id AS id FROM member_roles",
        where=["role_id = ?"],
        values=[role_id],
        sorts={"id_asc": "user_id"},
        default="id_asc",
    )
    sql = "SELECT user_id, org_code FROM member_roles WHERE role_id = ? ORDER BY org_code"
    codes = grouped(call.db.execute(sql, (role_id,)), "user_id")
    users = [{"id": row["id"], "org_codes": [item["org_code"] for item in codes[row["id"]]]} for row in rows]
    return call.success(users=users, **following)


@get("/organizations/{org_code}/roles/{role_id}/users", scope="read:organization_user_roles")
def get_organization_role_users(call: Call[TokenQuery], org_code: str, role_id: str) -> Response:
    """Lists the users who have a role in an organization.

    :param call: the checked request, with its query parameters.
    :param org_code: code of the organization.
    :param role_id: Kinde's id of the role.
    :raises ApiError: 404 if there is no such organization or no such role.
    """
    find_organization(call.db, org_code, call.settings)
    find_role(call.db, role_id)
    rows, following = token_page(
        call,
        "SELECT user_id AS id FROM member_roles",
        where=["org_code = ?", "role_id = ?"],
        values=[org_code, role_id],
        sorts={"id_asc": "user_id"},
        default="id_asc",
    )
    return call.success(users=[dict(row) for row in rows], **following)


@get("/organizations/{org_code}/roles/{role_id}/users/count", scope="read:organization_user_roles")
def get_organization_role_users_count(call: Call[Query], org_code: str, role_id: str) -> Response:
    """Counts the users who have a role in an organization.

    :param call: the checked request, with its query parameters.
    :param org_code: code of the organization.
    :param role_id: Kinde's id of the role.
    :raises ApiError: 404 if there is no such organization or no such role.
    """
    find_organization(call.db, org_code, call.settings)
    find_role(call.db, role_id)
    sql = "SELECT count(*) FROM member_roles WHERE org_code = ? AND role_id = ?"
    return call.success(count=number(call.db, sql, org_code, role_id))
