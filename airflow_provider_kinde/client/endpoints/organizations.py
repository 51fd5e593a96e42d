"""Organizations and their settings. Their members are in ``memberships``."""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import IO, Any

from airflow_provider_kinde.client.endpoints.base import P, R, Resource, endpoint


class Organizations(Resource[R, P]):
    """Methods on organizations."""

    @endpoint("GET /api/v1/organizations", scope="read:organizations", items="organizations", paging="token")
    def get_organizations(
        self, sort: str | None = None, page_size: int | None = None, next_token: str | None = None
    ) -> R:
        """Read one page of organizations; ``iter_organizations`` reads them all.

        :param sort: ``name_asc``, ``name_desc``, ``email_asc`` or ``email_desc``.
        :param page_size: organizations per page, at most 500; 10 when left out.
        :param next_token: from the page before.
        """

    @endpoint("GET /api/v1/organization", scope="read:organizations")
    def get_organization(self, code: str, expand: str | None = None) -> R:
        """Read one organization. In the response ``code`` is the organization's, not Kinde's ``OK``.

        :param code: the organization's code.
        :param expand: ``billing``.
        :raises KindeNotFoundError: no such organization.
        """

    @endpoint("POST /api/v1/organization", scope="create:organizations")
    def create_organization(
        self,
        name: str,
        feature_flags: Mapping[str, str] | None = None,
        external_id: str | None = None,
        background_color: str | None = None,
        button_color: str | None = None,
        button_text_color: str | None = None,
        link_color: str | None = None,
        background_color_dark: str | None = None,
        button_color_dark: str | None = None,
        button_text_color_dark: str | None = None,
        link_color_dark: str | None = None,
        theme_code: str | None = None,
        handle: str | None = None,
        is_allow_registrations: bool | None = None,
        is_auto_membership_enabled: bool | None = None,
        sender_name: str | None = None,
        sender_email: str | None = None,
        is_create_billing_customer: bool | None = None,
        billing_email: str | None = None,
        billing_plan_code: str | None = None,
    ) -> R:
        """Create an organization. Kinde allows two of the same name: look first.

        :param name: its name.
        :param feature_flags: feature flag key to ``str``, ``int`` or ``bool``.
        :param external_id: an id of your own.
        :param background_color: background colour.
        :param button_color: colour of buttons.
        :param button_text_color: colour of the text on buttons.
        :param link_color: colour of links.
        :param background_color_dark: background colour of the dark theme.
        :param button_color_dark: colour of buttons in the dark theme.
        :param button_text_color_dark: colour of the text on buttons in the dark theme.
        :param link_color_dark: colour of links in the dark theme.
        :param theme_code: ``light``, ``dark`` or ``user_preference``.
        :param handle: a short unique name for URLs.
        :param is_allow_registrations: old name of ``is_auto_membership_enabled``.
        :param is_auto_membership_enabled: whether users who sign in with the organization's code become members.
        :param sender_name: the organization's name in e-mails.
        :param sender_email: the sender's address in e-mails.
        :param is_create_billing_customer: whether to make it a customer in Kinde's billing.
        :param billing_email: address for bills; needed with ``is_create_billing_customer``.
        :param billing_plan_code: code of its billing plan.
        :returns: ``{"organization": {"code": ...}}``.
        :raises KindeConflictError: the handle is taken.
        """

    @endpoint("PATCH /api/v1/organization/{org_code}", scope="update:organizations", query=("expand",))
    def update_organization(
        self,
        org_code: str,
        expand: str | None = None,
        name: str | None = None,
        external_id: str | None = None,
        background_color: str | None = None,
        button_color: str | None = None,
        button_text_color: str | None = None,
        link_color: str | None = None,
        background_color_dark: str | None = None,
        button_color_dark: str | None = None,
        button_text_color_dark: str | None = None,
        link_color_dark: str | None = None,
        theme_code: str | None = None,
        handle: str | None = None,
        is_allow_registrations: bool | None = None,
        is_auto_membership_enabled: bool | None = None,
        is_auto_join_domain_list: bool | None = None,
        allowed_domains: Sequence[str] | None = None,
        is_enable_advanced_orgs: bool | None = None,
        is_enforce_mfa: bool | None = None,
        sender_name: str | None = None,
        sender_email: str | None = None,
        is_suspended: bool | None = None,
    ) -> R:
        """Change an organization; what is left out stays.

        :param org_code: the organization's code.
        :param expand: ``billing``.
        :param name: its name.
        :param external_id: an id of your own.
        :param background_color: background colour.
        :param button_color: colour of buttons.
        :param button_text_color: colour of the text on buttons.
        :param link_color: colour of links.
        :param background_color_dark: background colour of the dark theme.
        :param button_color_dark: colour of buttons in the dark theme.
        :param button_text_color_dark: colour of the text on buttons in the dark theme.
        :param link_color_dark: colour of links in the dark theme.
        :param theme_code: ``light``, ``dark`` or ``user_preference``.
        :param handle: a short unique name for URLs.
        :param is_allow_registrations: old name of ``is_auto_membership_enabled``.
        :param is_auto_membership_enabled: whether users who sign in with the organization's code become members.
        :param is_auto_join_domain_list: whether users with an address of ``allowed_domains`` may sign up.
        :param allowed_domains: domains of e-mail addresses that may sign up.
        :param is_enable_advanced_orgs: whether to turn on Kinde's advanced organization features.
        :param is_enforce_mfa: whether every member needs a second factor.
        :param sender_name: the organization's name in e-mails.
        :param sender_email: the sender's address in e-mails.
        :param is_suspended: whether its members are kept out. The default organization cannot be suspended.
        :raises KindeNotFoundError: no such organization.
        """

    @endpoint("DELETE /api/v1/organization/{org_code}", scope="delete:organizations")
    def delete_organization(self, org_code: str) -> R:
        """Delete an organization. Its members leave it; their accounts stay.

        :param org_code: the organization's code.
        :raises KindeNotFoundError: no such organization.
        """

    @endpoint("DELETE /api/v1/organization/{org_code}/handle", scope="delete:organization_handles")
    def delete_organization_handle(self, org_code: str) -> R:
        """Remove an organization's handle.

        :param org_code: the organization's code.
        """

    @endpoint("GET /api/v1/organizations/{org_code}/feature_flags", scope="read:organization_feature_flags")
    def get_organization_feature_flags(self, org_code: str) -> R:
        """Read an organization's feature flags, a mapping of key to type and value.

        :param org_code: the organization's code.
        """

    @endpoint("DELETE /api/v1/organizations/{org_code}/feature_flags", scope="delete:organization_feature_flags")
    def delete_organization_feature_flag_overrides(self, org_code: str) -> R:
        """Reset all feature flags of an organization to those of the environment.

        :param org_code: the organization's code.
        """

    @endpoint(
        "DELETE /api/v1/organizations/{org_code}/feature_flags/{feature_flag_key}",
        scope="delete:organization_feature_flags",
    )
    def delete_organization_feature_flag_override(self, org_code: str, feature_flag_key: str) -> R:
        """Reset one feature flag of an organization to that of the environment.

        :param org_code: the organization's code.
        :param feature_flag_key: the flag's key.
        """

    @endpoint(
        "PATCH /api/v1/organizations/{org_code}/feature_flags/{feature_flag_key}",
        scope="update:organization_feature_flags",
        query=("value",),
    )
    def update_organization_feature_flag_override(self, org_code: str, feature_flag_key: str, value: str) -> R:
        """Set a feature flag for one organization.

        :param org_code: the organization's code.
        :param feature_flag_key: the flag's key.
        :param value: the flag's value, as text.
        """

    @endpoint(
        "GET /api/v1/organizations/{org_code}/properties", scope="read:organization_properties", items="properties"
    )
    def get_organization_property_values(self, org_code: str) -> R:
        """Read an organization's properties.

        :param org_code: the organization's code.
        """

    @endpoint("PATCH /api/v1/organizations/{org_code}/properties", scope="update:organization_properties")
    def update_organization_properties(self, org_code: str, properties: Mapping[str, Any]) -> R:
        """Set several properties of an organization in one request.

        :param org_code: the organization's code.
        :param properties: property key to value.
        """

    @endpoint(
        "PUT /api/v1/organizations/{org_code}/properties/{property_key}",
        scope="update:organization_properties",
        query=("value",),
    )
    def update_organization_property(self, org_code: str, property_key: str, value: str) -> R:
        """Set one property of an organization.

        :param org_code: the organization's code.
        :param property_key: the property's key.
        :param value: its value, as text; may be empty.
        """

    @endpoint("PUT /api/v1/organizations/{org_code}/mfa", scope="update:organization_mfa")
    def replace_organization_mfa(
        self, org_code: str, enabled_factors: Sequence[str], is_recovery_codes_enabled: bool | None = None
    ) -> R:
        """Set which second factors an organization offers.

        :param org_code: the organization's code.
        :param enabled_factors: of ``mfa:email``, ``mfa:sms`` and ``mfa:authenticator_app``.
        :param is_recovery_codes_enabled: whether members are shown recovery codes when they set up a second factor.
        """

    @endpoint("GET /api/v1/organizations/{org_code}/logos", scope="read:organizations")
    def read_organization_logo(self, org_code: str) -> R:
        """Read which logos an organization has.

        :param org_code: the organization's code.
        """

    @endpoint(
        "POST /api/v1/organizations/{org_code}/logos/{type}", scope="update:organizations", file="logo", idempotent=True
    )
    def add_organization_logo(self, org_code: str, type: str, logo: bytes | str | os.PathLike[str] | IO[bytes]) -> R:
        """Upload a logo.

        :param org_code: the organization's code.
        :param type: ``light`` or ``dark``.
        :param logo: the image (PNG, JPEG, GIF, WebP or SVG) as bytes, as an open file, or the path of a file.
        """

    @endpoint("DELETE /api/v1/organizations/{org_code}/logos/{type}", scope="update:organizations")
    def delete_organization_logo(self, org_code: str, type: str) -> R:
        """Delete a logo; ``None`` when there was none.

        :param org_code: the organization's code.
        :param type: ``light`` or ``dark``.
        """

    @endpoint(
        "GET /api/v1/organizations/{organization_code}/connections",
        scope="read:organization_connections",
        items="connections",
    )
    def get_organization_connections(self, organization_code: str) -> R:
        """Read an organization's sign-in connections: flat items, or each in a ``connection`` key.

        :param organization_code: the organization's code.
        """

    @endpoint(
        "POST /api/v1/organizations/{organization_code}/connections/{connection_id}",
        scope="create:organization_connections",
        idempotent=True,
    )
    def enable_org_connection(self, organization_code: str, connection_id: str) -> R:
        """Let an organization sign in by a connection.

        :param organization_code: the organization's code.
        :param connection_id: the connection's id.
        """

    @endpoint(
        "DELETE /api/v1/organizations/{organization_code}/connections/{connection_id}",
        scope="delete:organization_connections",
    )
    def remove_org_connection(self, organization_code: str, connection_id: str) -> R:
        """Take a sign-in connection from an organization.

        :param organization_code: the organization's code.
        :param connection_id: the connection's id.
        """

    @endpoint("PATCH /api/v1/organizations/{org_code}/sessions", scope="update:organizations")
    def update_organization_sessions(
        self,
        org_code: str,
        is_use_org_sso_session_policy: bool | None = None,
        sso_session_persistence_mode: str | None = None,
        is_use_org_authenticated_session_lifetime: bool | None = None,
        authenticated_session_lifetime: int | None = None,
    ) -> R:
        """Set how long an organization's members stay signed in.

        :param org_code: the organization's code.
        :param is_use_org_sso_session_policy: whether the organization's own policy for single sign-on sessions applies.
        :param sso_session_persistence_mode: ``persistent`` or ``non_persistent``.
        :param is_use_org_authenticated_session_lifetime: whether the organization's own session lifetime applies.
        :param authenticated_session_lifetime: seconds.
        """

    @endpoint("GET /api/v1/organizations/{org_code}/passkey", scope="read:organization_passkey")
    def get_organization_passkey(self, org_code: str) -> R:
        """Read whether members of an organization sign in with passkeys.

        :param org_code: the organization's code.
        """

    @endpoint("PUT /api/v1/organizations/{org_code}/passkey", scope="update:organization_passkey")
    def update_organization_passkey(
        self, org_code: str, policy: str | None = None, is_override_environment_passkey_settings: bool | None = None
    ) -> R:
        """Say whether members of an organization sign in with passkeys.

        :param org_code: the organization's code.
        :param policy: ``off``, ``optional`` or ``mandatory``.
        :param is_override_environment_passkey_settings: whether the organization's policy counts instead of the
            environment's.
        """

    def iter_organizations(self, **query: Any) -> P:
        """Yield every organization, in pages of 500.

        :param query: arguments of ``get_organizations``.
        """
        return self._iterate("get_organizations", **query)
