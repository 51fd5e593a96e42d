"""Connected apps: tokens of other services for users and organizations."""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from airflow_provider_kinde.client.endpoints.base import P, R, Resource, endpoint


class ConnectedApps(Resource[R, P]):
    """Methods on connected apps."""

    @endpoint("GET /api/v1/connected_apps/auth_url", scope="read:connected_apps")
    def get_connected_app_auth_url(
        self,
        key_code_ref: str,
        user_id: str | None = None,
        org_code: str | None = None,
        override_callback_url: str | None = None,
    ) -> R:
        """Make the URL at which a user or an organization connects an app.

        :param key_code_ref: key code of the connected app.
        :param user_id: the user who connects; or give ``org_code``.
        :param org_code: the organization that connects; or give ``user_id``.
        :param override_callback_url: where the user is sent afterwards, instead of the app's own URL.
        :returns: ``{"url": ..., "session_id": ...}``; the session id is needed for the token.
        """

    @endpoint("GET /api/v1/connected_apps/token", scope="read:connected_apps")
    def get_connected_app_token(self, session_id: str) -> R:
        """Read the access token of a connected app.

        :param session_id: from ``get_connected_app_auth_url``.
        :returns: ``{"access_token": ..., "access_token_expiry": ...}``.
        """

    @endpoint(
        "POST /api/v1/connected_apps/revoke", scope="create:connected_apps", query=("session_id",), idempotent=True
    )
    def revoke_connected_app_token(self, session_id: str) -> R:
        """End a connected app's tokens.

        :param session_id: from ``get_connected_app_auth_url``.
        """
