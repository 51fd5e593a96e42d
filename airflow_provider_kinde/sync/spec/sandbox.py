"""The Jinja environment of a spec: strict, pure, and bounded in time and memory.

Everything that an expression can call is on a list here; what can make text longer is bounded before it is run.
"""

from __future__ import annotations

import datetime as dt
import functools
import itertools
import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import jinja2
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import SandboxedEnvironment

from airflow_provider_kinde.sync.spec import filters as text_filters
from airflow_provider_kinde.sync.spec.filters import MAX_ITEMS, MAX_TEXT, as_text
from airflow_provider_kinde.sync.spec.syntax_tree import BOUNDED

# Jinja's own, as far as they are pure and cannot make more of what they are given.
_JINJA_FILTERS = (
    "abs", "count", "d", "default", "first", "float", "int", "last", "length", "list", "map", "max", "min",
    "reject", "rejectattr", "reverse", "select", "selectattr", "sort", "unique",
)  # fmt: skip
_JINJA_TEXT_FILTERS = ("capitalize", "lower", "title", "trim", "upper", "wordcount")

_STR = frozenset({
    "capitalize", "casefold", "center", "count", "endswith", "find", "format", "index", "isalnum", "isalpha",
    "isascii", "isdecimal", "isdigit", "isnumeric", "isspace", "islower", "istitle", "isupper", "join", "ljust",
    "lower", "lstrip", "partition", "removeprefix", "removesuffix", "replace", "rfind", "rindex", "rjust",
    "rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith", "strip", "swapcase", "title", "upper",
    "zfill",
})  # fmt: skip
_SEQUENCE = frozenset({"count", "index"})
_DATE = frozenset({"year", "month", "day", "isoformat", "weekday", "isoweekday"})
_LOOP = {"index", "index0", "revindex", "revindex0", "first", "last", "length", "previtem", "nextitem"}
_METHODS: tuple[tuple[type, frozenset[str]], ...] = (
    (str, _STR),
    (Mapping, frozenset({"get", "keys", "values", "items"})),
    (list, _SEQUENCE),
    (tuple, _SEQUENCE),
    (dt.datetime, _DATE | {"hour", "minute", "second", "date"}),
    (dt.date, _DATE),
    (LoopContext, frozenset(_LOOP)),
)
_WIDE = re.compile(r"\d{4,}|\*|\{[^}]*\{")


class RowType(Protocol):
    """What ``row`` is: an object whose attributes are columns."""

    def column(self, name: object) -> Any:
        """Value of one column."""


class _Strict(jinja2.StrictUndefined):
    """Any use is an error, with a message that a spec's author understands."""

    __slots__ = ()


