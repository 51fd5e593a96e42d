"""The web application: every request passes the gate (log, faults, limits), then goes to its operation."""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from . import (
    control,
    directories,
    identities,
    invites,
    member_extras,
    member_roles,
    members,
    organization_extras,
    organizations,
    pages,
    properties,
    roles,
    search,
    sessions,
    users,
)
from .calls import invalid, json_response
from .errors import ApiError, OAuthError, bad, route_not_found
from .faults import Fault
from .log import readable_body
from .tenant import Tenant
from .visitors import is_ours

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# The busiest first: routes are tried in this order.
BUSIEST = (users, members, identities, sessions, search, organizations, member_roles, properties, roles)
OPERATIONS = (*BUSIEST, organization_extras, member_extras, invites, directories)
MAX_BODY = 10_000_000
_LOGGER = logging.getLogger(__name__)


class AnswerLost(Exception):
    """The connection is to be closed without an answer."""


@functools.lru_cache(maxsize=1)
def _application() -> FastAPI:
    """One application serves every tenant of this process: the gate says which one a request is for."""
    app = FastAPI(title="Kinde emulator", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    for module in OPERATIONS:
        app.include_router(module.router)
    app.include_router(control.router)
    app.include_router(pages.router)
    app.add_api_route("/oauth2/token", _token, methods=["POST"])
    app.add_api_route("/.well-known/jwks", _keys)
    app.add_api_route("/.well-known/jwks.json", _keys)
    app.add_api_route("/.well-known/openid-configuration", _discovery)
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(OAuthError, _oauth_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _no_route)
    return app


async def _token(request: Request) -> Response:
    tenant: Tenant = request.scope["kinde.tenant"]
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise OAuthError(400, "invalid_request", "The body must be application/x-www-form-urlencoded")
    pairs = parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True)
    form = dict(pairs)
    if len(form) < len(pairs):
        raise OAuthError(400, "invalid_request", "A parameter was sent more than once")
    authorization = request.headers.get("authorization", "")
    answer = tenant.tokens.issue(form, authorization, request.headers.get("host", ""), tenant.settings)
    return json_response(answer, headers={"cache-control": "no-store"})


async def _keys(request: Request) -> Response:
    return json_response({"keys": [request.scope["kinde.tenant"].tokens.jwk]})


async def _discovery(request: Request) -> Response:
    base = f"http://{request.headers.get('host', '')}"
    return json_response(
        {
            "issuer": base,
            "token_endpoint": f"{base}/oauth2/token",
            "jwks_uri": f"{base}/.well-known/jwks",
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": [],
            "subject_types_supported": ["public"],
        }
    )


async def _api_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return json_response(
        error.body(request.scope["kinde.tenant"].settings.not_found_shape), error.status, error.headers
    )


async def _oauth_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, OAuthError)
    return json_response({"error": error.error, "error_description": error.description}, error.status)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return await _api_error(request, invalid(error.errors(), "field"))


