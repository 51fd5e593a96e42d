"""The users that an operator names for an organization: checked, found in Kinde, and written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_kinde.client.endpoints.memberships import BULK
from airflow_provider_kinde.exceptions import KindeInputError, KindeNotFoundError
from airflow_provider_kinde.resources import fields
from airflow_provider_kinde.resources.members import (
    MemberChange,
    MemberWriter,
    Roles,
    check_done,
    is_refusal,
    read_members,
)
from airflow_provider_kinde.resources.queries import (
    UserName,
    check_keys,
    find_users,
    held_roles,
    missing_user,
    run_query,
    text,
)

FEW = 10
"""For so many users, roles are read one user at a time; for more, from the list of all members."""

_FIELDS = {"id", "user_id", "email", "user", "roles", "permissions"}


@dataclass(frozen=True, slots=True)
class DesiredMember:
    """One user as an operator's parameters name it.

    :param name: the user's id or address.
    :param roles: role keys; ``None`` where none were named.
    :param permissions: permission keys; ``None`` where none were named.
    """

    name: UserName
    roles: tuple[str, ...] | None
    permissions: tuple[str, ...] | None


@dataclass(slots=True)
class FoundMember:
    """One of these users, found in Kinde.

    :param id: Kinde's id of the user.
    :param desired: what the operator's parameters say.
    :param is_member: whether the user is in the organization.
    :param roles: keys of the roles held there, once they are read.
    """

    id: str
    desired: DesiredMember
    is_member: bool
    roles: frozenset[str] = frozenset()

    @property
    def lacks(self) -> frozenset[str]:
        """Role keys that the parameters name and that the user does not hold."""
        return frozenset(self.desired.roles or ()) - self.roles


def desired_members(
    users: Sequence[Any], roles: Sequence[str] | None, permissions: Sequence[str] | None
) -> list[DesiredMember]:
    """Check the users that an operator was given.

    :param users: ids, addresses, or mappings with ``id`` (or ``user_id``) or ``email``, ``roles``, ``permissions``.
    :param roles: role keys for users without roles of their own.
    :param permissions: permission keys for users without permissions of their own.
    :raises KindeInputError: a user is none of these.
    """
    found = []
    for user in users:
        item = user if isinstance(user, Mapping) else {"user": user}
        if unknown := sorted(map(str, item.keys() - _FIELDS)):
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


class OrganizationUsers:
    """Users whom an operator names for one organization.

    :param client: a ``KindeClient``.
    :param code: the organization's code.
    :param desired: the users as the operator's parameters name them.
    :raises KindeInputError: Kinde does not have a role or permission, or one user is named in two different ways.
    """

    def __init__(self, client: Any, code: str, desired: Sequence[DesiredMember]) -> None:
        self.client, self.code = client, code
        self.role_ids = run_query(check_keys("role", (key for one in desired for key in one.roles or ())), client)
        self.permission_ids = run_query(
            check_keys("permission", (key for one in desired for key in one.permissions or ())), client
        )
        users: dict[str, FoundMember] = {}
        self.missing: list[UserName] = []
        for one, user in zip(desired, run_query(find_users([one.name for one in desired]), client), strict=True):
            if user is None:
                self.missing.append(one.name)
                continue
            found = FoundMember(str(user["id"]), one, fields.is_member(user, code))
            known = users.setdefault(found.id, found)
            if (known.desired.roles, known.desired.permissions) != (one.roles, one.permissions):
                raise KindeInputError(f"the user {found.id} is named twice, with different roles or permissions")
        self.users = list(users.values())

    def require_all(self) -> None:
        """Check that all users are in Kinde.

        :raises KindeNotFoundError: some are not; the message names them.
        """
        if self.missing:
            raise missing_user(self.missing)

    def read_roles(self, users: Sequence[FoundMember]) -> None:
        """Read which roles users hold in the organization.

        :param users: some of the users; ``is_member`` and ``roles`` are set.
        """
        members = self._read([user.id for user in users])
        for user in users:
            user.is_member, user.roles = user.id in members, members.get(user.id, frozenset())

    def add(self, users: Sequence[FoundMember]) -> list[str]:
        """Make users members (``POST /organizations/{code}/users``).

        Kinde may refuse a user who is a member already. The users are read again, so that is no error.

        :param users: some of the users.
        :returns: ids of the users who were added.
        :raises KindeError: a user is not a member afterwards.
        """
        changes = [
            MemberChange(
                user.id,
                None,
                frozenset(user.desired.roles or ()),
                user.desired.permissions,
                user.desired.roles is not None,
            )
            for user in users
        ]
        return self._write(changes, MemberWriter(self.client, self.code, request=self.client.add_organization_users))

    def remove(self, users: Sequence[FoundMember]) -> list[str]:
        """Remove users from the organization (``PATCH /organizations/{code}/users``).

        :param users: some of the users.
        :returns: ids of the users who were removed; users who left in the meantime are not among them.
        :raises KindeError: a user is a member afterwards.
        """
        changes = [MemberChange(user.id, user.roles, None) for user in users]
        return self._write(changes, MemberWriter(self.client, self.code))

    def _write(self, changes: list[MemberChange], writer: MemberWriter[MemberChange]) -> list[str]:
        """Add or remove users, and go by what ``GET /users`` says afterwards. Roles of new members are not read."""
        _send(writer, changes)
        users = run_query(find_users([UserName(user_id=change.user_id) for change in changes]), self.client)
        inside = {fields.id_in(user) for user in users if fields.is_member(user, self.code)}
        now = {change.user_id: change.after or frozenset() for change in changes if change.user_id in inside}
        check_done(self.code, changes, now)
        return [change.user_id for change in changes if change.error is None or change.error.fate_unknown]

    def set_roles(
        self, users: Sequence[FoundMember], targets: Mapping[str, frozenset[str]], *, with_permissions: bool = True
    ) -> None:
        """Give members exactly these roles (``PATCH /organizations/{code}/users``).

        :param users: some of the users, whose roles were read.
        :param targets: user id -> role keys.
        :param with_permissions: whether they get exactly the permissions that are named for them as well.
        :raises KindeError: a user does not hold exactly these roles afterwards.
        """
        if not users:
            return
        changes = [
            MemberChange(user.id, user.roles, targets[user.id], user.desired.permissions if with_permissions else None)
            for user in users
        ]
        writer = MemberWriter[MemberChange](self.client, self.code, role_ids=self.role_ids or None)
        _send(writer, changes)
        ids = [change.user_id for change in changes]
        check_done(self.code, changes, writer.correct(changes, lambda: self._read(ids)))

    def change_permissions(self, users: Sequence[FoundMember], *, take: bool) -> list[str]:
        """Give members permissions, or take them, one by one (``…/users/{id}/permissions``).

        :param users: some of the users, all members.
        :param take: whether the permissions are taken.
        :returns: ids of the users of whom a permission was given or taken.
        :raises KindeInputError: a permission that is to be taken comes with a role; nothing was written.
        """
        due = [(user.id, self._due_permissions(user, take)) for user in users]
        request = (
            self.client.delete_organization_user_permission if take else self.client.create_organization_user_permission
        )
        for user_id, keys in due:
            for key in keys:
                try:
                    request(self.code, user_id, self.permission_ids[key])
                except KindeNotFoundError:
                    if not take:
                        raise
        return [user_id for user_id, keys in due if keys]

    def _due_permissions(self, user: FoundMember, take: bool) -> list[str]:
        answer = self.client.get_organization_user_permissions(self.code, user.id, expand="roles")
        held = {str(item.get("key")): item for item in map(fields.fields_of, fields.list_in(answer, "permissions"))}
        wanted = frozenset(user.desired.permissions or ())
        if not take:
            return sorted(wanted - held.keys())
        due = sorted(wanted & held.keys())
        for key in due:
            if roles := sorted(fields.roles_in(held[key])):
                raise KindeInputError(
                    f"the user {user.id} has the permission {key!r} by {fields.some(roles)}: take that role, "
                    f"or take the permission from it"
                )
        return due

    def _read(self, ids: Sequence[str]) -> Roles:
        """Read the roles of some members: user id -> role keys."""
        if len(ids) > FEW:
            return read_members(self.client, self.code, frozenset(ids))
        found = {user_id: run_query(held_roles(self.code, user_id), self.client) for user_id in ids}
        return {user_id: roles for user_id, roles in found.items() if roles is not None}


def _send(writer: MemberWriter[MemberChange], changes: Sequence[MemberChange]) -> None:
    """Send changes; after an error that is no refusal of a user, the rest is not sent."""
    for start in range(0, len(changes), BULK):
        chunk = changes[start : start + BULK]
        writer.send(chunk)
        if any(change.error and not is_refusal(change.error) for change in chunk):
            return


def add_member(client: Any, code: str, user_id: str, roles: Sequence[str]) -> list[str]:
    """Make a user a member of an organization, or give a member the roles that they lack. No role is taken away.

    :param client: a ``KindeClient``.
    :param code: the organization's code.
    :param user_id: Kinde's id of the user.
    :param roles: role keys.
    :returns: what was written: ``organization``, ``roles``, both or nothing.
    """
    organization = OrganizationUsers(
        client, code, [DesiredMember(UserName(user_id=user_id), tuple(roles) or None, None)]
    )
    organization.require_all()
    member = organization.users[0]
    if not member.is_member:
        organization.add([member])
        return ["organization", *(["roles"] if roles else [])]
    if roles:
        organization.read_roles([member])
        if member.lacks:
            organization.set_roles([member], {user_id: member.roles | member.lacks})
            return ["roles"]
    return []
