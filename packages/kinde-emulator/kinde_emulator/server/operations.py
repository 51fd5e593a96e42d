"""How an operation of the Management API is declared: a function under ``@get("/roles", scope="read:roles")``.

The function is called like the operation in Kinde's document (its ``operationId``). Its signature says the rest:
``call: Call[ListRoles]`` names the model of the query parameters, a path parameter has its name in the path,
and ``body: CreateRole`` names the model of the JSON body. The request reaches the function once token, scope, query
parameters and body are checked, inside a database transaction, which is undone if the function raises.
"""

from __future__ import annotations

import json
import sqlite3
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from kinde_emulator.errors import ApiError, bad
from kinde_emulator.model import Model, ModelError
from kinde_emulator.server.http import Request, Response, json_response
from kinde_emulator.server.routes import ROUTER, Handler, Route
from kinde_emulator.server.tenant import Tenant
from kinde_emulator.server.tokens import require_scope
from kinde_emulator.settings import Settings

PREFIX = "/api/v1"


class Query(Model):
    """Query parameters; unknown names are refused."""

    from_text = True


class Body(Model):
    """A JSON body; unknown fields and values of another type are refused."""


Q = TypeVar("Q", bound=Query, covariant=True)


@dataclass(frozen=True, slots=True)
class Call(Generic[Q]):
    """One checked request to the Management API.

    :param tenant: the tenant that it was sent to.
    :param settings: the tenant's settings when the request arrived.
    :param query: the checked query parameters.
    :param claims: the claims of the access token.
    :param db: the tenant's database, inside a transaction.
    :param request: the request itself.
    """

    tenant: Tenant
    settings: Settings
    query: Q
    claims: dict[str, Any]
    db: sqlite3.Connection
    request: Request

    def answer(self, data: Any, status: int = 200) -> Response:
        """A JSON response without Kinde's envelope.

        :param data: what is encoded.
        :param status: the status code.
        """
        if self.settings.extra_fields:
            data = _with_unknown_fields(data)
        if self.settings.empty_lists == "null" and isinstance(data, dict):
            data = {name: value if value == [] else _without_empty_lists(value) for name, value in data.items()}
        return json_response(data, status)

    def success(self, status: int = 200, message: str = "Success", code: str = "OK", **data: Any) -> Response:
        """A JSON response in Kinde's envelope of ``code`` and ``message``.

        :param status: the status code.
        :param message: the envelope's message.
        :param code: the envelope's code.
        :param data: the fields beside them.
        """
        return self.answer({"code": code, "message": message, **data}, status)


def operation(method: str, path: str, scope: str) -> Callable[[Handler], Handler]:
    """Declares an operation of the Management API; may stand several times above one function.

    :param method: the HTTP method.
    :param path: the path below ``/api/v1``, with parameters in braces.
    :param scope: the scope that the access token must hold.
    """

    def declare(function: Handler) -> Handler:
        hints = typing.get_type_hints(function)
        query: type[Query] = next(iter(typing.get_args(hints["call"])), Query)
        body: type[Body] | None = hints.get("body")

        def handle(request: Request, **parameters: Any) -> Response:
            tenant = request.tenant
            settings = tenant.settings
            claims = tenant.tokens.check(request.headers.get("authorization", ""), request.host, settings)
            request.client_id = claims.get("azp")
            require_scope(claims, scope)
            parsed = _parse_query(request, query)
            if body is not None:
                parameters["body"] = _parse_body(request, body)
            with tenant.store.transaction() as db:
                return function(Call(tenant, settings, parsed, claims, db, request), **parameters)

        ROUTER.add(Route(method, PREFIX + path, handle, scope))
        return function

    return declare


def get(path: str, scope: str) -> Callable[[Handler], Handler]:
    """Declares a GET; see :func:`operation`.

    :param path: the path below ``/api/v1``, with parameters in braces.
    :param scope: the scope that the access token must hold.
    """
    return operation("GET", path, scope)


