"""Onboard one person from a form: by HR's row if there is one, else with an account that the sync adopts later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any

import pendulum

from airflow_provider_kinde.resources.normalization import clean_email, clean_name, email_key, name_key, same_letters
from airflow_provider_kinde.sync.apply.stages import apply_plan
from airflow_provider_kinde.sync.changes import Change
from airflow_provider_kinde.sync.link import is_onboarded, parse_link
from airflow_provider_kinde.sync.model import Access, Account, Person, Source
from airflow_provider_kinde.sync.people.reader import MAX_NAME, read_people
from airflow_provider_kinde.sync.person.explain import account_line, action_lines, explanation
from airflow_provider_kinde.sync.person.forms import FormRefused, Tell, check_tenant, told
from airflow_provider_kinde.sync.plan.conflicts import find_conflict
from airflow_provider_kinde.sync.plan.person_change import change_for
from airflow_provider_kinde.sync.plan.plan import Plan
from airflow_provider_kinde.sync.plan.planner import make_plan
from airflow_provider_kinde.sync.plan.run_request import as_source, moment, typed_id
from airflow_provider_kinde.sync.read_once import ReadOnceSource
from airflow_provider_kinde.sync.report.redaction import without_values
from airflow_provider_kinde.sync.report.report import Report
from airflow_provider_kinde.sync.snapshot.reader import Snapshot, read_snapshot
from airflow_provider_kinde.sync.spec.date_parser import FAR_START_YEARS
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.store.changes import ChangeList
from airflow_provider_kinde.sync.store.people import People
from airflow_provider_kinde.sync.store.unclear_rows import row_with_address
from airflow_provider_kinde.sync.tenant import client_of


class StartsLater(Exception):
    """The first day is ahead and HR has no row yet: call :func:`onboard` again at :attr:`begin`.

    :param begin: the moment from which access may be given.
    """

    def __init__(self, begin: pendulum.DateTime) -> None:
        super().__init__(f"access begins on {begin.to_iso8601_string()}")
        self.begin = begin


@dataclass(frozen=True)
class Joiner:
    """The values of the onboarding form.

    :param email: the address to sign in with.
    :param given_name: given name.
    :param family_name: family name.
    :param organization: alias of one of the spec's organizations.
    :param roles: role keys that the spec's rules give.
    :param start: the first day; today when left out.
    :param id: the HR id, if it is known already.
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

    If HR has a row for the person, HR decides: the person is planned and applied as by the sync. If HR has none, an
    account is created (or completed) with the link of an onboarded account. The sync adopts it when a row has its
    address.

    :param spec: the spec.
    :param source: the HR source, or a list of rows.
    :param client: a Kinde client, or a hook that has one.
    :param joiner: the values of the form.
    :param approve: hash of the person's plan, to let it pass the volume guards.
    :param now: the moment to plan for; the current time when left out.
    :param tell: called with the explanation before anything is written.
    :returns: the report.
    :raises FormRefused: the form is refused; the message says what to do instead.
    :raises StartsLater: the first day is ahead.
    """
    at = moment(now)
    client = client_of(client)
    check_tenant(spec, client.host)
    joiner = _checked(spec, joiner, at.date())
    rows = ReadOnceSource(as_source(source))
    people = read_people(spec, rows, at)
    if people.problems:
        raise FormRefused(f"the HR source cannot be relied on, so nothing was done: {'; '.join(people.problems)}")
    id = _row(people, joiner)
    if id:
        plan = make_plan(spec, rows, client, now=at, ids=[id])
        tell(explanation(plan, rows, id, personal=False), explanation(plan, rows, id))
        return apply_plan(plan, client, approve=approve)
    if joiner.start and at < (begin := _begin(spec, joiner.start)):
        raise StartsLater(begin)
    plan = _plan(spec, client, joiner, at)
    assert plan.snapshot is not None
    accounts = plan.snapshot.accounts.with_address(email_key(joiner.email))
    for_log, for_file = (
        told(
            f"onboarding in {spec.name} -> {client.host}",
            f"{people.source or 'the HR source'} has no row for this person: the form decides",
            [account_line(plan.snapshot, account, personal) for account in accounts] or ["no account has the address"],
            action_lines(plan.operations, personal) or ["none: nothing to do"],
        )
        for personal in (False, True)
    )
    tell(for_log, for_file)
    return apply_plan(plan, client, approve=approve)


def roles_to_give(spec: SyncSpec, organization: str) -> frozenset[str]:
    """List the role keys that the form may give in an organization.

    :param spec: the spec.
    :param organization: the organization's alias.
    :returns: the role keys of the spec's rules for it, without protected ones. A rule whose organization is an
        expression counts for every organization.
    """
    rules = [
        rule
        for rule in spec.memberships
        if not rule.organization.constant or rule.organization.text.strip() == organization
    ]
    given: frozenset[str] = frozenset().union(*(rule.roles for rule in rules))
    return given - spec.protect.roles


def _checked(spec: SyncSpec, joiner: Joiner, today: date) -> Joiner:
    """Normalize the values of the form, and refuse what the sync would not do."""
    try:
        email = clean_email(joiner.email)
    except ValueError as error:
        raise FormRefused(f"the e-mail address {error}") from None
    given_name, family_name = clean_name(joiner.given_name), clean_name(joiner.family_name)
    id = typed_id(joiner.id, FormRefused)
    for field, name in (("given name", given_name), ("family name", family_name)):
        if not name or len(name) > MAX_NAME or not name.isprintable():
            raise FormRefused(
                f"the {field} is blank, is longer than {MAX_NAME} characters, or has unprintable characters"
            )
    if joiner.start and joiner.start.year > today.year + FAR_START_YEARS:
        raise FormRefused(f"the first day {joiner.start} is more than {FAR_START_YEARS} years ahead: correct it")
    if email_key(email) in spec.protect.emails:
        raise FormRefused("the spec protects this address (protect.emails): create the account in Kinde")
    aliases = {organization.alias for organization in spec.organizations}
    if spec.organizations_match is None and joiner.organization not in aliases:
        raise FormRefused(
            f"{joiner.organization!r} is not an organization of the spec. Choose one of: {', '.join(sorted(aliases))}"
        )
    allowed = roles_to_give(spec, joiner.organization)
    if unknown := sorted(set(joiner.roles) - allowed):
        known = ", ".join(sorted(allowed)) or "none"
        raise FormRefused(
            f"no rule of the spec gives the role {', '.join(unknown)} in {joiner.organization!r}. Choose among: {known}"
        )
    return replace(joiner, email=email, given_name=given_name, family_name=family_name, id=id)


def _row(people: People, joiner: Joiner) -> str:
    """Find the HR id of the person's row; empty if HR has none."""
    key = email_key(joiner.email)
    same = people.persons.with_address(key)
    if any(not same_letters(p.email, joiner.email) for p in same):
        raise FormRefused("HR spells this address with other letters (such as ß for ss): type it as HR has it")
    if joiner.id:
        person = people.persons.get(joiner.id)
        if person is None and joiner.id in people.ids:
            raise FormRefused(
                f"HR's row for {joiner.id} cannot be used: {_why(people, joiner.id)}. Correct it in HR first"
            )
        if person is not None and email_key(person.email) != key:
            raise FormRefused(f"HR has another address for {joiner.id} than the form: correct one of them")
        if person is None and same:
            raise FormRefused(f"HR has this address under the id {same[0].id}, the form says {joiner.id}")
    else:
        name = name_key(f"{joiner.given_name} {joiner.family_name}")
        active = [p for p in same if p.access in (Access.ACTIVE, Access.KEEP)]
        # A leaver who had the address, with another name, is another person.
        left = [p for p in same if p not in active and name_key(f"{p.given_name} {p.family_name}") == name]
        person = next(iter(active or left), None)
        if len(active) > 1:
            raise FormRefused(f"HR has this address under several ids ({', '.join(sorted(p.id for p in active))})")
    if person is None and (number := row_with_address(people.database, key)):
        raise FormRefused(f"row {number} of HR has this address, and cannot be used: {_why_row(people, number)}")
    if person is not None and person.access in (Access.NONE, Access.GRACE):
        raise FormRefused(f"HR says that {person.id} left: correct HR first")
    return person.id if person else ""


