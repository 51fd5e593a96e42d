"""People who left according to HR, and who can still sign in by an account that this sync does not manage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from airflow_provider_kinde.sync.link import is_of_a_sync
from airflow_provider_kinde.sync.people.access import OUT_OF_SCOPE
from airflow_provider_kinde.sync.plan.run_request import RunRequest
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.store.database import Database
from airflow_provider_kinde.sync.store.unmanaged import unmanaged_leavers

_SHOWN = 5


class UnmanagedLeaver(NamedTuple):
    """An enabled account that this sync does not manage, of a person who has no access according to HR.

    :param id: the HR id of the row that has the account's address.
    :param account: Kinde's id of the account.
    """

    id: str
    account: str

    def to_json(self) -> dict[str, str]:
        return {"id": self.id, "account": self.account}


def find_unmanaged_leavers(spec: SyncSpec, database: Database, request: RunRequest) -> list[UnmanagedLeaver]:
    """Find the accounts of people who left that no sync manages and that are not suspended.

    People out of scope, accounts of other syncs and those that the spec ignores are left out.

    :param spec: the spec.
    :param database: the database of the run, with HR rows and accounts.
    :param request: what the run is to do.
    """
    return [
        UnmanagedLeaver(row.id, row.account_id)
        for row in unmanaged_leavers(database, OUT_OF_SCOPE)
        if request.includes(row.id)
        and not is_of_a_sync(row.provided_id)
        and not (row.key and spec.ignore.covers(row.key))
    ]


def unmanaged_leavers_line(found: Sequence[UnmanagedLeaver]) -> list[str]:
    """Write the warning about such accounts, with HR ids and Kinde's ids only; nothing where there are none.

    :param found: the accounts.
    """
    if not found:
        return []
    one = len(found) == 1
    what, way = ("account of a person", "suspend it") if one else ("accounts of people", "suspend them")
    shown = ", ".join(f"id {leaver.id} has {leaver.account}" for leaver in found[:_SHOWN])
    if len(found) > _SHOWN:
        shown += f" and {len(found) - _SHOWN:,} more (all are in the plan as JSON, and in `accounts --out`)"
    line = f"{len(found):,} {what} who left {'is' if one else 'are'} not managed and still enabled: {shown}. "
    return [f"{line}This sync changes no account that it does not manage: {way} in Kinde"]
