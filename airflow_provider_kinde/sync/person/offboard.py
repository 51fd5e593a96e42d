"""Offboard one person from a form: as a leaver if HR agrees; else the account is suspended until HR does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pendulum

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.exceptions import SourceError
from airflow_provider_kinde.resources.normalization import clean_email, email_key, same_letters
from airflow_provider_kinde.resources.users import delete_api_keys, end_sessions
from airflow_provider_kinde.sync.apply.stages import apply_plan
from airflow_provider_kinde.sync.link import is_onboarded
from airflow_provider_kinde.sync.model import Access, Account, Person, Source
from airflow_provider_kinde.sync.people.reader import read_people
from airflow_provider_kinde.sync.person.explain import account_line, action_lines, explanation
from airflow_provider_kinde.sync.person.forms import FormRefused, Tell, check_tenant, told
from airflow_provider_kinde.sync.plan.account_rights import AccountRights
from airflow_provider_kinde.sync.plan.person_change import change_for
from airflow_provider_kinde.sync.plan.plan import Plan
from airflow_provider_kinde.sync.plan.planner import plan_run
from airflow_provider_kinde.sync.plan.run_request import RunRequest, as_source, moment, typed_id
from airflow_provider_kinde.sync.plan.scopes import API_KEYS, lacking
from airflow_provider_kinde.sync.read_once import ReadOnceSource
from airflow_provider_kinde.sync.report.report import Report
from airflow_provider_kinde.sync.snapshot.reader import Snapshot, read_snapshot
from airflow_provider_kinde.sync.spec.cell_text import clean_text
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.store.changes import ChangeList
from airflow_provider_kinde.sync.store.near_ids import near_ids, suggestion
from airflow_provider_kinde.sync.store.people import People
from airflow_provider_kinde.sync.tenant import client_of

SCOPES = frozenset({"read:users", "update:users", "delete:user_sessions"})
TAKES = frozenset({"suspend", "remove_membership"})
"""The kinds of changes that the form makes for a leaver. It never deletes."""


@dataclass(frozen=True)
class Leaver:
    """The values of the offboarding form: an address, an HR id, or both.

    :param email: an address of the account.
    :param id: the HR id.
    :param confirm_protected: for a protected person, the HR id typed again (or the address, if there is no id).
    """

    email: str = ""
    id: str = ""
    confirm_protected: str = ""


def offboard(
    spec: SyncSpec,
    source: Source | Iterable[Mapping[str, Any]],
    client: Any,
    leaver: Leaver,
    *,
    now: pendulum.DateTime | str | None = None,
    tell: Tell,
) -> Report:
    """Take one person's access away, end the sessions, and delete the API keys.

    If HR says that the person left, the leaver is planned and applied as by the sync. In all other cases (HR says
    active, has no row, or cannot be read, or a guard would stop the plan) the account is suspended without the mark of
    a leaver. The sync then holds it until HR agrees, and never enables it.

    :param spec: the spec.
    :param source: the HR source, or a list of rows.
    :param client: a Kinde client, or a hook that has one.
    :param leaver: the values of the form.
    :param now: the moment to plan for; the current time when left out.
    :param tell: called with the explanation before anything is written.
    :returns: the report.
    :raises FormRefused: this sync does not manage the account, or the person is protected and not confirmed.
    """
    at = moment(now)
    client = client_of(client)
    check_tenant(spec, client.host)
    leaver = _checked(leaver)
    run = _Offboarding(spec, client, leaver, at, ReadOnceSource(as_source(source)))
    return run.run(tell)


class _Offboarding:
    def __init__(
        self, spec: SyncSpec, client: Any, leaver: Leaver, at: pendulum.DateTime, rows: ReadOnceSource
    ) -> None:
        self.spec, self.client, self.leaver, self.at, self.rows = spec, client, leaver, at, rows
        self.before = (client.counts.read, client.counts.write)
        self.unread = ""
        """Why HR cannot be read. The person is offboarded nevertheless."""

    def run(self, tell: Tell) -> Report:
        people = self._people()
        snapshot = read_snapshot(self.spec, self.client)
        account = self._account(snapshot)
        id = account.link.id if account.link else ""
        self._check_protected(snapshot, account, id)
        person = people.persons.get(id) if people and id else None
        if person and person.access is Access.NONE and (report := self._as_leaver(id, account, tell)):
            return report
        return self._suspend(snapshot, account, person, tell)

    def _people(self) -> People | None:
        try:
            people = read_people(self.spec, self.rows, self.at)
        except SourceError as error:
            self.unread = str(error)
            return None
        self.unread = "; ".join(people.problems)
        return None if people.problems else people

    def _account(self, snapshot: Snapshot) -> Account:
        """Find the account; refused unless this sync or its onboarding form manages it."""
        leaver, key = self.leaver, email_key(self.leaver.email)
        accounts = snapshot.linked.get(leaver.id, []) if leaver.id else snapshot.accounts.with_address(key)
        by = f"the link {self.spec.name}:{leaver.id}" if leaver.id else "this address"
        if len(accounts) != 1:
            near = suggestion(near_ids(snapshot.database, leaver.id)) if leaver.id and not accounts else ""
            several = counted(len(accounts), "Kinde account has", "Kinde accounts have")
            raise FormRefused(f"{several if accounts else 'no Kinde account has'} {by}{near}")
        account = accounts[0]
        if key and key not in account.addresses:
            raise FormRefused(f"the account of {leaver.id} does not have this address: correct one of the two")
        spelled = {account.email, *(value for _, value in account.identities)}
        if key and not any(same_letters(leaver.email, address) for address in spelled if email_key(address) == key):
            raise FormRefused(
                f"the account {account.id} spells this address with other letters (such as ß for ss): type it as Kinde "
                "has it"
            )
        if account.link is None and not is_onboarded(account.provided_id, self.spec.name):
            whose = (
                f"another source manages it ({account.provided_id})" if account.provided_id else "no source manages it"
            )
            raise FormRefused(
                f"{self.spec.name} does not manage the account {account.id}: {whose}. Suspend it in Kinde"
            )
        if account.link is not None and account.link.problem:
            raise FormRefused(account.link.problem)
        if account.link and len(snapshot.linked[account.link.id]) > 1:
            raise FormRefused(
                f"several Kinde accounts carry the link {self.spec.name}:{account.link.id}: "
                "clear the provided_id of all but one in Kinde"
            )
        return account

    def _check_protected(self, snapshot: Snapshot, account: Account, id: str) -> None:
        rights = AccountRights(spec=self.spec, snapshot=snapshot)
        if account.suspended or not rights.is_protected(account):
            return
        typed = self.leaver.confirm_protected
        if typed != id if id else email_key(typed) not in account.addresses:
            what = f"the id {id}" if id else "the address"
            raise FormRefused(
                f"this person is protected (a role or an address in `protect`): confirm by typing {what} again"
            )

    def _as_leaver(self, id: str, account: Account, tell: Tell) -> Report | None:
        """Apply the leaver as the sync does; ``None`` if the sync would hold the person or a guard stops the plan."""
        confirmed = [id] if self.leaver.confirm_protected else []
        request = RunRequest.of(now=self.at, ids=[id], approve_protected=confirmed)
        plan = plan_run(self.spec, self.rows, self.client, request)
        if plan.blocked or plan.held:
            return None
        plan.counts_before = self.before
        plan.operations.keep(lambda operation: operation.kind in TAKES, self.spec.conflicts)
        tell(explanation(plan, self.rows, id, personal=False), explanation(plan, self.rows, id))
        report = apply_plan(plan, self.client)
        if not self.spec.leaver.end_sessions and not report.failed:
            end_sessions(self.client, account.id)
            report.finish(self.client.counts)
        return report

    def _suspend(self, snapshot: Snapshot, account: Account, person: Person | None, tell: Tell) -> Report:
        """Suspend without a mark: with one, the sync would enable the account again."""
        active = person is not None and person.access is not Access.NONE
        reason = f"requested in the form; {self._hr(account, person)}"
        plan = Plan(
            self.spec,
            self.client.host,
            self.at,
            snapshot=snapshot,
            counts_before=self.before,
            sign=self.client.sign,
        )
        body: dict[str, Any] = {} if account.suspended else {"is_suspended": True}
        link = account.link
        if link and link.is_marked and (active or not account.suspended or link.leaving):
            body["provided_id"] = str(link.without_marks())
        if body:
            before = {"suspended": account.suspended, **({"left": True} if "provided_id" in body else {})}
            after = {"suspended": True, **({"left": False} if "provided_id" in body else {})}
            id = link.id if link else account.provided_id.rpartition("~")[2]
            suspend = change_for(id, person, account, "suspend", before=before, after=after, reason=reason)
            plan.operations = ChangeList([suspend], snapshot.database)
        plan.unchanged = int(not body)
        self._tell(plan, account, tell, person)
        needed = SCOPES | API_KEYS if self.spec.leaver.delete_api_keys else SCOPES
        if error := lacking(needed, self.client, "offboarding"):
            raise error
        steps: dict[str, float] = {}
        if body:
            self.client.update_user(account.id, **body)
            steps["suspended"] = plan.clock()
        # Also for an account that is suspended already: an earlier try may have stopped in between.
        end_sessions(self.client, account.id)
        steps["sessions"] = plan.clock()
        if self.spec.leaver.delete_api_keys:
            delete_api_keys(self.client, account.id)
            steps["api_keys"] = plan.clock()
        for suspend in plan.operations:
            suspend.outcome, suspend.done, suspend.steps = "done", plan.clock(), steps
            plan.operations.save([suspend])
        report = Report(plan)
        report.finish(self.client.counts)
        return report

    def _hr(self, account: Account, person: Person | None, personal: bool = True) -> str:
        if self.unread:
            return f"HR cannot be read ({self.unread})"
        if person is None:
            return "HR has no row for this person" if account.link else "HR has no row yet"
        why = f" ({person.why})" if personal else ""
        if person.access is Access.NONE:
            return f"HR agrees{why}, but the sync would hold this leaver or is blocked"
        return f"HR does not agree{why}: the sync holds the account until it does"

    def _tell(self, plan: Plan, account: Account, tell: Tell, person: Person | None) -> None:
        assert plan.snapshot is not None
        ending = "end all sessions" + (", delete all API keys" if self.spec.leaver.delete_api_keys else "")
        for_log, for_file = (
            told(
                f"offboarding in {self.spec.name} -> {plan.host}",
                self._hr(account, person, personal),
                [account_line(plan.snapshot, account, personal)],
                [*action_lines(plan.operations, personal), ending],
            )
            for personal in (False, True)
        )
        tell(for_log, for_file)


def _checked(leaver: Leaver) -> Leaver:
    email, id = leaver.email.strip(), typed_id(leaver.id, FormRefused)
    if not email and not id:
        raise FormRefused("fill in the e-mail address or the HR id of the leaver")
    if email:
        try:
            email = clean_email(email)
        except ValueError as error:
            raise FormRefused(f"the e-mail address {error}") from None
    return Leaver(email, id, clean_text(leaver.confirm_protected))
