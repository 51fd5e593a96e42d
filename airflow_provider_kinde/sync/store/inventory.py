"""Queries that put every account into one class: what a sync thinks of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from airflow_provider_kinde.resources.normalization import name_key
from airflow_provider_kinde.sync.store.database import Database
from airflow_provider_kinde.sync.store.unclear_rows import rows_of_no_account

CLASSES = ("orphan", "held", "adoptable", "other source", "service or test", "managed")
"""The classes, in the order in which they are listed."""

_TABLES = (
    "CREATE TABLE IF NOT EXISTS held_people (id TEXT PRIMARY KEY, reason TEXT) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS ignored (text TEXT PRIMARY KEY) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS namesakes (account TEXT PRIMARY KEY, number INTEGER) WITHOUT ROWID",
    "DELETE FROM held_people",
    "DELETE FROM namesakes",
    "DELETE FROM ignored",
    "CREATE INDEX IF NOT EXISTS addresses_account ON addresses (account)",
    "CREATE INDEX IF NOT EXISTS unclear_key ON unclear (key)",
    "CREATE INDEX IF NOT EXISTS changes_adopted ON changes (user_id) WHERE kind = 'adopt'",
)

_ROW_WITH_ADDRESS = """
COALESCE(
  (SELECT hr.rowid FROM hr WHERE hr.key = accounts.key LIMIT 1),
  (SELECT hr.rowid FROM addresses JOIN hr ON hr.key = addresses.key WHERE addresses.account = accounts.id LIMIT 1)
)
"""

_UNCLEAR_WITH_ADDRESS = """
COALESCE(
  (SELECT min(unclear.number) FROM unclear WHERE unclear.key = accounts.key),
  (SELECT min(unclear.number) FROM addresses JOIN unclear ON unclear.key = addresses.key
   WHERE addresses.account = accounts.id)
)
"""

_FOUND = f"""
SELECT accounts.rowid AS place,
  CASE WHEN accounts.link IS NULL THEN {_ROW_WITH_ADDRESS} END AS hr_place,
  CASE WHEN accounts.link IS NULL THEN {_UNCLEAR_WITH_ADDRESS} END AS unclear_number,
  (SELECT changes.id FROM changes WHERE changes.kind = 'adopt' AND changes.user_id = accounts.id LIMIT 1) AS adopted
FROM accounts
"""

INVENTORY = f"""
SELECT
  CASE
    WHEN trim(accounts.link) = '' THEN 1
    WHEN accounts.link IS NOT NULL THEN 5
    WHEN found.adopted IS NOT NULL THEN 2
    WHEN accounts.provided_id != '' AND substr(accounts.provided_id, 1, length(:onboarded)) != :onboarded
      AND hr.adopt IS NOT accounts.provided_id THEN 3
    WHEN EXISTS (SELECT 1 FROM ignored WHERE text = accounts.key
      OR text = substr(accounts.key, instr(accounts.key, '@'))) THEN 4
    WHEN hr.id IS NOT NULL OR found.unclear_number IS NOT NULL OR namesakes.number IS NOT NULL THEN 1
    ELSE 0
  END AS class,
  COALESCE(accounts.link, found.adopted, hr.id, ''), accounts.id, accounts.provided_id, accounts.email,
  accounts.first, accounts.last, accounts.suspended, accounts.organizations, accounts.created, accounts.signed_in,
  held_people.reason, hr.access, hr.why, found.unclear_number, namesakes.number,
  CASE WHEN hr.id IS NOT NULL THEN EXISTS (SELECT 1 FROM accounts AS other WHERE other.link = hr.id) END,
  CASE WHEN accounts.link IS NOT NULL THEN EXISTS (SELECT 1 FROM hr WHERE hr.id = accounts.link) END,
  (SELECT json_group_array(json_array(members.alias, members.roles)) FROM members WHERE members.account = accounts.id)
FROM accounts JOIN ({_FOUND}) AS found ON found.place = accounts.rowid
  LEFT JOIN hr ON hr.rowid = found.hr_place
  LEFT JOIN namesakes ON namesakes.account = accounts.id
  LEFT JOIN held_people ON held_people.id = COALESCE(NULLIF(trim(accounts.link), ''), hr.id, accounts.id)
ORDER BY class, accounts.email, accounts.id
"""

UNLINKED_NAMES = "SELECT id, first, last FROM accounts WHERE link IS NULL AND (first != '' OR last != '')"


class InventoryRow(NamedTuple):
    """A row of :data:`INVENTORY`.

    :param kind: index of the class in :data:`CLASSES`.
    :param id: HR id of the person, where one is known.
    :param user_id: Kinde's id of the account.
    :param provided_id: the account's ``provided_id``.
    :param email: the primary address.
    :param first: first name in Kinde.
    :param last: last name in Kinde.
    :param suspended: whether the account is suspended.
    :param organizations: the codes of its organizations, as the table keeps them.
    :param created: when Kinde made the account, in seconds since 1970.
    :param signed_in: when the user signed in last, as Kinde writes it.
    :param reason: why the plan holds the person.
    :param access: the access of the person with this address in HR.
    :param why: why the person has this access.
    :param unclear: number of a row with this address that was not understood.
    :param namesake: number of a row with this name that was not understood and whose id is on no account.
    :param elsewhere: whether the person with this address has a managed account.
    :param listed: whether HR has a row for the link of a managed account.
    :param members: organizations and role keys as JSON.
    """

    kind: int
    id: str
    user_id: str
    provided_id: str
    email: str
    first: str
    last: str
    suspended: int
    organizations: str
    created: int | None
    signed_in: str
    reason: str | None
    access: str | None
    why: str | None
    unclear: int | None
    namesake: int | None
    elsewhere: int | None
    listed: int | None
    members: str


def prepare(database: Database, held: Iterable[tuple[str, str]], ignored: Collection[str]) -> None:
    """Keep what the classes need, beside what a plan has read.

    :param database: the database of the plan.
    :param held: HR ids of held people, with the reason.
    :param ignored: addresses, and domains behind an ``@``, of service and test accounts.
    """
    for statement in _TABLES:
        database.run(statement)
    database.insert("held_people", held)
    database.insert("ignored", ((text,) for text in ignored))
    names = {
        (name_key(row.given), name_key(row.family)): row.number
        for row in reversed(rows_of_no_account(database))
        if row.given is not None and row.family is not None and (row.given or row.family)
    }
    if names:
        found = ((id, names.get((name_key(first), name_key(last)))) for id, first, last in database.all(UNLINKED_NAMES))
        database.insert("namesakes", ((id, number) for id, number in found if number is not None))


def inventory_rows(database: Database, onboarded: str) -> Iterator[InventoryRow]:
    """Yield every account with its class, orphans first.

    :param database: the database of the plan, after :func:`prepare`.
    :param onboarded: how the ``provided_id`` of an account of the onboarding form begins.
    """
    return map(InventoryRow._make, database.each(INVENTORY, {"onboarded": onboarded}))
