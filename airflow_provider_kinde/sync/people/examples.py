"""Runs the ``tests`` of a spec: reads the rows of each as HR's, and compares what follows with what is expected."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pendulum

from airflow_provider_kinde.exceptions import SpecError
from airflow_provider_kinde.resources.normalization import clean_email, email_key
from airflow_provider_kinde.sync.model import Access, Person, UnclearRule
from airflow_provider_kinde.sync.people.reader import read_people
from airflow_provider_kinde.sync.rows import ListSource
from airflow_provider_kinde.sync.spec.cell_text import clean_row, clean_text
from airflow_provider_kinde.sync.spec.examples import Cells, ExampleSpec
from airflow_provider_kinde.sync.spec.expressions import RowView, Template, TemplateError, UnknownColumn
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.store.people import roles_by_organization

_MADE_UP = {name: f"made-up {name}" for name in ("id", "email", "given_name", "family_name")}
"""Field of ``person`` -> the column that takes its place where a test leaves all of its columns out."""
_ACCESS = {Access.ACTIVE: "true", Access.NONE: "false", Access.KEEP: "keep", Access.GRACE: "grace"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What follows from the rows of one test.

    :param rejected: why the row is rejected; empty when it is not.
    :param held: why the person is held; empty when nothing holds the person.
    :param person: the person; ``None`` where the row is rejected or held.
    """

    rejected: str = ""
    held: str = ""
    person: Person | None = None

    @property
    def access(self) -> str:
        """The access as a test writes it."""
        return _ACCESS[self.person.access] if self.person else ""

    @property
    def memberships(self) -> dict[str, list[str]]:
        """Alias -> role keys that the person is given."""
        if self.person is None or self.person.access is not Access.ACTIVE:
            return {}
        return {alias: sorted(roles) for alias, roles in roles_by_organization(self.person.memberships).items()}


def check_examples(spec: SyncSpec, now: pendulum.DateTime | None = None) -> None:
    """Run the tests of a spec; no network is needed.

    :param spec: the spec.
    :param now: the moment for tests without ``today``; the current time when left out.
    :raises SpecError: at least one test fails. The message names each with its line, what is expected and what was
        found.
    """
    failed = [failure for example in spec.tests for failure in _failures(spec, example, now)]
    if len(failed) == 1:
        raise failed[0]
    if failed:
        whole = SpecError("\n".join(map(str, failed)))
        whole.file, whole.line, whole.key = failed[0].file, failed[0].line, failed[0].key
        raise whole


def outcome_of(spec: SyncSpec, example: ExampleSpec, now: pendulum.DateTime | None = None) -> Outcome:
    """Say what follows from the rows of a test.

    :param spec: the spec.
    :param example: the test.
    :param now: the moment, where the test names no day; the current time when left out.
    :raises SpecError: an expression reads a column that no row can have.
    """
    if example.today is not None:
        now = pendulum.datetime(example.today.year, example.today.month, example.today.day, 12)
    needed = frozenset[str]().union(*(template.columns - template.optional for template in spec.templates))
    rows = [dict.fromkeys(sorted(needed), "") | dict(row) for row in example.given]
    spec = _with_made_up(spec, example.given, rows)
    people = read_people(spec, ListSource(rows, "the rows of the test"), now or pendulum.now("UTC"))
    for rejected in people.rejected:
        if rejected.row == 1:
            return Outcome(rejected=rejected.reason)
    if missing := [problem for problem in people.problems if "missing column" in problem]:
        return Outcome(rejected=missing[0])
    id = _text(spec.person.id, rows[0])
    if id in people.held:
        return Outcome(held=people.held[id])
    person = people.persons.get(id)
    if person is None:
        return Outcome(rejected="a row of blank cells alone is no row")
    return Outcome(held="; ".join(_doubt(doubt) for doubt in person.unclear_rules), person=person)


def _doubt(doubt: UnclearRule) -> str:
    columns = ", ".join(map(repr, doubt.columns))
    what = "scope" if doubt.entry is None else f"memberships[{doubt.entry}]"
    return f"{what} reads {columns}, blank in this row"