def post(path: str, scope: str) -> Callable[[Handler], Handler]:
    """Declares a POST; see :func:`operation`.

    :param path: the path below ``/api/v1``, with parameters in braces.
    :param scope: the scope that the access token must hold.
    """
    return operation("POST", path, scope)


def put(path: str, scope: str) -> Callable[[Handler], Handler]:
    """Declares a PUT; see :func:`operation`.

    :param path: the path below ``/api/v1``, with parameters in braces.
    :param scope: the scope that the access token must hold.
    """
    return operation("PUT", path, scope)


def patch(path: str, scope: str) -> Callable[[Handler], Handler]:
    """Declares a PATCH; see :func:`operation`.

    :param path: the path below ``/api/v1``, with parameters in braces.
    :param scope: the scope that the access token must hold.
    """
    return operation("PATCH", path, scope)


def delete(path: str, scope: str) -> Callable[[Handler], Handler]:
    """Declares a DELETE; see :func:`operation`.

    :param path: the path below ``/api/v1``, with parameters in braces.
    :param scope: the scope that the access token must hold.
    """
    return operation("DELETE", path, scope)


def _parse_query(request: Request, model: type[Query]) -> Query:
    values: dict[str, str] = {}
    for name, value in request.query:
        if name in values:
            raise bad("INVALID_PARAMETER", f"The query parameter {name} was sent more than once", name)
        values[name] = value
    try:
        return model.parse(values)
    except ModelError as error:
        raise _refused(error, "query parameter") from None


def _parse_body(request: Request, model: type[Body]) -> Body:
    if not request.body:
        raise bad("MISSING_FIELD", "Missing field: body")
    if not request.content_type.startswith("application/json"):
        raise bad("INVALID_FIELD", "Invalid field body: must be JSON, sent as application/json")
    try:
        return model.parse(json.loads(request.body))
    except ModelError as error:
        raise _refused(error, "field") from None
    except (ValueError, RecursionError):
        raise bad("INVALID_JSON", "The body is not valid JSON") from None


def _refused(error: ModelError, what: Literal["query parameter", "field"]) -> ApiError:
    kind = "PARAMETER" if what == "query parameter" else "FIELD"
    code = f"{error.problem.upper()}_{kind}"
    if error.problem == "invalid":
        return bad(code, f"Invalid {what} {error.field or 'body'}: {error.message}", error.field or None)
    return bad(code, f"{error.problem.capitalize()} {what}: {error.field}", error.field)


def _with_unknown_fields(data: Any) -> Any:
    if isinstance(data, dict):
        return {
            **{key: _with_unknown_fields(value) for key, value in data.items()},
            "x_unknown": {"nested": [None, 1]},
            "x_nothing": None,
        }
    if isinstance(data, list):
        return [_with_unknown_fields(item) for item in data]
    return data


def _without_empty_lists(data: Any) -> Any:
    if isinstance(data, dict):
        return {name: _without_empty_lists(value) for name, value in data.items()}
    if isinstance(data, list):
        return [_without_empty_lists(item) for item in data] or None
    return data


def expand_of(text: str | None, *allowed: str) -> set[str]:
    """The parts of an ``expand`` parameter.

    :param text: the parameter, separated by commas; ``None`` when it was not sent.
    :param allowed: the parts that the operation knows.
    :raises ApiError: 400 for an unknown part.
    """
    parts = {part.strip() for part in (text or "").split(",")} - {""}
    if unknown := sorted(parts - set(allowed)):
        raise bad(
            "INVALID_PARAMETER", f"Unknown expand: {', '.join(unknown)}; there are {', '.join(allowed)}", "expand"
        )
    return parts


def comma_separated(text: str | None) -> list[str] | None:
    """The items of a comma-separated parameter.

    :param text: the parameter; ``None`` when it was not sent.
    :returns: the items, or ``None`` when it was not sent.
    """
    return None if text is None else [part.strip() for part in text.split(",") if part.strip()]
