"""``/users/{user_id}/sessions``: the sessions of a user."""

from __future__ import annotations

from kinde_emulator.data.store import number
from kinde_emulator.data.users import find_user
from kinde_emulator.errors import ApiError
from kinde_emulator.server.http import Response
from kinde_emulator.server.operations import Call, Query, delete, get


@get("/users/{user_id}/sessions", scope="read:user_sessions")
def get_user_sessions(call: Call[Query], user_id: str) -> Response:
    """Lists the sessions of a user.

    :param call: the checked request, with its query parameters.
    :param user_id: Kinde's id of the user.
    :raises ApiError: 404 if there is no such user.
    """
    find_user(call.db, user_id, call.settings)
    rows = call.db.execute("SELECT * FROM sessions WHERE user_id = ? ORDER BY id", (user_id,))
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
            "last_ip_address": "127.0.0.1",
            "initial_ip_address": "127.0.0.1",
            "last_user_agent": "Emulator",
            "initial_user_agent": "Emulator",
        }
        for row in rows
    ]
    return call.success(has_more=False, sessions=sessions)


@delete("/users/{user_id}/sessions", scope="delete:user_sessions")
def delete_user_sessions(call: Call[Query], user_id: str) -> Response:
    """Ends all sessions of a user.

    :param call: the checked request, with its query parameters.
    :param user_id: Kinde's id of the user.
    :raises ApiError: 404 if there is no such user.
    """
    find_user(call.db, user_id, call.settings)
    if call.settings.no_sessions_status == 404 and not number(
        call.db, "SELECT count(*) FROM sessions WHERE user_id = ?", user_id
    ):
        raise ApiError(404, "SESSIONS_NOT_FOUND", "The user has no sessions")
    call.db.execute("DELETE FROM sessions WHERE user_id = ?", (user_id,))
    return call.success()
