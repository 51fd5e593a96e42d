"""The search over users."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import ConfigDict

from .calls import Call, Query, expand_of, listed, needs
from .errors import bad
from .paging import cursor_page
from .users import shown_users

router = APIRouter()


class SearchUsers(Query):
    """GET /search/users; ``properties[key]`` comes beside these names."""

    model_config = ConfigDict(extra="allow")

    page_size: int | None = None
    query: str | None = None
    api_scopes: str | None = None
    starting_after: str | None = None
    ending_before: str | None = None
    expand: str | None = None


@router.get("/api/v1/search/users")
async def search_users(call: Annotated[Call[SearchUsers], needs("read:users", SearchUsers)]) -> Response:
    """Finds users by name, address or property; the end of the list is a short page."""
    query, where, values = call.query, [], []
    expand = expand_of(query.expand, "organizations", "identities", "properties")
    for name, value in (query.model_extra or {}).items():
        key = name.removeprefix("properties[").removesuffix("]").removesuffix("][")
        if name != f"properties[{key}]":
            raise bad("UNKNOWN_PARAMETER", f"Unknown query parameter: {name}", name)
        where.append(
            "id IN (SELECT user_id FROM user_properties JOIN properties ON properties.id = property_id"
            " WHERE key = ? AND value IN (SELECT value FROM json_each(?)))"
        )
        values += [key, json.dumps(listed(value))]
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
        values.append(json.dumps(listed(query.api_scopes)))
    rows, _ = cursor_page(call, "SELECT * FROM users", where=where, values=values)
    return call.done(results=shown_users(call, rows, expand, search=True))
