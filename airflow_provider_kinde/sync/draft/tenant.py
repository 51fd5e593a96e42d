"""Read a tenant for a draft: accounts, organizations, who is in them, and the connections that users sign in by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_kinde.exceptions import KindePermissionError
from airflow_provider_kinde.resources import fields
from airflow_provider_kinde.resources.members import read_members
from airflow_provider_kinde.sync.model import Account
from airflow_provider_kinde.sync.progress import Progress
from airflow_provider_kinde.sync.snapshot.accounts import iter_accounts
from airflow_provider_kinde.sync.snapshot.connections import read_connections
from airflow_provider_kinde.sync.snapshot.directories import managed_by_directories
from airflow_provider_kinde.thread_pool import ThreadPool


@dataclass(frozen=True)
class TenantOrganization:
    """One organization.

    :param code: its code.
    :param name: its name.
    :param members: Kinde user id -> role keys.
    :param directory: the SCIM directory that decides who is in it; empty for none.
    """

    code: str
    name: str
    members: Mapping[str, frozenset[str]]
    directory: str = ""


@dataclass
class Tenant:
    """What a draft knows of Kinde.

    :param host: Kinde's host.
    :param accounts: all users.
    :param organizations: all organizations, by name.
    :param unread: what could not be read for want of a scope, in words.
    """

    host: str
    accounts: list[Account]
    organizations: list[TenantOrganization]
    unread: list[str] = field(default_factory=list)

    @property
    def addresses(self) -> frozenset[str]:
        """Every address of every account, in the form for comparing."""
        return frozenset(address for account in self.accounts for address in account.addresses)


def read_tenant(client: Any, progress: Progress) -> Tenant:
    """Read all users, organizations and members; each list once, page by page.

    It stands for ``GET /users``, ``GET /organizations``, ``GET /organizations/{code}/users`` and ``GET /directories``.

    :param client: a ``KindeClient``.
    :param progress: called while long lists are read.
    :raises KindePermissionError: a scope is missing.
    """
    accounts = list(iter_accounts(client, progress))
    listed = [(fields.id_in(item, "code"), fields.text_in(item, "name")) for item in client.iter_organizations()]
    unread: list[str] = []
    try:
        directories = managed_by_directories(client)
    except KindePermissionError as error:
        directories = {}
        unread.append(f"SCIM directories ({error.scope or 'read:scim_directories'})")
    with ThreadPool(min(client.max_concurrency, len(listed))) as pool:
        members = list(pool.map(lambda one: read_members(client, one[0]), listed))
    organizations = [
        TenantOrganization(code, name or code, found, directories.get(code, ""))
        for (code, name), found in zip(listed, members, strict=True)
    ]
    return Tenant(client.host, accounts, sorted(organizations, key=lambda one: (one.name, one.code)), unread)


def connections_of(client: Any, tenant: Tenant, **query: str) -> dict[str, str]:
    """Read the connections (``GET /connections``).

    :param client: a ``KindeClient``.
    :param tenant: notes if they cannot be read.
    :param query: ``home_realm_domain``, for the connections that claim it.
    :returns: id -> strategy; empty without the scope.
    """
    try:
        return read_connections(client, **query)
    except KindePermissionError as error:
        note = f"connections ({error.scope or 'read:connections'})"
        if note not in tenant.unread:
            tenant.unread.append(note)
        return {}
