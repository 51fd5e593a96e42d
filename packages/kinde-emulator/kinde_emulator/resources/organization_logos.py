"""``/organizations/{org_code}/logos``: the logos of an organization."""

from __future__ import annotations

from email.parser import BytesParser
from email.policy import HTTP

from kinde_emulator.data.organizations import find_organization
from kinde_emulator.errors import bad
from kinde_emulator.server.http import Request, Response
from kinde_emulator.server.operations import Call, Query, delete, get, post

LOGOS = "/organizations/{org_code}/logos"


@get(LOGOS, scope="read:organizations")
def read_organization_logo(call: Call[Query], org_code: str) -> Response:
    """Lists the logos of an organization.

    :param call: the checked request, with its query parameters.
    :param org_code: code of the organization.
    :raises ApiError: 404 if there is no such organization.
    """
    find_organization(call.db, org_code, call.settings)
    rows = call.db.execute("SELECT type, file_name FROM logos WHERE org_code = ? ORDER BY type", (org_code,))
    logos = [{**dict(row), "path": f"/logos/{org_code}/{row['type']}/{row['file_name']}"} for row in rows]
    return call.success(logos=logos)


@post(LOGOS + "/{type}", scope="update:organizations")
def add_organization_logo(call: Call[Query], org_code: str, type: str) -> Response:
    """Uploads a logo; only the name of the file is stored.

    :param call: the checked request, with its query parameters.
    :param org_code: code of the organization.
    :param type: ``light`` or ``dark``.
    :raises ApiError: 404 if there is no such organization; 400 if something that was sent is wrong.
    """
    _check_type(type)
    name, content = _uploaded(call.request)
    if not content:
        raise bad("INVALID_LOGO", "The logo is empty", "logo")
    find_organization(call.db, org_code, call.settings)
    sql = "INSERT OR REPLACE INTO logos (org_code, type, file_name) VALUES (?, ?, ?)"
    call.db.execute(sql, (org_code, type, name))
    return call.success()


@delete(LOGOS + "/{type}", scope="update:organizations")
def delete_organization_logo(call: Call[Query], org_code: str, type: str) -> Response:
    """Deletes a logo; answers 204 if there is none.

    :param call: the checked request, with its query parameters.
    :param org_code: code of the organization.
    :param type: ``light`` or ``dark``.
    :raises ApiError: 404 if there is no such organization.
    """
    _check_type(type)
    find_organization(call.db, org_code, call.settings)
    if not call.db.execute("DELETE FROM logos WHERE org_code = ? AND type = ?", (org_code, type)).rowcount:
        return Response(204)
    return call.success()


def _check_type(type: str) -> None:
    if type not in ("dark", "light"):
        raise bad("INVALID_FIELD", "Invalid field type: must be dark or light", "type")


def _uploaded(request: Request) -> tuple[str, bytes]:
    """The name and the content of the file ``logo`` in a ``multipart/form-data`` body."""
    message = BytesParser(policy=HTTP).parsebytes(
        b"Content-Type: " + request.content_type.encode("latin-1") + b"\r\n\r\n" + request.body
    )
    for part in message.iter_parts() if message.is_multipart() else ():
        if part.get_param("name", header="content-disposition") == "logo" and part.get_filename() is not None:
            content = part.get_payload(decode=True)
            return part.get_filename() or "logo", content if isinstance(content, bytes) else b""
    raise bad("MISSING_FIELD", "Missing field: logo, a file in a multipart/form-data body", "logo")
