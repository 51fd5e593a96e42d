"""What the rules give a person: memberships, roles, unclear_rules, and the values that no rule maps."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from typing import Any, Protocol

from jinja2.exceptions import SecurityError

from airflow_provider_kinde.sync.model import DesiredMembership, UnclearRule
from airflow_provider_kinde.sync.people.access import is_no_end
from airflow_provider_kinde.sync.spec.cell_text import clean_text
from airflow_provider_kinde.sync.spec.expression_dates import LocalDays
from airflow_provider_kinde.sync.spec.expressions import RowView, Template, TemplateError
from airflow_provider_kinde.sync.spec.filters import as_text
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.spec.organizations import MembershipSpec
from airflow_provider_kinde.sync.store.people import encode_memberships


class RowError(Exception):
    """This row cannot be understood, for the reason given."""


class RowReader(Protocol):
    """Reads one value of a row; a failure rejects the row."""

    def value(self, field: str, template: Template, view: RowView) -> Any:
        """What an expression yields.

        :param field: the key in the spec, for messages.
        :param template: the expression.
        :param view: the row as expressions see it.
        """

    def truth(self, field: str, template: Template, view: RowView) -> bool:
        """What an expression yields, yes or no.

        :param field: the key in the spec, for messages.
        :param template: the expression.
        :param view: the row as expressions see it.
        """

    def date(
        self, field: str, template: Template | None, view: RowView, timezone: dt.tzinfo, *, start: bool = False
    ) -> dt.date | None:
        """One date of a row.

        :param field: the key in the spec, for messages.
        :param template: the expression.
        :param view: the row as expressions see it.
        :param timezone: where a moment becomes a day.
        :param start: whether it is a first day.
        """

    def blanks(self, templates: Iterable[Template], view: RowView) -> tuple[str, ...]:
        """Columns that expressions read, blank in this row, whose blank is no answer.

        :param templates: the expressions.
        :param view: the row as expressions see it.
        """

    def local_days(self, view: RowView) -> LocalDays:
        """The days of the place where the person of a row works.

        :param view: the row as expressions see it.
        """


class MembershipRules:
    """The rules of a spec, applied to rows.

    :param spec: the spec.
    :param reader: reads values of a row.
    """

    def __init__(self, spec: SyncSpec, reader: RowReader) -> None:
        self.spec, self.reader = spec, reader
        self.aliases = {organization.alias for organization in spec.organizations}
        self._fields = [(f"memberships[{n}]", f"memberships[{n}].when") for n in range(len(spec.memberships))]
        self._roles = [frozenset(rule.roles) for rule in spec.memberships]
        self._reads = [
            frozenset[str]().union(*(template.columns for template in _templates(rule))) for rule in spec.memberships
        ]
        self._compared = _categories(spec)

    @property
    def templates(self) -> list[Template]:
        """Every expression that decides what a row gives."""
        found = [template for rule in self.spec.memberships for template in _templates(rule)]
        dated = any(rule.first_day or rule.until for rule in self.spec.memberships) or any(t.dated for t in found)
        return [*found, self.spec.employment.timezone] if dated else found

    def apply(self, view: RowView) -> tuple[str, str]:
        """Say what a row gives.

        :param view: the row.
        :returns: memberships and unclear rules, and the values that no rule maps, as the table keeps them.
        :raises Reject: an expression fails, or yields what is no alias.
        """
        due: list[DesiredMembership] = []
        unclear_rules: list[UnclearRule] = []
        mapped: set[str] = set()
        for index, rule in enumerate(self.spec.memberships):
            (field, when), roles = self._fields[index], self._roles[index]
            if rule.when is None or self.reader.truth(when, rule.when, view):
                mapped |= self._reads[index]
                if not self._runs(rule, field, view):
                    continue
                aliases = self._aliases(field, rule, view)
                if blanks := self.reader.blanks([rule.organization], view):
                    # Where a blank decides which organization it is, nothing may be taken away because of it.
                    unclear_rules.append(UnclearRule(blanks, index, None, roles))
                    fixed = self.spec.organizations_match is None
                    aliases = [alias for alias in aliases if fixed and alias in self.aliases]
                if not aliases:
                    mapped -= rule.organization.columns
                for alias in aliases:
                    self._check_alias(field, alias)
                    due.append(DesiredMembership(alias, roles, index))
            elif blanks := self.reader.blanks([rule.when], view):
                unclear_rules.append(UnclearRule(blanks, index, self._alias_of_unclear_rule(rule, view), roles))
        return encode_memberships(tuple(due), tuple(unclear_rules)), self._unmapped(view, mapped)

    def _runs(self, rule: MembershipSpec, field: str, view: RowView) -> bool:
        """Whether today is between the first and the last day of the membership."""
        if rule.first_day is None and rule.until is None:
            return True
        local = self.reader.local_days(view)
        first = self.reader.date(f"{field}.from", rule.first_day, view, local.zone, start=True)
        last = self.reader.date(f"{field}.until", rule.until, view, local.zone)
        if last is not None and is_no_end(last, local.day):
            last = None
        return (first is None or first <= local.day) and (last is None or local.day <= last)

    def _aliases(self, field: str, rule: MembershipSpec, view: RowView) -> list[str]:
        """The organizations that a rule names for a row; blank ones are none."""
        found = self.reader.value(f"{field}.organization", rule.organization, view)
        try:
            texts = [as_text(item).strip() for item in (found if isinstance(found, (list, tuple)) else [found])]
        except SecurityError as error:
            raise RowError(f"{field}.organization: {error.message}") from None
        return [text for text in dict.fromkeys(texts) if text]

    def _check_alias(self, field: str, alias: str) -> None:
        if self.spec.organizations_match is None and alias not in self.aliases:
            known = ", ".join(sorted(self.aliases)[:20]) or "none"
            yields = f"{field}.organization yields {alias[:80]!r}"
            raise RowError(f"{yields}, which is not an alias in organizations; known are {known}")

    def _alias_of_unclear_rule(self, rule: MembershipSpec, view: RowView) -> str | None:
        """The organization that an unclear rule is about; ``None``, any of them, where a blank decides that, too."""
        if self.reader.blanks([rule.organization], view):
            return None
        try:
            alias = rule.organization.render(view).strip()
        except TemplateError:
            return None
        known = alias and (self.spec.organizations_match is not None or alias in self.aliases)
        return alias if known else None

    def _unmapped(self, view: RowView, mapped: set[str]) -> str:
        found = []
        for column, texts in self._compared.items():
            value = view.values.get(column)
            if column not in mapped and isinstance(value, str) and value and value.casefold() not in texts:
                found.append((column, value[:40]))
        return json.dumps(found, ensure_ascii=False) if found else ""


def _templates(rule: MembershipSpec) -> list[Template]:
    found = (rule.organization, rule.when, rule.first_day, rule.until)
    return [template for template in found if template is not None]


def _categories(spec: SyncSpec) -> dict[str, frozenset[str]]:
    """Column -> the texts that rules compare it with, case-folded; without what tells who a person is."""
    person = spec.person
    naming = (person.id, person.email, person.given_name, person.family_name)
    personal = frozenset[str]().union(*(template.columns for template in naming))
    found: dict[str, frozenset[str]] = {}
    for rule in spec.memberships:
        for template in (rule.organization, rule.when):
            for column, texts in (template.compared if template else {}).items():
                if column not in personal:
                    found[column] = found.get(column, frozenset()) | {clean_text(text).casefold() for text in texts}
    return found
