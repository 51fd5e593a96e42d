"""API keys of users and organizations."""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from typing import Any

from airflow_provider_kinde.client.endpoints.base import P, R, Resource, endpoint


class ApiKeys(Resource[R, P]):
    """Methods on API keys."""

    @endpoint("GET /api/v1/api_keys", scope="read:api_keys", items="api_keys", paging="cursor")
    def get_api_keys(
        self,
        page_size: int | None = None,
        starting_after: str | None = None,
        key_type: str | None = None,
        status: str | None = None,
        user_id: str | None = None,
        org_code: str | None = None,
    ) -> R:
        """Read one page of API keys; ``iter_api_keys`` reads them all.

        :param page_size: items per page, at most 100; 50 when left out.
        :param starting_after: id of the last item of the page before.
        :param key_type: only keys of this type: ``organization`` or ``user``.
        :param status: only keys in this state: ``active``, ``inactive`` or ``revoked``.
        :param user_id: only keys of this user.
        :param org_code: only keys of this organization.
        :returns: each with ``id``, ``name``, ``type``, ``status`` and ``last_verified_on``; never the key itself.
        """

    @endpoint("GET /api/v1/api_keys/{key_id}", scope="read:api_keys")
    def get_api_key(self, key_id: str) -> R:
        """Read one API key.

        :param key_id: the key's id.
        :raises KindeNotFoundError: no such key.
        """

    @endpoint("DELETE /api/v1/api_keys/{key_id}", scope="delete:api_keys")
    def delete_api_key(self, key_id: str) -> R:
        """Delete an API key. Requests with it are refused from then on.

        :param key_id: the key's id.
        :raises KindeNotFoundError: no such key.
        """

    def iter_api_keys(self, **query: Any) -> P:
        """Yield every API key.

        :param query: what ``get_api_keys`` takes: ``user_id``, ``status``, ...
        """
        return self._iterate("get_api_keys", **query)
