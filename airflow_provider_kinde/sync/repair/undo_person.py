"""Undo a run for one person: reverse what is still as the run left it, and list everything else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.resources.normalization import clean_name, email_key
from airflow_provider_kinde.resources.users import read_properties
from airflow_provider_kinde.sync.changes import Change
from airflow_provider_kinde.sync.link import Link, address_digest
from airflow_provider_kinde.sync.model import Access, Account, Person
from airflow_provider_kinde.sync.plan.account_rights import AccountRights
from airflow_provider_kinde.sync.plan.person_change import change_for
from airflow_provider_kinde.sync.snapshot.organizations import Organization

_ROLES = ("add_role", "remove_role")
_MEMBERS = ("add_membership", "remove_membership", *_ROLES)
_NAMES = {"given_name": "first_name", "family_name": "last_name"}


class PersonUndo:
    """Undoes what one run did for one person.

    :param rights: answers for the account, with spec and snapshot.
    :param client: a Kinde client.
    :param id: the HR id.
    :param operations: the operations that were done, without creations of organizations, adoptions and deletions.
    :param day: UTC day of that run, as in its marks.
    :param codes: alias -> code of the organizations that the run changed.
    """

    def __init__(
        self,
        rights: AccountRights,
        client: Any,
        id: str,
        operations: Sequence[Change],
        day: date,
        codes: Mapping[str, str],
    ) -> None:
        self.rights, self.client, self.id, self.day = rights, client, id, day
        self.codes = codes
        self.spec, self.snapshot = rights.spec, rights.snapshot
        self.operations = list(operations)
        self.left: list[tuple[Change, str]] = []
        """Operations that are not undone, with the reason."""
        self.account: Account | None = None
        self.found: list[Change] = []

    def back(self) -> list[Change]:
        """Plan the undo. Operations that are not undone go to :attr:`left`.

        :returns: the operations that undo the run.
        """
        accounts = self.snapshot.linked.get(self.id, [])
        if len(accounts) != 1:
            found = counted(len(accounts), "Kinde account carries", "Kinde accounts carry") if accounts else ""
            wanted = Link(self.spec.name, self.id)
            return self._all_left(f"changed: {found or 'no Kinde account carries'} the link {wanted}")
        self.account, link = accounts[0], accounts[0].link
        assert link is not None
        if link.problem:
            return self._all_left(f"changed: {link.problem}")
        if link.renaming and not any(map(self._began_to_rename, self.operations)):
            return self._all_left("changed: an address change is not finished; run apply first")
        kinds = {operation.kind: operation for operation in self.operations}
        if "create" in kinds:
            return self._created(kinds["create"])
        if "suspend" in kinds:
            if reason := self._why_not_returned(kinds["suspend"]):
                return self._all_left(reason)
            stripped = kinds["suspend"].strips
            before, after = (
                ({"left": True}, {"left": False}) if stripped else ({"suspended": True}, {"suspended": False})
            )
            self._add("enable", before=before, after=after)
        elif self._is_gone() and "enable" not in kinds:
            return self._all_left("changed: left or was suspended since that run")
        for operation in self.operations:
            if operation.kind == "enable":
                self._disabled(operation)
            elif operation.kind == "update":
                self._updated(operation)
            elif operation.kind == "rename":
                self._renamed(operation, "enable" in kinds)
        for alias in sorted({o.alias or "" for o in self.operations if o.kind in _MEMBERS}):
            self._members(alias, [o for o in self.operations if o.kind in _MEMBERS and o.alias == alias])
        return self.found

    def _all_left(self, reason: str) -> list[Change]:
        self.left += [(operation, reason) for operation in self.operations]
        return []

    def _is_gone(self) -> bool:
        assert self.account is not None
        assert self.account.link is not None
        return self.account.suspended or self.account.link.left is not None

    def _began_to_rename(self, rename: Change) -> bool:
        """Whether the mark of an address change is that of an undo of ``rename`` that was killed."""
        assert self.account is not None
        assert self.account.link is not None
        if rename.kind != "rename":
            return False
        former, link = str((rename.before or {}).get("email") or ""), self.account.link
        if link.adding:
            return link.adding == address_digest(former)
        return email_key(self.account.email) == email_key(former)

    def _is_unfinished(self) -> bool:
        """Whether an undo (or a sync) suspended the account and was killed before its last write."""
        assert self.account is not None
        assert self.account.link is not None
        return self.account.suspended and self.account.link.leaving is not None

    def _add(
        self,
        kind: str,
        *,
        alias: str | None = None,
        role: str | None = None,
        before: Mapping[str, object] | None = None,
        after: Mapping[str, object] | None = None,
        person: Person | None = None,
    ) -> None:
        found = change_for(
            self.id, person, self.account, kind, alias=alias, role=role, before=before, after=after, reason="undo"
        )
        self.found.append(found)

    # -- coming and going ---------------------------------------------------------------------------------------

    def _created(self, create: Change) -> list[Change]:
        """Suspend an account that the run created. Nothing else of it changes, as for every leaver."""
        assert self.account is not None
        if self._is_gone() and not self._is_unfinished():
            # Memberships stay, as for every leaver, so that nothing is said of them.
            self.left.append((create, "already: the account has no access"))
            return []
        if email_key(str((create.after or {}).get("email") or "")) != email_key(self.account.email):
            return self._all_left(f"changed: the address is {self.account.email} now")
        self._suspend()
        return self.found

    def _suspend(self) -> None:
        """Suspend, or finish the suspension that a killed undo began."""
        if self._is_unfinished():
            before, after = {"suspended": True, "finished": False}, {"suspended": True, "finished": True}
        else:
            before, after = {"suspended": False}, {"suspended": True}
        self._add("suspend", before=before, after=after)

    def _why_not_returned(self, suspend: Change) -> str:
        """Why an account that the run suspended is not enabled; empty if it is as the run left it."""
        account = self.account
        assert account is not None
        assert account.link is not None
        if (suspend.before or {}).get("suspended") is True:
            return "final: the account was suspended before that run; enable it in Kinde if that was wrong"
        if not account.suspended and account.link.left is None:
            return "already: has access"
        if account.link.leaving:
            return "changed: a suspension is not finished; run apply first"
        if account.link.left is None:
            return "changed: suspended by someone else"
        if account.link.left != self.day:
            return f"changed: left on {account.link.left}"
        if account.link.barred:
            return "final: someone else had suspended the account before that run; enable it in Kinde"
        if account.suspended == suspend.strips:
            return "changed: suspended since that run" if account.suspended else "changed: enabled since that run"
        return ""

    def _disabled(self, enable: Change) -> None:
        """Take access away again. If that is done, all else is undone nevertheless: a killed undo may have ended here.

        :param enable: the enabling that the run did.
        """
        if self._is_gone() and not self._is_unfinished():
            self.left.append((enable, "already: has no access"))
        elif (enable.before or {}).get("suspended") is True:
            self._suspend()
        else:
            self._add("suspend", before={"taken out": False}, after={"taken out": True})

    # -- names and addresses ------------------------------------------------------------------------------------

    def _updated(self, update: Change) -> None:
        assert self.account is not None
        old, new = dict(update.before or {}), dict(update.after or {})
        before: dict[str, object] = {}
        after: dict[str, object] = {}
        for name, attribute in _NAMES.items():
            if name in new and self._turns(update, name, getattr(self.account, attribute), old.get(name), new[name]):
                before[name], after[name] = getattr(self.account, attribute), old[name]
        if isinstance(new.get("properties"), Mapping):
            was = old.get("properties") or {}
            held = self.snapshot.properties.get(self.account.id)
            held = read_properties(self.client, self.account.id) if held is None else held
            changed = {
                key: str(was.get(key) or "")
                for key, value in new["properties"].items()
                if self._turns(update, key, held.get(key, ""), was.get(key), value, clearable=True)
            }
            if changed:
                before["properties"] = {key: held.get(key) for key in changed}
                after["properties"] = changed
        if "connection" in new:
            self.left.append((update, "final: the sign-in by the connection stays; delete it in Kinde if it was wrong"))
        if after:
            self._add("update", before=before, after=after)

    def _turns(self, update: Change, name: str, now: str, old: object, new: object, *, clearable: bool = False) -> bool:
        """Whether one value is undone: it must still be the one that the run wrote."""
        was = clean_name(str(old or ""))
        if clean_name(now) == was:
            self.left.append((update, f"already: {name} is {was or 'blank'!r}"))
        elif clean_name(now) != clean_name(str(new or "")):
            self.left.append((update, f"changed: {name} is {now!r} now"))
        elif not was and not clearable:
            self.left.append((update, f"final: {name} was blank, and Kinde cannot clear a name"))
        else:
            return True
        return False

    def _renamed(self, rename: Change, suspended: bool) -> None:
        account = self.account
        assert account is not None
        old, new = str((rename.before or {}).get("email") or ""), str((rename.after or {}).get("email") or "")
        now, was = email_key(account.email), email_key(old)
        unfinished = bool(account.link and account.link.renaming)
        others = [a for a in self.snapshot.accounts.with_address(was) if a.id != account.id]
        reason = ""
        if not was or was == email_key(new):
            reason = "final: the report does not hold the address from before"
        elif now == was and not unfinished:
            reason = f"already: the address is {account.email}"
        elif now not in (was, email_key(new)):
            reason = f"changed: the address is {account.email} now"
        elif others:
            reason = f"changed: another account ({others[0].id}) has {old} now"
        elif any(kind != "email" and email_key(value) == now for kind, value in account.identities):
            reason = "changed: the address is an enterprise or social sign-in now"
        elif suspended:
            reason = "final: the undo suspends the account, and a suspended account keeps its address"
        if reason:
            self.left.append((rename, reason))
            return
        person = Person(self.id, 0, old, account.first_name, account.last_name, (), Access.ACTIVE, "undo")
        before: dict[str, object] = {"email": account.email, **({"unfinished": True} if unfinished else {})}
        self._add("rename", before=before, after={"email": old}, person=person)

    # -- memberships and roles ----------------------------------------------------------------------------------

    def _members(self, alias: str, operations: list[Change]) -> None:
        assert self.account is not None
        organization = self.snapshot.organizations.get(alias)
        if organization is None or not organization.code:
            self.left += [(o, f"changed: {alias!r} is not an organization of the spec any more") for o in operations]
            return
        if self.codes.get(alias) != organization.code:
            was = self.codes.get(alias) or "another one"
            reason = f"changed: {alias!r} is {organization.code} now, and that run changed {was}; undo it in Kinde"
            self.left += [(o, reason) for o in operations]
            return
        held = organization.members.get(self.account.id)
        kinds = {operation.kind: operation for operation in operations}
        if "add_membership" in kinds:
            given = {o.role for o in operations if o.kind == "add_role"}
            self._joined(kinds["add_membership"], organization, held, given)
        elif "remove_membership" in kinds:
            self._taken_out(kinds["remove_membership"], held)
        else:
            for operation in operations:
                self._role(operation, held)

    def _joined(
        self, join: Change, organization: Organization, held: frozenset[str] | None, given: set[str | None]
    ) -> None:
        assert self.account is not None
        alias = organization.alias
        if held is None:
            self.left.append((join, "already: is not a member"))
        elif held != given:
            roles = ", ".join(sorted(held)) or "none"
            self.left.append((join, f"changed: other roles than that run gave ({roles})"))
        elif self.rights.keeps(self.account, None, alias):
            self.left.append((join, "changed: the spec keeps this membership now"))
        else:
            self._add("remove_membership", alias=alias, before={"roles": sorted(held)} if held else None)

    def _taken_out(self, leave: Change, held: frozenset[str] | None) -> None:
        roles = [str(role) for role in (leave.before or {}).get("roles") or ()]
        if held is not None:
            same = held == frozenset(roles)
            self.left.append((leave, "already: is a member" if same else "changed: a member again, with other roles"))
            return
        self._add("add_membership", alias=leave.alias)
        for role in sorted(roles):
            if reason := self._why_not_given(role):
                self.left.append((leave, f"{reason} ({role!r}); the membership comes back without it"))
            else:
                self._add("add_role", alias=leave.alias, role=role)

    def _role(self, operation: Change, held: frozenset[str] | None) -> None:
        role, alias = operation.role or "", operation.alias
        if held is None:
            self.left.append((operation, "changed: is not a member any more"))
        elif (role in held) == (operation.kind == "remove_role"):
            self.left.append((operation, "already: " + ("has the role" if role in held else "does not have the role")))
        elif operation.kind == "add_role":
            self._add("remove_role", alias=alias, role=role)
        elif reason := self._why_not_given(role):
            self.left.append((operation, reason))
        else:
            self._add("add_role", alias=alias, role=role)

    def _why_not_given(self, role: str) -> str:
        if role in self.spec.protect.roles:
            return "final: a protected role is given in Kinde only"
        if role not in self.spec.role_keys:
            return "final: the spec does not name this role"
        return "" if role in self.snapshot.roles else "changed: Kinde has no such role now"
