"""Read the members of the managed organizations into the run's database."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from airflow_provider_kinde.resources.members import iter_members
from airflow_provider_kinde.sync.progress import Progress
from airflow_provider_kinde.sync.snapshot.organizations import Organization
from airflow_provider_kinde.sync.store.accounts import Members, encode_roles
from airflow_provider_kinde.sync.store.database import Database
from airflow_provider_kinde.sync.store.members import forget_members, index_members, keep_last_listed
from airflow_provider_kinde.thread_pool import ThreadPool

if TYPE_CHECKING:
    from airflow_provider_kinde.sync.model import Account
    from airflow_provider_kinde.sync.snapshot.reader import Snapshot
    from airflow_provider_kinde.sync.spec.models import SyncSpec

_PAGE = 500


def read_all_members(
    client: Any, organizations: Sequence[Organization], database: Database, progress: Progress
) -> None:
    """Read the members of each organization (``GET /organizations/{code}/users``), several organizations at once.

    :param client: a ``KindeClient``.
    :param organizations: the organizations.
    :param database: where members are kept.
    :param progress: called after each organization.
    """
    with ThreadPool(client.max_concurrency) as pool:
        for done, _ in enumerate(pool.map(lambda one: _read_into(database, client, one), organizations), 1):
            progress("reading organizations", done, len(organizations))
    index_members(database)
    keep_last_listed(database)


def read_other_members(client: Any, organizations: Sequence[Organization], database: Database) -> None:
    """Read the members of organizations that the spec does not manage (``GET /organizations/{code}/users``).

    :param client: a ``KindeClient``.
    :param organizations: the organizations; their codes are their aliases.
    :param database: where members are kept.
    """
    with ThreadPool(client.max_concurrency) as pool:
        list(pool.map(lambda one: _read_into(database, client, one), organizations))
    keep_last_listed(database)


def read_members_again(client: Any, organizations: Iterable[Organization], database: Database) -> None:
    """Read the members of some organizations once more, in place of what was read before.

    :param client: a ``KindeClient``.
    :param organizations: the organizations.
    :param database: where members are kept.
    """
    for organization in organizations:
        forget_members(database, organization.alias)
        _read_into(database, client, organization)
    keep_last_listed(database)


def _read_into(database: Database, client: Any, organization: Organization) -> None:
    organization.members = Members(database, organization.alias)
    if not organization.code:
        return
    organization.read_at = time.monotonic()
    found = iter_members(client, organization.code)
    # One insert for each page: one for each member would cost more than reading it.
    while page := [(user_id, organization.alias, encode_roles(roles)) for user_id, roles in islice(found, _PAGE)]:
        database.insert("members", page)


class OtherOrganizations:
    """Says who holds a protected role in an organization that the spec does not manage.

    Asked only about accounts that are to be adopted or renamed: one request for each organization that they are in and
    each protected role that Kinde has, once a run (``GET /organizations/{code}/users``).

    :param spec: the spec, whose protected roles count.
    :param snapshot: Kinde's side of the run.
    :param client: a ``KindeClient``.
    """

    def __init__(self, spec: SyncSpec, snapshot: Snapshot, client: Any) -> None:
        self.client = client
        self.roles = sorted(spec.protect.roles & snapshot.roles.keys())
        self._managed = {organization.code for organization in snapshot.organizations.values()}
        self._holders: dict[str, set[str]] = {}

    def holds_protected_role(self, account: Account) -> bool:
        """Whether an account holds a protected role in an organization that the spec does not manage.

        :param account: the account.
        """
        return any(account.id in self._holders_in(code) for code in account.organizations if code not in self._managed)

    def _holders_in(self, code: str) -> set[str]:
        if code not in self._holders:
            found = self._holders[code] = set()
            for role in self.roles:
                members = iter_members(self.client, code, role=role)
                found.update(user_id for user_id, roles in members if role in roles)
        return self._holders[code]
