"""Kinde's import of users from an NDJSON file, which in Kinde is uploaded by hand."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from kinde_emulator.data.organizations import add_member
from kinde_emulator.data.properties import set_values
from kinde_emulator.data.store import Store, insert, new_id, now, one
from kinde_emulator.data.users import add_identity, owner_of
from kinde_emulator.model import Model, ModelError
from kinde_emulator.settings import Settings

MAX_BYTES = 49_000_000


class ImportIdentity(Model):
    """A way to sign in."""

    allow_unknown = True

    type: str
    identity: str
    is_verified: bool | None = None


class ImportProperty(Model):
    """A property with its value."""

    key: str
    value: str


class ImportOrganization(Model):
    """An organization, named by its ``external_id``, with role keys."""

    allow_unknown = True

    external_id: str
    roles: list[str] = []


class ImportUser(Model):
    """One line of the file. ``id`` becomes the ``provided_id``."""

    allow_unknown = True

    id: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    identities: list[ImportIdentity] = []
    properties: list[ImportProperty] = []
    organizations: list[ImportOrganization] = []


def import_users(store: Store, settings: Settings, text: str) -> dict[str, Any]:
    """Imports users. A line in error is skipped; users that exist are not changed.

    An organization that does not exist lands the user in the default one; an unknown role is not given. Both are told.

    :param store: the tenant's database.
    :param settings: the tenant's settings.
    :param text: the file: one JSON object a line.
    :returns: ``{"imported": number, "errors": [{"line": number, "message": text}]}``.
    :raises ValueError: the file is larger than 49 MB.
    """
    if len(text.encode()) > MAX_BYTES:
        raise ValueError("import: the file is larger than 49 MB")
    imported, errors = 0, []
    with store.transaction() as db:
        for number, line in enumerate(text.split("\n"), 1):
            if not line.strip():
                continue
            try:
                told = _import(db, settings, ImportUser.parse(json.loads(line)))
                imported += 1
                errors += [{"line": number, "message": message} for message in told]
            except (ModelError, ValueError) as error:
                errors.append({"line": number, "message": str(error)})
    return {"imported": imported, "errors": errors}


def _import(db: sqlite3.Connection, settings: Settings, user: ImportUser) -> list[str]:
    if not user.identities:
        raise ValueError("an identity is needed")
    if user.id and one(db, "SELECT 1 FROM users WHERE provided_id = ?", user.id):
        raise ValueError(f"duplicate record: the id {user.id!r} exists")
    for item in user.identities:
        if owner_of(db, item.type, item.identity, settings) is not None:
            raise ValueError(f"duplicate record: {item.identity!r} exists")
    user_id = new_id("kp")
    names = {"first_name": user.first_name, "last_name": user.last_name}
    insert(db, "users", id=user_id, created_on=now(), provided_id=user.id, **names)
    for item in user.identities:
        value = item.identity.lower() if settings.email_case == "lower" else item.identity
        add_identity(db, user_id, item.type, value, confirmed=bool(item.is_verified))
    told = []
    for entry in user.properties:
        if one(db, "SELECT 1 FROM properties WHERE context = 'usr' AND key = ?", entry.key):
            set_values(db, "usr", user_id, {entry.key: entry.value})
        else:
            told.append(f"unknown property {entry.key!r}")
    for place in user.organizations:
        row = one(db, "SELECT code FROM organizations WHERE external_id = ?", place.external_id)
        if row is None:
            told.append(f"unknown organization {place.external_id!r}")
            _join_default(db, settings, user_id)
            continue
        add_member(db, row["code"], user_id, default_roles=False)
        for key in place.roles:
            role = one(db, "SELECT id FROM roles WHERE key = ?", key)
            if role is None:
                told.append(f"unknown role {key!r}")
                continue
            sql = "INSERT OR IGNORE INTO member_roles (org_code, user_id, role_id) VALUES (?, ?, ?)"
            db.execute(sql, (row["code"], user_id, role["id"]))
    if not user.organizations:
        _join_default(db, settings, user_id)
    return told


def _join_default(db: sqlite3.Connection, settings: Settings, user_id: str) -> None:
    if not settings.default_org_policy:
        return
    row = one(db, "SELECT code FROM organizations WHERE is_default")
    if row is not None:
        add_member(db, row["code"], user_id)
