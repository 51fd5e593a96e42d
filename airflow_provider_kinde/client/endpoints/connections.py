"""Connections of the environment: the identity providers that users sign in with."""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_provider_kinde.client.endpoints.base import P, R, Resource, endpoint


class Connections(Resource[R, P]):
    """Methods on connections of the environment."""

    @endpoint("GET /api/v1/connections", scope="read:connections", items="connections", paging="cursor")
    def get_connections(
        self,
        page_size: int | None = None,
        home_realm_domain: str | None = None,
        starting_after: str | None = None,
        ending_before: str | None = None,
    ) -> R:
        """Read one page of connections; ``iter_connections`` reads them all.

        :param page_size: items per page, at most 100; 10 when left out.
        :param home_realm_domain: only the connections that users with addresses of this domain are led to.
        :param starting_after: id of the last item of the page before.
        :param ending_before: id of the first item of the page after.
        :returns: each with ``id``, ``name``, ``display_name`` and ``strategy``, or an object with these under
            ``connection``.
        """

    def iter_connections(self, **query: Any) -> P:
        """Yield every connection.

        :param query: what ``get_connections`` takes: ``home_realm_domain``.
        """
        return self._iterate("get_connections", **query)

    @endpoint("POST /api/v1/connections", scope="create:connections")
    def create_connection(
        self,
        name: str | None = None,
        display_name: str | None = None,
        strategy: str | None = None,
        enabled_applications: Sequence[str] | None = None,
        organization_code: str | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> R:
        """Add a connection: a social or enterprise identity provider.

        :param name: its name.
        :param display_name: the name that users see.
        :param strategy: how it signs in, such as ``oauth2:google``, ``saml:okta`` or ``wsfed:azure_ad``.
        :param enabled_applications: ids of the applications that offer it.
        :param organization_code: code of the organization that it belongs to, if it belongs to one.
        :param options: settings of its strategy: client id and secret, or SAML's entity, certificate and domains.
        :returns: ``{"connection": {"id": ...}}``.
        """

    @endpoint("GET /api/v1/connections/{connection_id}", scope="read:connections")
    def get_connection(self, connection_id: str) -> R:
        """Read one connection.

        :param connection_id: the connection's id.
        :raises KindeNotFoundError: no such connection.
        """

    @endpoint("PATCH /api/v1/connections/{connection_id}", scope="update:connections")
    def update_connection(
        self,
        connection_id: str,
        name: str | None = None,
        display_name: str | None = None,
        enabled_applications: Sequence[str] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> R:
        """Change a connection; what is left out stays as it is.

        :param connection_id: the connection's id.
        :param name: its name.
        :param display_name: the name that users see.
        :param enabled_applications: ids of the applications that offer it.
        :param options: settings of its strategy: client id and secret, or SAML's entity, certificate and domains.
        :raises KindeNotFoundError: no such connection.
        """

    @endpoint("PUT /api/v1/connections/{connection_id}", scope="update:connections")
    def replace_connection(
        self,
        connection_id: str,
        name: str | None = None,
        display_name: str | None = None,
        enabled_applications: Sequence[str] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> R:
        """Set all of a connection; what is left out is cleared.

        :param connection_id: the connection's id.
        :param name: its name.
        :param display_name: the name that users see.
        :param enabled_applications: ids of the applications that offer it.
        :param options: settings of its strategy: client id and secret, or SAML's entity, certificate and domains.
        :raises KindeNotFoundError: no such connection.
        """

    @endpoint("DELETE /api/v1/connections/{connection_id}", scope="delete:connections")
    def delete_connection(self, connection_id: str) -> R:
        """Delete a connection; users can no longer sign in by it.

        :param connection_id: the connection's id.
        :raises KindeNotFoundError: no such connection.
        """
