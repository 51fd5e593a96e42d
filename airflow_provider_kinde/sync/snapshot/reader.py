"""What Kinde holds when a run starts: accounts, the managed organizations and their members, roles."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from airflow_provider_kinde.client.endpoints.base import segment
from airflow_provider_kinde.exceptions import KindeError, KindeResponseError, SyncError
from airflow_provider_kinde.resources.normalization import clean_name, email_key
from airflow_provider_kinde.sync.link import parse_link
from airflow_provider_kinde.sync.model import Account
from airflow_provider_kinde.sync.snapshot.directories import check_directories
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.spec.organizations import OrganizationSpec
from airflow_provider_kinde.sync.store.accounts import (
    AccountTable,
    ByAddress,
    Linked,
    Members,
    Properties,
    decode_roles,
    encode_roles,
)
from airflow_provider_kinde.sync.store.database import Database

_MOST_UNLISTED = 100
"""Members asked for one by one; more are no shift of a page."""

Progress = Callable[[str, int, int | None], None]
"""Called with a stage, how much is done, and how much there is (``None`` while unknown)."""


@dataclass(slots=True)
class Organization:
    """A managed organization; ``code`` is empty until an organization that the spec wants created exists."""

    alias: str
    code: str
    name: str
    create: bool = False
    members: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Kinde user id -> role keys."""
    read_at: float = 0.0
    """Monotonic seconds of the read of ``members``."""


