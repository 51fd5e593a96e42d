"""Texts such as ``NULL`` that an export writes where a cell has no value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any

NULL_TEXTS = frozenset(
    {
        "NULL", "Null", "null", "(null)", "<null>", "\\N", "None", "NONE", "nil", "Nil", "NIL", "NaN", "nan", "N/A",
        "n/a", "#N/A", "#n/a", "#N/D", "#NV", "#REF!", "#NAME?", "#VALUE!", "-", "--",
    }
)  # fmt: skip
"""What databases, programming languages and Excel write for "no value"."""


class NullTexts:
    """Counts cells that hold such a text, which nothing in the spec says to read as blank.

    :param columns: the columns that the spec reads; ``None``: all.
    """

    def __init__(self, columns: Collection[str] | None) -> None:
        self._columns = columns
        self._found: Counter[tuple[str, str]] = Counter()

    def look_at(self, values: Mapping[str, Any]) -> None:
        """Take note of one row.

        :param values: column -> cell.
        """
        try:
            if NULL_TEXTS.isdisjoint(values.values()):
                return
        except TypeError:
            pass  # a list cannot be looked up
        for column in values if self._columns is None else self._columns:
            value = values.get(column)
            if type(value) is str and value in NULL_TEXTS:
                self._found[column, value] += 1

    def warnings(self, name: str) -> list[str]:
        """Say which columns hold such texts.

        :param name: the name of the source.
        :returns: one warning for each column and text.
        """
        return [
            f"{name}: column {column!r} holds the text {text!r} in {count} row{'s' * (count > 1)}, and it is read as a "
            f"value; if it means that there is none, set null_values: {listed([text])} under source"
            for (column, text), count in sorted(self._found.items())[:20]
        ]


def listed(texts: Iterable[str]) -> str:
    """Texts as a YAML list.

    :param texts: the texts.
    """
    return "[" + ", ".join('"' + text.replace("\\", "\\\\") + '"' for text in texts) + "]"
