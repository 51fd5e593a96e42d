"""Memberships and roles: 100 to a request, then the member list is read again, and only that is believed."""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from airflow_provider_kinde.exceptions import KindeAuthError, KindeError, KindeNotFoundError
from airflow_provider_kinde.sync.changes import MEMBERSHIP, Change
from airflow_provider_kinde.sync.snapshot.directories import Refusals
from airflow_provider_kinde.sync.snapshot.reader import Organization, Snapshot, read_members
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.store.changes import ChangeList

CHUNK = 100
"""Kinde's limit for one bulk request."""

AT_ONCE = 64
"""Bulk requests whose people are in memory at a time."""

FRESH = 60.0
"""Seconds after which the members read are read again before an organization is written."""

UNSEEN = "Kinde took the request, but its member list says otherwise"

Map = Callable[[Callable[[Any], Any], Iterable[Any]], list[Any]]


@dataclass(slots=True)
class _Entry:
    """One person in one organization.

    :param held: role keys before; ``None`` when not a member.
    :param target: role keys afterwards; ``None`` to remove the member.
    :param error: what the request for this person answered.
    """

    user_id: str
    held: frozenset[str] | None
    target: frozenset[str] | None
    operations: list[Change] = field(default_factory=list)
    error: str = ""

    def body(self) -> dict[str, Any]:
        if self.target is None:
            return {"id": self.user_id, "operation": "delete"}
        return {"id": self.user_id, "roles": sorted(self.target)}


