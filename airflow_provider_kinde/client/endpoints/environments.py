"""The environment that the connection's credentials belong to."""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from airflow_provider_kinde.client.endpoints.base import P, R, Resource, endpoint


class Environments(Resource[R, P]):
    """Methods on the environment."""

    @endpoint("GET /api/v1/environment", scope="read:environments")
    def get_environment(self) -> R:
        """Read the environment: its code, its name, its domains, and whether it is live.

        :returns: ``{"environment": {"code", "name", "is_live", "is_default", "kinde_domain", "custom_domain", ...}}``.
        """