async def _no_route(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code in (404, 405):
        return await _api_error(request, route_not_found())
    return await _api_error(request, bad("INVALID_REQUEST", str(error.detail)))


class Gate:
    """What stands before the operations.

    :param tenant: whose requests these are.
    :param local: whether only this machine is listened to.
    """

    def __init__(self, tenant: Tenant, local: bool = True) -> None:
        self.app = _application()
        self._local = local
        self._tenant = tenant
        self.close_connection: Callable[[Any], None] = lambda client: None
        """Closes the connection of a client; the server sets it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["kinde.tenant"] = self._tenant
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope.get("headers", ())}
        if self._local and scope["type"] == "http" and not is_ours(headers.get("host", "")):
            why = "The emulator answers to names of this machine only, such as 127.0.0.1"
            for message in _messages(403, {"errors": [{"code": "HOST_REFUSED", "message": why}]}, {}):
                await send(message)
            return
        if scope["type"] != "http" or scope["path"] == "/" or scope["path"].startswith("/_emulator"):
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        body = await _read(receive)
        if body is None:
            return
        path, query = scope["path"], scope["query_string"].decode("latin-1")
        kind = "token" if path == "/oauth2/token" else "api" if path.startswith("/api/") else "public"
        log = self._tenant.log
        entry = log.begin(
            kind,
            scope["method"],
            path,
            query,
            readable_body(body, headers.get("content-type", "")),
            headers.get("user-agent", ""),
        )
        outcome: dict[str, Any] = {}
        try:
            answer = await self._answer(scope, body, headers, kind, query, outcome)
        except AnswerLost:
            log.end(entry, started, client=scope.get("kinde.client"), **outcome)
            self.close_connection(scope.get("client"))
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        log.end(entry, started, client=scope.get("kinde.client"), status=answer[0]["status"], **outcome)
        for message in answer:
            await send(message)

    async def _answer(
        self, scope: Scope, body: bytes, headers: dict[str, str], kind: str, query: str, outcome: dict[str, Any]
    ) -> list[Message]:
        tenant = self._tenant
        if kind != "api":
            return await self._befallen(scope, body, headers, query, outcome)
        try:
            tenant.limiter.enter(tenant.settings)
        except ApiError as error:
            return _messages(error.status, error.body(tenant.settings.not_found_shape), error.headers)
        until = time.monotonic() + tenant.settings.latency / 1000
        try:
            answer = await self._befallen(scope, body, headers, query, outcome)
            # The work is part of the time that the request takes.
            if (left := until - time.monotonic()) > 0:
                await asyncio.sleep(left)
            return answer
        finally:
            tenant.limiter.leave()

    async def _befallen(
        self, scope: Scope, body: bytes, headers: dict[str, str], query: str, outcome: dict[str, Any]
    ) -> list[Message]:
        fault = self._tenant.faults.take(scope["method"], scope["path"], query, body)
        if fault is None:
            return await self._work(scope, body, outcome)
        outcome["fault"] = str(fault)
        if fault.delay:
            await asyncio.sleep(fault.delay)
        if fault.revoke_token:
            self._tenant.tokens.revoke(headers.get("authorization", ""))
        if fault.drop:
            raise AnswerLost
        if fault.status is None or fault.after_work:
            answer = await self._work(scope, body, outcome)
            if not fault.after_work:
                return answer
            if fault.status is None:
                raise AnswerLost
        return _faulty(fault)

    async def _work(self, scope: Scope, body: bytes, outcome: dict[str, Any]) -> list[Message]:
        answer: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            answer.append(message)

        try:
            await self.app(scope, receive, send)
        except (RecursionError, UnicodeEncodeError):
            # Nested beyond reading, or half a surrogate pair: JSON on paper only.
            answer = _messages(400, bad("INVALID_JSON", "The body is not valid JSON").body("object"), {})
        except Exception:
            # A defect of this program: said here, and answered as a server answers its own defects.
            _LOGGER.exception("%s %s", scope["method"], scope["path"])
            answer = _messages(500, {"errors": [{"code": "INTERNAL_ERROR", "message": "The emulator failed"}]}, {})
        outcome["worked"] = answer[0]["status"]
        return answer


async def _read(receive: Receive) -> bytes | None:
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body") or sum(map(len, parts)) > MAX_BODY:
            return b"".join(parts)


def _faulty(fault: Fault) -> list[Message]:
    assert fault.status is not None
    body = fault.body
    if body is None and fault.status not in (204, 304):
        body = {"errors": [{"code": "INJECTED_FAULT", "message": f"Injected fault: {fault.status}"}]}
    return _messages(fault.status, body, dict(fault.headers))


def _messages(status: int, body: Any, headers: dict[str, str]) -> list[Message]:
    if isinstance(body, str):
        content, kind = body.encode("utf-8"), "text/html; charset=utf-8"
    else:
        content, kind = (b"" if body is None else json.dumps(body).encode("utf-8")), "application/json; charset=utf-8"
    named = {
        "content-type": kind,
        "content-length": str(len(content)),
        **{k.lower(): str(v) for k, v in headers.items()},
    }
    pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in named.items()]
    return [
        {"type": "http.response.start", "status": status, "headers": pairs},
        {"type": "http.response.body", "body": content},
    ]
