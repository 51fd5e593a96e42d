"""Onboard one person from a form: by HR's row where there is one, else into an account that the sync adopts later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any

import pendulum

from airflow_provider_kinde.resources.normalization import clean_email, clean_name, email_key, name_key
from airflow_provider_kinde.sync.apply.stages import apply_plan
from airflow_provider_kinde.sync.link import is_onboarded, parse_link
from airflow_provider_kinde.sync.model import Access, Person, Source
from airflow_provider_kinde.sync.people.reader import MAX_NAME, read_people
from airflow_provider_kinde.sync.person.explain import account_line, action_lines, explanation
from airflow_provider_kinde.sync.person.forms import FormRefused, Remembered, Tell, check_tenant, told
from airflow_provider_kinde.sync.plan.changes import Change
from airflow_provider_kinde.sync.plan.planner import Plan, make_plan
from airflow_provider_kinde.sync.plan.reconcile import operation_for
from airflow_provider_kinde.sync.plan.run_request import as_source, moment
from airflow_provider_kinde.sync.report.report import Report
from airflow_provider_kinde.sync.snapshot.reader import Snapshot, read_snapshot
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.store.accounts import Account
from airflow_provider_kinde.sync.store.changes import ChangeList
from airflow_provider_kinde.sync.store.people import People


class NotYet(Exception):
    """The person starts later, and HR has no row that would say so: ask again at :attr:`begin`."""

    def __init__(self, begin: pendulum.DateTime) -> None:
        super().__init__(f"access begins on {begin.to_iso8601_string()}")
        self.begin = begin


@dataclass(frozen=True)
class Joiner:
    """What the form says of somebody who joins.

    :param organization: alias of one of the spec's organizations.
    :param roles: role keys that the spec's rules give.
    :param start: the first day; today when left out.
    :param id: HR id, where it is known already.
    """

    email: str
    given_name: str
    family_name: str
    organization: str
    roles: tuple[str, ...] = ()
    start: date | None = None
    id: str = ""


def onboard(
    spec: SyncSpec,
    source: Source | Iterable[Mapping[str, Any]],
    client: Any,
    joiner: Joiner,
    *,
    approve: str | None = None,
    now: pendulum.DateTime | str | None = None,
    tell: Tell,
) -> Report:
    """Give one person access.

    Where HR has the row, HR decides: it is planned and applied for this one id, as the sync does it. Where HR has none,
    an account is made (or completed) that is marked as onboarded: the sync adopts it when a row has its address.

    :param approve: hash of the person's plan, should a volume guard have stopped it.
    :param tell: told what will be done before it is.
    :raises Refused: when this must not be done; the message says what to do instead.
    :raises NotYet: when the start is ahead.
    """
    at = moment(now)
    client = client.get_conn() if hasattr(client, "get_conn") else client
    check_tenant(spec, client.host)
    joiner = _checked(spec, joiner)
    rows = Remembered(as_source(source))
    people = read_people(spec, rows, at)
    if people.problems:
        raise FormRefused(f"it cannot be known whether HR has this person: {'; '.join(people.problems)}")
    id = _row(people, joiner)
    if id:
        plan = make_plan(spec, rows, client, now=at, ids=[id])
        tell(explanation(plan, rows, id, personal=False), explanation(plan, rows, id))
        return apply_plan(plan, client, approve=approve)
    if joiner.start and at < (begin := _begin(spec, joiner.start)):
        raise NotYet(begin)
    plan = _plan(spec, client, joiner, at)
    assert plan.snapshot is not None
    accounts = plan.snapshot.by_address.get(email_key(joiner.email))
    for_log, for_file = (
        told(
            f"onboarding in {spec.name} -> {client.host}",
            f"no row of {people.source or 'the HR source'} is this person's: the form decides",
            [account_line(plan.snapshot, account, personal) for account in accounts] or ["no account has the address"],
            action_lines(plan.operations, personal) or ["none: nothing is to be done"],
        )
        for personal in (False, True)
    )
    tell(for_log, for_file)
    return apply_plan(plan, client)


def roles_to_give(spec: SyncSpec) -> frozenset[str]:
    """The role keys that a form may give: those of the spec's rules, none of them protected."""
    given: frozenset[str] = frozenset().union(*(rule.roles for rule in spec.memberships))
    return given - spec.protect.roles


def _checked(spec: SyncSpec, joiner: Joiner) -> Joiner:
    """The form in the shape in which addresses and names are kept; refuses what no sync would do."""
    try:
        email = clean_email(joiner.email)
    except ValueError as error:
        raise FormRefused(f"the e-mail address {error}") from None
    given_name, family_name, id = clean_name(joiner.given_name), clean_name(joiner.family_name), joiner.id.strip()
    for field, name in (("given name", given_name), ("family name", family_name)):
        if not name or len(name) > MAX_NAME or not name.isprintable():
            raise FormRefused(f"{field} is blank, too long, or holds what cannot be printed")
    if email_key(email) in spec.protect.emails:
        raise FormRefused("the address is protected by the spec (protect.emails): make this account by hand")
    aliases = {organization.alias for organization in spec.organizations}
    if spec.organizations_match is None and joiner.organization not in aliases:
        raise FormRefused(f"{joiner.organization!r} is not an organization of the spec: {', '.join(sorted(aliases))}")
    if unknown := sorted(set(joiner.roles) - roles_to_give(spec)):
        known = ", ".join(sorted(roles_to_give(spec))) or "none"
        raise FormRefused(f"the spec gives no role {', '.join(unknown)}; it gives: {known}")
    return replace(joiner, email=email, given_name=given_name, family_name=family_name, id=id)


