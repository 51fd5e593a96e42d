"""``/directories``: SCIM directories, each of which manages the members of one organization."""

from __future__ import annotations

import sqlite3
from typing import Any

from kinde_emulator.data.store import one
from kinde_emulator.errors import ApiError, bad
from kinde_emulator.server.http import Response
from kinde_emulator.server.operations import Call, Query, get
from kinde_emulator.server.pagination import cursor_page


class ListDirectories(Query):
    """Query parameters of the list."""

    page_size: int | None = None
    starting_after: str | None = None
    organization_code: str | None = None


@get("/directories", scope="read:scim_directories")
def get_directories(call: Call[ListDirectories]) -> Response:
    """Lists the directories of one organization or of all; 50 on a page.

    :param call: the checked request, with its query parameters.
    :raises ApiError: 400 if something that was sent is wrong.
    """
    code = call.query.organization_code
    if code is not None and one(call.db, "SELECT 1 FROM organizations WHERE code = ?", code) is None:
        raise bad("ORGANIZATION_NOT_FOUND", "Organization not found", "organization_code")
    rows, more = cursor_page(
        call,
        "SELECT * FROM directories",
        where=[] if code is None else ["org_code = ?"],
        values=[] if code is None else [code],
        size=50,
    )
    return call.success(directories=[_shown(row) for row in rows], has_more=more)


@get("/directories/{directory_id}", scope="read:scim_directories")
def get_directory(call: Call[Query], directory_id: str) -> Response:
    """Reads a directory.

    :param call: the checked request, with its query parameters.
    :param directory_id: Kinde's id of the directory.
    :raises ApiError: 404 if it does not exist.
    """
    row = one(call.db, "SELECT * FROM directories WHERE id = ?", directory_id)
    if row is None:
        raise ApiError(404, "DIRECTORY_NOT_FOUND", "Directory not found")
    return call.success(directory=_shown(row))


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
