"""From decisions to a plan: what no rule gives is removed; what a rule gives is named with its rule."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from airflow_provider_kinde.exceptions import SyncError
from airflow_provider_kinde.sync.changes import Change
from airflow_provider_kinde.sync.model import Account, Source
from airflow_provider_kinde.sync.plan.account_rights import AccountRights
from airflow_provider_kinde.sync.plan.guards import blocks_of, measure_guards, told_checks
from airflow_provider_kinde.sync.plan.held_people import HeldPerson
from airflow_provider_kinde.sync.plan.hold_reason import HoldReason
from airflow_provider_kinde.sync.plan.person_change import change_for, describe
from airflow_provider_kinde.sync.plan.plan import Plan
from airflow_provider_kinde.sync.plan.policies import check_policies, load_policies
from airflow_provider_kinde.sync.plan.run_request import RunRequest
from airflow_provider_kinde.sync.progress import Progress
from airflow_provider_kinde.sync.repair.undo import change_counts
from airflow_provider_kinde.sync.report.table import safe_cell
from airflow_provider_kinde.sync.reviews.access_list import due_roles, list_access, person_of, rules_for
from airflow_provider_kinde.sync.reviews.decisions import Decision, read_decisions
from airflow_provider_kinde.sync.snapshot.other_organizations import OtherOrganizations
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.store.changes import ChangeList
from airflow_provider_kinde.sync.tenant import client_of

RESULTS = ("kept", "planned", "rule", "changed", "held", "unmanaged", "already")


class Result(NamedTuple):
    """What becomes of a decision.

    :param decision: the decision.
    :param result: one of :data:`RESULTS`.
    :param reason: what to do next, where something is left to do.
    """

    decision: Decision
    result: str
    reason: str = ""


@dataclass(slots=True)
class Review:
    """A plan of removals, to be applied like any other, and what becomes of each decision.

    :param plan: the plan.
    :param results: one for each decision.
    """

    plan: Plan
    results: list[Result] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """How many decisions came to each result."""
        found = Counter(result.result for result in self.results)
        return {name: found[name] for name in RESULTS}

    def csv_lines(self) -> Iterator[str]:
        """The decisions as a table, each with its result."""
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow(
            ("access_id", "organization", "id", "user_id", "email", "roles", "decision", "comment", "result", "reason")
        )
        for decision, result, reason in self.results:
            entry = decision.entry
            said = " ".join((decision.action.replace("_roles", ""), ", ".join(sorted(decision.roles)))).strip()
            cells = [*(entry[name] for name in ("access_id", "organization", "id", "user_id", "email", "roles")), said]
            writer.writerow(map(safe_cell, (*cells, decision.comment, result, reason)))
        yield out.getvalue()


def plan_removals(
    spec: SyncSpec,
    source: Source | Iterable[Mapping[str, Any]],
    client: Any,
    request: RunRequest,
    *,
    review: Mapping[str, Any],
    files: Mapping[str, str],
    progress: Progress | None = None,
) -> Review:
    """Plan what the owners decided to remove. Reads only.

    A membership or role that a rule gives is not removed: the next sync would give it back. Its result is ``rule``,
    with the rule to change. What was given by hand, or is left in place by ``keep``, is removed.

    :param spec: the spec.
    :param source: an HR source, or a list of rows.
    :param client: a ``KindeClient`` or a ``KindeHook``.
    :param request: what the run is to do; its ``approve_protected`` counts here too.
    :param review: the content of ``review.json``.
    :param files: name of each file that came back -> its text.
    :param progress: called while long lists are read.
    :raises SyncError: HR, the list or the decisions cannot be used.
    """
    client = client_of(client)
    plan = list_access(spec, source, client, request, progress=progress).plan
    snapshot = plan.snapshot
    assert snapshot is not None
    decisions = read_decisions(plan, review, files)
    rights = AccountRights(
        spec=spec,
        snapshot=snapshot,
        approved=request.approve_protected,
        protected_elsewhere=OtherOrganizations(spec, snapshot, client).holds_protected_role,
    )
    if plan.blocked:
        reasons = "; ".join(block.reason for block in plan.blocked)
        raise SyncError(f"the sync is blocked, so what the rules give is not certain: settle that first. {reasons}")
    waiting = {held.id: str(held.reason) for held in plan.held}
    plan.held = []
    found = Review(plan)
    operations: list[Change] = []
    for decision in decisions:
        result, reason, changes = _carry_out(decision, plan, rights, waiting)
        found.results.append(Result(decision, result, reason))
        operations += changes
    plan.operations = ChangeList(operations, snapshot.database)
    counts = change_counts(rights, plan, request.recent)
    checks = measure_guards(spec, plan.operations, counts)
    plan.guards, plan.managed = told_checks(checks), counts.managed
    plan.blocked += blocks_of(checks)
    plan.blocked += check_policies(load_policies(spec), plan)
    return found


def _carry_out(
    decision: Decision, plan: Plan, rights: AccountRights, waiting: Mapping[str, str]
) -> tuple[str, str, list[Change]]:
    """The result of one decision, what is left to do, and the changes."""
    if decision.action == "keep":
        return "kept", "", []
    entry, snapshot = decision.entry, plan.snapshot
    assert snapshot is not None
    id, alias, user_id = entry["id"], entry["organization"], entry["user_id"]
    held = snapshot.memberships(user_id).get(alias)
    listed = frozenset(role.strip() for role in entry["roles"].split(",") if role.strip())
    if held is None or (decision.roles and not decision.roles & held):
        return "already", "the account does not have it any more", []
    if held != listed:
        now = ", ".join(sorted(held)) or "none"
        return "changed", f"the roles are {now} now: decide again on a new list", []
    if not id:
        return "unmanaged", "the sync does not manage this account: remove it in Kinde", []
    accounts = [account for account in snapshot.linked.get(id, []) if account.id == user_id]
    if len(accounts) != 1 or len(snapshot.linked.get(id, [])) != 1:
        return "changed", f"the account is no longer the one account of {id}: decide again on a new list", []
    if reason := _unclear(plan, id, waiting):
        return "held", reason, []
    due = due_roles(plan, id, alias)
    if due is not None and (not decision.roles or decision.roles & due):
        rules = rules_for(plan, id, alias)
        return "rule", f"{rules} gives it, and would give it back: change the rule, or HR", []
    changes = _changes(decision, plan, accounts[0], alias, held)
    try:
        rights.check_protected_roles(id, accounts[0], changes)
    except HoldReason as hold:
        who = describe(accounts[0], person_of(plan, id))
        plan.held.append(HeldPerson(id, str(hold), protected=True, who=who))
        return "held", str(hold), []
    return "planned", "", changes


def _unclear(plan: Plan, id: str, waiting: Mapping[str, str]) -> str:
    """Why it is not known what the rules give a person; empty where it is known."""
    if id in waiting:
        return waiting[id]
    if person_of(plan, id) is None and plan.people is not None and id in plan.people.ids:
        return "HR's row of this person was not understood: correct it, and decide again"
    if person_of(plan, id) is None and plan.absence_unknown:
        return f"HR has no row of this person, and that may be a mistake: {plan.absence_unknown}"
    return ""


def _changes(decision: Decision, plan: Plan, account: Account, alias: str, held: frozenset[str]) -> list[Change]:
    id, reason = decision.entry["id"], "access review"
    person = person_of(plan, id)
    if decision.roles:
        return [
            change_for(id, person, account, "remove_role", alias=alias, role=role, reason=reason)
            for role in sorted(decision.roles & held)
        ]
    before = {"roles": sorted(held)} if held else None
    return [change_for(id, person, account, "remove_membership", alias=alias, before=before, reason=reason)]
