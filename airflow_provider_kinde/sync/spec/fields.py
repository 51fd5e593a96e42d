"""The kinds of value that a spec holds: how each is checked, kept, and described to editors.

A check raises one of two errors: :func:`expected` ("a list is expected", to which the loader adds what it found), and
:func:`wrong` (the whole message). :mod:`~airflow_provider_kinde.sync.spec.loader` adds file, line and key.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    PlainValidator,
    Strict,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic import GetCoreSchemaHandler as Handler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from airflow_provider_kinde.resources.normalization import clean_email, email_key
from airflow_provider_kinde.sync.spec.expressions import Template, TemplateError, UnknownColumn

MAX_SHOWN = 40
"""Characters of a wrong value that a message repeats."""


def cut(text: str) -> str:
    """A text as messages show it: the first 40 characters.

    :param text: the text.
    """
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"


def expected(what: str) -> PydanticCustomError:
    """The error of a value of the wrong kind.

    :param what: what the key expects, such as ``text``; the loader makes "text is expected, found a list" of it.
    :returns: the error, to be raised.
    """
    return PydanticCustomError("expected", "{what}", {"what": what})


def wrong(message: str, line: int | None = None, inner: str = "") -> PydanticCustomError:
    """The error of a value of the right kind that cannot be used.

    :param message: what is wrong and what to write instead.
    :param line: the line, where it is not that of the key.
    :param inner: the key within the checked mapping that is wrong.
    :returns: the error, to be raised.
    """
    return PydanticCustomError("wrong", "{message}", {"message": message, "line": line, "inner": inner})


def note(info: ValidationInfo, key: str, message: str) -> None:
    """Tell about a mistake of another key; the check of this key goes on.

    :param info: what pydantic gives to a check.
    :param key: dotted key of the mistake.
    :param message: what is wrong and what was expected.
    :raises PydanticCustomError: there is no document that takes notes.
    """
    if info.context is None:
        raise wrong(f"{key}: {message}")
    info.context.fail(key, message)


class LocatedMapping(dict[str, Any]):
    """A mapping of the file, which knows its dotted key."""

    key: str = ""


class LocatedText(str):
    """A text of the file, which knows its dotted key and its line.

    ``first_line`` is the line of the first character: in a block it is the line after the key.
    """

    key: str
    line: int | None
    first_line: int


@dataclass(frozen=True)
class OtherScalar:
    """A value that YAML reads as no text, number, boolean or null: a date, or a number in another notation."""

    raw: str


def plain(value: Any) -> Any:
    """A value of the file in Python's own types.

    :param value: the value with its place in the file.
    :returns: the value without it; a date as the text that stands in the file.
    """
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, OtherScalar):
        return value.raw
    return str(value) if isinstance(value, str) else value


def null_is_left_out(schema: dict[str, Any]) -> None:
    """Let editors accept an empty value for every key that is not required.

    :param schema: the JSON schema of a section, which is changed.
    """
    required = schema.get("required", ())
    for name, part in schema.get("properties", {}).items():
        nullable = any(option.get("type") == "null" for option in part.get("anyOf", ()))
        if part.get("default", ...) in (None, "", []):
            del part["default"]
        if name in required or nullable:
            continue
        outer = {key: part.pop(key) for key in ("title", "description", "default", "examples") if key in part}
        schema["properties"][name] = {**outer, "anyOf": [part, {"type": "null"}]}


class Section(BaseModel):
    """A mapping with known keys. A key without a value counts as left out; an unknown key is an error."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True, json_schema_extra=null_is_left_out
    )

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, dict):
            return value
        known = cls.keys()
        if isinstance(value, LocatedMapping) and info.context is not None:
            for name in value:
                if name not in known:
                    info.context.unknown_key(value.key, name, known)
            value = {name: item for name, item in value.items() if name in known}
        return {name: item for name, item in value.items() if item is not None}

    @classmethod
    def keys(cls) -> list[str]:
        """The keys that the mapping may hold, as the file writes them."""
        return [field.alias or name for name, field in cls.model_fields.items()]


@dataclass(frozen=True)
class WrittenAs:
    """Marks a field that is kept in another form than the file writes it in.

    :param form: the type as the file writes it; the JSON schema shows this one.
    :param convert: makes the value that is kept. It takes the checked value and pydantic's ``info``.
    """

    form: Any
    convert: Callable[[Any, ValidationInfo], Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: Handler) -> CoreSchema:
        return core_schema.with_info_after_validator_function(
            self.convert,
            handler.generate_schema(self.form),
        )


@dataclass(frozen=True)
class IntegerBounds:
    """Marks an ``int`` field with its bounds.

    :param low: the least number.
    :param high: the greatest number.
    """

    low: int
    high: int = 10**9

    def __get_pydantic_core_schema__(self, source: Any, handler: Handler) -> CoreSchema:
        return core_schema.custom_error_schema(
            core_schema.int_schema(strict=True, ge=self.low, le=self.high),
            "expected",
            custom_error_message="{what}",
            custom_error_context={"what": f"a whole number from {self.low} to {self.high}"},
        )


Flag = Annotated[bool, Strict()]
"""True or false."""


# -- text --------------------------------------------------------------------------------------------------------------


def read_text(value: Any, what: str = "text") -> str:
    """Check a text that is the same for every row.

    :param value: the value.
    :param what: what the key expects, for the message.
    :returns: the text, trimmed.
    :raises PydanticCustomError: it is no text, is blank, or holds an expression.
    """
    if not isinstance(value, str):
        raise expected(what)
    if not value.strip():
        raise wrong(f"{what} is expected, found blanks only")
    if "{{" in value or "{%" in value:
        raise wrong(f"{what} is expected; an expression cannot stand here")
    return value.strip()


