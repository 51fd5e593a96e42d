"""Write Kinde's organizations. Operators and the sync both use this module."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from airflow_provider_kinde.exceptions import KindeNotFoundError, KindeResponseError
from airflow_provider_kinde.resources import fields
from airflow_provider_kinde.resources.creation import Creation, create
from airflow_provider_kinde.resources.fields import Json


def create_organization(client: Any, find: Callable[[], Json | None], **body: Any) -> Creation:
    """Create an organization (``POST /organization``). Kinde takes one name twice.

    :param client: a ``KindeClient``.
    :param find: finds the organization that an earlier try made, or ``None``.
    :param body: fields under Kinde's own names.
    :raises KindeResponseError: Kinde's answer names no organization.
    """

    def send() -> Json:
        made = fields.fields_of(fields.fields_of(client.create_organization(**body)).get("organization"))
        found = made if made.get("code") else find()
        if not found:
            raise KindeResponseError("Kinde accepted the new organization, but does not list it")
        fields.id_in(found, "code")
        return found

    return create(send, find)


def write_organization(client: Any, code: str, wanted: Mapping[str, Any]) -> list[str]:
    """Write the fields of an organization that differ (``PATCH /organization/{code}``).

    :param client: a ``KindeClient``.
    :param code: the organization's code.
    :param wanted: fields under Kinde's own names.
    :returns: the names of the fields that were written.
    """
    changes = fields.organization_changes(fields.fields_of(client.get_organization(code=code)), wanted)
    if changes:
        client.update_organization(code, **changes)
    return sorted(changes)


def write_properties(client: Any, code: str, properties: Mapping[str, Any]) -> list[str]:
    """Write the properties of an organization that differ (``PATCH /organizations/{code}/properties``).

    :param client: a ``KindeClient``.
    :param code: the organization's code.
    :param properties: property key -> value; nothing is read where it is empty.
    :returns: keys of the properties that were written.
    """
    if not properties:
        return []
    now = fields.properties_of(fields.list_in(client.get_organization_property_values(code), "properties"))
    due = {key: value for key, value in properties.items() if now.get(key, "") != str(value)}
    if due:
        client.update_organization_properties(code, properties=due)
    return sorted(due)


def delete_organization(client: Any, code: str) -> None:
    """Delete an organization (``DELETE /organization/{code}``); one that is missing already is no error.

    :param client: a ``KindeClient``.
    :param code: the organization's code.
    """
    with suppress(KindeNotFoundError):
        client.delete_organization(code)
