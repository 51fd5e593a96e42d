"""SCIM directories: lists them, and keeps others from changing the members of their organizations."""

from __future__ import annotations

import sqlite3
from typing import Annotated, Any

from fastapi import APIRouter, Response

from .calls import Call, Query, needs
from .errors import ApiError, bad
from .paging import CursorQuery, cursor_page
from .settings import Settings
from .store import insert, new_id, now, one, update

router = APIRouter()
REFUSED = "The organization is managed by directory sync: make changes in the upstream identity provider"


class ListDirectories(Query):
    """GET /directories."""

    page_size: int | None = None
    starting_after: str | None = None
    organization_code: str | None = None


@router.get("/api/v1/directories")
async def get_directories(
    call: Annotated[Call[ListDirectories], needs("read:scim_directories", ListDirectories)],
) -> Response:
    """Lists the directories, of one organization or of all; 50 on a page."""
    code = call.query.organization_code
    with call.store.transaction() as db:
        if code is not None and one(db, "SELECT 1 FROM organizations WHERE code = ?", code) is None:
            raise bad("ORGANIZATION_NOT_FOUND", "Organization not found", "organization_code")
        asked = CursorQuery(page_size=call.query.page_size or 50, starting_after=call.query.starting_after)
        rows, more = cursor_page(
            Call(call.tenant, asked, call.claims, call.settings),
            "SELECT * FROM directories",
            where=[] if code is None else ["org_code = ?"],
            values=[] if code is None else [code],
        )
    return call.done(directories=[_shown(row) for row in rows], has_more=more)


@router.get("/api/v1/directories/{directory_id}")
async def get_directory(call: Annotated[Call[Query], needs("read:scim_directories")], directory_id: str) -> Response:
    """Reads one directory."""
    with call.store.transaction() as db:
        row = one(db, "SELECT * FROM directories WHERE id = ?", directory_id)
    if row is None:
        raise ApiError(404, "DIRECTORY_NOT_FOUND", "Directory not found")
    return call.done(directory=_shown(row))


def _shown(row: sqlite3.Row) -> dict[str, Any]:
    suffix = row["id"].partition("_")[2]
    return {
        "id": row["id"],
        "directory_name": row["name"],
        "directory_endpoint_id": f"ksde_{suffix}",
        "secret_token": f"kstkn_{suffix}",
        "status": row["status"],
        "organization_code": row["org_code"],
        "enterprise_connection_id": None,
        "enterprise_connection_name": None,
        "last_sync_started_at": None,
        "last_sync_completed_at": None,
        "last_sync_error": None,
        "created_on": row["created_on"],
    }


def keep(db: sqlite3.Connection, org_code: str, name: str, status: str) -> None:
    """Gives an organization its directory, or changes the one that it has."""
    row = one(db, "SELECT id FROM directories WHERE org_code = ?", org_code)
    if row is None:
        directory_id = new_id("directory")
        insert(db, "directories", id=directory_id, org_code=org_code, name=name, status=status, created_on=now())
    else:
        update(db, "directories", "id", row["id"], name=name, status=status)


def refuse_if_kept(db: sqlite3.Connection, org_code: str, settings: Settings, *, invitation: bool = False) -> None:
    """Checks that no directory in use keeps an organization.

    :param invitation: documented as refused, whatever the settings say of other changes.
    :raises ApiError: where one does.
    """
    if settings.directory_changes == "allow" and not invitation:
        return
    if one(db, "SELECT 1 FROM directories WHERE org_code = ? AND status <> 'Inactive'", org_code) is not None:
        status = 400 if settings.directory_changes == "allow" else int(settings.directory_changes)
        raise ApiError(status, "ORGANIZATION_MANAGED_BY_DIRECTORY", REFUSED)
