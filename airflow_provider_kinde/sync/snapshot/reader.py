"""Read what Kinde holds when a run starts: accounts, the managed organizations and their members, roles."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from airflow_provider_kinde.exceptions import SyncError
from airflow_provider_kinde.resources import fields
from airflow_provider_kinde.sync.progress import Progress
from airflow_provider_kinde.sync.snapshot.accounts import (
    iter_users,
    parse_account,
    read_all_properties,
    read_unlisted,
)
from airflow_provider_kinde.sync.snapshot.directories import check_directories
from airflow_provider_kinde.sync.snapshot.members import (
    AHEAD,
    PAGE,
    iter_organization,
    keep_members,
    read_members_again,
)
from airflow_provider_kinde.sync.snapshot.organizations import Organization, check_roles, find_organizations
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.store.accounts import AccountTable, LinkedAccounts, Properties
from airflow_provider_kinde.sync.store.database import Database
from airflow_provider_kinde.sync.store.matches import without_properties
from airflow_provider_kinde.sync.store.members import index_members, keep_last_listed, memberships_of
from airflow_provider_kinde.thread_pool import ThreadPool


class Snapshot:
    """Kinde's side of a plan.

    :param host: Kinde's host.
    :param accounts: all of them.
    :param organizations: by alias: those of the spec and the retired ones.
    :param roles: role key -> role id.
    :param default_code: code of the default organization, if there is one.
    """

    def __init__(
        self,
        host: str,
        accounts: AccountTable,
        organizations: dict[str, Organization],
        roles: dict[str, str],
        default_code: str,
    ) -> None:
        self.host, self.accounts, self.organizations = host, accounts, organizations
        self.roles, self.default_code = roles, default_code
        self.database = accounts.database
        self.linked = LinkedAccounts(accounts)
        self.properties = Properties(self.database)
        self.read_twice: set[str] = set()
        """Aliases of organizations whose members were read a second time; that reading counts."""
        self._last: tuple[str, dict[str, frozenset[str]]] = ("", {})

    def read_members_again(self, aliases: Iterable[str], client: Any) -> None:
        """Read the members of some organizations once more (``GET /organizations/{code}/users``).

        :param aliases: the organizations' aliases.
        :param client: a ``KindeClient``.
        """
        aliases = list(aliases)
        read_members_again(client, [self.organizations[alias] for alias in aliases], self.database)
        self.read_twice.update(aliases)
        self._last = ("", {})

    def memberships(self, user_id: str) -> dict[str, frozenset[str]]:
        """Return the managed organizations that an account is in: alias -> role keys.

        :param user_id: Kinde's id of the account.
        """
        if self._last[0] != user_id:
            self._last = user_id, memberships_of(self.database, user_id)
        return self._last[1]

    def without_properties(self) -> list[str]:
        """Return the Kinde ids of the accounts of people in HR whose properties the search did not list."""
        return without_properties(self.database)

    def remember(self, user_id: str, memberships: dict[str, frozenset[str]]) -> None:
        """Keep what :meth:`memberships` would read, where it was read already.

        :param user_id: Kinde's id of the account.
        :param memberships: alias -> role keys.
        """
        self._last = user_id, memberships


def read_snapshot(
    spec: SyncSpec,
    client: Any,
    progress: Progress | None = None,
    database: Database | None = None,
    wait: Callable[[], object] | None = None,
) -> Snapshot:
    """Read all that a plan needs, each list once, page by page; users and members of all organizations at once.

    Members are joined to users by id: ``GET /organizations/{code}/users`` does not return the link. A member who is
    not among the users is unmanaged.

    :param spec: the spec.
    :param client: a ``KindeClient``.
    :param progress: called while long lists are read.
    :param database: the database to keep them in; a new one when left out.
    :param wait: called before each organization but the first; returns when more may be read at once.
    :raises SpecError: Kinde does not have an organization or a role of the spec.
    :raises KindeResponseError: a list cannot be Kinde's.
    :raises SyncError: the same.
    """
    try:
        return _read(spec, client, progress or (lambda stage, done, total: None), database or Database(), wait)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        what = f"{type(error).__name__}: {error}"
        raise SyncError(f"a list of Kinde has an unexpected form ({what}). Nothing was written") from error


def _read(
    spec: SyncSpec, client: Any, progress: Progress, database: Database, wait: Callable[[], object] | None
) -> Snapshot:
    roles = {str(role["key"]): str(role["id"]) for role in client.iter_roles() if role.get("key")}
    check_roles(spec, roles)
    listed = list(client.iter_organizations())
    organizations = find_organizations(spec, listed)
    if spec.check_directories:
        named = [(o.alias, o.code, o.name) for o in organizations.values()]
        if wrong := check_directories(spec, named, client):
            raise wrong
    accounts = AccountTable(database, spec.name)
    _read_lists(client, accounts, list(organizations.values()), progress, wait)
    read_unlisted(accounts, client)
    if spec.person.properties and (count := len(accounts)):
        read_all_properties(client, database, count, progress)
    default = next((fields.text_in(found, "code") for found in listed if found.get("is_default")), "")
    return Snapshot(client.host, accounts, organizations, roles, default)


def _read_lists(
    client: Any,
    accounts: AccountTable,
    organizations: list[Organization],
    progress: Progress,
    wait: Callable[[], object] | None,
) -> None:
    """Read users and members. A list is read page after page, so the longest list says how long this takes."""
    database, users, done, more_users = accounts.database, 0, 0, True
    lists: list[Iterable[Any]] = [iter_users(client)]
    lists += [iter_organization(client, one, wait if place else None) for place, one in enumerate(organizations)]
    with ThreadPool(min(client.max_concurrency, len(lists))) as pool:
        for number, page in pool.read(lists, PAGE, AHEAD):
            if number:
                keep_members(database, organizations[number - 1], page)
                done += not page
                if not page and done == len(organizations):  # now, while the list of users is still read
                    index_members(database)
                    keep_last_listed(database)
            else:
                accounts.keep(parse_account(user, accounts.name) for user in page)
                users, more_users = users + len(page), bool(page)
            # One stage after the other: a terminal has a line for each.
            if more_users or not number:
                progress("reading users", users, None if more_users else users)
            if not more_users:
                progress("reading organizations", done, len(organizations))
    accounts.index()
