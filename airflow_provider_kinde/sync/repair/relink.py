"""Give an account the link of another HR id: the person came back, or HR changed the id."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pendulum

from airflow_provider_kinde.exceptions import SyncError
from airflow_provider_kinde.resources.normalization import name_key
from airflow_provider_kinde.sync.link import Link, parse_link
from airflow_provider_kinde.sync.model import Access, Account, Source
from airflow_provider_kinde.sync.plan.account_rights import AccountRights
from airflow_provider_kinde.sync.plan.plan import Plan
from airflow_provider_kinde.sync.plan.planner import plan_run
from airflow_provider_kinde.sync.plan.reused_id import other_names, seems_another
from airflow_provider_kinde.sync.plan.run_request import RunRequest, check_approved_only, typed_id
from airflow_provider_kinde.sync.progress import Progress
from airflow_provider_kinde.sync.report.text import clean, operation_lines
from airflow_provider_kinde.sync.snapshot.other_organizations import OtherOrganizations
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.store.near_ids import near_ids, suggestion
from airflow_provider_kinde.sync.store.people import People
from airflow_provider_kinde.sync.store.unclear_rows import rows_of_no_account
from airflow_provider_kinde.sync.tenant import client_of


@dataclass(slots=True)
class RelinkResult:
    """The result of a relink, and what the next run will do.

    :param account: the account as it was found.
    :param before: its ``provided_id`` as it was found; equal to ``after`` if it was relinked already.
    :param after: its ``provided_id`` now.
    :param plan: what the next run does for the new id.
    :param missing: the id that no account carries, if the account carries the new one already.
    :param names: names of HR that are written as well: with them, the next run knows that it is one person.
    :param written: whether Kinde was written to.
    """

    account: Account
    before: str
    after: str
    plan: Plan
    missing: str = ""
    names: dict[str, str] = field(default_factory=dict)
    written: bool = False

    def text(self) -> str:
        """Write the result for a terminal.

        :returns: the text.
        """
        state = "suspended" if self.account.suspended else "enabled"
        lines = [f"account {clean(self.account.id)} <{clean(self.account.email)}>, {state}"]
        if self.before == self.after:
            lines.append(f"  already relinked: provided_id is {clean(self.after)}; nothing was written")
            lines.append(f"  no account carries the link of {clean(self.missing)}")
        else:
            lines.append(f"  provided_id: {clean(self.before)} -> {clean(self.after)}")
            lines += [f"  {key.replace('_', ' ')}: {clean(name)}" for key, name in self.names.items()]
            if not self.written:
                lines.append("  dry run: nothing was written")
        lines += [f"  note: {clean(note)}" for note in self._notes()]
        lines += ["", "The next run will:"]
        lines += [f"  {line}" for line in self._next()]
        return "\n".join(lines) + "\n"

    def _notes(self) -> list[str]:
        link = self.account.link
        person = self.plan.people.persons.get(link.id) if self.plan.people and link else None
        if person is None:
            return []
        there = f"{self.account.first_name} {self.account.last_name}"
        here = f"{person.given_name} {person.family_name}"
        return (
            [f"the name in Kinde is {there!r}, the name in HR is {here!r}: is this one person?"]
            if name_key(there) != name_key(here)
            else []
        )

    def _next(self) -> list[str]:
        held = [f"hold: {clean(held.reason)}" for held in self.plan.held]
        blocked = [f"be blocked: {clean(block.reason)}" for block in self.plan.blocked]
        return (held or operation_lines(self.plan.operations) or ["do nothing for this person"]) + blocked


class _RelinkedClient:
    """A client that returns users as they will be with the new link; every other answer is Kinde's own."""

    def __init__(self, client: Any, name: str, old: str, new: str) -> None:
        self._client, self._name, self._old, self._new = client, name, old, new
        self.provided: dict[str, str] = {}
        """Kinde user id -> ``provided_id`` as it really is, of the accounts that carry the old id."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def iter_users(self, **query: Any) -> Iterator[Mapping[str, Any]]:
        for user in self._client.iter_users(**query):
            provided = str(user.get("provided_id") or "")
            link = parse_link(provided, self._name)
            if link is not None and link.id == self._old:
                self.provided[str(user["id"])] = provided
                yield {**user, "provided_id": provided.replace(f":{self._old}", f":{self._new}", 1)}
            else:
                yield user


def relink(
    spec: SyncSpec,
    source: Source | Iterable[Mapping[str, Any]],
    client: Any,
    old: str,
    new: str,
    *,
    dry_run: bool = False,
    approve_protected: Collection[str] = (),
    now: pendulum.DateTime | str | None = None,
    progress: Progress | None = None,
) -> RelinkResult:
    """Make the account of one HR id the account of another: ``PATCH /user`` with the new ``provided_id``.

    The marks stay, so the next run enables a leaver and restores what the new row gives. Where HR has another name and
    another address, the name is written as well: the next run would hold the person otherwise. Everything is checked
    before the one write.

    :param spec: the spec.
    :param source: the HR source, or a list of rows.
    :param client: a Kinde client, or a hook that has one.
    :param old: the HR id that the account carries. According to HR it must not have access.
    :param new: the HR id that it will carry. HR must have a clean row with it.
    :param dry_run: check and show what would be written, but do not write.
    :param approve_protected: the new HR id, if the account is protected and may pass to it.
    :param now: the moment to plan for; the current time when left out.
    :param progress: called with stage, count and total during long work.
    :returns: what was written, and what the next run will do.
    :raises UnknownIdsError: ``approve_protected`` names another id.
    :raises SyncError: one of these conditions does not hold. Nothing was written.
    """
    old, new = typed_id(old), typed_id(new)
    if not old or not new or old == new:
        raise SyncError(f"relink needs two different HR ids, found {old!r} and {new!r}")
    check_approved_only("relink", new, approve_protected)
    client = client_of(client)
    view = _RelinkedClient(client, spec.name, old, new)
    request = RunRequest.of(now=now, ids=[new], approve_protected=approve_protected)
    request = replace(request, same_person=frozenset([new]))
    plan = plan_run(spec, source, view, request, progress=progress)
    if fatal := [block.reason for block in plan.blocked if not block.approvable]:
        raise SyncError("relink needs a complete HR source: " + "; ".join(fatal))
    assert plan.people is not None
    assert plan.snapshot is not None
    accounts = plan.snapshot.linked.get(new, [])
    carry_old = [account for account in accounts if account.id in view.provided]
    carry_new = [account for account in accounts if account.id not in view.provided]
    _check_accounts(spec, plan.people, carry_old, carry_new, old, new)
    _check_rows(plan.people, old, new)
    account = (carry_old or carry_new)[0]
    link = account.link
    assert link is not None
    if link.problem:
        raise SyncError(link.problem)
    if not carry_old:
        missing = old + suggestion(near_ids(plan.people.database, old))
        return RelinkResult(account, str(link), str(link), plan, missing)
    _check_doubt(plan.people, account, old, new)
    snapshot = plan.snapshot
    rights = AccountRights(
        spec=spec,
        snapshot=snapshot,
        protected_elsewhere=OtherOrganizations(spec, snapshot, client).holds_protected_role,
    )
    if new not in request.approve_protected and (old in spec.protect.ids or rights.has_rights(account)):
        raise SyncError(
            f"the account of {old} is protected, and would pass to {new}: approve with --approve-protected {new}"
        )
    found = RelinkResult(account, view.provided[account.id], str(link), plan)
    person = plan.people.persons[new]
    if seems_another(person, account):
        found.names = other_names(person, account)
        updates = plan.operations.of("update")
        plan.operations.drop([change for change in updates if change.after == found.names])
    if not dry_run:
        client.update_user(account.id, provided_id=found.after, **found.names)
        found.written = True
    return found


def _check_accounts(
    spec: SyncSpec, people: People, carry_old: list[Account], carry_new: list[Account], old: str, new: str
) -> None:
    for id, accounts in ((old, carry_old), (new, carry_new)):
        if len(accounts) > 1:
            names = ", ".join(sorted(account.id for account in accounts))
            raise SyncError(
                f"{len(accounts)} Kinde accounts carry the link {Link(spec.name, id)} ({names}): "
                "clear the provided_id of all but one in Kinde"
            )
    if carry_old and carry_new:
        raise SyncError(
            f"{new} already has an account ({carry_new[0].id}): delete it or clear its provided_id in Kinde first"
        )
    if not carry_old and not carry_new:
        near = suggestion(near_ids(people.database, old))
        raise SyncError(f"no Kinde account carries the link {Link(spec.name, old)}: is --from the right id?{near}")


def _check_rows(people: People, old: str, new: str) -> None:
    if new not in people.persons:
        raise SyncError(f"HR has no usable row with the id {new}: {_why_not(people, new)}")
    if not people.ids_certain and old not in people.persons:
        raise SyncError(f"{people.absence_unknown}; it may be the row of {old}. Correct it in HR first")
    former = people.persons.get(old)
    if former is None and old in people.ids:
        raise SyncError(
            f"HR still has a row for {old}, which cannot be used: {_why_not(people, old)}. Correct it first"
        )
    if former is not None and former.access in (Access.ACTIVE, Access.KEEP):
        raise SyncError(f"{old} still has access according to HR ({former.why}), so the account cannot move to {new}")


def _check_doubt(people: People, account: Account, old: str, new: str) -> None:
    """A row that is not understood may be that of the person who seems absent: the account is not given away."""
    if old in people.ids:
        return
    name = name_key(account.first_name), name_key(account.last_name)
    for row in rows_of_no_account(people.database):
        same_name = any(name) and (name_key(row.given or ""), name_key(row.family or "")) == name
        if row.id != new and (row.key in account.addresses or same_name):
            raise SyncError(
                f"no row has the id {old}, but row {row.number}, which is rejected or held, has the address or the "
                f"name of this account under the id {row.id}: correct the row in HR first"
            )


def _why_not(people: People, id: str) -> str:
    if id in people.held:
        return f"held, {people.held[id]}"
    rejected = [f"row {r.row} is rejected ({r.reason})" for r in people.rejected if r.id == id]
    return "; ".join(rejected) or "there is no such row" + suggestion(near_ids(people.database, id))
