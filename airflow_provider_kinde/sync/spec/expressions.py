"""The expressions of a spec: Jinja, sandboxed and strict, over one row."""

from __future__ import annotations

import datetime as dt
import decimal
import math
from collections.abc import Callable, Container, Iterable, Mapping
from functools import lru_cache
from typing import Any

import jinja2
from jinja2.exceptions import SecurityError

from airflow_provider_kinde.sync.spec.cell_text import clean_inside, clean_row, shortened
from airflow_provider_kinde.sync.spec.expression_analysis import ExpressionAnalysis, prepare
from airflow_provider_kinde.sync.spec.expression_dates import LocalDays
from airflow_provider_kinde.sync.spec.filters import MAX_TEXT, as_text
from airflow_provider_kinde.sync.spec.sandbox import Sandbox

_MEMO_SIZE, _MEMO_TEXT = 32_768, 256
_MOST_DIGITS = 100
_TRUE, _FALSE = frozenset({"yes", "true", "1"}), frozenset({"no", "false", "0"})


class TemplateError(ValueError):
    """An expression cannot be compiled, or fails on a row.

    :param message: what is wrong.
    :param line: 1-based line within the expression, where known.
    """

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


class UnknownColumn(Exception):
    """An expression reads a column that the source does not have: the source has drifted, or the spec has a typo.

    :param column: the column's name.
    """

    def __init__(self, column: str) -> None:
        super().__init__(f"there is no column {column!r}")
        self.column = column


class RowView:
    """What an expression sees as ``row``.

    :param values: the row.
    :param known: the columns of the source, where they are known beforehand: any other is an error. Where each row
        names its own (``None``), one that this row lacks reads as blank, and is noted in ``missed``.
    :param missed: takes the names of columns that rows lack.
    :param place: tells the days of the place where the person of a row works; ``None`` where no day is known.
    """

    __slots__ = ("known", "missed", "place", "values")

    def __init__(
        self,
        values: Mapping[str, Any],
        known: Container[str] | None = None,
        missed: set[str] | None = None,
        place: Callable[[RowView], LocalDays] | None = None,
    ) -> None:
        self.values, self.known, self.missed, self.place = values, known, missed, place

    def local_days(self) -> LocalDays:
        """The days of the place where the person works.

        :raises TemplateError: no day is known where the expression is used.
        """
        if self.place is None:
            raise TemplateError("no day is known here: today and date cannot be used")
        return self.place(self)

    def __contains__(self, name: object) -> bool:
        return name in self.values

    def __repr__(self) -> str:
        return "row"

    def column(self, name: object) -> Any:
        """Value of one column as expressions read it: null and NaN are empty text, 10026.0 is 10026.

        :param name: the column's name.
        """
        try:
            value = self.values[name]  # type: ignore[index]
        except (KeyError, TypeError):
            name = str(name)
            if name in self.values:
                return self.column(name)
            if self.known is not None and name not in self.known:
                raise UnknownColumn(name) from None
            if self.missed is not None:
                self.missed.add(name)
            if inside := sorted(column for column in self.values if column.startswith(f"{name}."))[:3]:
                parts = ", ".join(inside)
                raise TemplateError(f"column {name!r} holds an object, not one value: read {parts} of it") from None
            return ""
        if type(value) is str:
            if len(value) > MAX_TEXT:
                raise TemplateError(f"column {name!r} holds more than {MAX_TEXT:,} characters")
            return value
        return plain(value)


def plain(value: Any) -> Any:
    """A cell as expressions see it: null and NaN are empty text, whole numbers have no ``.0``.

    :param value: the cell.
    """
    if value is None:
        return ""
    if isinstance(value, float):
        if math.isnan(value):
            return ""
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    if isinstance(value, decimal.Decimal):
        if value.is_nan():
            return ""
        # A number of a billion digits is ten characters long until it is made an int.
        whole = value.is_finite() and value.adjusted() < _MOST_DIGITS and value == value.to_integral_value()
        return int(value) if whole else value
    if isinstance(value, (bytes, bytearray, memoryview)):
        raise TemplateError("the column holds bytes, not text")
    return value


def is_blank(value: Any) -> bool:
    """Whether a cell holds nothing: null, NaN, blanks only, an empty list.

    :param value: the cell.
    """
    if type(value) is str:
        return not value or value.isspace()
    if value is None or value == [] or value == {}:
        return True
    return isinstance(value, (float, decimal.Decimal)) and value != value