def _why_row(people: People, number: int) -> str:
    rejected = [f"{without_values(r.reason)}. Correct it in HR first" for r in people.rejected if r.row == number]
    return "; ".join(rejected) or "it contradicts another one. Correct HR first"


def _why(people: People, id: str) -> str:
    rejected = [f"row {r.row}: {without_values(r.reason)}" for r in people.rejected if r.id == id]
    return people.held.get(id) or "; ".join(rejected) or "it contradicts another one"


def _begin(spec: SyncSpec, start: date) -> pendulum.DateTime:
    """The moment from which access may be given: the local day minus ``joiner.days_before_start``."""
    template = spec.employment.timezone
    zone = template.render({}).strip() if template.constant else "UTC"
    return pendulum.datetime(start.year, start.month, start.day, tz=zone or "UTC").subtract(
        days=spec.joiner.days_before_start
    )


def _plan(spec: SyncSpec, client: Any, joiner: Joiner, at: pendulum.DateTime) -> Plan:
    """Plan for the onboarded account. Its link is ``<name>~onboarded:<day>``, so the plan has a name of its own."""
    own = spec.model_copy(update={"name": f"{spec.name}~onboarded"})
    plan = Plan(own, client.host, at, counts_before=(client.counts.read, client.counts.write), sign=client.sign)
    snapshot = plan.snapshot = read_snapshot(own, client)
    account = _account(spec, snapshot, joiner)
    found = _operations(snapshot, joiner, account, at.in_timezone("UTC").date(), spec.conflicts)
    plan.operations = ChangeList(found, snapshot.database)
    plan.unchanged = int(account is not None and not plan.operations)
    return plan


