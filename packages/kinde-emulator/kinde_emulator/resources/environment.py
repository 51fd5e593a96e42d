"""``/environment``: the environment itself."""

from __future__ import annotations

from kinde_emulator.server.http import Response
from kinde_emulator.server.operations import Call, Query, get


@get("/environment", scope="read:environments")
def get_environment(call: Call[Query]) -> Response:
    """Reads the environment; the setting ``environment_live`` says whether it is live.

    :param call: the checked request, with its query parameters.
    """
    live = call.settings.environment_live
    return call.success(
        environment={
            "code": "production" if live else "emulator",
            "name": "Production" if live else "Emulator",
            "is_default": live,
            "is_live": live,
            "kinde_domain": call.request.host,
            "custom_domain": None,
            "created_on": "2026-01-01T00:00:00+00:00",
        }
    )
