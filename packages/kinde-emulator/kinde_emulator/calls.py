"""What every operation of the Management API begins and ends with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeVar

from fastapi import Depends, Request, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from .errors import ApiError, bad
from .settings import Settings
from .tokens import require

if TYPE_CHECKING:
    from .store import Store
    from .tenant import Tenant


class Query(BaseModel):
    """Query parameters; names that the operation does not have are refused."""

    model_config = ConfigDict(extra="forbid")


class Body(BaseModel):
    """A JSON body; unknown fields and values of another type are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


def _flag(value: Any) -> Any:
    if isinstance(value, str):
        if value not in ("true", "false"):
            raise ValueError("must be true or false")
        return value == "true"
    return value


Flag = Annotated[bool, BeforeValidator(_flag)]
"""A boolean in a query string: ``true`` or ``false`` and nothing else."""

Q = TypeVar("Q", bound=Query)


@dataclass(slots=True)
class Call(Generic[Q]):
    """One request that may go ahead.

    :param tenant: the Kinde it was sent to.
    :param query: its checked query parameters.
    :param claims: its token's claims.
    :param settings: the settings at that moment.
    """

    tenant: Tenant
    query: Q
    claims: dict[str, Any]
    settings: Settings

    @property
    def store(self) -> Store:
        """The tenant's data."""
        return self.tenant.store

    def answer(self, data: Any, status: int = 200) -> Response:
        """A bare JSON answer."""
        if self.settings.extra_fields:
            data = _surprising(data)
        if self.settings.empty_lists == "null" and isinstance(data, dict):
            data = {name: value if value == [] else _without_empty_lists(value) for name, value in data.items()}
        return json_response(data, status)

    def done(self, status: int = 200, message: str = "Success", code: str = "OK", **data: Any) -> Response:
        """An answer in Kinde's envelope."""
        return self.answer({"code": code, "message": message, **data}, status)


def needs(scope: str, query: type[Query] = Query) -> Any:
    """A dependency: the request's token is valid and holds the scope, and its query parameters are as they should be.

    :param scope: for example ``read:users``.
    :param query: the model of the query parameters; none by default.
    """

    async def dependency(request: Request) -> Call[Any]:
        tenant: Tenant = request.scope["kinde.tenant"]
        settings = tenant.settings
        host = request.headers.get("host", "")
        claims = tenant.tokens.check(request.headers.get("authorization", ""), host, settings)
        request.scope["kinde.client"] = claims.get("azp")
        require(claims, scope)
        return Call(tenant, _parsed(request, query), claims, settings)

    return Depends(dependency)


def _parsed(request: Request, query: type[Query]) -> Query:
    values: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name in values:
            raise bad("INVALID_PARAMETER", f"The query parameter {name} was sent more than once", name)
        values[name] = value
    try:
        return query.model_validate(values)
    except ValidationError as error:
        raise invalid(error.errors(), "query parameter") from None


def invalid(errors: Any, what: Literal["query parameter", "field"]) -> ApiError:
    """A 400 for what pydantic found.

    :param errors: its list.
    :param what: what was checked.
    """
    first = errors[0]
    if first["type"] == "json_invalid":
        return bad("INVALID_JSON", "The body is not valid JSON")
    field = ".".join(str(part) for part in first["loc"] if part != "body")
    kind = "PARAMETER" if what == "query parameter" else "FIELD"
    if first["type"] == "extra_forbidden":
        return bad(f"UNKNOWN_{kind}", f"Unknown {what}: {field}", field)
    if first["type"] == "missing":
        return bad(f"MISSING_{kind}", f"Missing {what}: {field or 'body'}", field or None)
    return bad(f"INVALID_{kind}", f"Invalid {what} {field or 'body'}: {first['msg']}", field or None)


def json_response(data: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A JSON answer, encoded once and fast."""
    content = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    return Response(content, status, headers, media_type="application/json; charset=utf-8")


def _surprising(data: Any) -> Any:
    if isinstance(data, dict):
        return {
            **{key: _surprising(value) for key, value in data.items()},
            "x_unknown": {"nested": [None, 1]},
            "x_nothing": None,
        }
    if isinstance(data, list):
        return [_surprising(item) for item in data]
    return data


def _without_empty_lists(data: Any) -> Any:
    if isinstance(data, dict):
        return {name: _without_empty_lists(value) for name, value in data.items()}
    if isinstance(data, list):
        return [_without_empty_lists(item) for item in data] or None
    return data


def expand_of(text: str | None, *allowed: str) -> set[str]:
    """The parts of an ``expand`` parameter.

    :raises ApiError: 400 for a part that the operation does not have.
    """
    parts = {part.strip() for part in (text or "").split(",")} - {""}
    if unknown := sorted(parts - set(allowed)):
        raise bad(
            "INVALID_PARAMETER", f"Unknown expand: {', '.join(unknown)}; there are {', '.join(allowed)}", "expand"
        )
    return parts


def listed(text: str | None) -> list[str] | None:
    """The items of a comma-separated parameter; ``None`` when it was not sent."""
    return None if text is None else [part.strip() for part in text.split(",") if part.strip()]