class RowCache:
    """Remembers what a function of a row yields: it is a pure function of a few columns, and most hold few values.

    Only texts and nulls are remembered (``1`` and ``True`` are equal, and mean different things), never a failure.

    :param columns: the columns that the function reads; ``None`` where they are not known, then nothing is remembered.
    :param compute: the function.
    :param dated: it depends on the day as well.
    """

    __slots__ = ("_columns", "_compute", "_dated", "_fresh", "_known")

    def __init__(
        self, columns: Iterable[str] | None, compute: Callable[[RowView], Any], *, dated: bool = False
    ) -> None:
        self._columns = None if columns is None else tuple(columns)
        self._compute, self._dated = compute, dated
        self._known: dict[tuple[Any, ...], Any] = {}
        self._fresh = 0

    def __call__(self, view: RowView) -> Any:
        if self._columns is None:
            return self._compute(view)
        values, known = view.values, self._known
        try:
            key = tuple([values[column] for column in self._columns])
        except KeyError:
            return self._compute(view)
        if self._dated:
            key = (*key, view.local_days().key)
        try:
            found = known[key]  # Only texts and nulls are kept, and these are equal to nothing else.
        except KeyError:
            pass
        except TypeError:  # a list
            return self._compute(view)
        else:
            self._fresh -= 1
            return found
        for item in key:
            if item is not None and (type(item) is not str or len(item) > _MEMO_TEXT):
                return self._compute(view)
        found = known[key] = self._compute(view)
        self._fresh += 1
        if len(known) >= _MEMO_SIZE:
            if self._fresh > 0:  # more are new than seen before: remembering costs more than it saves
                self._columns = None
            known.clear()
            self._fresh = 0
        return found


@lru_cache(maxsize=512)
def _compiled(text: str) -> tuple[jinja2.Template, ExpressionAnalysis]:
    # A spec is read more than once in a process (a form reads it for each person), and compiling is most of reading it.
    reads = prepare(_ENVIRONMENT.parse(text), _ENVIRONMENT)
    return _ENVIRONMENT.from_string(reads.tree), reads


