"""Accounts that no link names, and whose address HR has for a person without access."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from airflow_provider_kinde.sync.model import Access
from airflow_provider_kinde.sync.store.database import Database

_ENABLED = "accounts.link IS NULL AND NOT accounts.suspended"

_LEFT = f"""
hr.access = '{Access.NONE.value}' AND hr.why != :scope AND NOT EXISTS (
  SELECT 1 FROM hr AS other WHERE other.key = hr.key AND other.access IS NOT '{Access.NONE.value}'
)
"""

UNMANAGED_LEAVERS = f"""
SELECT hr.id, accounts.id, accounts.provided_id, accounts.key FROM hr JOIN accounts ON accounts.key = hr.key
WHERE hr.key IS NOT NULL AND {_LEFT} AND {_ENABLED}
UNION
SELECT hr.id, accounts.id, accounts.provided_id, accounts.key FROM addresses
JOIN accounts ON accounts.id = addresses.account JOIN hr ON hr.key = addresses.key
WHERE {_LEFT} AND {_ENABLED}
ORDER BY 1, 2
"""


class UnmanagedRow(NamedTuple):
    """A row of :data:`UNMANAGED_LEAVERS`.

    :param id: the HR id.
    :param account_id: Kinde's id of the account.
    :param provided_id: the account's ``provided_id``.
    :param key: its primary address, in the form for comparing; ``None`` where it is none.
    """

    id: str
    account_id: str
    provided_id: str
    key: str | None


def unmanaged_leavers(database: Database, scope: str) -> Iterator[UnmanagedRow]:
    """Yield the enabled accounts without a link whose address HR has for people without access, by HR id.

    :param database: the database of the run.
    :param scope: why a person has no access who is out of scope: such people are left out.
    """
    return map(UnmanagedRow._make, database.each(UNMANAGED_LEAVERS, {"scope": scope}))