def _account(spec: SyncSpec, snapshot: Snapshot, joiner: Joiner) -> Account | None:
    """Find the account that an earlier run of the form created; other accounts with the address are refused."""
    accounts = snapshot.accounts.with_address(email_key(joiner.email))
    if not accounts:
        return None
    if len(accounts) > 1:
        raise FormRefused(f"{len(accounts)} Kinde accounts have this address: remove it from all but one in Kinde")
    account = accounts[0]
    if not same_letters(account.email, joiner.email):
        raise FormRefused(
            f"the Kinde account {account.id} spells this address with other letters (such as ß for ss): it may be "
            "another person's"
        )
    link = parse_link(account.provided_id, spec.name)
    if link is not None:
        raise FormRefused(
            f"the account of the HR id {link.id} has this address, and no row of HR has it: "
            f"correct HR, or take it off that account with release --id {link.id}"
        )
    if not is_onboarded(account.provided_id, spec.name):
        whose = f"another source manages it ({account.provided_id})" if account.provided_id else "no source manages it"
        raise FormRefused(
            f"the Kinde account {account.id} has this address, and {whose}: a form does not take accounts over. Add it "
            "to the organization in Kinde, or let the sync adopt it once HR has the row"
        )
    if account.suspended:
        raise FormRefused(f"the account {account.id} is suspended: enable it in Kinde if the person may sign in again")
    return account


def _operations(
    snapshot: Snapshot,
    joiner: Joiner,
    account: Account | None,
    today: date,
    conflicts: tuple[tuple[str, str], ...],
) -> list[Change]:
    """The missing account, membership and roles. Nothing is taken away, so the form can add a second organization."""
    organization = snapshot.organizations.get(joiner.organization)
    if organization is None:
        raise FormRefused(f"{joiner.organization!r} is not an organization of the spec in Kinde")
    id = f"onboarded:{today.isoformat()}" if account is None else account.provided_id.rpartition("~")[2]
    person = Person(
        # The account's link is `<name of the plan>:<this id>`.
        id=id.partition(":")[2],
        row=0,
        email=joiner.email,
        given_name=joiner.given_name,
        family_name=joiner.family_name,
        properties=(),
        access=Access.ACTIVE,
        why="requested in the form",
    )
    operation = partial(change_for, id, person, account, reason=person.why)
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
    present = snapshot.memberships(account.id) if account else {}
    given = {organization.alias: present.get(organization.alias, frozenset()) | set(joiner.roles)}
    if found := find_conflict(conflicts, {**present, **given}):
        raise FormRefused(found)
    return operations + [operation("add_role", alias=organization.alias, role=role) for role in missing]
