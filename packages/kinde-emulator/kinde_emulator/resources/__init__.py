"""The Management API: one module for each resource, named after the end of its path.

``/organizations/{org_code}/users/{user_id}/roles`` is in ``organization_user_roles``. Where users and organizations
have the same resource (``…/mfa``, ``…/feature_flags``, ``…/properties``), one module has both.
"""

from __future__ import annotations

from kinde_emulator.resources import (
    api_keys,
    connections,
    directories,
    environment,
    feature_flags,
    identities,
    mfa,
    organization_connections,
    organization_invites,
    organization_logos,
    organization_sessions,
    organization_user_api_scopes,
    organization_user_permissions,
    organization_user_roles,
    organization_users,
    organizations,
    passwords,
    permissions,
    properties,
    property_categories,
    property_values,
    role_permissions,
    role_users,
    roles,
    search_users,
    sessions,
    users,
)

__all__ = [
    "api_keys",
    "connections",
    "directories",
    "environment",
    "feature_flags",
    "identities",
    "mfa",
    "organization_connections",
    "organization_invites",
    "organization_logos",
    "organization_sessions",
    "organization_user_api_scopes",
    "organization_user_permissions",
    "organization_user_roles",
    "organization_users",
    "organizations",
    "passwords",
    "permissions",
    "properties",
    "property_categories",
    "property_values",
    "role_permissions",
    "role_users",
    "roles",
    "search_users",
    "sessions",
    "users",
]
