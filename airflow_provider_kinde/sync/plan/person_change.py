"""One change for one person, with the name and address that people read in plan and report."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_provider_kinde.sync.changes import Change
from airflow_provider_kinde.sync.model import Access, Account, Person
from airflow_provider_kinde.sync.store.names import name_text


def change_for(
    id: str,
    person: Person | None,
    account: Account | None,
    kind: str,
    *,
    alias: str | None = None,
    role: str | None = None,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
    reason: str = "",
    organizations: tuple[str, ...] = (),
) -> Change:
    """A change for one person, who is named as HR names them.

    :param id: the HR id.
    :param person: the person; ``None`` where HR has no row.
    :param account: the account, where there is one.
    :param kind: the kind of change.
    :param alias: the organization's alias.
    :param role: the role key.
    :param before: what is there now.
    :param after: what will be there.
    :param reason: why, in words.
    :param organizations: of a leaver, aliases of the managed organizations that the person is in; of a person who
        returns, of those that the account is still in.
    """
    who = describe(account, person)
    return Change(
        kind, id, alias, role, before, after, reason, who, person, account, organizations=organizations,
        due=_due(person, kind),
    )  # fmt: skip


_GIVE_ACCESS = ("create", "adopt", "enable")


def _due(person: Person | None, kind: str) -> str:
    """When HR's dates wanted the change: only those that begin or end all of a person's access have such a moment."""
    if person is None or not (kind in _GIVE_ACCESS or person.access is Access.NONE):
        return ""
    return person.due_at


def describe(account: Account | None, person: Person | None) -> str:
    """A person's name and address, HR's where HR has them; of a leaver, the address of the account.

    :param account: the account, where there is one.
    :param person: the person; ``None`` where HR has no row.
    """
    given = (person and person.given_name) or (account.first_name if account else "")
    family = (person and person.family_name) or (account.last_name if account else "")
    here, there = person.email if person else "", account.email if account else ""
    # Of two rows of a leaver, either may be the one that is kept. The account is what is acted upon.
    left = person is None or person.access is Access.NONE
    email = (there or here) if left else (here or there)
    return name_text(given, family, email)
