"""Sign-ins by an enterprise connection: given to an account, and changed with the address."""

from __future__ import annotations

from typing import Any

from airflow_provider_kinde.resources import fields, users
from airflow_provider_kinde.resources.normalization import email_key
from airflow_provider_kinde.sync.apply.failures import ChangeFailed
from airflow_provider_kinde.sync.link import Link
from airflow_provider_kinde.sync.model import Account, Person


def connect(client: Any, user_id: str, person: Person) -> str:
    """Give an account the sign-in by the person's connection, once (``POST /users/{id}/identities``).

    :param client: a ``KindeClient``.
    :param user_id: Kinde's id of the account.
    :param person: the person, with address and connection as HR has them.
    :returns: the id of the identity.
    :raises KindeConflictError: the sign-in belongs to another account.
    """
    present = users.enterprise_identity(users.read_identities(client, user_id), person.email, person.connection)
    return present or users.add_enterprise_identity(client, user_id, person.email, person.connection)


def change_address(client: Any, account: Account, link: Link, person: Person) -> None:
    """Give an account the sign-in with the new address, then delete the one with the former address.

    The mark says which identity is to be deleted, so that the next run finishes what this one began.

    :param client: a ``KindeClient``.
    :param account: the account.
    :param link: its link.
    :param person: the person, with address and connection as HR has them.
    :raises ChangeFailed: the former address is a sign-in of another connection.
    """
    identities = users.read_identities(client, account.id)
    new_id = users.enterprise_identity(identities, person.email, person.connection)
    old = email_key(account.email)
    former = [
        item
        for item in identities
        if item["id"] != new_id
        and (item["id"] == link.renaming or (old != email_key(person.email) and fields.address_of(item) == old))
    ]
    for item in former:
        if item.get("connection_id") not in (None, "", person.connection):
            raise ChangeFailed(
                f"the present address is a sign-in of the connection {item['connection_id']}, not of "
                f"{person.connection}: delete it in Kinde, then run again"
            )
    if former and not link.renaming:
        link = link.with_renaming(str(former[0]["id"]), "" if new_id else person.email)
        client.update_user(account.id, provided_id=str(link))
    if new_id is None:
        users.add_enterprise_identity(client, account.id, person.email, person.connection)
    for item in former:
        users.delete_identity(client, str(item["id"]))
    if link.renaming:
        client.update_user(account.id, provided_id=str(link.with_renaming("")))
