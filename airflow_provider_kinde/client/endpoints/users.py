"""Users, their identities, properties, sessions and second factors, and the search for users."""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from airflow_provider_kinde.client.endpoints.base import P, R, Resource, endpoint


class Users(Resource[R, P]):
    """Methods on users."""

    @endpoint("GET /api/v1/users", scope="read:users", items="users", paging="token")
    def get_users(
        self,
        page_size: int | None = None,
        user_id: str | Sequence[str] | None = None,
        next_token: str | None = None,
        email: str | Sequence[str] | None = None,
        username: str | Sequence[str] | None = None,
        phone: str | Sequence[str] | None = None,
        expand: str | Sequence[str] | None = None,
        has_organization: bool | None = None,
        active_since: str | datetime | None = None,
        sort: str | None = None,
    ) -> R:
        """Read one page of users; ``iter_users`` reads them all.

        :param page_size: users per page, at most 500; 10 when left out.
        :param user_id: only these ids.
        :param next_token: from the page before.
        :param email: only users with this e-mail address, or one of several.
        :param username: only users with this user name, or one of several.
        :param phone: only users with this phone number, or one of several.
        :param expand: ``organizations``, ``identities``, ``billing``.
        :param has_organization: only users with (or without) an organization.
        :param active_since: only users who signed in since then (ISO 8601).
        :param sort: not in Kinde's current document, which still calls the list sortable.
        :returns: ``{"users": [...], "next_token": ...}``.
        """

    @endpoint("GET /api/v1/user", scope="read:users")
    def get_user_data(self, id: str, expand: str | Sequence[str] | None = None) -> R:
        """Read one user, whose address stands in ``preferred_email``.

        :param id: the user's id.
        :param expand: ``organizations``, ``identities``, ``billing``.
        :raises KindeNotFoundError: no such user.
        """

    @endpoint("POST /api/v1/user", scope="create:users")
    def create_user(
        self,
        profile: Mapping[str, Any] | None = None,
        organization_code: str | None = None,
        provided_id: str | None = None,
        identities: Sequence[Mapping[str, Any]] | None = None,
    ) -> R:
        """Create a user. An address in ``profile`` is ignored by Kinde: it belongs into ``identities``.

        :param profile: ``{"given_name", "family_name", "picture"}``.
        :param organization_code: the organization to join; the default organization when left out.
        :param provided_id: an id of your own; Kinde does not keep it unique.
        :param identities: ``[{"type": "email", "is_verified": True, "details": {"email": ...}}, ...]``.
        :returns: ``{"id", "created", "identities"}``.
        :raises KindeConflictError: the address is taken.
        """

    @endpoint("PATCH /api/v1/user", scope="update:users", query=("id",))
    def update_user(
        self,
        id: str,
        given_name: str | None = None,
        family_name: str | None = None,
        picture: str | None = None,
        is_suspended: bool | None = None,
        is_password_reset_requested: bool | None = None,
        provided_id: str | None = None,
    ) -> R:
        """Change a user; what is left out stays. A name once set cannot be cleared, and an address is an identity.

        :param id: the user's id.
        :param given_name: first name.
        :param family_name: last name.
        :param picture: URL of the picture.
        :param is_suspended: whether signing in is refused everywhere.
        :param is_password_reset_requested: ask for a new password at the next sign-in.
        :param provided_id: an id of your own.
        :raises KindeNotFoundError: no such user.
        """

    @endpoint("DELETE /api/v1/user", scope="delete:users")
    def delete_user(self, id: str, is_delete_profile: bool | None = None) -> R:
        """Delete a user for good; suspending can be undone.

        :param id: the user's id.
        :param is_delete_profile: drop the profile and its subscriptions as well, not the access alone.
        :raises KindeNotFoundError: no such user.
        """

    @endpoint("GET /api/v1/search/users", scope="read:users", items="results", paging="cursor")
    def search_users(
        self,
        query: str | None = None,
        page_size: int | None = None,
        api_scopes: str | Sequence[str] | None = None,
        properties: Mapping[str, str | Sequence[str]] | None = None,
        starting_after: str | None = None,
        ending_before: str | None = None,
        expand: str | Sequence[str] | None = None,
    ) -> P:
        """Find users by name, address or property; yields every one of them, page by page.

        :param query: part of a name or address; ``*`` for all.
        :param page_size: users per request, at most 100 (the default here).
        :param api_scopes: only users with these API scopes.
        :param properties: property key to the values looked for.
        :param starting_after: id of the last item of the page before.
        :param ending_before: id of the first item of the page after.
        :param expand: ``organizations``, ``identities``, ``properties``.
        """

    @endpoint("POST /api/v1/users/{user_id}/refresh_claims", scope="update:user_refresh_claims", idempotent=True)
    def refresh_user_claims(self, user_id: str) -> R:
        """Have a user's next token show flags and role permissions as they are now.

        :param user_id: the user's id.
        """

    @endpoint(
        "PATCH /api/v1/users/{user_id}/feature_flags/{feature_flag_key}",
        scope="update:user_feature_flags",
        query=("value",),
    )
    def update_user_feature_flag_override(self, user_id: str, feature_flag_key: str, value: str) -> R:
        """Set a feature flag for one user.

        :param user_id: the user's id.
        :param feature_flag_key: the flag's key.
        :param value: the flag's value, as text.
        """

    @endpoint("GET /api/v1/users/{user_id}/properties", scope="read:user_properties", items="properties")
    def get_user_property_values(self, user_id: str) -> R:
        """Read a user's properties.

        :param user_id: the user's id.
        """

    @endpoint("PATCH /api/v1/users/{user_id}/properties", scope="update:user_properties")
    def update_user_properties(self, user_id: str, properties: Mapping[str, Any]) -> R:
        """Set several properties of a user in one request; the others stay.

        :param user_id: the user's id.
        :param properties: property key to value.
        """

    @endpoint("PUT /api/v1/users/{user_id}/properties/{property_key}", scope="update:user_properties", query=("value",))
    def update_user_property(self, user_id: str, property_key: str, value: str) -> R:
        """Set one property of a user.

        :param user_id: the user's id.
        :param property_key: the property's key.
        :param value: its value, as text; may be empty.
        """

    @endpoint("PUT /api/v1/users/{user_id}/password", scope="update:user_passwords")
    def set_user_password(
        self,
        user_id: str,
        hashed_password: str,
        hashing_method: str | None = None,
        salt: str | None = None,
        salt_position: str | None = None,
        iterations: int | None = None,
        variant: str | None = None,
        signer_key: str | None = None,
        salt_separator: str | None = None,
        rounds: int | None = None,
        mem_cost: int | None = None,
        is_temporary_password: bool | None = None,
    ) -> R:
        """Set a user's password from its hash, for moving users to Kinde.

        :param user_id: the user's id.
        :param hashed_password: the hash.
        :param hashing_method: ``bcrypt`` (when left out), ``crypt``, ``md5``, ``sha256``, ``wordpress``, ``pbkdf2``,
            ``firebase-scrypt`` or ``aspnet-identity-v2``.
        :param salt: the salt, where the hash does not hold it.
        :param salt_position: ``prefix`` or ``suffix``.
        :param iterations: iterations of the hash, for pbkdf2.
        :param variant: variant of the hash, for pbkdf2.
        :param signer_key: signer key, for firebase-scrypt.
        :param salt_separator: salt separator, for firebase-scrypt.
        :param rounds: rounds (1 to 16), for firebase-scrypt.
        :param mem_cost: memory cost (1 to 20), for firebase-scrypt.
        :param is_temporary_password: ask for a new one at the next sign-in.
        """

    @endpoint("GET /api/v1/users/{user_id}/sessions", scope="read:user_sessions", items="sessions")
    def get_user_sessions(self, user_id: str) -> R:
        """Read where a user is signed in.

        :param user_id: the user's id.
        """

    @endpoint("DELETE /api/v1/users/{user_id}/sessions", scope="delete:user_sessions")
    def delete_user_sessions(self, user_id: str) -> R:
        """Sign a user out everywhere.

        :param user_id: the user's id.
        """

    @endpoint("GET /api/v1/users/{user_id}/mfa", scope="read:user_mfa")
    def get_users_mfa(self, user_id: str) -> R:
        """Read a user's second factor of the environment.

        :param user_id: the user's id.
        """

    @endpoint("DELETE /api/v1/users/{user_id}/mfa", scope="delete:user_mfa")
    def reset_users_mfa_all(self, user_id: str) -> R:
        """Drop all second factors of a user.

        :param user_id: the user's id.
        """

    @endpoint("DELETE /api/v1/users/{user_id}/mfa/{factor_id}", scope="delete:user_mfa")
    def reset_users_mfa(self, user_id: str, factor_id: str) -> R:
        """Drop one second factor of a user.

        :param user_id: the user's id.
        :param factor_id: the factor's id.
        """

    def iter_users(self, **query: Any) -> P:
        """Yield every user, in pages of 500.

        :param query: what ``get_users`` takes: ``expand``, ``email``, ...
        """
        return self._iterate("get_users", **query)


