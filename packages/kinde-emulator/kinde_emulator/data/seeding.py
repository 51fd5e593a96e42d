"""Puts a seed into a tenant."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, Literal

from kinde_emulator.data.organizations import add_member, set_directory
from kinde_emulator.data.properties import define, set_values
from kinde_emulator.data.seed import Seed, SeedIdentity, SeedOrganization, SeedPermission, SeedRole, SeedUser
from kinde_emulator.data.store import Store, insert, new_id, new_uuid, now, one, update
from kinde_emulator.data.users import add_identity, owner_of
from kinde_emulator.model import ModelError
from kinde_emulator.settings import Settings


def seed(store: Store, settings: Settings, data: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Puts a seed into a tenant: all of it or, if something is wrong, nothing.

    :param store: the tenant's database.
    :param settings: the tenant's settings.
    :param data: the seed, as :class:`~.seed.Seed` describes it.
    :returns: ``{"organizations": {name: code}, "roles": {key: id}, "permissions": {key: id}, "users": {email: id}}``.
    :raises ValueError: if the seed is wrong; the message names the place.
    """
    try:
        wanted = Seed.parse(data)
    except ModelError as error:
        raise ValueError(f"seed: {error}") from None
    with store.transaction() as db:
        permissions = {item.key: _keyed(db, "permissions", item, {}) for item in wanted.permissions}
        roles = {}
        for role in wanted.roles:
            roles[role.key] = _keyed(db, "roles", role, {"is_default_role": role.is_default_role})
            for key in role.permissions:
                sql = "INSERT OR IGNORE INTO role_permissions (role_id, permission_id) VALUES (?, ?)"
                db.execute(sql, (roles[role.key], _id_of(db, "permissions", key, f"role {role.key}")))
        for item in wanted.properties:
            if one(db, "SELECT 1 FROM properties WHERE context = ? AND key = ?", item.context, item.key) is None:
                values = item.to_dict(without={"id", "name"})
                define(db, name=item.name or item.key, **values, **({"id": item.id} if item.id else {}))
        organizations = {str(item.name or item.code): _organization(db, item) for item in wanted.organizations}
        for client in wanted.clients:
            scopes = None if client.scopes is None else " ".join(client.scopes)
            sql = "INSERT OR REPLACE INTO clients (id, secret, scopes) VALUES (?, ?, ?)"
            db.execute(sql, (client.id, client.secret, scopes))
        connections = _further(db, wanted)
        filler = _Users(db, settings)
        users = {}
        for number, user in enumerate(wanted.users):
            users[user.email or user.id or str(number)] = filler.fill(user)
    found = {"organizations": organizations, "roles": roles, "permissions": permissions, "users": users}
    return {**found, "connections": connections}


def _further(db: sqlite3.Connection, wanted: Seed) -> dict[str, str]:
    for flag in wanted.feature_flags:
        sql = "INSERT OR REPLACE INTO feature_flags (key, name, type, value) VALUES (?, ?, ?, ?)"
        db.execute(sql, (flag.key, flag.name or flag.key, flag.type, flag.value))
    for scope in wanted.api_scopes:
        sql = "INSERT OR IGNORE INTO api_scopes (api_id, id, key) VALUES (?, ?, ?)"
        db.execute(sql, (scope.api_id, scope.id, scope.key))
    connections = {}
    for item in wanted.connections:
        row = one(db, "SELECT id FROM connections WHERE id = ? OR name = ?", item.id, item.name)
        connections[item.name] = row["id"] if row else item.id or new_id("conn")
        if row is None:
            insert(
                db,
                "connections",
                id=connections[item.name],
                name=item.name,
                strategy=item.strategy,
                domains=json.dumps(item.domains),
            )
    return connections


def _keyed(db: sqlite3.Connection, table: str, item: SeedRole | SeedPermission, more: dict[str, Any]) -> str:
    row = one(db, f"SELECT id FROM {table} WHERE key = ?", item.key)
    values = {"name": item.name or item.key, "description": item.description, **more}
    if row is not None:
        update(db, table, "id", row["id"], **values)
        return str(row["id"])
    item_id = item.id or new_uuid()
    insert(db, table, id=item_id, key=item.key, **values)
    return item_id


def _id_of(db: sqlite3.Connection, table: Literal["roles", "permissions"], key: str, where: str) -> str:
    row = one(db, f"SELECT id FROM {table} WHERE key = ?", key)
    if row is None:
        raise ValueError(f"seed: {where}: unknown {table[:-1]} key {key!r}; name it under {table}")
    return str(row["id"])


def _organization(db: sqlite3.Connection, item: SeedOrganization) -> str:
    if not (item.name or item.code):
        raise ValueError("seed: organizations: each needs a name or a code")
    row = None
    if item.code:
        row = one(db, "SELECT code FROM organizations WHERE code = ?", item.code)
    else:
        row = one(db, "SELECT code FROM organizations WHERE name = ?", item.name)
    code = row["code"] if row else item.code or new_id("org", 11)
    if row is None and item.is_default:
        # A tenant has one default organization: the one that the seed names takes the place of the empty one.
        empty = "NOT EXISTS (SELECT 1 FROM members WHERE org_code = code)"
        row = one(db, f"SELECT code FROM organizations WHERE is_default AND {empty}")
        if row is not None:
            db.execute("UPDATE organizations SET code = ? WHERE code = ?", (code, row["code"]))
    values = item.to_dict(without={"code", "properties", "directory"}, filled=True)
    if item.is_default:
        db.execute("UPDATE organizations SET is_default = 0")
    if item.is_suspended:
        values["suspended_on"] = now()
    try:
        if row is None:
            insert(db, "organizations", code=code, created_on=now(), **{"name": code, **values})
        else:
            update(db, "organizations", "code", code, **values)
    except sqlite3.IntegrityError:
        raise ValueError(f"seed: organizations: the handle {item.handle!r} is in use") from None
    set_values(db, "org", code, dict(item.properties))
    if item.directory:
        set_directory(db, str(code), item.directory.name, item.directory.status)
    return str(code)


