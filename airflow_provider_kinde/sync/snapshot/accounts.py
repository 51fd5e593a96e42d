"""Read Kinde's accounts: users with their identities, and their properties."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from airflow_provider_kinde.exceptions import KindeError
from airflow_provider_kinde.resources import fields
from airflow_provider_kinde.sync.link import parse_link
from airflow_provider_kinde.sync.model import Account
from airflow_provider_kinde.sync.progress import Progress
from airflow_provider_kinde.sync.store.accounts import AccountTable
from airflow_provider_kinde.sync.store.database import Database
from airflow_provider_kinde.sync.store.members import count_properties, members_without_account

_MOST_UNLISTED = 100
"""How many members without an account are read one by one. More of them are not explained by a page that shifted."""


def iter_accounts(client: Any, progress: Progress) -> Iterator[Account]:
    """Yield all accounts (``GET /users``), none of them as a sync's own.

    :param client: a ``KindeClient``.
    :param progress: called every 500 accounts.
    """
    for done, user in enumerate(iter_users(client), 1):
        yield parse_account(user, "")
        if done % 500 == 0:
            progress("reading users", done, None)


def iter_users(client: Any) -> Iterator[fields.Json]:
    """Yield all users as :func:`parse_account` takes them (``GET /users``).

    :param client: a ``KindeClient``.
    """
    users: Iterator[fields.Json] = client.iter_users(expand="identities,organizations")
    return users


def parse_account(user: fields.Json, name: str) -> Account:
    """Make an :class:`Account` of a user as Kinde lists it, with identities and organizations.

    :param user: the user.
    :param name: the sync's name, which tells its own links from others.
    :raises KindeResponseError: the user has no id, or a list is none.
    """
    provided_id = fields.text_in(user, "provided_id")
    identities = fields.identities_of(user)
    return Account(
        fields.id_in(user),
        provided_id,
        fields.email_of(user),
        fields.text_in(user, "first_name"),
        fields.text_in(user, "last_name"),
        fields.is_suspended(user),
        tuple(sorted(set(identities)) if len(identities) > 1 else identities),
        tuple(sorted(fields.codes_of(user))),
        parse_link(provided_id, name),
        fields.seconds_of(user.get("created_on")),
        fields.text_in(user, "last_signed_in"),
    )


def read_unlisted(accounts: AccountTable, client: Any) -> None:
    """Read members whom the list of users lacks, one by one (``GET /user``).

    Kinde's pages shift while users come and go, so a user can be in none of them. Without this, the person would get a
    second account.

    :param accounts: all accounts that were listed; the missing ones are added.
    :param client: a ``KindeClient``.
    """
    for user_id in members_without_account(accounts.database, _MOST_UNLISTED):
        try:
            user = client.get_user_data(user_id, expand="identities,organizations")
        except KindeError as error:
            if error.status not in (400, 404):
                raise
        else:
            accounts.add(parse_account(user, accounts.name))


def read_all_properties(client: Any, database: Database, count: int, progress: Progress) -> None:
    """Read the properties of all accounts (``GET /search/users``).

    :param client: a ``KindeClient``.
    :param database: where they are kept.
    :param count: how many accounts there are.
    :param progress: called every 500 accounts.
    """
    writer = database.writer("properties")
    for done, user in enumerate(client.search_users("*", expand="properties"), 1):
        writer.add((fields.id_in(user), json.dumps(fields.properties_of(user.get("properties")))))
        if done % 500 == 0:
            progress("reading properties", done, count)
        if done >= count:
            writer.flush()
            if count_properties(database) == count:
                break  # All are read. The only other sign of the end of a search is one more page, which is empty.
    writer.flush()
