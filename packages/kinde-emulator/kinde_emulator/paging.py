"""Both ways in which Kinde cuts lists into pages."""

from __future__ import annotations

import base64
import hashlib
import sqlite3
from collections.abc import Sequence
from typing import Any

from .calls import Call, Query
from .errors import bad
from .settings import Settings


class TokenQuery(Query):
    """Lists with ``next_token``."""

    page_size: int | None = None
    next_token: str | None = None


class CursorQuery(Query):
    """Lists with ``starting_after`` and ``ending_before``."""

    page_size: int | None = None
    starting_after: str | None = None
    ending_before: str | None = None


def token_page(
    call: Call[Any],
    select: str,
    *,
    where: Sequence[str] = (),
    values: Sequence[Any] = (),
    sorts: dict[str, str],
    default: str,
) -> tuple[list[sqlite3.Row], dict[str, Any]]:
    """One page of a list with ``next_token``.

    The token says where the page begins, by number: whoever changes the list between two pages sees items twice or
    never, as at Kinde.

    :param select: SQL up to WHERE.
    :param where: conditions that all hold.
    :param values: for their question marks.
    :param sorts: name of a sort -> SQL of ORDER BY, each ending in something unique.
    :param default: the sort when none was asked for.
    :returns: the rows, and what goes into the answer for the next page.
    """
    query: TokenQuery = call.query
    settings = call.settings
    size = _size(query.page_size, settings.page_size, settings.max_page_size)
    sort = getattr(query, "sort", None) or default
    if sort not in sorts:
        raise bad("INVALID_PARAMETER", f"Unknown sort: {sort}; there are {', '.join(sorts)}", "sort")
    digest = hashlib.sha256(repr((select, tuple(where), tuple(values))).encode()).hexdigest()[:8]
    page, offset = _position(query.next_token, digest, sort)
    condition = f" WHERE {' AND '.join(where)}" if where else ""
    with call.store.transaction() as db:
        rows = db.execute(
            f"{select}{condition} ORDER BY {sorts[sort]} LIMIT ? OFFSET ?", (*values, size + 1, offset)
        ).fetchall()
    if len(rows) > size:
        return rows[:size], {"next_token": _token(settings, page + 1, offset + size, digest, sort)}
    return rows, end(settings)


def end(settings: Settings) -> dict[str, Any]:
    """What stands in an answer after the last page."""
    if settings.next_token_end == "absent":
        return {}
    return {"next_token": None if settings.next_token_end == "null" else ""}


def cursor_page(
    call: Call[Any],
    select: str,
    *,
    where: Sequence[str] = (),
    values: Sequence[Any] = (),
    key: str = "id",
    size: int | None = None,
) -> tuple[list[sqlite3.Row], bool]:
    """One page of a list with ``starting_after`` and ``ending_before``, in the order of ``key``.

    :returns: the rows, and whether there are more in that direction.
    """
    query: CursorQuery = call.query
    if query.starting_after and query.ending_before:
        raise bad("TOO_MANY_PARAMETERS", "Only one of starting_after or ending_before may be specified")
    size = size or _size(query.page_size, call.settings.page_size, call.settings.max_cursor_page_size)
    conditions, arguments, order = list(where), list(values), "ASC"
    if query.starting_after:
        conditions.append(f"{key} > ?")
        arguments.append(query.starting_after)
    elif query.ending_before:
        conditions.append(f"{key} < ?")
        arguments.append(query.ending_before)
        order = "DESC"
    condition = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    with call.store.transaction() as db:
        rows = db.execute(f"{select}{condition} ORDER BY {key} {order} LIMIT ?", (*arguments, size + 1)).fetchall()
    more, rows = len(rows) > size, rows[:size]
    return (rows[::-1] if order == "DESC" else rows), more


def _size(asked: int | None, usual: int, most: int) -> int:
    if asked is None:
        return min(usual, most)
    if asked < 1:
        raise bad("INVALID_PARAMETER", "Page size must be 1 or more", "page_size")
    if asked > most:
        raise bad("PAGE_SIZE_LIMIT_EXCEEDED", f"Page size cannot be greater than {most}", "page_size")
    return asked


def _token(settings: Settings, page: int, offset: int, digest: str, sort: str) -> str:
    text = f"{page}:{offset}:{digest}:{sort}".encode("ascii")
    if settings.page_token == "opaque":
        return "nt-" + bytes(byte ^ 0x5A for byte in text).hex()
    return base64.b64encode(text).decode("ascii")


def _position(token: str | None, digest: str, sort: str) -> tuple[int, int]:
    if not token:
        return 1, 0
    try:
        if token.startswith("nt-"):
            text = bytes(byte ^ 0x5A for byte in bytes.fromhex(token[3:])).decode("ascii")
        else:
            text = base64.b64decode(token, validate=True).decode("ascii")
        page, offset, of_digest, of_sort = text.split(":")
        position = int(page), int(offset)
    except ValueError:
        raise bad("INVALID_NEXT_TOKEN", "The next_token is not valid", "next_token") from None
    if of_digest != digest or of_sort != sort or not 0 <= position[1] < 2**62:
        raise bad("INVALID_NEXT_TOKEN", "The next_token belongs to another list, filter or sort", "next_token")
    return position
