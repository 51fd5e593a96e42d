"""How a spec describes an API: the requests, how pages follow one another, where rows and totals stand."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, PlainValidator, ValidationInfo, WithJsonSchema, model_validator

from airflow_provider_kinde.sync.spec.csv_options import CsvOptions, Encoding
from airflow_provider_kinde.sync.spec.fields import (
    Flag,
    IntegerBounds,
    LocatedMapping,
    OtherScalar,
    Section,
    Text,
    WrittenAs,
    cut,
    expected,
    plain,
    read_text,
    wrong,
)
from airflow_provider_kinde.sync.spec.json_path import Path

_TEXT = {"type": "string"}


def _path(value: Any) -> Path:
    if isinstance(value, Path):
        return value
    try:
        return Path(read_text(value))
    except ValueError as error:
        raise wrong(str(error)) from None


def _zone(value: Any) -> ZoneInfo:
    if isinstance(value, ZoneInfo):
        return value
    name = read_text(value)
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise wrong(f"{cut(name)!r} is not a time zone such as Europe/Berlin") from None


def _sent(value: Any) -> str:
    if isinstance(value, OtherScalar):
        value = value.raw
    if isinstance(value, bool):
        value = "true" if value else "false"
    elif isinstance(value, (list, tuple)) and all(isinstance(item, (str, int)) for item in value):
        value = ",".join(map(str, value))
    if not isinstance(value, (str, int, float)) or "{{" in str(value):
        raise expected("text, a number or a list of them, without expressions,")
    return str(value)


JsonPath = Annotated[Path, PlainValidator(_path), WithJsonSchema(_TEXT)]
"""A JMESPath expression; names with dots between them need no further package."""
Zone = Annotated[ZoneInfo, PlainValidator(_zone), WithJsonSchema(_TEXT)]
"""The name of a time zone."""
Sent = Annotated[
    str, PlainValidator(_sent), WithJsonSchema({"type": ["string", "number", "boolean", "array"], "items": {}})
]
"""A plain value, as it is sent: a list is joined with commas."""
SentMapping = dict[str, Sent]
TextList = Annotated[tuple[str, ...], WrittenAs(list[Text], lambda found, info: tuple(found))]
NumberList = Annotated[
    frozenset[int], WrittenAs(list[Annotated[int, IntegerBounds(0)]], lambda found, info: frozenset(found))
]
JsonObject = Annotated[dict[str, Any], WrittenAs(dict[str, Any], lambda found, info: plain(found))]


class AuthSpec(Section):
    """How requests are authorized."""

    type: Literal["none", "basic", "bearer", "header", "oauth"] = Field(
        default="none", description="How the connection's login and password are sent."
    )
    header: Text | None = Field(default=None, description="With header: the name of the header.")
    prefix: str = Field(default="", description="What stands before the password in that header.")
    key_as_login: Flag = Field(default=False, description="With basic: the password is sent as the user name.")
    token_url: Text | None = Field(default=None, description="With oauth: where the token comes from.")
    grant: Literal["client_credentials", "refresh_token"] = Field(
        default="client_credentials", description="With oauth: refresh_token takes that of the connection's extra."
    )
    client: Literal["body", "basic"] = Field(
        default="body", description="With oauth: whether the client is shown in the form or in a header."
    )
    scope: Text | None = Field(default=None, description="With oauth: the scope of the token.")
    fields: SentMapping = Field(default_factory=dict, description="With oauth: further fields of the form.")

    @model_validator(mode="after")
    def _complete(self) -> AuthSpec:
        if self.type == "oauth" and not self.token_url:
            raise wrong("is missing: where the token comes from", inner="token_url")
        if self.type == "header" and self.header is None:
            raise wrong("is missing: the name of the header", inner="header")
        return self


Auth = Annotated[
    AuthSpec,
    BeforeValidator(
        lambda value: {"type": value} if isinstance(value, str) else value,
        json_schema_input_type=Literal["none", "basic", "bearer"] | AuthSpec,
    ),
]


def _page_defaults(value: Any) -> Any:
    """The defaults that depend on the type of the pages."""
    kind = value.get("type") if isinstance(value, dict) else None
    if not isinstance(kind, str) or kind == "none":
        return value
    overlap = value.get("overlap", kind == "offset")
    found = LocatedMapping({"start": int(kind == "page"), "overlap": kind == "offset"})
    # Without an overlap one deleted and one added between two pages leave the total alone and hide a third.
    found |= {"twice": not overlap}
    if kind in ("offset", "page", "cursor"):
        found["param"] = kind
    found |= {name: item for name, item in value.items() if item is not None}
    found.key = getattr(value, "key", "")
    return found


class PagesSpec(Section):
    """How pages follow one another."""

    type: Literal["none", "offset", "page", "cursor", "next"] = Field(
        default="none", description="What the next page is named by."
    )
    param: Text = Field(default="", description="The parameter of offset, page number or cursor.")
    size_param: Text = Field(default="", description="The parameter of the page size.")
    size: Annotated[int, IntegerBounds(0)] = Field(default=0, description="Rows to a page.")
    start: Annotated[int, IntegerBounds(0)] = Field(default=0, description="The first offset or page number.")
    next: JsonPath | None = Field(default=None, description="Where the next cursor or the next link stands.")
    last: JsonPath | None = Field(default=None, description="Where the number of pages stands.")
    place: Literal["query", "body"] = Field(
        default="query", alias="in", description="Whether the parameters go into the query or the JSON body."
    )
    overlap: Flag = Field(
        default=False, description="With offset: each page begins with the last row of the page before."
    )
    twice: Flag = Field(default=False, description="Read the list a second time with other pages, and compare ids.")
    first: str | None = Field(default=None, description="The cursor of the first request, where it must be sent.")

    @model_validator(mode="after")
    def _agrees(self) -> PagesSpec:
        if self.type == "cursor" and self.next is None:
            raise wrong("is missing: the path of the next cursor in a response", inner="next")
        if bool(self.size) != bool(self.size_param):
            raise wrong("size and size_param go together", inner="size")
        if self.type == "none" and self.model_fields_set - {"type"}:
            raise wrong("one of offset, page, cursor, next is expected", inner="type")
        if self.overlap and self.type != "offset":
            raise wrong("only pages by offset can overlap", inner="overlap")
        if self.overlap and self.size == 1:
            raise wrong("pages that overlap need a size of at least 2", inner="size")
        return self


Pages = Annotated[PagesSpec, BeforeValidator(_page_defaults, json_schema_input_type=PagesSpec)]


class ListColumns(Section):
    """A list of small objects that becomes one column for each: ``emails`` by ``type`` gives ``emails.work``."""

    key: Text = Field(description="The field that names the column.")
    value: Text = Field(description="The field that holds its value.")
    primary: Text | None = Field(
        default=None, description="The field that marks the item which is also the column `primary`."
    )


class EachSpec(Section):
    """A request for every row, whose answer becomes columns of it."""

    url: Text = Field(description="The path, with {name} for a field of the row.")
    into: Text = Field(description="The column under which the answer stands.")
    rows: JsonPath = Field(default=Path(""), description="Where in the answer it stands.")
    first: Flag = Field(default=False, description="Of a list, only the first item.")
    query: SentMapping = Field(default_factory=dict, description="Parameters.")
    lists: dict[str, ListColumns] = Field(default_factory=dict, description="Lists that become columns.")
    together: Annotated[int, IntegerBounds(1)] = Field(default=4, description="How many requests are sent at once.")


class ChangesSpec(Section):
    """How to ask, in one small request, whether anything changed: since a moment, or by ETag."""

    url: Text | None = Field(default=None, description="The path; with etag, that of the list when left out.")
    etag: Flag = Field(default=False, description="The ETag of the answer tells whether anything changed.")
    query: SentMapping = Field(default_factory=dict, description="Parameters; {since} is the moment.")
    found: JsonPath = Field(
        default=Path(""), description="Where the changes stand: a list, an object or a number; nothing is no change."
    )

    @model_validator(mode="after")
    def _asks_somewhere(self) -> ChangesSpec:
        if self.url is None and not self.etag:
            raise wrong("is missing: the path that lists the changes (or etag: true)", inner="url")
        if self.etag and "found" in self.model_fields_set:
            raise wrong("belongs to a list of changes: leave it out beside etag: true", inner="found")
        return self


class ApiDescription(CsvOptions):
    """An API, described."""

    url: Text = Field(description="A path below the connection's host, or a whole address.")
    method: Literal["GET", "POST"] = Field(default="GET", description="The method of the request for the list.")
    query: SentMapping = Field(
        default_factory=dict, description="Parameters; {today}, {today+14} are dates in timezone."
    )
    headers: SentMapping = Field(default_factory=dict, description="Further headers.")
    body: JsonObject | None = Field(default=None, description="The JSON of a POST.")
    auth: Auth = Field(default_factory=AuthSpec, description="How requests are authorized.")
    format: Literal["json", "csv"] = Field(default="json", description="What the API answers with.")
    encoding: Encoding | None = Field(
        default=None, description="The encoding of answers; when left out, the charset that they name, else UTF-8."
    )
    rows: JsonPath = Field(default=Path(""), description="Where in an answer the list of rows stands (JMESPath).")
    total: JsonPath | None = Field(default=None, description="Where the number of all rows stands (JMESPath).")
    pages: Pages = Field(default_factory=PagesSpec, description="How pages follow one another.")
    id: JsonPath | None = Field(default=None, description="Where in a row its id stands (JMESPath).")
    columns: dict[str, JsonPath] = Field(default_factory=dict, description="Further columns, by JMESPath over the row.")
    lists: dict[str, ListColumns] = Field(default_factory=dict, description="Lists that become columns.")
    each: EachSpec | None = Field(default=None, description="A request for every row.")
    changes: ChangesSpec | None = Field(default=None, description="How to ask whether anything changed.")
    empty_status: NumberList = Field(default=frozenset(), description="Statuses that mean that the list is empty.")
    restart_on: TextList = Field(
        default=(), description="Words in an error after the first page that mean: begin again."
    )
    timezone: Zone = Field(default=ZoneInfo("UTC"), description="Of {today}.")

    @model_validator(mode="after")
    def _one_request(self, info: ValidationInfo) -> ApiDescription:
        if self.body is not None and self.method == "GET":
            raise wrong("a GET request has no body: set method: POST", inner="body")
        by_etag = self.changes is not None and self.changes.etag and self.changes.url is None
        if by_etag and (self.pages.type != "none" or self.method != "GET"):
            raise wrong("an ETag is about one page, and this source reads several: give changes.url", inner="changes")
        if self.pages.place == "body" and self.method == "GET":
            raise wrong("a GET request has no body: set method: POST", inner="pages.in")
        if self.format == "csv":
            for name in ("rows", "total", "pages", "id", "lists", "columns", "each"):
                if name in self.model_fields_set:
                    raise wrong("belongs to JSON; the format is csv", inner=name)
        else:
            for name in CsvOptions.model_fields:
                if name in self.model_fields_set:
                    raise wrong("belongs to CSV: set format: csv", inner=name)
        return self


class VendorDescription(ApiDescription):
    """An API as the files in ``sources/vendors`` describe it, with what only single vendors do."""

    prefixes: SentMapping = Field(default_factory=dict, description="Beginnings of columns -> what they become.")
    slashes: Flag = Field(default=False, description="Columns come as /work/title: {value: …}, as HiBob writes them.")
    restricted: Text = Field(default="", description="The field that lists what the account may not see.")
    dates: Flag = Field(default=False, description="Midnight with an offset is that day, as Workday writes it.")
    fields: TextList = Field(default=(), description="Columns that the request names: each is in every row.")
    may_lack: TextList = Field(default=(), description="Columns that a row leaves out when they are blank.")
