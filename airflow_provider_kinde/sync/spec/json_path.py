"""Where a value stands in a JSON answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_kinde.exceptions import SourceError

_PLAIN = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


class Path:
    """A JMESPath expression; names with dots between them need no further package.

    :param text: the expression; empty for the whole.
    :raises ValueError: it is not valid.
    :raises SourceError: jmespath is needed and not installed.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.find: Callable[[Any], Any]
        if not text or text == "@":
            self.find = lambda data: data
        elif _PLAIN.fullmatch(text):
            self.find = _walk(text.split("."))
        else:
            try:
                import jmespath
            except ImportError as error:
                message = f"the expression {text!r} needs jmespath: pip install 'airflow-provider-kinde[http]'"
                raise SourceError(message) from error
            try:
                compiled = jmespath.compile(text)
            except jmespath.exceptions.JMESPathError as error:
                raise ValueError(f"{text!r} is not a JMESPath expression: {str(error).splitlines()[0]}") from None
            self.find = _searched(compiled, jmespath.exceptions.JMESPathError)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Path) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __reduce__(self) -> tuple[type[Path], tuple[str]]:
        return Path, (self.text,)

    def __repr__(self) -> str:
        return f"Path({self.text!r})"


def _walk(names: list[str]) -> Callable[[Any], Any]:
    def find(data: Any) -> Any:
        for name in names:
            if not isinstance(data, Mapping):
                return None
            data = data.get(name)
        return data

    return find


def _searched(compiled: Any, wrong: type[Exception]) -> Callable[[Any], Any]:
    def find(data: Any) -> Any:
        try:
            return compiled.search(data)
        except wrong:
            # An expression that meets another type than it expects (length of null) finds nothing.
            return None

    return find
