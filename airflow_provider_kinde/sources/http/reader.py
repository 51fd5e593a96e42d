"""Reads the keys of an API's description, and checks their types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_kinde.sources.http.paths import Path


class Reader:
    """Reads the keys of a description. Every error names the key.

    :param values: the description.
    :param error: makes the error of a key and a message.
    :param where: the keys around the description, such as ``pages.``.
    """

    def __init__(self, values: Mapping[str, Any], error: Callable[[str, str], Exception], where: str = "") -> None:
        self.values, self.error, self.where = values, error, where

    def fail(self, name: str, message: str) -> Exception:
        """Make the error of a key.

        :param name: the key.
        :param message: what is wrong.
        :returns: the error, to be raised.
        """
        return self.error(f"{self.where}{name}", message)

    def known(self, *allowed: str) -> Reader:
        """Refuse unknown keys.

        :param allowed: the known keys.
        :returns: the reader itself.
        """
        for name in self.values:
            if name not in allowed:
                raise self.fail(str(name), f"unknown key; known are {', '.join(allowed)}")
        return self

    def text(self, name: str, default: str | None = None) -> str:
        """Read a text.

        :param name: the key.
        :param default: the value when left out; ``None`` if the key is required.
        :returns: the text.
        """
        value = self.values.get(name, default)
        if value is None:
            raise self.fail(name, "is missing")
        if not isinstance(value, str) or (value != default and not value.strip()) or "{{" in value:
            raise self.fail(name, f"text without expressions is expected, found {value!r}")
        return value

    def choice(self, name: str, allowed: tuple[str, ...], default: str) -> str:
        """Read one of several texts.

        :param name: the key.
        :param allowed: the texts.
        :param default: the value when left out.
        :returns: the text.
        """
        value = self.text(name, default)
        if value not in allowed:
            raise self.fail(name, f"one of {', '.join(allowed)} is expected, found {value!r}")
        return value

    def whole(self, name: str, default: int, least: int = 0) -> int:
        """Read a whole number.

        :param name: the key.
        :param default: the value when left out.
        :param least: the smallest number.
        :returns: the number.
        """
        value = self.values.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise self.fail(name, f"a whole number from {least} is expected, found {value!r}")
        return value

    def flag(self, name: str, default: bool) -> bool:
        """Read true or false.

        :param name: the key.
        :param default: the value when left out.
        :returns: the value.
        """
        value = self.values.get(name, default)
        if not isinstance(value, bool):
            raise self.fail(name, f"true or false is expected, found {value!r}")
        return value

    def path(self, name: str) -> Path | None:
        """Read a path into an answer.

        :param name: the key.
        :returns: the path; ``None`` when left out.
        """
        if self.values.get(name) is None:
            return None
        return self.make_path(name, self.text(name))

    def make_path(self, name: str, text: str) -> Path:
        """Make a path into an answer.

        :param name: the key, for the error.
        :param text: the path.
        :returns: the path.
        """
        try:
            return Path(text)
        except ValueError as error:
            raise self.fail(name, str(error)) from None

    def section(self, name: str) -> Reader:
        """Read a mapping.

        :param name: the key.
        :returns: a reader of its keys.
        """
        value = self.values.get(name)
        if not isinstance(value, Mapping):
            raise self.fail(name, f"a mapping is expected, found {value!r}")
        return Reader(value, self.error, f"{self.where}{name}.")

    def texts(self, name: str) -> dict[str, str]:
        """Read a mapping of names to plain values.

        :param name: the key.
        :returns: the values as text, as they are sent.
        """
        if self.values.get(name) is None:
            return {}
        section = self.section(name)
        found = {}
        for key, value in section.values.items():
            if isinstance(value, bool):
                value = "true" if value else "false"
            elif isinstance(value, (list, tuple)) and all(isinstance(item, (str, int)) for item in value):
                value = ",".join(map(str, value))
            if not isinstance(value, (str, int, float)) or "{{" in str(value):
                raise section.fail(str(key), f"text, a number or a list of them is expected, found {value!r}")
            found[str(key)] = str(value)
        return found

    def items(self, name: str, kind: type) -> tuple[Any, ...]:
        """Read a list.

        :param name: the key.
        :param kind: the type of its items.
        :returns: the items.
        """
        value = self.values.get(name, [])
        if not isinstance(value, (list, tuple)) or not all(type(item) is kind for item in value):
            raise self.fail(name, f"a list is expected, found {value!r}")
        return tuple(value)