class Sandbox(SandboxedEnvironment):
    """The environment in which every expression is compiled.

    :param row_type: the type of ``row``, whose attributes are columns and nothing else.
    """

    intercepted_binops = frozenset({"*", "**", "%", "+"})

    def __init__(self, row_type: type[RowType]) -> None:
        # Jinja's optimizer tries each part of an expression again for every part around it: cubic in its depth.
        super().__init__(undefined=_Strict, autoescape=False, finalize=_finalize, cache_size=0, optimized=False)
        self._row_type = row_type
        self.globals = {"range": _range}
        own = {name: _of_text(self.filters[name]) for name in _JINJA_TEXT_FILTERS} | text_filters.FILTERS
        self.filters = {name: self.filters[name] for name in _JINJA_FILTERS} | own
        for name in ("list", "reverse", "sort"):
            self.filters[name] = _of_bounded(self.filters[name])
        self.filters[BOUNDED] = bounded

    def getattr(self, obj: Any, attribute: str) -> Any:
        if type(obj) is self._row_type:
            return obj.column(attribute)
        if isinstance(obj, jinja2.Undefined):
            obj._fail_with_undefined_error()
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        for kind, allowed in _METHODS:
            if isinstance(obj, kind):
                if attribute in allowed:
                    return getattr(obj, attribute)
                break
        return self.undefined(obj=obj, name=attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if type(obj) is self._row_type:
            return obj.column(argument)
        try:
            return obj[argument]
        except (AttributeError, TypeError, LookupError):
            return self.undefined(obj=obj, name=argument)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return False

    def call(self, context: Context, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        if isinstance(function, jinja2.Undefined):
            function._fail_with_undefined_error()
        kwargs.pop("_loop_vars", None)  # Jinja's own, for functions that take its context: none here does
        owner = getattr(function, "__self__", None)
        if isinstance(owner, str):
            return _call_text(owner, function.__name__, args, kwargs)
        if function is not _range and not isinstance(owner, (Mapping, list, tuple, dt.date)):
            raise SecurityError("this cannot be called in a spec")
        return function(*args, **kwargs)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "%" and isinstance(left, str):
            return text_filters.format_text(left, *(right if isinstance(right, tuple) else (right,)))
        if operator == "**":
            if abs(right) > 64 or abs(left) > 10**6:
                raise SecurityError("the power is too large")
        elif operator == "*":
            _check_product(left, right)
            return bounded(super().call_binop(context, operator, left, right))
        elif operator == "+" and isinstance(left, (str, list, tuple)):
            _check_size(len(left) + len(right))
            return bounded(super().call_binop(context, operator, left, right))
        return super().call_binop(context, operator, left, right)


def _of_text(function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that is given text, whatever it is applied to: nothing is empty, lists are refused."""

    @functools.wraps(function)
    def filtered(value: Any, *args: Any, **kwargs: Any) -> Any:
        return function(as_text(value), *args, **kwargs)

    return filtered


def _of_bounded(function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter whose list is bounded, with all that is in it."""

    @functools.wraps(function)
    def filtered(*args: Any, **kwargs: Any) -> Any:
        return bounded(function(*args, **kwargs))

    return filtered


def bounded(value: Any) -> Any:
    """The value itself, when it holds so many items in all, each counted as often as it is held.

    A list that holds another one a thousand times is small, and looking for what it equals is not.
    """
    if isinstance(value, (list, tuple, dict)):
        count, stack = 0, [value]
        while stack:
            held = stack.pop()
            count += len(held)
            if count > MAX_ITEMS:
                raise SecurityError(f"a list may hold {MAX_ITEMS:,} items, those of lists in it included")
            items = itertools.chain(held, held.values()) if isinstance(held, dict) else held
            stack += [item for item in items if isinstance(item, (list, tuple, dict))]
    return value


def _finalize(value: Any) -> str:
    return as_text(value)


def _range(*args: int) -> range:
    result = range(*args)
    if len(result) > MAX_ITEMS:
        raise SecurityError(f"a range may have {MAX_ITEMS:,} items")
    return result


def _check_size(size: int) -> None:
    if size > MAX_TEXT:
        raise SecurityError(f"yields more than {MAX_TEXT:,} characters or items")


def _check_product(left: Any, right: Any) -> None:
    for sequence, times in ((left, right), (right, left)):
        if isinstance(sequence, (str, list, tuple)) and isinstance(times, int):
            _check_size(len(sequence) * max(times, 0))
    if isinstance(left, int) and isinstance(right, int) and left.bit_length() + right.bit_length() > 256:
        raise SecurityError("the product is too large")


def _call_text(text: str, method: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Call a method of a text, when what it yields is bounded."""
    if method == "format":
        if _WIDE.search(text):
            raise SecurityError("a format may be 999 characters wide, and its width is a number")
        for value in itertools.chain(args, kwargs.values()):
            as_text(value)
        if re.search(r"\{[^}:!]*[.\[]", text):
            raise SecurityError("a format may not look into its values")
    elif method in ("center", "ljust", "rjust", "zfill") and args:
        _check_size(args[0])
    elif method == "replace":
        return text_filters.replace(text, *args, **kwargs)
    elif method == "join":
        return text_filters.join(args[0] if args else (), text)
    result = getattr(text, method)(*args, **kwargs)
    if isinstance(result, str):
        _check_size(len(result))
    return result
