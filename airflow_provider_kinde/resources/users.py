"""Write Kinde's users. Operators and the sync both use this module.

Each function may be called again: what is done already is not done twice, and what is missing is not an error where it
was to be removed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from airflow_provider_kinde.client.create_once import create_once
from airflow_provider_kinde.exceptions import KindeConflictError, KindeNotFoundError, KindeResponseError
from airflow_provider_kinde.resources import fields
from airflow_provider_kinde.resources.creation import Creation, create
from airflow_provider_kinde.resources.fields import Json
from airflow_provider_kinde.resources.normalization import email_key


def create_user(
    client: Any,
    email: str,
    find: Callable[[], Json | None],
    *,
    is_verified: bool | None = None,
    profile: Mapping[str, str] | None = None,
    provided_id: str = "",
    organization_code: str = "",
) -> Creation:
    """Create a user with an e-mail address, or without any identity (``POST /user``).

    Kinde may make the user without the address, when another identity holds it. That is an error: such an account
    cannot be found by its address.

    :param client: a ``KindeClient``.
    :param email: the address; empty for a user who gets an identity later.
    :param find: finds the user that an earlier try made, or ``None``.
    :param is_verified: whether the address counts as verified; Kinde decides when left out.
    :param profile: ``given_name``, ``family_name``, ``picture``; empty texts are left out.
    :param provided_id: an id of your own.
    :param organization_code: the organization to join; Kinde's default organization when empty.
    :raises KindeResponseError: Kinde made the user without the address, or its answer names no user.
    """
    identity: dict[str, Any] = {"type": "email", "details": {"email": email}}
    if is_verified is not None:
        identity["is_verified"] = is_verified
    body: dict[str, Any] = {
        "profile": {key: value for key, value in (profile or {}).items() if value},
        "identities": [identity] if email else None,
        "provided_id": provided_id or None,
        "organization_code": organization_code or None,
    }

    def send() -> Json:
        answer = fields.fields_of(client.create_user(**body))
        results = [
            fields.fields_of(fields.fields_of(item).get("result")) for item in fields.list_in(answer, "identities")
        ]
        if any(result.get("created") is False for result in results):
            raise KindeResponseError(
                f"Kinde made the account, but not its address, which another identity has: remove the account "
                f"{answer.get('id')} by hand and run again"
            )
        if answer.get("id") and answer.get("created") is not False:
            fields.id_in(answer)
            return answer
        if answer.get("created") is False:
            raise KindeConflictError("Kinde answers that the account exists already")
        # Kinde does not say that it made this user. It is the right one only if the look-up says so.
        found = find()
        if not found:
            raise KindeResponseError("Kinde's response to the creation has no id, and no account has the address")
        return found

    return create(send, find)


def read_properties(client: Any, user_id: str) -> dict[str, str]:
    """Read the properties of one user (``GET /users/{id}/properties``).

    :param client: a ``KindeClient``.
    :param user_id: Kinde's id of the user.
    """
    return fields.properties_of(fields.list_in(client.get_user_property_values(user_id), "properties"))


def write_properties(client: Any, user_id: str, properties: Mapping[str, Any]) -> None:
    """Write properties of a user (``PATCH /users/{id}/properties``).

    :param client: a ``KindeClient``.
    :param user_id: Kinde's id of the user.
    :param properties: property key -> value; nothing is sent where it is empty.
    """
    if properties:
        client.update_user_properties(user_id, properties=dict(properties))


def write_changes(client: Any, user: Json, wanted: Json, properties: Mapping[str, Any]) -> list[str]:
    """Write the fields and properties of a user that differ (``PATCH /user``, ``PATCH /users/{id}/properties``).

    :param client: a ``KindeClient``.
    :param user: the user as Kinde lists it.
    :param wanted: field -> value; ``None`` leaves a field alone.
    :param properties: property key -> value.
    :returns: names of the fields and keys of the properties that were written.
    """
    user_id = fields.id_in(user)
    changes = fields.user_changes(user, wanted)
    if changes:
        client.update_user(user_id, **changes)
    due = {}
    if properties:
        now = read_properties(client, user_id)
        due = {key: value for key, value in properties.items() if now.get(key, "") != str(value)}
        write_properties(client, user_id, due)
    return sorted(changes) + sorted(due)


def end_sessions(client: Any, user_id: str) -> None:
    """Sign a user out everywhere (``DELETE /users/{id}/sessions``); a missing user has no sessions.

    :param client: a ``KindeClient``.
    :param user_id: Kinde's id of the user.
    """
    with suppress(KindeNotFoundError):
        client.delete_user_sessions(user_id)


def delete_api_keys(client: Any, user_id: str) -> None:
    """Delete the API keys of a user (``GET /api_keys``, ``DELETE /api_keys/{id}``). Suspension does not stop them.

    Keys of organizations and of the environment stay.

    :param client: a ``KindeClient``.
    :param user_id: Kinde's id of the user.
    """
    for key in _api_keys(client, user_id):
        with suppress(KindeNotFoundError):
            client.delete_api_key(fields.id_in(key))


def count_api_keys(client: Any, user_id: str) -> int:
    """Count the active API keys of a user (``GET /api_keys``).

    :param client: a ``KindeClient``.
    :param user_id: Kinde's id of the user.
    """
    return len(_api_keys(client, user_id))


def _api_keys(client: Any, user_id: str) -> list[dict[str, Any]]:
    """The active keys of a user, all read before the first is deleted: pages shift meanwhile."""
    keys = client.iter_api_keys(user_id=user_id, status="active")
    return [key for key in keys if key.get("type") in (None, "", "user")]


def delete_user(client: Any, user_id: str, *, is_delete_profile: bool | None = None) -> None:
    """Delete a user (``DELETE /user``); a user who is missing already is no error.

    :param client: a ``KindeClient``.
    :param user_id: Kinde's id of the user.
    :param is_delete_profile: whether Kinde drops the profile as well.
    """
    with suppress(KindeNotFoundError):
        client.delete_user(user_id, is_delete_profile=is_delete_profile)


# -- the e-mail address: an identity of its own ---------------------------------------------------------------------
# Kinde cannot change an identity. A new address is a new identity, which is made primary; then the former one goes.


def read_identities(client: Any, user_id: str) -> list[Json]:
    """Read the identities of a user that a request can name (``GET /users/{id}/identities``).

    :param client: a ``KindeClient``.
    :param user_id: Kinde's id of the user.
    """
    found = client.iter_user_identities(user_id)
    # Some enterprise identities carry their id as `identity_id`.
    named = ({**item, "id": item.get("id") or item.get("identity_id")} for item in found)
    return [item for item in named if item["id"]]


def email_identity(identities: Iterable[Json], email: str) -> str | None:
    """Return the id of the e-mail identity with an address.

    :param identities: from :func:`read_identities`.
    :param email: the address, compared without case.
    """
    key = email_key(email)
    for identity in identities:
        if identity.get("type") == "email" and fields.address_of(identity) == key:
            return str(identity["id"])
    return None


def add_email(client: Any, user_id: str, email: str) -> str:
    """Add an address to a user, once (``POST /users/{id}/identities``).

    :param client: a ``KindeClient``.
    :param user_id: Kinde's id of the user.
    :param email: the address.
    :returns: the id of the identity.
    :raises KindeResponseError: Kinde took the address, but does not list it.
    """

    def find() -> str | None:
        return email_identity(read_identities(client, user_id), email)

    def send() -> str:
        answer = fields.fields_of(client.create_user_identity(user_id, type="email", value=email))
        found = fields.fields_of(answer.get("identity")).get("id") or find()
        if not found:
            raise KindeResponseError("Kinde's response to the new address has no id, and the account lacks the address")
        return str(found)

    return create_once(send, find)[0]


def enterprise_identity(identities: Iterable[Json], email: str, connection_id: str) -> str | None:
    """Return the id of the enterprise identity with an address; a sign-in needs it in exactly these letters.

    :param identities: from :func:`read_identities`.
    :param email: the address.
    :param connection_id: the connection; an identity that names none counts as well.
    """
    for identity in identities:
        address = next((text for text in (identity.get("name"), identity.get("email")) if text and "@" in text), "")
        if (
            fields.is_enterprise(str(identity.get("type")))
            and address == email
            and identity.get("connection_id") in (None, "", connection_id)
        ):
            return str(identity["id"])
    return None


def add_enterprise_identity(client: Any, user_id: str, email: str, connection_id: str) -> str:
    """Let a user sign in by an enterprise connection, once (``POST /users/{id}/identities``).

    :param client: a ``KindeClient``.
    :param user_id: Kinde's id of the user.
    :param email: the address, in the letters in which the identity provider writes it.
    :param connection_id: the connection.
    :returns: the id of the identity.
    :raises KindeConflictError: another user has this identity.
    :raises KindeResponseError: Kinde took the identity, but does not list it.
    """

    def find() -> str | None:
        return enterprise_identity(read_identities(client, user_id), email, connection_id)

    def send() -> str:
        answer = client.create_user_identity(user_id, type="enterprise", value=email, connection_id=connection_id)
        identity = fields.fields_of(fields.fields_of(answer).get("identity"))
        found = identity.get("id") or identity.get("identity_id") or find()
        if not found:
            raise KindeResponseError(
                "Kinde's response to the enterprise identity has no id, and Kinde does not list the identity"
            )
        return str(found)

    return create_once(send, find)[0]


def make_primary(client: Any, identity_id: str) -> None:
    """Make an identity the primary one of its user (``PATCH /identities/{id}``).

    :param client: a ``KindeClient``.
    :param identity_id: the identity's id.
    """
    client.update_identity(identity_id, is_primary=True)


def delete_identity(client: Any, identity_id: str) -> bool:
    """Delete an identity (``DELETE /identities/{id}``); one that is missing already is no error.

    :param client: a ``KindeClient``.
    :param identity_id: the identity's id.
    :returns: whether Kinde still had the identity.
    """
    try:
        client.delete_identity(identity_id)
    except KindeNotFoundError:
        return False
    return True
