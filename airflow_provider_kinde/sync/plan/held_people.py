"""Who is held before anything is reconciled: contradictory links, and addresses that two people need."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from airflow_provider_kinde.resources.normalization import email_key, name_key
from airflow_provider_kinde.sync.changes import Change
from airflow_provider_kinde.sync.model import Access, Account, Person
from airflow_provider_kinde.sync.plan.form_accounts import FormAccounts
from airflow_provider_kinde.sync.plan.hold_reason import HoldReason
from airflow_provider_kinde.sync.plan.reconcile import Reconciler
from airflow_provider_kinde.sync.plan.run_request import RunRequest
from airflow_provider_kinde.sync.snapshot.reader import Snapshot
from airflow_provider_kinde.sync.store.changes import ChangeList
from airflow_provider_kinde.sync.store.people import People
from airflow_provider_kinde.sync.store.unclear_rows import (
    UnclearRow,
    absent_accounts,
    absent_with_address,
    rows_of_no_account,
)


@dataclass(frozen=True, slots=True)
class HeldPerson:
    """A person for whom nothing is done until a human decides.

    :param id: HR id.
    :param reason: why, in words.
    :param protected: whether this is a protected person who should lose access.
    :param absent: whether the person is held only because HR no longer lists the person, and absent people are held.
    :param who: the person's name and address, for people who read plan and report.
    """

    id: str
    reason: str
    protected: bool = False
    absent: bool = False
    who: str = ""

    def to_json(self) -> dict[str, object]:
        protected = {"protected": True} if self.protected else {}
        return {"id": self.id, **({"who": self.who} if self.who else {}), "reason": self.reason, **protected}


class HeldPeople:
    """The people who are held in one run.

    :param people: what HR says.
    :param snapshot: what Kinde says.
    :param reconciler: decides on access and protection of an account.
    :param request: what the run is to do.
    """

    def __init__(self, people: People, snapshot: Snapshot, reconciler: Reconciler, request: RunRequest) -> None:
        self.people, self.snapshot, self.reconciler, self.request = people, snapshot, reconciler, request
        self.held: dict[str, HeldPerson] = {}
        """HR id -> the person who is held."""
        self.address_wanted: set[str] = set()
        """Leavers whose address an active row has. Deleting one would pass the address on in the next run, unseen."""
        self.absence_unknown = people.absence_unknown
        """Why no person can be treated as absent; empty where that can be judged."""
        self.form_accounts = FormAccounts(reconciler.spec, people, snapshot, reconciler.today)
        """The accounts of the onboarding form that no row has adopted."""
        self._hold_contradictions()
        self._hold_absent_with_unclear_row()
        self._hold_addresses()
        for id, reason in self.form_accounts.held():
            self._hold(id, reason)

    def __contains__(self, id: object) -> bool:
        return id in self.held

    def hold(self, id: str, hold: HoldReason) -> None:
        """Hold a person, as the reconciler found.

        :param id: HR id.
        :param hold: the reason.
        """
        self.held[id] = HeldPerson(id, str(hold), hold.protected, hold.absent)

    def listed(self) -> list[HeldPerson]:
        """Everyone who is held and concerned by the run: protected people first, then by id."""
        mine = [held for held in self.held.values() if self.request.includes(held.id)]
        return sorted(mine, key=lambda held: (not held.protected, held.id))

    def is_absent(self, id: str) -> bool:
        """Whether HR no longer lists a person. Not known where an id was unreadable; a run for ids does not ask.

        :param id: HR id.
        """
        judged = self.request.ids is None or self.request.judges_absence
        return judged and not self.absence_unknown and id not in self.people.ids

    def hold_protected_left_out(self, changes: ChangeList) -> None:
        """Hold approved protected leavers whose suspension is not among the kinds that the run is for.

        :param changes: what is left to do.
        """
        done = {change.id for change in changes.of("suspend")}
        for id in self.request.approve_protected - done:
            person, account = self.people.persons.get(id), next(iter(self.snapshot.linked.get(id, ())), None)
            leaver = self.is_absent(id) if person is None else person.access is Access.NONE
            if account and leaver and self.reconciler.is_protected(account) and self.reconciler.has_access(account):
                self.held[id] = HeldPerson(
                    id, "a protected leaver, and suspending is not among the kinds asked for", True
                )

    def hold_conflicts_left_in(self, changes: ChangeList, dropped: list[Change]) -> None:
        """Hold people who would get a role while the role in conflict stays: its removal is not asked for.

        :param changes: what is left to do; nothing is left for these people.
        :param dropped: the changes that are not done.
        """
        found = {change.id: change for change in reversed(dropped) if change.error}
        for id, change in found.items():
            reason = f"{change.error}: its removal is not among the kinds asked for"
            self.held[id] = HeldPerson(id, reason)
        if found:
            changes.keep(lambda change: change.id not in found, ())

    def _hold(self, id: str, reason: str) -> None:
        self.held.setdefault(id, HeldPerson(id, reason))

    def _hold_contradictions(self) -> None:
        for id, reason in self.people.held.items():
            self._hold(id, reason)
        name, accounts = self.reconciler.spec.name, self.snapshot.accounts
        for id, count in accounts.links_of_several():
            if not id.strip():
                continue  # each of these accounts is held on its own, below
            shown = ", ".join(_with_sign_in(account) for account in self.snapshot.linked.get(id, ())[:5])
            self._hold(
                id,
                f"{count} Kinde accounts carry the link {name}:{id}: {shown}. Two runs at once may have made them: "
                f"delete those that the person does not use, or change their provided_id",
            )
        for account in accounts.with_unknown_mark():
            link = account.link
            assert link is not None
            another_blank = not link.id.strip() and link.id in self.held
            key = account.id if another_blank else link.id
            self.held.setdefault(key, HeldPerson(link.id.strip() or account.id, link.problem))

    def _hold_absent_with_unclear_row(self) -> None:
        """A row that was not understood, with an id that is on no account, may be that of a person who seems absent."""
        database = self.people.database
        rows = rows_of_no_account(database)
        addresses = {row.key: row for row in reversed(rows) if row.key}
        names = {
            (name_key(row.given), name_key(row.family)): row
            for row in reversed(rows)
            if row.given is not None and row.family is not None and (row.given or row.family)
        }
        for row in rows:
            if not self.absence_unknown and not row.key and not row.given and not row.family:
                self.absence_unknown = (
                    f"row {row.number} is not understood, its id {row.id} is on no account, and neither "
                )
                self.absence_unknown += "its address nor its name can be read"
        if not rows:
            return
        for account in absent_accounts(database):
            row_with_address = addresses.get(account.key or "")
            row_with_name = names.get((name_key(account.first), name_key(account.last)))
            if row_with_address:
                self._hold_for_unclear_row(account.id, row_with_address, "address")
            elif row_with_name:
                self._hold_for_unclear_row(account.id, row_with_name, "name")
        for key, row in addresses.items():
            for id in absent_with_address(database, key):
                self._hold_for_unclear_row(id, row, "address")

    def _hold_for_unclear_row(self, id: str, row: UnclearRow, what: str) -> None:
        found = f"row {row.number}, which is rejected or held, has the {what} of this account under the id {row.id}"
        self._hold(id, f"no row has this id, but {found}, which is on no account: correct the row in HR")

    def _hold_addresses(self) -> None:
        """An address never passes from one person to another by itself: swapped and re-used ones are held."""
        contradictory = frozenset(self.held)  # fixed beforehand, so that the order of rows decides nothing
        for person in self.people.persons.with_address_of_another():
            account = next(iter(self.snapshot.linked.get(person.id, ())), None)
            if person.id in contradictory or not self._needs_address(person, account):
                continue
            for owner in self.snapshot.accounts.with_address(email_key(person.email)):
                if account is not None and owner.id == account.id:
                    continue
                if owner.link is not None:
                    self._hold_between(person, account, owner, owner.link.id)
                elif account is not None and email_key(account.email) != email_key(person.email):
                    self._hold(
                        person.id,
                        "HR has another address, but an account that is not this person's has that address already",
                    )

    def _needs_address(self, person: Person, account: Account | None) -> bool:
        if person.access is Access.ACTIVE:
            return True
        return person.access is Access.KEEP and account is not None and self.reconciler.has_access(account)

    def _hold_between(self, person: Person, account: Account | None, owner: Account, other: str) -> None:
        """Hold ``person``, whose address stands on the account of ``other``, whom this sync manages too."""
        if not other.strip():
            self._hold(person.id, f"the address is on the account {owner.id}, and {owner.link and owner.link.problem}")
            return
        if self._is_leaver(other):
            old, new = shlex.quote(other), shlex.quote(person.id)
            if self._same_name(person, owner, other):
                reason = (
                    f"the same name and address under two ids, {other} and {person.id}: if it is one person, "
                    f"relink --from {old} --to {new}"
                )
                waits = self.reconciler.has_access(owner) and self.reconciler.is_protected(owner)
                self._hold(person.id, reason)
                self.held[other] = HeldPerson(other, reason, protected=waits)
            else:
                left = other in self.people.ids or self.is_absent(other)
                who = f"{other}, who left" if left else f"{other}, who has no HR row"
                self._hold(
                    person.id,
                    f"the address is still on the account of {who}: if it is the same person, relink --from {old} "
                    f"--to {new}; if not, release --id {old}",
                )
                self.address_wanted.add(other)
            return
        mine, on_account = self.people.persons.get(other), f"the address is on the account of {other}, who has access"
        if not (mine and mine.email and email_key(owner.email) == email_key(person.email) != email_key(mine.email)):
            self._hold(person.id, on_account)
            return
        swapped = account is not None and email_key(mine.email) in account.addresses
        first = f"the account of {person.id} a temporary address, then " if swapped else ""
        step = (
            f"If HR is right, give {first}the account of {other} its new address in Kinde; the next run does the rest"
        )
        self._hold(person.id, f"{on_account} and is given another one: swapped or re-used. {step}")
        self._hold(
            other, f"HR has another address, and {person.id} is given the present one: swapped or re-used. {step}"
        )

    def _is_leaver(self, id: str) -> bool:
        person = self.people.persons.get(id)
        return id not in self.people.ids if person is None else person.access is Access.NONE

    def _same_name(self, person: Person, owner: Account, other: str) -> bool:
        row = self.people.persons.get(other)
        given = (row and row.given_name) or owner.first_name
        family = (row and row.family_name) or owner.last_name
        return (name_key(given), name_key(family)) == (name_key(person.given_name), name_key(person.family_name))


def _with_sign_in(account: Account) -> str:
    seen = f"last sign-in {account.signed_in}" if account.signed_in else "no sign-in"
    return f"{account.id} ({seen})"
