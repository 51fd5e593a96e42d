"""A request and a response, without a web framework."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kinde_emulator.errors import ApiError
from kinde_emulator.settings import Settings

if TYPE_CHECKING:
    from kinde_emulator.server.tenant import Tenant


@dataclass(slots=True)
class Request:
    """One HTTP request.

    :param tenant: the tenant that it was sent to.
    :param method: the HTTP method.
    :param path: the path, percent-decoded.
    :param query: the query parameters in order, decoded.
    :param headers: the headers, with names in lower case.
    :param body: the raw body.
    """

    tenant: Tenant
    method: str
    path: str
    query: list[tuple[str, str]]
    headers: Mapping[str, str]
    body: bytes
    client_id: str | None = None
    """The client whose token the request carries, once the token is checked."""

    @property
    def host(self) -> str:
        """The ``Host`` header."""
        return self.headers.get("host", "")

    @property
    def content_type(self) -> str:
        """The ``Content-Type`` header."""
        return self.headers.get("content-type", "")


@dataclass(slots=True)
class Response:
    """One HTTP response.

    :param status: the status code.
    :param body: the raw body.
    :param headers: headers, with names in lower case; ``content-length`` is added when the response is sent.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def json_response(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON response.

    :param data: what is encoded.
    :param status: the status code.
    :param headers: further headers.
    """
    body = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    return Response(status, body, {"content-type": "application/json; charset=utf-8", **(headers or {})})


def html_response(text: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An HTML response.

    :param text: the document.
    :param status: the status code.
    :param headers: further headers.
    """
    return Response(status, text.encode("utf-8"), {"content-type": "text/html; charset=utf-8", **(headers or {})})


def error_response(error: ApiError, settings: Settings) -> Response:
    """The response to an error of the Management API.

    :param error: the error.
    :param settings: ``not_found_shape`` says in which form a 404 is.
    """
    return json_response(error.body(settings.not_found_shape), error.status, error.headers)
