"""Subscribers: addresses that are told of news, and are no users."""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from typing import Any

from airflow_provider_kinde.client.endpoints.base import P, R, Resource, endpoint


class Subscribers(Resource[R, P]):
    """Methods on subscribers."""

    @endpoint("GET /api/v1/subscribers", scope="read:subscribers", items="subscribers", paging="token")
    def get_subscribers(
        self, sort: str | None = None, page_size: int | None = None, next_token: str | None = None
    ) -> R:
        """Read one page of subscribers; ``iter_subscribers`` reads them all.

        :param sort: ``name_asc``, ``name_desc``, ``email_asc`` or ``email_desc``.
        :param page_size: items per page, at most 500; 10 when left out.
        :param next_token: from the page before.
        """

    def iter_subscribers(self, **query: Any) -> P:
        """Yield every item of all pages of ``get_subscribers``.

        :param query: what ``get_subscribers`` takes.
        """
        return self._iterate("get_subscribers", **query)

    @endpoint(
        "POST /api/v1/subscribers",
        scope="create:subscribers",
        query=(
            "first_name",
            "last_name",
            "email",
        ),
    )
    def create_subscriber(self, first_name: str, last_name: str, email: str) -> R:
        """Add a subscriber: an address that is told of news, and is no user.

        :param first_name: given name.
        :param last_name: family name.
        :param email: the address.
        :returns: ``{"subscriber": {"subscriber_id": ...}}``.
        """

    @endpoint("GET /api/v1/subscribers/{subscriber_id}", scope="read:subscribers")
    def get_subscriber(self, subscriber_id: str) -> R:
        """Read one subscriber.

        :param subscriber_id: the subscriber's id.
        :raises KindeNotFoundError: no such subscriber.
        """