class Template:
    """One value of a spec: an expression over ``row``, or a constant.

    :param text: what stands in the spec.
    :param key: dotted key in the spec, for messages.
    :param line: line in the spec, for messages.
    :raises TemplateError: it is not a valid expression.
    """

    __slots__ = (
        "_column",
        "_compiled",
        "_constant",
        "_recall",
        "columns",
        "compared",
        "constant",
        "dated",
        "key",
        "line",
        "named",
        "optional",
        "text",
        "texts",
    )

    def __init__(self, text: str, *, key: str = "", line: int | None = None) -> None:
        self.text, self.key, self.line = text, key, line
        self.columns: frozenset[str] = frozenset()
        """Every column that the expression reads by a constant name."""
        self.optional: frozenset[str] = frozenset()
        """Those of them that need not exist (``row.x is defined``, ``row.x | default(…)``)."""
        self.texts: frozenset[str] = frozenset()
        """The constant texts in it, with which cells may be compared."""
        self.compared: dict[str, frozenset[str]] = {}
        """Column -> the texts with which the expression compares it."""
        self.named: dict[str, frozenset[tuple[str, bool]]] = {}
        """Column -> the texts that the expression asks for or excludes, and whether case counts."""
        self.dated = False
        """Whether the value depends on the day, or on how dates are written."""
        self.constant = True
        self._constant: Any = clean_inside(text)
        self._column: str | None = None
        self._compiled: jinja2.Template | None = None
        self._recall: RowCache | None = None
        if any(mark in text for mark in ("{{", "{%", "{#")):
            self._compile(text.strip())

    def _compile(self, text: str) -> None:
        try:
            self._compiled, reads = _compiled(text)
        except jinja2.TemplateSyntaxError as error:
            raise TemplateError(f"not a valid expression: {error.message}", error.lineno) from None
        except (RecursionError, MemoryError, SyntaxError):
            # Python's own compiler has limits that Jinja does not know.
            raise TemplateError("not a valid expression: it is too long or nested too deeply") from None
        except ValueError as error:
            raise TemplateError(f"not a valid expression: {str(error)[:200]}") from None
        self.columns, self.optional, self.texts = reads.columns, reads.optional, reads.texts
        self.compared, self.named, self.dated = reads.compared, reads.named, reads.dated
        self.constant = not reads.reads_row and not reads.dated
        if self.constant:
            self._constant = self._run(RowView({}))
            self._compiled = None
        elif reads.only_column is not None:
            self._column = reads.only_column
        elif not reads.dynamic:
            self._recall = RowCache(self.columns, self._run, dated=self.dated)

    def value(self, row: RowView | Mapping[str, Any]) -> Any:
        """Evaluate to a native value: text, a number, a boolean, a date.

        :param row: the row; as a mapping it may hold cells as the source writes them.
        :returns: what the expression yields; text when it is more than one ``{{ }}``.
        :raises TemplateError: it fails on this row.
        :raises UnknownColumn: it reads a column that the source does not have.
        """
        if self._compiled is None:
            return self._constant
        view = row if isinstance(row, RowView) else RowView(clean_row(row))
        if self._column is not None:
            return view.column(self._column)
        return self._run(view) if self._recall is None else self._recall(view)

    @property
    def column(self) -> str | None:
        """The one column that the expression is, without anything done to it; ``None`` for any other expression."""
        return self._column

    @property
    def pure(self) -> bool:
        """Whether the value follows from ``columns`` alone: no column is chosen by what another one holds."""
        return self._compiled is None or self._column is not None or self._recall is not None

    def _run(self, view: RowView) -> Any:
        assert self._compiled is not None
        try:
            names: dict[str, Any] = {"row": view}
            if self.dated:
                names["today"] = view.local_days().today
            context = self._compiled.new_context(names)
            text = "".join(self._compiled.root_render_func(context))
            result = context.vars.get("result", text)
            if isinstance(result, jinja2.Undefined):
                result._fail_with_undefined_error()
            return as_text(result) if isinstance(result, str) else result
        except (TemplateError, UnknownColumn):
            raise
        except TypeError as error:
            if self.dated and "NoneType" in str(error):
                raise TemplateError("a blank is used as a day") from None
            raise TemplateError(f"TypeError: {str(error)[:200]}") from None
        except (jinja2.TemplateError, SecurityError) as error:
            raise TemplateError(error.message or "fails") from None
        except RecursionError:
            raise TemplateError("is nested too deeply") from None
        except Exception as error:
            # Whatever an expression does to a row, it is that row's problem and never the run's.
            raise TemplateError(f"{type(error).__name__}: {str(error)[:200]}") from None

    def render(self, row: RowView | Mapping[str, Any]) -> str:
        """Evaluate to text.

        :param row: the row.
        :returns: text; nothing is empty text, whole numbers have no ``.0``.
        :raises TemplateError: it fails on this row, or yields a list.
        :raises UnknownColumn: it reads a column that the source does not have.
        """
        if self._column is not None and type(row) is RowView:  # as nearly every name and address is
            value = row.values.get(self._column)
            if type(value) is str and len(value) <= MAX_TEXT:
                return value
        value = self.value(row)
        if type(value) is str:
            return value
        try:
            return as_text(value)
        except SecurityError as error:
            raise TemplateError(error.message or "fails") from None

    def truth(self, row: RowView | Mapping[str, Any]) -> bool:
        """Evaluate to yes or no.

        :param row: the row.
        :returns: the boolean, or what yes / no / true / false / 1 / 0 in any case mean.
        :raises TemplateError: it fails on this row, or yields anything else.
        :raises UnknownColumn: it reads a column that the source does not have.
        """
        value = self.value(row)
        if value is True or value is False:
            return value
        text = as_text(value).strip().casefold() if isinstance(value, (str, int, float, dt.date)) else ""
        if text in _TRUE:
            return True
        if text in _FALSE:
            return False
        found = "a list" if isinstance(value, (list, tuple, dict)) else repr(shortened(text)) if text else "blank"
        raise TemplateError(f"yields {found} where yes or no is expected (a comparison, or yes/no/true/false/1/0)")

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self.text, self.key, self.line)

    def __repr__(self) -> str:
        return f"Template({self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Template) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)


def _rebuild(text: str, key: str, line: int | None) -> Template:
    return Template(text, key=key, line=line)


_ENVIRONMENT = Sandbox(RowView)
