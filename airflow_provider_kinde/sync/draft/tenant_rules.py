"""The rules of every organization of a tenant, and what they leave unexplained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from airflow_provider_kinde.sync.draft.organization_rules import Proposal, propose
from airflow_provider_kinde.sync.draft.rule_table import RuleTable
from airflow_provider_kinde.sync.draft.tenant import TenantOrganization
from airflow_provider_kinde.sync.draft.tenant_people import Evidence
from airflow_provider_kinde.sync.draft.yaml_text import aliases_of
from airflow_provider_kinde.sync.model import Access, Person
from airflow_provider_kinde.sync.store.people import roles_by_organization


@dataclass(frozen=True)
class ExplainedOrganization:
    """An organization and its rules.

    :param organization: the organization.
    :param alias: its alias in the draft.
    :param members: the people of HR who are in it.
    :param holders: role key -> the people of HR who hold it there.
    :param rules: the entries; empty where nothing explains the members.
    """

    organization: TenantOrganization
    alias: str
    members: int
    holders: Mapping[str, int]
    rules: Sequence[Proposal]


@dataclass(frozen=True)
class Unexplained:
    """What people have today and no rule gives.

    :param memberships: (HR id, alias).
    :param roles: (alias, role key) -> HR ids.
    """

    memberships: list[tuple[str, str]]
    roles: Mapping[tuple[str, str], list[str]]


def explain_organizations(
    evidence: Evidence, table: RuleTable, protected: frozenset[str]
) -> list[ExplainedOrganization]:
    """Find the rules of every organization that has people of HR in it.

    :param evidence: people and accounts.
    :param table: HR's columns.
    :param protected: role keys that no rule may give.
    """
    organizations = evidence.tenant.organizations
    found = []
    for one, alias in zip(organizations, aliases_of(one.name for one in organizations), strict=True):
        members = evidence.group(one.members)
        keys = sorted({role for roles in one.members.values() for role in roles} - protected)
        holders = {key: evidence.group(user for user, roles in one.members.items() if key in roles) for key in keys}
        rules = [] if one.directory else propose(table.table, members, {k: v for k, v in holders.items() if v})
        found.append(ExplainedOrganization(one, alias, members, holders, rules))
    return found


def find_unexplained(
    evidence: Evidence, organizations: Sequence[ExplainedOrganization], persons: Mapping[str, Person]
) -> Unexplained:
    """Compare what people have with what the drafted rules give them.

    :param evidence: people and accounts.
    :param organizations: the organizations that the draft manages.
    :param persons: the people as the draft with its rules reads them.
    """
    memberships: list[tuple[str, str]] = []
    roles: dict[tuple[str, str], list[str]] = {}
    named = {role for one in organizations for rule in one.rules for role in rule.roles}
    due = {
        id: roles_by_organization(persons[id].memberships)
        for id in evidence.accounts
        if id in persons and persons[id].access is not Access.NONE
    }
    for one in organizations:
        for id, given in due.items():
            held = one.organization.members.get(evidence.accounts[id].id)
            if held is None:
                continue
            if one.alias not in given:
                memberships.append((id, one.alias))
                continue
            for role in sorted((held & named) - given[one.alias]):
                roles.setdefault((one.alias, role), []).append(id)
    return Unexplained(memberships, roles)
