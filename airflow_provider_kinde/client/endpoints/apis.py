"""APIs that are registered in Kinde, and their scopes."""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airflow_provider_kinde.client.endpoints.base import P, R, Resource, endpoint


class Apis(Resource[R, P]):
    """Methods on APIs and their scopes."""

    @endpoint("GET /api/v1/apis", scope="read:apis", items="apis")
    def get_apis(self, expand: str | None = None) -> R:
        """Read all APIs that are registered in the environment.

        :param expand: ``scopes``.
        """

    @endpoint("POST /api/v1/apis", scope="create:apis")
    def add_apis(self, name: str, audience: str) -> R:
        """Register an API. Kinde allows one of each audience.

        :param name: its name.
        :param audience: the audience that its tokens carry, as a URL.
        :returns: ``{"api": {"id": ...}}``.
        """

    @endpoint("GET /api/v1/apis/{api_id}", scope="read:apis")
    def get_api(self, api_id: str) -> R:
        """Read one API with its scopes and applications.

        :param api_id: the API's id.
        :raises KindeNotFoundError: no such API.
        """

    @endpoint("DELETE /api/v1/apis/{api_id}", scope="delete:apis")
    def delete_api(self, api_id: str) -> R:
        """Remove an API; no application gets tokens for it any more.

        :param api_id: the API's id.
        :raises KindeNotFoundError: no such API.
        """

    @endpoint("PATCH /api/v1/apis/{api_id}/applications", scope="update:apis")
    def update_api_applications(self, api_id: str, applications: Sequence[Mapping[str, Any]]) -> R:
        """Say which applications may ask for tokens of an API.

        :param api_id: the API's id.
        :param applications: for each application ``{"id": ...}``; ``"operation": "delete"`` takes it away.
        """

    @endpoint("GET /api/v1/apis/{api_id}/scopes", scope="read:api_scopes", items="scopes")
    def get_api_scopes(self, api_id: str) -> R:
        """Read the scopes of an API.

        :param api_id: the API's id.
        """

    @endpoint("POST /api/v1/apis/{api_id}/scopes", scope="create:api_scopes")
    def add_api_scope(self, api_id: str, key: str, description: str | None = None) -> R:
        """Define a scope of an API.

        :param api_id: the API's id.
        :param key: its key.
        :param description: its description.
        :returns: ``{"scope": {"id": ...}}``.
        """

    @endpoint("GET /api/v1/apis/{api_id}/scopes/{scope_id}", scope="read:api_scopes")
    def get_api_scope(self, api_id: str, scope_id: str) -> R:
        """Read one scope of an API.

        :param api_id: the API's id.
        :param scope_id: the scope's id.
        :raises KindeNotFoundError: no such scope.
        """

    @endpoint("PATCH /api/v1/apis/{api_id}/scopes/{scope_id}", scope="update:api_scopes")
    def update_api_scope(self, api_id: str, scope_id: str, description: str | None = None) -> R:
        """Change the description of a scope.

        :param api_id: the API's id.
        :param scope_id: the scope's id.
        :param description: its description.
        :raises KindeNotFoundError: no such scope.
        """

    @endpoint("DELETE /api/v1/apis/{api_id}/scopes/{scope_id}", scope="delete:apis_scopes")
    def delete_api_scope(self, api_id: str, scope_id: str) -> R:
        """Delete a scope of an API.

        :param api_id: the API's id.
        :param scope_id: the scope's id.
        :raises KindeNotFoundError: no such scope.
        """

    @endpoint(
        "POST /api/v1/apis/{api_id}/applications/{application_id}/scopes/{scope_id}",
        scope="create:api_application_scopes",
        idempotent=True,
    )
    def add_api_application_scope(self, api_id: str, application_id: str, scope_id: str) -> R:
        """Allow an application to ask for one scope of an API.

        :param api_id: the API's id.
        :param application_id: the application's id.
        :param scope_id: the scope's id.
        """

    @endpoint(
        "DELETE /api/v1/apis/{api_id}/applications/{application_id}/scopes/{scope_id}",
        scope="delete:apis_application_scopes",
    )
    def delete_api_application_scope(self, api_id: str, application_id: str, scope_id: str) -> R:
        """Take a scope of an API from an application.

        :param api_id: the API's id.
        :param application_id: the application's id.
        :param scope_id: the scope's id.
        """
