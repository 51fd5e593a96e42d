"""From rows to people: what one reading of the HR source says, row by row."""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, NoReturn

import pendulum

from airflow_provider_kinde.resources.normalization import clean_email, clean_name, email_key, holds_control
from airflow_provider_kinde.sync.model import Access, Reading, RejectedRow, Row, Source, UnclearRule
from airflow_provider_kinde.sync.people.access import OUT_OF_SCOPE, begin_of, decide_access, due_day
from airflow_provider_kinde.sync.people.drift import Drift
from airflow_provider_kinde.sync.people.hr_id import clean_id
from airflow_provider_kinde.sync.people.memberships import MembershipRules, RowError
from airflow_provider_kinde.sync.people.null_texts import NullTexts
from airflow_provider_kinde.sync.people.repeated_rows import hold_shared_addresses, settle_repeats
from airflow_provider_kinde.sync.people.unseen_texts import UnseenTexts
from airflow_provider_kinde.sync.progress import Progress
from airflow_provider_kinde.sync.rows import is_blank_row
from airflow_provider_kinde.sync.spec.cell_text import clean_row, shortened
from airflow_provider_kinde.sync.spec.connection import DOMAIN
from airflow_provider_kinde.sync.spec.date_parser import DateReader
from airflow_provider_kinde.sync.spec.expression_dates import LocalDays
from airflow_provider_kinde.sync.spec.expressions import (
    RowCache,
    RowView,
    Template,
    TemplateError,
    UnknownColumn,
    is_blank,
)
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.store import hr_rows
from airflow_provider_kinde.sync.store.database import Database
from airflow_provider_kinde.sync.store.people import People, encode_memberships, encode_properties

STAGE = "reading HR"
_TOLD = 200
"""Rows after which progress is told."""
MAX_NAME = 200


def read_people(
    spec: SyncSpec,
    source: Source,
    now: pendulum.DateTime,
    database: Database | None = None,
    progress: Progress | None = None,
) -> People:
    """Read the HR source once and say who has access to what, and which rows cannot be understood.

    :param spec: the spec.
    :param source: where the rows come from.
    :param now: the moment of the run; each person's local day is taken from it.
    :param database: where people are kept; one of their own when left out.
    :param progress: called with the number of rows read.
    :returns: people, rejected rows, and why the source may not be acted upon, if so.
    :raises SourceError: the source cannot be read at all.
    """
    progress = progress or (lambda stage, done, total: None)
    progress(STAGE, 0, None)
    return _Reader(spec, now, database or Database()).read(source.read(), progress)


