"""Decide what one person needs, from HR's data on the person and the account in Kinde. Pure: it reads nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.resources.normalization import clean_name, email_key, same_letters
from airflow_provider_kinde.sync.changes import Change
from airflow_provider_kinde.sync.link import Link, is_onboarded
from airflow_provider_kinde.sync.model import Access, Account, Person
from airflow_provider_kinde.sync.plan.account_rights import AccountRights
from airflow_provider_kinde.sync.plan.conflicts import find_conflict, roles_after
from airflow_provider_kinde.sync.plan.hold_reason import HoldReason, protected_reason, unclear_reason
from airflow_provider_kinde.sync.plan.person_change import change_for
from airflow_provider_kinde.sync.plan.reused_id import check_same_person
from airflow_provider_kinde.sync.plan.sign_in import (
    check_present_sign_in,
    has_other_address,
    lacks_connection,
    unconfirmed_reason,
)
from airflow_provider_kinde.sync.spec.rule_text import rule_text
from airflow_provider_kinde.sync.store.people import roles_by_organization

NO_RULE = "no rule grants it any more"


@dataclass(slots=True, kw_only=True)
class Reconciler(AccountRights):
    """The facts that every decision shares.

    :param rows_with: tells how many understood rows have an address.
    :param confirmed: asks Kinde whether an address is the account's confirmed one (one read of its identities);
        ``None`` where Kinde does not say.
    :param same_person: HR ids of which a person said that the account is theirs, whatever its name and address are.
    """

    rows_with: Callable[[str], int]
    confirmed: Callable[[Account, str], bool | None]
    same_person: frozenset[str] = frozenset()

    # -- leavers ------------------------------------------------------------------------------------------------

    def leave(self, id: str, person: Person | None, account: Account) -> list[Change]:
        """Take access away from a person who left, finish what a killed run began, or delete after the mark.

        :param id: the HR id.
        :param person: ``None`` for a person whom HR no longer lists.
        :param account: the account.
        :raises HoldReason: for protected people, for unclear rules, and where the spec says ``hold``.
        """
        action = self.spec.leaver.action if person else self.absent_action
        why = person.why if person else "no longer in the HR source"
        access = self.has_access(account)
        unclear = next(iter(person.unclear_rules), None) if person else None  # a leaver's can only be about the scope
        if access:
            if unclear:
                raise unclear_reason(unclear)
            if self.is_protected(account) and id not in self.approved:
                way = f"suspend by hand or approve with --approve-protected {id}"
                raise HoldReason(f"{why}, but protected: {way}", protected=True)
            if action == "hold":
                raise HoldReason(f"{why}; {self._why_held(person)}", absent=person is None)
        elif action == "hold":
            return []
        link = account.link
        assert link is not None  # only linked accounts get here
        operation = partial(change_for, id, person, account, organizations=(*self.snapshot.memberships(account.id),))
        if link.left is None or access:
            operations = []
            if action == "remove":
                operations = [
                    operation("remove_membership", alias=alias, before=self._roles(account, alias), reason=why)
                    for alias in self.strippable(account)
                ]
                before, after = {"taken out": False}, {"taken out": True}
            elif account.suspended:
                before, after = {"suspended": True, "finished": False}, {"suspended": True, "finished": True}
            else:
                before, after = {"suspended": False}, {"suspended": True}
            return [*operations, operation("suspend", before=before, after=after, reason=why)]
        if action == "suspend" and not account.suspended:
            # Taken out of the organizations by a run whose action was another one: the present action applies.
            if self.is_protected(account) and id not in self.approved:
                way = f"suspend by hand or approve with --approve-protected {id}"
                raise HoldReason(f"{why}, but protected: {way}", protected=True)
            before, after = {"suspended": False}, {"suspended": True}
            return [operation("suspend", before=before, after=after, reason=why)]
        days = self.spec.leaver.delete_after_days
        if days is not None and link.left + timedelta(days=days) <= self.today and not self.is_protected(account):
            if unclear:
                raise unclear_reason(unclear)
            reason = f"{why}; left for {counted(days, 'day')} or more"
            return [operation("delete", before={"email": account.email}, reason=reason)]
        return []

    def _why_held(self, person: Person | None) -> str:
        if person is None and self.spec.absent is None:
            return "the source does not prove that it is whole: set source.expect (or absent)"
        return f"the spec holds {'leavers' if person else 'absent people'}"

    # -- people with access -------------------------------------------------------------------------------------

    def provide(self, person: Person, account: Account | None) -> list[Change]:
        """Plan what gives a person the access that HR's data say, and takes all other access of this sync.

        :param person: the person, as HR has them.
        :param account: the person's account; ``None`` where there is none.
        :raises HoldReason: where giving or taking would be a guess.
        """
        if account is None:
            if person.access is not Access.ACTIVE:
                return []
            first = self._adopt_or_create(person)
            if first[0].account is not None:
                first += self._memberships(person, first[0].account)
            self._check_conflicts(first[0].account, first)
            return first
        link = account.link
        assert link is not None
        if person.access is Access.KEEP and not self.has_access(account):
            return []
        if account.suspended and not link.may_return:
            when = " before the person left" if link.barred else ""
            raise HoldReason(
                f"suspended in Kinde by someone else or by the offboarding form{when}, while HR says active: if HR is "
                "right, enable the account in Kinde; else correct HR"
            )
        if person.id not in self.same_person:
            check_same_person(person, account)
        operations = self._rename(person, account)
        operations += self._update(person, account, renamed=bool(operations)) + self._memberships(person, account)
        self._check_conflicts(account, operations)
        if link.is_marked:
            before = {"suspended": True} if account.suspended else {"left": True}
            after = {"suspended": False} if account.suspended else {"left": False}
            reason = (
                f"{person.why}; access was taken on {link.left}"
                if link.left
                else f"{person.why}; an earlier run began to suspend"
            )
            kept = self._kept(account, operations)
            if kept:
                reason += f"; is still in {_named(kept)}"
            operations.append(
                change_for(
                    person.id, person, account, "enable", before=before, after=after, reason=reason,
                    organizations=(*kept,),
                )
            )  # fmt: skip
        return operations

    def _kept(self, account: Account, operations: Iterable[Change]) -> dict[str, frozenset[str]]:
        """The memberships that an account has and keeps: alias -> role keys."""
        taken: dict[str, set[str | None]] = {}
        for change in operations:
            if change.kind in ("remove_membership", "remove_role"):
                taken.setdefault(change.alias or "", set()).add(change.role)
        held = self.snapshot.memberships(account.id)
        return {
            alias: roles - taken.get(alias, set()) for alias, roles in held.items() if None not in taken.get(alias, ())
        }

    def _adopt_or_create(self, person: Person) -> list[Change]:
        key = email_key(person.email)
        owners = self.snapshot.accounts.with_address(key)
        if not owners:
            new: dict[str, object] = {
                "email": person.email, "given_name": person.given_name, "family_name": person.family_name,
            }  # fmt: skip
            if properties := {key: value for key, value in person.properties if value}:
                new["properties"] = properties
            if person.connection:
                new["connection"] = person.connection
            create = change_for(person.id, person, None, "create", after=new, reason=person.why)
            return [create, *self._given(person)]
        account = self._adoptable(person, key, owners)
        names = self._name_changes(person, account)
        properties = self._property_changes(person, account)
        aliases = {o.code: alias for alias, o in self.snapshot.organizations.items() if o.code}
        before = {
            "given_name": account.first_name,
            "family_name": account.last_name,
            "identities": sorted(f"{kind}:{value}" for kind, value in account.identities),
            "organizations": sorted(aliases.get(code, code) for code in account.organizations),
        }
        after = {"email": person.email, **names, **({"properties": properties} if properties else {})}
        if lacks_connection(person, account):
            after["connection"] = person.connection
        reason = f"{person.why}; the account with this address has no other owner"
        return [change_for(person.id, person, account, "adopt", before=before, after=after, reason=reason)]

    def _adoptable(self, person: Person, key: str, owners: list[Account]) -> Account:
        """The one account that may pass to a person; everything else is held."""
        joiner = self.spec.joiner
        if len(owners) > 1:
            raise HoldReason(f"{len(owners)} Kinde accounts have this address")
        account = owners[0]
        onboarded = is_onboarded(account.provided_id, self.spec.name)
        ours = not account.provided_id or onboarded or account.provided_id == person.adopt_provided_id
        if not ours:
            raise HoldReason(f"the address belongs to an account that another source manages ({account.provided_id})")
        if not joiner.adopt:
            raise HoldReason("a Kinde account has this address, and the spec does not adopt accounts (joiner.adopt)")
        if self.spec.ignore.covers(key):
            raise HoldReason("a Kinde account has this address, and the spec ignores it (ignore): not adopted")
        if self.rows_with(key) > 1:
            raise HoldReason("more than one HR row has this address, and a Kinde account has it: not adopted")
        if account.suspended:
            raise HoldReason(
                "the Kinde account with this address is suspended: not adopted. If it is the person's, enable it in "
                "Kinde, and the next run adopts it; else delete it"
            )
        if email_key(account.email) != key:
            raise HoldReason("the address is a secondary one of a Kinde account: not adopted")
        if not same_letters(account.email, person.email):
            raise HoldReason("the Kinde account spells this address with other letters (such as ß for ss): not adopted")
        if not onboarded and not (confirmed := self.confirmed(account, key)):
            link = str(Link(self.spec.name, person.id))
            raise HoldReason(unconfirmed_reason(account, key, link, known=confirmed is False))
        if person.id not in self.approved and self.has_rights(account):
            raise protected_reason(
                "a Kinde account has this address",
                person.id,
                "adopt it by hand",
                self._approved_adoption(person, account),
            )
        return account

    def _approved_adoption(self, person: Person, account: Account) -> str:
        """What an adoption that is approved would do, with all that it would take from the account."""
        present, taken = self.snapshot.memberships(account.id), []
        for change in self._membership_changes(person, account):
            if change.kind == "remove_membership":
                roles = sorted(present[change.alias or ""])
                taken.append(" with ".join(filter(None, [f"membership in {change.alias!r}", ", ".join(roles)])))
            elif change.kind == "remove_role":
                taken.append(f"{change.role} in {change.alias!r}")
        return f"adopts it and takes {'; '.join(taken)}" if taken else "adopts it and takes no access away"

    def _rename(self, person: Person, account: Account) -> list[Change]:
        link = account.link
        assert link is not None
        old, new = email_key(account.email), email_key(person.email)
        other = has_other_address(person, account)
        if not other and not link.renaming:
            return []
        if other:
            check_present_sign_in(person, account)
            self.check_protected_address(person.id, account, old, new)
        before: dict[str, object] = {"email": account.email}
        reason = "HR has another address"
        if link.renaming:
            before["unfinished"] = True
            reason = "an address change that was not finished"
        after = {"email": person.email, **({"connection": person.connection} if person.connection else {})}
        return [change_for(person.id, person, account, "rename", before=before, after=after, reason=reason)]

    def _update(self, person: Person, account: Account, *, renamed: bool) -> list[Change]:
        names = self._name_changes(person, account)
        before: dict[str, object] = {
            field_name: account.first_name if field_name == "given_name" else account.last_name for field_name in names
        }
        after: dict[str, object] = dict(names)
        changed = self._property_changes(person, account)
        if changed:
            held = self.snapshot.properties.get(account.id) or {}
            before["properties"] = {key: held.get(key) for key in changed}
            after["properties"] = changed
        reason = f"HR has {_fields(after)}" if after else ""
        if lacks_connection(person, account) and not renamed:
            after["connection"] = person.connection
            reason += f"{'; ' if reason else ''}the account does not sign in by this connection"
        if not after:
            return []
        return [change_for(person.id, person, account, "update", before=before, after=after, reason=reason)]

    def _name_changes(self, person: Person, account: Account) -> dict[str, str]:
        """Names that differ; one that HR leaves blank stays, since Kinde cannot clear it."""
        if self.spec.person.names == "at_creation":
            return {}
        found = {}
        if person.given_name and clean_name(account.first_name) != person.given_name:
            found["given_name"] = person.given_name
        if person.family_name and clean_name(account.last_name) != person.family_name:
            found["family_name"] = person.family_name
        return found

    def _property_changes(self, person: Person, account: Account) -> dict[str, str]:
        held = self.snapshot.properties.get(account.id) or {}
        return {key: value for key, value in person.properties if held.get(key, "") != value}

    def _check_conflicts(self, account: Account | None, operations: list[Change]) -> None:
        """Hold a person who would have, or has, two roles that may not be held together.

        :param account: the account, where there is one.
        :param operations: the changes of the person.
        """
        if self.spec.conflicts:
            present = self.snapshot.memberships(account.id) if account else {}
            if found := find_conflict(self.spec.conflicts, roles_after(present, operations)):
                raise HoldReason(found)

    # -- memberships and roles ----------------------------------------------------------------------------------

    def _given(self, person: Person) -> list[Change]:
        """Memberships and roles of a person who has none yet."""
        operation = partial(change_for, person.id, person, None)
        operations = []
        for alias, due in roles_by_organization(person.memberships).items():
            operations.append(operation("add_membership", alias=alias, reason=self._rules(person, alias)))
            operations += self._roles_given(operation, person, alias, sorted(due))
        return operations

    def _memberships(self, person: Person, account: Account) -> list[Change]:
        """What is missing in the managed organizations, and what no rule gives any more, once nothing forbids it."""
        operations = self._membership_changes(person, account)
        self._check_unclear_rules(person, operations)
        self.check_protected_roles(person.id, account, operations)
        return operations

    def _membership_changes(self, person: Person, account: Account) -> list[Change]:
        if person.access is Access.KEEP:
            return []  # before the first day nothing is given or taken
        due, present = roles_by_organization(person.memberships), self.snapshot.memberships(account.id)
        kept: dict[str, frozenset[str]] = {}
        for entry in person.memberships:
            if entry.kept:
                kept[entry.alias] = kept.get(entry.alias, frozenset()) | entry.roles
        operation = partial(change_for, person.id, person, account)
        operations: list[Change] = []
        for alias in sorted(due.keys() | present.keys()):
            held = present.get(alias)
            if alias not in due:
                if held is not None and alias not in kept and not self.keeps(account, person, alias):
                    before = self._roles(account, alias)
                    operations.append(operation("remove_membership", alias=alias, before=before, reason=NO_RULE))
                continue
            roles = held or frozenset()
            missing, taken = (
                sorted(due[alias] - roles),
                sorted((roles & self.spec.role_keys) - due[alias] - kept.get(alias, frozenset())),
            )
            if held is None:
                operations.append(operation("add_membership", alias=alias, reason=self._rules(person, alias)))
            operations += self._roles_given(operation, person, alias, missing)
            operations += [operation("remove_role", alias=alias, role=role, reason=NO_RULE) for role in taken]
        return operations

    def _check_unclear_rules(self, person: Person, operations: list[Change]) -> None:
        """Blank is not no: where a rule failed on a blank column, nothing that it gives may be taken away."""
        for unclear in person.unclear_rules:
            for operation in operations:
                touches = unclear.alias is None or operation.alias == unclear.alias
                role_lost = operation.kind == "remove_role" and (
                    unclear.alias is None or operation.role in unclear.roles
                )
                if touches and (operation.kind == "remove_membership" or role_lost):
                    raise unclear_reason(unclear, operation.alias)

    def _roles(self, account: Account, alias: str) -> dict[str, object] | None:
        roles = sorted(self.snapshot.memberships(account.id).get(alias, ()))
        return {"roles": roles} if roles else None

    def _roles_given(
        self, operation: Callable[..., Change], person: Person, alias: str, roles: Iterable[str]
    ) -> list[Change]:
        return [
            operation("add_role", alias=alias, role=role, reason=self._rules(person, alias, role)) for role in roles
        ]

    def _rules(self, person: Person, alias: str, role: str | None = None) -> str:
        """The rules that give a membership, or one of its roles, in words."""
        given = (due for due in person.memberships if due.alias == alias and not due.kept)
        entries = sorted({due.entry for due in given if role is None or role in due.roles})
        rules = (self.spec.memberships[entry] for entry in entries)
        return "; ".join(rule_text(rule.line, rule.when.text if rule.when else "") for rule in rules)


def _fields(after: Mapping[str, object]) -> str:
    return " and ".join(f"{'other' if name == 'properties' else 'another'} {name.replace('_', ' ')}" for name in after)


def _named(memberships: Mapping[str, frozenset[str]]) -> str:
    return ", ".join(
        f"{alias} with {', '.join(sorted(roles))}" if roles else alias for alias, roles in sorted(memberships.items())
    )
