"""The page at ``/``, for a person."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

router = APIRouter()


@router.get("/")
async def index(request: Request) -> HTMLResponse:
    return HTMLResponse("<title>Kinde emulator</title>")
