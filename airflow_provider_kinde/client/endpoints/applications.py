"""Applications: what users sign in to."""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_provider_kinde.client.endpoints.base import P, R, Resource, endpoint


class Applications(Resource[R, P]):
    """Methods on applications, their tokens, connections, properties and access roles."""

    @endpoint("GET /api/v1/applications", scope="read:applications", items="applications", paging="token")
    def get_applications(
        self, sort: str | None = None, page_size: int | None = None, next_token: str | None = None
    ) -> R:
        """Read one page of applications; ``iter_applications`` reads them all.

        :param sort: ``name_asc`` or ``name_desc``.
        :param page_size: items per page, at most 500; 10 when left out.
        :param next_token: from the page before.
        """

    def iter_applications(self, **query: Any) -> P:
        """Yield every item of all pages of ``get_applications``.

        :param query: what ``get_applications`` takes.
        """
        return self._iterate("get_applications", **query)

    @endpoint("POST /api/v1/applications", scope="create:applications")
    def create_application(self, name: str, type: str, org_code: str | None = None) -> R:
        """Register an application.

        :param name: its name.
        :param type: ``reg``, ``spa``, ``m2m`` or ``device``.
        :param org_code: the organization that it belongs to, if it belongs to one.
        :returns: ``{"application": {"id": ..., "client_id": ..., "client_secret": ...}}``.
        """

    @endpoint("GET /api/v1/applications/{application_id}", scope="read:applications")
    def get_application(self, application_id: str) -> R:
        """Read one application.

        :param application_id: the application's id.
        :raises KindeNotFoundError: no such application.
        """

    @endpoint("PATCH /api/v1/applications/{application_id}", scope="update:applications")
    def update_application(
        self,
        application_id: str,
        name: str | None = None,
        language_key: str | None = None,
        logout_uris: Sequence[str] | None = None,
        redirect_uris: Sequence[str] | None = None,
        login_uri: str | None = None,
        homepage_uri: str | None = None,
        is_allow_faceless_auth: bool | None = None,
        is_ask_for_name: bool | None = None,
        has_marketing_consent: bool | None = None,
        has_sign_in_link_on_sign_up_page: bool | None = None,
        has_register_link_on_sign_in_page: bool | None = None,
        has_sign_in_with_sso_button: bool | None = None,
        use_gravatar_fallback: bool | None = None,
        is_access_control_enabled: bool | None = None,
    ) -> R:
        """Change an application; what is left out stays as it is.

        :param application_id: the application's id.
        :param name: its name.
        :param language_key: language of its pages, such as ``en``.
        :param logout_uris: where users may be sent after signing out.
        :param redirect_uris: where users may be sent after signing in.
        :param login_uri: its page for signing in.
        :param homepage_uri: its start page.
        :param is_allow_faceless_auth: whether users without a profile may sign in.
        :param is_ask_for_name: whether new users are asked for their name.
        :param has_marketing_consent: whether new users are asked for consent to news.
        :param has_sign_in_link_on_sign_up_page: whether the page for signing up leads to the one for signing in.
        :param has_register_link_on_sign_in_page: whether the page for signing in leads to the one for signing up.
        :param has_sign_in_with_sso_button: whether a button for signing in by SSO is shown.
        :param use_gravatar_fallback: whether Gravatar gives the picture of users without one.
        :param is_access_control_enabled: whether only holders of its access roles may use it.
        :raises KindeNotFoundError: no such application.
        """

    @endpoint("DELETE /api/v1/applications/{application_id}", scope="delete:applications")
    def delete_application(self, application_id: str) -> R:
        """Delete an application; its users can no longer sign in to it.

        :param application_id: the application's id.
        :raises KindeNotFoundError: no such application.
        """

    @endpoint("PATCH /api/v1/applications/{application_id}/tokens", scope="update:application_tokens")
    def update_application_tokens(
        self,
        application_id: str,
        access_token_lifetime: int | None = None,
        refresh_token_lifetime: int | None = None,
        id_token_lifetime: int | None = None,
        authenticated_session_lifetime: int | None = None,
        is_hasura_mapping_enabled: bool | None = None,
    ) -> R:
        """Change how long the tokens of an application live; what is left out stays as it is.

        :param application_id: the application's id.
        :param access_token_lifetime: of access tokens, in seconds.
        :param refresh_token_lifetime: of refresh tokens, in seconds.
        :param id_token_lifetime: of ID tokens, in seconds.
        :param authenticated_session_lifetime: of the user's session, in seconds.
        :param is_hasura_mapping_enabled: whether tokens carry claims for Hasura.
        """

    @endpoint(
        "GET /api/v1/applications/{application_id}/access_roles",
        scope="read:applications",
        items="roles",
        paging="cursor",
    )
    def get_application_access_roles(
        self,
        application_id: str,
        page_size: int | None = None,
        starting_after: str | None = None,
        ending_before: str | None = None,
    ) -> R:
        """Read one page of the roles that may use an application; ``iter_application_access_roles`` reads them all.

        :param application_id: the application's id.
        :param page_size: items per page, at most 100; 10 when left out.
        :param starting_after: id of the last item of the page before.
        :param ending_before: id of the first item of the page after.
        """

    def iter_application_access_roles(self, application_id: str, **query: Any) -> P:
        """Yield every item of all pages of ``get_application_access_roles``.

        :param application_id: the application's id.
        :param query: what ``get_application_access_roles`` takes beside it.
        """
        return self._iterate("get_application_access_roles", application_id, **query)

    @endpoint(
        "POST /api/v1/applications/{application_id}/access_roles/{role_id}",
        scope="update:applications",
        idempotent=True,
    )
    def add_application_access_role(self, application_id: str, role_id: str) -> R:
        """Let the holders of a role use an application.

        :param application_id: the application's id.
        :param role_id: the role's id.
        """

    @endpoint("DELETE /api/v1/applications/{application_id}/access_roles/{role_id}", scope="update:applications")
    def remove_application_access_role(self, application_id: str, role_id: str) -> R:
        """Take an application from the holders of a role.

        :param application_id: the application's id.
        :param role_id: the role's id.
        """

    @endpoint(
        "GET /api/v1/applications/{application_id}/connections",
        scope="read:application_connections",
        items="connections",
    )
    def get_application_connections(self, application_id: str) -> R:
        """Read the connections that an application offers for signing in.

        :param application_id: the application's id.
        """

    @endpoint(
        "POST /api/v1/applications/{application_id}/connections/{connection_id}",
        scope="create:application_connections",
        idempotent=True,
    )
    def enable_connection(self, application_id: str, connection_id: str) -> R:
        """Offer a connection for signing in to an application.

        :param application_id: the application's id.
        :param connection_id: the connection's id.
        """

    @endpoint(
        "DELETE /api/v1/applications/{application_id}/connections/{connection_id}",
        scope="delete:application_connections",
    )
    def remove_connection(self, application_id: str, connection_id: str) -> R:
        """No longer offer a connection for signing in to an application.

        :param application_id: the application's id.
        :param connection_id: the connection's id.
        """

    @endpoint(
        "GET /api/v1/applications/{application_id}/properties", scope="read:application_properties", items="properties"
    )
    def get_application_property_values(self, application_id: str) -> R:
        """Read the properties of an application.

        :param application_id: the application's id.
        """

    @endpoint(
        "PUT /api/v1/applications/{application_id}/properties/{property_key}", scope="update:application_properties"
    )
    def update_applications_property(self, application_id: str, property_key: str, value: str) -> R:
        """Set one property of an application.

        :param application_id: the application's id.
        :param property_key: the property's key.
        :param value: its value, as text.
        """


