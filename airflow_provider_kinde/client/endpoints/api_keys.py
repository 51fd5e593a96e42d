"""API keys of users and organizations."""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from collections.abc import Sequence
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

    @endpoint("POST /api/v1/api_keys", scope="create:api_keys")
    def create_api_key(
        self,
        name: str,
        type: str,
        api_id: str,
        scope_ids: Sequence[str] | None = None,
        user_id: str | None = None,
        org_code: str | None = None,
    ) -> R:
        """Make an API key. The key itself is in the response and can never be read again.

        :param name: its name.
        :param type: whose key it is: ``user``, ``organization`` or ``environment``.
        :param api_id: the API's id.
        :param scope_ids: ids of the scopes that the key has.
        :param user_id: the user whose key it is, for type ``user``.
        :param org_code: the organization whose key it is, for type ``organization``.
        :returns: ``{"api_key": {"id": ..., "key": ...}}``.
        """

    @endpoint("PUT /api/v1/api_keys/{key_id}", scope="update:api_keys")
    def rotate_api_key(self, key_id: str) -> R:
        """Replace an API key by a new one; the old one stops at once.

        :param key_id: the key's id.
        :returns: ``{"api_key": {"id": ..., "key": ...}}``, the key for the only time.
        :raises KindeNotFoundError: no such key.
        """

    @endpoint("POST /api/v1/api_keys/verify", scope="", idempotent=True)
    def verify_api_key(self, api_key: str) -> R:
        """Ask Kinde whether an API key is valid, and whose it is.

        :param api_key: the key itself.
        :returns: ``is_valid``, ``key_id``, ``status``, ``scopes``, ``org_code``, ``user_id`` and the times of the key.
        """
