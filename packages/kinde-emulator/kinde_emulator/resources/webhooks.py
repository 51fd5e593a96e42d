"""``/webhooks``: where Kinde sends events. The emulator keeps webhooks and sends none."""

from __future__ import annotations

from kinde_emulator.data.records import add_record, change_record, delete_record, list_records
from kinde_emulator.errors import bad
from kinde_emulator.server.http import Response
from kinde_emulator.server.operations import Body, Call, Query, delete, get, patch, post

KIND = "webhook"


class CreateWebhook(Body):
    """A webhook to create."""

    endpoint: str
    event_types: list[str]
    name: str
    description: str | None = None


class UpdateWebhook(Body):
    """The fields of a webhook that can change; its endpoint cannot."""

    event_types: list[str] | None = None
    name: str | None = None
    description: str | None = None


@get("/webhooks", scope="read:webhooks")
def get_webhooks(call: Call[Query]) -> Response:
    """Lists the webhooks.

    :param call: the checked request, with its query parameters.
    """
    return call.success(webhooks=list_records(call.db, KIND))


@post("/webhooks", scope="create:webhooks")
def create_webhook(call: Call[Query], body: CreateWebhook) -> Response:
    """Creates a webhook; its endpoint has to be an HTTPS address.

    :param call: the checked request, with its query parameters.
    :param body: the checked JSON body.
    :raises ApiError: 400 if something that was sent is wrong.
    """
    if not body.endpoint.startswith("https://"):
        raise bad("INVALID_ENDPOINT", "The endpoint must begin with https://", "endpoint")
    made = add_record(call.db, KIND, "we", body.to_dict())
    webhook = {"id": made["id"], "endpoint": body.endpoint}
    return call.success(message="Webhook successfully created", webhook=webhook)


@patch("/webhooks/{webhook_id}", scope="update:webhooks")
def update_webhook(call: Call[Query], webhook_id: str, body: UpdateWebhook) -> Response:
    """Changes a webhook.

    :param call: the checked request, with its query parameters.
    :param webhook_id: Kinde's id of the webhook.
    :param body: the checked JSON body.
    :raises ApiError: 404 if it does not exist.
    """
    change_record(call.db, KIND, webhook_id, body.to_dict(given=True))
    return call.success(message="Webhook successfully updated", webhook={"id": webhook_id})


@delete("/webhooks/{webhook_id}", scope="delete:webhooks")
def delete_webhook(call: Call[Query], webhook_id: str) -> Response:
    """Deletes a webhook.

    :param call: the checked request, with its query parameters.
    :param webhook_id: Kinde's id of the webhook.
    :raises ApiError: 404 if it does not exist.
    """
    delete_record(call.db, KIND, webhook_id)
    return call.success(message="Webhook successfully deleted")
