"""From rows to people: what one reading of the HR source says, row by row."""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Collection, Iterable
from typing import Any, NoReturn

import pendulum

from airflow_provider_kinde.sync.access import decide_access
from airflow_provider_kinde.sync.dates import DateReader
from airflow_provider_kinde.sync.drift import Drift
from airflow_provider_kinde.sync.model import Access, Doubt, Due, People, Person, Reading, Rejected, Row, Source
from airflow_provider_kinde.sync.normal import clean_email, clean_name, email_key
from airflow_provider_kinde.sync.spec import MembershipSpec, SyncSpec
from airflow_provider_kinde.sync.template import RowView, Template, TemplateError, UnknownColumn, is_blank

MAX_ID, MAX_NAME = 200, 200
_INTERNED = 200_000


class _Reject(Exception):
    """This row cannot be understood, for the reason given."""


def read_people(spec: SyncSpec, source: Source, now: pendulum.DateTime) -> People:
    """Read the HR source once and say who has access, what is due, and which rows cannot be understood.

    :param spec: the spec.
    :param source: where the rows come from.
    :param now: the moment of the run; each person's local day is taken from it.
    :returns: people, rejected rows, and why the source may not be acted upon, if so.
    :raises SpecError: a rule names an organization that the spec does not define.
    :raises SourceError: the source cannot be read at all.
    """
    return _Reader(spec, now).read(source.read())


