"""Read the members of organizations into the run's database."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from airflow_provider_kinde.resources.members import iter_members
from airflow_provider_kinde.sync.snapshot.organizations import Organization
from airflow_provider_kinde.sync.store.accounts import Members, encode_roles
from airflow_provider_kinde.sync.store.database import Database
from airflow_provider_kinde.sync.store.members import forget_members, keep_last_listed
from airflow_provider_kinde.thread_pool import ThreadPool

PAGE = 500
"""Users or members that are stored with one insert: one for each would cost more than reading it."""
AHEAD = 8
"""Pages that wait for being stored: while an index is made, or a large page is stored, lists are read on."""


def iter_organization(
    client: Any, organization: Organization, wait: Callable[[], object] | None = None
) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield the members of an organization: Kinde user id, role keys (``GET /organizations/{code}/users``).

    :param client: a ``KindeClient``.
    :param organization: the organization; nothing is read of one that does not exist yet.
    :param wait: called first; returns when the organization may be read.
    """
    if organization.code:
        if wait:
            wait()
        organization.read_at = time.monotonic()
        yield from iter_members(client, organization.code)


def keep_members(database: Database, organization: Organization, members: Iterable[tuple[str, frozenset[str]]]) -> None:
    """Keep members of an organization.

    :param database: where members are kept.
    :param organization: the organization; its members are those that are kept.
    :param members: Kinde user id, role keys.
    """
    organization.members = Members(database, organization.alias)
    alias = organization.alias
    database.insert("members", ((user_id, alias, encode_roles(roles)) for user_id, roles in members))


def read_other_members(client: Any, organizations: Sequence[Organization], database: Database) -> None:
    """Read the members of organizations that the spec does not manage (``GET /organizations/{code}/users``).

    :param client: a ``KindeClient``.
    :param organizations: the organizations; their codes are their aliases.
    :param database: where members are kept.
    """
    lists = [iter_organization(client, organization) for organization in organizations]
    with ThreadPool(min(client.max_concurrency, len(lists))) as pool:
        for number, page in pool.read(lists, PAGE, AHEAD):
            keep_members(database, organizations[number], page)
    keep_last_listed(database)


def read_members_again(client: Any, organizations: Iterable[Organization], database: Database) -> None:
    """Read the members of some organizations once more, in place of what was read before.

    :param client: a ``KindeClient``.
    :param organizations: the organizations.
    :param database: where members are kept.
    """
    for organization in organizations:
        forget_members(database, organization.alias)
        keep_members(database, organization, iter_organization(client, organization))
    keep_last_listed(database)
