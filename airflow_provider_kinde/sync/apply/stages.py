"""Carry a plan out: in a safe order, each operation on its own, looking before anything is sent twice."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from itertools import chain, takewhile
from typing import Any

from airflow_provider_kinde.client.endpoints.memberships import BULK
from airflow_provider_kinde.exceptions import KindeAuthError, KindeError, KindeStoppedError
from airflow_provider_kinde.resources.members import Map, one_after_another
from airflow_provider_kinde.sync.apply.accounts import Accounts
from airflow_provider_kinde.sync.apply.failures import ChangeFailed, ChangeSkipped
from airflow_provider_kinde.sync.apply.interruption import (
    NOT_BEGUN,
    UNFINISHED,
    UNVERIFIED,
    finish_if_interrupted,
)
from airflow_provider_kinde.sync.apply.memberships import Memberships
from airflow_provider_kinde.sync.changes import Change, Dependencies
from airflow_provider_kinde.sync.kinds import MEMBERSHIP
from airflow_provider_kinde.sync.plan.plan import Plan
from airflow_provider_kinde.sync.plan.scopes import missing_scopes
from airflow_provider_kinde.sync.progress import Progress
from airflow_provider_kinde.sync.report.report import ChangedSince, Report
from airflow_provider_kinde.sync.store.changes import Group
from airflow_provider_kinde.sync.tenant import client_of
from airflow_provider_kinde.thread_pool import ThreadPool

log = logging.getLogger(__name__)

_SAVED = 200
"""People after whom outcomes are written down."""


def apply_plan(plan: Plan, client: Any, *, approve: str | None = None, progress: Progress | None = None) -> Report:
    """Do what a plan says, verify it, and report what became of each operation.

    One operation that fails stops nothing but what depends on it. A blocked plan writes nothing; ``approve`` lets it
    pass its volume guards, never an empty, incomplete or drifted source.

    :param plan: made by :func:`make_plan`, just now: it is not computed again.
    :param client: a ``KindeClient`` or a ``KindeHook``.
    :param approve: the hash of this plan.
    :param progress: told about long work.
    :returns: the report. If Ctrl-C or the end of an Airflow task interrupted the writes, requests that were under way
        are finished, the rest is skipped, and the exception stands in the report's ``interruption``.
    """
    client = client_of(client)
    report = Report(plan, blocked=still_blocked(plan, approve))
    if plan.operations and not report.blocked:
        if missing := missing_scopes(plan, client):
            raise missing

        def stop() -> None:
            client.stop()
            if progress:
                progress("interrupted", 0, None)

        with Run(plan, client, progress) as run:
            report.interruption = finish_if_interrupted(run.everything, stop)
            if progress:
                progress("written", 0, None)
            if run.stopped:
                plan.operations.finish("skipped", NOT_BEGUN)
                # An interruption after the last request interrupted nothing.
                report.interrupted = bool(plan.operations.count_with_error(NOT_BEGUN, UNFINISHED, UNVERIFIED))
            found = sorted((change for change in run.found if change.outcome == "done"), key=lambda change: change.id)
            plan.operations.drop(found)
            report.changed_since_plan = [
                ChangedSince(f"another run made the account meanwhile: {change.words}", change.who) for change in found
            ]
    report.finish(client.counts)
    return report


def still_blocked(plan: Plan, approve: str | None) -> list[dict[str, object]]:
    """The reasons that stop a plan, once an approval by hash has been taken into account.

    An approval of another plan stops even a plan that no guard stops: its approver saw something else.

    :param plan: the plan.
    :param approve: the hash that was approved.
    """
    approvable = all(block.approvable for block in plan.blocked)
    if approve == plan.hash and approvable:
        return []
    found = [block.to_json() for block in plan.blocked]
    if approve and approvable and plan.operations:
        reason = f"the approved hash {approve} is not that of this plan ({plan.hash}): look at it and approve again"
        found.append({"reason": reason, "approvable": True})
    return found


class Run:
    """One pass over the stages. Within a stage people are independent; between stages order matters.

    The stages are called in the order in which they stand here.

    :param plan: the plan.
    :param client: a ``KindeClient``.
    :param progress: called with the state of long work.
    """

    def __init__(self, plan: Plan, client: Any, progress: Progress | None = None) -> None:
        assert plan.snapshot is not None
        self.plan, self.client, self.progress = plan, client, progress or (lambda stage, done, total: None)
        self.operations = plan.operations
        self.snapshot = plan.snapshot
        self.accounts = Accounts(plan.spec, plan.snapshot, client, plan.now.in_timezone("UTC").date(), plan.clock)
        self.memberships = Memberships(
            plan.spec, plan.snapshot, client, plan.operations, self.accounts.refusals, plan.clock
        )
        self.creations: Group = []
        """Of organizations."""
        self.dead: str = ""
        self.found: Group = []
        """Creations whose account another run made at the same time."""

    def __enter__(self) -> Run:
        self.pool = ThreadPool(min(self.client.max_concurrency, sum(self.operations.kinds().values())))
        return self

    def __exit__(self, *error: object) -> None:
        self.pool.shutdown()

    def everything(self) -> None:
        """Go through all stages."""
        self.organizations()
        self.people()
        self.change_memberships()
        self.rest()

    @property
    def stopped(self) -> bool:
        """Whether the client sends nothing any more: nothing is begun then."""
        return bool(self.client.stopped)

    def organizations(self) -> None:
        """Create the organizations that people of the plan join."""
        found = self.creations = list(self.operations.of("create_organization"))
        for operation in found:
            self._one(operation, found, self._dependencies(found), self._organization)
        self.operations.save(found)
        if found:
            self.progress("organizations", len(found), len(found))

    def people(self) -> None:
        """Suspend who left; create, adopt, rename and update."""
        self._stage("leavers", ("suspend",), _leaving, lambda operation, _: self.accounts.suspend(operation))
        self._stage("people", _PEOPLE, _personal, self._person)

    def change_memberships(self) -> None:
        """Write memberships 100 to a request, then read the organizations that changed, and set outcomes by that.

        Roles that may not be held together with one that the plan takes are given once that one is gone.
        """
        self._skip_memberships()
        self._put_off_conflicts()
        try:
            self._write_memberships()
        finally:
            again = self.operations.take_up()
        if again:
            self._skip_memberships()
            self._write_memberships()

    def _put_off_conflicts(self) -> None:
        """Put off the roles that wait for the removal of another one, and the memberships that come with them."""
        if not self.plan.spec.conflicts:
            return
        for group in self.operations.by_person("remove_membership", "remove_role"):
            dependencies = self._dependencies(group)
            roles = [operation for operation in group if dependencies.conflicting(operation)]
            aliases = {role.alias for role in roles}
            joins = [o for o in group if o.kind == "add_membership" and o.alias in aliases]
            self.operations.put_off([*roles, *joins])

    def _write_memberships(self) -> None:
        sizes = self.operations.open_by_organization(*MEMBERSHIP)
        self.progress("memberships", 0, len(sizes))
        # Side by side are organizations with one request each, or the many requests of one.
        few = [alias for alias, size in sizes.items() if size <= BULK]
        many = [alias for alias, size in sizes.items() if size > BULK]
        one_by_one = self.pool.map(lambda alias: self._in_organization(alias, one_after_another), few)
        in_many = (self._in_organization(alias, self._map) for alias in many)
        for done, _ in enumerate(chain(one_by_one, in_many), 1):
            self.progress("memberships", done, len(sizes))

    def rest(self) -> None:
        """What needs the memberships right: mark who was taken out, leave the default organization, enable, delete."""
        self._stage("leavers", ("suspend",), _stripped, lambda operation, _: self.accounts.suspend(operation))
        self._leave_default()
        self._stage("enabling", ("enable",), _enabling, self._enable)
        self._stage("deleting", ("delete",), _deleting, lambda operation, _: self.accounts.delete(operation))

    # -- stages -------------------------------------------------------------------------------------------------

    def _stage(
        self,
        name: str,
        kinds: tuple[str, ...],
        chosen: Callable[[Group], Group],
        work: Callable[[Change, Group], None],
    ) -> None:
        """Carry out what is chosen of each person's operations: people side by side, one person's one after another."""
        total = sum(self.operations.kinds()[kind] for kind in kinds)
        if not total:
            return

        def carry_out(group: Group) -> Group:
            dependencies = self._dependencies(group)
            for operation in chosen(group):
                self._one(operation, group, dependencies, work)
            return group

        done: list[Change] = []
        people = takewhile(lambda _: not self.stopped, self.operations.by_person(*kinds))
        for number, group in enumerate(_side_by_side(self.pool, carry_out, people), 1):
            done += group
            if number % _SAVED == 0:
                self.operations.save(done)
                done = []
            if number % 50 == 0:
                self.progress(name, number, total)
        self.operations.save(done)
        self.progress(name, total, total)

    def _one(
        self,
        operation: Change,
        group: Group,
        dependencies: Dependencies,
        work: Callable[[Change, Group], None],
    ) -> None:
        if operation.outcome or self.stopped:
            return
        if reason := self._skip(operation, dependencies):
            operation.outcome, operation.error = "skipped", reason
            return
        written = self.client.counts.writes_of_thread
        try:
            work(operation, group)
        except KindeStoppedError:
            begun = self.client.counts.writes_of_thread > written
            operation.outcome, operation.error = ("failed", UNFINISHED) if begun else ("skipped", NOT_BEGUN)
        except ChangeSkipped as error:
            operation.outcome, operation.error = "skipped", str(error)
        except (KindeError, ChangeFailed) as error:
            operation.outcome, operation.error = "failed", str(error)
            if isinstance(error, KindeAuthError):
                self.dead = f"Kinde refused the credentials: {error}"
        except Exception as error:  # an unforeseen failure must not stop the other changes
            log.exception("%s of %s failed", operation.kind, operation.id)
            operation.outcome, operation.error = "failed", f"unexpected: {type(error).__name__}: {error}"
        else:
            operation.outcome, operation.done = "done", self.plan.clock()

    def _skip(self, operation: Change, dependencies: Dependencies) -> str:
        if self.dead:
            return self.dead
        failed = [o for o in dependencies.needed(operation) if o.outcome in ("failed", "skipped")]
        if not failed:
            return ""
        conflict = next((why for o, why in dependencies.conflicting(operation).items() if o is failed[0]), "")
        return f"{conflict}{': ' if conflict else ''}{failed[0].kind} did not succeed"

    def _dependencies(self, group: Group) -> Dependencies:
        return Dependencies.of([*self.creations, *group], self.plan.spec.conflicts)

    def _organization(self, operation: Change, group: Group) -> None:
        assert operation.alias is not None
        organization = self.snapshot.organizations[operation.alias]
        organization.code = self.accounts.create_organization(organization.name, organization.external_id)
        organization.read_at = time.monotonic()

    def _person(self, operation: Change, group: Group) -> None:
        if operation.kind == "create":
            if not self.accounts.create(operation, group):
                self.found.append(operation)
            return
        work = {"adopt": self.accounts.adopt, "rename": self.accounts.rename, "update": self.accounts.update}
        work[operation.kind](operation)

    def _in_organization(self, alias: str, map_: Map) -> str:
        if self.stopped:
            return alias
        try:
            self.memberships.write(alias, map_)
        except KindeStoppedError:
            pass  # nothing was sent: the report says that it was not begun
        except KindeError as error:
            self.operations.fail_in_organization(alias, MEMBERSHIP, str(error))
        return alias

    def _skip_memberships(self) -> None:
        """Skip memberships whose account or organization could not be created."""
        if self.dead:
            self.operations.finish("skipped", self.dead)
        outcomes = self.operations.outcomes()
        if self.stopped or not (outcomes["failed"] or outcomes["skipped"]):
            return
        for group in self.operations.by_person(*MEMBERSHIP):
            dependencies = self._dependencies(group)
            for operation in group:
                wanted = operation.kind in MEMBERSHIP and not operation.outcome
                if wanted and (reason := self._skip(operation, dependencies)):
                    operation.outcome, operation.error = "skipped", reason
            self.operations.save(group)

    def _map(self, work: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        return list(self.pool.map(work, items))

    def _leave_default(self) -> None:
        """Take new people out of the default organization that Kinde put them into without a rule."""
        # Whatever else became of them: an account that was made, but not all of it, may be in there as well.
        landed = {operation.user_id: operation for operation in self.operations.created_without_organization()}
        if landed:
            wrong = self.memberships.leave_default(list(landed))
            for user_id, error in wrong.items():
                create = landed[user_id]
                earlier = f"{create.error}; " if create.error else ""
                create.outcome = "failed"
                create.error = f"{earlier}created, but still in the default organization: {error}"
            self.operations.save(landed[user_id] for user_id in wrong)

    def _enable(self, operation: Change, group: Group) -> None:
        """Enable an account. The names of an update go with that request, its properties follow."""
        if operation.kind == "enable":
            self.accounts.enable(operation, next((o for o in group if o.kind == "update"), None))
        elif any(o.kind == "enable" and o.outcome != "done" for o in group):
            raise ChangeSkipped("enabling did not succeed")
        else:
            self.accounts.finish_update(operation)


_PEOPLE = ("create", "adopt", "rename", "update")


def _leaving(group: Group) -> Group:
    return [operation for operation in group if operation.kind == "suspend" and not operation.strips]


def _stripped(group: Group) -> Group:
    return [operation for operation in group if operation.strips]


def _personal(group: Group) -> Group:
    """The changes of one person before memberships. Names of an account that is enabled later go with the enabling."""
    later = any(operation.kind == "enable" for operation in group)
    return [o for o in group if o.kind in _PEOPLE and not (later and o.kind == "update")]


def _enabling(group: Group) -> Group:
    return sorted((o for o in group if o.kind in ("enable", "update")), key=lambda o: o.kind)


def _deleting(group: Group) -> Group:
    return [operation for operation in group if operation.kind == "delete"]


def _side_by_side(pool: ThreadPool, work: Callable[[Group], Group], groups: Iterable[Group]) -> Iterator[Group]:
    """Results in order; a few more groups than there are threads are under way, never all of them."""
    under_way: deque[Future[Group]] = deque()
    for group in groups:
        under_way.append(pool.submit(work, group))
        if len(under_way) > 8 * pool.size:
            yield under_way.popleft().result()
    while under_way:
        yield under_way.popleft().result()
