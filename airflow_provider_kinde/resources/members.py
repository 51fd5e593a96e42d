"""Who is in an organization and with which roles: read first, then written 100 to a request, and what is due only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from airflow_provider_kinde.exceptions import KindeConflictError, KindeNotFoundError, KindeResponseError
from airflow_provider_kinde.resources import fields
from airflow_provider_kinde.resources.queries import (
    KindeInputError,
    UserName,
    check_keys,
    find_users,
    held_roles,
    missing_user,
    run_query,
    text,
)

CHUNK = 100
"""Kinde's limit for one bulk request."""
FEW = 10
"""Up to so many members, roles are read one by one rather than from the list of all members."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DesiredMember:
    """One user as an operator was told.

    :param roles: role keys; ``None`` where none were named. ``permissions`` likewise.
    """

    name: UserName
    roles: tuple[str, ...] | None
    permissions: tuple[str, ...] | None


@dataclass(slots=True)
class Entry:
    """One user in Kinde.

    :param member: whether the user is in the organization.
    """

    id: str
    wish: DesiredMember
    member: bool
    held: frozenset[str] = frozenset()

    def body(self, roles: Iterable[str] | None) -> dict[str, Any]:
        """The user as a bulk request has it."""
        body: dict[str, Any] = {"id": self.id}
        if roles is not None:
            body["roles"] = sorted(roles)
        if self.wish.permissions is not None:
            body["permissions"] = sorted(self.wish.permissions)
        return body


def desired_members(
    users: Sequence[Any], roles: Sequence[str] | None, permissions: Sequence[str] | None
) -> list[DesiredMember]:
    """Check the users that an operator was given.

    :param users: ids, addresses, or mappings with ``id`` (or ``user_id``) or ``email``, ``roles``, ``permissions``.
    :param roles: for those without roles of their own. ``permissions`` likewise.
    :raises KindeInputError: what is none of these.
    """
    found = []
    for user in users:
        item = user if isinstance(user, Mapping) else {"user": user}
        unknown = sorted(map(str, item.keys() - {"id", "user_id", "email", "user", "roles", "permissions"}))
        if unknown:
            raise KindeInputError(f"a user with {', '.join(unknown)}: expected id or email, roles, permissions")
        if "user" in item:
            name = UserName.parse(item["user"])
        else:
            named = {key: item[key] for key in ("user_id", "id", "email") if item.get(key) is not None}
            if wrong := [value for value in named.values() if not isinstance(value, str)]:
                raise KindeInputError(f"{wrong[0]!r} is neither an id nor an address")
            name = UserName.of(named.get("user_id") or named.get("id"), named.get("email"))
        found.append(DesiredMember(name, _keys(item.get("roles", roles)), _keys(item.get("permissions", permissions))))
    return found


def _keys(value: Any) -> tuple[str, ...] | None:
    if value is None:
        return None
    keys = [value] if isinstance(value, str) else list(value)
    if not all(isinstance(key, str) and text(key) for key in keys):
        raise KindeInputError(f"roles and permissions are keys, not {keys!r}")
    return tuple(dict.fromkeys(key.strip() for key in keys))


class Members:
    """Members of one organization.

    :param code: its code.
    :raises KindeInputError: a role or permission that Kinde does not have, or a user named twice in different ways.
    """

    def __init__(self, client: Any, code: str, wanted: Sequence[DesiredMember]) -> None:
        self.client, self.code = client, code
        self.role_ids = run_query(check_keys("role", (key for wish in wanted for key in wish.roles or ())), client)
        run_query(check_keys("permission", (key for wish in wanted for key in wish.permissions or ())), client)
        entries: dict[str, Entry] = {}
        self.missing: list[UserName] = []
        for wish, user in zip(wanted, run_query(find_users([wish.name for wish in wanted]), client), strict=True):
            if user is None:
                self.missing.append(wish.name)
                continue
            entry = Entry(str(user["id"]), wish, code in fields.codes_of(user))
            known = entries.setdefault(entry.id, entry)
            if (known.wish.roles, known.wish.permissions) != (wish.roles, wish.permissions):
                raise KindeInputError(f"the user {entry.id} is named twice, with different roles or permissions")
        self.entries = list(entries.values())

    def need_all(self) -> None:
        """Refuse to go on when somebody is not in Kinde.

        :raises KindeNotFoundError: naming them.
        """
        if self.missing:
            raise missing_user(self.missing)

    def add(self, entries: Sequence[Entry]) -> list[str]:
        """Make users members (``POST /organizations/{code}/users``).

        :returns: ids of those who were not.
        :raises KindeResponseError: Kinde says it is done, and it is not.
        """
        added: list[str] = []
        for chunk in chunks(entries):
            left = chunk
            try:
                answer = self._post(left)
            except KindeConflictError:
                # Somebody was added by somebody else since they were read.
                left = [entry for entry in chunk if entry.id not in self._members_of(chunk)]
                answer = self._post(left) if left else None
            done = ids_in(answer, "users_added")
            if unaccounted := [entry for entry in left if entry.id not in done]:
                self._verify(unaccounted)
            # Those whose answer got lost, too: the second one no longer counts them.
            added += [entry.id for entry in left]
        return added

    def _post(self, entries: Sequence[Entry]) -> Any:
        return self.client.add_organization_users(self.code, [entry.body(entry.wish.roles) for entry in entries])

    def _verify(self, entries: Sequence[Entry]) -> None:
        out = [entry.id for entry in entries if entry.id not in self._members_of(entries)]
        if out:
            raise KindeResponseError(
                f"Kinde took the request, but these users are not in {self.code}: {fields.some(out)}; run again"
            )

    def _members_of(self, entries: Sequence[Entry]) -> frozenset[str]:
        users = run_query(find_users([UserName(user_id=entry.id) for entry in entries]), self.client)
        return frozenset(str(user["id"]) for user in users if user and self.code in fields.codes_of(user))

    def read_roles(self, entries: Sequence[Entry]) -> None:
        """Fill in which roles members hold."""
        if len(entries) <= FEW:
            for entry in entries:
                held = run_query(held_roles(self.code, entry.id), self.client)
                entry.member, entry.held = held is not None, held or frozenset()
            return
        listed = {
            str(member.get("id")): fields.keys_in(member, "roles")
            for member in self.client.iter_organization_users(self.code)
        }
        for entry in entries:
            entry.member, entry.held = entry.id in listed, listed.get(entry.id, frozenset())

    def set_roles(self, entries: Sequence[Entry], targets: Mapping[str, frozenset[str]]) -> None:
        """Give members exactly these roles.

        Whether ``roles`` in Kinde's PATCH replaces or merges is not documented: what is left over is taken one by one.

        :param targets: user id to role keys.
        """
        for chunk in chunks(entries):
            body = [entry.body(targets[entry.id]) for entry in chunk]
            self.client.update_organization_users(self.code, body)
        shrunk = [entry for entry in entries if entry.held - targets[entry.id]]
        if not shrunk:
            return
        self.read_roles(shrunk)
        ids = self.role_ids or {str(role.get("key")): role.get("id") for role in self.client.iter_roles()}
        for entry in shrunk:
            for key in sorted(entry.held - targets[entry.id]):
                with suppress(KindeNotFoundError):
                    self.client.delete_organization_user_role(self.code, entry.id, fields.id_in(ids, key))

    def remove(self, entries: Sequence[Entry]) -> list[str]:
        """Take members out (``PATCH`` with ``operation: delete``).

        :returns: their ids.
        :raises KindeResponseError: Kinde says it is done, and it is not.
        """
        removed: list[str] = []
        for chunk in chunks(entries):
            try:
                self.client.remove_organization_users(self.code, [entry.id for entry in chunk])
            except KindeNotFoundError:
                # Somebody left since they were read, and the whole request was refused.
                still = self._members_of(chunk)
                for user_id in still:
                    with suppress(KindeNotFoundError):
                        self.client.remove_organization_user(self.code, user_id)
                removed += [entry.id for entry in chunk if entry.id in still]
                continue
            removed += [entry.id for entry in chunk]
        if removed and (left := self._members_of([entry for entry in entries if entry.id in removed])):
            raise KindeResponseError(
                f"Kinde took the request, but these users are still in {self.code}: {fields.some(sorted(left))}"
            )
        return removed


def chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Parts of what Kinde takes at once."""
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]


def ids_in(answer: Any, key: str) -> frozenset[str]:
    """Ids in a bulk answer."""
    listed = fields.list_in(answer, key)
    return frozenset(str(item.get("id") if isinstance(item, Mapping) else item) for item in listed)
