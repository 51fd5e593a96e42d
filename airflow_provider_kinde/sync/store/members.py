"""Queries on the members that were read from Kinde."""

from __future__ import annotations

from airflow_provider_kinde.sync.store.accounts import decode_roles
from airflow_provider_kinde.sync.store.database import Database

INDEX = "CREATE INDEX members_account ON members (account, alias, roles)"

OF_ACCOUNT = "SELECT alias, roles FROM members WHERE account = ? ORDER BY rowid"

FORGET = "DELETE FROM members WHERE alias = ?"

LISTED_TWICE = "SELECT account, alias, max(rowid) FROM members GROUP BY account, alias HAVING count(*) > 1"

FORGET_EARLIER = "DELETE FROM members WHERE account = ? AND alias = ? AND rowid < ?"

WITHOUT_ACCOUNT = """
SELECT DISTINCT account FROM members
WHERE NOT EXISTS (SELECT 1 FROM accounts WHERE accounts.id = members.account) LIMIT ?
"""

COUNT_PROPERTIES = "SELECT count(*) FROM properties"


def index_members(database: Database) -> None:
    """Make the look-up of one account's memberships fast, once the members are read.

    :param database: the database of the run.
    """
    database.run(INDEX)


def memberships_of(database: Database, user_id: str) -> dict[str, frozenset[str]]:
    """Alias -> role keys, of the managed organizations that an account is in.

    :param database: the database of the run.
    :param user_id: Kinde's id of the account.
    """
    return {alias: decode_roles(roles) for alias, roles in database.each(OF_ACCOUNT, (user_id,))}


def forget_members(database: Database, alias: str) -> None:
    """Forget the members of one organization, which are read again.

    :param database: the database of the run.
    :param alias: the organization's alias in the spec.
    """
    database.run(FORGET, (alias,))


def keep_last_listed(database: Database) -> None:
    """Of a member who is listed twice, keep the entry that came last.

    :param database: the database of the run.
    """
    for user_id, alias, last in database.all(LISTED_TWICE):
        database.run(FORGET_EARLIER, (user_id, alias, last))


def members_without_account(database: Database, most: int) -> list[str]:
    """Kinde ids of members whom the list of users lacks.

    :param database: the database of the run.
    :param most: how many are returned at most.
    """
    return [user_id for (user_id,) in database.all(WITHOUT_ACCOUNT, (most,))]


def count_properties(database: Database) -> int:
    """How many accounts have their properties read.

    :param database: the database of the run.
    """
    return database.count(COUNT_PROPERTIES)