Text = Annotated[str, PlainValidator(read_text), WithJsonSchema({"type": "string", "minLength": 1})]
"""A text that is the same for every row."""


def _id(value: Any) -> str:
    """An HR id; one of digits may stand without quotation marks."""
    return read_text(str(value) if type(value) is int else value, "text: an HR id")


Id = Annotated[
    str,
    PlainValidator(_id),
    WithJsonSchema({"anyOf": [{"type": "string", "minLength": 1}, {"type": "integer"}]}),
]
"""An HR id."""

Ids = Annotated[frozenset[str], WrittenAs(list[Id], lambda found, info: frozenset(found))]
"""A list of HR ids; their order does not matter."""


def _key_of_role(value: Any) -> str:
    text = read_text(value)
    if re.search(r"\s", text):
        raise wrong(f"{cut(text)!r} is not a role key: keys hold no blanks")
    return text


RoleKey = Annotated[
    str, PlainValidator(_key_of_role), WithJsonSchema({"type": "string", "minLength": 1, "pattern": r"^\s*\S+\s*$"})
]
"""The key of a role in Kinde."""


def _address(text: str) -> str:
    try:
        return email_key(clean_email(text))
    except ValueError as error:
        raise wrong(f"{cut(text)!r} {error}") from None


Email = Annotated[Text, AfterValidator(_address)]
"""An e-mail address, normalized for comparing."""


def _day(value: Any) -> dt.date:
    text = value.raw if isinstance(value, OtherScalar) else value
    try:
        return dt.date.fromisoformat(text)
    except (ValueError, TypeError):
        raise wrong(f"{cut(str(text))!r} is not a day such as 2026-12-31") from None


Day = Annotated[dt.date, PlainValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
"""A day, such as 2026-12-31."""

Texts = Annotated[frozenset[str], WrittenAs(list[Text], lambda found, info: frozenset(found))]
"""A list of texts; their order does not matter."""

RoleKeys = Annotated[frozenset[str], WrittenAs(list[RoleKey], lambda found, info: frozenset(found))]
"""A list of role keys; their order does not matter."""

OrderedRoleKeys = Annotated[tuple[str, ...], WrittenAs(list[RoleKey], lambda found, info: tuple(dict.fromkeys(found)))]
"""A list of role keys, in the order of the file."""


# -- expressions -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Expression:
    """Marks a ``Template`` field.

    :param truth: it yields yes or no, so a YAML boolean may stand there as well.
    :param blank: a blank constant may stand there.
    """

    truth: bool = False
    blank: bool = False

    def __get_pydantic_core_schema__(self, source: Any, handler: Handler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.read)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        return {"type": ["string", "boolean"] if self.truth else "string"}

    def read(self, value: Any) -> Template:
        """Compile the expression.

        :param value: the text, or a boolean where ``truth`` is set.
        :returns: the compiled expression, which knows its key and line.
        :raises PydanticCustomError: it is no text, or not a valid expression.
        """
        if isinstance(value, Template):
            return value
        if isinstance(value, bool) and self.truth:
            value = str(value)
        if not isinstance(value, str):
            raise expected('text or an expression such as "{{ row.Column }}"')
        if not self.blank and not value.strip():
            raise wrong("an expression or a text is expected, found blanks only")
        key, line = getattr(value, "key", ""), getattr(value, "line", None)
        try:
            template = Template(str(value), key=key, line=line)
            if self.truth and template.constant:
                template.truth({})
        except (TemplateError, UnknownColumn) as error:
            inside = getattr(error, "line", None) or 1
            first = getattr(value, "first_line", None)
            raise wrong(f"{error} in {value.strip()[:200]!r}", first + inside - 1 if first else None) from None
        return template


Expr = Annotated[Template, Expression()]
"""An expression over the row, or a constant text."""

BlankExpr = Annotated[Template, Expression(blank=True)]
"""An expression over the row, or a constant text, which may be blank."""

TruthExpr = Annotated[Template, Expression(truth=True)]
"""An expression over the row that yields yes or no."""


# -- limits ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Limit:
    """The limit of a guard: a share of its base, or a plain number.

    :param share: the share, from 0 to 1.
    :param number: the number.
    """

    share: float | None = None
    number: int | None = None

    def __str__(self) -> str:
        return f"{self.share * 100:g}%" if self.share is not None else str(self.number)

    @classmethod
    def read(cls, value: Any) -> Limit:
        """Read a limit as the file writes it.

        :param value: ``10%``, or a whole number.
        :returns: the limit.
        :raises PydanticCustomError: it is neither.
        """
        if isinstance(value, Limit):
            return value
        if isinstance(value, str) and re.fullmatch(r"\d{1,3}(\.\d+)?\s*%", value.strip()):
            share = float(value.strip().rstrip("% ")) / 100
            if share <= 1:
                return cls(share=share)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**9:
            return cls(number=value)
        raise expected("a share from 0% to 100% or a whole number")


GuardLimit = Annotated[
    Limit,
    PlainValidator(Limit.read),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": r"^\s*\d{1,3}(\.\d+)?\s*%\s*$"},
                {"type": "integer", "minimum": 0, "maximum": 10**9},
            ]
        }
    ),
]
"""A share from 0% to 100%, or a whole number."""