def _with_made_up(spec: SyncSpec, given: tuple[Cells, ...], rows: list[dict[str, Any]]) -> SyncSpec:
    """Give people an id, an address and names where a test leaves columns out and the others are not enough for them.

    :param spec: the spec.
    :param given: the rows as the test writes them.
    :param rows: the rows to be read, which get the made-up columns.
    :returns: the spec with expressions that read those columns.
    """
    person = spec.person
    fields = {name: getattr(person, name) for name in _MADE_UP}
    missing = [
        name
        for name, template in fields.items()
        if any(template.columns - row.keys() and not _usable(name, _text(template, row)) for row in given)
    ]
    if not missing:
        return spec
    numbers: dict[str, int] = {}
    for row, cells in zip(rows, given, strict=True):
        number = numbers.setdefault(_text(person.id, row), len(numbers) + 1)
        texts = {"id": f"{number}", "email": f"person{number}@example.com", "given_name": "Robin"}
        for name in missing:
            found = _text(fields[name], row)
            made_up = fields[name].columns - cells.keys() and not _usable(name, found)
            row[_MADE_UP[name]] = texts.get(name, f"Example{number}") if made_up else found
    reads = {name: Template('{{ row["' + _MADE_UP[name] + '"] }}', key=f"person.{name}") for name in missing}
    return spec.with_changes(person=person.model_copy(update=reads))


def _usable(name: str, text: str) -> bool:
    if name != "email":
        return bool(text)
    try:
        return bool(clean_email(text))
    except ValueError:
        return False


def _text(template: Template, row: Mapping[str, Any]) -> str:
    """What an expression yields for a row; empty where it fails."""
    try:
        return clean_text(template.render(RowView(clean_row(row))))
    except (TemplateError, UnknownColumn):
        return ""


def _failures(spec: SyncSpec, example: ExampleSpec, now: pendulum.DateTime | None) -> Iterator[SpecError]:
    """What is other than a test expects."""
    found, expect = outcome_of(spec, example, now), example.expect

    def failure(key: str, expected: str, instead: str) -> SpecError:
        key = f"{example.key}.expect.{key}"
        return spec.error(key, f"the test{example.title} expects {expected}, found {instead}")

    if expect.rejected is not None:
        if not found.rejected or expect.rejected not in found.rejected:
            yield failure("rejected", _reason("rejected", expect.rejected), _whole(found))
        return
    if found.rejected or (expect.held is None and found.person is None):
        yield failure(next(iter(expect.model_fields_set)), _first(expect), _whole(found))
        return
    if expect.held is not None and (not found.held or expect.held not in found.held):
        yield failure("held", _reason("held", expect.held), _whole(found))
    person = found.person
    if expect.access is not None and expect.access != found.access:
        yield failure("access", f"access {expect.access}", _whole(found))
    if expect.why is not None and expect.why not in (person.why if person else ""):
        yield failure("why", f"{expect.why!r} in the reason", _whole(found))
    if expect.memberships is not None:
        wanted = {alias: sorted(roles) for alias, roles in sorted(expect.memberships.items())}
        if wanted != found.memberships:
            yield failure("memberships", f"memberships {_listed(wanted)}", _listed(found.memberships) + _because(found))
    if expect.roles is not None:
        held = sorted(frozenset[str]().union(*found.memberships.values()))
        if sorted(expect.roles) != held:
            yield failure("roles", f"roles {_list(sorted(expect.roles))}", _list(held) + _because(found))
    for name in ("email", "given_name", "family_name"):
        value = getattr(expect, name)
        instead = getattr(person, name, "")
        same = email_key if name == "email" else str
        if value is not None and same(value) != same(instead):
            yield failure(name, f"{name} {value!r}", repr(instead))


def _first(expect: Any) -> str:
    """The first thing that a test expects, in words."""
    name = next(name for name in type(expect).model_fields if getattr(expect, name) is not None)
    value = getattr(expect, name)
    if name == "memberships":
        return f"memberships {_listed({alias: list(roles) for alias, roles in value.items()})}"
    return f"{name} {_list(value) if isinstance(value, tuple) else value}"


def _reason(what: str, reason: str) -> str:
    return f"{what}{f', with {reason!r} in the reason' if reason else ''}"


def _whole(found: Outcome) -> str:
    if found.rejected:
        return f"rejected: {found.rejected}"
    if found.person is None:
        return f"held: {found.held}"
    held = f"; held: {found.held}" if found.held else ""
    return f"access {found.access}: {found.person.why}{held}"


def _because(found: Outcome) -> str:
    """Why no membership is given, where that is the access."""
    return "" if found.person is None or found.person.access is Access.ACTIVE else f" ({_whole(found)})"


def _listed(memberships: Mapping[str, list[str]]) -> str:
    return "{" + ", ".join(f"{alias}: {_list(roles)}" for alias, roles in memberships.items()) + "}"


def _list(roles: Any) -> str:
    return f"[{', '.join(roles)}]"
