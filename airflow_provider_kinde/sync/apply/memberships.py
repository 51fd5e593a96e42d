"""Write the memberships and roles of a plan, one organization at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_kinde.exceptions import KindeError, KindeStoppedError
from airflow_provider_kinde.resources.members import (
    UNSEEN,
    Map,
    MemberChange,
    MemberWriter,
    read_members,
)
from airflow_provider_kinde.sync.apply.interruption import NOT_BEGUN, UNVERIFIED
from airflow_provider_kinde.sync.changes import Change
from airflow_provider_kinde.sync.kinds import MEMBERSHIP
from airflow_provider_kinde.sync.snapshot.directories import RefusalReasons
from airflow_provider_kinde.sync.snapshot.reader import Snapshot
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.store.changes import ChangeList

FRESH = 60.0
"""Seconds after which members are read again before an organization is written."""


@dataclass(slots=True)
class _PlannedChange(MemberChange):
    """What the plan does to one person in one organization.

    :param changes: the plan's changes that it carries out.
    """

    changes: list[Change] = field(default_factory=list)


class Memberships:
    """Writes the members of organizations.

    :param spec: the spec.
    :param snapshot: Kinde's side of the plan.
    :param client: a ``KindeClient``.
    :param changes: the plan's.
    :param refusals: says why Kinde refuses to change the members of an organization.
    :param clock: the time on the clock of the run, in seconds since 1970.
    """

    def __init__(
        self,
        spec: SyncSpec,
        snapshot: Snapshot,
        client: Any,
        changes: ChangeList,
        refusals: RefusalReasons,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.spec, self.snapshot, self.client, self.clock = spec, snapshot, client, clock
        self.changes, self.refusals = changes, refusals

    def write(self, alias: str, map_: Map) -> None:
        """Carry out what is open in one organization, and set the outcome of each change.

        :param alias: the organization's alias.
        :param map_: applies a function to requests.
        :raises KindeError: the organization cannot be read.
        """
        organization, user_ids = self.snapshot.organizations[alias], self._user_ids(alias)
        if time.monotonic() - organization.read_at > FRESH:
            organization.members = read_members(self.client, organization.code, user_ids)
        sent: dict[str, float] = {}
        writer = self._writer(organization.code, map_, sent)
        writer.send(one for one in self._planned(alias, organization.members) if one.after != one.before)
        try:
            now = writer.correct(
                self._planned(alias, organization.members),
                lambda: read_members(self.client, organization.code, user_ids),
            )
        except KindeStoppedError:
            self.changes.settle_unverified(alias, MEMBERSHIP, NOT_BEGUN, UNVERIFIED)
            return
        for group in self.changes.in_organization(alias, *MEMBERSHIP):
            roles = now.get(group[0].user_id)
            for change in group:
                if _is_done(change, roles):
                    change.outcome, change.error = "done", ""
                    change.done = change.done or sent.get(change.user_id) or self.clock()
                else:
                    change.outcome, change.error = "failed", change.error or UNSEEN
            self.changes.save(group)
        organization.read_at = -FRESH  # what was read before these writes is no longer what Kinde holds

    def leave_default(self, user_ids: list[str]) -> dict[str, str]:
        """Remove accounts that this run created from the default organization.

        An organization that the spec manages has the members that the spec gives it. Elsewhere the spec has to ask for
        it (``leave_default_organization``).

        :param user_ids: Kinde ids of the accounts.
        :returns: Kinde id -> what went wrong.
        """
        code = self.snapshot.default_code
        managed = any(o.code == code for o in self.snapshot.organizations.values())
        if not code or not (managed or self.spec.joiner.leave_default_organization):
            return {}
        left = user_ids
        try:
            inside = read_members(self.client, code, frozenset(user_ids))
            left = [user_id for user_id in user_ids if user_id in inside]
            planned = [_PlannedChange(user_id, inside[user_id], None) for user_id in left]
            MemberWriter[_PlannedChange](self.client, code).send(planned)
            now = read_members(self.client, code, frozenset(left)) if left else {}
        except KindeError as error:
            return dict.fromkeys(left, str(error))
        return {one.user_id: self._words(code, one.error) for one in planned if one.user_id in now}

    def _words(self, code: str, error: KindeError | None) -> str:
        if isinstance(error, KindeStoppedError):
            return NOT_BEGUN
        return self.refusals.words(code, error) if error else UNSEEN

    def _writer(self, code: str, map_: Map, sent: dict[str, float]) -> MemberWriter[_PlannedChange]:
        """A writer that notes in ``sent`` when Kinde took the change of each user."""

        def request(code: str, members: list[dict[str, Any]]) -> None:
            self.client.update_organization_users(code, members)
            sent.update(dict.fromkeys([str(member["id"]) for member in members], self.clock()))

        def refused(failed: list[_PlannedChange]) -> None:
            for one in failed:
                for change in one.changes:
                    change.error = self._words(code, one.error)
                self.changes.save(one.changes)

        return MemberWriter(
            self.client, code, request=request, role_ids=self.snapshot.roles, map_=map_, refused=refused
        )

    def _user_ids(self, alias: str) -> set[str]:
        """Kinde ids of the people whose memberships change: of an organization of a million, only these are kept."""
        return {group[0].user_id for group in self.changes.in_organization(alias, *MEMBERSHIP)}

    def _planned(self, alias: str, before: Mapping[str, frozenset[str]]) -> Iterator[_PlannedChange]:
        """What is open in one organization, person by person. It is made anew for each pass, to hold few in memory."""
        for group in self.changes.in_organization(alias, *MEMBERSHIP):
            user_id = group[0].user_id
            held = before.get(user_id)
            if held is None and any(change.joined for change in group):
                held = frozenset()
            kinds = {change.kind for change in group}
            after: frozenset[str] | None = None
            # A role cannot be given to a person who left the organization since the plan.
            if "remove_membership" not in kinds and (held is not None or "add_membership" in kinds):
                given = {change.role for change in group if change.kind == "add_role" and change.role}
                taken = {change.role for change in group if change.kind == "remove_role" and change.role}
                after = ((held or frozenset()) | given) - taken
            yield _PlannedChange(user_id, held, after, changes=group)


def _is_done(change: Change, roles: frozenset[str] | None) -> bool:
    """Whether a change shows in the member list; ``roles`` is ``None`` for a person who is not in it."""
    if change.kind == "add_membership":
        return roles is not None
    if change.kind == "remove_membership":
        return roles is None
    if change.kind == "add_role":
        return roles is not None and change.role in roles
    return change.role not in (roles or frozenset())