class Identities(Resource[R, P]):
    """Methods on identities: the e-mail addresses, phone numbers and names that a user signs in with."""

    @endpoint(
        "GET /api/v1/users/{user_id}/identities", scope="read:user_identities", items="identities", paging="cursor"
    )
    def get_user_identities(
        self, user_id: str, starting_after: str | None = None, ending_before: str | None = None
    ) -> R:
        """Read one page of a user's identities; ``iter_user_identities`` reads them all.

        :param user_id: the user's id.
        :param starting_after: id of the last item of the page before.
        :param ending_before: id of the first item of the page after.
        """

    @endpoint("POST /api/v1/users/{user_id}/identities", scope="create:user_identities")
    def create_user_identity(
        self,
        user_id: str,
        value: str | None = None,
        type: str | None = None,
        phone_country_id: str | None = None,
        connection_id: str | None = None,
    ) -> R:
        """Give a user another identity. Identities cannot be edited: add the new one, then delete the old one.

        :param user_id: the user's id.
        :param value: the address, the national phone number, the user name or the enterprise id.
        :param type: ``email``, ``username``, ``phone``, ``enterprise`` or ``social``.
        :param phone_country_id: two letters, for a phone number.
        :param connection_id: for an enterprise or social identity.
        :returns: ``{"identity": {"id": ...}}``.
        :raises KindeConflictError: the identity is taken.
        """

    @endpoint("GET /api/v1/identities/{identity_id}", scope="read:identities")
    def get_identity(self, identity_id: str) -> R:
        """Read one identity.

        :param identity_id: the identity's id.
        """

    @endpoint("PATCH /api/v1/identities/{identity_id}", scope="update:identities")
    def update_identity(self, identity_id: str, is_primary: bool | None = None) -> R:
        """Make an identity the primary one of its type.

        :param identity_id: the identity's id.
        :param is_primary: whether it is the primary one.
        """

    @endpoint("DELETE /api/v1/identities/{identity_id}", scope="delete:identities")
    def delete_identity(self, identity_id: str) -> R:
        """Delete an identity.

        :param identity_id: the identity's id.
        :raises KindeNotFoundError: no such identity.
        """

    def iter_user_identities(self, user_id: str) -> P:
        """Yield every identity of a user.

        :param user_id: the user's id.
        """
        return self._iterate("get_user_identities", user_id)
