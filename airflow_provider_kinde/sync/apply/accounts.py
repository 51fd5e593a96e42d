"""Writes on accounts and organizations: the steps of each kind of operation, and what is looked up before a re-send."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from airflow_provider_kinde.client.create_once import create_once
from airflow_provider_kinde.exceptions import KindeAuthError, KindeError, KindeNotFoundError
from airflow_provider_kinde.resources.normalization import clean_name, email_key
from airflow_provider_kinde.sync.changes import Change
from airflow_provider_kinde.sync.link import Link
from airflow_provider_kinde.sync.snapshot.directories import Refusals
from airflow_provider_kinde.sync.snapshot.reader import Snapshot, address_of
from airflow_provider_kinde.sync.spec.models import SyncSpec

PAUSE = 1.0
"""Seconds after which another run that made the same organization has seen this one's."""


class ChangeFailed(Exception):
    """An operation could not be done, though no single request says so."""


class ChangeSkipped(ChangeFailed):
    """An operation was not tried, because what it depends on did not succeed."""


class Accounts:
    """Carries out operations on single people.

    :param today: UTC day of the run: what a leaver's mark says.
    """

    def __init__(self, spec: SyncSpec, snapshot: Snapshot, client: Any, today: date) -> None:
        self.spec, self.snapshot, self.client, self.today = spec, snapshot, client, today
        self.refusals = Refusals(client)

    # -- joiners ------------------------------------------------------------------------------------------------

    def create(self, operation: Change, siblings: Sequence[Change]) -> None:
        """``POST /user``, with one of the organizations that the person is due, which saves a request."""
        person = operation.person
        assert person is not None
        alias = self._home(siblings)
        link = str(Link(self.spec.name, person.id))
        profile = {"given_name": person.given_name, "family_name": person.family_name}
        body: dict[str, Any] = {
            "profile": {key: value for key, value in profile.items() if value},
            "provided_id": link,
            "identities": [{"type": "email", "details": {"email": person.email}}],
        }
        if alias:
            body["organization_code"] = self.snapshot.organizations[alias].code

        def send() -> str:
            answer = self.client.create_user(**body) or {}
            made = [i for i in answer.get("identities") or () if isinstance(i, Mapping)]
            if any((i.get("result") or {}).get("created") is False for i in made):
                raise ChangeFailed(
                    "Kinde made the account, but not its address; remove the account by hand and run again"
                )
            # What was not created now is somebody's: it is taken only if it carries this person's link.
            user_id = answer.get("id") if answer.get("created") is not False else None
            user_id = user_id or self._mine(person.email, link)
            if not user_id:
                raise ChangeFailed("Kinde answered the creation without an id, and no account has the address")
            return str(user_id)

        try:
            user_id, sent = create_once(send, lambda: self._mine(person.email, link))
        except KindeError as error:
            if not alias or isinstance(error, KindeAuthError):
                raise
            raise ChangeFailed(self.refusals.words(body["organization_code"], error)) from error
        operation.joined = alias is not None
        for other in siblings:
            other.user_id = user_id
            if sent and other.kind == "add_membership" and other.alias == alias:
                other.joined = True
        self._write_properties(user_id, operation)

    def _home(self, siblings: Sequence[Change]) -> str | None:
        """The organization that a new account is made in: one without roles if possible, that needs no more then."""
        with_roles = {o.alias for o in siblings if o.kind == "add_role"}
        due = sorted(
            (o.alias in with_roles, o.alias or "")
            for o in siblings
            if o.kind == "add_membership" and self.snapshot.organizations[o.alias or ""].code
        )
        return due[0][1] if due else None

    def _mine(self, email: str, link: str) -> str | None:
        """The account that a lost creation left behind, if it did.

        :raises Failed: when the address belongs to another account, which this sync must not touch.
        """
        for address in dict.fromkeys((email, email.lower())):
            for user in (self.client.get_users(email=address) or {}).get("users") or ():
                if user.get("provided_id") == link:
                    return str(user["id"])
                if email_key(str(user.get("email") or "")) == email_key(email):
                    raise ChangeFailed("another Kinde account took this address while the run was going: run again")
        return None

    def adopt(self, operation: Change, group: Sequence[Change] = ()) -> None:
        """``PATCH /user``: the link and the names in one update."""
        link = str(Link(self.spec.name, operation.id))
        self.client.update_user(operation.user_id, provided_id=link, **_names(operation))
        self._write_properties(operation.user_id, operation)

    # -- movers -------------------------------------------------------------------------------------------------

    def update(self, operation: Change, group: Sequence[Change] = ()) -> None:
        """``PATCH /user`` for names, ``PATCH /users/{id}/properties`` for properties, each only where it changes."""
        if names := _names(operation):
            self.client.update_user(operation.user_id, **names)
        self._write_properties(operation.user_id, operation)

    def _write_properties(self, user_id: str, operation: Change) -> None:
        assert operation.after is not None
        if properties := operation.after.get("properties"):
            self.client.update_user_properties(user_id, properties=dict(properties))

    def rename(self, operation: Change, group: Sequence[Change] = ()) -> None:
        """Change the address: mark, new identity, make it primary, drop the former primary, unmark.

        Killed anywhere, the mark says which identity to drop, and the next run goes on from what it finds.
        """
        account, person = operation.account, operation.person
        assert account is not None
        assert account.link is not None
        assert person is not None
        identities = self._identities(account.id)
        target, link = email_key(person.email), account.link
        new_id, present = _identity(identities, target), _identity(identities, email_key(account.email))
        former = link.renaming or present
        if link.renaming and present not in (None, link.renaming, new_id):
            # An earlier change got as far as its own new address, and HR has yet another one: that one is finished
            # first, or its address would stay behind as a sign-in.
            if link.renaming != new_id and any(str(i["id"]) == link.renaming for i in identities):
                _tolerate_missing(lambda: self.client.delete_identity(former))
            former = present
        if former and former not in (link.renaming, new_id):
            link = link.with_renaming(former)
            self.client.update_user(account.id, provided_id=str(link))
        if new_id is None:
            new_id, _ = create_once(
                lambda: self._add_address(account.id, person.email),
                lambda: _identity(self._identities(account.id), target),
            )
        if email_key(account.email) != target:
            self.client.update_identity(new_id, is_primary=True)
        if link.renaming != new_id and any(str(i["id"]) == link.renaming for i in identities):
            _tolerate_missing(lambda: self.client.delete_identity(link.renaming))
        if link.renaming:
            self.client.update_user(account.id, provided_id=str(link.with_renaming("")))

    def _identities(self, user_id: str) -> list[Mapping[str, Any]]:
        """Those that can be named in a request."""
        return [i for i in self.client.iter_user_identities(user_id) if i.get("id")]

    def _add_address(self, user_id: str, email: str) -> str:
        answer = self.client.create_user_identity(user_id, type="email", value=email) or {}
        found = (answer.get("identity") or {}).get("id")
        if not found:
            found = _identity(self._identities(user_id), email_key(email))
        if not found:
            raise ChangeFailed("Kinde answered the new address without an id, and the account does not show it")
        return str(found)

    def enable(self, operation: Change, update: Change | None) -> None:
        """``PATCH /user``: enabled, unmarked, and under the name that HR has now, in one request.

        :param update: an update of the same person, whose names ride along.
        """
        account = operation.account
        assert account is not None
        names = _names(update) if update else {}
        body: dict[str, Any] = {"provided_id": str(Link(self.spec.name, operation.id)), **names}
        if account.suspended:
            body["is_suspended"] = False
        self.client.update_user(account.id, **body)

    def enabled_update(self, operation: Change) -> None:
        """What is left of an update whose names went with the enabling."""
        self._write_properties(operation.user_id, operation)

    # -- leavers ------------------------------------------------------------------------------------------------

    def suspend(self, operation: Change, group: Sequence[Change] = ()) -> None:
        """Suspend (unless memberships were removed instead), end sessions, and mark: the mark is the last write."""
        account = operation.account
        assert account is not None
        assert account.link is not None
        assert operation.after is not None
        if operation.after.get("suspended") and not account.suspended:
            self.client.update_user(account.id, is_suspended=True)
        if self.spec.leaver.end_sessions:
            _tolerate_missing(lambda: self.client.delete_user_sessions(account.id))
        self.client.update_user(account.id, provided_id=str(account.link.with_left(self.today)))

    def delete(self, operation: Change, group: Sequence[Change] = ()) -> None:
        """``DELETE /user``; an account that is gone already is what was wanted."""
        _tolerate_missing(lambda: self.client.delete_user(operation.user_id))

    # -- organizations ------------------------------------------------------------------------------------------

    def create_organization(self, name: str) -> str:
        """``POST /organization``, unless another run has made it since the plan; returns its code.

        Two runs may still make it at the same moment, since Kinde takes one name twice. Both look again: the smaller
        code stays, and whoever made the other one, empty as it is, removes it. Where the other run had looked before
        this one made its own, the other's stays.
        """

        def look() -> list[str]:
            listed = self.client.iter_organizations()
            return sorted(str(o["code"]) for o in listed if clean_name(str(o.get("name") or "")) == name)

        def send() -> str | None:
            return ((self.client.create_organization(name=name) or {}).get("organization") or {}).get("code")

        present = look()
        if len(present) > 1:
            raise ChangeFailed(f"{len(present)} organizations are called {name!r} now: name the one meant by its code")
        if not present:
            made, sent = create_once(send, lambda: next(iter(look()), None))
            present = look()
            if sent and made == next(iter(present), None) and len(present) > 1:
                # The run that made the other one removes it, if it looks now; if it looked before, it never will.
                time.sleep(PAUSE)
                present = look()
            if sent and made in present and len(present) > 1:
                self.client.delete_organization(made)
                present.remove(made)
        if not present:
            raise ChangeFailed("Kinde took the creation, but lists no such organization")
        return present[0]


def _tolerate_missing(work: Callable[[], object]) -> None:
    with contextlib.suppress(KindeNotFoundError):
        work()


def _identity(identities: Sequence[Mapping[str, Any]], address: str) -> str | None:
    """Id of the e-mail identity with this address."""
    for identity in identities:
        if identity.get("type") == "email" and address_of(identity) == address:
            return str(identity["id"])
    return None


def _names(operation: Change) -> dict[str, Any]:
    assert operation.after is not None
    return {key: operation.after[key] for key in ("given_name", "family_name") if key in operation.after}
