"""The tenant's data: one embedded SQLite database, in a file or in memory."""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
import threading
import uuid
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from typing import Any

SCHEMA_VERSION = 5

SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE clients (id TEXT PRIMARY KEY, secret TEXT NOT NULL, scopes TEXT) WITHOUT ROWID;
CREATE TABLE organizations (
    code TEXT PRIMARY KEY, name TEXT NOT NULL, handle TEXT UNIQUE, external_id TEXT, is_default INTEGER NOT NULL
    DEFAULT 0,
    is_suspended INTEGER NOT NULL DEFAULT 0, suspended_on TEXT, created_on TEXT NOT NULL, details TEXT NOT NULL
    DEFAULT '{}'
) WITHOUT ROWID;
CREATE TABLE users (
    id TEXT PRIMARY KEY, email TEXT, phone TEXT, username TEXT, first_name TEXT, last_name TEXT, picture TEXT,
    provided_id TEXT, is_suspended INTEGER NOT NULL DEFAULT 0, is_password_reset_requested INTEGER NOT NULL DEFAULT 0,
    total_sign_ins INTEGER NOT NULL DEFAULT 0, failed_sign_ins INTEGER NOT NULL DEFAULT 0, last_signed_in TEXT,
    created_on TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX users_provided_id ON users (provided_id);
CREATE TABLE identities (
    id TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE, type TEXT NOT NULL, value
    TEXT NOT NULL,
    folded TEXT NOT NULL, is_confirmed INTEGER, is_primary INTEGER NOT NULL DEFAULT 0, created_on TEXT NOT NULL,
    connection_id TEXT, last_login_on TEXT, total_logins INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX identities_user ON identities (user_id);
CREATE INDEX identities_folded ON identities (folded);
CREATE TABLE kept_profiles (folded TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE members (
    org_code TEXT NOT NULL REFERENCES organizations ON DELETE CASCADE, user_id TEXT NOT NULL REFERENCES users ON
    DELETE CASCADE,
    joined_on TEXT NOT NULL, last_accessed_on TEXT, PRIMARY KEY (org_code, user_id)
) WITHOUT ROWID;
CREATE INDEX members_user ON members (user_id);
CREATE TABLE roles (
    id TEXT PRIMARY KEY, key TEXT NOT NULL UNIQUE, name TEXT NOT NULL, description TEXT, is_default_role INTEGER
    NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE permissions (
    id TEXT PRIMARY KEY, key TEXT NOT NULL UNIQUE, name TEXT NOT NULL, description TEXT
) WITHOUT ROWID;
CREATE TABLE role_permissions (
    role_id TEXT NOT NULL REFERENCES roles ON DELETE CASCADE, permission_id TEXT NOT NULL REFERENCES permissions
    ON DELETE CASCADE,
    PRIMARY KEY (role_id, permission_id)
) WITHOUT ROWID;
CREATE INDEX role_permissions_permission ON role_permissions (permission_id);
CREATE TABLE member_roles (
    org_code TEXT NOT NULL, user_id TEXT NOT NULL, role_id TEXT NOT NULL REFERENCES roles ON DELETE CASCADE,
    PRIMARY KEY (org_code, user_id, role_id),
    FOREIGN KEY (org_code, user_id) REFERENCES members ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX member_roles_role ON member_roles (role_id);
CREATE TABLE member_permissions (
    org_code TEXT NOT NULL, user_id TEXT NOT NULL, permission_id TEXT NOT NULL REFERENCES permissions ON DELETE
    CASCADE,
    PRIMARY KEY (org_code, user_id, permission_id),
    FOREIGN KEY (org_code, user_id) REFERENCES members ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX member_permissions_permission ON member_permissions (permission_id);
CREATE TABLE categories (id TEXT PRIMARY KEY, name TEXT NOT NULL, context TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE properties (
    id TEXT PRIMARY KEY, key TEXT NOT NULL, name TEXT NOT NULL, description TEXT, context TEXT NOT NULL, type
    TEXT NOT NULL,
    is_private INTEGER NOT NULL DEFAULT 0, category_id TEXT, is_kinde_property INTEGER NOT NULL DEFAULT 0,
    UNIQUE (context, key)
) WITHOUT ROWID;
CREATE TABLE user_properties (
    user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE, property_id TEXT NOT NULL REFERENCES properties ON
    DELETE CASCADE,
    value TEXT NOT NULL, PRIMARY KEY (user_id, property_id)
) WITHOUT ROWID;
CREATE INDEX user_properties_property ON user_properties (property_id, value);
CREATE TABLE organization_properties (
    org_code TEXT NOT NULL REFERENCES organizations ON DELETE CASCADE,
    property_id TEXT NOT NULL REFERENCES properties ON DELETE CASCADE, value TEXT NOT NULL, PRIMARY KEY
    (org_code, property_id)
) WITHOUT ROWID;
CREATE TABLE sessions (
    id TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE, org_code TEXT, started_on
    TEXT NOT NULL,
    expires_on TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX sessions_user ON sessions (user_id);
CREATE TABLE feature_flags (key TEXT PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL, value TEXT NOT NULL)
    WITHOUT ROWID;
CREATE TABLE environment_flags (key TEXT PRIMARY KEY REFERENCES feature_flags ON DELETE CASCADE, value TEXT NOT NULL)
    WITHOUT ROWID;
CREATE TABLE organization_flags (
    org_code TEXT NOT NULL REFERENCES organizations ON DELETE CASCADE,
    key TEXT NOT NULL REFERENCES feature_flags ON DELETE CASCADE, value TEXT NOT NULL, PRIMARY KEY (org_code, key)
) WITHOUT ROWID;
CREATE TABLE user_flags (
    user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    key TEXT NOT NULL REFERENCES feature_flags ON DELETE CASCADE, value TEXT NOT NULL, PRIMARY KEY (user_id, key)
) WITHOUT ROWID;
CREATE TABLE factors (
    id TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE, type TEXT NOT NULL,
    name TEXT NOT NULL, created_on TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX factors_user ON factors (user_id);
CREATE TABLE logos (
    org_code TEXT NOT NULL REFERENCES organizations ON DELETE CASCADE, type TEXT NOT NULL, file_name TEXT NOT NULL,
    PRIMARY KEY (org_code, type)
) WITHOUT ROWID;
CREATE TABLE connections (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, strategy TEXT NOT NULL, domains TEXT NOT NULL DEFAULT '[]'
) WITHOUT ROWID;
CREATE TABLE api_keys (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, type TEXT NOT NULL, status TEXT NOT NULL,
    user_id TEXT REFERENCES users ON DELETE CASCADE, org_code TEXT REFERENCES organizations ON DELETE CASCADE,
    scopes TEXT NOT NULL DEFAULT '[]', created_on TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX api_keys_user ON api_keys (user_id);
CREATE TABLE organization_connections (
    org_code TEXT NOT NULL REFERENCES organizations ON DELETE CASCADE,
    connection_id TEXT NOT NULL REFERENCES connections ON DELETE CASCADE, PRIMARY KEY (org_code, connection_id)
) WITHOUT ROWID;
CREATE TABLE api_scopes (api_id TEXT NOT NULL, id TEXT NOT NULL UNIQUE, key TEXT NOT NULL, PRIMARY KEY (api_id, id))
    WITHOUT ROWID;
CREATE TABLE member_api_scopes (
    org_code TEXT NOT NULL, user_id TEXT NOT NULL, scope_id TEXT NOT NULL REFERENCES api_scopes (id) ON DELETE CASCADE,
    PRIMARY KEY (org_code, user_id, scope_id),
    FOREIGN KEY (org_code, user_id) REFERENCES members ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX member_api_scopes_user ON member_api_scopes (user_id);
CREATE TABLE invites (
    id TEXT PRIMARY KEY, code TEXT NOT NULL UNIQUE, org_code TEXT NOT NULL REFERENCES organizations ON DELETE CASCADE,
    email TEXT NOT NULL, first_name TEXT, last_name TEXT, roles TEXT NOT NULL, created_on TEXT NOT NULL,
    is_sent INTEGER NOT NULL, accepted_on TEXT, is_revoked INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX invites_org ON invites (org_code);
CREATE TABLE records (id TEXT PRIMARY KEY, kind TEXT NOT NULL, fields TEXT NOT NULL, created_on TEXT NOT NULL)
    WITHOUT ROWID;
CREATE INDEX records_kind ON records (kind);
CREATE TABLE directories (
    id TEXT PRIMARY KEY, org_code TEXT NOT NULL UNIQUE REFERENCES organizations ON DELETE CASCADE, name TEXT NOT NULL,
    status TEXT NOT NULL, created_on TEXT NOT NULL
) WITHOUT ROWID;
"""


class Store:
    """A database connection that any thread may use, one transaction at a time.

    :param path: the file; in memory when ``None``.
    :raises ValueError: if the file is not a database of this program.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        name = os.fspath(path) if path is not None else ":memory:"
        try:
            self._db = sqlite3.connect(name, check_same_thread=False, isolation_level=None)
        except sqlite3.Error as error:
            raise ValueError(f"{path}: {error}") from None
        self._db.row_factory = sqlite3.Row
        try:
            self._open(path)
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise ValueError(f"{path}: cannot be used as the emulator's database: {error}") from None
        except ValueError:
            self._db.close()
            raise

    def _open(self, path: str | os.PathLike[str] | None) -> None:
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, SCHEMA_VERSION):
            raise ValueError(f"{path}: was made by another version of the emulator (format {version})")
        if path is not None:
            # The data outlives a killed process; only a power failure could harm it.
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute("PRAGMA foreign_keys = ON")
        if version == 0:
            if self._db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
                raise ValueError(f"{path}: is a database of another program")
            self._db.executescript(f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT")

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A transaction: committed at the end, rolled back on an exception. A nested one is part of the outermost."""
        with self._lock:
            if self._depth:
                yield self._db
                return
            self._depth += 1
            self._db.execute("BEGIN")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            else:
                self._db.execute("COMMIT")
            finally:
                self._depth -= 1

    def close(self) -> None:
        """Closes the database."""
        with self._lock:
            self._db.close()


def one(db: sqlite3.Connection, sql: str, *values: Any) -> sqlite3.Row | None:
    """The first row of a query, or ``None``.

    :param db: the tenant's database, inside a transaction.
    :param sql: the query, with a question mark for each value.
    :param values: the values, in their order.
    :returns: the row, or ``None`` if there is none.
    """
    row: sqlite3.Row | None = db.execute(sql, values).fetchone()
    return row


def number(db: sqlite3.Connection, sql: str, *values: Any) -> int:
    """The number that a ``SELECT count(*)`` yields.

    :param db: the tenant's database, inside a transaction.
    :param sql: the query, with a question mark for each value.
    :param values: the values, in their order.
    :returns: the number.
    """
    return int(db.execute(sql, values).fetchone()[0])


def insert(db: sqlite3.Connection, table: str, /, **values: Any) -> None:
    """Adds a row.

    :param db: the tenant's database, inside a transaction.
    :param table: the table.
    :param values: value by column.
    """
    names, marks = ", ".join(values), ", ".join("?" * len(values))
    db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(values.values()))


def update(db: sqlite3.Connection, table: str, where: str, item: str, /, **values: Any) -> None:
    """Changes the rows whose column ``where`` is ``item``.

    :param db: the tenant's database, inside a transaction.
    :param table: the table.
    :param where: the column that finds the rows.
    :param item: the value that it has in them.
    :param values: value by column; nothing is done without any.
    """
    if values:
        sets = ", ".join(f"{name} = ?" for name in values)
        db.execute(f"UPDATE {table} SET {sets} WHERE {where} = ?", (*values.values(), item))


def grouped(rows: Iterable[sqlite3.Row], key: str) -> dict[str, list[sqlite3.Row]]:
    """Rows by the value of a column.

    :param rows: the rows.
    :param key: the column.
    :returns: value of the column -> its rows.
    """
    groups: dict[str, list[sqlite3.Row]] = {}
    for row in rows:
        groups.setdefault(row[key], []).append(row)
    return groups


def now() -> str:
    """The current time as Kinde writes it: ISO 8601, UTC."""
    return datetime.now(timezone.utc).isoformat()


def new_id(prefix: str, length: int = 32) -> str:
    """A new id such as ``kp_1f…``.

    :param prefix: what stands before the underscore.
    :param length: hexadecimal digits after it.
    """
    return f"{prefix}_{secrets.token_hex((length + 1) // 2)[:length]}"


def new_uuid() -> str:
    """A new id such as roles and permissions have."""
    return str(uuid.uuid4())
