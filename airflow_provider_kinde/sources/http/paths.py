"""Paths into an answer, and how an item of the answer becomes a row."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.sync.model import Row
from airflow_provider_kinde.sync.rows import object_row
from airflow_provider_kinde.sync.spec.api_description import ListColumns
from airflow_provider_kinde.sync.spec.json_path import Path

_MIDNIGHT = re.compile(r"(\d{4}-\d\d-\d\d)(?:T00:00:00(?:\.0+)?)?(?:Z|[+-]\d\d:\d\d)")


@dataclass(frozen=True)
class RowMapping:
    """How an item becomes a row.

    :param columns: further columns, each with its path in the item.
    :param lists: lists that become columns.
    :param prefixes: beginnings of column names, each with its replacement.
    :param slashes: whether columns come as ``/work/title: {value: …}`` (HiBob).
    :param restricted: the field that lists the columns which the service account may not see.
    :param dates: whether midnight with an offset means that day (Workday).
    :param fields: requested columns; each is in every row, blank if it is missing.
    :param may_lack: columns that an item leaves out if they are empty; they are blank then.
    """

    columns: Mapping[str, Path] = field(default_factory=dict)
    lists: Mapping[str, ListColumns] = field(default_factory=dict)
    prefixes: Mapping[str, str] = field(default_factory=dict)
    slashes: bool = False
    restricted: str = ""
    dates: bool = False
    fields: tuple[str, ...] = ()
    may_lack: tuple[str, ...] = ()

    def row(
        self, number: int, item: Any, read: frozenset[str] = frozenset(), missed: MissingFields | None = None
    ) -> Row:
        """Make the row of one item.

        :param number: number of the row, from 1.
        :param item: the item of the answer.
        :param read: the columns that the spec reads; if one of them is hidden, the row is rejected.
        :param missed: counts the fields that the item lacks.
        :returns: the row.
        """
        if not isinstance(item, Mapping):
            return object_row(number, item)
        values = self.listed(item)
        flat: dict[str, Any] = {}
        for layer in _unslashed(values) if self.slashes else (values,):
            row = object_row(number, layer)
            if row.problem:
                return row
            flat.update(row.values)
        for old, new in self.prefixes.items():
            for name in [name for name in flat if name.startswith(old)]:
                flat[new + name[len(old) :]] = flat.pop(name)
        if self.dates:
            flat = {name: _day(value) for name, value in flat.items()}
        for name, path in self.columns.items():
            flat[name] = path.find(item)
        lacking = [name for name in self.fields if name not in flat and not _inside(name, flat)]
        for name in lacking:
            flat[name] = None
        for name in read | set(self.may_lack):
            if name not in flat and (name in self.may_lack or _under_null(name, flat)) and not _inside(name, flat):
                flat[name] = None
        hidden = item.get(self.restricted) if self.restricted else None
        if isinstance(hidden, list):
            flat.pop(self.restricted, None)
        names = sorted({name for name in hidden if isinstance(name, str)}) if isinstance(hidden, list) else []
        if missed is not None:
            missed.note(lacking, names)
        if hidden_and_read := [name for name in names if name in read]:
            return Row(number, flat, f"the service account may not see {', '.join(hidden_and_read)} of this person")
        return Row(number, flat)

    def listed(self, item: Mapping[str, Any]) -> Mapping[str, Any]:
        """Turn the lists of an item into objects.

        :param item: the item.
        :returns: the item with an object in place of each list.
        """
        return {name: self._listed(name, value) for name, value in item.items()} if self.lists else item

    def _listed(self, name: str, value: Any) -> Any:
        listed = self.lists.get(name)
        if listed is None or not isinstance(value, list):
            return value
        items = [entry for entry in value if isinstance(entry, Mapping)]
        found: dict[str, Any] = {}
        for entry in items:
            key = entry.get(listed.key)
            if isinstance(key, (str, int)) and str(key):
                found.setdefault(str(key), entry.get(listed.value))
        if listed.primary:
            marked = [entry for entry in items if _is_true(entry.get(listed.primary))]
            if len(marked) != 1 and len(items) == 1:
                marked = items
            found["primary"] = marked[0].get(listed.value) if len(marked) == 1 else None
        return found


class MissingFields:
    """Counts the fields that rows lack, and those that the service account may not see."""

    def __init__(self) -> None:
        self.rows = 0
        self.lacking: dict[str, int] = {}
        self.hidden: dict[str, int] = {}

    def note(self, lacking: list[str], hidden: list[str]) -> None:
        """Count one row.

        :param lacking: the fields that the row lacks.
        :param hidden: the fields that the service account may not see.
        """
        self.rows += 1
        for names, counts in ((lacking, self.lacking), (hidden, self.hidden)):
            for name in names:
                counts[name] = counts.get(name, 0) + 1

    def judge(self, name: str, read: frozenset[str]) -> tuple[list[str], list[str]]:
        """Judge the counts after the last row.

        :param name: name of the source.
        :param read: the columns that the spec reads.
        :returns: the reasons why the source is incomplete, and the warnings.
        """
        incomplete, warnings = [], []
        for field_, count in sorted(self.hidden.items()):
            if count == self.rows and field_ in read:
                incomplete.append(f"{name} is incomplete: the service account may not see {field_} of any person")
        for field_, count in sorted(self.lacking.items()):
            if count == self.rows:
                why = "the service account may not see it, or there is no such field"
                incomplete.append(f"{name} is incomplete: no row has the requested field {field_}: {why}")
            else:
                warnings.append(
                    f"{name}: {count} of {counted(self.rows, 'row')} without the field {field_}: blank, or not visible"
                )
        return incomplete, warnings


def _is_true(value: Any) -> bool:
    """Whether a mark is set: some services write it as text."""
    return value is True or (isinstance(value, str) and value.strip().casefold() == "true")


def _inside(name: str, flat: Mapping[str, Any]) -> bool:
    return any(column.startswith(f"{name}.") for column in flat)


def _under_null(name: str, flat: Mapping[str, Any]) -> bool:
    """Whether a column belongs to an object that is null in this row: ``termination.date`` of an active person."""
    parts = name.split(".")
    heads = (".".join(parts[:count]) for count in range(1, len(parts)))
    return any(head in flat and flat[head] is None for head in heads)


def _day(value: Any) -> Any:
    match = _MIDNIGHT.fullmatch(value) if isinstance(value, str) else None
    return match[1] if match else value


def _unslashed(values: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    """``/work/title: {value: x}`` as ``work: {title: x}`` would be flattened; what has no slash is kept beside it.

    :returns: columns in layers: a later one wins.
    """
    found: dict[str, Any] = {}
    root: dict[str, Any] = {}
    slashed: dict[str, Any] = {}
    for name, value in values.items():
        if name.startswith("/"):
            column = name.strip("/").replace("/", ".")
            slashed[column] = value.get("value") if isinstance(value, Mapping) else value
        else:
            found[name] = value
            if not isinstance(value, Mapping):
                root[f"root.{name}"] = value
    # Last, so that they win over the same value nested in a category.
    return found, root, slashed
