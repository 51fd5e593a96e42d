"""Carry a plan out: in a safe order, each operation on its own, looking before anything is sent twice."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Any

from airflow_provider_kinde.exceptions import KindeAuthError, KindeError
from airflow_provider_kinde.sync.accounts import Accounts, Failed, Skipped
from airflow_provider_kinde.sync.memberships import CHUNK, Map, Memberships
from airflow_provider_kinde.sync.operations import Dependencies, Operation
from airflow_provider_kinde.sync.plan import Plan
from airflow_provider_kinde.sync.report import Report
from airflow_provider_kinde.sync.scopes import missing_scopes
from airflow_provider_kinde.sync.snapshot import Progress

log = logging.getLogger(__name__)


def apply_plan(plan: Plan, client: Any, *, approve: str | None = None, progress: Progress | None = None) -> Report:
    """Do what a plan says, verify it, and report what became of each operation.

    One operation that fails stops nothing but what depends on it. A blocked plan writes nothing; ``approve`` lets it
    pass its volume guards, never an empty, incomplete or drifted source.

    :param plan: made by :func:`make_plan`, just now: it is not computed again.
    :param client: a ``KindeClient`` or a ``KindeHook``.
    :param approve: the hash of this plan.
    :param progress: told about long work.
    """
    client = client.get_conn() if hasattr(client, "get_conn") else client
    report = Report(plan, blocked=still_blocked(plan, approve))
    if plan.operations and not report.blocked:
        if missing := missing_scopes(plan, client):
            raise missing
        _Run(plan, client, progress or (lambda stage, done, total: None)).run()
    report.finish(client.counts)
    return report


def still_blocked(plan: Plan, approve: str | None) -> list[dict[str, object]]:
    """The reasons that stop a plan, once an approval by hash has been taken into account."""
    if not plan.blocked or (approve == plan.hash and all(block.approvable for block in plan.blocked)):
        return []
    found = [block.to_json() for block in plan.blocked]
    if approve and approve != plan.hash and all(block.approvable for block in plan.blocked):
        reason = f"the approved hash {approve} is not that of this plan ({plan.hash}): look at it and approve again"
        found.append({"reason": reason, "approvable": True})
    return found


class _Run:
    """One pass over the stages. Within a stage people are independent; between stages order matters."""

    def __init__(self, plan: Plan, client: Any, progress: Progress) -> None:
        assert plan.snapshot is not None
        self.plan, self.client, self.progress = plan, client, progress
        self.dependencies = Dependencies.of(plan.operations)
        self.accounts = Accounts(plan.spec, plan.snapshot, client, plan.now.in_timezone("UTC").date())
        self.memberships = Memberships(
            plan.spec, plan.snapshot, client, self.accounts.user_id, self.accounts.joined, self.accounts.refusals
        )
        self.dead: str = ""

    def run(self) -> None:
        with ThreadPoolExecutor(max_workers=max(1, self.client.max_concurrency)) as self.pool:
            self._stage("organizations", [[o] for o in self._of("create_organization")], self._organization)
            self._stage("leavers", [[o] for o in self._of("suspend") if not o.strips], self.accounts.suspend)
            self._stage("people", self._people(), self._person)
            self._memberships()
            self._stage("leavers", [[o] for o in self._of("suspend") if o.strips], self.accounts.suspend)
            self._leave_default()
            self._stage("enabling", [self._enabling(o) for o in self._of("enable")], self._enable)
            self._stage("deleting", [[o] for o in self._of("delete")], self.accounts.delete)

    def _of(self, *kinds: str) -> list[Operation]:
        return [operation for operation in self.plan.operations if operation.kind in kinds]

    # -- stages -------------------------------------------------------------------------------------------------

    def _stage(self, name: str, tasks: Sequence[list[Operation]], work: Callable[[Operation], None]) -> None:
        """Carry out tasks side by side; the operations of one task run one after another."""

        def carry_out(task: list[Operation]) -> None:
            for operation in task:
                self._one(operation, work)

        finished = self.pool.map(carry_out, tasks)
        for done, _ in enumerate(finished, 1):
            if done % 50 == 0 or done == len(tasks):
                self.progress(name, done, len(tasks))

    def _one(self, operation: Operation, work: Callable[[Operation], None]) -> None:
        if operation.outcome:
            return
        if reason := self._skip(operation):
            operation.outcome, operation.error = "skipped", reason
            return
        try:
            work(operation)
        except Skipped as error:
            operation.outcome, operation.error = "skipped", str(error)
        except (KindeError, Failed) as error:
            operation.outcome, operation.error = "failed", str(error)
            if isinstance(error, KindeAuthError):
                self.dead = f"Kinde refused the credentials: {error}"
        except Exception as error:  # an answer of a form nobody foresaw must not stop the others
            log.exception("%s of %s failed", operation.kind, operation.id)
            operation.outcome, operation.error = "failed", f"unexpected: {type(error).__name__}: {error}"
        else:
            operation.outcome = "done"

    def _skip(self, operation: Operation) -> str:
        if self.dead:
            return self.dead
        failed = [o for o in self.dependencies.needed(operation) if o.outcome in ("failed", "skipped")]
        return f"{failed[0].kind} did not succeed" if failed else ""

    def _organization(self, operation: Operation) -> None:
        assert self.plan.snapshot is not None
        assert operation.alias is not None
        organization = self.plan.snapshot.organizations[operation.alias]
        organization.code = self.accounts.create_organization(organization.name)
        organization.read_at = time.monotonic()

    def _people(self) -> list[list[Operation]]:
        """One task a person; a name change of somebody who is enabled later rides on that request."""
        enabled = {o.id for o in self._of("enable")}
        tasks: dict[str, list[Operation]] = defaultdict(list)
        for operation in self._of("create", "adopt", "rename", "update"):
            if not (operation.kind == "update" and operation.id in enabled):
                tasks[operation.id].append(operation)
        return list(tasks.values())

    def _person(self, operation: Operation) -> None:
        siblings = self.dependencies.by_person[operation.id]
        work = {
            "create": lambda: self.accounts.create(operation, siblings),
            "adopt": lambda: self.accounts.adopt(operation),
            "rename": lambda: self.accounts.rename(operation),
            "update": lambda: self.accounts.update(operation),
        }
        work[operation.kind]()

    def _memberships(self) -> None:
        """Write memberships 100 to a request, then read the organizations that changed and believe only that."""
        todo: dict[str, list[Operation]] = defaultdict(list)
        for operation in self._of("add_membership", "add_role", "remove_role", "remove_membership"):
            if reason := self._skip(operation):
                operation.outcome, operation.error = "skipped", reason
            else:
                todo[operation.alias or ""].append(operation)
        self.progress("memberships", 0, len(todo))
        # Side by side go the organizations with one request each, or the many requests of one.
        few = [alias for alias in todo if len(todo[alias]) <= CHUNK]
        one_by_one = self.pool.map(lambda alias: self._write(alias, todo[alias], _in_turn), few)
        many = (self._write(alias, todo[alias], self._map) for alias in todo if len(todo[alias]) > CHUNK)
        for done, _ in enumerate(chain(one_by_one, many), 1):
            self.progress("memberships", done, len(todo))

    def _write(self, alias: str, operations: list[Operation], map_: Map) -> None:
        try:
            self.memberships.write(alias, operations, map_)
        except KindeError as error:
            for operation in operations:
                operation.outcome, operation.error = "failed", str(error)

    def _map(self, work: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        return list(self.pool.map(work, items))

    def _leave_default(self) -> None:
        """Take new people out of the default organization that Kinde put them into without a rule."""
        # Whatever else became of them: an account that was made, but not all of it, may be in there as well.
        landed = {self.accounts.user_id(o): o for o in self._of("create") if self.accounts.in_default(o)}
        if landed:
            for user_id, error in self.memberships.leave_default(list(landed)).items():
                create = landed[user_id]
                earlier = f"{create.error}; " if create.error else ""
                create.outcome = "failed"
                create.error = f"{earlier}created, but still in the default organization: {error}"

    def _enabling(self, enable: Operation) -> list[Operation]:
        return [enable, *(o for o in self.dependencies.by_person[enable.id] if o.kind == "update")]

    def _enable(self, operation: Operation) -> None:
        """Enable somebody; the names of an update ride along, its properties follow."""
        siblings = self.dependencies.by_person[operation.id]
        if operation.kind == "enable":
            self.accounts.enable(operation, next((o for o in siblings if o.kind == "update"), None))
        elif any(o.kind == "enable" and o.outcome != "done" for o in siblings):
            raise Skipped("enabling did not succeed")
        else:
            self.accounts.enabled_update(operation)


def _in_turn(work: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
    return [work(item) for item in items]
