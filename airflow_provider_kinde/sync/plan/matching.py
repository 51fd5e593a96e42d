"""Every managed account beside the row of its person, counted for the guards on the way.

Most accounts need no change. Those are compared in SQL, without building objects. A :class:`Person` and an
:class:`Account` are made only for the others.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta

import pendulum

from airflow_provider_kinde.sync.model import Account, Person
from airflow_provider_kinde.sync.plan.conflicts import find_conflict
from airflow_provider_kinde.sync.plan.guards import AccountState, RunCounts
from airflow_provider_kinde.sync.snapshot.reader import Snapshot
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.store.accounts import decode_roles
from airflow_provider_kinde.sync.store.matches import MatchRow, managed_accounts, members_by_account
from airflow_provider_kinde.sync.store.people import Persons, decode_memberships, roles_by_organization

_MANY = 20_000
_DAY = 86_400
_SKEW = 3_600
"""Seconds by which Kinde's clock may be ahead. An account made later than that has no known age, and so is old."""

Present = tuple[tuple[str, str], ...]
"""Alias and role keys, as they are kept, of the managed organizations that an account is in; by alias."""


class Match:
    """One managed account, and the row of its person if HR has one.

    :param id: the HR id of its link.
    :param account_id: Kinde's id of the account.
    :param access: whether the person can use what this sync manages.
    :param listed: whether some row holds the id, understood or not.
    :param state: what the guards want to know of the account.
    :param matches: all matches, which it belongs to.
    :param row: the account and its HR row, from the database.
    :param present: the managed organizations that the account is in.
    """

    __slots__ = ("_matches", "_row", "access", "account_id", "id", "listed", "present", "state")

    def __init__(self, matches: Matches, row: MatchRow, present: Present) -> None:
        self._matches, self._row, self.present = matches, row, present
        self.id, self.account_id, self.listed = row.link, row.account_id, bool(row.listed)
        self.access = True if row.plain and not row.suspended else matches.has_access(self.account)
        self.state = matches.standing_of(row, self.access, bool(present))

    @property
    def account(self) -> Account:
        """The account."""
        snapshot = self._matches.snapshot
        account = snapshot.accounts.at(self._row.rowid)
        snapshot.remember(account.id, {alias: decode_roles(roles) for alias, roles in self.present})
        return account

    @property
    def person(self) -> Person | None:
        """The person, where the row was understood."""
        return self._matches.persons.get(self.id)

    def agrees(self) -> bool:
        """Whether HR and Kinde say the same, so that nothing is to be decided."""
        row = self._row
        return (
            bool(row.same)
            and self._matches.are_as_needed(row.memberships or "", self.present)
            and (not row.properties or _holds(row.held_properties, row.properties))
        )


class Matches:
    """All managed accounts of a tenant with their people, in an order that does not depend on HR.

    Once the iteration is over, :attr:`counts` holds what the guards measure against.

    :param spec: the spec.
    :param snapshot: Kinde's side.
    :param has_access: decides for an account for which a comparison in SQL cannot.
    :param now: the moment of the run.
    """

    def __init__(
        self, spec: SyncSpec, snapshot: Snapshot, has_access: Callable[[Account], bool], now: pendulum.DateTime
    ) -> None:
        self.snapshot, self.has_access, self.persons = snapshot, has_access, Persons(snapshot.database)
        self.counts = RunCounts()
        self._role_keys = spec.role_keys
        self._names = spec.person.names == "always"
        self._yesterday = now.in_timezone("UTC").date() - timedelta(days=1)
        self._young_from, self._young_until = now.timestamp() - _DAY, now.timestamp() + _SKEW
        self._creates = any(o.create and not o.code for o in snapshot.organizations.values())
        self._places: dict[str, bool] = {"": False}
        self._conflicts = spec.conflicts
        self._as_needed: dict[tuple[str, Present], bool] = {}

    def __iter__(self) -> Iterator[Match]:
        counts = self.counts
        dropped = 0
        groups: Counter[Present] = Counter()
        members = members_by_account(self.snapshot.database)
        ahead = next(members, None)
        for row in managed_accounts(self.snapshot.database, names=self._names):
            account_id = row.account_id
            present: Present = ()
            while ahead is not None and ahead.account_id <= account_id:
                if ahead.account_id == account_id:
                    present = (*present, (ahead.alias, ahead.roles))
                ahead = next(members, None)
            match = Match(self, row, present)
            counts.managed += 1
            counts.old += not match.state.young
            if match.access:
                counts.with_access += 1
                counts.settled += match.state.settled
                counts.placed += match.state.placed
                dropped += not match.listed
            if not row.plain:
                link = match.account.link
                assert link is not None  # no other account is joined
                day = link.left or link.leaving
                if day and day >= self._yesterday:
                    counts.recent[account_id] = match.access
            groups[present] += 1
            if len(groups) > _MANY:
                self._count(groups)
            yield match
        self._count(groups)
        counts.dropped = dropped

    def _count(self, groups: Counter[Present]) -> None:
        """People who are in the same organizations with the same roles are counted together."""
        for present, count in groups.items():
            roles: set[str] = set()
            for alias, held in present:
                self.counts.members[alias] += count
                roles |= decode_roles(held)
            for role in roles:
                self.counts.holders[role] += count
        groups.clear()

    def standing_of(self, row: MatchRow, access: bool, settled: bool) -> AccountState:
        """What the guards want to know of an account.

        :param row: the account beside its HR row.
        :param access: whether the person has access.
        :param settled: whether the account is in a managed organization.
        """
        young = row.created is not None and self._young_from < row.created <= self._young_until
        settled = access and settled and not young
        placed = settled or (self._creates and access and not young and self._is_placed(row.organizations))
        return AccountState(access, settled, placed, young)

    def _is_placed(self, organizations: str) -> bool:
        found = self._places.get(organizations)
        if found is None:
            if len(self._places) > _MANY:
                self._places.clear()
            default = self.snapshot.default_code
            found = self._places[organizations] = any(code != default for code in json.loads(organizations or "[]"))
        return found

    def are_as_needed(self, text: str, present: Present) -> bool:
        """Whether an account has the memberships that its person needs, and no two roles that ``conflicts`` name.

        :param text: the person's memberships and unclear rules, as the table keeps them.
        :param present: what the account has.
        """
        known = self._as_needed.get((text, present))
        if known is None:
            if len(self._as_needed) > _MANY:
                self._as_needed.clear()
            held = {alias: decode_roles(roles) for alias, roles in present}
            managed = {alias: roles & self._role_keys for alias, roles in held.items()}
            known = managed == roles_by_organization(decode_memberships(text)[0])
            known = known and not (self._conflicts and find_conflict(self._conflicts, held))
            self._as_needed[text, present] = known
        return known


def _holds(held: str | None, wanted: str) -> bool:
    """Whether properties are as they should be; one that is not there is blank."""
    present = json.loads(held) if held else {}
    return all(present.get(key, "") == value for key, value in json.loads(wanted))
