"""Webhooks and the events that Kinde sends to them."""

# mypy: disable-error-code="empty-body"
from __future__ import annotations

from collections.abc import Sequence

from airflow_provider_kinde.client.endpoints.base import P, R, Resource, endpoint


class Webhooks(Resource[R, P]):
    """Methods on webhooks and events."""

    @endpoint("GET /api/v1/webhooks", scope="read:webhooks", items="webhooks")
    def get_web_hooks(self) -> R:
        """Read the webhooks of the environment."""

    @endpoint("POST /api/v1/webhooks", scope="create:webhooks")
    def create_web_hook(
        self, endpoint: str, event_types: Sequence[str], name: str, description: str | None = None
    ) -> R:
        """Have Kinde send events to a URL.

        :param endpoint: the URL.
        :param event_types: types from ``get_event_types``, such as ``user.updated``.
        :param name: its name.
        :param description: its description.
        :returns: ``{"webhook": {"id": ..., "endpoint": ...}}``.
        """

    @endpoint("PATCH /api/v1/webhooks/{webhook_id}", scope="update:webhooks")
    def update_web_hook(
        self,
        webhook_id: str,
        event_types: Sequence[str] | None = None,
        name: str | None = None,
        description: str | None = None,
    ) -> R:
        """Change a webhook; what is left out stays as it is. Its URL cannot be changed.

        :param webhook_id: the webhook's id.
        :param event_types: types from ``get_event_types``, such as ``user.updated``.
        :param name: its name.
        :param description: its description.
        :raises KindeNotFoundError: no such webhook.
        """

    @endpoint("DELETE /api/v1/webhooks/{webhook_id}", scope="delete:webhooks")
    def delete_web_hook(self, webhook_id: str) -> R:
        """Delete a webhook; Kinde sends nothing more to it.

        :param webhook_id: the webhook's id.
        :raises KindeNotFoundError: no such webhook.
        """

    @endpoint("GET /api/v1/event_types", scope="read:event_types", items="event_types")
    def get_event_types(self) -> R:
        """Read the types of events that Kinde can send to a webhook."""

    @endpoint("GET /api/v1/events/{event_id}", scope="read:events")
    def get_event(self, event_id: str) -> R:
        """Read one event that Kinde sent to webhooks.

        :param event_id: the event's id.
        :raises KindeNotFoundError: no such event.
        """
