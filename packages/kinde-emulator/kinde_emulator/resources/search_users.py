"""``/search/users``: the search for users."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

from kinde_emulator.data.shown import shown_users
from kinde_emulator.errors import bad
from kinde_emulator.server.http import Response
from kinde_emulator.server.operations import Call, Query, comma_separated, expand_of, get
from kinde_emulator.server.pagination import cursor_page


class SearchUsers(Query):
    """Query parameters of the search; ``properties[KEY]`` is one as well."""

    allow_unknown = True

    page_size: int | None = None
    query: str | None = None
    api_scopes: str | None = None
    starting_after: str | None = None
    ending_before: str | None = None
    expand: str | None = None


@get("/search/users", scope="read:users")
def search_users(call: Call[SearchUsers]) -> Response:
    """Finds users by name, address or property. A page with fewer users than asked for is the last.

    :param call: the checked request, with its query parameters.
    :raises ApiError: 400 if something that was sent is wrong.
    """
    query, where, values = call.query, [], []
    expand = expand_of(query.expand, "organizations", "identities", "properties")
    for name, value in query.unknown.items():
        key = name.removeprefix("properties[").removesuffix("]").removesuffix("][")
        if name != f"properties[{key}]":
            raise bad("UNKNOWN_PARAMETER", f"Unknown query parameter: {name}", name)
        where.append(
            "id IN (SELECT user_id FROM user_properties JOIN properties ON properties.id = property_id"
            " WHERE key = ? AND value IN (SELECT value FROM json_each(?)))"
        )
        values += [key, json.dumps(comma_separated(value))]
    if query.query not in (None, "", "*"):
        text = "%" + query.query.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        where.append(
            "(lower(coalesce(first_name, '') || ' ' || coalesce(last_name, '')) LIKE ? ESCAPE '\\' OR id IN"
            " (SELECT user_id FROM identities WHERE folded LIKE ? ESCAPE '\\'))"
        )
        values += [text, text]
    if call.settings.search_lag:
        where.append("created_on <= ?")
        values.append((datetime.now(timezone.utc) - timedelta(seconds=call.settings.search_lag)).isoformat())
    if query.api_scopes:
        where.append(
            "id IN (SELECT user_id FROM member_api_scopes JOIN api_scopes ON api_scopes.id = scope_id"
            " WHERE key IN (SELECT value FROM json_each(?)))"
        )
        values.append(json.dumps(comma_separated(query.api_scopes)))
    rows, _ = cursor_page(call, "SELECT * FROM users", where=where, values=values)
    return call.success(results=shown_users(call.db, call.settings, rows, expand, search=True))
