"""``/applications``: applications. They are kept and change nothing: only clients of a seed get tokens."""

from __future__ import annotations

import secrets
from typing import Literal

from kinde_emulator.data.records import add_record, change_record, delete_record, find_record, record_of
from kinde_emulator.server.http import Response
from kinde_emulator.server.operations import Body, Call, Query, delete, get, patch, post
from kinde_emulator.server.pagination import SortedQuery, token_page

KIND = "application"
NAME = "json_extract(fields, '$.name') COLLATE NOCASE"


class CreateApplication(Body):
    """An application to create."""

    name: str
    type: Literal["reg", "spa", "m2m", "device"]
    org_code: str | None = None


class UpdateApplication(Body):
    """The new fields of an application."""

    name: str | None = None
    language_key: str | None = None
    logout_uris: list[str] | None = None
    redirect_uris: list[str] | None = None
    login_uri: str | None = None
    homepage_uri: str | None = None
    is_allow_faceless_auth: bool | None = None
    is_ask_for_name: bool | None = None
    has_marketing_consent: bool | None = None
    has_sign_in_link_on_sign_up_page: bool | None = None
    has_register_link_on_sign_in_page: bool | None = None
    has_sign_in_with_sso_button: bool | None = None
    use_gravatar_fallback: bool | None = None
    is_access_control_enabled: bool | None = None


@get("/applications", scope="read:applications")
def get_applications(call: Call[SortedQuery]) -> Response:
    """Lists the applications.

    :param call: the checked request, with its query parameters.
    """
    sorts = {"name_asc": f"{NAME}, id", "name_desc": f"{NAME} DESC, id DESC"}
    rows, following = token_page(
        call, "SELECT * FROM records", where=["kind = ?"], values=[KIND], sorts=sorts, default="name_asc"
    )
    shown = [{name: item[name] for name in ("id", "name", "type")} for item in map(record_of, rows)]
    return call.success(applications=shown, **following)


@post("/applications", scope="create:applications")
def create_application(call: Call[Query], body: CreateApplication) -> Response:
    """Creates an application.

    :param call: the checked request, with its query parameters.
    :param body: the checked JSON body.
    """
    keys = {"client_id": secrets.token_hex(16), "client_secret": secrets.token_hex(24)}
    made = add_record(call.db, KIND, "app", {**body.to_dict(), **keys})
    application = {"id": made["id"], **keys}
    return call.success(201, message="Application successfully created", application=application)


@get("/applications/{application_id}", scope="read:applications")
def get_application(call: Call[Query], application_id: str) -> Response:
    """Reads an application.

    :param call: the checked request, with its query parameters.
    :param application_id: Kinde's id of the application.
    :raises ApiError: 404 if it does not exist.
    """
    return call.success(application=find_record(call.db, KIND, application_id))


@patch("/applications/{application_id}", scope="update:applications")
def update_application(call: Call[Query], application_id: str, body: UpdateApplication) -> Response:
    """Changes an application; the answer is empty.

    :param call: the checked request, with its query parameters.
    :param application_id: Kinde's id of the application.
    :param body: the checked JSON body.
    :raises ApiError: 404 if it does not exist.
    """
    change_record(call.db, KIND, application_id, body.to_dict(filled=True))
    return Response(200)


@delete("/applications/{application_id}", scope="delete:applications")
def delete_application(call: Call[Query], application_id: str) -> Response:
    """Deletes an application.

    :param call: the checked request, with its query parameters.
    :param application_id: Kinde's id of the application.
    :raises ApiError: 404 if it does not exist.
    """
    delete_record(call.db, KIND, application_id)
    return call.success(message="Application successfully deleted")
