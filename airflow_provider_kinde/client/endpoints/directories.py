"""SCIM directories of organizations."""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from typing import Any

from airflow_provider_kinde.client.endpoints.base import P, R, Resource, endpoint


class Directories(Resource[R, P]):
    """Methods on SCIM directories."""

    @endpoint("GET /api/v1/directories", scope="read:scim_directories", items="directories", paging="cursor")
    def get_directories(
        self, page_size: int | None = None, starting_after: str | None = None, organization_code: str | None = None
    ) -> R:
        """Read one page of SCIM directories; ``iter_directories`` reads them all.

        Users and roles of an organization that a directory keeps are changed in the identity provider.

        :param page_size: items per page, at most 100; 10 when left out.
        :param starting_after: id of the last item of the page before.
        :param organization_code: the directory of this organization only.
        :returns: each with ``id``, ``directory_name``, ``status``, ``organization_code`` and its ``secret_token``.
        """

    def iter_directories(self, **query: Any) -> P:
        """Yield every SCIM directory.

        :param query: ``organization_code``.
        """
        return self._iterate("get_directories", **query)

    @endpoint("POST /api/v1/directories", scope="create:scim_directories")
    def create_directory(
        self, org_code: str, directory_name: str, provider_code: str, enterprise_connection_id: str | None = None
    ) -> R:
        """Add a SCIM directory to an organization.

        :param org_code: the organization's code.
        :param directory_name: its name.
        :param provider_code: ``entra_id_azure_ad``, ``okta``, ``google_workspace``, ``custom_scim_v2``, ``cyberark``,
            ``jumpcloud``, ``onelogin``, ``pingfederate`` or ``rippling``.
        :param enterprise_connection_id: id of the enterprise connection that it goes with.
        :returns: ``{"directory": {"id": ..., "endpoint": ...}}``.
        """

    @endpoint("GET /api/v1/directories/{directory_id}", scope="read:scim_directories")
    def get_directory(self, directory_id: str) -> R:
        """Read one SCIM directory.

        :param directory_id: the directory's id.
        :raises KindeNotFoundError: no such directory.
        """

    @endpoint("PATCH /api/v1/directories/{directory_id}", scope="update:scim_directories")
    def update_directory(self, directory_id: str, directory_name: str | None = None) -> R:
        """Rename a SCIM directory.

        :param directory_id: the directory's id.
        :param directory_name: its name.
        :raises KindeNotFoundError: no such directory.
        """

    @endpoint("DELETE /api/v1/directories/{directory_id}", scope="delete:scim_directories")
    def delete_directory(self, directory_id: str) -> R:
        """Delete a SCIM directory; what it provisioned stays.

        :param directory_id: the directory's id.
        :raises KindeNotFoundError: no such directory.
        """
