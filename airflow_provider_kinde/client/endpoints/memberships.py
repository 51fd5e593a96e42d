"""Members of organizations, with their roles, permissions, scopes and second factors; and invitations."""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from airflow_provider_kinde.client.endpoints.base import P, R, Resource, endpoint

BULK = 100
"""How many users Kinde takes in one request."""

Member = str | Mapping[str, Any]


def _members(users: Sequence[Member], **extra: str) -> list[dict[str, Any]]:
    if isinstance(users, (str, bytes, Mapping)) or not isinstance(users, Iterable):
        raise ValueError("users must be a list")
    users = list(users)
    if not all(isinstance(user, (str, Mapping)) for user in users):
        raise ValueError("every user must be an id, or a mapping with an id")
    members = [{"id": user, **extra} if isinstance(user, str) else {**user, **extra} for user in users]
    if len(members) > BULK:
        raise ValueError(f"{len(members)} users in one request: Kinde takes {BULK}, so send them in several")
    if not all(str(member.get("id") or "").strip() for member in members):
        raise ValueError("every user needs an id")
    return members


def _removed(users: Sequence[Member]) -> list[dict[str, Any]]:
    return [{"id": member["id"], "operation": "delete"} for member in _members(users)]


class Memberships(Resource[R, P]):
    """Methods on the members of an organization."""

    @endpoint(
        "GET /api/v1/organizations/{org_code}/users",
        scope="read:organization_users",
        items="organization_users",
        paging="token",
    )
    def get_organization_users(
        self,
        org_code: str,
        sort: str | None = None,
        page_size: int | None = None,
        next_token: str | None = None,
        permissions: str | Sequence[str] | None = None,
        roles: str | Sequence[str] | None = None,
    ) -> R:
        """Read one page of an organization's members; ``iter_organization_users`` reads them all.

        :param org_code: the organization's code.
        :param sort: ``name_asc``, ``name_desc``, ``email_asc`` or ``email_desc``.
        :param page_size: members per page, at most 500; 10 when left out.
        :param next_token: from the page before.
        :param permissions: permission keys; only members with all of them.
        :param roles: role keys; only members with all of them.
        """

    @endpoint(
        "POST /api/v1/organizations/{org_code}/users",
        scope="create:organization_users",
        idempotent=True,
        prepare={"users": _members},
    )
    def add_organization_users(self, org_code: str, users: Sequence[Member]) -> R:
        """Add up to 100 users to an organization.

        :param org_code: the organization's code.
        :param users: ids, or ``{"id", "roles": [keys], "permissions": [keys]}``.
        :returns: ``{"users_added": [...]}``, or ``None`` if Kinde says that there was nothing to add.
        :raises ValueError: more than 100 users.
        """

    @endpoint(
        "PATCH /api/v1/organizations/{org_code}/users", scope="update:organization_users", prepare={"users": _members}
    )
    def update_organization_users(self, org_code: str, users: Sequence[Member]) -> R:
        """Add, change and remove up to 100 members of an organization in one request.

        :param org_code: the organization's code.
        :param users: ``{"id", "roles": [keys], "permissions": [keys]}``; with ``"operation": "delete"`` to remove.
        :returns: ``{"users_added", "users_updated", "users_removed"}``.
        :raises ValueError: more than 100 users.
        """

    @endpoint(
        "PATCH /api/v1/organizations/{org_code}/users", scope="update:organization_users", prepare={"users": _removed}
    )
    def remove_organization_users(self, org_code: str, users: Sequence[Member]) -> R:
        """Remove up to 100 members from an organization.

        :param org_code: the organization's code.
        :param users: ids.
        :returns: ``{"users_removed": [...]}``.
        :raises ValueError: more than 100 users.
        """

    @endpoint("DELETE /api/v1/organizations/{org_code}/users/{user_id}", scope="delete:organization_users")
    def remove_organization_user(self, org_code: str, user_id: str) -> R:
        """Remove one member from an organization.

        :param org_code: the organization's code.
        :param user_id: the user's id.
        :raises KindeNotFoundError: not a member.
        """

    @endpoint(
        "GET /api/v1/organizations/{org_code}/users/{user_id}/roles",
        scope="read:organization_user_roles",
        items="roles",
    )
    def get_organization_user_roles(self, org_code: str, user_id: str) -> R:
        """Read a member's roles.

        :param org_code: the organization's code.
        :param user_id: the user's id.
        """

    @endpoint(
        "POST /api/v1/organizations/{org_code}/users/{user_id}/roles",
        scope="create:organization_user_roles",
        idempotent=True,
    )
    def create_organization_user_role(self, org_code: str, user_id: str, role_id: str) -> R:
        """Give a member a role.

        :param org_code: the organization's code.
        :param user_id: the user's id.
        :param role_id: the role's id; the bulk methods take role keys.
        """

    @endpoint(
        "DELETE /api/v1/organizations/{org_code}/users/{user_id}/roles/{role_id}",
        scope="delete:organization_user_roles",
    )
    def delete_organization_user_role(self, org_code: str, user_id: str, role_id: str) -> R:
        """Take a role from a member.

        :param org_code: the organization's code.
        :param user_id: the user's id.
        :param role_id: the role's id, not its key.
        :raises KindeNotFoundError: not a member, or without that role.
        """

    @endpoint(
        "GET /api/v1/organizations/{org_code}/users/{user_id}/permissions",
        scope="read:organization_user_permissions",
        items="permissions",
    )
    def get_organization_user_permissions(
        self, org_code: str, user_id: str, expand: str | Sequence[str] | None = None
    ) -> R:
        """Read a member's permissions.

        :param org_code: the organization's code.
        :param user_id: the user's id.
        :param expand: ``roles``.
        """

    @endpoint(
        "POST /api/v1/organizations/{org_code}/users/{user_id}/permissions",
        scope="create:organization_user_permissions",
        idempotent=True,
    )
    def create_organization_user_permission(self, org_code: str, user_id: str, permission_id: str) -> R:
        """Give a member a permission.

        :param org_code: the organization's code.
        :param user_id: the user's id.
        :param permission_id: the permission's id, not its key.
        """

    @endpoint(
        "DELETE /api/v1/organizations/{org_code}/users/{user_id}/permissions/{permission_id}",
        scope="delete:organization_user_permissions",
    )
    def delete_organization_user_permission(self, org_code: str, user_id: str, permission_id: str) -> R:
        """Take a permission from a member.

        :param org_code: the organization's code.
        :param user_id: the user's id.
        :param permission_id: the permission's id, not its key.
        """

    @endpoint(
        "POST /api/v1/organizations/{org_code}/users/{user_id}/apis/{api_id}/scopes/{scope_id}",
        scope="create:organization_user_api_scopes",
        idempotent=True,
    )
    def add_organization_user_api_scope(self, org_code: str, user_id: str, api_id: str, scope_id: str) -> R:
        """Give a member a scope of an API.

        :param org_code: the organization's code.
        :param user_id: the user's id.
        :param api_id: the API's id.
        :param scope_id: the scope's id.
        """

    @endpoint(
        "DELETE /api/v1/organizations/{org_code}/users/{user_id}/apis/{api_id}/scopes/{scope_id}",
        scope="delete:organization_user_api_scopes",
    )
    def delete_organization_user_api_scope(self, org_code: str, user_id: str, api_id: str, scope_id: str) -> R:
        """Take a scope of an API from a member.

        :param org_code: the organization's code.
        :param user_id: the user's id.
        :param api_id: the API's id.
        :param scope_id: the scope's id.
        """

    @endpoint("GET /api/v1/organizations/{org_code}/users/{user_id}/mfa", scope="read:organization_user_mfa")
    def get_org_user_mfa(self, org_code: str, user_id: str) -> R:
        """Read a member's second factor.

        :param org_code: the organization's code.
        :param user_id: the user's id.
        :raises KindeNotFoundError: no such member.
        """

    @endpoint("DELETE /api/v1/organizations/{org_code}/users/{user_id}/mfa", scope="delete:organization_user_mfa")
    def reset_org_user_mfa_all(self, org_code: str, user_id: str) -> R:
        """Drop all second factors of a member.

        :param org_code: the organization's code.
        :param user_id: the user's id.
        """

    @endpoint(
        "DELETE /api/v1/organizations/{org_code}/users/{user_id}/mfa/{factor_id}", scope="delete:organization_user_mfa"
    )
    def reset_org_user_mfa(self, org_code: str, user_id: str, factor_id: str) -> R:
        """Drop one second factor of a member.

        :param org_code: the organization's code.
        :param user_id: the user's id.
        :param factor_id: the factor's id.
        """

    @endpoint(
        "GET /api/v1/organizations/{org_code}/roles/{role_id}/users",
        scope="read:organization_user_roles",
        items="users",
        paging="token",
    )
    def get_organization_role_users(
        self, org_code: str, role_id: str, page_size: int | None = None, next_token: str | None = None
    ) -> R:
        """Read one page of the members who hold a role.

        :param org_code: the organization's code.
        :param role_id: the role's id, not its key.
        :param page_size: items per page, at most 500; 10 when left out.
        :param next_token: from the page before.
        """

    def iter_organization_users(self, org_code: str, **query: Any) -> P:
        """Yield every member of an organization, in pages of 500.

        :param org_code: the organization's code.
        :param query: what ``get_organization_users`` takes.
        """
        return self._iterate("get_organization_users", org_code, **query)