class _Reader:
    def __init__(self, spec: SyncSpec, now: pendulum.DateTime) -> None:
        self.spec, self.now = spec, now
        self.people = People()
        self.dates = DateReader(spec.employment.date_format, dt.date(now.year, now.month, now.day))
        self.aliases = {organization.alias for organization in spec.organizations}
        self.drift = Drift(spec)
        self.missed: set[str] = set()
        self.columns: frozenset[str] | None = None
        self._prints: dict[str, int] = {}
        """Id -> hash of its row: enough to tell equal rows from differing ones without keeping any."""
        self._repeats: dict[str, list[int]] = {}
        self._conflicts: dict[str, list[int]] = {}
        self._rejected: dict[str, Rejected] = {}
        self._days: dict[str, tuple[dt.tzinfo, dt.date]] = {}
        self._shared: dict[Any, Any] = {}
        self._roles = [frozenset(rule.roles) for rule in spec.memberships]

    # -- the whole ---------------------------------------------------------------------------------------------

    def read(self, reading: Reading) -> People:
        people, spec = self.people, self.spec
        people.source = reading.name
        if reading.columns is not None:
            self.columns = frozenset(reading.columns)
            self.drift.check_columns(self.columns)
        for row in reading:
            people.rows += 1
            if row.problem:
                self._reject(row, None, row.problem)
            elif self.drift.gone:
                people.ids_certain = False
            else:
                self._row(row)
        if self.columns is None:
            self.drift.check_rows(self.missed)
        self._settle_conflicts()
        people.ids = set(self._prints)
        self._prints.clear()
        people.rejected.sort(key=lambda rejected: rejected.row)
        self._hold_shared_addresses()
        people.warnings = list(reading.warnings)
        people.proven = bool(reading.proven) and not reading.incomplete
        if not people.rows:
            people.problems.append(f"{reading.name} is empty: it holds no row, and nobody leaves because of that")
        else:
            people.problems.extend(self.drift.problems(spec, reading.name))
        people.problems.extend(reading.incomplete)
        return people

    def _row(self, row: Row) -> None:
        view = RowView(row.values, self.columns, self.missed)
        self.drift.look_at(row.values)
        try:
            id = self._id(view)
        except UnknownColumn as error:
            self.people.ids_certain = False
            self.drift.unknown(error.column)
            return
        except _Reject as error:
            self._reject(row, None, str(error))
            return
        if not self._first_of(id, row):
            return
        try:
            person = self._person(row, view, id)
        except UnknownColumn as error:
            self.drift.unknown(error.column)
        except _Reject as error:
            self._reject(row, id, str(error))
        else:
            self.people.persons[id] = person

    def _reject(self, row: Row, id: str | None, reason: str) -> None:
        rejected = Rejected(row.number, id, reason)
        self.people.rejected.append(rejected)
        if id is None:
            self.people.ids_certain = False
        else:
            self._rejected[id] = rejected

    def _first_of(self, id: str, row: Row) -> bool:
        """Whether this is the first row with its id; equal rows count once, differing ones are put aside."""
        mark = _fingerprint(row.values)
        before = self._prints.setdefault(id, mark)
        if id in self._conflicts:
            self._conflicts[id].append(row.number)
            return False
        if before != mark:
            self._conflicts[id] = [*self._repeats.get(id, ()), row.number]
            return False
        if id in self.people.persons or id in self._rejected:
            self._repeats.setdefault(id, []).append(row.number)
            return False
        return True

    def _settle_conflicts(self) -> None:
        people = self.people
        if not self._conflicts:
            return
        people.rejected = [rejected for rejected in people.rejected if rejected.id not in self._conflicts]
        for id, rows in self._conflicts.items():
            person = people.persons.pop(id, None)
            first = person or self._rejected.get(id)
            numbers = sorted([*rows, first.row] if first else rows)
            shown = ", ".join(map(str, numbers[:5])) + (", …" if len(numbers) > 5 else "")
            reason = f"rows {shown} hold the same id and differ"
            people.rejected.extend(Rejected(number, id, reason) for number in numbers)

    def _hold_shared_addresses(self) -> None:
        people = self.people
        seen: set[str] = set()
        twice: dict[str, list[str]] = {}
        for person in people.persons.values():
            if person.access is Access.DUE:
                key = email_key(person.email)
                if key in seen:
                    twice[key] = []
                # Most addresses are their own key: then the set holds no second copy of a million texts.
                seen.add(person.email if key == person.email else key)
        for id, person in people.persons.items() if twice else ():
            if person.access is Access.DUE and (ids := twice.get(email_key(person.email))) is not None:
                ids.append(id)
        for ids in twice.values():
            rows = {id: people.persons.pop(id).row for id in sorted(ids)}
            for id in rows:
                others = [f"{other} (row {rows[other]})" for other in rows if other != id]
                shown = ", ".join(others[:3]) + (", …" if len(others) > 3 else "")
                people.held[id] = f"shares its e-mail address with {shown}: one address cannot be two accounts"

    # -- one row -----------------------------------------------------------------------------------------------

    def _id(self, view: RowView) -> str:
        id = self._text("id", self.spec.person.id, view).strip()
        if not id:
            raise _Reject("id is blank")
        if "~" in id or len(id) > MAX_ID or not id.isprintable():
            raise _Reject(f"id {id[:40]!r} cannot be used: it holds ~ or a control character, or is too long")
        return id

    def _person(self, row: Row, view: RowView, id: str) -> Person:
        person, joiner = self.spec.person, self.spec.joiner
        access, why, doubts = self._access(view)
        leaver = access is Access.NONE
        email = self._email(view, leaver)
        given = self._name("given_name", person.given_name, view, leaver)
        family = self._name("family_name", person.family_name, view, leaver)
        properties: tuple[tuple[str, str], ...] = ()
        memberships: tuple[Due, ...] = ()
        adopt = ""
        if not leaver:
            if person.properties:
                properties = tuple(
                    (name, self._property(name, template, view)) for name, template in person.properties.items()
                )
            memberships, doubts = self._memberships(row, view)
            if joiner.adopt_provided_id is not None:
                adopt = self._text("adopt_provided_id", joiner.adopt_provided_id, view).strip()
        return Person(
            id, row.number, email, given, family, self._intern(properties), access, self._intern(why),
            memberships, doubts, adopt,
        )  # fmt: skip

    def _access(self, view: RowView) -> tuple[Access, str, tuple[Doubt, ...]]:
        spec = self.spec
        if spec.scope is not None and not self._truth("scope", spec.scope, view):
            blanks = self._blanks([spec.scope], view)
            if not blanks:
                return Access.NONE, "out of scope", ()
            try:
                access, why = self._employment(view)
            except _Reject:
                access = Access.DUE
            # Somebody who has left anyway does not leave because of the blank.
            return (Access.NONE, why, ()) if access is Access.NONE else (Access.NONE, "out of scope", (Doubt(blanks),))
        return *self._employment(view), ()

    def _employment(self, view: RowView) -> tuple[Access, str]:
        """Whether status and dates give access, and why."""
        spec, employment = self.spec, self.spec.employment
        status = clean_name(self._text("status", employment.status, view))
        key = status.casefold()
        active = key in employment.active
        if not active and key not in employment.inactive:
            found = f"status {status[:40]!r}" if status else "status is blank, and"
            raise _Reject(f"{found} is neither in employment.active nor in employment.inactive")
        timezone, today = self._today(view)
        return decide_access(
            active,
            status,
            self._date("start_date", employment.start_date, view, timezone),
            self._date("end_date", employment.end_date, view, timezone),
            today,
            days_before_start=spec.joiner.days_before_start,
            grace_days=spec.leaver.grace_days,
        )

    def _today(self, view: RowView) -> tuple[dt.tzinfo, dt.date]:
        name = self._text("timezone", self.spec.employment.timezone, view).strip()
        known = self._days.get(name)
        if known is None:
            try:
                timezone = pendulum.timezone(name)
            except (ValueError, KeyError, OSError):
                raise _Reject(f"timezone {name[:40]!r} is not a time zone such as Europe/Berlin") from None
            local = self.now.in_timezone(timezone)
            known = self._days[name] = (timezone, dt.date(local.year, local.month, local.day))
        return known

    def _date(self, field: str, template: Template | None, view: RowView, timezone: dt.tzinfo) -> dt.date | None:
        if template is None:
            return None
        value = self._value(field, template, view)
        try:
            return self.dates.read(value, timezone, start=field == "start_date")
        except ValueError as error:
            raise _Reject(f"{field} {error}") from None

    def _email(self, view: RowView, leaver: bool) -> str:
        text = self._lenient("email", self.spec.person.email, view, leaver).strip()
        if leaver and not text:
            return ""
        try:
            return clean_email(text)
        except ValueError as error:
            raise _Reject(f"email {error}") from None

    def _name(self, field: str, template: Template, view: RowView, leaver: bool) -> str:
        name = clean_name(self._lenient(field, template, view, leaver))
        if not name:
            if not leaver and not template.columns <= self.spec.may_be_empty:
                raise _Reject(f"{field} is blank")
        elif len(name) > MAX_NAME:
            raise _Reject(f"{field} is longer than {MAX_NAME} characters")
        elif not name.isprintable() and any(unicodedata.category(char) in ("Cc", "Cs") for char in name):
            raise _Reject(f"{field} holds a control character")
        return str(self._intern(name))

    def _property(self, name: str, template: Template, view: RowView) -> str:
        text = unicodedata.normalize("NFC", self._text(f"properties.{name}", template, view).strip())
        if not text.isprintable() and any(unicodedata.category(char) == "Cs" or char == "\0" for char in text):
            raise _Reject(f"properties.{name} holds what is not text")
        return str(self._intern(text))

    def _memberships(self, row: Row, view: RowView) -> tuple[tuple[Due, ...], tuple[Doubt, ...]]:
        due: list[Due] = []
        doubts: list[Doubt] = []
        for rule in self.spec.memberships:
            field = f"memberships[{rule.index}]"
            if rule.when is None or self._truth(f"{field}.when", rule.when, view):
                alias = self._text(f"{field}.organization", rule.organization, view).strip()
                if blanks := self._blanks([rule.organization], view):
                    # Where a blank decides which organization it is, nothing may be taken away because of it.
                    doubts.append(self._intern(Doubt(blanks, rule.index, None, self._roles[rule.index])))
                    alias = alias if self.spec.organizations_match is None and alias in self.aliases else ""
                if alias:
                    self._check_alias(rule, alias, row)
                    due.append(self._intern(Due(alias, self._roles[rule.index], rule.index)))
            elif blanks := self._blanks([rule.when], view):
                alias_or_none = self._alias_in_doubt(rule, view)
                doubts.append(self._intern(Doubt(blanks, rule.index, alias_or_none, self._roles[rule.index])))
        return self._intern(tuple(due)), self._intern(tuple(doubts))

    def _check_alias(self, rule: MembershipSpec, alias: str, row: Row) -> None:
        if self.spec.organizations_match is None and alias not in self.aliases:
            known = ", ".join(sorted(self.aliases)[:20]) or "none"
            raise self.spec.error(
                f"memberships[{rule.index}].organization",
                f"row {row.number} yields {alias[:80]!r}, which is not an alias in organizations; known are {known}",
            )

    def _alias_in_doubt(self, rule: MembershipSpec, view: RowView) -> str | None:
        try:
            alias = rule.organization.render(view).strip()
        except TemplateError:
            return None
        known = alias and (self.spec.organizations_match is not None or alias in self.aliases)
        return alias if known else None

    def _blanks(self, templates: Iterable[Template], view: RowView) -> tuple[str, ...]:
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

    def _value(self, field: str, template: Template, view: RowView) -> Any:
        try:
            return template.value(view)
        except TemplateError as error:
            _fail(field, error)

    def _text(self, field: str, template: Template, view: RowView) -> str:
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

    def _truth(self, field: str, template: Template, view: RowView) -> bool:
        try:
            return template.truth(view)
        except TemplateError as error:
            _fail(field, error)

    def _intern(self, value: Any) -> Any:
        """The one copy of values that many people share (names, reasons, sets of memberships)."""
        if len(self._shared) < _INTERNED:
            return self._shared.setdefault(value, value)
        return self._shared.get(value, value)


def _fail(field: str, error: TemplateError) -> NoReturn:
    raise _Reject(f"{field}: {error}") from None


def _fingerprint(values: Any) -> int:
    """Equal for rows that hold the same, whatever the order of columns, blanks around text, or missing for null."""
    cells: Collection[tuple[str, str]] = [
        (column, text)
        for column, value in values.items()
        if (text := value.strip() if type(value) is str else "" if value is None else str(value))
    ]
    return hash(frozenset(cells))