class _Reader:
    def __init__(self, spec: SyncSpec, now: pendulum.DateTime, database: Database) -> None:
        self.spec, self.now = spec, now
        self.people = People(database)
        self.database, self.writer, self.clues = database, database.writer("hr"), database.writer("unclear")
        self.dates = DateReader(spec.employment.date_format, dt.date(now.year, now.month, now.day))
        self.drift = Drift(spec)
        self.read_columns = spec.columns
        self.nulls = NullTexts(spec.columns)
        self.unseen = UnseenTexts(spec)
        self.missed: set[str] = set()
        self.columns: frozenset[str] | None = None
        self._days: dict[str, LocalDays] = {}
        self._seen: set[str] = set()
        self._last_columns: Any = None
        employment = spec.employment
        deciding = (spec.scope, employment.status, employment.start_date, employment.end_date, employment.timezone)
        self._access = RowCache(_columns_of(deciding), self._decide_access)
        self.rules = MembershipRules(spec, self)
        self._due = RowCache(_columns_of(self.rules.templates), self.rules.apply)

    # -- the whole ---------------------------------------------------------------------------------------------

    def read(self, reading: Reading, progress: Progress) -> People:
        people, spec = self.people, self.spec
        people.source = reading.name
        if reading.columns is not None:
            self.columns = frozenset(reading.columns)
            self.drift.check_columns(self.columns)
        for row in reading:
            if not row.problem and is_blank_row(row.values):
                continue  # a row of blank cells alone is no row
            people.rows += 1
            if not people.rows % _TOLD:
                progress(STAGE, people.rows, None)
            if row.problem:
                self._reject(row, None, row.problem)
            elif self.drift.gone:
                self._uncertain(row, "a column is gone")
            else:
                self._row(row)
        progress(STAGE, people.rows, people.rows)
        self.writer.flush()
        self.clues.flush()
        if self.columns is None:
            self.drift.check_rows(self.missed)
        hr_rows.index_ids(self.database)
        settle_repeats(people, join=spec.person.rows == "all")
        hr_rows.index_addresses(self.database)
        hold_shared_addresses(people)
        people.warnings = [*reading.warnings, *self.nulls.warnings(reading.name), *self.dates.warnings()]
        people.unseen = self.unseen.listed()
        people.columns = tuple(sorted(self.columns or self._seen))
        people.data_time = str(getattr(reading, "data_time", "") or "")
        people.unmapped = hr_rows.unmapped_values(self.database)
        people.proven = bool(reading.proven) and not reading.incomplete
        if not people.rows and not getattr(reading, "broken", False):  # else the source says where it stopped
            header = ": it has a header only, and no rows" if reading.columns and spec.source.type == "file" else ""
            people.problems.append(f"{reading.name} is empty{header}. No access was removed")
        elif people.rows and not (reading.incomplete and self.drift.lost_all):  # else it says why it has no column
            people.problems.extend(self.drift.problems(spec, reading.name))
        people.problems.extend(reading.incomplete)
        return people

    def _row(self, row: Row) -> None:
        if self.columns is None and row.values.keys() != self._last_columns:
            self._last_columns = row.values.keys()
            self._seen.update(map(str, row.values))
        values = clean_row(row.values, self.read_columns)
        view = RowView(values, self.columns, self.missed, self._local_days)
        self.drift.look_at(values)
        self.nulls.look_at(values)
        self.unseen.look_at(values)
        try:
            id = self._id(view)
        except UnknownColumn as error:
            self._uncertain(row, str(error))
            self.drift.unknown(error.column)
            return
        except RowError as error:
            self._reject(row, None, str(error))
            return
        understood: tuple[str | None, ...] = (None,) * 12
        try:
            understood = self._person(view)
        except UnknownColumn as error:
            self.drift.unknown(error.column)
        except RowError as error:
            self._reject(row, id, str(error))
            self.clues.add((row.number, id, *self._clues(view)))
        self.writer.add((row.number, id, self._fingerprint(values), *understood))

    def _fingerprint(self, values: Mapping[str, Any]) -> int:
        """Equal for rows that hold the same where the spec reads them, or missing for null."""
        if self.read_columns is None:
            cells = [(column, "" if value is None else str(value)) for column, value in values.items()]
            return hash(frozenset([cell for cell in cells if cell[1]]))
        read: tuple[Any, ...] = tuple(map(values.get, self.read_columns))
        try:
            "".join(read)
        except TypeError:  # not texts alone
            read = tuple(["" if cell is None else str(cell) for cell in read])
        return hash(read)

    def _reject(self, row: Row, id: str | None, reason: str) -> None:
        self.people.rejected.append(RejectedRow(row.number, id, reason))
        if id is None:
            self._uncertain(row, reason)

    def _uncertain(self, row: Row, reason: str) -> None:
        """No person is absent for certain: this row may belong to any of them."""
        if not self.people.absence_unknown:
            self.people.absence_unknown = f"the id in row {row.number} cannot be read ({reason})"

    def _clues(self, view: RowView) -> tuple[str | None, str | None, str | None]:
        """What tells whose row it may be that is rejected: address and name, as far as they can be read."""
        person = self.spec.person
        key = given = family = None
        with suppress(RowError, UnknownColumn):
            key = email_key(self._email(view, False))
        with suppress(RowError, UnknownColumn):
            names = [
                self._name("given_name", person.given_name, view, False),
                self._name("family_name", person.family_name, view, False),
            ]
            given, family = names if any(names) else (None, None)
        return key, given, family

    # -- one row -----------------------------------------------------------------------------------------------

    def _id(self, view: RowView) -> str:
        text = self.text("id", self.spec.person.id, view)
        if text in ("True", "False") and isinstance(self.value("id", self.spec.person.id, view), bool):
            raise RowError("id is yes or no, which cannot be an id")
        try:
            return clean_id(text)
        except ValueError as error:
            raise RowError(f"id {error}") from None

    def _person(self, view: RowView) -> tuple[str | None, ...]:
        """What is kept of a row that was understood: the columns of the table from ``access`` on."""
        person, joiner = self.spec.person, self.spec.joiner
        access, why, due, leaver, due_at = self._access(view)
        email = self._email(view, leaver)
        key = email.lower() if email.isascii() else email_key(email)
        given = self._name("given_name", person.given_name, view, leaver)
        family = self._name("family_name", person.family_name, view, leaver)
        properties = adopt = connection = unmapped = ""
        if not leaver:
            if person.properties:
                properties = encode_properties(
                    tuple((name, self._property(name, template, view)) for name, template in person.properties.items())
                )
            due, unmapped = self._due(view)
            if joiner.adopt_provided_id is not None:
                adopt = self.text("adopt_provided_id", joiner.adopt_provided_id, view).strip()
            if person.connection is not None and (connection := self._connection(person.connection, view)):
                email = self._as_written(email, view)
        return access, why, email, key or None, given, family, properties, due, adopt, connection, unmapped, due_at

    def _connection(self, template: Template, view: RowView) -> str:
        """The connection that a row names, by id or by domain; empty where it names none."""
        text = self.text("connection", template, view).strip()
        if not text.startswith(DOMAIN):
            return text
        domain = text.removeprefix(DOMAIN).strip().lower()
        return f"{DOMAIN}{domain}" if domain else ""

    def _as_written(self, email: str, view: RowView) -> str:
        """The address in the letters of HR: a sign-in by a connection is matched letter by letter."""
        text = self.text("email", self.spec.person.email, view).strip()
        return text if text.isascii() and text.lower() == email.lower() else email

    def _decide_access(self, view: RowView) -> tuple[str, str, str, bool, str]:
        """The access, why, what a blank leaves unclear, whether that makes a leaver, and when it was due."""
        access, why, unclear_rules, due_at = self._scoped(view)
        return access.value, why, encode_memberships((), unclear_rules), access is Access.NONE, due_at

    def _scoped(self, view: RowView) -> tuple[Access, str, tuple[UnclearRule, ...], str]:
        spec = self.spec
        if spec.scope is not None and not self.truth("scope", spec.scope, view):
            blanks = self.blanks([spec.scope], view)
            if not blanks:
                return Access.NONE, OUT_OF_SCOPE, (), ""
            try:
                access, why, due_at = self._employment(view)
            except RowError:
                access = Access.ACTIVE
            # A person who has left anyway does not leave because of the blank.
            return (
                (Access.NONE, why, (), due_at)
                if access is Access.NONE
                else (Access.NONE, OUT_OF_SCOPE, (UnclearRule(blanks),), "")
            )
        access, why, due_at = self._employment(view)
        return access, why, (), due_at

    def _employment(self, view: RowView) -> tuple[Access, str, str]:
        """Whether status and dates give access, why, and since which moment by HR's dates (UTC; empty for none)."""
        spec, employment = self.spec, self.spec.employment
        status = clean_name(self.text("status", employment.status, view))
        key = status.casefold()
        self.unseen.statuses.discard(key)
        active = key in employment.active
        if not active and key not in employment.inactive:
            found = f"status {shortened(status)!r}" if status else "status is blank, and"
            raise RowError(f"{found} is neither in employment.active nor in employment.inactive")
        local = self.local_days(view)
        start = self.date("start_date", employment.start_date, view, local.zone, start=True)
        end = self.date("end_date", employment.end_date, view, local.zone)
        before, grace = spec.joiner.days_before_start, spec.leaver.grace_days
        access, why = decide_access(active, status, start, end, local.day, days_before_start=before, grace_days=grace)
        due = due_day(access, active, start, end, local.day, days_before_start=before, grace_days=grace)
        return access, why, "" if due is None else begin_of(due, local.zone)

    def _local_days(self, view: RowView) -> LocalDays:
        name = self.spec.employment.timezone.render(view).strip()
        known = self._days.get(name)
        if known is None:
            try:
                timezone = pendulum.timezone(name)
            except (ValueError, KeyError, OSError):
                raise TemplateError(f"timezone {shortened(name)!r} is not a time zone such as Europe/Berlin") from None
            local = self.now.in_timezone(timezone)
            known = LocalDays(name, timezone, dt.date(local.year, local.month, local.day), self.dates)
            self._days[name] = known
        return known

    def local_days(self, view: RowView) -> LocalDays:
        """The days of the place where the person of a row works."""
        try:
            return self._local_days(view)
        except TemplateError as error:
            raise RowError(str(error)) from None

    def date(
        self, field: str, template: Template | None, view: RowView, timezone: dt.tzinfo, *, start: bool = False
    ) -> dt.date | None:
        """One date of a row."""
        if template is None:
            return None
        value = self.value(field, template, view)
        try:
            return self.dates.read(value, timezone, start=start)
        except ValueError as error:
            raise RowError(f"{field} {error}") from None

    def _email(self, view: RowView, leaver: bool) -> str:
        text = self._lenient("email", self.spec.person.email, view, leaver).strip()
        if leaver and not text:
            return ""
        try:
            return clean_email(text)
        except ValueError as error:
            raise RowError(f"email {error}") from None

    def _name(self, field: str, template: Template, view: RowView, leaver: bool) -> str:
        name = clean_name(self._lenient(field, template, view, leaver))
        if not name:
            if not leaver and not template.columns <= self.spec.may_be_empty:
                raise RowError(f"{field} is blank")
        elif len(name) > MAX_NAME:
            raise RowError(f"{field} is longer than {MAX_NAME} characters")
        elif holds_control(name):
            raise RowError(f"{field} holds a control character")
        return name

    def _property(self, name: str, template: Template, view: RowView) -> str:
        text = unicodedata.normalize("NFC", self.text(f"properties.{name}", template, view).strip())
        if not text.isprintable() and any(unicodedata.category(char) == "Cs" or char == "\0" for char in text):
            raise RowError(f"properties.{name} holds a character that is not text")
        return text

    def blanks(self, templates: Iterable[Template], view: RowView) -> tuple[str, ...]:
        """Columns that the expressions read, blank in this row, whose blank is no answer."""
        return tuple(
            sorted(
                column
                for template in templates
                for column in template.columns - self.spec.may_be_empty
                if (column in view or column not in template.optional) and is_blank(view.values.get(column))
            )
        )

    # -- one value ---------------------------------------------------------------------------------------------

    def value(self, field: str, template: Template, view: RowView) -> Any:
        """What an expression yields."""
        try:
            return template.value(view)
        except TemplateError as error:
            _fail(field, error)

    def text(self, field: str, template: Template, view: RowView) -> str:
        """What an expression yields, as text."""
        try:
            return template.render(view)
        except TemplateError as error:
            _fail(field, error)

    def _lenient(self, field: str, template: Template, view: RowView, leaver: bool) -> str:
        """As text; for a leaver an expression that fails on nothing but blanks is blank too."""
        try:
            return template.render(view)
        except TemplateError as error:
            if leaver and template.columns and all(is_blank(view.values.get(name)) for name in template.columns):
                return ""
            _fail(field, error)

    def truth(self, field: str, template: Template, view: RowView) -> bool:
        """What an expression yields, yes or no."""
        try:
            return template.truth(view)
        except TemplateError as error:
            _fail(field, error)


def _columns_of(templates: Iterable[Template | None]) -> frozenset[str] | None:
    """The columns that expressions read; ``None`` if that depends on the row."""
    present = [template for template in templates if template is not None]
    if not all(template.pure for template in present):
        return None
    return frozenset().union(*(template.columns for template in present))


def _fail(field: str, error: TemplateError) -> NoReturn:
    raise RowError(f"{field}: {error}") from None
