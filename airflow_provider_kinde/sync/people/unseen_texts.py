"""Texts that the spec compares columns with, and that no row holds: most are misspelt, or out of use."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from airflow_provider_kinde.sync.spec.cell_text import clean_text
from airflow_provider_kinde.sync.spec.models import SyncSpec

_MOST_VALUES = 200
"""Different values of a column that are remembered, to tell which one may be meant."""


class UnseenTexts:
    """Crosses out each text once a row holds it.

    :param spec: the spec whose conditions and statuses are compared with.
    """

    def __init__(self, spec: SyncSpec) -> None:
        self._exact: dict[str, dict[str, str]] = {}
        self._folded: dict[str, dict[str, str]] = {}
        self._values: dict[str, set[str]] = {}
        self.statuses = set(spec.employment.active)
        """Statuses that give access and that no row had so far. Ones that take it away may well have no row."""
        person = spec.person
        naming = (person.id, person.email, person.given_name, person.family_name)
        personal = frozenset[str]().union(*(template.columns for template in naming))
        conditions = [("scope", spec.scope)] if spec.scope is not None else []
        for rule in spec.memberships:
            key = f"memberships[{rule.index}]"
            if rule.when is not None:
                conditions.append((f"{key}.when", rule.when))
            conditions.append((f"{key}.organization", rule.organization))
        for key, template in conditions:
            place = f"{key} (line {template.line})" if template.line else key
            for column, texts in template.named.items():
                if column in personal:
                    continue  # a text compared with it may be a person's
                self._values[column] = set()
                for text, exact in texts:
                    cleaned = clean_text(text)
                    if cleaned and exact:
                        self._exact.setdefault(column, {}).setdefault(cleaned, place)
                    elif cleaned:
                        self._folded.setdefault(column, {}).setdefault(cleaned.casefold(), place)

    def look_at(self, values: Mapping[str, Any]) -> None:
        """Take note of one row.

        :param values: column -> cell.
        """
        for column, seen in self._values.items():
            value = values.get(column)
            if type(value) is not str or value in seen:
                continue
            if len(seen) < _MOST_VALUES:
                seen.add(value)
            if left := self._exact.get(column):
                left.pop(value, None)
            if left := self._folded.get(column):
                left.pop(value.casefold(), None)

    def listed(self) -> list[str]:
        """One line for each text that no row holds."""
        lines = []
        for columns in (self._exact, self._folded):
            for column, left in columns.items():
                for text, place in left.items():
                    lines.append(f"no row has {text!r} in {column}, which {place} names{self._near(column, text)}")
        lines = sorted(dict.fromkeys(lines))
        statuses = (
            f"no row has the status {status!r}, which employment.active names" for status in sorted(self.statuses)
        )
        return [*lines, *statuses]

    def _near(self, column: str, text: str) -> str:
        folded = {value.casefold(): value for value in sorted(self._values[column])}
        near = difflib.get_close_matches(text.casefold(), folded, 1, 0.6)
        return f"; rows have {folded[near[0]]!r}" if near else ""
