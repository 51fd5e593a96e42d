"""The part of a draft that a tenant decides: organizations, rules, exceptions, sign-in, accounts of no person."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.resources.fields import is_enterprise
from airflow_provider_kinde.sync.draft.organization_rules import Proposal
from airflow_provider_kinde.sync.draft.rule_table import RuleTable
from airflow_provider_kinde.sync.draft.tenant_people import Evidence
from airflow_provider_kinde.sync.draft.tenant_rules import ExplainedOrganization, Unexplained
from airflow_provider_kinde.sync.draft.yaml_text import literal, quoted, some
from airflow_provider_kinde.sync.plan.guards import allowance
from airflow_provider_kinde.sync.report.text import clean
from airflow_provider_kinde.sync.spec.sections import Guards


def organization_lines(
    evidence: Evidence, table: RuleTable, found: Sequence[ExplainedOrganization]
) -> tuple[list[str], list[str]]:
    """Write organizations and rules.

    :param evidence: people and accounts.
    :param table: HR's columns.
    :param found: all organizations, with their rules.
    :returns: the lines of ``organizations`` and those of ``memberships``.
    """
    managed = [one for one in found if one.rules]
    organizations = ["# Organizations of the tenant in which rules explain who is a member."]
    organizations += ["organizations:"] if managed else ["organizations: {}"]
    organizations += [
        f"  {one.alias}: {quoted(one.organization.code)}  # {clean(one.organization.name)}: "
        f"{counted(len(one.organization.members), 'member')}, {one.members.bit_count():,} of them work here"
        for one in managed
    ]
    if left := [one for one in found if not one.rules]:
        organizations.append("# Left out of this file, so that nothing is given or taken there:")
        organizations += [f"#   {clean(one.organization.name)} ({one.organization.code}): {_why(one)}" for one in left]
    memberships: list[str] = []
    if managed:
        memberships = ["memberships:                         # every rule that holds adds up"]
        for one in managed:
            for rule in one.rules:
                memberships += _rule_lines(evidence, table, one, rule)
    return organizations, memberships


def _why(one: ExplainedOrganization) -> str:
    if one.organization.directory:
        return f"{one.organization.directory} decides who is in it"
    if not one.members:
        return f"{counted(len(one.organization.members), 'member')}, none of whom works here"
    return f"check: no column explains its {counted(one.members.bit_count(), 'member')}: add a rule, or leave it out"


def _rule_lines(evidence: Evidence, table: RuleTable, one: ExplainedOrganization, rule: Proposal) -> list[str]:
    lines = [f"  - organization: {one.alias}"]
    if rule.tests:
        lines.append(f"    when: {quoted('{{ ' + table.condition(rule.tests) + ' }}')}")
    if rule.roles:
        lines.append(f"    roles: [{', '.join(map(quoted, rule.roles))}]")
    today = rule.covered & one.members
    lines.append(f"    # {counted(today.bit_count(), 'person is a member', 'people are members')} today")
    if joining := evidence.ids(rule.covered & ~one.members):
        lines.append(f"    # check: {counted(len(joining), 'person', 'people')} would join: {some(joining)}")
    lacking = {role: evidence.ids(today & ~one.holders[role]) for role in rule.roles}
    lines += [
        f"    # check: {len(ids):,} of them would get the role {quoted(role)}: {some(ids)}"
        for role, ids in lacking.items()
        if ids
    ]
    return lines


def exception_lines(evidence: Evidence, unexplained: Unexplained, id_expression: str) -> tuple[list[str], list[str]]:
    """Write what people have today and no rule gives, so that the first plan takes nothing.

    :param evidence: people and accounts.
    :param unexplained: memberships and roles.
    :param id_expression: the HR id as an expression, without its braces.
    :returns: further lines of ``memberships``, and those of ``keep``.
    """
    rules: list[str] = []
    for (alias, role), ids in sorted(unexplained.roles.items()):
        held = counted(len(ids), "person holds", "people hold")
        rules.append(f"  - organization: {alias}  # check: {held} this role today, and no rule gives it")
        listed = ", ".join(literal(id) for id in sorted(ids))
        rules += [
            f"    when: {quoted('{{ ' + f'{id_expression} in [{listed}]' + ' }}')}",
            f"    roles: [{quoted(role)}]",
        ]
    keep: list[str] = []
    if unexplained.memberships:
        count = counted(len(unexplained.memberships), "membership")
        keep = [
            f"# check: {count} of today that no rule explains. No plan removes them as long as they stand here.",
            "keep:",
        ]
        keep += [f"  - {{id: {quoted(id)}, organization: {alias}}}" for id, alias in sorted(unexplained.memberships)]
    return rules, keep


def joiner_lines(evidence: Evidence, id_value: str, connections: Mapping[str, str]) -> list[str]:
    """Write how accounts that are there become those of people.

    :param evidence: people and accounts.
    :param id_value: the HR id as a value of a spec.
    :param connections: id -> strategy.
    """
    trusted: dict[str, str] = {}
    missing: list[str] = []
    for kind, count in sorted(evidence.sign_ins().items()):
        why = f"{counted(count, 'person signs', 'people sign')} in by {clean(kind)} alone"
        if is_enterprise(kind):
            trusted["enterprise"] = why
        elif ids := [id for id, strategy in connections.items() if strategy == kind]:
            trusted |= dict.fromkeys(ids, why)
        else:
            missing.append(f"  # check: {why}: add the id of the connection to trusted_connections to adopt them")
    lines = (
        [f"  adopt_provided_id: {quoted(id_value)}  # {counted(own, 'account carries', 'accounts carry')} the HR id"]
        if (own := evidence.with_own_id())
        else []
    )
    if trusted:
        why = "; ".join(dict.fromkeys(trusted.values()))
        lines += [
            f"  # check: {why}. Name only connections whose provider vouches for addresses.",
            f"  trusted_connections: [{', '.join(map(quoted, trusted))}]",
        ]
    lines += missing
    return ["joiner:", *lines] if any(not line.lstrip().startswith("#") for line in lines) else lines


def connection_lines(claims: Mapping[str, Sequence[str]]) -> list[str]:
    """Write which connection the sync could keep for people who sign in by one.

    :param claims: domain of addresses -> ids of the connections that claim it.
    """
    lines = []
    for domain, ids in claims.items():
        if len(ids) > 1:
            lines.append(
                f"  # check: {len(ids)} connections claim the domain {clean(domain)} ({some(ids)}). To let the sync "
                "keep sign-ins, name one of them by its id in person.connection"
            )
        elif ids:
            lines.append(
                f"  # connection: {{domain: {quoted(domain)}}}  # each person signs in by {clean(ids[0])} then"
            )
    return lines


def ignore_lines(evidence: Evidence) -> list[str]:
    """Write the service and test accounts.

    :param evidence: people and accounts.
    """
    emails, domains = evidence.services()
    if not emails and not domains:
        return []
    lines = ["# check: these accounts look like service, test or shared accounts: they are never adopted.", "ignore:"]
    if emails:
        lines += ["  emails:", *(f"    - {quoted(email)}" for email in emails)]
    if domains:
        lines.append(f"  domains: [{', '.join(map(quoted, domains))}]")
    return lines


def guard_lines(evidence: Evidence, protected: frozenset[str], rows: int) -> list[str]:
    """Write how many people may be held: an account that waits for a person must not block every plan.

    :param evidence: people and accounts.
    :param protected: the protected roles.
    :param rows: how many rows the file has: the guard measures the people who are held against them.
    """
    guards = Guards()
    # Only a request for each account would say whose address is not confirmed: any account may be one that waits.
    if len(evidence.working) <= allowance(guards.max_held, rows, guards.floor):
        return []
    waiting = {*evidence.suspended(), *evidence.protected(protected)}
    limit = min(100, max(10, math.ceil(100 * len(waiting) / rows) + 5))
    return [
        "# check: people whose account is suspended, protected or not confirmed are held. Set 5% once that is settled.",
        f"guards: {{max_held: {limit}%}}",
    ]


def tenant_header(evidence: Evidence, people: int, protected: frozenset[str]) -> list[str]:
    """Say what the tenant holds, and what the first plan leaves alone.

    :param evidence: people and accounts.
    :param people: how many people have access according to HR.
    :param protected: the protected roles.
    """
    tenant, working = evidence.tenant, len(evidence.working)
    holds = f"{counted(len(tenant.accounts), 'account')} and {counted(len(tenant.organizations), 'organization')}"
    theirs = f"of {counted(people, 'person', 'people')} with access, {counted(working, 'has', 'have')} an account there"
    lines = [f"{tenant.host} holds {holds}; {theirs}."]
    if not working:
        lines += [
            "check: no person with access has an account with the same address, so no rule can be found. Is it the",
            "right file, the right column of addresses, the right tenant?",
        ]
    if orphans := evidence.orphans():
        lines.append(f"{counted(orphans, 'orphan')}, in no row of the file and of no source: see accounts --spec FILE.")
    if evidence.linked:
        lines.append(f"{counted(evidence.linked, 'account')} with a provided_id of another source: never touched.")
    if leavers := evidence.leavers:
        count = counted(len(leavers), "person", "people")
        lines.append(f"check: {count} without access have an enabled account, which no plan touches: suspend it.")
        lines.append(f"  These are {some(leavers)}.")
    if suspended := evidence.suspended():
        count = counted(len(suspended), "person with access has", "people with access have")
        lines.append(f"check: {count} a suspended account: held until you enable the account or delete it.")
        lines.append(f"  These are {some(suspended)}.")
    if held := evidence.protected(protected):
        count = counted(len(held), "person has", "people have")
        lines.append(f"check: {count} a protected role: adopted only with apply --approve-protected ID ...")
        lines.append(f"  These are {some(held)}.")
    lines += [f"check: not read, for want of a scope: {what}" for what in tenant.unread]
    return lines
