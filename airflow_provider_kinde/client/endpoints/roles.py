"""Roles and permissions of the business, and the definitions of properties."""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_provider_kinde.client.endpoints.base import P, R, Resource, endpoint


class Roles(Resource[R, P]):
    """Methods on roles and permissions."""

    @endpoint("GET /api/v1/roles", scope="read:roles", items="roles", paging="token")
    def get_roles(self, sort: str | None = None, page_size: int | None = None, next_token: str | None = None) -> R:
        """Read one page of roles; ``iter_roles`` reads them all.

        :param sort: ``name_asc``, ``name_desc``, ``id_asc`` or ``id_desc``.
        """

    @endpoint("POST /api/v1/roles", scope="create:roles")
    def create_role(
        self,
        name: str,
        key: str,
        description: str | None = None,
        is_default_role: bool | None = None,
        assignment_permission_id: str | None = None,
    ) -> R:
        """Create a role.

        :param key: what code and specs call it.
        :param is_default_role: give it to every new member.
        :param assignment_permission_id: the permission that one needs to hand the role out.
        """

    @endpoint("GET /api/v1/roles/{role_id}", scope="read:roles")
    def get_role(self, role_id: str) -> R:
        """Read one role."""

    @endpoint("PATCH /api/v1/roles/{role_id}", scope="update:roles")
    def update_roles(
        self,
        role_id: str,
        name: str,
        key: str,
        description: str | None = None,
        is_default_role: bool | None = None,
        assignment_permission_id: str | None = None,
    ) -> R:
        """Change a role; Kinde wants its name and key each time."""

    @endpoint("DELETE /api/v1/roles/{role_id}", scope="delete:roles")
    def delete_role(self, role_id: str) -> R:
        """Delete a role everywhere."""

    @endpoint(
        "GET /api/v1/roles/{role_id}/permissions", scope="read:role_permissions", items="permissions", paging="token"
    )
    def get_role_permissions(
        self, role_id: str, sort: str | None = None, page_size: int | None = None, next_token: str | None = None
    ) -> R:
        """Read one page of a role's permissions."""

    @endpoint("PATCH /api/v1/roles/{role_id}/permissions", scope="update:role_permissions")
    def update_role_permissions(self, role_id: str, permissions: Sequence[Mapping[str, Any]]) -> R:
        """Add permissions to a role and take some away.

        :param permissions: ``{"id"}``, with ``"operation": "delete"`` to take it away.
        """

    @endpoint("DELETE /api/v1/roles/{role_id}/permissions/{permission_id}", scope="delete:role_permissions")
    def remove_role_permission(self, role_id: str, permission_id: str) -> R:
        """Take one permission from a role."""

    @endpoint("GET /api/v1/permissions", scope="read:permissions", items="permissions", paging="token")
    def get_permissions(
        self, sort: str | None = None, page_size: int | None = None, next_token: str | None = None
    ) -> R:
        """Read one page of permissions; ``iter_permissions`` reads them all."""

    @endpoint("POST /api/v1/permissions", scope="create:permissions")
    def create_permission(self, name: str | None = None, description: str | None = None, key: str | None = None) -> R:
        """Create a permission; the response does not hold its id."""

    @endpoint("PATCH /api/v1/permissions/{permission_id}", scope="update:permissions")
    def update_permissions(
        self,
        permission_id: str,
        name: str | None = None,
        description: str | None = None,
        key: str | None = None,
    ) -> R:
        """Change a permission."""

    @endpoint("DELETE /api/v1/permissions/{permission_id}", scope="delete:permissions")
    def delete_permission(self, permission_id: str) -> R:
        """Delete a permission everywhere."""

    def iter_roles(self, **query: Any) -> P:
        """Yield every role, in pages of 500."""
        return self._iterate("get_roles", **query)

    def iter_permissions(self, **query: Any) -> P:
        """Yield every permission, in pages of 500."""
        return self._iterate("get_permissions", **query)


class Properties(Resource[R, P]):
    """Methods on the definitions of properties."""

    @endpoint("GET /api/v1/properties", scope="read:properties", items="properties", paging="cursor")
    def get_properties(
        self,
        page_size: int | None = None,
        starting_after: str | None = None,
        ending_before: str | None = None,
        context: str | None = None,
    ) -> R:
        """Read one page of property definitions; ``iter_properties`` reads them all.

        :param context: ``usr`` (users), ``org`` (organizations) or ``app``.
        """

    @endpoint("POST /api/v1/properties", scope="create:properties")
    def create_property(
        self,
        name: str,
        key: str,
        type: str,
        context: str,
        is_private: bool,
        category_id: str,
        description: str | None = None,
    ) -> R:
        """Define a property.

        :param type: ``single_line_text`` or ``multi_line_text``.
        :param context: ``usr``, ``org`` or ``app``.
        :param is_private: keep it out of tokens.
        """

    @endpoint("PUT /api/v1/properties/{property_id}", scope="update:properties")
    def update_property(
        self, property_id: str, name: str, is_private: bool, category_id: str, description: str | None = None
    ) -> R:
        """Change a property's definition."""

    @endpoint("DELETE /api/v1/properties/{property_id}", scope="delete:properties")
    def delete_property(self, property_id: str) -> R:
        """Delete a property and its values."""

    def iter_properties(self, **query: Any) -> P:
        """Yield every property definition.

        :param query: ``context`` and what else ``get_properties`` takes.
        """
        return self._iterate("get_properties", **query)
