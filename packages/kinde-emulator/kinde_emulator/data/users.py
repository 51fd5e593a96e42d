"""Users and their identities in the database: reads, checks and writes that operations and seeds share."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

from kinde_emulator.data.store import insert, new_id, now, one, update
from kinde_emulator.errors import ApiError, bad
from kinde_emulator.settings import Settings

DIAL_CODES = {
    "ae": "971", "ar": "54", "at": "43", "au": "61", "be": "32", "bg": "359", "br": "55", "ca": "1", "ch": "41",
    "cl": "56", "cn": "86", "co": "57", "cz": "420", "de": "49", "dk": "45", "ee": "372", "eg": "20", "es": "34",
    "fi": "358", "fr": "33", "gb": "44", "gr": "30", "hk": "852", "hr": "385", "hu": "36", "id": "62", "ie": "353",
    "il": "972", "in": "91", "is": "354", "it": "39", "jp": "81", "ke": "254", "kr": "82", "lt": "370",
    "lu": "352", "lv": "371", "mx": "52", "my": "60", "ng": "234", "nl": "31", "no": "47", "nz": "64", "pe": "51",
    "ph": "63", "pk": "92", "pl": "48", "pt": "351", "ro": "40", "rs": "381", "ru": "7", "sa": "966", "se": "46",
    "sg": "65", "si": "386", "sk": "421", "th": "66", "tr": "90", "tw": "886", "ua": "380", "us": "1", "vn": "84",
    "za": "27",
}  # fmt: skip

COLUMN_OF = {"email": "email", "phone": "phone", "username": "username"}
"""Type of identity -> the column of ``users`` that shows the primary one."""


def is_enterprise(strategy: str) -> bool:
    """Whether a connection of this strategy is an enterprise connection. The others are social.

    :param strategy: the strategy, such as ``saml:okta`` or ``oauth2:google``.
    """
    return strategy.startswith(("saml:", "wsfed:")) or strategy == "oauth2:azure_ad"


def find_user(db: sqlite3.Connection, user_id: str, settings: Settings) -> sqlite3.Row:
    """Reads a user.

    :param db: the tenant's database, inside a transaction.
    :param user_id: the user's id.
    :param settings: the tenant's settings.
    :raises ApiError: ``missing_user_status`` if there is no such user.
    """
    row = one(db, "SELECT * FROM users WHERE id = ?", user_id)
    if row is None:
        raise ApiError(settings.missing_user_status, "USER_NOT_FOUND", "User not found")
    return row


def checked_email(value: str, settings: Settings) -> str:
    """Checks an e-mail address.

    :param value: the address.
    :param settings: the tenant's settings.
    :returns: the address as it is stored.
    :raises ApiError: 400 if it is not a valid address.
    """
    local, at, domain = value.rpartition("@")
    if len(value) > 254:
        raise bad("EMAIL_TOO_LONG", "Email must be 254 characters or less", "email")
    if not (at and local and domain) or any(char.isspace() for char in value) or "@" in local:
        raise bad("INVALID_EMAIL", "The email address is not valid", "email")
    return value.lower() if settings.email_case == "lower" else value


def checked_phone(value: str, country: str | None) -> str:
    """Checks a telephone number.

    :param value: the number, international or national.
    :param country: the country code of a national number, such as ``gb``.
    :returns: the number in E.164.
    :raises ApiError: 400 if it is not a valid number, or is national and the country is unknown.
    """
    digits = "".join(char for char in value if char not in " -().")
    if not digits.startswith("+"):
        if country is None or country.lower() not in DIAL_CODES:
            raise bad("INVALID_PHONE", "A national number needs a known phone_country_id", "phone_country_id")
        digits = f"+{DIAL_CODES[country.lower()]}{digits.lstrip('0')}"
    if not digits[1:].isdigit() or not 7 <= len(digits) <= 16:
        raise bad("INVALID_PHONE", "The phone number is not valid", "phone")
    return digits


def checked_names(first: str | None, last: str | None, settings: Settings) -> None:
    """Checks the length of names.

    :param first: the given name.
    :param last: the family name.
    :param settings: the tenant's settings.
    :raises ApiError: 400 if one is longer than ``max_name_length``.
    """
    limit = settings.max_name_length
    for value, code, field in ((first, "FIRST", "given_name"), (last, "LAST", "family_name")):
        if limit is not None and value is not None and len(value) > limit:
            raise bad(f"{code}_NAME_TOO_LONG", f"{field} must be {limit} characters or less", field)


def checked_provided_id(db: sqlite3.Connection, value: str | None, user_id: str | None, settings: Settings) -> None:
    """Checks a ``provided_id``.

    :param db: the tenant's database, inside a transaction.
    :param value: the ``provided_id``.
    :param user_id: the user who gets it; ``None`` for a new one.
    :param settings: the tenant's settings.
    :raises ApiError: 400 if it is too long or, where it must be unique, belongs to another user.
    """
    limit = settings.provided_id_max_length
    if value and limit is not None and len(value) > limit:
        raise bad("PROVIDED_ID_TOO_LONG", f"provided_id must be {limit} characters or less", "provided_id")
    if value and settings.provided_id_unique:
        other = one(db, "SELECT 1 FROM users WHERE provided_id = ? AND id IS NOT ?", value, user_id)
        if other is not None:
            raise bad("PROVIDED_ID_ALREADY_EXISTS", "Another user has this provided_id", "provided_id")


def owner_of(db: sqlite3.Connection, kind: str, value: str, settings: Settings) -> str | None:
    """The id of the user who has an identity, or ``None``.

    :param db: the tenant's database, inside a transaction.
    :param kind: ``email``, ``phone`` or ``username``. For any other, the addresses of social, enterprise and e-mail
        identities are compared.
    :param value: the address, number or name.
    :param settings: the tenant's settings.
    """
    sql = "SELECT user_id FROM identities WHERE folded = ?"
    values: list[Any] = [value.lower()]
    if kind in ("phone", "username"):
        sql += " AND type = ?"
        values.append(kind)
    else:
        sql += " AND type NOT IN ('phone', 'username')"
        if settings.email_case == "sensitive":
            sql += " AND value = ?"
            values.append(value)
    row = one(db, sql + " LIMIT 1", *values)
    return row["user_id"] if row else None


def add_identity(
    db: sqlite3.Connection,
    user_id: str,
    kind: str,
    value: str,
    *,
    confirmed: bool | None,
    primary: bool | None = None,
    connection_id: str | None = None,
    identity_id: str | None = None,
    created_on: str | None = None,
) -> str:
    """Adds an identity to a user; the first e-mail address, telephone number or user name becomes the primary one.

    :param db: the tenant's database, inside a transaction.
    :param user_id: the user.
    :param kind: ``email``, ``phone``, ``username``, ``enterprise`` or ``social``.
    :param value: the address, number or name.
    :param confirmed: ``is_confirmed`` of the identity.
    :param primary: whether it becomes the primary one of its type; ``None`` for the rule above.
    :param connection_id: the connection of an enterprise or social identity.
    :param identity_id: the identity's id; a new one when ``None``.
    :param created_on: the time of creation, ISO 8601; now when ``None``.
    :returns: the identity's id.
    """
    identity_id = identity_id or new_id("identity")
    column = COLUMN_OF.get(kind)
    if primary is None:
        primary = (
            column is not None
            and one(db, f"SELECT 1 FROM users WHERE id = ? AND {column} IS NULL", user_id) is not None
        )
    if primary:
        sql = "UPDATE identities SET is_primary = 0 WHERE user_id = ? AND type = ? AND is_primary"
        db.execute(sql, (user_id, kind))
    insert(
        db,
        "identities",
        id=identity_id,
        user_id=user_id,
        type=kind,
        value=value,
        folded=value.lower(),
        is_confirmed=confirmed,
        is_primary=primary,
        created_on=created_on or now(),
        connection_id=connection_id,
    )
    if primary and column is not None:
        update(db, "users", "id", user_id, **{column: value})
    elif column is None and "@" in value:
        # A user who signs in by another identity provider only is shown with the address from there.
        db.execute("UPDATE users SET email = ? WHERE id = ? AND email IS NULL", (value, user_id))
    return identity_id


def make_primary(db: sqlite3.Connection, user_id: str, identity_id: str) -> None:
    """Makes an identity the primary one of its type, and copies its value to the user.

    :param db: the tenant's database, inside a transaction.
    :param user_id: the user.
    :param identity_id: the identity.
    """
    row = one(db, "SELECT type, value FROM identities WHERE id = ?", identity_id)
    assert row is not None
    db.execute(
        "UPDATE identities SET is_primary = (id = ?) WHERE user_id = ? AND type = ?",
        (identity_id, user_id, row["type"]),
    )
    if column := COLUMN_OF.get(row["type"]):
        update(db, "users", "id", user_id, **{column: row["value"]})


def show_remaining_address(db: sqlite3.Connection, user_id: str) -> None:
    """Shows the address of a social or enterprise identity where a user has no e-mail address any more.

    :param db: the tenant's database, inside a transaction.
    :param user_id: the user.
    """
    sql = """UPDATE users SET email = (SELECT value FROM identities WHERE user_id = users.id AND value LIKE '%@%'
             AND type NOT IN ('phone', 'username') ORDER BY created_on, id LIMIT 1)
             WHERE id = ? AND NOT EXISTS (SELECT 1 FROM identities WHERE user_id = users.id AND type = 'email')"""
    db.execute(sql, (user_id,))


def identities_of(db: sqlite3.Connection, user_ids: Sequence[str]) -> dict[str, list[sqlite3.Row]]:
    """The identities of several users by user id, read at once, the primary ones first.

    :param db: the tenant's database, inside a transaction.
    :param user_ids: the users.
    """
    groups: dict[str, list[sqlite3.Row]] = {user_id: [] for user_id in user_ids}
    sql = """SELECT * FROM identities WHERE user_id IN (SELECT value FROM json_each(?))
             ORDER BY user_id, is_primary DESC, created_on, id"""
    for row in db.execute(sql, (json.dumps(user_ids),)):
        groups[row["user_id"]].append(row)
    return groups
