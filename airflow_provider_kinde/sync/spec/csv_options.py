"""How a text file is written: its encoding, and for CSV delimiter and header. Files and HTTP sources share them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema

from airflow_provider_kinde.sync.spec.fields import IntegerBounds, Section, Text, WrittenAs, cut, expected, wrong

_DELIMITERS = {"tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}


def _encoding(name: str) -> str:
    try:
        "".encode(name)
        b"".decode(name)
    except (LookupError, ValueError, TypeError):
        raise wrong(f"{cut(name)!r} is not a text encoding such as utf-8, cp1252 or utf-16") from None
    return "utf-8-sig" if name.lower().replace("_", "-") in ("utf-8", "utf8") else name


def _delimiter(value: Any) -> str:
    found = _DELIMITERS.get(value, value) if isinstance(value, str) else ""
    if len(found) != 1 or found in '"\r\n ':
        raise expected("one of , ; | tab")
    return str(found)


def _header(names: list[str], info: Any) -> tuple[str, ...]:
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise wrong(f"{cut(doubled[0])!r} stands in it twice: each column needs a name of its own")
    return tuple(names)


Encoding = Annotated[Text, AfterValidator(_encoding)]
"""The name of an encoding, as Python knows it."""


class CsvOptions(Section):
    """How a CSV text is laid out."""

    delimiter: Annotated[str, PlainValidator(_delimiter), WithJsonSchema({"type": "string"})] | None = Field(
        default=None,
        description="Of CSV: `,` `;` `|` or `tab`. When left out, what a first line `sep=;` says, else `,`.",
    )
    skip_rows: Annotated[int, IntegerBounds(0, 1000)] = Field(
        default=0, description="Of CSV and xlsx: how many lines stand above the header."
    )
    header: Annotated[tuple[str, ...], WrittenAs(list[Text], _header)] = Field(
        default=(), description="Of CSV and xlsx without a header line: the names of the columns."
    )