class Callbacks(Resource[R, P]):
    """Methods on the URLs that users may be sent to after signing in and out."""

    @endpoint(
        "GET /api/v1/applications/{app_id}/auth_redirect_urls",
        scope="read:applications_redirect_uris",
        items="redirect_urls",
    )
    def get_callback_urls(self, app_id: str) -> R:
        """Read where users may be sent after signing in to an application.

        :param app_id: the application's id.
        """

    @endpoint(
        "POST /api/v1/applications/{app_id}/auth_redirect_urls",
        scope="create:applications_redirect_uris",
        idempotent=True,
    )
    def add_redirect_callback_urls(self, app_id: str, urls: Sequence[str] | None = None) -> R:
        """Allow further URLs after signing in.

        :param app_id: the application's id.
        :param urls: the URLs.
        """

    @endpoint("PUT /api/v1/applications/{app_id}/auth_redirect_urls", scope="update:applications_redirect_uris")
    def replace_redirect_callback_urls(self, app_id: str, urls: Sequence[str] | None = None) -> R:
        """Allow these URLs after signing in, and no others.

        :param app_id: the application's id.
        :param urls: the URLs.
        """

    @endpoint("DELETE /api/v1/applications/{app_id}/auth_redirect_urls", scope="delete:applications_redirect_uris")
    def delete_callback_urls(self, app_id: str, urls: Sequence[str]) -> R:
        """No longer allow some URLs after signing in.

        :param app_id: the application's id.
        :param urls: the URLs.
        """

    @endpoint(
        "GET /api/v1/applications/{app_id}/auth_logout_urls", scope="read:application_logout_uris", items="logout_urls"
    )
    def get_logout_urls(self, app_id: str) -> R:
        """Read where users may be sent after signing out of an application.

        :param app_id: the application's id.
        """

    @endpoint(
        "POST /api/v1/applications/{app_id}/auth_logout_urls", scope="create:application_logout_uris", idempotent=True
    )
    def add_logout_redirect_urls(self, app_id: str, urls: Sequence[str] | None = None) -> R:
        """Allow further URLs after signing out.

        :param app_id: the application's id.
        :param urls: the URLs.
        """

    @endpoint("PUT /api/v1/applications/{app_id}/auth_logout_urls", scope="update:application_logout_uris")
    def replace_logout_redirect_urls(self, app_id: str, urls: Sequence[str] | None = None) -> R:
        """Allow these URLs after signing out, and no others.

        :param app_id: the application's id.
        :param urls: the URLs.
        """

    @endpoint("DELETE /api/v1/applications/{app_id}/auth_logout_urls", scope="delete:application_logout_uris")
    def delete_logout_urls(self, app_id: str, urls: Sequence[str]) -> R:
        """No longer allow some URLs after signing out.

        :param app_id: the application's id.
        :param urls: the URLs.
        """
