"""Undo a run: reverse what its report says was done, where Kinde still is as that run left it."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pendulum

from airflow_provider_kinde.exceptions import SyncError, UnknownIdsError
from airflow_provider_kinde.resources.normalization import email_key
from airflow_provider_kinde.sync.changes import Change, plan_hash
from airflow_provider_kinde.sync.model import Account
from airflow_provider_kinde.sync.plan.account_rights import AccountRights
from airflow_provider_kinde.sync.plan.conflicts import find_conflict, roles_after
from airflow_provider_kinde.sync.plan.guards import Block, RunCounts, blocks_of, measure_guards, told_checks
from airflow_provider_kinde.sync.plan.held_people import HeldPerson
from airflow_provider_kinde.sync.plan.hold_reason import HoldReason, protected_reason
from airflow_provider_kinde.sync.plan.matching import Matches
from airflow_provider_kinde.sync.plan.plan import Plan
from airflow_provider_kinde.sync.plan.policies import check_policies, load_policies
from airflow_provider_kinde.sync.plan.recent import RecentChanges
from airflow_provider_kinde.sync.plan.run_request import RunRequest, moment, shift_of
from airflow_provider_kinde.sync.progress import Progress
from airflow_provider_kinde.sync.repair.undo_person import PersonUndo
from airflow_provider_kinde.sync.report.plan_file import parse_operation
from airflow_provider_kinde.sync.report.report import Report
from airflow_provider_kinde.sync.report.text import Wording, clean, operation_lines, plan_text, report_text
from airflow_provider_kinde.sync.signature import Content, whole
from airflow_provider_kinde.sync.snapshot.other_organizations import OtherOrganizations
from airflow_provider_kinde.sync.snapshot.reader import read_snapshot
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.store.changes import ChangeList
from airflow_provider_kinde.sync.store.near_ids import closest, suggestion
from airflow_provider_kinde.sync.tenant import client_of, wrong_tenant

WORDS = Wording(plan="Undo", report="Undone", nothing="Nothing to undo.")
AGAIN = "The next scheduled sync will do again what HR and the spec say. Pause it, and correct the spec or HR first."
FINAL = {
    "adopt": "an adoption cannot be undone: clear the account's provided_id in Kinde to let it go",
    "delete": "a deleted account cannot be brought back",
    "create_organization": "undo deletes no organization: delete it in Kinde if it is not wanted",
}
"""Kinds of operations that cannot be undone, and what to do instead."""


@dataclass(slots=True)
class NotUndone:
    """An operation of the report that is not undone.

    :param operation: the operation.
    :param reason: ``changed: ...`` if the value changed after the run, ``final: ...`` if it cannot be undone,
        ``already: ...`` if it is as it was before.
    """

    operation: Change
    reason: str

    def to_json(self) -> dict[str, Any]:
        o = self.operation
        who = {"who": o.who} if o.who else {}
        return {"id": o.id, **who, "kind": o.kind, "alias": o.alias, "role": o.role, "reason": self.reason}


@dataclass(slots=True)
class Undo:
    """A plan that undoes a run, to be applied like any other.

    :param plan: the plan.
    :param of: hash of the plan that is undone.
    :param left: operations of the report that are not undone.
    """

    plan: Plan
    of: str
    left: list[NotUndone] = field(default_factory=list)

    def to_json(self, report: Report | None = None) -> dict[str, Any]:
        """The undo as JSON.

        :param report: the report, once the plan was applied.
        :returns: the plan, or the report, with ``undoes`` and ``not_undone``.
        """
        content = report.content() if report else self.plan.content()
        more = {"undoes": self.of, "not_undone": [left.to_json() for left in self.left]}
        return whole(self.plan.signed({**content, **more}))

    def page(self, report: Report | None = None) -> Iterator[str]:
        """The undo as an HTML page.

        :param report: the report, once the plan was applied.
        :returns: the pieces of the page.
        """
        from airflow_provider_kinde.sync.report.page import undo_page

        note = AGAIN if self.plan.operations else ""
        return undo_page(self.to_json(report), (report.plan if report else self.plan).operations, note)

    def text(self, report: Report | None = None, color: bool = False, *, full: bool = False) -> str:
        """The undo as text.

        :param report: the report, once the plan was applied.
        :param color: whether to use ANSI colours.
        :param full: whether every person is listed, however many there are.
        :returns: the text.
        """
        body = report_text(report, color, WORDS, full=full) if report else plan_text(self.plan, color, WORDS, full=full)
        lines = [f"\nLeft as it is ({len(self.left)})"] if self.left else []
        for left in self.left:
            (line,) = operation_lines([dataclasses.replace(left.operation, reason="", outcome="", error="")])
            who = f"  {clean(left.operation.who)}" if left.operation.who else ""
            lines.append(f"  ! {clean(left.operation.id)}{who}  {line}: {clean(left.reason)}")
        return body + "\n".join([*lines, "", AGAIN]) + "\n"


def make_undo(
    spec: SyncSpec,
    client: Any,
    report: Mapping[str, Any],
    *,
    now: pendulum.DateTime | str | None = None,
    ids: Collection[str] | None = None,
    approve_protected: Collection[str] = (),
    recent: RecentChanges | None = None,
    progress: Progress | None = None,
) -> Undo:
    """Plan how to undo what a report says was done. Reads Kinde; HR is not read, and nothing is written.

    :param spec: the spec.
    :param client: a Kinde client, or a hook that has one.
    :param report: the content of a ``report.json``.
    :param now: the moment to plan for; the current time when left out.
    :param ids: undo only the operations of these HR ids.
    :param approve_protected: HR ids of protected people who may lose their access, a protected role or their address.
    :param recent: what runs of the last day did; the guards count it.
    :param progress: called with stage, count and total during long work.
    :returns: the plan, checked by the guards of the spec (give it to :func:`apply_plan`), and what is not undone.
    :raises SyncError: the report is none, was changed, or is of another sync or tenant.
    :raises UnknownIdsError: ``approve_protected`` names an id that is not in the report.
    """
    client = client_of(client)
    request = RunRequest.of(now=now, ids=ids, approve_protected=approve_protected, recent=recent)
    at = request.now
    sent = (client.counts.read, client.counts.write)
    plan = Plan(spec, client.host, at, counts_before=sent, sign=client.sign, shift=shift_of(now, at))
    done, day = read_report(report, plan)
    undo = Undo(plan, str(report["hash"]))
    _check_ids(done, request, plan)
    if reason := wrong_tenant(spec.tenant, client.host):
        plan.blocked.append(Block(reason, False))
        return undo
    snapshot = plan.snapshot = read_snapshot(spec, client, progress)
    rights = AccountRights(
        spec=spec,
        snapshot=snapshot,
        absent_action=spec.absent or "hold",
        approved=request.approve_protected,
        today=at.in_timezone("UTC").date(),
        protected_elsewhere=OtherOrganizations(spec, snapshot, client).holds_protected_role,
    )
    operations: list[Change] = []
    for id, mine in _by_person(done):
        if not request.includes(id):
            continue
        undo.left += [NotUndone(o, f"final: {FINAL[o.kind]}") for o in mine if o.kind in FINAL]
        mine = [o for o in mine if o.kind not in FINAL]
        if not mine:
            continue
        way = PersonUndo(rights, client, id, mine, day, report.get("organizations") or {})
        found = way.back()
        undo.left += [NotUndone(o, reason) for o, reason in way.left]
        try:
            if way.account:
                _check_protected(rights, id, way.account, found)
                _check_conflicts(rights, way.account, found)
        except HoldReason as hold:
            plan.held.append(HeldPerson(id, str(hold), protected=hold.protected, who=mine[0].who))
            continue
        operations += found
    plan.operations = ChangeList(operations, snapshot.database)
    plan.warnings += request.recent.warnings
    counts = change_counts(rights, plan, request.recent)
    checks = measure_guards(spec, plan.operations, counts)
    plan.guards, plan.managed = told_checks(checks), counts.managed
    plan.blocked += blocks_of(checks)
    plan.blocked += check_policies(load_policies(spec), plan)
    return undo


def _check_ids(done: Iterable[Change], request: RunRequest, plan: Plan) -> None:
    """Warn about ids for which the report has nothing; refuse the approval of one."""
    named = {change.id for change in done}

    def told(unknown: Collection[str]) -> str:
        return ", ".join(id + suggestion(closest(id, named)) for id in sorted(unknown))

    if unknown := request.approve_protected - named:
        raise UnknownIdsError(
            f"--approve-protected (approve_protected) names {told(unknown)}: the report says of no such id that "
            "something was done. Nothing was written"
        )
    if unknown := (request.ids or frozenset()) - named:
        plan.unknown_ids = [f"the report says of no such id that something was done: {told(unknown)}"]
        plan.warnings += plan.unknown_ids


def read_report(report: Mapping[str, Any], plan: Plan) -> tuple[list[Change], Any]:
    """Read the operations of a report that were done.

    :param report: the content of a ``report.json``.
    :param plan: the plan of the undo, with spec and host.
    :returns: the operations, and the UTC day of the run.
    :raises SyncError: it is no report, was changed or signed with another secret, or is of another spec or tenant.
    """
    try:
        spec_name, host, claimed = report["spec"], report.get("host", plan.host), report["hash"]
        day = moment(str(report["created_at"])).in_timezone("UTC").date()
        listed = [parse_operation(entry) for entry in report["operations"]]
        is_plan = "requests" not in report
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise SyncError(f"not a report ({type(error).__name__}: {error}): write one with `apply --report`") from error
    except SyncError as error:
        raise SyncError(f"not a report (created_at: {error}): write one with `apply --report`") from error
    if report.get("redacted"):
        raise SyncError("the report is redacted: it does not hold the values from before, so it cannot be undone")
    if is_plan:
        raise SyncError("this is a plan, not a report: there is nothing to undo. Write a report with `apply --report`")
    if (spec_name, host) != (plan.spec.name, plan.host):
        raise SyncError(f"the report is for {spec_name} on {host}, this run is for {plan.spec.name} on {plan.host}")
    assert plan.sign is not None
    content = Content()
    for _ in content.passing(report["operations"]):
        pass
    content.check(report, plan.sign, "the report")
    if plan_hash(host, spec_name, sorted(operation.digest for operation in listed)) != claimed:
        raise SyncError("the report was changed: its hash does not match its operations")
    return [operation for operation in listed if operation.outcome == "done"], day


def _by_person(operations: Iterable[Change]) -> list[tuple[str, list[Change]]]:
    people: dict[str, list[Change]] = {}
    for operation in operations:
        people.setdefault(operation.id, []).append(operation)
    return sorted(people.items())


def _check_protected(rights: AccountRights, id: str, account: Account, operations: list[Change]) -> None:
    """An undo takes and moves no more of a protected account than a row of HR does.

    :raises HoldReason: it would, and was not approved.
    """
    for operation in operations:
        takes = operation.kind == "suspend" and (operation.before or {}).get("suspended") is not True
        if takes and id not in rights.approved and rights.is_protected(account):
            raise protected_reason("would lose access by this undo", id, "suspend the account in Kinde")
        if operation.kind == "rename":
            old, new = email_key(account.email), email_key(str((operation.after or {}).get("email") or ""))
            rights.check_protected_address(id, account, old, new, "would get another address by this undo")
    rights.check_protected_roles(id, account, operations)


def _check_conflicts(rights: AccountRights, account: Account, operations: list[Change]) -> None:
    """An undo gives no role that the person may not hold together with another one.

    :raises HoldReason: it would.
    """
    if any(operation.kind == "add_role" for operation in operations):
        after = roles_after(rights.snapshot.memberships(account.id), operations)
        if found := find_conflict(rights.spec.conflicts, after):
            raise HoldReason(found)


def change_counts(rights: AccountRights, plan: Plan, recent: RecentChanges) -> RunCounts:
    """What the guards count of a plan that was not made by comparing HR with Kinde: an undo, or an access review.

    :param rights: answers for accounts, with spec and snapshot.
    :param plan: the plan, with its operations.
    :param recent: what runs of the last day did.
    """
    matches = Matches(rights.spec, rights.snapshot, rights.has_access, plan.now)
    touched = {operation.account.id for operation in plan.operations if operation.account}
    matches.counts.accounts = {match.account_id: match.state for match in matches if match.account_id in touched}
    matches.counts.dropped, matches.counts.undo = None, True
    aliases = plan.operations.aliases("remove_membership")
    matches.counts.removed_lately = recent.still_removed(rights.snapshot, aliases)
    matches.counts.renamed_lately = recent.renamed
    return matches.counts
