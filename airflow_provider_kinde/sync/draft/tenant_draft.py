"""Fill the parts of a draft that a tenant decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.sync.draft.columns import DraftColumns
from airflow_provider_kinde.sync.draft.file_reading import HrFile
from airflow_provider_kinde.sync.draft.file_text import Parts
from airflow_provider_kinde.sync.draft.rule_table import RuleTable, make_rule_table, people_names
from airflow_provider_kinde.sync.draft.tenant import Tenant, connections_of
from airflow_provider_kinde.sync.draft.tenant_people import Evidence, join
from airflow_provider_kinde.sync.draft.tenant_rules import explain_organizations, find_unexplained
from airflow_provider_kinde.sync.draft.tenant_text import (
    connection_lines,
    exception_lines,
    guard_lines,
    ignore_lines,
    joiner_lines,
    organization_lines,
    tenant_header,
)
from airflow_provider_kinde.sync.model import Access, Person
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.spec.sections import ProtectSpec
from airflow_provider_kinde.sync.store.people import People

_PROTECTED = ProtectSpec().roles


def fill_parts(
    parts: Parts, file: HrFile, found: DraftColumns, tenant: Tenant, client: Any, text: Callable[[], str]
) -> tuple[People, list[str]]:
    """Find rules, exceptions and settings, and write them into the parts of the draft.

    :param parts: the parts, which are filled.
    :param file: the HR export.
    :param found: what its columns mean.
    :param tenant: the tenant.
    :param client: a ``KindeClient``, to read connections.
    :param text: writes the draft with the parts as they are.
    :returns: the people as the draft reads them, and the lines about the tenant at its head.
    """
    parts.host = tenant.host
    spec = SyncSpec.parse(text())
    persons = _persons(file.people(text()))
    evidence = join(tenant, persons.values(), _addresses(file, spec))
    table = _table(file, spec, evidence, persons)
    organizations = explain_organizations(evidence, table, _PROTECTED)
    parts.organizations, parts.memberships = organization_lines(evidence, table, organizations)
    tested = {test.column for one in organizations for rule in one.rules for test in rule.tests}
    parts.blank = [column for column in file.columns if column.blank and column.name in tested]
    # The engine itself says what the drafted rules give. What is missing there would be taken by the first plan.
    people = file.people(text())
    unexplained = find_unexplained(evidence, [one for one in organizations if one.rules], _persons(people))
    exceptions, parts.keep = exception_lines(evidence, unexplained, _id_expression(file, found))
    parts.memberships += exceptions
    connections = connections_of(client, tenant) if evidence.sign_ins() else {}
    parts.joiner = joiner_lines(evidence, found.id.expression, connections)
    claims = {d: sorted(connections_of(client, tenant, home_realm_domain=d)) for d in evidence.enterprise_domains()}
    parts.person = connection_lines(claims)
    provided, differ = evidence.names()
    if differ >= max(2, provided / 100):
        parts.person.append(
            f"  names: at_creation  # check: {differ:,} of {counted(provided, 'person', 'people')} with a sign-in by "
            "another provider have another name there than in HR"
        )
    parts.ignore, parts.guards = ignore_lines(evidence), guard_lines(evidence, _PROTECTED, people.rows)
    with_access = sum(person.access in (Access.ACTIVE, Access.GRACE) for person in persons.values())
    return people, tenant_header(evidence, with_access, _PROTECTED)


def _persons(people: People) -> dict[str, Person]:
    return {person.id: person for person in people.persons.values()}


def _addresses(file: HrFile, spec: SyncSpec) -> list[str]:
    """Every address of the file, of rejected and held rows too."""
    read = spec.person.email.columns
    return [value for column in file.columns if column.name in read for value in column.counts if "@" in value]


def _table(file: HrFile, spec: SyncSpec, evidence: Evidence, persons: Mapping[str, Person]) -> RuleTable:
    employment = spec.employment
    read = [spec.person.id, spec.person.email, spec.person.given_name, spec.person.family_name, employment.status]
    read += [template for template in (employment.start_date, employment.end_date) if template]
    taken = frozenset[str]().union(*(template.columns for template in read))
    names = {name for p in persons.values() for name in people_names(p.given_name, p.family_name)}
    places = {person.row: place for place, person in enumerate(evidence.working)}
    return make_rule_table(file.columns, taken, names, file.rows(), places)


def _id_expression(file: HrFile, found: DraftColumns) -> str:
    expression = found.id.expression.removeprefix("{{ ").removesuffix(" }}")
    column = next((column for column in file.columns if column.reference == expression), None)
    return f"{expression} | string" if column is not None and column.others else expression