class _Users:
    """Creates and changes users; looks up each organization and each key once."""

    def __init__(self, db: sqlite3.Connection, settings: Settings) -> None:
        self._db = db
        self._settings = settings
        self._ids: dict[tuple[str, str], str] = {}

    def _id(self, table: Literal["roles", "permissions"], key: str, where: str) -> str:
        if (table, key) not in self._ids:
            self._ids[table, key] = _id_of(self._db, table, key, where)
        return self._ids[table, key]

    def _code(self, name: str, where: str) -> str:
        if ("organizations", name) not in self._ids:
            sql = (
                "SELECT code FROM organizations WHERE code = ? OR name = ? OR handle = ? ORDER BY code = ? DESC LIMIT 1"
            )
            row = one(self._db, sql, name, name, name, name)
            if row is None:
                raise ValueError(f"seed: {where}: unknown organization {name!r}; name it under organizations")
            self._ids["organizations", name] = row["code"]
        return self._ids["organizations", name]

    def fill(self, user: SeedUser) -> str:
        """Creates or changes one user.

        :param user: the user in the seed.
        :returns: the user's id.
        """
        db, where = self._db, f"user {user.email or user.id or user.first_name or '?'}"
        user_id = self._known(user)
        columns = (
            "first_name",
            "last_name",
            "picture",
            "provided_id",
            "is_suspended",
            "last_signed_in",
            "total_sign_ins",
        )
        sent = {name: getattr(user, name) for name in columns if user_id is None or name in user.given}
        if user_id is None:
            user_id = user.id or new_id("kp")
            insert(db, "users", id=user_id, created_on=user.created_on or now(), **sent)
        else:
            update(db, "users", "id", user_id, **sent)
        self._identities(user, user_id, where)
        for name, keys in user.memberships.items():
            code = self._code(name, where)
            if not add_member(db, code, user_id, default_roles=False):
                db.execute("DELETE FROM member_roles WHERE org_code = ? AND user_id = ?", (code, user_id))
            rows = [(code, user_id, self._id("roles", key, where)) for key in dict.fromkeys(keys)]
            db.executemany("INSERT INTO member_roles (org_code, user_id, role_id) VALUES (?, ?, ?)", rows)
        for name, keys in user.permissions.items():
            code = self._code(name, where)
            add_member(db, code, user_id, default_roles=False)
            rows = [(code, user_id, self._id("permissions", key, where)) for key in keys]
            sql = "INSERT OR IGNORE INTO member_permissions (org_code, user_id, permission_id) VALUES (?, ?, ?)"
            db.executemany(sql, rows)
        for key, value in user.properties.items():
            if one(db, "SELECT 1 FROM properties WHERE context = 'usr' AND key = ?", key) is None:
                raise ValueError(f"seed: {where}: unknown property {key!r}; name it under properties")
            set_values(db, "usr", user_id, {key: value})
        self._sessions(user, user_id)
        return user_id

    def _known(self, user: SeedUser) -> str | None:
        if user.id is not None:
            return user.id if one(self._db, "SELECT 1 FROM users WHERE id = ?", user.id) else None
        return owner_of(self._db, "email", user.email, self._settings) if user.email else None

    def _identities(self, user: SeedUser, user_id: str, where: str) -> None:
        wanted = list(user.identities)
        if user.email and not any(item.value == user.email and item.type == "email" for item in wanted):
            social = any(item.value == user.email for item in wanted)
            if not social:
                wanted.insert(0, SeedIdentity(value=user.email, is_confirmed=user.is_confirmed, is_primary=True))
        for item in wanted:
            kind = item.type if item.type in ("email", "phone", "username") else "email"
            owner = owner_of(self._db, kind, item.value, self._settings)
            sql = "SELECT 1 FROM identities WHERE user_id = ? AND type = ? AND folded = ?"
            if owner == user_id and one(self._db, sql, user_id, item.type, item.value.lower()):
                continue
            if owner not in (None, user_id):
                raise ValueError(f"seed: {where}: {item.value!r} is an identity of another user")
            own = item.type in ("email", "phone", "username")
            primary = item.is_primary
            if primary is None and item.value == user.email and item.type == "email":
                primary = True
            add_identity(
                self._db,
                user_id,
                item.type,
                item.value,
                confirmed=item.is_confirmed if own or "is_confirmed" in item.given else None,
                primary=primary,
                connection_id=item.connection_id,
                identity_id=item.id,
            )

    def _sessions(self, user: SeedUser, user_id: str) -> None:
        for factor in user.factors:
            values = {"type": factor, "name": factor.removeprefix("mfa:"), "created_on": now()}
            insert(self._db, "factors", id=new_id("mfa"), user_id=user_id, **values)
        if "api_keys" in user.given:
            self._db.execute("DELETE FROM api_keys WHERE user_id = ?", (user_id,))
            for name in user.api_keys:
                values = {"name": name, "type": "user", "status": "active", "created_on": now()}
                insert(self._db, "api_keys", id=new_id("api_key"), user_id=user_id, **values)
        if "sessions" not in user.given:
            return
        self._db.execute("DELETE FROM sessions WHERE user_id = ?", (user_id,))
        start = datetime.now(timezone.utc)
        for _ in range(user.sessions):
            moments = {"started_on": start.isoformat(), "expires_on": (start + timedelta(days=1)).isoformat()}
            insert(self._db, "sessions", id=new_id("session"), user_id=user_id, **moments)
