"""Whether the source still has the columns that the spec reads."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any

from airflow_provider_kinde.sync.spec.expressions import Template, is_blank
from airflow_provider_kinde.sync.spec.models import SyncSpec


class Drift:
    """Looks for columns that are gone, and for ones that decide something and are blank in every row.

    :param spec: the spec whose columns are watched.
    """

    def __init__(self, spec: SyncSpec) -> None:
        self.gone: set[str] = set()
        self._readers: dict[str, list[Template]] = {}
        self._required: set[str] = set()
        for template in spec.templates:
            self._required |= template.columns - template.optional
            for column in template.columns:
                self._readers.setdefault(column, []).append(template)
        person = spec.person
        deciding = [person.id, person.email, person.given_name, person.family_name, *person.properties.values()]
        deciding.append(spec.employment.status)
        deciding.extend(
            template
            for rule in spec.memberships
            for template in (rule.organization, rule.when, rule.first_day, rule.until)
            if template
        )
        if spec.scope is not None:
            deciding.append(spec.scope)
        self._blank = set().union(*(template.columns for template in deciding)) - spec.may_be_empty
        self._columns: set[str] = set()
        self._known = False
        self._looked = False

    def check_columns(self, columns: frozenset[str]) -> None:
        """Judge a source whose columns are known beforehand.

        :param columns: the names of all columns.
        """
        self._known = True
        self.gone |= {column for column in self._required if column not in columns}
        self._columns |= columns

    def look_at(self, values: Mapping[str, Any]) -> None:
        """Take note of one row.

        :param values: column -> cell.
        """
        self._looked = True
        if not self._known and not values.keys() <= self._columns:
            self._columns.update(values)
        if self._blank:
            self._blank = {column for column in self._blank if is_blank(values.get(column))}

    def unknown(self, column: str) -> None:
        """An expression asked for a column that does not exist.

        :param column: the column's name.
        """
        self.gone.add(column)

    def check_rows(self, missed: set[str]) -> None:
        """Judge a source whose rows name their own columns, after the last one.

        :param missed: columns that expressions asked for and some row did not have.
        """
        if self._looked:
            self.gone |= (self._required | missed) - self._columns

    @property
    def lost_all(self) -> bool:
        """Whether the source has no column at all that the spec needs."""
        return bool(self._required) and not self._required & self._columns

    def problems(self, spec: SyncSpec, name: str) -> list[str]:
        """Everything found, in words: never approvable.

        :param name: what messages call the source.
        """
        found = []
        file = spec.file
        for column in sorted(self.gone):
            hint = ", ".join(map(repr, _alike(column, sorted(self._columns))))
            found.append(
                f"drifted, a missing column: {name} has no column {column!r}, "
                f"which {self._read_by(column, file)} reads; it has {hint or _others(self._columns)}"
            )
        blank = sorted(self._blank & self._columns) if self._looked else []
        return found + [
            f"drifted: column {column!r} of {name} is blank in every row, and {self._read_by(column, file)} reads it; "
            "if a blank is an answer there, name it in may_be_empty"
            for column in blank
        ]

    def _read_by(self, column: str, file: str) -> str:
        readers = self._readers.get(column, [])
        shown = [f"{template.key} ({f'{file}:' if file else 'line '}{template.line})" for template in readers[:4]]
        if len(readers) > 4:
            shown.append(f"{len(readers) - 4} more")
        return ", ".join(shown) or "an expression"


def _alike(column: str, known: list[str]) -> list[str]:
    """Existing columns that may be meant: by other case or marks, as part of a nested object, or by their letters."""
    keys = {name: re.sub(r"[\W_]", "", name).casefold() for name in known}
    key = re.sub(r"[\W_]", "", column).casefold()
    folded = [name for name in known if keys[name] == key]
    nested = [name for name in known if name.startswith(f"{column}.")][:5]
    near = [name for name in known if keys[name] in difflib.get_close_matches(key, keys.values(), 3, 0.6)][:3]
    return list(dict.fromkeys([*folded, *nested, *near]))


def _others(columns: set[str]) -> str:
    """How many columns there are: of a file without a header, their names would be a person's cells."""
    return f"{len(columns)} other columns: does its first line hold their names?" if columns else "no columns"
