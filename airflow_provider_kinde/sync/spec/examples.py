"""The section ``tests`` of a spec: HR rows, and what must follow from them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, PrivateAttr, ValidationInfo, WithJsonSchema, model_validator

from airflow_provider_kinde.client.text import did_you_mean
from airflow_provider_kinde.sync.spec.fields import (
    OrderedRoleKeys,
    Section,
    Text,
    cut,
    expected,
    note,
    plain,
    wrong,
)

Cells = Mapping[str, Any]
"""Column -> cell of one row."""


def _day(value: Any) -> dt.date:
    raw = plain(value)
    try:
        return dt.date.fromisoformat(raw)
    except (TypeError, ValueError):
        raise expected("a day such as 2026-03-01") from None


def _rows(value: Any) -> tuple[Any, ...]:
    """The rows of a test; one row may stand without a list."""
    rows = value if isinstance(value, (list, tuple)) else [value]
    if not rows or not all(isinstance(row, dict) and row for row in rows):
        raise expected("a mapping of columns to cells, or a list of such mappings,")
    return tuple(rows)


def _cells(row: Mapping[str, Any], info: ValidationInfo) -> Cells:
    """The cells of a row. In a text file every cell is text: a number is then the text that the spec holds."""
    texts = getattr(info.data.get("source"), "file_format", "") == "csv"
    key, document = getattr(row, "key", ""), info.context
    found: dict[str, Any] = {}
    for column, cell in row.items():
        value = plain(cell)
        if texts and isinstance(value, (dict, list)):
            note(info, f"{key}.{column}", "a text is expected: the cells of this source are text")
        elif texts and value is not None and not isinstance(value, str):
            raw = document.raw(f"{key}.{column}") if document is not None else None
            value = str(value) if raw is None else raw
        found[column] = value
    return found


def _access(value: Any) -> str:
    known = {True: "true", False: "false", "keep": "keep", "grace": "grace"}
    if isinstance(value, (bool, str)) and value in known:
        return known[value]
    raise expected("true, false, keep or grace")


def _reason(value: Any) -> str:
    if value is True:
        return ""
    if isinstance(value, str) and value.strip():
        return value.strip()
    raise expected("true or a part of the reason")


Reason = Annotated[
    str, PlainValidator(_reason), WithJsonSchema({"anyOf": [{"type": "string", "minLength": 1}, {"const": True}]})
]
"""A part of a reason; empty where any reason will do."""


class ExpectSpec(Section):
    """What must follow from the rows of a test. What is left out is not compared."""

    access: (
        Annotated[
            Literal["true", "false", "keep", "grace"],
            PlainValidator(_access),
            WithJsonSchema({"enum": [True, False, "keep", "grace"]}),
        ]
        | None
    ) = Field(
        default=None,
        description="true: has access; false: has none; keep: starts later, so what is there stays and nothing is "
        "given; grace: the end date has passed, and what is there stays for some days.",
    )
    why: Text | None = Field(
        default=None, description="A part of the reason for access or no access, such as out of scope."
    )
    memberships: dict[str, OrderedRoleKeys] | None = Field(
        default=None, description="All organizations of the person by alias, each with all its role keys."
    )
    roles: OrderedRoleKeys | None = Field(
        default=None, description="All role keys of the person, in whichever organization."
    )
    email: Text | None = Field(default=None, description="The address that the person is given.")
    given_name: Text | None = Field(default=None, description="The first name that the person is given.")
    family_name: Text | None = Field(default=None, description="The last name that the person is given.")
    rejected: Reason | None = Field(
        default=None, description="The row is rejected: a part of the reason, or true for any reason."
    )
    held: Reason | None = Field(
        default=None,
        description="The person is held, because of another row, or because a blank cell would take something away: a "
        "part of the reason, or true for any reason.",
    )

    @model_validator(mode="after")
    def _something(self) -> ExpectSpec:
        given = {name for name in type(self).model_fields if getattr(self, name) is not None}
        if not given:
            raise wrong(f"at least one of {', '.join(type(self).model_fields)} is expected")
        if self.rejected is not None and given != {"rejected"}:
            raise wrong("a rejected row gives nothing else: leave all keys but rejected out")
        return self


class ExampleSpec(Section):
    """One test: rows as HR writes them, and what must follow from them."""

    name: Text | None = Field(default=None, description="What the test is about, for messages.")
    today: Annotated[dt.date, PlainValidator(_day), WithJsonSchema({"type": "string", "format": "date"})] | None = (
        Field(
            default=None,
            description="The day of the run, such as 2026-03-01 (at noon UTC); the present day when left out.",
        )
    )
    given: Annotated[
        tuple[Cells, ...],
        PlainValidator(_rows),
        WithJsonSchema(
            {
                "anyOf": [
                    {"type": "object", "minProperties": 1},
                    {"type": "array", "minItems": 1, "items": {"type": "object", "minProperties": 1}},
                ]
            }
        ),
    ] = Field(
        description="One row, or a list of rows of which the first is tested. Columns of id, address and names that "
        "are left out get made-up values; other columns are blank."
    )
    expect: ExpectSpec = Field(description="What must follow for the person of the first row.")
    _index: int = PrivateAttr(0)
    _line: int | None = PrivateAttr(None)

    @property
    def key(self) -> str:
        """The dotted key, such as ``tests[0]``."""
        return f"tests[{self._index}]"

    @property
    def line(self) -> int | None:
        """The line in the file."""
        return self._line

    @property
    def title(self) -> str:
        """The name in brackets, for messages; empty where the test has none."""
        return f" ({self.name})" if self.name else ""


def as_examples(found: list[ExampleSpec], info: ValidationInfo) -> tuple[ExampleSpec, ...]:
    """Read the section ``tests``: number the tests, and bring their cells into the form of the source.

    :param found: the tests as the file writes them.
    :param info: pydantic's context of the validation.
    """
    made = []
    for index, example in enumerate(found):
        example = example.model_copy(update={"given": tuple(_cells(row, info) for row in example.given)})
        example._index = index
        example._line = info.context.lines.get(f"tests[{index}]") if info.context else None
        made.append(example)
    return tuple(made)


def unknown_columns(examples: tuple[ExampleSpec, ...], columns: tuple[str, ...] | None) -> list[tuple[str, str]]:
    """Find the columns of tests that no expression reads: most are misspelt.

    :param examples: the tests.
    :param columns: the columns that the spec reads; ``None`` where the row decides which ones are read.
    :returns: key and message of each mistake.
    """
    if columns is None:
        return []
    found = []
    for example in examples:
        for number, row in enumerate(example.given):
            for column in row:
                if column not in columns:
                    hint = did_you_mean(column, columns, f"it reads {', '.join(columns)}")
                    key = f"{example.key}.given" + (f"[{number}]" if len(example.given) > 1 else "")
                    found.append((key, f"no expression of the spec reads a column {cut(column)!r}; {hint}"))
    return found
