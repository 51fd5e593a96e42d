"""Kinde's side of a run, kept in its :class:`Database`: accounts, addresses and members that look like dictionaries."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from airflow_provider_kinde.resources.fields import is_enterprise
from airflow_provider_kinde.resources.normalization import email_key
from airflow_provider_kinde.sync.link import onboarded_prefix, parse_link
from airflow_provider_kinde.sync.model import Account
from airflow_provider_kinde.sync.store.database import Database

INDEX_IDS = "CREATE INDEX accounts_id ON accounts (id)"

INDEX_LINKS = "CREATE INDEX accounts_link ON accounts (link) WHERE link IS NOT NULL"

INDEX_ADDRESSES = "CREATE INDEX accounts_key ON accounts (key, link) WHERE key IS NOT NULL"

INDEX_OTHER_ADDRESSES = "CREATE INDEX addresses_key ON addresses (key)"

LISTED_TWICE = "SELECT id, max(rowid) FROM accounts GROUP BY id HAVING count(*) > 1"

FORGET_EARLIER = "DELETE FROM accounts WHERE id = ? AND rowid < ?"

COUNT = "SELECT count(*) FROM accounts"

SHARED_LINKS = "SELECT link, count(*) FROM accounts WHERE link IS NOT NULL GROUP BY link HAVING count(*) > 1"

LINKED_IDS = "SELECT DISTINCT link FROM accounts WHERE link IS NOT NULL ORDER BY link"

COUNT_LINKED_IDS = "SELECT count(DISTINCT link) FROM accounts"

IS_LINKED = "SELECT 1 FROM accounts WHERE link = ?"

ROLES_OF_MEMBER = "SELECT roles FROM members WHERE account = ? AND alias = ? ORDER BY rowid DESC"

MEMBER_IDS = "SELECT DISTINCT account FROM members WHERE alias = ?"

COUNT_MEMBERS = "SELECT count(DISTINCT account) FROM members WHERE alias = ?"

PROPERTIES_OF = "SELECT held FROM properties WHERE account = ?"

KEEP_PROPERTIES = "INSERT OR REPLACE INTO properties VALUES (?, ?)"


class AccountRow(NamedTuple):
    """A row of the table ``accounts``, column by column.

    :param id: Kinde's id.
    :param provided_id: the account's ``provided_id``.
    :param link: the HR id of its link; ``None`` where it is not linked.
    :param plain: whether the link carries no mark.
    :param odd: whether the link carries a mark that this version does not know.
    :param email: the preferred address.
    :param key: the address in the form for comparing; ``None`` where it is none.
    :param first: first name.
    :param last: last name.
    :param suspended: whether the account is suspended.
    :param identities: the identities as JSON; empty where the preferred address is the only one.
    :param organizations: the codes of its organizations as JSON; empty where it is in none.
    :param created: when Kinde made the account, in seconds since 1970.
    :param enterprise: whether the account signs in by an enterprise connection with the preferred address.
    :param signed_in: when the user signed in last, as Kinde writes it.
    """

    id: str
    provided_id: str
    link: str | None
    plain: bool
    odd: bool
    email: str
    key: str | None
    first: str
    last: str
    suspended: bool
    identities: str
    organizations: str
    created: int | None
    enterprise: bool
    signed_in: str


_SELECT = f"SELECT {', '.join(f'accounts.{column}' for column in AccountRow._fields)} FROM accounts"

WITH_SEVERAL_IDENTITIES = f"{_SELECT} WHERE identities != ''"

WITH_UNKNOWN_MARK = f"{_SELECT} WHERE odd ORDER BY rowid"

ONBOARDED = f"{_SELECT} WHERE substr(provided_id, 1, length(?1)) = ?1 ORDER BY rowid"

AT_ROWID = f"{_SELECT} WHERE rowid = ?"

WITH_LINK = f"{_SELECT} WHERE link = ? ORDER BY rowid"

WITH_ADDRESS = f"{_SELECT} WHERE key = ? OR id IN (SELECT account FROM addresses WHERE key = ?) ORDER BY rowid"


class AccountTable:
    """All accounts of a tenant.

    :param database: the database of the run.
    :param name: the sync's name, which says whose links are read.
    """

    def __init__(self, database: Database, name: str) -> None:
        self.database, self.name = database, name

    def keep(self, accounts: Iterable[Account]) -> None:
        """Keep accounts, before :meth:`index`.

        :param accounts: the accounts, as Kinde lists them.
        """
        self.database.insert("accounts", map(_row_of, accounts))

    def index(self) -> None:
        """Make accounts easy to find, once all are kept. Of one that is listed twice, the later entry counts."""
        database = self.database
        database.run(INDEX_IDS)
        for id, last in database.all(LISTED_TWICE):
            database.run(FORGET_EARLIER, (id, last))
        several = map(AccountRow._make, database.each(WITH_SEVERAL_IDENTITIES))
        database.insert(
            "addresses",
            ((address, row.id) for row in several for address in self._account_of(row).addresses - {row.key}),
        )
        database.run(INDEX_LINKS)
        database.run(INDEX_ADDRESSES)
        database.run(INDEX_OTHER_ADDRESSES)

    def add(self, account: Account) -> None:
        """Keep one more account, after :meth:`index`.

        :param account: the account.
        """
        row = AccountRow._make(_row_of(account))
        self.database.insert("accounts", [row])
        self.database.insert("addresses", [(address, row.id) for address in account.addresses - {row.key}])

    def __len__(self) -> int:
        return self.database.count(COUNT)

    def links_of_several(self) -> list[tuple[str, int]]:
        """HR ids whose link more than one account carries, and how many do."""
        return self.database.all(SHARED_LINKS)

    def with_unknown_mark(self) -> list[Account]:
        """The accounts whose link has a mark that this version does not know."""
        return self._find(WITH_UNKNOWN_MARK)

    def onboarded(self) -> list[Account]:
        """The accounts that the onboarding form made, and that no row has adopted."""
        return self._find(ONBOARDED, onboarded_prefix(self.name))

    def at(self, rowid: int) -> Account:
        """The account of one row of the table.

        :param rowid: where the account is kept, as :class:`~.matches.MatchRow` says.
        """
        return self._find(AT_ROWID, rowid)[0]

    def with_link(self, id: str) -> list[Account]:
        """The accounts that are linked to an HR id, in the order in which Kinde lists them.

        :param id: the HR id.
        """
        return self._find(WITH_LINK, id)

    def with_address(self, key: str) -> list[Account]:
        """The accounts that have an address, preferred or not, in the order in which Kinde lists them.

        :param key: the address in the form for comparing.
        """
        return self._find(WITH_ADDRESS, key, key)

    def _find(self, query: str, *values: str | int) -> list[Account]:
        return [self._account_of(AccountRow._make(row)) for row in self.database.each(query, values)]

    def _account_of(self, row: AccountRow) -> Account:
        return Account(
            row.id, row.provided_id, row.email, row.first, row.last, bool(row.suspended),
            (("email", row.email),) if not row.identities else _decode_pairs(row.identities),
            _decode(row.organizations), None if row.link is None else parse_link(row.provided_id, self.name),
            row.created, row.signed_in,
        )  # fmt: skip


def _row_of(account: Account) -> tuple[Any, ...]:
    """The columns of :class:`AccountRow`, as SQLite takes them fastest: a plain tuple with few nulls and no boolean."""
    link = account.link
    only_address = account.identities == (("email", account.email),)  # true of nearly all accounts
    return (
        account.id, account.provided_id, None if link is None else link.id,
        1 if link is not None and link.is_plain else 0,
        1 if link is not None and link.unknown else 0, account.email,
        email_key(account.email) if "@" in account.email else None, account.first_name, account.last_name,
        1 if account.suspended else 0, "" if only_address else json.dumps(account.identities),
        _encode(account.organizations), account.created,
        1 if not only_address and _signs_in_by_enterprise(account) else 0, account.signed_in,
    )  # fmt: skip


def _signs_in_by_enterprise(account: Account) -> bool:
    key = email_key(account.email)
    return any(is_enterprise(kind) and email_key(value) == key for kind, value in account.identities)


class LinkedAccounts(Mapping[str, list[Account]]):
    """HR id -> the accounts that carry the link; more than one is a mistake.

    :param table: all accounts.
    """

    def __init__(self, table: AccountTable) -> None:
        self._table = table

    def __getitem__(self, id: str) -> list[Account]:
        found = self._table.with_link(id)
        if not found:
            raise KeyError(id)
        return found

    def __iter__(self) -> Iterator[str]:
        for (id,) in self._table.database.each(LINKED_IDS):
            yield id

    def __len__(self) -> int:
        return self._table.database.count(COUNT_LINKED_IDS)

    def __contains__(self, id: object) -> bool:
        return bool(self._table.database.one(IS_LINKED, (id,)))


class Members(Mapping[str, frozenset[str]]):
    """The members of one organization: Kinde user id -> role keys.

    :param database: the database of the run.
    :param alias: the organization's alias in the spec.
    """

    def __init__(self, database: Database, alias: str) -> None:
        self._database, self._alias = database, alias

    def __getitem__(self, user_id: str) -> frozenset[str]:
        row = self._database.one(ROLES_OF_MEMBER, (user_id, self._alias))
        if row is None:
            raise KeyError(user_id)
        return decode_roles(row[0])

    def __iter__(self) -> Iterator[str]:
        for (user_id,) in self._database.each(MEMBER_IDS, (self._alias,)):
            yield user_id

    def __len__(self) -> int:
        return self._database.count(COUNT_MEMBERS, (self._alias,))


class Properties:
    """Kinde user id -> user properties, of the accounts whose properties were read.

    :param database: the database of the run.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, user_id: str, missing: dict[str, str] | None = None) -> dict[str, str] | None:
        """The properties of an account.

        :param user_id: Kinde's id of the account.
        :param missing: what is returned where its properties were not read.
        """
        row = self._database.one(PROPERTIES_OF, (user_id,))
        return missing if row is None else json.loads(row[0])

    def __setitem__(self, user_id: str, held: dict[str, str]) -> None:
        self._database.run(KEEP_PROPERTIES, (user_id, json.dumps(held)))


def encode_roles(roles: frozenset[str]) -> str:
    """Role keys as one text, the same for the same keys.

    :param roles: role keys.
    """
    return _role_text(roles) if roles else ""


@lru_cache(maxsize=20_000)
def _role_text(roles: frozenset[str]) -> str:
    return json.dumps(sorted(roles))


@lru_cache(maxsize=20_000)
def decode_roles(text: str) -> frozenset[str]:
    """The opposite of :func:`encode_roles`.

    :param text: what it returned.
    """
    return frozenset(json.loads(text)) if text else frozenset()


@lru_cache(maxsize=20_000)
def _encode(values: tuple[str, ...]) -> str:
    return json.dumps(values) if values else ""


@lru_cache(maxsize=20_000)
def _decode(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text)) if text else ()


def _decode_pairs(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((kind, value) for kind, value in json.loads(text))
