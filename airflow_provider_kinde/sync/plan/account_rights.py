"""What an account may do, and what of it is not taken or moved without approval."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

from airflow_provider_kinde.resources.normalization import email_key
from airflow_provider_kinde.sync.changes import Change
from airflow_provider_kinde.sync.model import Account, Person
from airflow_provider_kinde.sync.plan.hold_reason import HoldReason, protected_reason
from airflow_provider_kinde.sync.plan.kept import utc_today
from airflow_provider_kinde.sync.snapshot.reader import Snapshot
from airflow_provider_kinde.sync.spec.models import SyncSpec


@dataclass(slots=True, kw_only=True)
class AccountRights:
    """Answers for one account: has it access, is it protected, what does the spec leave in place.

    The sync, the forms, undo, relink and release ask the same questions.

    :param spec: the spec.
    :param snapshot: what Kinde says.
    :param absent_action: what happens to people without a row.
    :param approved: HR ids of protected people whose changes an administrator approved by id.
    :param protected_elsewhere: asks Kinde whether an account holds a protected role in an organization that the spec
        does not manage.
    :param today: UTC day of the run; the present one when left out.
    """

    spec: SyncSpec
    snapshot: Snapshot
    absent_action: str = "hold"
    approved: frozenset[str] = frozenset()
    protected_elsewhere: Callable[[Account], bool] = lambda account: False
    today: date = field(default_factory=utc_today)
    kept: frozenset[tuple[str, str]] = field(init=False)
    kept_ids: frozenset[tuple[str, str]] = field(init=False)

    def __post_init__(self) -> None:
        keep = [entry for entry in self.spec.keep if not entry.ended(self.today)]
        self.kept = frozenset((email_key(entry.email), entry.organization) for entry in keep if entry.email)
        self.kept_ids = frozenset((entry.id, entry.organization) for entry in keep if entry.id)

    def has_access(self, account: Account) -> bool:
        """Whether the person can use what this sync manages: enabled, and not already taken out of it.

        An enabled account with the mark, in no managed organization, was taken out where the spec takes people out;
        elsewhere a leaver was enabled by hand.

        :param account: the account.
        """
        if account.suspended:
            return False
        taken_out = account.link is not None and account.link.left is not None
        strips = "remove" in (self.spec.leaver.action, self.absent_action)
        return not (taken_out and strips) or bool(self.strippable(account))

    def is_protected(self, account: Account) -> bool:
        """Whether an account is named in ``protect``, or holds a protected role in a managed organization.

        :param account: the account.
        """
        if account.addresses & self.spec.protect.emails:
            return True
        if account.link is not None and account.link.id in self.spec.protect.ids:
            return True
        return any(roles & self.spec.protect.roles for roles in self.snapshot.memberships(account.id).values())

    def has_rights(self, account: Account) -> bool:
        """Whether an account is protected, or holds a protected role in an organization that the spec does not manage.

        :param account: the account.
        """
        return self.is_protected(account) or self.protected_elsewhere(account)

    def strippable(self, account: Account) -> list[str]:
        """Aliases of the managed organizations that the account is in, but for those that ``keep`` leaves in place.

        :param account: the account.
        """
        return [alias for alias in self.snapshot.memberships(account.id) if not self.keeps(account, None, alias)]

    def keeps(self, account: Account, person: Person | None, alias: str) -> bool:
        """Whether the spec leaves a membership in place (``keep``).

        :param account: the member.
        :param person: the member's HR row, if there is one.
        :param alias: the organization's alias.
        """
        id = person.id if person else account.link.id if account.link else ""
        if (id, alias) in self.kept_ids:
            return True
        addresses = account.addresses | ({email_key(person.email)} if person and person.email else set())
        return any((address, alias) in self.kept for address in addresses)

    def check_protected_address(
        self, id: str, account: Account, old: str, new: str, what: str = "HR has another address"
    ) -> None:
        """Hold a protected account whose address changes: the owner of the new address would get its rights.

        :param id: the HR id.
        :param account: the account.
        :param old: its address, in the form for comparing.
        :param new: the new address, in the form for comparing.
        :param what: what would happen, in words.
        :raises HoldReason: the account is protected, or the spec names its present address.
        """
        if id not in self.approved and self.has_rights(account):
            raise protected_reason(what, id, "change the address by hand")
        protect = self.spec.protect
        if old in protect.emails and new not in protect.emails and id not in protect.ids:
            raise HoldReason(
                f"HR has another address, and protect.emails names the present one: add {new} to it first, or name the "
                f"id {id} in protect.ids",
                protected=True,
            )
        for address, alias in sorted(self.kept):
            if address == old and (new, alias) not in self.kept and (id, alias) not in self.kept_ids:
                raise HoldReason(
                    f"HR has another address, and keep names the present one for {alias!r}: add {new} to it first, or "
                    f"name the id {id}"
                )

    def check_protected_roles(self, id: str, account: Account, operations: list[Change]) -> None:
        """A protected role is not taken by a row of HR alone, nor with the membership that carries it.

        :param id: the HR id.
        :param account: the account.
        :param operations: the changes of its memberships.
        :raises HoldReason: one of them takes a protected role away.
        """
        if id in self.approved:
            return
        present = self.snapshot.memberships(account.id)
        for operation in operations:
            lost = {
                "remove_role": frozenset({operation.role or ""}),
                "remove_membership": present.get(operation.alias or "", frozenset()),
            }.get(operation.kind, frozenset())
            if roles := sorted(lost & self.spec.protect.roles):
                what = f"{', '.join(roles)} in {operation.alias!r} would be taken away"
                raise protected_reason(what, id, "take it away by hand")