def _row(people: People, joiner: Joiner) -> str:
    """The HR id of the row that is this person's; empty when HR has none."""
    key = email_key(joiner.email)
    same = people.persons.with_address(key)
    if joiner.id:
        person = people.persons.get(joiner.id)
        if person is None and joiner.id in people.ids:
            raise FormRefused(f"HR has a row for {joiner.id} that is not understood: {_why(people, joiner.id)}")
        if person is not None and email_key(person.email) != key:
            raise FormRefused(f"HR has another address for {joiner.id} than the form: correct one of them")
        if person is None and same:
            raise FormRefused(f"HR has this address under the id {same[0].id}, the form says {joiner.id}")
    else:
        name = name_key(f"{joiner.given_name} {joiner.family_name}")
        active = [p for p in same if p.access in (Access.DUE, Access.KEEP)]
        # A leaver of another name who had the address is somebody else.
        left = [p for p in same if p not in active and name_key(f"{p.given_name} {p.family_name}") == name]
        person = next(iter(active or left), None)
        if len(active) > 1:
            raise FormRefused(f"HR has this address under several ids ({', '.join(sorted(p.id for p in active))})")
    if person is not None and person.access in (Access.NONE, Access.GRACE):
        raise FormRefused(f"HR says that {person.id} left ({person.why}): correct HR first")
    return person.id if person else ""


def _why(people: People, id: str) -> str:
    rejected = [f"row {r.row}: {r.reason}" for r in people.rejected if r.id == id]
    return people.held.get(id) or "; ".join(rejected) or "it contradicts another one"


def _begin(spec: SyncSpec, start: date) -> pendulum.DateTime:
    """When access may be given: the local day, less the days that joiners are made ahead."""
    template = spec.employment.timezone
    zone = template.render({}).strip() if template.constant else "UTC"
    return pendulum.datetime(start.year, start.month, start.day, tz=zone or "UTC").subtract(
        days=spec.joiner.days_before_start
    )


def _plan(spec: SyncSpec, client: Any, joiner: Joiner, at: pendulum.DateTime) -> Plan:
    """A plan as the engine carries it out, for a namespace of its own: ``<name>~onboarded:<day>`` is its link."""
    own = spec.model_copy(update={"name": f"{spec.name}~onboarded"})
    plan = Plan(own, client.host, at, counts_before=(client.counts.read, client.counts.write))
    snapshot = plan.snapshot = read_snapshot(own, client)
    account = _account(spec, snapshot, joiner)
    found = _operations(snapshot, joiner, account, at.in_timezone("UTC").date())
    plan.operations = ChangeList(found, snapshot.spool)
    plan.unchanged = int(account is not None and not plan.operations)
    return plan


def _account(spec: SyncSpec, snapshot: Snapshot, joiner: Joiner) -> Account | None:
    """The account that an earlier run of the form made, if there is one; everybody else's is refused."""
    accounts = snapshot.by_address.get(email_key(joiner.email))
    if not accounts:
        return None
    if len(accounts) > 1:
        raise FormRefused(f"{len(accounts)} Kinde accounts have this address: merge them first")
    account = accounts[0]
    link = parse_link(account.provided_id, spec.name)
    if link is not None:
        raise FormRefused(f"the address is on the account of the HR id {link.id}, for whom HR has no row with it")
    if not is_onboarded(account.provided_id, spec.name):
        whose = f"another source manages it ({account.provided_id})" if account.provided_id else "nobody manages it"
        raise FormRefused(
            f"the Kinde account {account.id} has this address, and {whose}: a form does not take accounts over. Add it "
            "to the organization in Kinde, or let the sync adopt it once HR has the row"
        )
    if account.suspended:
        raise FormRefused(f"the account {account.id} was suspended: enable it in Kinde if that is over")
    return account


def _operations(snapshot: Snapshot, joiner: Joiner, account: Account | None, today: date) -> list[Change]:
    """What is missing. A form gives, and takes nothing: a person may be onboarded into two organizations."""
    organization = snapshot.organizations.get(joiner.organization)
    if organization is None:
        raise FormRefused(f"{joiner.organization!r} is not an organization of the spec in Kinde")
    id = f"onboarded:{today.isoformat()}" if account is None else account.provided_id.rpartition("~")[2]
    person = Person(
        # The creation writes `<name of the plan>:<this>`.
        id=id.partition(":")[2],
        row=0,
        email=joiner.email,
        given_name=joiner.given_name,
        family_name=joiner.family_name,
        properties=(),
        access=Access.DUE,
        why="asked for in the form",
    )
    operation = partial(operation_for, id, person, account, reason=person.why)
    names = {"given_name": person.given_name, "family_name": person.family_name}
    operations: list[Change] = []
    if not organization.code:
        after = {"name": organization.name}
        operations.append(Change("create_organization", "", organization.alias, after=after, reason=person.why))
    if account is None:
        operations.append(operation("create", after={"email": person.email, **names}))
        held = None
    else:
        before = {"given_name": account.first_name, "family_name": account.last_name}
        changed = {key: name for key, name in names.items() if clean_name(before[key]) != name}
        if changed:
            operations.append(operation("update", before={key: before[key] for key in changed}, after=changed))
        held = organization.members.get(account.id)
    if held is None:
        operations.append(operation("add_membership", alias=organization.alias))
    missing = sorted(set(joiner.roles) - (held or frozenset()))
    return operations + [operation("add_role", alias=organization.alias, role=role) for role in missing]
