"""The options of each type of source. A new type is a class here, an entry in ``SOURCE_TYPES``, and its reader."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Hashable
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic import GetCoreSchemaHandler as Handler
from pydantic_core import CoreSchema, core_schema

from airflow_provider_kinde.client.text import did_you_mean
from airflow_provider_kinde.sync.spec.api_description import ApiDescription, SentMapping, TextList, Zone
from airflow_provider_kinde.sync.spec.csv_options import CsvOptions, Encoding
from airflow_provider_kinde.sync.spec.fields import (
    Flag,
    IntegerBounds,
    Section,
    Text,
    cut,
    expected,
    note,
    read_text,
    wrong,
)

SUFFIXES = {
    ".csv": "csv", ".tsv": "csv", ".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet",
    ".pq": "parquet", ".xlsx": "xlsx", ".xlsm": "xlsx",
}  # fmt: skip
_AGE = re.compile(r"(\d{1,5})\s*(h|hours?|d|days?)")
_TYPE = "The type of the source; each has options of its own."
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


def _null_values(value: Any) -> frozenset[str]:
    if isinstance(value, frozenset):
        return value
    if not isinstance(value, list):
        raise expected('a list of texts such as [NULL, "#N/A"]')
    found: set[str] = set()
    for item in value:
        if item is None:
            # YAML reads the word NULL without quotes as null.
            found |= {"NULL", "Null", "null"}
        elif isinstance(item, int) and not isinstance(item, bool):
            found.add(str(item))
        else:
            found.add(read_text(item))
    return frozenset(found)


NullValues = Annotated[
    frozenset[str],
    PlainValidator(_null_values),
    WithJsonSchema({"type": "array", "items": {"type": ["string", "integer", "null"]}}),
]
"""Texts that mean "no value"."""


class SourceSpec(Section):
    """Where the HR rows come from: what every type of source has."""

    type: str
    null_values: NullValues = Field(
        default=frozenset(),
        description="Texts that mean that a cell is blank, compared as they are written.",
        examples=[["NULL", "#N/A"]],
    )


class RowProof(Section):
    """What proves that the source is whole."""

    min_rows: Annotated[int, IntegerBounds(1)] | None = Field(
        default=None, description="The source has so many rows or more."
    )


# -- files and databases -----------------------------------------------------------------------------------------------


def _trailer(text: str) -> str:
    if text.count("{rows}") != 1:
        raise wrong(f"{{rows}} is expected once in it, for the number; found {cut(text)!r}")
    return text


class FileProof(RowProof):
    """What proves that a file is whole."""

    trailer: Annotated[Text, AfterValidator(_trailer)] | None = Field(
        default=None, description="The last line, with {rows} for the number of rows and {any} for anything."
    )
    manifest: Text | None = Field(default=None, description="The path of a file that states rows or checksum.")


def _paths(value: Any) -> tuple[str, ...]:
    if isinstance(value, tuple):
        return value
    if isinstance(value, list):
        if not value:
            raise expected("a path or a list of paths")
        return tuple(read_text(item, "a path") for item in value)
    return (read_text(value),)


def _age(value: Any) -> float:
    if isinstance(value, float):
        return value
    match = _AGE.fullmatch(value.strip()) if isinstance(value, str) else None
    if not match or not int(match[1]):
        raise expected("a time such as 26h or 2 days")
    return float(match[1]) * (3600 if match[2].startswith("h") else 86400)


Paths = Annotated[
    tuple[str, ...],
    PlainValidator(_paths),
    WithJsonSchema({"anyOf": [{"type": "string", "minLength": 1}, {"type": "array", "items": {"type": "string"}}]}),
]


class FileOptions(CsvOptions, SourceSpec):
    """Rows from files: CSV, JSON, JSON lines, Parquet or Excel workbooks."""

    type: Literal["file"] = Field(description=_TYPE)
    path: Paths = Field(
        description="The file: relative to this one, or a URL of an object storage; `*` and {today} may stand in it. "
        "Several files in a list are one source."
    )
    newest: Literal["name", "time", "all"] = Field(
        default="name", description="Which file a path with `*` means: the last by name, the last by time, or all."
    )
    max_age: Annotated[float, PlainValidator(_age), WithJsonSchema({"type": "string"})] | None = Field(
        default=None, description="How long ago the file may have been written, such as 26h or 2 days."
    )
    timezone: Zone = Field(default=ZoneInfo("UTC"), description="Of {today}.")
    conn_id: Text | None = Field(default=None, description="The Airflow connection of the storage.")
    format: Literal["csv", "json", "jsonl", "parquet", "xlsx"] | None = Field(
        default=None, description="What the file is; by its suffix when left out."
    )
    encoding: Encoding = Field(default="utf-8-sig", description="The encoding of a text file.")
    rows: Text | None = Field(default=None, description="For a JSON object: the key of the list of rows in it.")
    keyed_by: Text | None = Field(
        default=None, description="For a JSON object whose keys are ids: the column that takes the key."
    )
    sheet: Text | None = Field(default=None, description="Of a workbook: the name of the sheet; the first one else.")
    expect: FileProof = Field(default_factory=FileProof, description="Proofs that the file is whole.")

    @property
    def suffix(self) -> str:
        """The suffix of the file, in small letters, without `.gz`."""
        try:
            path = urlsplit(self.path[0]).path if "://" in self.path[0] else self.path[0]
        except ValueError:
            path = self.path[0]
        return posixpath.splitext(path.lower().removesuffix(".gz"))[1]

    @property
    def file_format(self) -> str:
        """``format``, or what the suffix says."""
        return self.format or SUFFIXES.get(self.suffix, "")

    @model_validator(mode="after")
    def _fits_the_format(self, info: ValidationInfo) -> FileOptions:
        form = self.file_format
        if not form:
            known = ", ".join(dict.fromkeys(SUFFIXES.values()))
            raise wrong(f"{self.suffix!r} does not say what the file is: one of {known} is expected", inner="format")
        if self.rows and form != "json":
            note(info, "source.rows", "names the list within a JSON object; this file is not json")
        if self.keyed_by and form != "json":
            note(info, "source.keyed_by", "names the column for the keys of a JSON object; this file is not json")
        if self.sheet and form != "xlsx":
            note(info, "source.sheet", "names the sheet of an Excel workbook; this file is not xlsx")
        for path in self.path:
            if found := re.search(r"\{(?!today([+-]\d{1,4})?(:[^{}]+)?\})[A-Za-z_][^{}]*\}", path):
                note(
                    info,
                    "source.path",
                    f"{cut(found[0])} is not known; known are {{today}}, {{today-1}}, {{today:YYYYMMDD}}",
                )
        several = len(self.path) > 1 or (self.newest == "all" and "*" in self.path[0])
        manifest = self.expect.manifest or ""
        if several and manifest and "{path}" not in manifest:
            note(info, "source.expect.manifest", "each file needs one of its own, such as {path}.sha256")
        if self.expect.trailer is not None and form not in ("csv", "jsonl"):
            message = f"a {form} file has no last line; min_rows and manifest can be used"
            note(info, "source.expect.trailer", message)
        return self


class SqlOptions(SourceSpec):
    """Rows from one query."""

    type: Literal["sql"] = Field(description=_TYPE)
    conn_id: Text = Field(description="The Airflow connection of the database.")
    query: Text | None = Field(default=None, description="One statement that reads. This or file.")
    file: Text | None = Field(default=None, description="A file with the statement, relative to this one.")
    watermark: Text | None = Field(
        default=None, description="A small query whose result differs whenever HR's data changed."
    )
    expect: RowProof = Field(default_factory=RowProof, description="Proof that the result is whole.")

    @model_validator(mode="after")
    def _one_statement(self) -> SqlOptions:
        if (self.query is None) == (self.file is None):
            raise wrong("is expected: the SELECT, or file: with its path", inner="query")
        return self


# -- APIs --------------------------------------------------------------------------------------------------------------


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 1 <= value <= 3600:
        raise expected("a number from 1 to 3600")
    return float(value)


Number = Annotated[float, PlainValidator(_number), WithJsonSchema({"type": "number", "minimum": 1, "maximum": 3600})]


class _OverHttp(SourceSpec):
    """What every source that speaks HTTP has."""

    conn_id: Text | None = Field(default=None, description="The Airflow connection with address and credentials.")
    timeout: Number = Field(default=60.0, description="Seconds without a byte.")
    tries: Number = Field(default=5.0, description="How often one request is sent at most.")
    expect: RowProof = Field(default_factory=RowProof, description="Proof that the list is whole.")


class HttpOptions(_OverHttp, ApiDescription):
    """Rows from any JSON API, described in the spec."""

    type: Literal["http"] = Field(description=_TYPE)

    @model_validator(mode="after")
    def _has_an_address(self) -> HttpOptions:
        if self.conn_id is None and (self.auth.type != "none" or "://" not in self.url):
            raise wrong("is missing: the id of the Airflow connection with address and credentials", inner="conn_id")
        return self


class VendorOptions(_OverHttp):
    """Rows from the API of one vendor."""

    conn_id: Text = Field(description="The Airflow connection with the credentials.")


class ScimOptions(VendorOptions):
    """Rows from the users of a SCIM 2.0 service."""

    type: Literal["scim"] = Field(description=_TYPE)
    path: Text = Field(default="Users", description="The resource.")
    filter: Text | None = Field(default=None, description="A SCIM filter. A user who falls out of it is absent.")
    attributes: TextList = Field(default=(), description="The attributes to ask for; all when left out.")
    paging: Literal["index", "cursor"] = Field(default="index", description="How pages follow one another.")
    page_size: Annotated[int, IntegerBounds(2)] = Field(default=100, description="Users to a page.")
    auth: Literal["bearer", "basic", "oauth"] = Field(default="bearer", description="How requests are authorized.")
    token_url: Text | None = Field(default=None, description="With oauth: where the token comes from.")
    scope: Text | None = Field(default=None, description="With oauth: the scope of the token.")

    @model_validator(mode="after")
    def _has_a_token_url(self) -> ScimOptions:
        if self.auth == "oauth" and self.token_url is None:
            raise wrong("is missing: where the token comes from", inner="token_url")
        return self


def _company(text: str) -> str:
    if not _LABEL.fullmatch(text):
        raise wrong(f"a name as in acme.bamboohr.com is expected, found {cut(text)!r}")
    return text


class BambooHrOptions(VendorOptions):
    """Rows from BambooHR."""

    type: Literal["bamboohr"] = Field(description=_TYPE)
    company: Annotated[Text, AfterValidator(_company)] | None = Field(
        default=None, description="The name before .bamboohr.com; the connection's host when left out."
    )
    endpoint: Literal["employees", "directory"] = Field(
        default="employees", description="All people by cursor, or the directory of active people."
    )
    auth: Literal["key", "bearer"] = Field(default="key", description="An API key, or an OAuth access token.")
    fields: TextList | None = Field(
        default=None, description="What to ask for; the columns that the spec reads when left out."
    )
    only_current: Flag | None = Field(
        default=None,
        alias="onlyCurrent",
        description="Sent as it is: false asks for people whose first day is ahead as well. Not sent when left out.",
    )
    page_size: Annotated[int, IntegerBounds(1)] = Field(default=500, description="Employees to a page.")


class HiBobOptions(VendorOptions):
    """Rows from HiBob."""

    type: Literal["hibob"] = Field(description=_TYPE)
    fields: TextList | None = Field(
        default=None, description="Field ids to ask for; the columns that the spec reads when left out."
    )
    human_readable: Flag = Field(default=True, description="Names of list entries rather than their ids.")


class PersonioOptions(VendorOptions):
    """Rows from Personio."""

    type: Literal["personio"] = Field(description=_TYPE)
    employments: Flag = Field(default=True, description="Ask for the employments of every person: one request each.")
    twice: Flag = Field(default=True, description="Read the list of persons twice, as proof that it is whole.")
    together: Annotated[int, IntegerBounds(1)] = Field(
        default=4, description="How many of these requests are sent at once."
    )


class WorkdayOptions(VendorOptions):
    """Rows from a Workday report (RaaS)."""

    type: Literal["workday"] = Field(description=_TYPE)
    report: Text = Field(description="tenant/owner/report, as in the report's web service address.")
    format: Literal["json", "csv"] = Field(default="json", description="What the report is read as.")
    prompts: SentMapping = Field(default_factory=dict, description="The report's prompts, as parameters.")
    auth: Literal["basic", "oauth"] = Field(default="basic", description="How requests are authorized.")
    tenant: Text | None = Field(default=None, description="With oauth: the tenant's name.")
    timezone: Zone = Field(default=ZoneInfo("America/Los_Angeles"), description="Of {today}.")

    @model_validator(mode="after")
    def _has_a_tenant(self) -> WorkdayOptions:
        if self.auth == "oauth" and self.tenant is None:
            raise wrong("is missing", inner="tenant")
        return self


SOURCE_TYPES: dict[str, type[SourceSpec]] = {
    "file": FileOptions,
    "sql": SqlOptions,
    "http": HttpOptions,
    "scim": ScimOptions,
    "bamboohr": BambooHrOptions,
    "hibob": HiBobOptions,
    "personio": PersonioOptions,
    "workday": WorkdayOptions,
}
"""``source.type`` -> its options."""


def _known_type(value: Any) -> Any:
    if not isinstance(value, (dict, SourceSpec)):
        raise expected("a mapping")
    kind = value.get("type") if isinstance(value, dict) else value.type
    if kind is None:
        raise wrong("is missing", inner="type")
    if kind not in SOURCE_TYPES:
        hint = did_you_mean(str(kind), sorted(SOURCE_TYPES))
        raise wrong(f"{cut(str(kind))!r} is not a type of source; {hint}", inner="type")
    return value


class _ByType:
    """Marks the field whose options depend on ``type``."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Handler) -> CoreSchema:
        choices: dict[Hashable, CoreSchema] = {
            f"<{kind}>": handler.generate_schema(options) for kind, options in SOURCE_TYPES.items()
        }
        return core_schema.tagged_union_schema(
            choices, lambda value: f"<{value.get('type') if isinstance(value, dict) else value.type}>"
        )


AnySource = Annotated[SourceSpec, _ByType(), BeforeValidator(_known_type)]
