"""``/directories``: SCIM directories, each of which manages the members of one organization."""

from __future__ import annotations

import sqlite3
from typing import Any, Literal

from kinde_emulator.data.organizations import set_directory
from kinde_emulator.data.store import number, one, update
from kinde_emulator.errors import ApiError, bad
from kinde_emulator.server.http import Response
from kinde_emulator.server.operations import Body, Call, Query, delete, get, patch, post
from kinde_emulator.server.pagination import cursor_page


class ListDirectories(Query):
    """Query parameters of the list."""

    page_size: int | None = None
    starting_after: str | None = None
    organization_code: str | None = None


class CreateDirectory(Body):
    """A directory to create."""

    org_code: str
    directory_name: str
    provider_code: Literal[
        "entra_id_azure_ad",
        "okta",
        "google_workspace",
        "custom_scim_v2",
        "cyberark",
        "jumpcloud",
        "onelogin",
        "pingfederate",
        "rippling",
    ]
    enterprise_connection_id: str | None = None


class UpdateDirectory(Body):
    """The field of a directory that can change."""

    directory_name: str | None = None


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
    return call.success(directory=_shown(_find(call.db, directory_id)))


@post("/directories", scope="create:scim_directories")
def create_directory(call: Call[Query], body: CreateDirectory) -> Response:
    """Creates a directory, which manages the organization from now on.

    :param call: the checked request, with its query parameters.
    :param body: the checked JSON body.
    :raises ApiError: 400 if there is no such organization; 409 if it has a directory.
    """
    db = call.db
    if not number(db, "SELECT count(*) FROM organizations WHERE code = ?", body.org_code):
        raise bad("ORGANIZATION_NOT_FOUND", "Organization not found", "org_code")
    if number(db, "SELECT count(*) FROM directories WHERE org_code = ?", body.org_code):
        raise ApiError(409, "DIRECTORY_EXISTS", "The organization has a directory", field="org_code")
    set_directory(db, body.org_code, body.directory_name, "Pending")
    row = one(db, "SELECT * FROM directories WHERE org_code = ?", body.org_code)
    assert row is not None
    return call.success(201, message="Directory created", code="DIRECTORY_CREATED", directory=_shown(row))


@patch("/directories/{directory_id}", scope="update:scim_directories")
def update_directory(call: Call[Query], directory_id: str, body: UpdateDirectory) -> Response:
    """Renames a directory.

    :param call: the checked request, with its query parameters.
    :param directory_id: Kinde's id of the directory.
    :param body: the checked JSON body.
    :raises ApiError: 404 if it does not exist.
    """
    _find(call.db, directory_id)
    if body.directory_name:
        update(call.db, "directories", "id", directory_id, name=body.directory_name)
    return call.success(message="Directory updated", directory=_shown(_find(call.db, directory_id)))


@delete("/directories/{directory_id}", scope="delete:scim_directories")
def delete_directory(call: Call[Query], directory_id: str) -> Response:
    """Deletes a directory; the organization and its members stay.

    :param call: the checked request, with its query parameters.
    :param directory_id: Kinde's id of the directory.
    :raises ApiError: 404 if it does not exist.
    """
    _find(call.db, directory_id)
    call.db.execute("DELETE FROM directories WHERE id = ?", (directory_id,))
    return call.success(message="Directory deleted", directory_id=directory_id)


def _find(db: sqlite3.Connection, directory_id: str) -> sqlite3.Row:
    row = one(db, "SELECT * FROM directories WHERE id = ?", directory_id)
    if row is None:
        raise ApiError(404, "DIRECTORY_NOT_FOUND", "Directory not found")
    return row


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
