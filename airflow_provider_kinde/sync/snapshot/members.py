"""Read the members of the managed organizations into the run's database."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from airflow_provider_kinde.resources.members import iter_members
from airflow_provider_kinde.sync.progress import Progress
from airflow_provider_kinde.sync.snapshot.organizations import Organization
from airflow_provider_kinde.sync.store.accounts import Members, encode_roles
from airflow_provider_kinde.sync.store.database import Database
from airflow_provider_kinde.sync.store.members import forget_members, index_members, keep_last_listed
from airflow_provider_kinde.thread_pool import ThreadPool

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
    with ThreadPool(min(client.max_concurrency, len(organizations))) as pool:
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
    with ThreadPool(min(client.max_concurrency, len(organizations))) as pool:
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
