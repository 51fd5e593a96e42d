"""``/organizations/{org_code}/sessions``: how long the sessions of an organization last."""

from __future__ import annotations

import json
from typing import Literal

from kinde_emulator.data.organizations import find_organization
from kinde_emulator.data.store import update
from kinde_emulator.server.http import Response
from kinde_emulator.server.operations import Body, Call, Query, patch


class UpdateSessions(Body):
    """The session policy. A field that is left out keeps its value."""

    is_use_org_sso_session_policy: bool | None = None
    sso_session_persistence_mode: Literal["persistent", "non_persistent"] | None = None
    is_use_org_authenticated_session_lifetime: bool | None = None
    authenticated_session_lifetime: int | None = None


@patch("/organizations/{org_code}/sessions", scope="update:organizations")
def update_organization_sessions(call: Call[Query], org_code: str, body: UpdateSessions) -> Response:
    """Changes the session policy of an organization.

    :param call: the checked request, with its query parameters.
    :param org_code: code of the organization.
    :param body: the checked JSON body.
    :raises ApiError: 404 if there is no such organization.
    """
    details = json.loads(find_organization(call.db, org_code, call.settings)["details"])
    details["sessions"] = {**details.get("sessions", {}), **body.to_dict(filled=True)}
    update(call.db, "organizations", "code", org_code, details=json.dumps(details))
    return call.success()
