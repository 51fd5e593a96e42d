"""Sessions of a user."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response

from .calls import Call, Query, needs
from .errors import ApiError
from .people import find_user
from .store import number

router = APIRouter()


@router.get("/api/v1/users/{user_id}/sessions")
async def get_user_sessions(call: Annotated[Call[Query], needs("read:user_sessions")], user_id: str) -> Response:
    """Lists sessions."""
    with call.store.transaction() as db:
        find_user(db, user_id, call.settings)
        rows = db.execute("SELECT * FROM sessions WHERE user_id = ? ORDER BY id", (user_id,)).fetchall()
    where = {"last_ip_address": "127.0.0.1", "initial_ip_address": "127.0.0.1"}
    agent = {"last_user_agent": "Emulator", "initial_user_agent": "Emulator"}
    sessions = [
        {
            "user_id": user_id,
            "org_code": row["org_code"],
            "client_id": call.claims["azp"],
            "expires_on": row["expires_on"],
            "session_id": row["id"],
            "started_on": row["started_on"],
            "updated_on": row["started_on"],
            "connection_id": None,
            **where,
            **agent,
        }
        for row in rows
    ]
    return call.done(has_more=False, sessions=sessions)


@router.delete("/api/v1/users/{user_id}/sessions")
async def delete_user_sessions(call: Annotated[Call[Query], needs("delete:user_sessions")], user_id: str) -> Response:
    """Ends all sessions."""
    with call.store.transaction() as db:
        find_user(db, user_id, call.settings)
        if call.settings.no_sessions_status == 404 and not number(
            db, "SELECT count(*) FROM sessions WHERE user_id = ?", user_id
        ):
            raise ApiError(404, "SESSIONS_NOT_FOUND", "The user has no sessions")
        db.execute("DELETE FROM sessions WHERE user_id = ?", (user_id,))
    return call.done()
