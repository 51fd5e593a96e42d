"""From matched people and accounts to changes: asks the reconciler about everyone who is not held."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_provider_kinde.resources.normalization import email_key
from airflow_provider_kinde.sync.changes import Change
from airflow_provider_kinde.sync.link import Link
from airflow_provider_kinde.sync.model import Access, Account, Person
from airflow_provider_kinde.sync.plan.guards import AccountState
from airflow_provider_kinde.sync.plan.held_people import HeldPeople
from airflow_provider_kinde.sync.plan.hold_reason import HoldReason
from airflow_provider_kinde.sync.plan.matching import Matches
from airflow_provider_kinde.sync.plan.person_change import change_for
from airflow_provider_kinde.sync.plan.reconcile import Reconciler
from airflow_provider_kinde.sync.plan.run_request import RunRequest
from airflow_provider_kinde.sync.snapshot.reader import Snapshot
from airflow_provider_kinde.sync.store.people import People


class ChangeFinder:
    """Finds the changes of everyone, person by person.

    :param people: what HR says.
    :param snapshot: what Kinde says.
    :param reconciler: decides on one person.
    :param holds: who is held; those whom the reconciler holds are added.
    :param request: what the run is to do.
    """

    def __init__(
        self, people: People, snapshot: Snapshot, reconciler: Reconciler, holds: HeldPeople, request: RunRequest
    ) -> None:
        self.people, self.snapshot, self.reconciler = people, snapshot, reconciler
        self.holds, self.request = holds, request
        self.unchanged = 0
        """How many managed accounts need no change."""
        self.unlisted: set[str] = set()
        """Organizations that an account names, while it is not among their members as they were read."""
        self._aliases = {o.code: alias for alias, o in snapshot.organizations.items() if o.code}

    def find(self, matches: Matches) -> Iterator[Change]:
        """Yield the changes of everyone: people with an account first, then people without one.

        :param matches: the managed accounts with their people.
        """
        rejected = {rejected.id for rejected in self.people.rejected}
        for match in matches:
            if match.id in self.holds or not self.request.includes(match.id):
                continue
            if match.agrees():
                self.unchanged += 1
                continue
            account = match.account
            changes = self._reconcile(match.id, match.person, account)
            if changes:
                matches.counts.accounts[account.id] = match.state
                self._note_unlisted(account)
            elif match.id not in self.holds and match.id not in rejected:
                self.unchanged += 1
            yield from changes
        for person in self.people.persons.without_account(Access.ACTIVE):
            if self.request.includes(person.id):
                changes = self._reconcile(person.id, person, None)
                if changes and changes[0].account:
                    self._note_unlisted(changes[0].account)
                yield from changes

        yield from self._onboarded_leavers(matches)
        yield from self._unclaimed(matches)

    def _onboarded_leavers(self, matches: Matches) -> Iterator[Change]:
        """Yield the suspension of accounts of the onboarding form whose row says that the person left.

        The request that suspends the account also links it to the HR id, so that the person is finished like any
        leaver.

        :param matches: the managed accounts with their people.
        """
        name = self.reconciler.spec.name
        for account in self.snapshot.accounts.onboarded():
            if account.suspended:
                continue
            people = self.people.persons.with_address(email_key(account.email))
            if len(people) != 1 or people[0].access is not Access.NONE:
                continue
            person = people[0]
            if not self.request.includes(person.id) or self.snapshot.accounts.with_link(person.id):
                continue
            link = Link(name, person.id)
            linked = account._replace(provided_id=str(link), link=link)
            changes = self._reconcile(person.id, person, linked)
            if changes:
                matches.counts.accounts[account.id] = AccountState(access=True)
                self._note_unlisted(linked)
            yield from changes

    def _unclaimed(self, matches: Matches) -> Iterator[Change]:
        """Yield the suspension of old accounts of the onboarding form to which no row belongs, if the spec says so.

        :param matches: the managed accounts with their people.
        """
        judged = self.request.ids is None and not self.holds.absence_unknown
        if self.reconciler.spec.joiner.onboarded_action != "suspend" or not judged:
            return
        for one in self.holds.form_accounts.unclaimed():
            if self.reconciler.is_protected(one.account):
                self.holds.hold(one.id, HoldReason(f"{one}; protected: suspend it in Kinde if the person left"))
                continue
            matches.counts.accounts[one.account.id] = AccountState(access=True)
            before, after = {"suspended": False}, {"suspended": True}
            yield change_for(one.id, None, one.account, "suspend", before=before, after=after, reason=str(one))

    def _reconcile(self, id: str, person: Person | None, account: Account | None) -> list[Change]:
        if id in self.holds:
            return []
        try:
            if person is None:
                return self._leave(id, None, account) if account and self.holds.is_absent(id) else []
            if person.access is Access.GRACE:
                return []
            if person.access is Access.NONE:
                return self._leave(id, person, account) if account else []
            return self.reconciler.provide(person, account)
        except HoldReason as hold:
            self.holds.hold(id, hold)
            return []

    def _leave(self, id: str, person: Person | None, account: Account) -> list[Change]:
        changes = self.reconciler.leave(id, person, account)
        if id in self.holds.address_wanted and any(change.kind == "delete" for change in changes):
            raise HoldReason(
                "not deleted: an active HR row has the address of this account; decide about that row first"
            )
        return changes

    def _note_unlisted(self, account: Account) -> None:
        listed = self.snapshot.memberships(account.id).keys() | self.snapshot.read_twice
        named = {self._aliases[code] for code in account.organizations if code in self._aliases}
        self.unlisted |= named - listed
