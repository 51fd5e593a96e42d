"""From HR rows and Kinde's state to a plan: who, what, before, after, why. Reads only."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import pendulum

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.exceptions import UnknownIdsError
from airflow_provider_kinde.resources.fields import address_of, is_trusted
from airflow_provider_kinde.resources.users import read_properties
from airflow_provider_kinde.sync.changes import Change
from airflow_provider_kinde.sync.model import Account, RejectedRow, Source
from airflow_provider_kinde.sync.people.coverage import coverage_of
from airflow_provider_kinde.sync.people.examples import check_examples
from airflow_provider_kinde.sync.people.reader import read_people
from airflow_provider_kinde.sync.plan.find_changes import ChangeFinder
from airflow_provider_kinde.sync.plan.guards import Block, RunCounts, blocks_of, measure_guards, told_checks
from airflow_provider_kinde.sync.plan.held_people import HeldPeople
from airflow_provider_kinde.sync.plan.kept import keep_warnings, unknown_names
from airflow_provider_kinde.sync.plan.matching import Matches
from airflow_provider_kinde.sync.plan.plan import Plan
from airflow_provider_kinde.sync.plan.policies import check_policies, load_policies
from airflow_provider_kinde.sync.plan.reconcile import Reconciler
from airflow_provider_kinde.sync.plan.run_request import RunRequest, as_source
from airflow_provider_kinde.sync.plan.snapshot_reading import SnapshotReading
from airflow_provider_kinde.sync.plan.starting_later import find_starting_later
from airflow_provider_kinde.sync.plan.unmanaged_leavers import find_unmanaged_leavers, unmanaged_leavers_line
from airflow_provider_kinde.sync.progress import Progress
from airflow_provider_kinde.sync.snapshot.connections import find_connections
from airflow_provider_kinde.sync.snapshot.other_organizations import OtherOrganizations
from airflow_provider_kinde.sync.snapshot.reader import Snapshot
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.store.changes import ChangeList
from airflow_provider_kinde.sync.store.database import Database
from airflow_provider_kinde.sync.store.names import MOST_NAMED, names_of, names_of_rows
from airflow_provider_kinde.sync.store.near_ids import near_ids, suggestion
from airflow_provider_kinde.sync.store.people import People, decode_memberships
from airflow_provider_kinde.sync.tenant import wrong_tenant


def make_plan(
    spec: SyncSpec,
    source: Source | Iterable[Mapping[str, Any]],
    client: Any,
    *,
    now: pendulum.DateTime | str | None = None,
    ids: Collection[str] | None = None,
) -> Plan:
    """Compute what would make Kinde agree with HR. Nothing is written.

    :param spec: the spec.
    :param source: an HR source, or a list of rows (which counts as complete).
    :param client: a ``KindeClient`` or a ``KindeHook``.
    :param now: the moment for which the plan is made; the current time when left out.
    :param ids: plan for these HR ids only; then no person counts as absent.
    :raises SpecError: when a test of the spec fails, or it names something that Kinde or the source does not have.
    :raises SourceError: when the source cannot be read at all.
    :raises SyncError: when ``now`` is no moment, or one of ``ids`` is not text.
    """
    return plan_tested(spec, source, client, RunRequest.of(now=now, ids=ids))


def plan_tested(
    spec: SyncSpec,
    source: Source | Iterable[Mapping[str, Any]],
    client: Any,
    request: RunRequest,
    *,
    progress: Progress | None = None,
) -> Plan:
    """Run the tests of the spec, and make the plan of one run if they pass. Nothing is read before.

    :param spec: the spec.
    :param source: an HR source, or a list of rows.
    :param client: a ``KindeClient`` or a ``KindeHook``.
    :param request: what the run is to do.
    :param progress: called with the state of long work.
    :raises SpecError: when a test fails, or the spec names something that Kinde or the source does not have.
    :raises SourceError: when the source cannot be read at all.
    """
    check_examples(spec, request.now)
    return plan_run(spec, source, client, request, progress=progress)


def plan_run(
    spec: SyncSpec,
    source: Source | Iterable[Mapping[str, Any]],
    client: Any,
    request: RunRequest,
    *,
    progress: Progress | None = None,
) -> Plan:
    """Make the plan of one run, whatever the tests of the spec say.

    :param spec: the spec.
    :param source: an HR source, or a list of rows.
    :param client: a ``KindeClient`` or a ``KindeHook``.
    :param request: what the run is to do.
    :param progress: called with the state of long work.
    :raises SpecError: when the spec names something that Kinde or the source does not have.
    :raises SourceError: when the source cannot be read at all.
    """
    policies = load_policies(spec)
    database = Database()
    with SnapshotReading(spec, client, database, progress) as kinde:
        people = read_people(spec, as_source(source), request.now, database, kinde.hr_progress)
        client = kinde.client()  # only now: the command line opens its connection while HR is being read
        plan = Plan(
            spec,
            client.host,
            request.now,
            counts_before=kinde.counts_before,
            sign=client.sign,
            shift=request.shift,
        )
        if reason := wrong_tenant(spec.tenant, client.host):
            plan.blocked = [Block(reason, False)]
            return plan
        plan.people = people
        plan.warnings = [*people.warnings, *request.recent.warnings]
        if people.problems:
            plan.rejected = _with_names(database, people.rejected)
            plan.blocked = [Block(problem, False) for problem in people.problems]
            return plan
        plan.limits = request.limits
        plan.snapshot = snapshot = kinde.snapshot()
    _read_missing_properties(spec, snapshot, client)
    _check_aliases(spec, people, snapshot)
    find_connections(spec, people, client)
    _check_approved(people, snapshot, request)
    reconciler = _reconciler(spec, people, snapshot, client, request)
    while True:
        holds = HeldPeople(people, snapshot, reconciler, request)
        matches = Matches(spec, snapshot, reconciler.has_access, request.now)
        finder = ChangeFinder(people, snapshot, reconciler, holds, request)
        plan.operations = ChangeList(finder.find(matches), database)
        if not finder.unlisted:
            break
        # Pages shift while people come and go: a member at the edge of a page may be in none of them. What is read
        # twice is believed.
        snapshot.read_members_again(sorted(finder.unlisted), client)
    plan.operations.add(_missing_organizations(snapshot, plan.operations))
    if request.only is not None:
        kinds = request.only
        dropped = plan.operations.keep(lambda change: change.kind in kinds, spec.conflicts)
        holds.hold_conflicts_left_in(plan.operations, dropped)
        holds.hold_protected_left_out(plan.operations)
    plan.unchanged, plan.held = finder.unchanged, holds.listed()
    plan.rejected = _with_names(database, [one for one in people.rejected if request.includes(one.id)])
    plan.warnings += request.recent.written_back(plan.operations.of("update"))
    plan.unknown_ids = _unknown_ids(people, snapshot, request)
    plan.warnings += plan.unknown_ids
    plan.warnings += holds.form_accounts.listed()
    plan.warnings += keep_warnings(spec, request.now.in_timezone("UTC").date())
    if request.ids is None:
        plan.warnings += unknown_names(spec, people, snapshot)
    plan.unmanaged_leavers = find_unmanaged_leavers(spec, database, request, client)
    plan.warnings += unmanaged_leavers_line(plan.unmanaged_leavers)
    named = [one.id for one in plan.held[:MOST_NAMED]] + [one.id for one in plan.unmanaged_leavers[:MOST_NAMED]]
    names = names_of(database, named)
    plan.held = [dataclasses.replace(one, who=names.get(one.id, "")) for one in plan.held]
    plan.unmanaged_leavers = [dataclasses.replace(one, who=names.get(one.id, "")) for one in plan.unmanaged_leavers]
    plan.absence_unknown = holds.absence_unknown
    plan.starting_later = find_starting_later(people, request)
    plan.coverage = coverage_of(spec, people, holds.held) if request.ids is None else None
    plan.unmapped = people.unmapped if request.ids is None else []
    if plan.absence_unknown:
        plan.warnings.append(f"no person is treated as absent in this run: {plan.absence_unknown}")
    counts = matches.counts
    counts.held = sum(1 for held in plan.held if not held.absent)
    counts.rejected, counts.rows = len(people.rejected), people.rows
    counts.removed_lately = request.recent.still_removed(snapshot, plan.operations.aliases("remove_membership"))
    counts.renamed_lately = request.recent.renamed
    if request.ids is not None:
        counts.dropped = None
    checks = measure_guards(spec, plan.operations, counts)
    plan.guards, plan.managed = told_checks(checks), counts.managed
    plan.blocked = blocks_of(checks)
    plan.recreated = _recreated(plan, counts)
    plan.warnings += [
        f"Kinde has no organization {snapshot.organizations[alias].name!r}: this plan creates it, and "
        f"{counted(count, 'person who has', 'people who have')} access already would join. If it is not new in the "
        "spec, it was deleted or renamed in Kinde: find out by whom, and why"
        for alias, count in plan.recreated.items()
    ]
    plan.blocked += check_policies(policies, plan)
    return plan


def _reconciler(spec: SyncSpec, people: People, snapshot: Snapshot, client: Any, request: RunRequest) -> Reconciler:
    trusted = spec.joiner.trusted_connections

    def confirmed(account: Account, key: str) -> bool | None:
        mine = [identity for identity in client.iter_user_identities(account.id) if address_of(identity) == key]
        if any(identity.get("is_confirmed") is True or is_trusted(identity, trusted) for identity in mine):
            return True
        return None if any(identity.get("is_confirmed") is None for identity in mine) else False

    return Reconciler(
        spec=spec,
        snapshot=snapshot,
        today=request.now.in_timezone("UTC").date(),
        rows_with=people.persons.count_address,
        confirmed=confirmed,
        absent_action=spec.absent or ("suspend" if people.proven else "hold"),
        approved=request.approve_protected,
        same_person=request.same_person,
        protected_elsewhere=OtherOrganizations(spec, snapshot, client).holds_protected_role,
    )


def _check_aliases(spec: SyncSpec, people: People, snapshot: Snapshot) -> None:
    """With ``organizations: {match: ...}`` only Kinde knows which aliases there are.

    One that the spec names as a constant stops the run. One that a row yields rejects the row.
    """
    for number, due in people.persons.distinct_memberships():
        unknown = [m for m in decode_memberships(due)[0] if m.alias not in snapshot.organizations]
        if not unknown:
            continue
        rule = spec.memberships[unknown[0].entry]
        key, alias = f"memberships[{rule.index}].organization", unknown[0].alias
        there = f"no managed organization has that alias; there are: {', '.join(sorted(snapshot.organizations)[:20])}"
        if rule.organization.constant:
            raise spec.error(key, f"row {number} yields {alias!r}, and {there}", rule.line)
        people.reject("memberships", due, f"{key} yields {alias[:80]!r}, and {there}")


def _check_approved(people: People, snapshot: Snapshot, request: RunRequest) -> None:
    """Refuse the approval of a protected person whom neither HR nor Kinde knows: the id is mistyped."""
    unknown = [id for id in sorted(request.approve_protected) if id not in people.ids and id not in snapshot.linked]
    if unknown:
        named = ", ".join(repr(id) + suggestion(near_ids(people.database, id)) for id in unknown)
        raise UnknownIdsError(
            f"--approve-protected (approve_protected) names {named}: no HR row and no account of this sync has this "
            "id. Nothing was written"
        )


def _missing_organizations(snapshot: Snapshot, changes: ChangeList) -> list[Change]:
    """The creation of organizations that Kinde lacks and a person joins."""
    joining = changes.open_by_organization("add_membership")
    return [
        Change(
            "create_organization",
            "",
            alias=alias,
            after={"name": o.name, "external_id": o.external_id},
            reason=f"Kinde does not have it, and {counted(joining[alias], 'person', 'people')} would join it",
        )
        for alias, o in snapshot.organizations.items()
        if o.create and not o.code and alias in joining
    ]


def _recreated(plan: Plan, counts: RunCounts) -> dict[str, int]:
    """Alias -> how many people who have access already would join an organization that the plan creates."""
    created = plan.operations.aliases("create_organization")
    joined: Counter[str] = Counter()
    for change in plan.operations.of("add_membership") if created else ():
        before = counts.accounts.get(change.account.id) if change.account else None
        if change.alias in created and before and before.access and not before.young:
            joined[change.alias] += 1
    return dict(joined)


def _with_names(database: Database, rejected: list[RejectedRow]) -> list[RejectedRow]:
    """Rejected rows with name and address of the person, as far as the row could be read."""
    names = names_of_rows(database, [(one.row, one.id) for one in rejected[:MOST_NAMED] if one.id])
    return [dataclasses.replace(one, who=names.get((one.row, one.id or ""), "")) for one in rejected]


def _unknown_ids(people: People, snapshot: Snapshot, request: RunRequest) -> list[str]:
    return [
        f"id {id}: no HR row and no account of this sync has it{suggestion(near_ids(people.database, id))}"
        for id in sorted(request.ids or ())
        if id not in people.ids and id not in snapshot.linked
    ]


def _read_missing_properties(spec: SyncSpec, snapshot: Snapshot, client: Any) -> None:
    """Search may lag behind: properties of accounts that it does not list yet are read one by one."""
    if spec.person.properties:
        for user_id in snapshot.without_properties():
            snapshot.properties[user_id] = read_properties(client, user_id)
