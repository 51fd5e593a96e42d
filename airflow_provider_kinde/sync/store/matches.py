"""Queries that join both sides: each managed account beside the HR row of its person, and its memberships."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from airflow_provider_kinde.sync.model import Access
from airflow_provider_kinde.sync.store.database import Database

MANAGED_ACCOUNTS = f"""
SELECT accounts.id, accounts.rowid, accounts.link, accounts.plain, accounts.suspended, hr.id IS NOT NULL,
  hr.access IN ('{Access.ACTIVE.value}', '{Access.KEEP.value}') AND accounts.plain AND NOT accounts.suspended
    AND accounts.key = hr.key AND (hr.connection = '' OR accounts.enterprise)
    AND (NOT :names OR (accounts.first = hr.given AND accounts.last = hr.family)),
  hr.memberships, hr.properties, properties.held, accounts.created, accounts.organizations
FROM accounts LEFT JOIN hr ON hr.id = accounts.link LEFT JOIN properties ON properties.account = accounts.id
WHERE accounts.link IS NOT NULL ORDER BY accounts.id
"""

MEMBERS_BY_ACCOUNT = "SELECT account, alias, roles FROM members ORDER BY account, alias"

WITHOUT_PROPERTIES = """
SELECT accounts.id FROM accounts JOIN hr ON hr.id = accounts.link WHERE hr.access IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM properties WHERE properties.account = accounts.id)
"""


class MatchRow(NamedTuple):
    """A row of :data:`MANAGED_ACCOUNTS`.

    :param account_id: Kinde's id of the account.
    :param rowid: where the account is kept.
    :param link: the HR id of its link.
    :param plain: whether the link carries no mark.
    :param suspended: whether the account is suspended.
    :param listed: whether an HR row holds the id, understood or not.
    :param same: whether access, address, sign-in and, where they count, names agree.
    :param memberships: what HR grants, as the table keeps it; ``None`` without an understood row.
    :param properties: the user properties that HR wants, as the table keeps them.
    :param held_properties: those that Kinde has; ``None`` where they were not read.
    :param created: when Kinde made the account, in seconds since 1970.
    :param organizations: the codes of all its organizations, as the table keeps them.
    """

    account_id: str
    rowid: int
    link: str
    plain: int
    suspended: int
    listed: int
    same: int | None
    memberships: str | None
    properties: str | None
    held_properties: str | None
    created: int | None
    organizations: str


class MemberRow(NamedTuple):
    """A row of :data:`MEMBERS_BY_ACCOUNT`.

    :param account_id: Kinde's id of the account.
    :param alias: the organization's alias in the spec.
    :param roles: role keys, as the table keeps them.
    """

    account_id: str
    alias: str
    roles: str


def managed_accounts(database: Database, *, names: bool = True) -> Iterator[MatchRow]:
    """Yield every managed account with the HR row of its person, by Kinde id.

    :param database: the database of the run.
    :param names: whether other names in HR are a difference.
    """
    return map(MatchRow._make, database.each(MANAGED_ACCOUNTS, {"names": names}))


def members_by_account(database: Database) -> Iterator[MemberRow]:
    """Yield every membership that was read, by account and alias.

    :param database: the database of the run.
    """
    return map(MemberRow._make, database.each(MEMBERS_BY_ACCOUNT))


def without_properties(database: Database) -> list[str]:
    """Kinde ids of the accounts of people in HR whose properties the search did not list.

    :param database: the database of the run.
    """
    return [user_id for (user_id,) in database.each(WITHOUT_PROPERTIES)]
