"""The way in beside Kinde's API, for other processes: log, state, seed, settings, faults. It is not logged."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request, Response

from .calls import json_response
from .errors import ApiError, bad
from .faults import Fault
from .seeding import seed
from .state import state
from .tenant import Tenant

router = APIRouter(prefix="/_emulator")


def _tenant(request: Request) -> Tenant:
    if request.headers.get("origin"):
        # A page of another site, open in the same browser, has no business here.
        raise ApiError(403, "BROWSER_REFUSED", "The control API does not answer to web pages")
    tenant: Tenant = request.scope["kinde.tenant"]
    return tenant


@router.get("/log")
async def get_log(request: Request, last: int | None = None) -> Response:
    """The requests so far, oldest first; ``last`` for so many of the latest."""
    return json_response(_tenant(request).log.entries(last))


@router.delete("/log")
async def clear_log(request: Request) -> Response:
    """Forgets the requests so far."""
    _tenant(request).log.clear()
    return json_response({})


@router.get("/state")
async def get_state(request: Request) -> Response:
    """Everything in the tenant."""
    return json_response(state(_tenant(request).store))


@router.post("/seed")
async def post_seed(request: Request, data: Annotated[dict[str, Any], Body()]) -> Response:
    """Puts data in; gives ids by name."""
    tenant = _tenant(request)
    try:
        return json_response(seed(tenant.store, tenant.settings, data))
    except ValueError as error:
        raise bad("INVALID_SEED", str(error)) from None


@router.get("/settings")
async def get_settings(request: Request) -> Response:
    """The settings now, the secret masked."""
    return json_response(_tenant(request).settings.to_dict())


@router.patch("/settings")
async def patch_settings(request: Request, data: Annotated[dict[str, Any], Body()]) -> Response:
    """Changes some settings."""
    try:
        return json_response(_tenant(request).change(data).to_dict())
    except ValueError as error:
        raise bad("INVALID_SETTING", str(error)) from None


@router.get("/faults")
async def get_faults(request: Request) -> Response:
    """The faults still to come."""
    return json_response([fault.to_dict() for fault in _tenant(request).faults.pending()])


@router.post("/faults")
async def post_fault(request: Request, data: Annotated[dict[str, Any], Body()]) -> Response:
    """Orders a fault."""
    try:
        fault = Fault(**data)
    except (TypeError, ValueError) as error:
        raise bad("INVALID_FAULT", str(error).replace("Fault.__init__() ", "")) from None
    return json_response(_tenant(request).faults.add(fault).to_dict(), 201)


@router.delete("/faults")
async def clear_faults(request: Request) -> Response:
    """Takes back all faults."""
    _tenant(request).faults.clear()
    return json_response({})


@router.delete("/faults/{fault_id}")
async def delete_fault(request: Request, fault_id: int) -> Response:
    """Takes back one fault."""
    if not _tenant(request).faults.remove(fault_id):
        raise ApiError(404, "FAULT_NOT_FOUND", "No such fault is waiting")
    return json_response({})


@router.post("/revoke_tokens")
async def revoke_tokens(request: Request) -> Response:
    """Makes every token issued so far invalid."""
    _tenant(request).tokens.revoke_all()
    return json_response({})
