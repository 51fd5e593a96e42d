"""People who left according to HR, and who can still sign in by an account that this sync does not manage."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.exceptions import KindePermissionError
from airflow_provider_kinde.resources.users import count_api_keys
from airflow_provider_kinde.sync.link import is_of_a_sync
from airflow_provider_kinde.sync.people.access import OUT_OF_SCOPE
from airflow_provider_kinde.sync.plan.run_request import RunRequest
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.store.database import Database
from airflow_provider_kinde.sync.store.unmanaged import unmanaged_leavers

_SHOWN = 5
_ASKED = 20
"""How many accounts are asked for their API keys in one run."""


@dataclasses.dataclass(frozen=True, slots=True)
class UnmanagedLeaver:
    """An enabled account that this sync does not manage, of a person who has no access according to HR.

    :param id: the HR id of the row that has the account's address.
    :param account: Kinde's id of the account.
    :param api_keys: how many active API keys it has; ``None`` where they were not read.
    :param who: the person's name and address, for people who read plan and report.
    """

    id: str
    account: str
    api_keys: int | None = None
    who: str = ""

    def to_json(self) -> dict[str, object]:
        keys = {"api_keys": self.api_keys} if self.api_keys else {}
        return {"id": self.id, **({"who": self.who} if self.who else {}), "account": self.account, **keys}

    @property
    def keys_text(self) -> str:
        """How many API keys the account has, after its id; empty where it has none."""
        return f" with {counted(self.api_keys, 'API key')}" if self.api_keys else ""


def find_unmanaged_leavers(
    spec: SyncSpec, database: Database, request: RunRequest, client: Any
) -> list[UnmanagedLeaver]:
    """Find the accounts of people who left that no sync manages and that are not suspended.

    People out of scope, accounts of other syncs and those that the spec ignores are left out. The API keys of the first
    ones are counted, since suspension does not stop them, unless ``leaver.delete_api_keys`` is off: one request each.

    :param spec: the spec.
    :param database: the database of the run, with HR rows and accounts.
    :param request: what the run is to do.
    :param client: a ``KindeClient``.
    """
    found = [
        UnmanagedLeaver(row.id, row.account_id)
        for row in unmanaged_leavers(database, OUT_OF_SCOPE)
        if request.includes(row.id)
        and not is_of_a_sync(row.provided_id)
        and not (row.key and spec.ignore.covers(row.key))
    ]
    if not found or not spec.leaver.delete_api_keys:
        return found
    with suppress(KindePermissionError):  # a run needs the scope only when it deletes keys
        for place, leaver in enumerate(found[:_ASKED]):
            found[place] = dataclasses.replace(leaver, api_keys=count_api_keys(client, leaver.account))
    return found


def unmanaged_leavers_line(found: Sequence[UnmanagedLeaver]) -> list[str]:
    """Write the warning about these accounts, with HR ids and Kinde's ids only. Empty where there are none.

    :param found: the accounts.
    """
    if not found:
        return []
    one = len(found) == 1
    what, way = ("account of a person", "suspend it") if one else ("accounts of people", "suspend them")
    shown = ", ".join(f"id {leaver.id} has {leaver.account}{leaver.keys_text}" for leaver in found[:_SHOWN])
    if len(found) > _SHOWN:
        shown += f" and {len(found) - _SHOWN:,} more (all are in the plan as JSON, and in `accounts --out`)"
    line = f"{len(found):,} {what} who left {'is' if one else 'are'} not managed and still enabled: {shown}. "
    keys = " and delete the API keys, which suspension does not stop" if any(one.api_keys for one in found) else ""
    return [f"{line}This sync changes no account that it does not manage: {way} in Kinde{keys}"]
