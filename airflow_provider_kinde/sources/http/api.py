"""The description of an API: its requests, its pages, and where rows and totals are in an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from airflow_provider_kinde.sources.http.login import AUTH_TYPES, Auth
from airflow_provider_kinde.sources.http.paths import Listed, Path, Shape
from airflow_provider_kinde.sources.http.reader import Reader

PAGE_TYPES = ("none", "offset", "page", "cursor", "next")
KEYS = (
    "url", "method", "query", "headers", "body", "auth", "format", "rows", "total", "pages", "id", "columns", "lists",
    "each", "changes", "empty_status", "restart_on", "timezone",
)  # fmt: skip
"""Keys of a description."""
QUIRKS = ("prefixes", "slashes", "restricted", "dates", "fields", "may_lack")
"""Further keys that only the descriptions of vendors have."""


@dataclass(frozen=True)
class Pages:
    """How pages follow one another.

    :param type: one of ``PAGE_TYPES``.
    :param param: the parameter of offset, page number or cursor.
    :param size_param: the parameter of the page size.
    :param size: rows per page.
    :param start: the first offset or page number.
    :param next: path of the next cursor or the next link; empty with ``next`` for the ``Link`` header.
    :param last: path of the number of pages.
    :param body: whether the parameters go into the JSON body instead of the query.
    :param overlap: whether each page begins with the last row of the page before (``offset``); the rows are compared.
    :param twice: whether the list is read a second time, with other page borders, and must hold the same people. This
        proves that it is complete. On, unless pages overlap.
    :param first: the cursor of the first request, if it must be sent.
    """

    type: str = "none"
    param: str = ""
    size_param: str = ""
    size: int = 0
    start: int = 0
    next: Path | None = None
    last: Path | None = None
    body: bool = False
    overlap: bool = True
    twice: bool = False
    first: str | None = None


@dataclass(frozen=True)
class Each:
    """One more request for each row, whose answer becomes columns of the row.

    :param url: its path, with ``{name}`` for a field of the row.
    :param into: the column that gets the answer.
    :param rows: path of the value in the answer.
    :param first: whether only the first item of a list is used.
    :param query: parameters of the request.
    :param lists: lists in the answer that become columns.
    :param together: how many of these requests run at once.
    """

    url: str
    into: str
    rows: Path
    first: bool = False
    query: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, Listed] = field(default_factory=dict)
    together: int = 4


@dataclass(frozen=True)
class Changes:
    """The request that tells whether anything changed since a moment.

    :param url: its path.
    :param query: its parameters; ``{since}`` is the moment.
    :param found: path of the changes in the answer: a list, an object or a number; an empty value means no change.
    """

    url: str
    query: Mapping[str, str]
    found: Path


@dataclass(frozen=True)
class Api:
    """The description of an API, as ``docs/sources/http.md`` explains its keys."""

    url: str
    method: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Mapping[str, Any] | None
    auth: Auth
    format: str
    rows: Path
    total: Path | None
    pages: Pages
    id: Path | None
    shape: Shape
    each: Each | None
    changes: Changes | None
    empty_status: frozenset[int]
    restart_on: tuple[str, ...]
    timezone: ZoneInfo


def read_api(values: Mapping[str, Any], error: Callable[[str, str], Exception]) -> Api:
    """Check a description.

    :param values: its keys, those of ``KEYS`` and ``QUIRKS``.
    :param error: makes the error of a key and a message.
    """
    reader = Reader(values, error)
    form = reader.choice("format", ("json", "csv"), "json")
    pages = _pages(reader)
    body = dict(reader.section("body").values) if values.get("body") is not None else None
    method = reader.choice("method", ("GET", "POST"), "GET")
    if body is not None and method == "GET":
        raise reader.fail("body", "a GET request has no body: set method: POST")
    if pages.body and method == "GET":
        raise reader.fail("pages.in", "a GET request has no body: set method: POST")
    if form == "csv":
        for name in ("rows", "total", "pages", "id", "lists", "columns", "each"):
            if values.get(name) is not None:
                raise reader.fail(name, "belongs to JSON; the format is csv")
    shape = Shape(
        columns={
            name: reader.make_path(f"columns.{name}", text)
            for name, text in (reader.texts("columns") if values.get("columns") is not None else {}).items()
        },
        lists=_lists(reader),
        prefixes=reader.texts("prefixes"),
        slashes=reader.flag("slashes", False),
        restricted=reader.text("restricted", ""),
        dates=reader.flag("dates", False),
        fields=reader.items("fields", str),
        may_lack=reader.items("may_lack", str),
    )
    return Api(
        url=reader.text("url"),
        method=method,
        query=reader.texts("query"),
        headers=reader.texts("headers"),
        body=body,
        auth=_auth(reader),
        format=form,
        rows=reader.path("rows") or Path(""),
        total=reader.path("total"),
        pages=pages,
        id=reader.path("id"),
        shape=shape,
        each=_each(reader),
        changes=_changes(reader),
        empty_status=frozenset(reader.items("empty_status", int)),
        restart_on=reader.items("restart_on", str),
        timezone=_zone(reader),
    )


def _zone(reader: Reader) -> ZoneInfo:
    name = reader.text("timezone", "UTC")
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise reader.fail("timezone", f"{name!r} is not a time zone such as Europe/Berlin") from None


def _auth(reader: Reader) -> Auth:
    value = reader.values.get("auth", "none")
    if isinstance(value, str):
        value = {"type": value}
    inner = Reader({"auth": value}, reader.error).section("auth")
    inner.known("type", "header", "prefix", "key_as_login", "token_url", "grant", "client", "scope", "fields")
    auth = Auth(
        type=inner.choice("type", AUTH_TYPES, "none"),
        header=inner.text("header", "Authorization"),
        prefix=inner.text("prefix", ""),
        key_as_login=inner.flag("key_as_login", False),
        token_url=inner.text("token_url", ""),
        grant=inner.choice("grant", ("client_credentials", "refresh_token"), "client_credentials"),
        client=inner.choice("client", ("body", "basic"), "body"),
        scope=inner.text("scope", ""),
        fields=inner.texts("fields"),
    )
    if auth.type == "oauth" and not auth.token_url:
        raise inner.fail("token_url", "is missing: where the token comes from")
    if auth.type == "header" and inner.values.get("header") is None:
        raise inner.fail("header", "is missing: the name of the header")
    return auth


def _pages(reader: Reader) -> Pages:
    if reader.values.get("pages") is None:
        return Pages()
    inner = reader.section("pages").known(
        "type", "param", "size_param", "size", "start", "next", "last", "in", "overlap", "twice", "first"
    )
    kind = inner.choice("type", PAGE_TYPES, "none")
    defaults = {"offset": "offset", "page": "page", "cursor": "cursor"}
    overlap = inner.flag("overlap", kind == "offset")
    pages = Pages(
        type=kind,
        param=inner.text("param", defaults.get(kind, "")),
        size_param=inner.text("size_param", ""),
        size=inner.whole("size", 0),
        start=inner.whole("start", 1 if kind == "page" else 0),
        next=inner.path("next"),
        last=inner.path("last"),
        body=inner.choice("in", ("query", "body"), "query") == "body",
        overlap=overlap,
        # Without an overlap one deleted and one added between two pages leave the total alone and hide a third.
        twice=inner.flag("twice", kind != "none" and not overlap),
        first=inner.text("first", "") if "first" in inner.values else None,
    )
    if kind == "cursor" and pages.next is None:
        raise inner.fail("next", "is missing: where in an answer the next cursor stands")
    if bool(pages.size) != bool(pages.size_param):
        raise inner.fail("size", "size and size_param go together")
    if kind == "none" and inner.values.keys() - {"type"}:
        raise inner.fail("type", f"one of {', '.join(PAGE_TYPES[1:])} is expected")
    if pages.overlap and kind != "offset":
        raise inner.fail("overlap", "only pages by offset can overlap")
    if pages.overlap and pages.size == 1:
        raise inner.fail("size", "pages that overlap hold 2 rows at least")
    return pages


def _lists(reader: Reader) -> dict[str, Listed]:
    if reader.values.get("lists") is None:
        return {}
    section = reader.section("lists")
    found = {}
    for name in section.values:
        inner = section.section(name).known("key", "value", "primary")
        found[name] = Listed(inner.text("key"), inner.text("value"), inner.text("primary", ""))
    return found


def _each(reader: Reader) -> Each | None:
    if reader.values.get("each") is None:
        return None
    inner = reader.section("each").known("url", "into", "rows", "first", "query", "lists", "together")
    return Each(
        url=inner.text("url"),
        into=inner.text("into"),
        rows=inner.path("rows") or Path(""),
        first=inner.flag("first", False),
        query=inner.texts("query"),
        lists=_lists(inner),
        together=inner.whole("together", 4, 1),
    )


def _changes(reader: Reader) -> Changes | None:
    if reader.values.get("changes") is None:
        return None
    inner = reader.section("changes").known("url", "query", "found")
    return Changes(inner.text("url"), inner.texts("query"), inner.path("found") or Path(""))