class Memberships:
    """Writes organizations' members.

    :param operations: the plan's.
    """

    def __init__(
        self, spec: SyncSpec, snapshot: Snapshot, client: Any, operations: ChangeList, refusals: Refusals
    ) -> None:
        self.spec, self.snapshot, self.client = spec, snapshot, client
        self.operations, self.refusals = operations, refusals

    def write(self, alias: str, map_: Map) -> None:
        """Carry out what is open in one organization, and set the outcome of each operation.

        :param map_: applies a function to chunks side by side.
        :raises KindeError: when the organization cannot be read.
        """
        organization = self.snapshot.organizations[alias]
        # Entries are made anew for each pass over the operations, so that few of a hundred thousand exist at a time.
        if time.monotonic() - organization.read_at > FRESH:
            read_members(self.client, organization, self._concerned(alias))
        before = organization.members
        for entries in _batched((e for e in self._entries(alias, before) if e.target != e.held), AT_ONCE * CHUNK):
            self._send(organization, entries, map_)
        concerned = self._concerned(alias)
        read_members(self.client, organization, concerned)
        self._mend(organization, self._entries(alias, before), concerned, map_)
        for group in self.operations.in_organization(alias, *MEMBERSHIP):
            now = organization.members.get(group[0].user_id)
            for operation in group:
                if self._holds(operation, now):
                    operation.outcome, operation.error = "done", ""
                else:
                    operation.outcome, operation.error = "failed", operation.error or UNSEEN
            self.operations.save(group)
        organization.members = before

    def leave_default(self, user_ids: list[str]) -> dict[str, str]:
        """Take people created in this run out of the default organization, where they are in it.

        Where the file manages that organization, it alone decides who is in it; elsewhere the spec has to ask for it.

        :returns: Kinde user id -> what went wrong.
        """
        code = self.snapshot.default_code
        managed = any(o.code == code for o in self.snapshot.organizations.values())
        if not code or not (managed or self.spec.joiner.leave_default_organization):
            return {}
        default = Organization("", code, "")
        concerned = user_ids
        try:
            read_members(self.client, default, frozenset(user_ids))
            landed = [_Entry(user_id, frozenset(), None) for user_id in user_ids if user_id in default.members]
            concerned = [entry.user_id for entry in landed]
            self._send(default, landed, lambda work, chunks: [work(chunk) for chunk in chunks])
            if landed:
                read_members(self.client, default, frozenset(concerned))
        except KindeError as error:
            return dict.fromkeys(concerned, str(error))
        return {entry.user_id: entry.error or UNSEEN for entry in landed if entry.user_id in default.members}

    def _concerned(self, alias: str) -> set[str]:
        """Kinde ids of those for whom something is open: of an organization of a million, no more are remembered."""
        return {group[0].user_id for group in self.operations.in_organization(alias, *MEMBERSHIP)}

    def _entries(self, alias: str, before: Mapping[str, frozenset[str]]) -> Iterator[_Entry]:
        for mine in self.operations.in_organization(alias, *MEMBERSHIP):
            user_id = mine[0].user_id
            held = before.get(user_id)
            if held is None and any(operation.joined for operation in mine):
                held = frozenset()
            kinds = {operation.kind for operation in mine}
            if "remove_membership" in kinds:
                target = None
            elif held is None and "add_membership" not in kinds:
                target = None  # left the organization since the plan: a role cannot be given there
            else:
                added = {o.role for o in mine if o.kind == "add_role" and o.role}
                taken = {o.role for o in mine if o.kind == "remove_role" and o.role}
                target = ((held or frozenset()) | added) - taken
            yield _Entry(user_id, held, target, mine)

    def _send(self, organization: Organization, entries: list[_Entry], map_: Map) -> None:
        chunks = [entries[start : start + CHUNK] for start in range(0, len(entries), CHUNK)]
        map_(lambda chunk: self._chunk(organization.code, chunk), chunks)
        self._remember([entry for entry in entries if entry.error])

    def _remember(self, wrong: list[_Entry]) -> None:
        for entry in wrong:
            for operation in entry.operations:
                operation.error = entry.error
            self.operations.save(entry.operations)

    def _chunk(self, code: str, entries: list[_Entry]) -> None:
        """One bulk request; one that Kinde finds wrong is halved until the culprit stands alone."""
        try:
            self.client.update_organization_users(code, users=[entry.body() for entry in entries])
        except KindeError as error:
            judged = error.status in (400, 404, 409, 422) and not isinstance(error, KindeAuthError)
            if judged and len(entries) > 1:
                middle = len(entries) // 2
                self._chunk(code, entries[:middle])
                self._chunk(code, entries[middle:])
                return
            for entry in entries:
                entry.error = self.refusals.words(code, error)

    def _mend(
        self,
        organization: Organization,
        entries: Iterable[_Entry],
        concerned: Container[str],
        map_: Map,
    ) -> None:
        """Right what the member list shows wrong.

        Whether ``roles`` in a PATCH replaces or merges is not documented. Where it merges, roles to be taken are
        taken one by one; where it replaced more than it should, the full list is sent once more.
        """
        extra: list[tuple[_Entry, str]] = []
        missing: list[_Entry] = []
        for entry in entries:
            now = organization.members.get(entry.user_id)
            if entry.target is None:
                if now is not None and entry.held is not None:
                    missing.append(entry)
                continue
            taken = {o.role for o in entry.operations if o.kind == "remove_role" and o.role}
            extra += [(entry, role) for role in sorted(taken & (now or frozenset()))]
            by_hand = (entry.held or frozenset()) - self.spec.role_keys
            if now is None or (entry.target & (self.spec.role_keys | by_hand)) - now:
                missing.append(entry)
        if missing:
            self._send(organization, missing, map_)
            read_members(self.client, organization, concerned)
        map_(lambda pair: self._take_role(organization, *pair), extra)
        self._remember([entry for entry, _ in extra if entry.error])

    def _take_role(self, organization: Organization, entry: _Entry, role: str) -> None:
        """``DELETE /organizations/{code}/users/{id}/roles/{role id}``: by the role's id, where PATCH takes its key."""
        role_id = self.snapshot.roles.get(role)
        try:
            if role_id is None:
                raise KindeNotFoundError(f"no role with the key {role!r}")
            self.client.delete_organization_user_role(organization.code, entry.user_id, role_id)
        except KindeNotFoundError:
            pass
        except KindeError as error:
            entry.error = self.refusals.words(organization.code, error)
            return
        assert isinstance(organization.members, dict)  # they were just read again
        organization.members[entry.user_id] = organization.members.get(entry.user_id, frozenset()) - {role}

    @staticmethod
    def _holds(operation: Change, now: frozenset[str] | None) -> bool:
        if operation.kind == "add_membership":
            return now is not None
        if operation.kind == "remove_membership":
            return now is None
        if operation.kind == "add_role":
            return now is not None and operation.role in now
        return operation.role not in (now or frozenset())


def _batched(entries: Iterator[_Entry], size: int) -> Iterator[list[_Entry]]:
    while batch := list(islice(entries, size)):
        yield batch
