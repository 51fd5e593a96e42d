"""The environment that the connection's credentials belong to."""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

import os
from collections.abc import Sequence
from typing import IO

from airflow_provider_kinde.client.endpoints.base import P, R, Resource, endpoint


class Environments(Resource[R, P]):
    """Methods on the environment."""

    @endpoint("GET /api/v1/environment", scope="read:environments")
    def get_environment(self) -> R:
        """Read the environment: its code, its name, its domains, and whether it is live.

        :returns: ``{"environment": {"code", "name", "is_live", "is_default", "kinde_domain", "custom_domain", ...}}``.
        """

    @endpoint("GET /api/v1/environment_variables", scope="read:environment_variables", items="environment_variables")
    def get_environment_variables(self) -> R:
        """Read all variables of the environment; values of secret ones are left out."""

    @endpoint("POST /api/v1/environment_variables", scope="create:environment_variables")
    def create_environment_variable(self, key: str, value: str, is_secret: bool | None = None) -> R:
        """Add a variable to the environment.

        :param key: its key.
        :param value: its value, as text.
        :param is_secret: whether its value can never be read again.
        :returns: ``{"environment_variable": {"id": ...}}``.
        :raises KindeConflictError: there is one with this key.
        """

    @endpoint("GET /api/v1/environment_variables/{variable_id}", scope="read:environment_variables")
    def get_environment_variable(self, variable_id: str) -> R:
        """Read one variable of the environment.

        :param variable_id: the variable's id.
        :raises KindeNotFoundError: no such variable.
        """

    @endpoint("PATCH /api/v1/environment_variables/{variable_id}", scope="update:environment_variables")
    def update_environment_variable(
        self, variable_id: str, key: str | None = None, value: str | None = None, is_secret: bool | None = None
    ) -> R:
        """Change a variable of the environment; what is left out stays as it is.

        :param variable_id: the variable's id.
        :param key: its key.
        :param value: its value, as text.
        :param is_secret: whether its value can never be read again.
        :raises KindeNotFoundError: no such variable.
        """

    @endpoint("DELETE /api/v1/environment_variables/{variable_id}", scope="delete:environment_variables")
    def delete_environment_variable(self, variable_id: str) -> R:
        """Delete a variable of the environment.

        :param variable_id: the variable's id.
        :raises KindeNotFoundError: no such variable.
        """

    @endpoint("GET /api/v1/environment/logos", scope="read:environments", items="logos")
    def read_logo(self) -> R:
        """Read which logos the environment has."""

    @endpoint("PUT /api/v1/environment/logos/{type}", scope="update:environments", file="logo")
    def add_logo(self, type: str, logo: bytes | str | os.PathLike[str] | IO[bytes]) -> R:
        """Upload a logo of the environment.

        :param type: ``dark`` or ``light``.
        :param logo: the image (PNG, JPEG, GIF, WebP or SVG) as bytes, as an open file, or the path of a file.
        """

    @endpoint("DELETE /api/v1/environment/logos/{type}", scope="update:environments")
    def delete_logo(self, type: str) -> R:
        """Delete a logo of the environment; ``None`` when there was none.

        :param type: ``dark`` or ``light``.
        """

    @endpoint("GET /api/v1/passkey", scope="read:passkey")
    def get_passkey(self) -> R:
        """Read whether users of the environment sign in with passkeys."""

    @endpoint("PUT /api/v1/passkey", scope="update:passkey")
    def update_passkey(self, policy: str) -> R:
        """Say whether users of the environment sign in with passkeys.

        :param policy: ``off``, ``optional`` or ``mandatory``.
        """

    @endpoint("PUT /api/v1/mfa", scope="update:mfa")
    def replace_mfa(
        self, policy: str, enabled_factors: Sequence[str], is_recovery_codes_enabled: bool | None = None
    ) -> R:
        """Set which second factors the environment asks for.

        :param policy: ``required``, ``off`` or ``optional``.
        :param enabled_factors: the factors that count, such as ``mfa:email``, ``mfa:sms`` and
            ``mfa:authenticator_app``.
        :param is_recovery_codes_enabled: whether users are shown recovery codes when they set up a second factor.
        """
