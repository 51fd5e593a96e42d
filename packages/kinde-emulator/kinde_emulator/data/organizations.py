"""Organizations, their members and their directories in the database: what operations and seeds share."""

from __future__ import annotations

import sqlite3

from kinde_emulator.data.store import insert, new_id, now, one, update
from kinde_emulator.data.users import find_user
from kinde_emulator.errors import ApiError, bad
from kinde_emulator.settings import Settings

MANAGED_BY_DIRECTORY = "The organization is managed by directory sync: make changes in the upstream identity provider"


def find_organization(db: sqlite3.Connection, org_code: str, settings: Settings) -> sqlite3.Row:
    """Reads an organization.

    :param db: the tenant's database, inside a transaction.
    :param org_code: the organization's code.
    :param settings: the tenant's settings.
    :raises ApiError: ``missing_organization_status`` if there is no such organization.
    """
    row = one(db, "SELECT * FROM organizations WHERE code = ?", org_code)
    if row is None:
        raise ApiError(settings.missing_organization_status, "ORGANIZATION_NOT_FOUND", "Organization not found")
    return row


def find_member(db: sqlite3.Connection, org_code: str, user_id: str, settings: Settings) -> None:
    """Checks that an organization and a user exist, and that the user is a member.

    :param db: the tenant's database, inside a transaction.
    :param org_code: the organization's code.
    :param user_id: the user's id.
    :param settings: the tenant's settings.
    :raises ApiError: if one of them is missing, or 400 if the user is not a member.
    """
    find_organization(db, org_code, settings)
    find_user(db, user_id, settings)
    require_member(db, org_code, user_id)


def require_member(db: sqlite3.Connection, org_code: str, user_id: str) -> None:
    """Checks that a user is a member of an organization.

    :param db: the tenant's database, inside a transaction.
    :param org_code: the organization's code.
    :param user_id: the user's id.
    :raises ApiError: 400 ``USER_NOT_IN_ORGANIZATION``.
    """
    if one(db, "SELECT 1 FROM members WHERE org_code = ? AND user_id = ?", org_code, user_id) is None:
        raise bad("USER_NOT_IN_ORGANIZATION", "User is not in the organization")


def add_member(
    db: sqlite3.Connection, org_code: str, user_id: str, *, default_roles: bool = True, joined_on: str | None = None
) -> bool:
    """Makes a user a member of an organization.

    :param db: the tenant's database, inside a transaction.
    :param org_code: the organization's code.
    :param user_id: the user's id.
    :param default_roles: whether a new member gets the default roles.
    :param joined_on: the time of joining, ISO 8601; now when ``None``.
    :returns: whether the user was not a member before.
    """
    added = db.execute(
        "INSERT OR IGNORE INTO members (org_code, user_id, joined_on) VALUES (?, ?, ?)",
        (org_code, user_id, joined_on or now()),
    ).rowcount
    if added and default_roles:
        db.execute(
            "INSERT INTO member_roles (org_code, user_id, role_id) SELECT ?, ?, id FROM roles WHERE is_default_role",
            (org_code, user_id),
        )
    return bool(added)


def set_directory(db: sqlite3.Connection, org_code: str, name: str, status: str) -> None:
    """Gives an organization a SCIM directory, or changes the one that it has.

    :param db: the tenant's database, inside a transaction.
    :param org_code: the organization's code.
    :param name: the directory's name.
    :param status: the directory's status, such as ``Active``.
    """
    row = one(db, "SELECT id FROM directories WHERE org_code = ?", org_code)
    if row is None:
        directory_id = new_id("directory")
        insert(db, "directories", id=directory_id, org_code=org_code, name=name, status=status, created_on=now())
    else:
        update(db, "directories", "id", row["id"], name=name, status=status)


def refuse_managed(db: sqlite3.Connection, org_code: str, settings: Settings, *, invitation: bool = False) -> None:
    """Checks that no directory in use manages an organization.

    :param db: the tenant's database, inside a transaction.
    :param org_code: the organization's code.
    :param settings: the tenant's settings.
    :param invitation: whether the change is an invitation. Kinde documents those as refused, so that the setting
        ``directory_changes`` does not allow them.
    :raises ApiError: if a directory manages it.
    """
    if settings.directory_changes == "allow" and not invitation:
        return
    if one(db, "SELECT 1 FROM directories WHERE org_code = ? AND status <> 'Inactive'", org_code) is not None:
        status = 400 if settings.directory_changes == "allow" else int(settings.directory_changes)
        raise ApiError(status, "ORGANIZATION_MANAGED_BY_DIRECTORY", MANAGED_BY_DIRECTORY)
