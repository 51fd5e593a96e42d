"""Objects with typed fields, read from JSON or from a query string: bodies, query parameters, seeds."""

from __future__ import annotations

import copy
import types
import typing
from collections.abc import Collection
from datetime import datetime
from typing import Any, ClassVar, Literal, TypeVar

M = TypeVar("M", bound="Model")


_WORDS: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    str: "a text",
    list: "a list",
    dict: "an object",
    datetime: "a moment in ISO 8601",
}


class ModelError(ValueError):
    """A field that is unknown, missing or wrong.

    :param problem: what is wrong with it.
    :param message: the same in words.
    :param field: its path, such as ``users.0.id``; empty for the whole object.
    """

    def __init__(self, problem: Literal["unknown", "missing", "invalid"], message: str, field: str = "") -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.problem, self.message, self.field = problem, message, field


class Model:
    """An object whose annotations are its fields; a field with a value in the class may be left out.

    :param values: the fields that are given.
    """

    from_text: ClassVar[bool] = False
    """Whether values are texts of a query string, so that ``"10"`` is a whole number."""
    allow_unknown: ClassVar[bool] = False
    """Whether other fields are kept in :attr:`unknown` instead of being refused."""
    plain_field: ClassVar[str] = ""
    """The field that a plain text stands for: ``"admin"`` for ``{"key": "admin"}``; empty where objects are needed."""

    def __init__(self, **values: Any) -> None:
        for name in self.hints():
            setattr(self, name, values[name] if name in values else copy.copy(getattr(type(self), name)))
        self.given = frozenset(values)
        """Names of the fields that were given."""
        self.unknown: dict[str, Any] = {}
        """Fields that the model does not have."""

    @classmethod
    def hints(cls) -> dict[str, Any]:
        """The fields.

        :returns: types by name.
        """
        if "_hints" not in cls.__dict__:
            hints = typing.get_type_hints(cls)
            cls._hints = {name: hint for name, hint in hints.items() if typing.get_origin(hint) is not ClassVar}
        return cls._hints

    _hints: ClassVar[dict[str, Any]]

    @classmethod
    def parse(cls: type[M], data: Any) -> M:
        """Reads an object.

        :param data: decoded JSON, or the parameters of a query.
        :raises ModelError: for the first field that is unknown, missing or wrong.
        """
        if cls.plain_field and isinstance(data, str):
            data = {cls.plain_field: data}
        if not isinstance(data, dict):
            raise ModelError("invalid", "must be an object")
        hints, values = cls.hints(), {}
        for name, hint in hints.items():
            if name in data:
                values[name] = _read_field(data[name], hint, name, cls.from_text)
            elif not hasattr(cls, name):
                raise ModelError("missing", "is missing", name)
        unknown = {name: value for name, value in data.items() if name not in hints}
        if unknown and not cls.allow_unknown:
            raise ModelError("unknown", "is unknown", str(next(iter(unknown))))
        found = cls(**values)
        found.unknown = unknown
        return found

    def to_dict(self, *, given: bool = False, filled: bool = False, without: Collection[str] = ()) -> dict[str, Any]:
        """The fields as plain data.

        :param given: only fields that were given.
        :param filled: only fields that are not null.
        :param without: names of fields that are left out.
        :returns: values by name.
        """
        found = {
            name: _plain(getattr(self, name), given)
            for name in self.hints()
            if name not in without and (name in self.given or not given)
        }
        return {name: value for name, value in found.items() if value is not None or not filled}


def _plain(value: Any, given: bool) -> Any:
    if isinstance(value, Model):
        return value.to_dict(given=given)
    return [_plain(item, given) for item in value] if isinstance(value, list) else value


def _read_field(value: Any, hint: Any, name: object, from_text: bool) -> Any:
    try:
        return _read(value, hint, from_text)
    except ModelError as error:
        field = f"{name}.{error.field}" if error.field else str(name)
        raise ModelError(error.problem, error.message, field) from None


def _read(value: Any, hint: Any, from_text: bool) -> Any:
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        if value is None:
            return None
        return _read(value, next(part for part in parts if part is not types.NoneType), from_text)
    if origin is Literal:
        if value in parts:
            return value
        raise ModelError("invalid", "must be one of " + ", ".join(map(str, parts)))
    if origin is list and isinstance(value, list):
        return [_read_field(item, parts[0], index, from_text) for index, item in enumerate(value)]
    if origin is dict and isinstance(value, dict):
        return {name: _read_field(item, parts[1], name, from_text) for name, item in value.items()}
    if isinstance(hint, type) and issubclass(hint, Model):
        return hint.parse(value)
    if from_text and hint is not str:
        value = _from_text(value, hint)
    if type(value) is hint:
        return value
    raise ModelError("invalid", f"must be {_WORDS[origin or hint]}")


def _from_text(text: str, hint: type) -> Any:
    if hint is bool:
        return {"true": True, "false": False}.get(text)
    try:
        return int(text) if hint is int else datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
