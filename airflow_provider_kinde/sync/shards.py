"""One apply, carried out in several places: prepare once, write people and memberships in shards, settle once.

The stages keep their order across all shards: organizations are made by :func:`prepare`; each shard suspends its
leavers, makes and changes its people and sends their memberships; :func:`settle` reads the organizations that changed,
rights what is wrong, and does what has to come last. A person is in one shard, whatever the plan, so that the order of
what happens to somebody is kept.

A shard may be run again: all of its writes are absolute, and what must not happen twice is looked for.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

from airflow_provider_kinde.exceptions import SyncError
from airflow_provider_kinde.sync.apply.stages import Run, still_blocked
from airflow_provider_kinde.sync.model import Rejected
from airflow_provider_kinde.sync.plan.changes import MEMBERSHIP
from airflow_provider_kinde.sync.plan.planner import Held, Plan
from airflow_provider_kinde.sync.plan.run_request import moment
from airflow_provider_kinde.sync.plan.scopes import missing_scopes
from airflow_provider_kinde.sync.report.report import Report
from airflow_provider_kinde.sync.snapshot.reader import Organization, Progress, Snapshot
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.store.accounts import AccountTable, Members
from airflow_provider_kinde.sync.store.changes import ChangeList, Group, from_parts, to_parts
from airflow_provider_kinde.sync.store.database import Database

FEWEST = 100
"""People a shard has at least: below that a task costs more than it saves."""

Open = Callable[[], TextIO]


@dataclass(slots=True)
class Prepared:
    """A plan that may be carried out, with its organizations made.

    :param report: of what was done so far; blocked, there is nothing more to do.
    :param shards: how many shards have something to do.
    """

    report: Report
    shards: int


def prepare(
    plan: Plan, client: Any, shards: int, *, approve: str | None = None, progress: Progress | None = None
) -> Prepared:
    """Check that a plan may be carried out, and create its organizations.

    :param shards: into how many parts its people are divided at most.
    :raises KindePermissionError: when the token lacks a scope that the plan needs.
    """
    report = Report(plan, blocked=still_blocked(plan, approve))
    people = plan.operations.people()
    if report.blocked or not people:
        report.finish(client.counts)
        return Prepared(report, 0)
    if missing := missing_scopes(plan, client):
        raise missing
    with Run(plan, client, progress) as run:
        run.organizations()
    return Prepared(report, max(1, min(shards, people // FEWEST)))


def shard_of(id: str, shards: int) -> int:
    """The shard of a person: the same at every run."""
    return int.from_bytes(hashlib.sha256(id.encode()).digest()[:8], "big") % shards


def head(prepared: Prepared, client: Any) -> dict[str, Any]:
    """What every part has to know of the whole, as JSON."""
    report, plan, snapshot = prepared.report, prepared.report.plan, prepared.report.plan.snapshot
    assert snapshot is not None
    clock, wall = time.monotonic(), time.time()
    return {
        "spec": plan.spec.name,
        "host": plan.host,
        "hash": plan.hash,
        "now": plan.now.to_iso8601_string(),
        "shards": prepared.shards,
        "organizations": [
            [o.alias, o.code, o.name, wall - (clock - o.read_at) if o.read_at else 0]
            for o in snapshot.organizations.values()
        ],
        "roles": snapshot.roles,
        "default_code": snapshot.default_code,
        "creations": [to_parts(operation) for operation in plan.operations.of("create_organization")],
        "held": [[held.id, held.reason, held.protected, held.absent] for held in plan.held],
        "rejected": [[rejected.row, rejected.id, rejected.reason] for rejected in plan.rejected],
        "warnings": plan.warnings,
        "unchanged": plan.unchanged,
        "changed_since_plan": report.changed_since_plan,
        "requests": [client.counts.read - plan.counts_before[0], client.counts.write - plan.counts_before[1]],
    }


def work(prepared: Prepared, shard: int) -> Iterator[str]:
    """What one shard has to do, a person to a line: operations, and the roles held where memberships change."""
    plan = prepared.report.plan
    assert plan.snapshot is not None
    for group in plan.operations.everybody():
        if shard_of(group[0].id, prepared.shards) == shard:
            account = group[0].account
            changes = {operation.alias for operation in group if operation.kind in MEMBERSHIP}
            present = plan.snapshot.memberships(account.id) if account and changes else {}
            members = (
                [[account.id, alias, sorted(roles)] for alias, roles in present.items() if alias in changes]
                if account
                else []
            )
            yield json.dumps([[to_parts(operation) for operation in group], members]) + "\n"


def carry_out(
    spec: SyncSpec,
    head: Mapping[str, Any],
    lines: Open,
    client: Any,
    *,
    progress: Progress | None = None,
) -> tuple[dict[str, int], Iterator[str]]:
    """Do what one shard has to do, but for what comes last.

    :param head: what :func:`head` wrote.
    :param lines: opens what :func:`work` wrote.
    :returns: how many operations came to which outcome, and the result, line by line.
    """
    before = (client.counts.read, client.counts.write)
    plan = _plan(spec, head, [lines], client)
    with Run(plan, client, progress) as run:
        run.creations = [from_parts(parts) for parts in head["creations"]]
        run.people()
        run.send_memberships()
    requests = [client.counts.read - before[0], client.counts.write - before[1]]
    return dict(plan.operations.outcomes()), _result(plan, requests)


def _result(plan: Plan, requests: Sequence[int]) -> Iterator[str]:
    yield json.dumps({"requests": requests}) + "\n"
    for group in plan.operations.everybody():
        yield json.dumps([[o.digest, o.outcome, o.error, o.user_id, o.joined] for o in group]) + "\n"


def settle(
    spec: SyncSpec,
    head: Mapping[str, Any],
    works: Sequence[Open],
    results: Sequence[Open],
    client: Any,
    *,
    progress: Progress | None = None,
) -> Report:
    """Read what the shards changed, right it, do what comes last, and report on the whole.

    :param works: what :func:`work` wrote, one for each shard.
    :param results: what :func:`carry_out` returned, one for each shard.
    """
    plan = _plan(spec, head, works, client)
    plan.operations.add(from_parts(parts) for parts in head["creations"])
    requests = list(head["requests"])
    for opened in results:
        with opened() as file:
            first = json.loads(next(file))
            requests = [have + more for have, more in zip(requests, first["requests"], strict=True)]
            _take(plan.operations, file)
    # As if it had been counted here from the beginning.
    plan.counts_before = (client.counts.read - requests[0], client.counts.write - requests[1])
    report = Report(plan, changed_since_plan=list(head["changed_since_plan"]))
    if works:
        with Run(plan, client, progress) as run:
            run.creations = list(plan.operations.of("create_organization"))
            run.settle_memberships()
            run.rest()
    report.finish(client.counts)
    return report


def _plan(spec: SyncSpec, head: Mapping[str, Any], works: Iterable[Open], client: Any) -> Plan:
    """The plan as it was when the work was divided."""
    if (head["spec"], head["host"]) != (spec.name, client.host):
        raise SyncError(f"this work is for {head['spec']} on {head['host']}, not for {spec.name} on {client.host}")
    spool, clock, wall = Database(), time.monotonic(), time.time()
    operations = ChangeList(spool=spool)
    members = spool.writer("members")
    for opened in works:
        with opened() as file:
            operations.add(_read(file, members.add))
    members.flush()
    spool.run("CREATE INDEX members_account ON members (account, alias, roles)")
    organizations = {
        alias: Organization(alias, code, name, members=Members(spool, alias), read_at=clock - (wall - read_at))
        for alias, code, name, read_at in head["organizations"]
    }
    snapshot = Snapshot(
        head["host"], AccountTable(spool, spec.name), organizations, head["roles"], head["default_code"]
    )
    return Plan(
        spec,
        head["host"],
        moment(head["now"]),
        operations=operations,
        held=[Held(*held) for held in head["held"]],
        rejected=[Rejected(*rejected) for rejected in head["rejected"]],
        warnings=list(head["warnings"]),
        unchanged=head["unchanged"],
        snapshot=snapshot,
        counts_before=(client.counts.read, client.counts.write),
    )


def _read(file: Iterable[str], member: Callable[[Sequence[Any]], None]) -> Iterator[Any]:
    for line in file:
        parts, members = json.loads(line)
        for user_id, alias, roles in members:
            member((user_id, alias, json.dumps(roles) if roles else ""))
        yield from map(from_parts, parts)


def _take(operations: ChangeList, lines: Iterable[str]) -> None:
    """Take over what became of operations elsewhere."""
    for line in lines:
        changed: Group = []
        for digest, outcome, error, user_id, joined in json.loads(line):
            operation = operations.find(digest)
            if operation is None:
                raise SyncError("a shard reports on an operation that it was not given")
            operation.user_id, operation.joined = user_id, joined
            operation.outcome, operation.error = outcome, error
            changed.append(operation)
        operations.save(changed)
