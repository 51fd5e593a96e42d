"""From HR rows and Kinde's state to a plan: who, what, before, after, why. Reads only."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pendulum

from airflow_provider_kinde.resources.normalization import email_key, name_key
from airflow_provider_kinde.sync.changes import COUNTED, Change
from airflow_provider_kinde.sync.model import Access, Account, Person, Rejected, Source
from airflow_provider_kinde.sync.people.reader import read_people
from airflow_provider_kinde.sync.plan.guards import Block, check_guards
from airflow_provider_kinde.sync.plan.matching import Pairs
from airflow_provider_kinde.sync.plan.reconcile import Hold, Reconciler
from airflow_provider_kinde.sync.plan.run_request import RunRequest, as_source
from airflow_provider_kinde.sync.snapshot.reader import Progress, Snapshot, address_of, read_properties, read_snapshot
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.store.changes import ChangeList
from airflow_provider_kinde.sync.store.database import Database
from airflow_provider_kinde.sync.store.people import People
from airflow_provider_kinde.sync.tenant import wrong_tenant


@dataclass(frozen=True, slots=True)
class Held:
    """Somebody for whom nothing is done until a person decides.

    :param protected: a protected person who should lose access.
    """

    id: str
    reason: str
    protected: bool = False
    absent: bool = False


@dataclass(slots=True)
class Plan:
    """What a run would do, and whether it may.

    :param operations: in the order in which they are carried out.
    :param held: protected people first.
    :param unchanged: managed accounts for which nothing is to be done.
    """

    spec: SyncSpec
    host: str
    now: pendulum.DateTime
    operations: ChangeList = field(default_factory=ChangeList)
    held: list[Held] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    blocked: list[Block] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    unchanged: int = 0
    snapshot: Snapshot | None = None
    people: People | None = None
    counts_before: tuple[int, int] = (0, 0)
    """The client's (read, write) counts when planning began: a report counts from here."""
    redacted: bool = False

    @property
    def hash(self) -> str:
        """What an approver approves: SHA-256 over host, spec name and operations."""
        return self.operations.hash(self.host, self.spec.name)

    @property
    def outcome(self) -> str:
        """``no changes``, ``changes`` or ``blocked``."""
        return "blocked" if self.blocked else "changes" if self.operations else "no changes"

    @property
    def summary(self) -> dict[str, int]:
        """How many operations of each kind, people held and unchanged, rows rejected."""
        kinds = self.operations.kinds()
        return {
            **{kind: kinds[kind] for kind in COUNTED},
            "held": len(self.held),
            "rejected": len(self.rejected),
            "unchanged": self.unchanged,
        }

    def to_json(self) -> dict[str, Any]:
        """The plan as ``plan.json`` holds it."""
        return {**(document := self.document()), "operations": list(document["operations"])}

    def document(self) -> dict[str, Any]:
        """The same, the operations one after the other, so that a large plan need not be in memory to be written."""
        return {
            "spec": self.spec.name,
            "host": self.host,
            "hash": self.hash,
            "created_at": self.now.to_iso8601_string(),
            "outcome": self.outcome,
            **({"redacted": True} if self.redacted else {}),
            "summary": self.summary,
            "blocked": [block.to_json() for block in self.blocked],
            "operations": (operation.to_json() for operation in self.operations),
            "rejected": [{"row": r.row, "id": r.id, "reason": r.reason} for r in self.rejected],
            "held": [
                {"id": held.id, "reason": held.reason, **({"protected": True} if held.protected else {})}
                for held in self.held
            ],
            "warnings": self.warnings,
        }


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
    :raises SpecError: when the spec names something that Kinde or the source does not have.
    :raises SourceError: when the source cannot be read at all.
    :raises SyncError: when ``now`` is no moment, or one of ``ids`` is not text.
    """
    return plan_run(spec, source, client, RunRequest.of(now=now, ids=ids))


def plan_run(
    spec: SyncSpec,
    source: Source | Iterable[Mapping[str, Any]],
    client: Any,
    request: RunRequest,
    *,
    begun: ChangeList | None = None,
    progress: Progress | None = None,
) -> Plan:
    """Make the plan of one run. :func:`make_plan` is this for users of Python.

    :param spec: the spec.
    :param source: an HR source, or a list of rows.
    :param client: a ``KindeClient`` or a ``KindeHook``.
    :param request: what the run is to do.
    :param begun: the changes of a plan that an earlier try may have begun to carry out.
    :param progress: called with the state of long work.
    :raises SpecError: when the spec names something that Kinde or the source does not have.
    :raises SourceError: when the source cannot be read at all.
    """
    client = client.get_conn() if hasattr(client, "get_conn") else client
    counts = (client.counts.read, client.counts.write)
    plan = Plan(spec, client.host, request.now, counts_before=counts)
    if reason := wrong_tenant(spec.tenant, client.host):
        plan.blocked.append(Block(reason, False))
        return plan
    spool = Database()
    people = plan.people = read_people(spec, as_source(source), request.now, spool)
    plan.warnings += people.warnings
    if people.problems:
        plan.rejected = people.rejected
        plan.blocked += [Block(problem, False) for problem in people.problems]
        return plan
    snapshot = read_snapshot(spec, client, progress, spool)
    _read_missing_properties(spec, snapshot, client)
    while True:
        plan = Plan(spec, client.host, request.now, snapshot=snapshot, people=people, counts_before=counts)
        plan.warnings += people.warnings
        planner = _Planner(plan, people, snapshot, client, request)
        planner.run(begun)
        if not planner.unlisted:
            return plan
        # Pages shift while people come and go: a member at the edge of a page may be in none of them. What is read
        # twice is believed.
        snapshot.read_members_again(sorted(planner.unlisted), client)


class _Planner:
    """Joins people and accounts, and asks for a decision on each pair."""

    def __init__(
        self,
        plan: Plan,
        people: People,
        snapshot: Snapshot,
        client: Any,
        request: RunRequest,
    ) -> None:
        self.plan, self.spec, self.people, self.snapshot, self.client = plan, plan.spec, people, snapshot, client
        self.request = request
        self.today = plan.now.in_timezone("UTC").date()
        self.absent_action = self.spec.absent or ("suspend" if people.proven else "hold")
        self.decider = Reconciler(
            spec=self.spec,
            snapshot=snapshot,
            today=self.today,
            rows_with=people.persons.count_address,
            confirmed=self._confirmed,
            absent_action=self.absent_action,
            approved=request.approve_protected,
        )
        self.pairs = Pairs(self.spec, snapshot, self.decider.has_access, self.today)
        self.aliases = {o.code: alias for alias, o in snapshot.organizations.items() if o.code}
        self.unlisted: set[str] = set()
        """Organizations that an account names, while it is not among their members as they were read."""
        self.held: dict[str, Held] = {}
        self.wanted: set[str] = set()
        """Leavers whose address an active row has: deleting them would hand it over in the next run, unasked."""

    def run(self, begun: ChangeList | None = None) -> None:
        request, plan, people, linked = self.request, self.plan, self.people, self.snapshot.linked
        self._check_aliases()
        self._hold_contradictions()
        self._hold_addresses()
        operations = plan.operations = ChangeList(self._operations(), self.snapshot.spool)
        operations.add(self._organizations(operations))
        if (only := request.only) is not None:
            operations.keep(lambda operation: operation.kind in only)
            self._hold_protected_left_out(operations)
        mine = [held for held in self.held.values() if request.includes(held.id)]
        plan.held = sorted(mine, key=lambda held: (not held.protected, held.id))
        plan.rejected = [r for r in people.rejected if request.includes(r.id)]
        plan.warnings += [
            f"id {id}: no HR row and no account of this sync has it"
            for id in sorted(request.ids or ())
            if id not in people.ids and id not in linked
        ]
        volumes = self.pairs.volumes
        volumes.held = sum(1 for held in plan.held if not held.absent)
        volumes.rejected, volumes.rows = len(people.rejected), people.rows
        if request.ids is not None:
            volumes.dropped = None
        is_new = (lambda id: False) if begun is None else begun.makes
        plan.blocked += check_guards(self.spec, plan.operations, volumes, is_new)

    def _operations(self) -> Iterator[Change]:
        """What is to be done for everybody, person by person."""
        rejected = {rejected.id for rejected in self.people.rejected}
        for pair in self.pairs:
            if pair.id in self.held or not self.request.includes(pair.id):
                continue
            if pair.agrees():
                self.plan.unchanged += 1
                continue
            person, account = pair.person, pair.account
            found = self._decide(pair.id, person, account)
            if found:
                self.pairs.volumes.accounts[account.id] = (pair.access, pair.access and bool(pair.present))
                self._note_unlisted(account)
            elif pair.id not in self.held and pair.id not in rejected:
                self.plan.unchanged += 1
            yield from found
        for person in self.people.persons.without_account(Access.DUE):
            if self.request.includes(person.id):
                found = self._decide(person.id, person, None)
                if found and found[0].account:
                    self._note_unlisted(found[0].account)
                yield from found

    def _note_unlisted(self, account: Account) -> None:
        listed = self.snapshot.memberships(account.id).keys() | self.snapshot.read_twice
        said = {self.aliases[code] for code in account.organizations if code in self.aliases}
        self.unlisted |= said - listed

    def _decide(self, id: str, person: Person | None, account: Account | None) -> list[Change]:
        if id in self.held:
            return []
        try:
            if person is None:
                return self._leave(id, None, account) if account and self._is_absent(id) else []
            if person.access is Access.GRACE:
                return []
            if person.access is Access.NONE:
                return self._leave(id, person, account) if account else []
            return self.decider.provide(person, account)
        except Hold as hold:
            self.held[id] = Held(id, str(hold), hold.protected, hold.absent)
            return []

    def _leave(self, id: str, person: Person | None, account: Account) -> list[Change]:
        operations = self.decider.leave(id, person, account)
        if id in self.wanted and any(operation.kind == "delete" for operation in operations):
            raise Hold("not deleted: an active HR row has the address of this account; use release")
        return operations

    def _is_absent(self, id: str) -> bool:
        """Absent, as opposed to rejected, held or unknown: only then is silence a statement."""
        return id not in self.people.ids and self.people.ids_certain and self.request.ids is None

    def _is_leaver(self, id: str) -> bool:
        person = self.people.persons.get(id)
        return id not in self.people.ids if person is None else person.access is Access.NONE

    def _hold(self, id: str, reason: str) -> None:
        self.held.setdefault(id, Held(id, reason))

    def _hold_contradictions(self) -> None:
        for id, reason in self.people.held.items():
            self._hold(id, reason)
        spool = self.snapshot.spool
        for id, count in spool.all(
            "SELECT link, count(*) FROM accounts WHERE link IS NOT NULL GROUP BY link HAVING count(*) > 1"
        ):
            self._hold(id, f"{count} Kinde accounts carry the link {self.spec.name}:{id}: unlink all but one")
        for account in self.snapshot.accounts.find("odd"):
            link = account.link
            assert link is not None
            self._hold(link.id, link.problem)

    def _hold_addresses(self) -> None:
        """An address never passes from one person to another by itself: swapped and re-used ones are held."""
        contradictory = frozenset(self.held)  # fixed beforehand, so that the order of rows decides nothing
        for person in self.people.persons.with_address_of_another():
            account = next(iter(self.snapshot.linked.get(person.id, ())), None)
            if person.id in contradictory or not self._wants_address(person, account):
                continue
            for owner in self.snapshot.by_address.get(email_key(person.email)):
                if account is not None and owner.id == account.id:
                    continue
                if owner.link is not None:
                    self._hold_between(person, owner, owner.link.id)
                elif account is not None and email_key(account.email) != email_key(person.email):
                    self._hold(
                        person.id,
                        "HR has another address, but an account that is not this person's has that address already",
                    )

    def _wants_address(self, person: Person, account: Account | None) -> bool:
        if person.access is Access.DUE:
            return True
        return person.access is Access.KEEP and account is not None and self.decider.has_access(account)

    def _hold_between(self, person: Person, owner: Account, other: str) -> None:
        """``person`` is due an address that stands on the account of ``other``, whom this sync manages too."""
        if self._is_leaver(other):
            if self._same_name(person, owner, other):
                reason = "the same name and address under two ids, {0} and {1}: if it is one person, use relink"
                reason = reason.format(other, person.id)
                waits = self.decider.has_access(owner) and self.decider.is_protected(owner)
                self._hold(person.id, reason)
                self.held[other] = Held(other, reason, protected=waits)
            else:
                left = other in self.people.ids or self._is_absent(other)
                who = f"{other}, who left" if left else f"{other}, who has no HR row"
                self._hold(person.id, f"the address is still on the account of {who}: use release")
                self.wanted.add(other)
            return
        self._hold(person.id, f"the address is on the account of {other}, who has access")
        mine = self.people.persons.get(other)
        if mine and mine.email and email_key(mine.email) != email_key(person.email):
            self._hold(other, f"HR has another address, and {person.id} is given the present one: swapped or re-used")

    def _same_name(self, person: Person, owner: Account, other: str) -> bool:
        row = self.people.persons.get(other)
        given = (row and row.given_name) or owner.first_name
        family = (row and row.family_name) or owner.last_name
        return (name_key(given), name_key(family)) == (name_key(person.given_name), name_key(person.family_name))

    def _confirmed(self, account: Account, key: str) -> bool:
        return any(
            identity.get("is_confirmed") is True and address_of(identity) == key
            for identity in self.client.iter_user_identities(account.id)
        )

    def _check_aliases(self) -> None:
        """With ``organizations: {match: ...}`` only Kinde knows which aliases there are."""
        for number, memberships in self.people.persons.kinds_of_memberships():
            for due in memberships:
                if due.alias not in self.snapshot.organizations:
                    raise self.spec.error(
                        f"memberships[{due.entry}].organization",
                        f"row {number} yields {due.alias!r}, and no managed organization has that alias; "
                        f"there are: {', '.join(sorted(self.snapshot.organizations)[:20])}",
                        self.spec.memberships[due.entry].line,
                    )

    def _organizations(self, operations: ChangeList) -> list[Change]:
        needed = set(operations.aliases("add_membership"))
        return [
            Change(
                "create_organization",
                "",
                alias=alias,
                after={"name": o.name},
                reason="a person gets a membership in it",
            )
            for alias, o in self.snapshot.organizations.items()
            if o.create and not o.code and alias in needed
        ]

    def _hold_protected_left_out(self, operations: ChangeList) -> None:
        """A protected leaver who was approved, but whose suspension is not among the kinds asked for, still waits."""
        done = {operation.id for operation in operations.of("suspend")}
        for id in self.decider.approved - done:
            person, account = self.people.persons.get(id), next(iter(self.snapshot.linked.get(id, ())), None)
            leaver = self._is_absent(id) if person is None else person.access is Access.NONE
            if account and leaver and self.decider.is_protected(account) and self.decider.has_access(account):
                self.held[id] = Held(id, "a protected leaver, and suspending is not among the kinds asked for", True)


def _read_missing_properties(spec: SyncSpec, snapshot: Snapshot, client: Any) -> None:
    """Search may lag behind: properties of somebody whom it does not list yet are read one by one."""
    if spec.person.properties:
        for user_id in snapshot.without_properties():
            snapshot.properties[user_id] = read_properties(client, user_id)
