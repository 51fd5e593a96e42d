"""Connections of the environment: the identity providers that users sign in with."""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

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
