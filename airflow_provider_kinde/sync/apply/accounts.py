"""Carry out the changes of single accounts, and create organizations."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from datetime import date
from typing import Any

from airflow_provider_kinde.exceptions import KindeAuthError, KindeConflictError, KindeError, KindeStoppedError
from airflow_provider_kinde.resources import fields, users
from airflow_provider_kinde.resources.normalization import email_key
from airflow_provider_kinde.resources.organizations import create_organization
from airflow_provider_kinde.sync.apply.failures import ChangeFailed
from airflow_provider_kinde.sync.apply.link_reading import LinkReading
from airflow_provider_kinde.sync.apply.sign_in import change_address, connect
from airflow_provider_kinde.sync.changes import Change
from airflow_provider_kinde.sync.link import Link, address_digest
from airflow_provider_kinde.sync.model import Account, Person
from airflow_provider_kinde.sync.snapshot.directories import RefusalReasons
from airflow_provider_kinde.sync.snapshot.reader import Snapshot
from airflow_provider_kinde.sync.spec.models import SyncSpec

PAUSE = 1.0
"""Seconds after which another run that created the same organization has seen the one of this run."""


class Accounts:
    """Carries out the changes of single accounts.

    :param spec: the spec.
    :param snapshot: Kinde's side of the plan.
    :param client: a ``KindeClient``.
    :param today: the UTC day of the run, which is written into a leaver's link.
    :param clock: the time on the clock of the run, in seconds since 1970.
    """

    def __init__(
        self, spec: SyncSpec, snapshot: Snapshot, client: Any, today: date, clock: Callable[[], float] = time.time
    ) -> None:
        self.spec, self.snapshot, self.client, self.today = spec, snapshot, client, today
        self.clock = clock
        self.refusals = RefusalReasons(client)
        self._links = LinkReading(spec.name, snapshot, client)

    # -- joiners ------------------------------------------------------------------------------------------------

    def create(self, change: Change, group: Sequence[Change]) -> bool:
        """Create an account in one of the organizations that the person joins, which saves a request (``POST /user``).

        :param change: the creation.
        :param group: all changes of the person; each gets the account's id.
        :returns: whether this run made the account; another run at the same time may have made it.
        :raises ChangeFailed: Kinde did not create the account, or another account has the address.
        """
        person = change.person
        assert person is not None
        alias = self._first_organization(group)
        code = self.snapshot.organizations[alias].code if alias else ""
        link = str(Link(self.spec.name, person.id))
        begun = time.monotonic()
        try:
            creation = users.create_user(
                self.client,
                "" if person.connection else person.email,
                lambda: self._find_linked("" if person.connection else person.email, link, begun),
                profile={"given_name": person.given_name, "family_name": person.family_name},
                provided_id=link,
                organization_code=code,
            )
        except KindeError as error:
            if not code or isinstance(error, (KindeAuthError, KindeStoppedError)):
                raise
            raise ChangeFailed(self.refusals.words(code, error)) from error
        user_id = str(creation.item["id"])
        change.steps["created"] = self.clock()
        change.joined = alias is not None
        for other in group:
            other.user_id = user_id
            if creation.answered and other.kind == "add_membership" and other.alias == alias:
                other.joined, other.done = True, change.steps["created"]
        self._write_properties(user_id, change)
        self._connect(user_id, change)
        return creation.answered or creation.lost

    def _first_organization(self, group: Sequence[Change]) -> str | None:
        """The organization to create the account in: without roles if possible, since it then needs no more."""
        with_roles = {other.alias for other in group if other.kind == "add_role"}
        found = sorted(
            (other.alias in with_roles, other.alias or "")
            for other in group
            if other.kind == "add_membership" and self.snapshot.organizations[other.alias or ""].code
        )
        return found[0][1] if found else None

    def _find_linked(self, email: str, link: str, begun: float) -> fields.Json | None:
        """Find the account that an earlier creation of the same person made, by this run or by another one.

        Another run may have made it with another address, and an account may have no address yet. Kinde cannot be asked
        for a link, so all users are read if the address finds no account, at most once in a run.

        :param email: the address; empty for an account that gets its sign-in later.
        :param link: the link.
        :param begun: when the creation was first sent (monotonic clock).
        :raises ChangeFailed: the address belongs to another account, which this sync must not touch; or all users were
            read before the creation was sent, and nothing else can find an account without an address.
        """
        for address in dict.fromkeys((email, email.lower())) if email else ():
            for user in fields.list_in(self.client.get_users(email=address), "users"):
                if user.get("provided_id") == link:
                    return fields.fields_of(user)
                if email_key(fields.text_in(user, "email")) == email_key(email):
                    raise ChangeFailed("another Kinde account took this address while the run was going: run again")
        return self._links.find(link, None if email else begun)

    def _connect(self, user_id: str, change: Change) -> None:
        """Let the person sign in by the connection of the spec, if the change says so.

        :raises ChangeFailed: another account has this sign-in.
        """
        if "connection" not in (change.after or {}):
            return
        assert change.person is not None
        try:
            connect(self.client, user_id, change.person)
        except KindeConflictError as error:
            raise ChangeFailed(
                f"the account {user_id} cannot sign in by {change.person.connection}: another Kinde account has this "
                f"sign-in ({error}). Delete it there, then run again"
            ) from error

    def adopt(self, change: Change) -> None:
        """Take over an account: the link and the names in one request (``PATCH /user``).

        :param change: the adoption.
        """
        self.client.update_user(change.user_id, provided_id=str(Link(self.spec.name, change.id)), **_names(change))
        self._write_properties(change.user_id, change)
        self._connect(change.user_id, change)

    # -- movers -------------------------------------------------------------------------------------------------

    def update(self, change: Change) -> None:
        """Write names (``PATCH /user``) and properties (``PATCH /users/{id}/properties``), each only if it changes.

        :param change: the update.
        """
        if names := _names(change):
            self.client.update_user(change.user_id, **names)
        self.finish_update(change)

    def _write_properties(self, user_id: str, change: Change) -> None:
        assert change.after is not None
        users.write_properties(self.client, user_id, change.after.get("properties") or {})

    def rename(self, change: Change) -> None:
        """Change the address: mark the account, add the address, make it primary, drop the former one, drop the mark.

        The mark says which identity to drop, and which address was added. A run that ends in the middle is finished by
        the next one. If HR has another address by then, the address that was added is dropped first.

        :param change: the rename.
        :raises ChangeFailed: another run gave the account another address at the same time.
        """
        account, person = change.account, change.person
        assert account is not None
        assert account.link is not None
        assert person is not None
        if person.connection:
            change_address(self.client, account, account.link, person)
            return
        identities = users.read_identities(self.client, account.id)
        ids = {str(identity["id"]) for identity in identities}
        link = account.link
        new_id = users.email_identity(identities, person.email)
        present = users.email_identity(identities, account.email)
        if stray := _added_address(identities, link, (new_id, present)):
            users.delete_identity(self.client, stray)
        former = link.renaming or present
        if link.renaming and present not in (None, link.renaming, new_id):
            # An earlier rename made its own new address primary, and HR now has a third one. The earlier rename is
            # finished first, or its address would stay behind as a sign-in.
            if link.renaming != new_id and link.renaming in ids:
                users.delete_identity(self.client, link.renaming)
            former = present
        adding = "" if new_id else person.email
        if (
            former
            and former != new_id
            and (former != link.renaming or (adding and link.adding != address_digest(adding)))
        ):
            link = link.with_renaming(former, adding)
            self.client.update_user(account.id, provided_id=str(link))
        if new_id is None:
            new_id = users.add_email(self.client, account.id, person.email)
        if email_key(account.email) != email_key(person.email):
            users.make_primary(self.client, new_id)
        # Where the former address is gone already, another run changed the address at the same time.
        other = present is None and bool(account.email)
        if link.renaming != new_id and link.renaming in ids:
            other |= not users.delete_identity(self.client, link.renaming)
        primary = self._drop_others(account, person) if other else person.email
        if link.renaming:
            self.client.update_user(account.id, provided_id=str(link.with_renaming("")))
        if email_key(primary) != email_key(person.email):
            raise ChangeFailed("another run changed the address at the same time: run again")

    def _drop_others(self, account: Account, person: Person) -> str:
        """Drop the addresses that runs at the same time added, but for the primary one.

        An address that the account had when the plan was made is the user's own, and stays.

        :param account: the account as the plan found it.
        :param person: the person according to HR.
        :returns: the primary address.
        """
        primary = fields.email_of(fields.fields_of(self.client.get_user_data(account.id))) or person.email
        for identity in users.read_identities(self.client, account.id):
            address = fields.address_of(identity)
            if identity.get("type") == "email" and address not in {email_key(primary), *account.addresses}:
                users.delete_identity(self.client, str(identity["id"]))
        return primary

    def enable(self, change: Change, update: Change | None) -> None:
        """Enable an account, drop its marks and write its names, in one request (``PATCH /user``).

        :param change: the enabling.
        :param update: an update of the same person, whose names are written with it.
        """
        account = change.account
        assert account is not None
        names = _names(update) if update else {}
        body: dict[str, Any] = {"provided_id": str(Link(self.spec.name, change.id)), **names}
        if account.suspended:
            body["is_suspended"] = False
        self.client.update_user(account.id, **body)

    def finish_update(self, change: Change) -> None:
        """Write the rest of an update whose names were written with the enabling.

        :param change: the update.
        """
        self._write_properties(change.user_id, change)
        self._connect(change.user_id, change)

    # -- leavers ------------------------------------------------------------------------------------------------

    def suspend(self, change: Change) -> None:
        """Suspend a leaver (unless memberships were removed instead), end sessions, delete API keys, write the mark.

        The request that suspends the account also marks it as leaving. So if the run is killed after it, the next run
        knows who suspended the account. An account that is suspended without a mark was suspended by another party,
        and the last mark says so.

        :param change: the suspension.
        """
        account = change.account
        assert account is not None
        assert change.after is not None
        link = account.link
        if link is None:  # the onboarding form made it: without a mark, only a person enables it again
            # Its suspension is what a later run would not see again, so it is the last request.
            self._end_access(change)
            self.client.update_user(account.id, is_suspended=True)
            change.steps["suspended"] = self.clock()
            return
        if change.after.get("suspended") and not account.suspended:
            link = link.with_leaving(self.today)
            self.client.update_user(account.id, is_suspended=True, provided_id=str(link))
            change.steps["suspended"] = self.clock()
        self._end_access(change)
        barred = account.suspended and not link.may_return
        self.client.update_user(account.id, provided_id=str(link.with_left(self.today, barred=barred)))

    def _end_access(self, change: Change) -> None:
        """End what outlives a suspension: sessions and API keys."""
        assert change.account is not None
        user_id = change.account.id
        if self.spec.leaver.end_sessions:
            users.end_sessions(self.client, user_id)
            change.steps["sessions"] = self.clock()
        if self.spec.leaver.delete_api_keys:
            users.delete_api_keys(self.client, user_id)
            change.steps["api_keys"] = self.clock()

    def delete(self, change: Change) -> None:
        """Delete an account (``DELETE /user``); an account that is missing already is no error.

        :param change: the deletion.
        """
        users.delete_user(self.client, change.user_id)

    # -- organizations ------------------------------------------------------------------------------------------

    def create_organization(self, name: str, external_id: str) -> str:
        """Create an organization (``POST /organization``), unless another run created it since the plan.

        Two runs can create it at the same moment, since Kinde takes one name twice. Both look again: the organization
        with the smaller code stays, and the run that created the other one, which is empty, removes it.

        :param name: its name.
        :param external_id: its external_id.
        :returns: its code.
        :raises ChangeFailed: several organizations have the name or the external_id, or none has.
        """

        def codes() -> list[str]:
            listed = list(self.client.iter_organizations())
            found = fields.organizations_with(listed, "name", name)
            found += fields.organizations_with(listed, "external_id", external_id)
            return sorted({fields.id_in(item, "code") for item in found})

        def find() -> fields.Json | None:
            return next(({"code": code} for code in codes()), None)

        present = codes()
        if len(present) > 1:
            raise ChangeFailed(f"{len(present)} organizations are called {name!r} now: name the one meant by its code")
        if not present:
            creation = create_organization(self.client, find, name=name, external_id=external_id)
            made = str(creation.item["code"])
            present = codes()
            if creation.answered and made == next(iter(present), None) and len(present) > 1:
                # The run that made the other organization removes it if it looks now. If it looked before, it never
                # will, and this run removes its own.
                time.sleep(PAUSE)
                present = codes()
            if creation.answered and made in present and len(present) > 1:
                self.client.delete_organization(made)
                present.remove(made)
        if not present:
            raise ChangeFailed("Kinde accepted the new organization, but does not list it")
        return present[0]


def _added_address(identities: Sequence[fields.Json], link: Link, wanted: Collection[str | None]) -> str | None:
    """The identity that an unfinished rename added, unless it is wanted."""
    for identity in identities:
        address = fields.address_of(identity)
        if link.adding and address and address_digest(address) == link.adding and identity.get("type") == "email":
            return None if identity["id"] in wanted else str(identity["id"])
    return None


def _names(change: Change) -> dict[str, Any]:
    assert change.after is not None
    return {key: change.after[key] for key in ("given_name", "family_name") if key in change.after}
