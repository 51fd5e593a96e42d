"""The web application: a request is logged, meets faults and limits, and is then answered by its route."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

from kinde_emulator.errors import ApiError, OAuthError, bad
from kinde_emulator.server.documented import unknown_route
from kinde_emulator.server.faults import Fault
from kinde_emulator.server.http import Request, Response, error_response, html_response, json_response
from kinde_emulator.server.loopback import names_this_machine
from kinde_emulator.server.request_log import readable_body
from kinde_emulator.server.routes import ROUTER
from kinde_emulator.server.tenant import Tenant

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

MAX_BODY = 10_000_000
"""Bytes of a request's body that are read."""
_LOGGER = logging.getLogger(__name__)


class ResponseLost(Exception):
    """The connection is closed without a response."""


class App:
    """The ASGI application of one tenant.

    :param tenant: the tenant that the requests are for.
    :param local: whether only this machine is listened to; requests for other host names are then refused.
    """

    def __init__(self, tenant: Tenant, local: bool = True) -> None:
        self._tenant = tenant
        self._local = local
        self.close_connection: Callable[[Any], None] = lambda client: None
        """Closes the connection of a client address; the web server sets it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        body = await _read(receive)
        if body is None:
            return
        query = scope["query_string"].decode("latin-1")
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        pairs = parse_qsl(query, keep_blank_values=True)
        request = Request(self._tenant, scope["method"], scope["path"], pairs, headers, body)
        if self._local and not names_this_machine(request.host):
            why = "The emulator answers to names of this machine only, such as 127.0.0.1"
            await _send(send, json_response({"errors": [{"code": "HOST_REFUSED", "message": why}]}, 403))
        elif request.path == "/" or request.path.startswith("/_emulator"):
            await _send(send, self._work(request))
        else:
            await self._logged(request, query, scope.get("client"), receive, send)

    async def _logged(self, request: Request, query: str, client: Any, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        path = request.path
        kind = "token" if path == "/oauth2/token" else "api" if path.startswith("/api/") else "public"
        log = self._tenant.log
        body, agent = readable_body(request.body, request.content_type), request.headers.get("user-agent", "")
        entry = log.begin(kind, request.method, path, query, body, agent)
        outcome: dict[str, Any] = {}
        try:
            response = await (self._limited if kind == "api" else self._faulted)(request, query, outcome)
        except ResponseLost:
            log.end(entry, started, client=request.client_id, **outcome)
            self.close_connection(client)
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        log.end(entry, started, client=request.client_id, status=response.status, **outcome)
        await _send(send, response)

    async def _limited(self, request: Request, query: str, outcome: dict[str, Any]) -> Response:
        tenant = self._tenant
        try:
            tenant.limiter.enter(tenant.settings)
        except ApiError as error:
            return self._error(error)
        until = time.monotonic() + tenant.settings.latency / 1000
        try:
            response = await self._faulted(request, query, outcome)
            # The work is part of the time that the request takes.
            if (left := until - time.monotonic()) > 0:
                await asyncio.sleep(left)
            return response
        finally:
            tenant.limiter.leave()

    async def _faulted(self, request: Request, query: str, outcome: dict[str, Any]) -> Response:
        fault = self._tenant.faults.take(request.method, request.path, query, request.body)
        if fault is None:
            return self._worked(request, outcome)
        outcome["fault"] = str(fault)
        if fault.delay:
            await asyncio.sleep(fault.delay)
        if fault.revoke_token:
            self._tenant.tokens.revoke(request.headers.get("authorization", ""))
        if fault.drop:
            raise ResponseLost
        if fault.status is None or fault.after_work:
            response = self._worked(request, outcome)
            if not fault.after_work:
                return response
            if fault.status is None:
                raise ResponseLost
        return _injected(fault)

    def _worked(self, request: Request, outcome: dict[str, Any]) -> Response:
        response = self._work(request)
        outcome["worked"] = response.status
        return response

    def _work(self, request: Request) -> Response:
        found = ROUTER.find(request)
        try:
            if found is None:
                return self._error(unknown_route(request))
            route, parameters = found
            return route.handler(request, **parameters)
        except ApiError as error:
            return self._error(error)
        except OAuthError as error:
            return json_response({"error": error.error, "error_description": error.description}, error.status)
        except UnicodeEncodeError:
            # Half a surrogate pair: JSON can spell it, no text can hold it.
            return self._error(bad("INVALID_JSON", "The body is not valid JSON"))
        except Exception:
            # A defect of this program: logged, and answered as a server answers its own defects.
            _LOGGER.exception("%s %s", request.method, request.path)
            return json_response({"errors": [{"code": "INTERNAL_ERROR", "message": "The emulator failed"}]}, 500)

    def _error(self, error: ApiError) -> Response:
        return error_response(error, self._tenant.settings)


async def _read(receive: Receive) -> bytes | None:
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body") or sum(map(len, parts)) > MAX_BODY:
            return b"".join(parts)


async def _send(send: Send, response: Response) -> None:
    headers = {**response.headers, "content-length": str(len(response.body))}
    pairs = [(name.lower().encode("latin-1"), str(value).encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": response.status, "headers": pairs})
    await send({"type": "http.response.body", "body": response.body})


def _injected(fault: Fault) -> Response:
    assert fault.status is not None
    headers = {name.lower(): str(value) for name, value in fault.headers.items()}
    if isinstance(fault.body, str):
        return html_response(fault.body, fault.status, headers)
    if fault.body is None and fault.status in (204, 304):
        return Response(fault.status, headers=headers)
    error = {"errors": [{"code": "INJECTED_FAULT", "message": f"Injected fault: {fault.status}"}]}
    body = json.dumps(error if fault.body is None else fault.body).encode("utf-8")
    return Response(fault.status, body, {"content-type": "application/json; charset=utf-8", **headers})
