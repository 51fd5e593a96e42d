"""HR's columns as sets of people, for the search of rules, without columns that say who a person is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_kinde.resources.normalization import clean_name
from airflow_provider_kinde.sync.draft.columns import Column, names_a_person
from airflow_provider_kinde.sync.draft.date_formats import is_date
from airflow_provider_kinde.sync.draft.rule_search import Comparison, Table, set_of
from airflow_provider_kinde.sync.draft.statuses import is_constant
from airflow_provider_kinde.sync.draft.yaml_text import literal
from airflow_provider_kinde.sync.model import Row
from airflow_provider_kinde.sync.spec.cell_text import clean_cell
from airflow_provider_kinde.sync.spec.expressions import is_blank, plain
from airflow_provider_kinde.sync.spec.filters import as_text

_FEWEST = 3
"""People on average who share a value of a column that can be in a rule."""
_FEWEST_OF_NUMBERS = 5
"""The same of a column of numbers, which may be a pay or an age."""


@dataclass
class RuleTable:
    """What rules can be made of.

    :param table: the columns.
    :param references: column -> how an expression reads it.
    :param spellings: column -> value -> the cells that mean it, such as ``IT`` and ``it``.
    """

    table: Table
    references: Mapping[str, str]
    spellings: Mapping[str, Mapping[str, set[Any]]] = field(repr=False)

    def condition(self, tests: Iterable[Comparison]) -> str:
        """Write tests as an expression of a spec, without its braces; empty without a test.

        :param tests: the tests, all of which must pass.
        """
        return " and ".join(map(self._test, tests))

    def _test(self, test: Comparison) -> str:
        cells = [sorted(self.spellings[test.column][value], key=str) for value in test.values]
        reference = self.references[test.column]
        if any(len(each) > 1 for each in cells) and all(isinstance(cell, str) for each in cells for cell in each):
            reference, cells = f"{reference} | lower", [[value] for value in test.values]
        texts = [literal(cell) for each in cells for cell in each]
        return f"{reference} == {texts[0]}" if len(texts) == 1 else f"{reference} in [{', '.join(texts)}]"


def make_rule_table(
    columns: Iterable[Column],
    taken: Collection[str],
    names: Collection[str],
    rows: Iterable[Row],
    places: Mapping[int, int],
) -> RuleTable:
    """Read the rows once more and make the table.

    :param columns: the columns of the file.
    :param taken: columns that the spec reads for another purpose: id, address, names, status, dates.
    :param names: names of people, of :func:`people_names`; a column that holds them is in no rule.
    :param rows: the rows.
    :param places: number of a row -> the place of its person in the table.
    """
    usable = {column.name: column for column in _sorted(columns) if column.name not in taken and _groups(column, names)}
    found: dict[str, dict[str, int]] = {name: {} for name in usable}
    spellings: dict[str, dict[str, set[Any]]] = {name: {} for name in usable}
    members: dict[str, dict[str, list[int]]] = {name: {} for name in usable}
    for row in rows:
        place = places.get(row.number)
        if place is None or row.problem:
            continue
        for name in usable:
            cell = clean_cell(row.values.get(name))
            if is_blank(cell) or isinstance(cell, (list, dict, tuple, bytes)):
                continue
            cell = plain(cell)
            value = as_text(cell).lower()
            if is_constant(value):
                members[name].setdefault(value, []).append(place)
                spellings[name].setdefault(value, set()).add(cell)
    for name, values in members.items():
        found[name] = {value: set_of(people, len(places)) for value, people in values.items() if len(people) > 1}
    tested = {name: values for name, values in found.items() if _divides(values, len(places))}
    references = {name: usable[name].reference for name in tested}
    return RuleTable(Table(len(places), tested), references, {name: spellings[name] for name in tested})


def _sorted(columns: Iterable[Column]) -> Iterator[Column]:
    """Texts before numbers: of two columns that say the same, rules read the one that a reader understands."""
    yield from sorted(columns, key=lambda column: column.share(_is_number) > 0.5)


def _groups(column: Column, names: Collection[str]) -> bool:
    """Whether a column puts people into groups, and does not say who a person is."""
    if not column.filled or column.days or names_a_person(column):
        return False
    numbers = column.share(_is_number) > 0.5
    if len(column.counts) * (_FEWEST_OF_NUMBERS if numbers else _FEWEST) > column.filled:
        return False
    if column.share(lambda value: "@" in value) >= 0.5 or column.share(is_date) >= 0.5:
        return False
    return column.share(lambda value: clean_name(value).casefold() in names) < 0.5


def _is_number(value: str) -> bool:
    return value.replace(".", "", 1).replace(",", "", 1).lstrip("+-").isdigit()


def _divides(values: Mapping[str, int], people: int) -> bool:
    """Whether a column tells people apart at all."""
    return bool(values) and not any(each.bit_count() == people for each in values.values())


def people_names(given: str, family: str) -> set[str]:
    """The ways in which a column may name a person, for comparing.

    :param given: the first name.
    :param family: the last name.
    """
    return {clean_name(text).casefold() for text in (f"{given} {family}", f"{family}, {given}", f"{family} {given}")}
