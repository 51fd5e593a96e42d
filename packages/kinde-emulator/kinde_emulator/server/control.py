"""The control API under ``/_emulator``, for other processes: log, state, seed, settings, faults. It is not logged."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from kinde_emulator.data.imports import import_users
from kinde_emulator.data.seeding import seed
from kinde_emulator.data.sign_ins import accept_invitation, sign_in
from kinde_emulator.data.state import state
from kinde_emulator.errors import ApiError, bad
from kinde_emulator.server.faults import Fault
from kinde_emulator.server.http import Request, Response, json_response
from kinde_emulator.server.routes import Handler, route
from kinde_emulator.server.tenant import Tenant


def control(method: str, path: str, invalid: str = "") -> Callable[[Handler], Handler]:
    """Declares a route below ``/_emulator`` that refuses web pages.

    :param method: the HTTP method.
    :param path: the path below ``/_emulator``.
    :param invalid: the error code of the 400 that a ``ValueError`` becomes; empty for a route that raises none.
    """

    def declare(function: Handler) -> Handler:
        @route(method, "/_emulator" + path)
        def handle(request: Request, **parameters: str) -> Response:
            if request.headers.get("origin"):
                # A page of another site, open in a browser on this machine, must not reach the control API.
                raise ApiError(403, "BROWSER_REFUSED", "The control API does not answer to web pages")
            try:
                return function(request.tenant, request, **parameters)
            except ValueError as error:
                if not invalid:
                    raise
                raise bad(invalid, str(error)) from None

        return handle

    return declare


def _json_object(request: Request) -> dict[str, Any]:
    try:
        data = json.loads(request.body)
    except (ValueError, RecursionError):
        raise bad("INVALID_JSON", "The body is not valid JSON") from None
    if not isinstance(data, dict):
        raise bad("INVALID_JSON", "The body must be a JSON object")
    return data


@control("GET", "/log")
def get_log(tenant: Tenant, request: Request) -> Response:
    """Shows the requests so far, oldest first; with ``last=N`` only the latest N.

    :param tenant: the tenant that is controlled.
    :param request: the request.
    """
    last = dict(request.query).get("last")
    if last is not None and not (last.isascii() and last.isdigit()):
        raise bad("INVALID_PARAMETER", "last must be a whole number", "last")
    return json_response(tenant.log.entries(None if last is None else int(last)))


@control("DELETE", "/log")
def clear_log(tenant: Tenant, request: Request) -> Response:
    """Empties the log.

    :param tenant: the tenant that is controlled.
    :param request: the request.
    """
    tenant.log.clear()
    return json_response({})


@control("GET", "/state")
def get_state(tenant: Tenant, request: Request) -> Response:
    """Shows everything in the tenant.

    :param tenant: the tenant that is controlled.
    :param request: the request.
    """
    return json_response(state(tenant.store))


@control("POST", "/seed", invalid="INVALID_SEED")
def post_seed(tenant: Tenant, request: Request) -> Response:
    """Adds data to the tenant; answers with ids by name.

    :param tenant: the tenant that is controlled.
    :param request: the request.
    """
    return json_response(seed(tenant.store, tenant.settings, _json_object(request)))


@control("POST", "/sign_in", invalid="INVALID_SIGN_IN")
def post_sign_in(tenant: Tenant, request: Request) -> Response:
    """Signs a user in by a connection; answers with the user's id, and whether the user was made just now.

    :param tenant: the tenant that is controlled.
    :param request: the request.
    """
    return json_response(sign_in(tenant.store, tenant.settings, _json_object(request)))


@control("POST", "/import", invalid="INVALID_IMPORT")
def post_import(tenant: Tenant, request: Request) -> Response:
    """Imports users; the body is an NDJSON file as Kinde's own import takes it.

    :param tenant: the tenant that is controlled.
    :param request: the request.
    """
    return json_response(import_users(tenant.store, tenant.settings, request.body.decode()))


@control("POST", "/accept_invitation", invalid="INVALID_INVITATION")
def post_accept_invitation(tenant: Tenant, request: Request) -> Response:
    """Accepts an invitation, named by its ``code``; answers with the user's id.

    :param tenant: the tenant that is controlled.
    :param request: the request.
    """
    code = _json_object(request).get("code")
    return json_response({"id": accept_invitation(tenant.store, tenant.settings, str(code))})


@control("GET", "/settings")
def get_settings(tenant: Tenant, request: Request) -> Response:
    """Shows the settings, with the client secret masked.

    :param tenant: the tenant that is controlled.
    :param request: the request.
    """
    return json_response(tenant.settings.to_dict())


@control("PATCH", "/settings", invalid="INVALID_SETTING")
def patch_settings(tenant: Tenant, request: Request) -> Response:
    """Changes settings.

    :param tenant: the tenant that is controlled.
    :param request: the request.
    """
    return json_response(tenant.change(_json_object(request)).to_dict())


@control("GET", "/faults")
def get_faults(tenant: Tenant, request: Request) -> Response:
    """Shows the faults that are still waiting.

    :param tenant: the tenant that is controlled.
    :param request: the request.
    """
    return json_response([fault.to_dict() for fault in tenant.faults.pending()])


@control("POST", "/faults")
def post_fault(tenant: Tenant, request: Request) -> Response:
    """Adds a fault.

    :param tenant: the tenant that is controlled.
    :param request: the request.
    """
    try:
        fault = Fault(**_json_object(request))
    except (TypeError, ValueError) as error:
        raise bad("INVALID_FAULT", str(error).replace("Fault.__init__() ", "")) from None
    return json_response(tenant.faults.add(fault).to_dict(), 201)


@control("DELETE", "/faults")
def clear_faults(tenant: Tenant, request: Request) -> Response:
    """Removes all faults.

    :param tenant: the tenant that is controlled.
    :param request: the request.
    """
    tenant.faults.clear()
    return json_response({})


@control("DELETE", "/faults/{fault_id}")
def delete_fault(tenant: Tenant, request: Request, fault_id: str) -> Response:
    """Removes one fault.

    :param tenant: the tenant that is controlled.
    :param request: the request.
    :param fault_id: number of the fault.
    """
    if not (fault_id.isascii() and fault_id.isdigit() and tenant.faults.remove(int(fault_id))):
        raise ApiError(404, "FAULT_NOT_FOUND", "No such fault is waiting")
    return json_response({})


@control("POST", "/revoke_tokens")
def revoke_tokens(tenant: Tenant, request: Request) -> Response:
    """Makes every token issued so far invalid.

    :param tenant: the tenant that is controlled.
    :param request: the request.
    """
    tenant.tokens.revoke_all()
    return json_response({})
