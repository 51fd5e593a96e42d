"""Kinde's side of a run, kept in its :class:`Database`: accounts, addresses and members that look like dictionaries."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from airflow_provider_kinde.resources.normalization import email_key
from airflow_provider_kinde.sync.link import parse_link
from airflow_provider_kinde.sync.model import Account
from airflow_provider_kinde.sync.store.database import Database

COLUMNS = (
    "accounts.id, accounts.provided_id, accounts.link, accounts.email, accounts.first, accounts.last, "
    "accounts.suspended, accounts.identities, accounts.organizations"
)
"""What :meth:`AccountTable.account_of` reads, in its order."""
WIDTH = COLUMNS.count(",") + 1
_KEY = 7
"""Where the address for comparing stands in a row of the table."""


class AccountTable:
    """All accounts of a tenant.

    :param name: the sync's name, which says whose links are read.
    """

    def __init__(self, spool: Database, name: str) -> None:
        self.spool, self.name = spool, name

    def fill(self, accounts: Iterable[Account]) -> None:
        """Keep accounts; of one that is listed twice, the later word counts."""
        spool = self.spool
        spool.insert("accounts", map(_row, accounts))
        spool.run("CREATE INDEX accounts_id ON accounts (id)")
        for id, last in spool.all("SELECT id, max(rowid) FROM accounts GROUP BY id HAVING count(*) > 1"):
            spool.run("DELETE FROM accounts WHERE id = ? AND rowid < ?", (id, last))
        several = spool.each(f"SELECT {COLUMNS}, key FROM accounts WHERE identities IS NOT NULL")
        spool.insert(
            "addresses",
            ((address, row[0]) for row in several for address in self.account_of(row[:WIDTH]).addresses - {row[WIDTH]}),
        )
        spool.run("CREATE INDEX accounts_link ON accounts (link) WHERE link IS NOT NULL")
        spool.run("CREATE INDEX accounts_key ON accounts (key, link) WHERE key IS NOT NULL")
        spool.run("CREATE INDEX addresses_key ON addresses (key)")

    def add(self, account: Account) -> None:
        """Keep one more, once all the others are there."""
        row = _row(account)
        self.spool.insert("accounts", [row])
        addresses = account.addresses - {row[_KEY]}
        self.spool.insert("addresses", [(address, account.id) for address in addresses])

    def account_of(self, row: tuple[Any, ...]) -> Account:
        """Make the :class:`Account` of what :data:`COLUMNS` selects."""
        id, provided_id, link, email, first, last, suspended, identities, organizations = row
        return Account(
            id, provided_id, email, first, last, bool(suspended),
            (("email", email),) if identities is None else _decode_pairs(identities), _decode(organizations),
            None if link is None else parse_link(provided_id, self.name),
        )  # fmt: skip

    def __len__(self) -> int:
        return self.spool.count("SELECT count(*) FROM accounts")

    def links_of_several(self) -> list[tuple[str, int]]:
        """HR ids whose link more than one account carries, and how many do."""
        return self.spool.all(
            "SELECT link, count(*) FROM accounts WHERE link IS NOT NULL GROUP BY link HAVING count(*) > 1"
        )

    def with_unknown_mark(self) -> list[Account]:
        """The accounts whose link has a mark that this version does not know."""
        return self.find("odd")

    def find(self, where: str, *values: str) -> list[Account]:
        """The accounts that a condition holds for, in the order in which Kinde lists them."""
        sql = f"SELECT {COLUMNS} FROM accounts WHERE {where} ORDER BY rowid"
        return [self.account_of(row) for row in self.spool.each(sql, values)]


def _row(account: Account) -> tuple[Any, ...]:
    link, key = account.link, email_key(account.email) if "@" in account.email else None
    plain = account.identities == (("email", account.email),)  # like nearly all of them: kept without words
    return (
        account.id, account.provided_id, link and link.id,
        link is not None and link.is_plain,
        link is not None and bool(link.unknown), account.email, key, account.first_name, account.last_name,
        account.suspended, None if plain else json.dumps(account.identities), _encode(account.organizations),
    )  # fmt: skip


class Linked(Mapping[str, list[Account]]):
    """HR id -> the accounts that carry the link; more than one is somebody's mistake."""

    def __init__(self, table: AccountTable) -> None:
        self._table = table

    def __getitem__(self, id: str) -> list[Account]:
        found = self._table.find("link = ?", id)
        if not found:
            raise KeyError(id)
        return found

    def __iter__(self) -> Iterator[str]:
        for (id,) in self._table.spool.each("SELECT DISTINCT link FROM accounts WHERE link IS NOT NULL ORDER BY link"):
            yield id

    def __len__(self) -> int:
        return self._table.spool.count("SELECT count(DISTINCT link) FROM accounts")

    def __contains__(self, id: object) -> bool:
        return bool(self._table.spool.one("SELECT 1 FROM accounts WHERE link = ?", (id,)))


class ByAddress:
    """Address, in the form for comparing -> the accounts that have it, primary or not."""

    def __init__(self, table: AccountTable) -> None:
        self._table = table

    def get(self, key: str) -> list[Account]:
        """The accounts that have an address."""
        return self._table.find("key = ? OR id IN (SELECT account FROM addresses WHERE key = ?)", key, key)


class Members(Mapping[str, frozenset[str]]):
    """The members of one organization: Kinde user id -> role keys."""

    def __init__(self, spool: Database, alias: str) -> None:
        self._spool, self._alias = spool, alias

    def __getitem__(self, user_id: str) -> frozenset[str]:
        sql = "SELECT roles FROM members WHERE account = ? AND alias = ? ORDER BY rowid DESC"
        row = self._spool.one(sql, (user_id, self._alias))
        if row is None:
            raise KeyError(user_id)
        return decode_roles(row[0])

    def __iter__(self) -> Iterator[str]:
        for (user_id,) in self._spool.each("SELECT DISTINCT account FROM members WHERE alias = ?", (self._alias,)):
            yield user_id

    def __len__(self) -> int:
        return self._spool.count("SELECT count(DISTINCT account) FROM members WHERE alias = ?", (self._alias,))


class Properties:
    """Kinde user id -> user properties, of the accounts whose properties were read."""

    def __init__(self, spool: Database) -> None:
        self._spool = spool

    def get(self, user_id: str, missing: dict[str, str] | None = None) -> dict[str, str] | None:
        """The properties of an account, or ``missing`` where they were not read."""
        row = self._spool.one("SELECT held FROM properties WHERE account = ?", (user_id,))
        return missing if row is None else json.loads(row[0])

    def __setitem__(self, user_id: str, held: dict[str, str]) -> None:
        self._spool.run("INSERT OR REPLACE INTO properties VALUES (?, ?)", (user_id, json.dumps(held)))


def encode_roles(roles: frozenset[str]) -> str:
    """Role keys as one text, the same for the same keys."""
    return _role_text(roles) if roles else ""


@lru_cache(maxsize=20_000)
def _role_text(roles: frozenset[str]) -> str:
    return json.dumps(sorted(roles))


@lru_cache(maxsize=20_000)
def decode_roles(text: str) -> frozenset[str]:
    """The opposite of :func:`encode_roles`."""
    return frozenset(json.loads(text)) if text else frozenset()


@lru_cache(maxsize=20_000)
def _encode(values: tuple[str, ...]) -> str:
    return json.dumps(values) if values else ""


@lru_cache(maxsize=20_000)
def _decode(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text)) if text else ()


def _decode_pairs(text: str) -> tuple[tuple[str, str], ...]:
    return tuple((kind, value) for kind, value in json.loads(text))
