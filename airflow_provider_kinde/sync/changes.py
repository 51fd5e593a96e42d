"""Operations: the one vocabulary of plans, approvals and reports."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_kinde.sync.kinds import MEMBERSHIP
from airflow_provider_kinde.sync.model import Account, Person


@dataclass(slots=True, eq=False)
class Change:
    """One thing that a plan does, for one person (or, creating an organization, for none).

    :param kind: one of :data:`KINDS`.
    :param id: HR id; empty for ``create_organization``.
    :param alias: the organization's alias, for memberships, roles and organizations.
    :param role: role key, for roles.
    :param before: what is there now, only what changes.
    :param after: what will be there.
    :param reason: why, in words.
    :param who: the person's name and address, for people who read plan and report.
    :param outcome: in a report: ``done``, ``failed`` or ``skipped``.
    :param error: in a report: what went wrong, or why it was skipped.
    :param organizations: of a leaver, aliases of the managed organizations that the person is in; of a person who
        returns, of those that the account is still in.
    :param due: the moment at which it was due by HR's dates, in UTC; empty where no date says so.
    :param done: when it was done, in seconds since 1970; 0 where it was not.
    :param steps: the parts of it that have moments of their own, such as ``suspended`` -> seconds since 1970.
    """

    kind: str
    id: str
    alias: str | None = None
    role: str | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    reason: str = ""
    who: str = ""
    person: Person | None = None
    account: Account | None = None
    outcome: str = ""
    error: str = ""
    sealed: str = ""
    """In a redacted plan: the digest of the operation as it was."""
    user_id: str = ""
    """Kinde's id of an account that this run made."""
    joined: bool = False
    """A membership that came with the account."""
    organizations: tuple[str, ...] = ()
    due: str = ""
    done: float = 0.0
    steps: dict[str, float] = field(default_factory=dict)
    seq: int = 0
    """Where the operation is kept."""

    @property
    def key(self) -> str:
        """What makes two operations of two plans the same one."""
        return canonical([self.id, self.kind, self.alias, self.role, self.before, self.after])

    @property
    def digest(self) -> str:
        """SHA-256 of the key: all of it that a redacted plan still holds."""
        return self.sealed or digest_of(self.key)

    @property
    def words(self) -> str:
        """What it is, for whom and where, without what changes."""
        return " ".join(part for part in (self.kind, self.id, self.alias, self.role) if part)

    @property
    def finishes(self) -> bool:
        """Whether this finishes what a run began that did not come to its end."""
        before = self.before or {}
        return before.get("unfinished") is True or before.get("finished") is False

    @property
    def strips(self) -> bool:
        """Whether this marks a leaver who was taken out of organizations instead of being suspended."""
        return self.kind == "suspend" and "taken out" in (self.after or {})

    @property
    def takes(self) -> frozenset[str]:
        """The roles that this takes from the person."""
        if self.kind == "remove_membership":
            return frozenset((self.before or {}).get("roles") or ())
        return frozenset([self.role] if self.kind == "remove_role" and self.role else ())

    def to_json(self) -> dict[str, Any]:
        """The operation as it stands in ``plan.json`` (and, once it has an outcome, in ``report.json``)."""
        found: dict[str, Any] = {
            "id": self.id,
            "kind": self.kind,
            "alias": self.alias,
            "role": self.role,
            "before": self.before,
            "after": self.after,
            "who": self.who,
            "reason": self.reason,
        }
        if self.organizations:
            found["organizations"] = list(self.organizations)
        if self.sealed:
            found["digest"] = self.sealed
        if self.outcome:
            found["outcome"] = self.outcome
            if self.error:
                found["error"] = self.error
        return found


@dataclass(slots=True)
class Dependencies:
    """Which operations need which others done before them.

    A membership needs its organization and its person; a role needs its membership; enabling comes when everything
    else of a person is right; a leaver who is taken out of organizations is marked once that is done. A role comes
    after the removal of the roles that the person may not hold together with it.

    :param conflicts: the spec's ``conflicts``.
    """

    conflicts: tuple[tuple[str, str], ...] = ()
    by_person: dict[str, list[Change]] = field(default_factory=dict)
    organizations: dict[str, Change] = field(default_factory=dict)

    @classmethod
    def of(cls, operations: Iterable[Change], conflicts: tuple[tuple[str, str], ...]) -> Dependencies:
        """Read the dependencies of changes.

        :param operations: the changes of a plan, or of one person.
        :param conflicts: the spec's ``conflicts``.
        """
        found = cls(conflicts)
        for operation in operations:
            if operation.kind == "create_organization":
                found.organizations[operation.alias or ""] = operation
            else:
                found.by_person.setdefault(operation.id, []).append(operation)
        return found

    def needed(self, operation: Change) -> list[Change]:
        """The operations that ``operation`` depends on directly.

        :param operation: one of the changes.
        """
        if operation.kind == "create_organization":
            return []
        siblings = [other for other in self.by_person.get(operation.id, ()) if other is not operation]
        needed = [o for o in siblings if o.kind in ("create", "adopt")]
        if operation.kind == "add_membership" and operation.alias in self.organizations:
            needed.append(self.organizations[operation.alias or ""])
        if operation.kind in ("add_role", "remove_role"):
            needed += [o for o in siblings if o.kind == "add_membership" and o.alias == operation.alias]
            needed += self.conflicting(operation)
        if operation.kind == "enable":
            needed += [o for o in siblings if o.kind in MEMBERSHIP or o.kind == "rename"]
        if operation.strips:
            needed += [o for o in siblings if o.kind == "remove_membership"]
        return needed

    def conflicting(self, operation: Change) -> dict[Change, str]:
        """The removals that come before a role is given, since no person may hold both roles.

        :param operation: one of the changes.
        :returns: removal -> why the role is not given as long as the removal is not done.
        """
        if operation.kind != "add_role":
            return {}
        found: dict[Change, str] = {}
        for other in self.by_person.get(operation.id, ()) if self.conflicts else ():
            for role in sorted(other.takes):
                if (operation.role, role) in self.conflicts or (role, operation.role) in self.conflicts:
                    found[other] = (
                        f"conflicts: {operation.role} in {operation.alias!r} may not be held together with {role}, "
                        f"which stays in {other.alias!r}"
                    )
        return found


def plan_hash(host: str, spec_name: str, digests: Iterable[str]) -> str:
    """SHA-256 over the canonical JSON of Kinde's host, the spec's name and the operations, and nothing else.

    :param host: Kinde's host.
    :param spec_name: the spec's name.
    :param digests: :attr:`Operation.digest` of every operation, sorted; they need not be in memory at once.
    """
    digest = hashlib.sha256(canonical([host, spec_name])[:-1].encode() + b",[")
    for number, each in enumerate(digests):
        digest.update(f"{',' if number else ''}{canonical(each)}".encode())
    digest.update(b"]]")
    return digest.hexdigest()


def digest_of(text: str) -> str:
    """SHA-256 of a text, in hexadecimal digits.

    :param text: the text.
    """
    return hashlib.sha256(text.encode()).hexdigest()


def canonical(value: Any) -> str:
    """JSON with sorted keys and no blanks: one text for one value.

    :param value: what JSON can hold.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
