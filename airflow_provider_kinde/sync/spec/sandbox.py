"""The Jinja environment of a spec: Jinja's own sandbox, strict, with the filters that HR exports need.

Who writes a spec decides who has access, and is trusted like the author of code: nothing here bounds how long an
expression runs. What a cell of the source may hold is bounded where cells are read.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Protocol

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from airflow_provider_kinde.sync.spec.expression_dates import Day, LocalDays, days
from airflow_provider_kinde.sync.spec.filters import FILTERS, as_text

# Those of Jinja's filters that always yield the same for the same row.
_JINJA_FILTERS = (
    "abs", "count", "d", "default", "first", "format", "last", "length", "list", "map", "max", "min",
    "reject", "rejectattr", "reverse", "round", "select", "selectattr", "sort", "unique",
)  # fmt: skip
_JINJA_TEXT_FILTERS = ("capitalize", "lower", "title", "trim", "upper", "wordcount")


class RowType(Protocol):
    """The type of ``row``: an object whose attributes are columns."""

    def column(self, name: object) -> Any:
        """Value of one column.

        :param name: the name of the column.
        :returns: the value, as expressions see it.
        """


class Sandbox(ImmutableSandboxedEnvironment):
    """The environment in which every expression is compiled.

    :param row_type: the type of ``row``, whose attributes are columns and nothing else.
    """

    def __init__(self, row_type: type[RowType]) -> None:
        # Folding constants costs more than it saves: an expression is compiled once, and its values are remembered.
        super().__init__(
            undefined=jinja2.StrictUndefined, autoescape=False, finalize=as_text, cache_size=0, optimized=False
        )
        self._row_type = row_type
        self.globals = {"range": self.globals["range"], "days": days}
        own = {name: _of_text(self.filters[name]) for name in _JINJA_TEXT_FILTERS} | FILTERS
        self.filters = {name: self.filters[name] for name in _JINJA_FILTERS} | own | {"date": date}

    def getattr(self, obj: Any, attribute: str) -> Any:
        """``row.x`` is the column ``x``; anything else follows Jinja's sandbox.

        :param obj: the object.
        :param attribute: the name.
        """
        return obj.column(attribute) if type(obj) is self._row_type else super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """``row["x"]`` is the column ``x``; anything else follows Jinja's sandbox.

        :param obj: the object.
        :param argument: the key.
        """
        return obj.column(argument) if type(obj) is self._row_type else super().getitem(obj, argument)


@jinja2.pass_context
def date(context: jinja2.runtime.Context, value: Any, *formats: str) -> Day | None:
    """The day that a cell holds; a blank is none.

    :param context: the expression at work.
    :param value: the cell.
    :param formats: how it is written; as ``employment.date_format`` says when left out.
    :returns: the day, which compares with other days, and to which days can be added.
    """
    local: LocalDays = context.resolve("row").local_days()
    return local.read(value, *formats)


def _of_text(function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that is given text, whatever it is applied to: nothing is empty text, lists are refused."""

    @functools.wraps(function)
    def filtered(value: Any, *args: Any, **kwargs: Any) -> Any:
        return function(as_text(value), *args, **kwargs)

    return filtered
