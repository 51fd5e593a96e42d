"""Queries for access reviews: every member of the managed organizations, with the account."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from airflow_provider_kinde.sync.store.accounts import decode_roles
from airflow_provider_kinde.sync.store.database import Database

ACCESS = """
SELECT members.alias, accounts.link, accounts.id, accounts.email, accounts.first, accounts.last, accounts.suspended,
  accounts.signed_in, members.roles
FROM members JOIN accounts ON accounts.id = members.account WHERE ?1 IS NULL OR members.alias = ?1
ORDER BY members.alias, accounts.email, accounts.id
"""


class AccessRow(NamedTuple):
    """A membership.

    :param alias: the organization's alias.
    :param id: HR id; empty where the sync does not manage the account.
    :param user_id: Kinde's id of the account.
    :param email: the primary address.
    :param name: first and last name in Kinde.
    :param suspended: whether the account is suspended.
    :param signed_in: when the user signed in last, as Kinde writes it.
    :param roles: role keys in this organization.
    """

    alias: str
    id: str
    user_id: str
    email: str
    name: str
    suspended: bool
    signed_in: str
    roles: frozenset[str]


def access_rows(database: Database, organization: str | None = None) -> Iterator[AccessRow]:
    """Yield every membership, organization by organization.

    :param database: the database of a plan.
    :param organization: the alias of one organization, for its memberships alone.
    """
    for alias, link, user_id, email, first, last, suspended, signed_in, roles in database.each(ACCESS, (organization,)):
        name = f"{first} {last}".strip()
        yield AccessRow(alias, link or "", user_id, email, name, bool(suspended), signed_in or "", decode_roles(roles))
