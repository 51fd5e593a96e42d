"""What a probe creates in a tenant, and how it removes it. Nothing else is written to."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from functools import partial
from typing import Any

from airflow_provider_kinde.exceptions import KindeError, KindeNotFoundError

Removal = tuple[str, Callable[[], Any], Callable[[], Any]]
"""What the object is, the call that deletes it, and the call that forgets it afterwards."""


class CreatedObjects:
    """The throwaway objects of one probe. If the response to a create was lost, removal looks for the object.

    :param client: a ``KindeClient``.
    :param tag: a random text that distinguishes this probe's objects from all others.
    """

    def __init__(self, client: Any, tag: str) -> None:
        self.client = client
        self.tag = tag
        self.name = f"airflow-provider-kinde probe {tag}"
        self.key = f"airflow-provider-kinde-probe-{tag}"
        self.provided_id = f"probe-{tag}"
        self.users: dict[str, str] = {}
        """Id -> address."""
        self.organization = ""
        self.roles: dict[str, str] = {}
        """Key -> id. Likewise ``permissions``, whose ids are looked up: creating one does not tell."""
        self.permissions: dict[str, str] = {}
        self.kept_profiles: list[str] = []
        """Addresses whose profile Kinde kept although the user is gone."""
        self._unsure: dict[tuple[str, str], None] = {}

    def address(self, which: str) -> str:
        """An address of this probe, with upper and lower case, in a domain where mail is not delivered.

        :param which: a word that makes the address different from others.
        """
        return f"Airflow.Probe.{self.tag}.{which}@example.com"

    def create_user(self, address: str, profile: dict[str, str] | None = None, **more: Any) -> str:
        """Create a user with one address.

        :param address: the address.
        :param profile: names and other profile fields.
        :param more: further fields of the request.
        :returns: the id.
        :raises KindeError: Kinde refused.
        """
        names = {"given_name": "airflow-provider-kinde", "family_name": f"probe {self.tag}", **(profile or {})}
        identities = [{"type": "email", "details": {"email": address}}]
        answer = self._make(
            "user", address, lambda: self.client.create_user(profile=names, identities=identities, **more)
        )
        user_id = str((answer or {}).get("id") or "")
        if not user_id:
            self._unsure["user", address] = None
            raise KindeError(f"Kinde told no id of the new user {address}")
        self.users[user_id] = address
        return user_id

    def create_organization(self) -> str:
        """Create the organization.

        :returns: its code.
        :raises KindeError: Kinde refused.
        """
        answer = self._make("organization", self.name, lambda: self.client.create_organization(name=self.name))
        self.organization = str(((answer or {}).get("organization") or {}).get("code") or "")
        if not self.organization:
            self._unsure["organization", self.name] = None
            raise KindeError("Kinde told no code of the new organization")
        return self.organization

    def create_role(self, which: str) -> str:
        """Create a role.

        :param which: a word that makes the role different from others.
        :returns: its key.
        :raises KindeError: Kinde refused.
        """
        key = f"{self.key}-{which}"
        answer = self._make("role", key, lambda: self.client.create_role(name=f"{self.name} {which}", key=key))
        self.roles[key] = self._found("role", key, str(((answer or {}).get("role") or {}).get("id") or ""))
        return key

    def create_permission(self) -> str:
        """Create the permission.

        :returns: its key.
        :raises KindeError: Kinde refused.
        """
        self._make("permission", self.key, lambda: self.client.create_permission(name=self.name, key=self.key))
        self.permissions[self.key] = self._found("permission", self.key)
        return self.key

    def delete_user_plainly(self, user_id: str) -> None:
        """Delete a user whose profile Kinde may keep.

        :param user_id: Kinde's id of the user.
        """
        self.client.delete_user(user_id)
        del self.users[user_id]

    def remove(self) -> list[str]:
        """Remove everything.

        :returns: what could not be removed, with the reason; empty if all is gone.
        """
        left = [f"the profile of {address}, which Kinde keeps after a plain deletion" for address in self.kept_profiles]
        try:
            left += filter(None, [self._look(kind, name) for kind, name in list(self._unsure)])
            for what, delete, forget in self._known():
                try:
                    delete()
                except KindeNotFoundError:
                    pass
                except KindeError as error:
                    left.append(f"{what}: {error}")
                    continue
                forget()
        except KeyboardInterrupt:
            left += [f"{what}: interrupted" for what, _, _ in self._known()]
            left += [f"the {kind} {name}, if there is one: interrupted" for kind, name in self._unsure]
        return left

    def _make(self, kind: str, name: str, create: Callable[[], Any]) -> Any:
        # Noted before it is sent: Ctrl-C or a lost answer may come after Kinde did it.
        self._unsure[kind, name] = None
        try:
            answer = create()
        except KindeError as error:
            if not error.fate_unknown:
                self._unsure.pop((kind, name), None)
            raise
        self._unsure.pop((kind, name), None)
        return answer

    def _known(self) -> list[Removal]:
        delete = self.client
        removals: list[Removal] = [
            (
                f"user {user_id} ({address})",
                partial(delete.delete_user, user_id, True),
                partial(self.users.pop, user_id),
            )
            for user_id, address in self.users.items()
        ]
        if self.organization:
            what = f"organization {self.organization} ({self.name})"
            removals.append((what, partial(delete.delete_organization, self.organization), self._forget))
        for key, role in self.roles.items():
            removals.append((f"role {key}", partial(delete.delete_role, role), partial(self.roles.pop, key)))
        for key, permission in self.permissions.items():
            forget = partial(self.permissions.pop, key)
            removals.append((f"permission {key}", partial(delete.delete_permission, permission), forget))
        return removals

    def _forget(self) -> None:
        self.organization = ""

    def _found(self, kind: str, key: str, told: str = "") -> str:
        self._unsure[kind, key] = None
        found = told or self._id_of(kind, key)
        if not found:
            raise KindeError(f"the new {kind} {key} is not in Kinde's list of them")
        del self._unsure[kind, key]
        return found

    def _look(self, kind: str, name: str) -> str:
        """Find an object whose creation had no response. Its name holds the tag, so a match is this probe's own.

        :returns: why it is unknown whether the object exists; empty if that is known.
        """
        try:
            if kind == "user":
                for user in self.client.iter_users(email=name):
                    self.users[str(user["id"])] = name
            elif kind == "organization":
                for organization in self.client.iter_organizations():
                    if organization.get("name") == name:
                        self.organization = str(organization["code"])
            elif found := self._id_of(kind, name):
                (self.roles if kind == "role" else self.permissions)[name] = found
        except (KindeError, LookupError, TypeError, AttributeError) as error:
            return f"the {kind} {name}, if there is one: {error}"
        self._unsure.pop((kind, name), None)
        return ""

    def _id_of(self, kind: str, key: str) -> str:
        walk = self.client.iter_roles if kind == "role" else self.client.iter_permissions
        return next((str(item["id"]) for item in walk() if item.get("key") == key), "")


def stranger(real: str) -> str:
    """An id that does not exist, in the form of a real one: ``kp_`` and random hexadecimal digits.

    :param real: the real id.
    """
    head = re.match(r".*[_:]", real)
    start = head[0] if head else ""
    return start + secrets.token_hex(len(real))[: len(real) - len(start)]
