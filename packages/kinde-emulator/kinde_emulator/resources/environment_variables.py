"""``/environment_variables``: variables that the environment gives to workflows."""

from __future__ import annotations

from typing import Any

from kinde_emulator.data.records import add_record, change_record, delete_record, find_record, list_records
from kinde_emulator.errors import bad
from kinde_emulator.server.http import Response
from kinde_emulator.server.operations import Body, Call, Query, delete, get, patch, post

KIND = "environment_variable"


class CreateVariable(Body):
    """A variable to create."""

    key: str
    value: str
    is_secret: bool = False


class UpdateVariable(Body):
    """The new fields of a variable."""

    key: str | None = None
    value: str | None = None
    is_secret: bool | None = None


@get("/environment_variables", scope="read:environment_variables")
def get_environment_variables(call: Call[Query]) -> Response:
    """Lists the variables; the value of a secret is not shown.

    :param call: the checked request, with its query parameters.
    """
    return call.success(environment_variables=[_shown(item) for item in list_records(call.db, KIND)], has_more=False)


@post("/environment_variables", scope="create:environment_variables")
def create_environment_variable(call: Call[Query], body: CreateVariable) -> Response:
    """Creates a variable.

    :param call: the checked request, with its query parameters.
    :param body: the checked JSON body.
    :raises ApiError: 400 if something that was sent is wrong.
    """
    _check_key(call, body.key)
    made = add_record(call.db, KIND, "env_var", body.to_dict())
    message = "Environment variable successfully created"
    return call.success(201, message=message, environment_variable={"id": made["id"]})


@get("/environment_variables/{variable_id}", scope="read:environment_variables")
def get_environment_variable(call: Call[Query], variable_id: str) -> Response:
    """Reads a variable; the value of a secret is not shown.

    :param call: the checked request, with its query parameters.
    :param variable_id: Kinde's id of the variable.
    :raises ApiError: 404 if it does not exist.
    """
    return call.success(environment_variable=_shown(find_record(call.db, KIND, variable_id)))


@patch("/environment_variables/{variable_id}", scope="update:environment_variables")
def update_environment_variable(call: Call[Query], variable_id: str, body: UpdateVariable) -> Response:
    """Changes a variable.

    :param call: the checked request, with its query parameters.
    :param variable_id: Kinde's id of the variable.
    :param body: the checked JSON body.
    :raises ApiError: 404 if it does not exist; 400 if something that was sent is wrong.
    """
    find_record(call.db, KIND, variable_id)
    if body.key is not None:
        _check_key(call, body.key, variable_id)
    change_record(call.db, KIND, variable_id, body.to_dict(filled=True))
    return call.success(message="Environment variable successfully updated")


@delete("/environment_variables/{variable_id}", scope="delete:environment_variables")
def delete_environment_variable(call: Call[Query], variable_id: str) -> Response:
    """Deletes a variable.

    :param call: the checked request, with its query parameters.
    :param variable_id: Kinde's id of the variable.
    :raises ApiError: 404 if it does not exist.
    """
    delete_record(call.db, KIND, variable_id)
    return call.success(message="Environment variable successfully deleted")


def _check_key(call: Call[Query], key: str, own: str | None = None) -> None:
    if any(item["key"] == key and item["id"] != own for item in list_records(call.db, KIND)):
        raise bad("ENVIRONMENT_VARIABLE_ALREADY_EXISTS", f"The key {key} is in use", "key")


def _shown(record: dict[str, Any]) -> dict[str, Any]:
    return {**record, "value": None} if record["is_secret"] else record
