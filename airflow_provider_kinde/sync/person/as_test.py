"""A test for the spec, made of a real person's rows, with a made-up name and address."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

import pendulum
import yaml

from airflow_provider_kinde.exceptions import SyncError
from airflow_provider_kinde.sync.model import Row, Source
from airflow_provider_kinde.sync.people.examples import Outcome, outcome_of
from airflow_provider_kinde.sync.report.text import clean
from airflow_provider_kinde.sync.spec.cell_text import clean_cell, clean_text
from airflow_provider_kinde.sync.spec.examples import ExampleSpec
from airflow_provider_kinde.sync.spec.expressions import Template, is_blank
from airflow_provider_kinde.sync.spec.expressions import plain as plain_cell
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.store.near_ids import closest, suggestion

_MOST_REASON = 80


def as_test(spec: SyncSpec, source: Source, id: str, now: pendulum.DateTime) -> str:
    """Write a test that holds what follows from a person's rows today.

    Id, address and names are made up. An address keeps its domain where a rule reads it. Columns that decide nothing
    are left out.

    :param spec: the spec.
    :param source: the HR source.
    :param id: the HR id.
    :param now: the moment; its day is the ``today`` of the test.
    :returns: YAML, to be put under ``tests`` of the spec.
    :raises SyncError: no row has the id, or its rows cannot be made a test.
    """
    id = clean_text(id)
    rows = [row for row in source.read() if _id(spec, row) == id]
    if not rows:
        near = suggestion(closest(id, filter(None, (_id(spec, row) for row in source.read()))))
        raise SyncError(f"no row of the HR source has the id {id}{near}")
    cells = _Cells(spec)
    given = tuple(cells.of(row.values) for row in rows)
    day = now.in_timezone("UTC")
    today = dt.date(day.year, day.month, day.day)
    found, real = _follows(spec, given, today), _follows(spec, tuple(row.values for row in rows), today)
    test: dict[str, Any] = {
        "today": today,
        "given": given[0] if len(given) == 1 else list(given),
        "expect": _expected(found),
    }
    note = ""
    if real.rejected != found.rejected or real.held != found.held:
        why = clean(real.rejected or real.held or "understood")
        note = f"# With the made-up name and address other things follow than from the row in HR ({why}).\n"
    return note + yaml.dump([test], sort_keys=False, allow_unicode=True, width=110, default_flow_style=None)


def _follows(spec: SyncSpec, given: tuple[Mapping[str, Any], ...], today: dt.date) -> Outcome:
    # Nothing is compared yet: what follows is what the test then expects.
    return outcome_of(spec, ExampleSpec.model_construct(today=today, given=given, expect=None))


def _id(spec: SyncSpec, row: Row) -> str:
    try:
        return "" if row.problem else clean_text(spec.person.id.render(row.values))
    except Exception:  # a row whose id cannot be read is not this person's
        return ""


class _Cells:
    """Which columns a test holds, and with which values."""

    def __init__(self, spec: SyncSpec) -> None:
        person, employment = spec.person, spec.employment
        deciding: list[Template | None] = [
            spec.scope, employment.status, employment.start_date, employment.end_date, employment.timezone,
            *(part for rule in spec.memberships for part in (rule.organization, rule.when, rule.first_day, rule.until)),
        ]  # fmt: skip
        self._deciding = _columns(deciding)
        self._whole = not all(template is None or template.pure for template in deciding)
        self._made_up: dict[str, str] = {}
        for template, value in ((person.family_name, "Example"), (person.given_name, "Robin"), (person.id, "1")):
            self._made_up |= dict.fromkeys(template.columns, value)
        self._addresses = person.email.columns
        # What an expression makes of its columns cannot be made up here: a test does it, where they are left out.
        naming = (person.id, person.email, person.given_name, person.family_name)
        self._plain = _columns(template for template in naming if template.column)

    def of(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The cells of a row that a test needs."""
        found = {}
        for column, raw in values.items():
            cell = clean_cell(raw)
            decides = self._whole or column in self._deciding
            if not (decides or column in self._plain) or is_blank(cell):
                continue
            if column in self._addresses and isinstance(cell, str) and ("@" in cell or not decides):
                cell = f"robin.example@{cell.rpartition('@')[2] if decides else 'example.com'}"
            elif column in self._made_up or column in self._addresses:
                cell = self._made_up.get(column, "robin.example")
            value = plain_cell(cell)
            found[column] = value if isinstance(value, (str, int, float, bool, list)) else str(value)
        return found


def _columns(templates: Iterable[Template | None]) -> frozenset[str]:
    return frozenset[str]().union(*(template.columns for template in templates if template is not None))


def _expected(found: Outcome) -> dict[str, Any]:
    if found.rejected:
        return {"rejected": found.rejected[:_MOST_REASON]}
    if found.person is None:
        return {"held": found.held[:_MOST_REASON]}
    access = {"true": True, "false": False}.get(found.access, found.access)
    expected: dict[str, Any] = {"access": access, "memberships": found.memberships}
    return expected | ({"held": found.held[:_MOST_REASON]} if found.held else {})
