"""The two ways in which Kinde divides lists into pages: ``next_token``, and ``starting_after``."""

from __future__ import annotations

import base64
import hashlib
import sqlite3
from collections.abc import Sequence
from typing import Any

from kinde_emulator.errors import bad
from kinde_emulator.server.operations import Call, Query
from kinde_emulator.settings import Settings


class TokenQuery(Query):
    """Query parameters of a list with ``next_token``."""

    page_size: int | None = None
    next_token: str | None = None


class SortedQuery(TokenQuery):
    """The same with ``sort``."""

    sort: str | None = None


class CursorQuery(Query):
    """Query parameters of a list with ``starting_after`` and ``ending_before``."""

    page_size: int | None = None
    starting_after: str | None = None
    ending_before: str | None = None


def token_page(
    call: Call[TokenQuery],
    select: str,
    *,
    where: Sequence[str] = (),
    values: Sequence[Any] = (),
    sorts: dict[str, str],
    default: str,
) -> tuple[list[sqlite3.Row], dict[str, Any]]:
    """One page of a list with ``next_token``.

    The token holds the number of the first item. If the list changes between two pages, items are repeated or missed,
    as at Kinde.

    :param call: the request.
    :param select: SQL up to WHERE.
    :param where: conditions that must all hold.
    :param values: the values of their question marks.
    :param sorts: SQL of ORDER BY by name of the sort, each ending in a unique column.
    :param default: the sort when the request names none.
    :returns: the rows, and the fields of the response that lead to the next page.
    """
    query, settings = call.query, call.settings
    size = _size(query.page_size, settings.page_size, settings.max_page_size)
    sort = getattr(query, "sort", None) or default
    if sort not in sorts:
        raise bad("INVALID_PARAMETER", f"Unknown sort: {sort}; there are {', '.join(sorts)}", "sort")
    digest = hashlib.sha256(repr((select, tuple(where), tuple(values))).encode()).hexdigest()[:8]
    page, offset = _position(query.next_token, digest, sort)
    # Counting up to the offset takes long in a list of a million: what was read last leads there as long as nothing
    # was written since.
    ends, order = call.tenant.page_ends, sorts[sort]
    conditions, arguments, skipped = list(where), list(values), offset
    known = ends.get((digest, sort))
    if known is not None and known[:2] == (call.db.total_changes, offset):
        conditions, arguments, skipped = [*conditions, f"{order} > ?"], [*arguments, known[2]], 0
    condition = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    rows = call.db.execute(
        f"{select}{condition} ORDER BY {order} LIMIT ? OFFSET ?", (*arguments, size + 1, skipped)
    ).fetchall()
    more, rows = len(rows) > size, rows[:size]
    if more and order.replace("_", "").replace(".", "").isalpha():  # one unique column, not several, nor a direction
        ends[digest, sort] = (call.db.total_changes, offset + size, rows[-1]["id"])
    if not more and settings.last_page == "null":
        return rows, list_end(settings)
    if not rows and query.next_token and settings.last_page == "empty_repeats_token":
        return rows, {"next_token": query.next_token}
    return rows, {"next_token": _token(settings, page + 1, offset + len(rows), digest, sort)}


def list_end(settings: Settings) -> dict[str, Any]:
    """The fields of the response after the last page of a list.

    :param settings: ``next_token_end`` says whether the token is null, empty or absent.
    """
    if settings.next_token_end == "absent":
        return {}
    return {"next_token": None if settings.next_token_end == "null" else ""}


def cursor_page(
    call: Call[Any],
    select: str,
    *,
    where: Sequence[str] = (),
    values: Sequence[Any] = (),
    size: int | None = None,
) -> tuple[list[sqlite3.Row], bool]:
    """One page of a list by id, with ``starting_after`` and, where the list has it, ``ending_before``.

    :param call: the request.
    :param select: SQL up to WHERE.
    :param where: conditions that must all hold.
    :param values: the values of their question marks.
    :param size: items on the page when the request does not say; the setting ``page_size`` when ``None``.
    :returns: the rows, and whether there are more in that direction.
    """
    after: str | None = call.query.starting_after
    before: str | None = getattr(call.query, "ending_before", None)
    if after and before:
        raise bad("TOO_MANY_PARAMETERS", "Only one of starting_after or ending_before may be specified")
    asked: int | None = getattr(call.query, "page_size", None)
    size = _size(asked, size or call.settings.page_size, call.settings.max_cursor_page_size)
    conditions, arguments, order = list(where), list(values), "ASC"
    if after:
        conditions.append("id > ?")
        arguments.append(after)
    elif before:
        conditions.append("id < ?")
        arguments.append(before)
        order = "DESC"
    condition = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    rows = call.db.execute(f"{select}{condition} ORDER BY id {order} LIMIT ?", (*arguments, size + 1)).fetchall()
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