class Snapshot:
    """Everything that a plan is computed from on Kinde's side.

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
        self.spool = accounts.spool
        self.linked, self.by_address = Linked(accounts), ByAddress(accounts)
        self.properties = Properties(self.spool)
        self.read_twice: set[str] = set()
        """Aliases of organizations whose members were read again, and are believed now."""
        self._last: tuple[str, dict[str, frozenset[str]]] = ("", {})

    def read_members_again(self, aliases: Iterable[str], client: Any) -> None:
        """Read the members of some organizations once more (``GET /organizations/{code}/users``)."""
        for alias in aliases:
            self.spool.run("DELETE FROM members WHERE alias = ?", (alias,))
            _read_members_of(client, self.organizations[alias], self.spool)
            self.read_twice.add(alias)
        _keep_last_word(self.spool)
        self._last = ("", {})

    def memberships(self, user_id: str) -> dict[str, frozenset[str]]:
        """Alias -> role keys, of the managed organizations that an account is in."""
        if self._last[0] != user_id:
            rows = self.spool.each("SELECT alias, roles FROM members WHERE account = ? ORDER BY rowid", (user_id,))
            self._last = user_id, {alias: decode_roles(roles) for alias, roles in rows}
        return self._last[1]

    def without_properties(self) -> list[str]:
        """Kinde ids of the accounts of people in HR whose properties the search did not list."""
        sql = (
            "SELECT accounts.id FROM accounts JOIN hr ON hr.id = accounts.link WHERE hr.access IS NOT NULL "
            "AND NOT EXISTS (SELECT 1 FROM properties WHERE properties.account = accounts.id)"
        )
        return [user_id for (user_id,) in self.spool.each(sql)]

    def remember(self, user_id: str, memberships: dict[str, frozenset[str]]) -> None:
        """Take what :meth:`memberships` would read, from where it was read already."""
        self._last = user_id, memberships


def read_snapshot(
    spec: SyncSpec, client: Any, progress: Progress | None = None, spool: Database | None = None
) -> Snapshot:
    """Read all that a plan needs, each list once, page by page.

    Users come first and are joined by id: ``GET /organizations/{code}/users`` does not return the link, and a member
    who is not among the users read is unmanaged.

    :param spool: where all of it is kept; one of its own when left out.
    :raises SpecError: for an organization or a role that Kinde does not have.
    :raises SyncError: for a list that cannot be Kinde's.
    """
    try:
        return _read(spec, client, progress or (lambda stage, done, total: None), spool or Database())
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        what = f"{type(error).__name__}: {error}"
        raise SyncError(f"Kinde lists something in a form that is not understood ({what}); nothing was done") from error


def _read(spec: SyncSpec, client: Any, tell: Progress, spool: Database) -> Snapshot:
    accounts = AccountTable(spool, spec.name)
    accounts.fill(_accounts(spec, client, tell))
    count = len(accounts)
    tell("reading users", count, count)
    roles = {str(role["key"]): str(role["id"]) for role in client.iter_roles() if role.get("key")}
    _check_roles(spec, roles)
    listed = list(client.iter_organizations())
    organizations = find_organizations(spec, listed)
    if spec.check_directories:
        named = [(o.alias, o.code, o.name) for o in organizations.values()]
        if wrong := check_directories(spec, named, client):
            raise wrong
    _read_all_members(client, list(organizations.values()), spool, tell)
    spool.run("CREATE INDEX members_account ON members (account, alias, roles)")
    _keep_last_word(spool)
    _read_unlisted(accounts, client)
    if spec.person.properties and count:
        _read_properties(client, spool, count, tell)
    default = next((str(found.get("code") or "") for found in listed if found.get("is_default")), "")
    return Snapshot(client.host, accounts, organizations, roles, default)


def _read_all_members(client: Any, organizations: list[Organization], spool: Database, tell: Progress) -> None:
    """The members of each organization, several side by side: of thousands, each takes a request of its own."""
    with ThreadPoolExecutor(max(1, client.max_concurrency)) as pool:
        for done, _ in enumerate(pool.map(lambda one: _read_members_of(client, one, spool), organizations), 1):
            tell("reading organizations", done, len(organizations))


def _read_members_of(client: Any, organization: Organization, spool: Database) -> None:
    organization.members = Members(spool, organization.alias)
    if not organization.code:
        return
    organization.read_at = time.monotonic()
    found = _members(client, organization.code)
    # A page at a time: a lock for each member would cost more than reading it.
    while page := [(user_id, organization.alias, encode_roles(held)) for user_id, held in islice(found, 500)]:
        spool.insert("members", page)


def _keep_last_word(spool: Database) -> None:
    """Of a member who is listed twice, the later word counts."""
    twice = "SELECT account, alias, max(rowid) FROM members GROUP BY account, alias HAVING count(*) > 1"
    for user_id, alias, last in spool.all(twice):
        spool.run("DELETE FROM members WHERE account = ? AND alias = ? AND rowid < ?", (user_id, alias, last))


def _read_unlisted(accounts: AccountTable, client: Any) -> None:
    """Members whom the list of users lacks are asked for one by one (``GET /user``).

    Kinde's pages shift while people come and go: whoever stood at the edge of a page may be in none. Taken for
    nobody's, they would be given a second account.
    """
    sql = (
        "SELECT DISTINCT account FROM members WHERE NOT EXISTS "
        f"(SELECT 1 FROM accounts WHERE accounts.id = members.account) LIMIT {_MOST_UNLISTED}"
    )
    for (user_id,) in accounts.spool.all(sql):
        try:
            user = client.get_user_data(user_id, expand="identities,organizations")
        except KindeError as error:
            if error.status not in (400, 404):
                raise
        else:
            accounts.add(parse_account(user, accounts.name))


def _accounts(spec: SyncSpec, client: Any, tell: Progress) -> Iterator[Account]:
    for done, user in enumerate(client.iter_users(expand="identities,organizations"), 1):
        yield parse_account(user, spec.name)
        if done % 500 == 0:
            tell("reading users", done, None)


def _read_properties(client: Any, spool: Database, count: int, tell: Progress) -> None:
    writer = spool.writer("properties")
    for done, user in enumerate(client.search_users("*", expand="properties"), 1):
        writer.add((str(user["id"]), json.dumps(_properties(user.get("properties")))))
        if done % 500 == 0:
            tell("reading properties", done, count)
        if done >= count:
            writer.flush()
            if spool.count("SELECT count(*) FROM properties") == count:
                break  # all are there: Kinde has no sign for the end of a search but one more, empty page
    writer.flush()


def parse_account(user: Mapping[str, Any], name: str) -> Account:
    """Make an :class:`Account` of a user as Kinde lists it, whatever is null or missing in it.

    Organizations come as codes or as objects, identities may be absent.
    """
    provided = str(user.get("provided_id") or "")
    identities = {
        (str(i.get("type") or ""), str(i.get("identity") or i.get("name") or ""))
        for i in user.get("identities") or ()
        if isinstance(i, Mapping)
    }
    email = user.get("email") or user.get("preferred_email")
    if not email:
        # The primary address is missing from some answers; where there is but one, it is that one.
        addresses = [value for kind, value in identities if kind == "email"]
        email = addresses[0] if len(addresses) == 1 else ""
    return Account(
        _id(user["id"]),
        provided,
        str(email),
        str(user.get("first_name") or ""),
        str(user.get("last_name") or ""),
        user.get("is_suspended") is True,
        tuple(sorted(identities)) if len(identities) > 1 else tuple(identities),
        tuple(sorted(_codes(user.get("organizations")))),
        parse_link(provided, name),
    )


def address_of(identity: Mapping[str, Any]) -> str:
    """The address of an identity as ``GET /users/{id}/identities`` lists it, in the form for comparing."""
    return email_key(str(identity.get("name") or identity.get("email") or ""))


def read_members(client: Any, organization: Organization, wanted: Container[str] | None = None) -> None:
    """Read an organization's members and their roles anew (``GET /organizations/{code}/users``).

    :param wanted: Kinde ids of those who matter; everybody when left out.
    """
    organization.read_at = time.monotonic()
    found = _members(client, organization.code)
    organization.members = {id: roles for id, roles in found if wanted is None or id in wanted}


def _members(client: Any, code: str) -> Iterator[tuple[str, frozenset[str]]]:
    try:
        for member in client.iter_organization_users(code):
            if member.get("id"):
                yield _id(member["id"]), _role_keys(member.get("roles"))
    except (TypeError, ValueError) as error:
        raise KindeResponseError(f"the members of {code} are not understood: {error}") from error


def read_properties(client: Any, user_id: str) -> dict[str, str]:
    """Read the properties of one account (``GET /users/{id}/properties``)."""
    return _properties((client.get_user_property_values(user_id) or {}).get("properties"))


_NO_ROLES: frozenset[str] = frozenset()


def _role_keys(roles: Any) -> frozenset[str]:
    """Role keys, whether they come as keys or as objects."""
    if not roles:
        return _NO_ROLES
    if type(roles) is list and all(type(role) is str for role in roles) and all(roles):
        return frozenset(roles)
    if isinstance(roles, (str, Mapping)):
        raise TypeError(f"roles are {type(roles).__name__}, not a list")
    keys = (role.get("key") if isinstance(role, Mapping) else role for role in roles)
    return frozenset(str(key) for key in keys if key)


_PLAIN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def _id(value: Any) -> str:
    """An id that may stand in a path; requests take no other, and nobody is planned for whom none can be sent."""
    if not (type(value) is str and _PLAIN_ID.fullmatch(value)):
        segment(value, "the id of a user")
    return str(value)


def find_organizations(spec: SyncSpec, listed: Iterable[Mapping[str, Any]]) -> dict[str, Organization]:
    """Resolve the spec's organizations against Kinde's list.

    :returns: alias -> organization; one that is to be created has no code yet.
    :raises SpecError: when a look-up finds none, or several.
    """
    listed = list(listed)
    found: dict[str, Organization] = {}
    if spec.organizations_match:
        prefix = spec.organizations_match.prefix
        for item in listed:
            external = str(item.get("external_id") or "")
            if external and external.startswith(prefix):
                if external in found:
                    raise spec.error("organizations", f"two organizations in Kinde have the external_id {external!r}")
                found[external] = Organization(external, str(item["code"]), str(item.get("name") or ""))
        if not found:
            raise spec.error(
                "organizations", f"no organization in Kinde has an external_id that begins with {prefix!r}"
            )
    for wanted in spec.organizations:
        found.setdefault(wanted.alias, _find(spec, wanted, listed))
    for wanted in spec.retired.organizations:
        if wanted.alias not in found and _hits(wanted, listed)[1]:  # one that is gone already needs nothing more
            found[wanted.alias] = _find(spec, wanted, listed)
    by_code: dict[str, str] = {}
    for alias, organization in found.items():
        if organization.code and (other := by_code.setdefault(organization.code, alias)) != alias:
            raise spec.error(
                "organizations", f"{other!r} and {alias!r} are the same organization ({organization.code})"
            )
    return found


def _find(spec: SyncSpec, wanted: OrganizationSpec, listed: list[Mapping[str, Any]]) -> Organization:
    (field_name, value), hits = _hits(wanted, listed)
    if len(hits) > 1:
        codes = ", ".join(sorted(str(hit.get("code")) for hit in hits))
        raise spec.error(
            wanted.key,
            f"{len(hits)} organizations in Kinde have the {field_name} {value!r} ({codes}): name one by its code",
            wanted.line,
        )
    if hits:
        return Organization(wanted.alias, str(hits[0]["code"]), str(hits[0].get("name") or ""))
    if wanted.create:
        return Organization(wanted.alias, "", value, create=True)
    known = ", ".join(sorted(f"{item.get('name')} ({item.get('code')})" for item in listed)[:20]) or "none"
    hint = " or add `create: true`" if field_name == "name" else ""
    raise spec.error(
        wanted.key,
        f"Kinde has no organization with the {field_name} {value!r}; there are: {known}. Correct it{hint}",
        wanted.line,
    )


def _hits(wanted: OrganizationSpec, listed: list[Mapping[str, Any]]) -> tuple[tuple[str, str], list[Mapping[str, Any]]]:
    """The field and value by which an organization is looked up, and those that have it."""
    field_name, value = next(
        (name, text)
        for name in ("code", "external_id", "handle", "name")
        if (text := getattr(wanted, name)) is not None
    )
    same = clean_name if field_name == "name" else str
    hits = [item for item in listed if same(str(item.get(field_name) or "")) == same(value)]
    return (field_name, value), hits


def _check_roles(spec: SyncSpec, roles: Mapping[str, str]) -> None:
    for rule in spec.memberships:
        for key in rule.roles:
            if key not in roles:
                known = ", ".join(sorted(roles)) or "none"
                raise spec.error(
                    f"memberships[{rule.index}].roles",
                    f"Kinde has no role with the key {key!r} (not its name or id); there are: {known}",
                    rule.line,
                )


def _codes(organizations: Any) -> set[str]:
    return {
        str(item.get("code") or "") if isinstance(item, Mapping) else str(item) for item in organizations or () if item
    }


def _properties(value: Any) -> dict[str, str]:
    """Properties come as a map in search results and as a list of ``{key, value}`` elsewhere."""
    if isinstance(value, Mapping):
        return {str(key): str(text) for key, text in value.items() if text is not None}
    if isinstance(value, list):
        return {str(item["key"]): str(item["value"]) for item in value if item.get("value") is not None}
    if value is None:
        return {}
    raise SyncError(f"Kinde returned user properties in a form that is not understood ({type(value).__name__})")
