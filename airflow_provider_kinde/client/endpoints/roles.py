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
        :param page_size: items per page, at most 500; 10 when left out.
        :param next_token: from the page before.
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

        :param name: its name.
        :param key: what code and specs call it.
        :param description: its description.
        :param is_default_role: give it to every new member.
        :param assignment_permission_id: the permission that one needs to hand the role out.
        """

    @endpoint("GET /api/v1/roles/{role_id}", scope="read:roles")
    def get_role(self, role_id: str) -> R:
        """Read one role.

        :param role_id: the role's id, not its key.
        """

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
        """Change a role; Kinde wants its name and key each time.

        :param role_id: the role's id, not its key.
        :param name: its name; needed even when it stays.
        :param key: its key; needed even when it stays.
        :param description: its description.
        :param is_default_role: give it to every new member.
        :param assignment_permission_id: the permission that one needs to give the role to a member.
        """

    @endpoint("DELETE /api/v1/roles/{role_id}", scope="delete:roles")
    def delete_role(self, role_id: str) -> R:
        """Delete a role everywhere.

        :param role_id: the role's id, not its key.
        """

    @endpoint(
        "GET /api/v1/roles/{role_id}/permissions", scope="read:role_permissions", items="permissions", paging="token"
    )
    def get_role_permissions(
        self, role_id: str, sort: str | None = None, page_size: int | None = None, next_token: str | None = None
    ) -> R:
        """Read one page of a role's permissions.

        :param role_id: the role's id, not its key.
        :param sort: ``name_asc``, ``name_desc``, ``id_asc`` or ``id_desc``.
        :param page_size: items per page, at most 500; 10 when left out.
        :param next_token: from the page before.
        """

    @endpoint("PATCH /api/v1/roles/{role_id}/permissions", scope="update:role_permissions")
    def update_role_permissions(self, role_id: str, permissions: Sequence[Mapping[str, Any]]) -> R:
        """Add permissions to a role and take some away.

        :param role_id: the role's id, not its key.
        :param permissions: ``{"id"}``, with ``"operation": "delete"`` to take it away.
        """

    @endpoint("DELETE /api/v1/roles/{role_id}/permissions/{permission_id}", scope="delete:role_permissions")
    def remove_role_permission(self, role_id: str, permission_id: str) -> R:
        """Take one permission from a role.

        :param role_id: the role's id, not its key.
        :param permission_id: the permission's id, not its key.
        """

    @endpoint("GET /api/v1/permissions", scope="read:permissions", items="permissions", paging="token")
    def get_permissions(
        self, sort: str | None = None, page_size: int | None = None, next_token: str | None = None
    ) -> R:
        """Read one page of permissions; ``iter_permissions`` reads them all.

        :param sort: ``name_asc``, ``name_desc``, ``id_asc`` or ``id_desc``.
        :param page_size: items per page, at most 500; 10 when left out.
        :param next_token: from the page before.
        """

    @endpoint("POST /api/v1/permissions", scope="create:permissions")
    def create_permission(self, name: str | None = None, description: str | None = None, key: str | None = None) -> R:
        """Create a permission; the response does not hold its id.

        :param name: its name.
        :param description: its description.
        :param key: its key, used in code and in specs.
        """

    @endpoint("PATCH /api/v1/permissions/{permission_id}", scope="update:permissions")
    def update_permissions(
        self,
        permission_id: str,
        name: str | None = None,
        description: str | None = None,
        key: str | None = None,
    ) -> R:
        """Change a permission.

        :param permission_id: the permission's id, not its key.
        :param name: its name.
        :param description: its description.
        :param key: its key, used in code and in specs.
        """

    @endpoint("DELETE /api/v1/permissions/{permission_id}", scope="delete:permissions")
    def delete_permission(self, permission_id: str) -> R:
        """Delete a permission everywhere.

        :param permission_id: the permission's id, not its key.
        """

    def iter_roles(self, **query: Any) -> P:
        """Yield every role, in pages of 500.

        :param query: arguments of ``get_roles``.
        """
        return self._iterate("get_roles", **query)

    def iter_permissions(self, **query: Any) -> P:
        """Yield every permission, in pages of 500.

        :param query: arguments of ``get_permissions``.
        """
        return self._iterate("get_permissions", **query)

    def iter_role_permissions(self, role_id: str, **query: Any) -> P:
        """Yield every permission of a role, in pages of 500.

        :param role_id: the role's id, not its key.
        :param query: what ``get_role_permissions`` takes beside it.
        """
        return self._iterate("get_role_permissions", role_id, **query)

    @endpoint("GET /api/v1/roles/{role_id}/users", scope="read:organization_user_roles", items="users", paging="token")
    def get_role_users(self, role_id: str, page_size: int | None = None, next_token: str | None = None) -> R:
        """Read one page of the holders of a role, in all organizations; ``iter_role_users`` reads them all.

        :param role_id: the role's id.
        :param page_size: items per page, at most 500; 10 when left out.
        :param next_token: from the page before.
        """

    def iter_role_users(self, role_id: str, **query: Any) -> P:
        """Yield every item of all pages of ``get_role_users``.

        :param role_id: the role's id.
        :param query: what ``get_role_users`` takes beside it.
        """
        return self._iterate("get_role_users", role_id, **query)

    @endpoint("GET /api/v1/organizations/{org_code}/roles/{role_id}/users/count", scope="read:organization_user_roles")
    def get_organization_role_users_count(self, org_code: str, role_id: str) -> R:
        """Count the members of an organization who hold a role.

        :param org_code: the organization's code.
        :param role_id: the role's id.
        :returns: ``{"count": ...}``.
        """

    @endpoint(
        "GET /api/v1/organizations/{org_code}/roles/{role_id}/active_users/count", scope="read:organization_user_roles"
    )
    def get_organization_role_active_users_count(
        self, org_code: str, role_id: str, date_time_from: str, date_time_to: str
    ) -> R:
        """Count the members with a role who signed in within a span of time.

        :param org_code: the organization's code.
        :param role_id: the role's id.
        :param date_time_from: from this moment on, in ISO 8601.
        :param date_time_to: up to this moment, in ISO 8601.
        :returns: ``{"active_users_count": ...}`` with the span.
        """

    @endpoint("GET /api/v1/roles/{role_id}/scopes", scope="read:role_scopes", items="scopes")
    def get_role_scopes(self, role_id: str) -> R:
        """Read the scopes that a role gives.

        :param role_id: the role's id.
        """

    @endpoint("POST /api/v1/roles/{role_id}/scopes", scope="create:role_scopes", idempotent=True)
    def add_role_scope(self, role_id: str, scope_id: str) -> R:
        """Give a scope to a role.

        :param role_id: the role's id.
        :param scope_id: the scope's id.
        """

    @endpoint("DELETE /api/v1/roles/{role_id}/scopes/{scope_id}", scope="delete:role_scopes")
    def delete_role_scope(self, role_id: str, scope_id: str) -> R:
        """Take a scope from a role.

        :param role_id: the role's id.
        :param scope_id: the scope's id.
        """

    @endpoint(
        "GET /api/v1/system_permissions", scope="read:system_permissions", items="system_permissions", paging="token"
    )
    def get_system_permissions(
        self, sort: str | None = None, page_size: int | None = None, next_token: str | None = None
    ) -> R:
        """Read one page of Kinde's own permissions; ``iter_system_permissions`` reads them all.

        :param sort: ``name_asc``, ``name_desc``, ``id_asc`` or ``id_desc``.
        :param page_size: items per page, at most 500; 10 when left out.
        :param next_token: from the page before.
        """

    def iter_system_permissions(self, **query: Any) -> P:
        """Yield every item of all pages of ``get_system_permissions``.

        :param query: what ``get_system_permissions`` takes.
        """
        return self._iterate("get_system_permissions", **query)

    @endpoint(
        "GET /api/v1/roles/{role_id}/system_permissions",
        scope="read:role_system_permissions",
        items="system_permissions",
        paging="token",
    )
    def get_role_system_permissions(
        self, role_id: str, sort: str | None = None, page_size: int | None = None, next_token: str | None = None
    ) -> R:
        """Read one page of Kinde's own permissions that a role gives; ``iter_role_system_permissions`` reads them all.

        :param role_id: the role's id.
        :param sort: ``name_asc``, ``name_desc``, ``id_asc`` or ``id_desc``.
        :param page_size: items per page, at most 500; 10 when left out.
        :param next_token: from the page before.
        """

    def iter_role_system_permissions(self, role_id: str, **query: Any) -> P:
        """Yield every item of all pages of ``get_role_system_permissions``.

        :param role_id: the role's id.
        :param query: what ``get_role_system_permissions`` takes beside it.
        """
        return self._iterate("get_role_system_permissions", role_id, **query)

    @endpoint("PATCH /api/v1/roles/{role_id}/system_permissions", scope="update:role_system_permissions")
    def update_role_system_permissions(
        self, role_id: str, system_permissions: Sequence[Mapping[str, Any]] | None = None
    ) -> R:
        """Give Kinde's own permissions to a role, or take them.

        :param role_id: the role's id.
        :param system_permissions: for each permission ``{"id": ...}``; with ``"operation": "delete"`` it is taken away.
        """


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

        :param page_size: items per page, at most 100; 10 when left out.
        :param starting_after: id of the last item of the page before.
        :param ending_before: id of the first item of the page after.
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

        :param name: its name.
        :param key: its key, used in code and in specs.
        :param type: ``single_line_text`` or ``multi_line_text``.
        :param context: ``usr``, ``org`` or ``app``.
        :param is_private: keep it out of tokens.
        :param category_id: id of its category.
        :param description: its description.
        """

    @endpoint("PUT /api/v1/properties/{property_id}", scope="update:properties")
    def update_property(
        self, property_id: str, name: str, is_private: bool, category_id: str, description: str | None = None
    ) -> R:
        """Change a property's definition.

        :param property_id: the property's id.
        :param name: its name.
        :param is_private: keep it out of tokens.
        :param category_id: id of its category.
        :param description: its description.
        """

    @endpoint("DELETE /api/v1/properties/{property_id}", scope="delete:properties")
    def delete_property(self, property_id: str) -> R:
        """Delete a property and its values.

        :param property_id: the property's id.
        """

    def iter_properties(self, **query: Any) -> P:
        """Yield every property definition.

        :param query: ``context`` and what else ``get_properties`` takes.
        """
        return self._iterate("get_properties", **query)

    @endpoint("GET /api/v1/property_categories", scope="read:property_categories", items="categories", paging="cursor")
    def get_categories(
        self,
        page_size: int | None = None,
        starting_after: str | None = None,
        ending_before: str | None = None,
        context: str | None = None,
    ) -> R:
        """Read one page of the categories of properties; ``iter_categories`` reads them all.

        :param page_size: items per page, at most 100; 10 when left out.
        :param starting_after: id of the last item of the page before.
        :param ending_before: id of the first item of the page after.
        :param context: ``usr`` or ``org``.
        """

    def iter_categories(self, **query: Any) -> P:
        """Yield every item of all pages of ``get_categories``.

        :param query: what ``get_categories`` takes.
        """
        return self._iterate("get_categories", **query)

    @endpoint("POST /api/v1/property_categories", scope="create:property_categories")
    def create_category(self, name: str, context: str) -> R:
        """Add a category of properties.

        :param name: its name.
        :param context: ``org``, ``usr`` or ``app``.
        :returns: ``{"category": {"id": ...}}``.
        """

    @endpoint("PUT /api/v1/property_categories/{category_id}", scope="update:property_categories")
    def update_category(self, category_id: str, name: str | None = None) -> R:
        """Rename a category of properties.

        :param category_id: the category's id.
        :param name: its name.
        :raises KindeNotFoundError: no such category.
        """