class Invites(Resource[R, P]):
    """Methods on invitations to an organization."""

    @endpoint(
        "GET /api/v1/organization/{org_code}/invites",
        scope="read:organization_invites",
        items="invites",
        paging="token",
    )
    def get_organization_invites(
        self,
        org_code: str,
        sort: str | None = None,
        page_size: int | None = None,
        next_token: str | None = None,
        include_revoked: bool | None = None,
        include_accepted: bool | None = None,
    ) -> R:
        """Read one page of an organization's invitations; ``iter_organization_invites`` reads them all.

        :param org_code: the organization's code.
        :param sort: ``created_on``, ``email`` or ``name`` with ``_asc`` or ``_desc``.
        :param page_size: items per page, at most 500; 10 when left out.
        :param next_token: from the page before.
        :param include_revoked: include revoked invitations.
        :param include_accepted: include accepted invitations.
        """

    @endpoint("POST /api/v1/organization/{org_code}/invites", scope="create:organization_invites")
    def create_organization_invite(
        self,
        org_code: str,
        email: str,
        roles: Sequence[str],
        first_name: str | None = None,
        last_name: str | None = None,
        send_email: bool | None = None,
    ) -> R:
        """Invite a person to an organization.

        :param org_code: the organization's code.
        :param email: their address, at most 254 characters.
        :param roles: role keys; may be empty.
        :param first_name: at most 64 characters.
        :param last_name: at most 64 characters.
        :param send_email: have Kinde send the invitation; otherwise only its link is returned.
        :returns: ``{"invite": {...}}``.
        """

    @endpoint("GET /api/v1/organization/{org_code}/invites/{invite_code}", scope="read:organization_invites")
    def get_organization_invite(self, org_code: str, invite_code: str) -> R:
        """Read an invitation; ``accepted_on`` says whether it was accepted.

        :param org_code: the organization's code.
        :param invite_code: the invitation's code.
        """

    @endpoint("DELETE /api/v1/organization/{org_code}/invites/{invite_code}", scope="delete:organization_invites")
    def delete_organization_invite(self, org_code: str, invite_code: str) -> R:
        """Revoke an invitation.

        :param org_code: the organization's code.
        :param invite_code: the invitation's code.
        """

    def iter_organization_invites(self, org_code: str, **query: Any) -> P:
        """Yield every invitation of an organization.

        :param org_code: the organization's code.
        :param query: arguments of ``get_organization_invites``.
        """
        return self._iterate("get_organization_invites", org_code, **query)
