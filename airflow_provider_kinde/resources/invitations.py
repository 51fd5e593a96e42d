"""Invitations to Kinde's organizations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_provider_kinde.client.create_once import create_once
from airflow_provider_kinde.exceptions import KindeError, KindePermissionError, KindeResponseError
from airflow_provider_kinde.resources import fields
from airflow_provider_kinde.resources.fields import Json
from airflow_provider_kinde.resources.normalization import email_key

PRECONDITIONS = (
    "an invitation needs 'Allow invitations' in the organization's policies and an interactive application that "
    "invites; Kinde refuses members, addresses with a pending invitation, organizations that a directory manages, "
    "roles that the application may not assign, and too many invitations of one organization"
)
"""What to look at when Kinde refuses an invitation."""


def find_invitation(client: Any, code: str, email: str) -> Json | None:
    """Return the open invitation for an address (``GET /organization/{code}/invites``).

    :param client: a ``KindeClient``.
    :param code: the organization's code.
    :param email: the address, compared without case.
    """
    key = email_key(email)
    invitations = client.iter_organization_invites(code)
    return next((each for each in invitations if email_key(str(each.get("email") or "")) == key), None)


def create_invitation(
    client: Any,
    code: str,
    email: str,
    *,
    roles: Sequence[str] = (),
    first_name: str = "",
    last_name: str = "",
    send_email: bool = True,
) -> Json:
    """Invite an address, once (``POST /organization/{code}/invites``).

    :param client: a ``KindeClient``.
    :param code: the organization's code.
    :param email: the address.
    :param roles: role keys that the invited person gets.
    :param first_name: left out when empty.
    :param last_name: left out when empty.
    :param send_email: have Kinde send the invitation.
    :returns: the invitation.
    :raises KindeError: Kinde refuses the invitation; the message says what an invitation needs.
    :raises KindeResponseError: Kinde answered without an invitation, and lists none.
    """

    def find() -> Json | None:
        return find_invitation(client, code, email)

    def send() -> Json:
        answer = client.create_organization_invite(
            code,
            email,
            list(roles),
            first_name=first_name or None,
            last_name=last_name or None,
            send_email=send_email,
        )
        made = fields.fields_of(fields.fields_of(answer).get("invite")) or find()
        if not made:
            raise KindeResponseError("Kinde's response holds no invitation, and Kinde lists none for the address")
        return made

    try:
        return create_once(send, find)[0]
    except KindeError as error:
        # A missing scope is named in the message of its own.
        missing_scope = isinstance(error, KindePermissionError) and error.scope and error.scope in error.message
        if error.status in (400, 403, 404, 409, 422) and not missing_scope:
            error.message = f"{error.message} - {PRECONDITIONS}"
        raise
