"""The accounts of the onboarding form that no HR row has adopted: who is listed, held or suspended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from airflow_provider_kinde.resources.normalization import name_key
from airflow_provider_kinde.sync.link import onboarded_day
from airflow_provider_kinde.sync.model import Access, Account
from airflow_provider_kinde.sync.snapshot.reader import Snapshot
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.store.people import People, PersonName
from airflow_provider_kinde.sync.store.unclear_rows import rows_of_no_account


@dataclass(frozen=True, slots=True)
class FormAccount:
    """An account of the onboarding form that no HR row has adopted.

    :param account: the account.
    :param id: stands for the HR id that it does not have: ``onboarded:<day>:<Kinde id>``.
    :param old: whether ``joiner.onboarded_days`` have passed since the form made it.
    :param namesake: HR id of a row with the same name, another address and no account; empty where there is none.
    :param left: whether that row says that the person left.
    :param expected: whether an HR row has its address, so that it may be adopted.
    """

    account: Account
    id: str
    old: bool
    namesake: str = ""
    left: bool = False
    expected: bool = False

    def __str__(self) -> str:
        made = f"the onboarding form made the account {self.account.id} ({self.account.email})"
        if day := onboarded_day(self.account.provided_id):
            made += f" on {day}"
        if self.namesake:
            state = ", who left," if self.left else ""
            found = f"the row of {self.namesake}{state} has the same name and another address"
            return f"{made}, and {found}: if it is one person, correct the address in HR or in Kinde"
        found = "the HR row with its address has not adopted it" if self.expected else "no HR row has its address"
        return f"{made}, and {found} since: correct the address in HR or in Kinde, or offboard the person"


class FormAccounts:
    """The accounts of the onboarding form that no HR row has adopted.

    :param spec: the spec.
    :param people: what HR says.
    :param snapshot: what Kinde says.
    :param today: UTC day of the run.
    """

    def __init__(self, spec: SyncSpec, people: People, snapshot: Snapshot, today: date) -> None:
        self.spec, self.people, self.snapshot = spec, people, snapshot
        self._since = today - timedelta(days=spec.joiner.onboarded_days)
        self.accounts = list(self._read())

    def held(self) -> list[tuple[str, str]]:
        """Whom a namesake holds: id and reason of each new person, and of the account that may be the person's."""
        found = []
        for one in self.accounts:
            if one.namesake and not one.left:
                reason = (
                    f"the onboarding form made the account {one.account.id} for a person of this name, with another "
                    "address: if it is one person, correct the address in HR or in Kinde; if not, clear the "
                    "provided_id of that account in Kinde"
                )
                found += [(one.namesake, reason), (one.id, str(one))]
        return found

    def listed(self) -> list[str]:
        """A line on each account that waits for a row too long, or whose person seems to have left."""
        waiting = (one for one in self.accounts if not one.account.suspended)
        return [str(one) for one in waiting if one.left or (one.old and not one.namesake)]

    def unclaimed(self) -> list[FormAccount]:
        """The accounts that wait for a row too long, and to which no row at all can belong."""
        unclear = rows_of_no_account(self.people.database)
        addresses = {row.key for row in unclear}
        names = {_name(row.given or "", row.family or "") for row in unclear}
        return [
            one
            for one in self.accounts
            if one.old
            and not (one.expected or one.account.suspended)
            and (not one.namesake or one.left)
            and not one.account.addresses & addresses
            and _name(one.account.first_name, one.account.last_name) not in names
        ]

    def _read(self) -> Iterator[FormAccount]:
        accounts = self.snapshot.accounts.onboarded()
        if not accounts:
            return
        names = {_name(account.first_name, account.last_name) for account in accounts}
        namesakes: dict[tuple[str, str], list[PersonName]] = {}
        for person in self.people.persons.names_without_account():
            name = _name(person.given, person.family)
            if any(name) and name in names:
                namesakes.setdefault(name, []).append(person)
        for account in accounts:
            day = onboarded_day(account.provided_id)
            rows = [row for key in account.addresses for row in self.people.persons.with_address(key)]
            access = {row.access for row in rows}
            if Access.ACTIVE in access or (access == {Access.NONE} and len(rows) == 1):
                continue  # adopted, suspended or held in this run, with a reason of its own
            id = f"{account.provided_id.partition('~')[2]}:{account.id}"
            found = [
                person
                for person in namesakes.get(_name(account.first_name, account.last_name), ())
                if person.key not in account.addresses
            ]
            found.sort(key=lambda person: person.access in (Access.NONE.value, Access.GRACE.value))
            namesake = found[0] if found else None
            left = namesake is not None and namesake.access in (Access.NONE.value, Access.GRACE.value)
            old = day is None or day <= self._since
            yield FormAccount(account, id, old, namesake.id if namesake else "", left, bool(rows))


def _name(given: str, family: str) -> tuple[str, str]:
    return name_key(given), name_key(family)
