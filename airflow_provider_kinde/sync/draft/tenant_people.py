"""What a tenant says about the people of HR: who has which account, how they sign in, and who else is there."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from airflow_provider_kinde.resources.fields import is_enterprise, is_own_sign_in
from airflow_provider_kinde.resources.normalization import clean_name, email_key
from airflow_provider_kinde.sync.draft.rule_search import set_of
from airflow_provider_kinde.sync.draft.tenant import Tenant
from airflow_provider_kinde.sync.model import Access, Account, Person

_SERVICE = re.compile(
    r"(^|[^a-z])(svc|jenkins|service|services|servicedesk|robot|bot|bots|noreply|no-reply|donotreply|test|tests|tester|testing|"
    r"testuser|demo|dummy|sandbox|e2e|qa|api|integration|automation|jenkins|ci|cicd|deploy|monitoring|monitor|backup|"
    r"system|daemon|scanner|synthetic|webhook|smtp|mailer|postmaster|webmaster|kiosk|shared)([^a-z]|$)"
    r"|^(info|support|help|helpdesk|office|reception|hello|contact|billing|accounts|team|sales|hr|it|admin)$"
)
"""Words of addresses that belong to no person."""


@dataclass(frozen=True)
class Evidence:
    """People and accounts, joined by address.

    :param tenant: the tenant.
    :param working: people with access today who have exactly one account; the place of each is its bit in a set.
    :param accounts: HR id -> account, of these and of people whose access begins later or is about to end.
    :param leavers: HR ids of people without access whose account is enabled.
    :param unknown: accounts with no address of HR and no link of any source.
    :param linked: how many accounts carry a ``provided_id`` that is no id of HR.
    """

    tenant: Tenant
    working: list[Person]
    accounts: Mapping[str, Account]
    leavers: list[str]
    unknown: list[Account]
    linked: int

    def group(self, user_ids: Iterable[str]) -> int:
        """Make a set of people of Kinde's user ids; ids of other accounts are left out.

        :param user_ids: ids of users.
        """
        places = self.places
        return set_of((places[user_id] for user_id in user_ids if user_id in places), len(self.working))

    def ids(self, people: int) -> list[str]:
        """Return the HR ids of a set of people.

        :param people: the set.
        """
        return [person.id for place, person in enumerate(self.working) if people >> place & 1]

    @cached_property
    def places(self) -> dict[str, int]:
        """Kinde's id of an account -> the place of its person among those who work here."""
        return {self.accounts[person.id].id: place for place, person in enumerate(self.working)}

    # -- how people sign in ---------------------------------------------------------------------------------------

    def sign_ins(self) -> Counter[str]:
        """Count the people whose address stands on sign-ins of other providers alone, by the type of sign-in."""
        found: Counter[str] = Counter()
        for person in self.working:
            kinds = self._kinds(person)
            if kinds and not any(map(is_own_sign_in, kinds)):
                found.update(kinds)
        return found

    def _kinds(self, person: Person) -> set[str]:
        key = email_key(person.email)
        return {kind for kind, value in self.accounts[person.id].identities if email_key(value) == key}

    def enterprise_domains(self) -> list[str]:
        """Return the domains of people who sign in by an enterprise connection, the most frequent first."""
        found = Counter(
            email_key(person.email).rpartition("@")[2]
            for person in self.working
            if any(map(is_enterprise, self._kinds(person)))
        )
        return [domain for domain, _ in found.most_common(10)]

    def names(self) -> tuple[int, int]:
        """Count the people who sign in by another provider, and those of them whose name differs between HR and Kinde.

        :returns: all of them, and those whose name differs.
        """
        provided = [p for p in self.working if any(not is_own_sign_in(kind) for kind in self._kinds(p))]
        differ = sum(
            (clean_name(account.first_name), clean_name(account.last_name)) != (person.given_name, person.family_name)
            for person in provided
            for account in (self.accounts[person.id],)
        )
        return len(provided), differ

    def with_own_id(self) -> int:
        """Count the accounts whose ``provided_id`` is the person's HR id."""
        return sum(self.accounts[person.id].provided_id == person.id for person in self.working)

    def protected(self, roles: frozenset[str]) -> list[str]:
        """Return the HR ids of people who hold one of some roles anywhere.

        :param roles: role keys.
        """
        holders = {
            user_id
            for organization in self.tenant.organizations
            for user_id, held in organization.members.items()
            if held & roles
        }
        return [person.id for person in self.working if self.accounts[person.id].id in holders]

    def suspended(self) -> list[str]:
        """Return the HR ids of people with access whose account is suspended."""
        return [person.id for person in self.working if self.accounts[person.id].suspended]

    def services(self) -> tuple[list[str], list[str]]:
        """Divide service and test accounts among the unknown ones.

        :returns: their addresses, and domains that only such accounts have.
        """
        known = {email_key(address).rpartition("@")[2] for a in self.accounts.values() for address in a.addresses}
        addresses = [email_key(account.email) for account in self.unknown if account.email]
        domains = Counter(address.rpartition("@")[2] for address in addresses)
        others = [domain for domain, count in domains.items() if count > 1 and domain not in known]
        whole = sorted(domain for domain in others if _SERVICE.search(domain.rpartition(".")[0]))
        single = [a for a in addresses if a.rpartition("@")[2] not in whole and _SERVICE.search(a.rpartition("@")[0])]
        return sorted(set(single)), whole

    def orphans(self) -> int:
        """Count the unknown accounts that do not look like service or test accounts."""
        addresses, domains = map(set, self.services())
        return sum(
            not (key in addresses or key.rpartition("@")[2] in domains)
            for account in self.unknown
            for key in (email_key(account.email),)
        )


def join(tenant: Tenant, persons: Iterable[Person], addresses: Iterable[str]) -> Evidence:
    """Join HR's people to accounts by their address.

    :param tenant: the tenant.
    :param persons: the people whose rows are understood.
    :param addresses: every address in HR's file, those of rejected rows included.
    """
    owners: dict[str, list[Account]] = {}
    for account in tenant.accounts:
        for address in account.addresses:
            owners.setdefault(address, []).append(account)
    working: list[Person] = []
    accounts: dict[str, Account] = {}
    leavers: list[str] = []
    known = {email_key(address) for address in addresses}
    ids = set()
    for person in persons:
        ids.add(person.id)
        key = email_key(person.email)
        known.add(key)
        found = owners.get(key, ()) if key else ()
        if len(found) != 1:
            continue
        if person.access is Access.NONE:
            leavers += [person.id] if not found[0].suspended else []
            continue
        accounts[person.id] = found[0]
        if person.access is Access.ACTIVE:
            working.append(person)
    unknown = [a for a in tenant.accounts if not a.addresses & known and not a.provided_id]
    linked = sum(bool(a.provided_id) and a.provided_id not in ids for a in tenant.accounts)
    working.sort(key=lambda person: person.row)
    return Evidence(tenant, working, accounts, leavers, unknown, linked)
