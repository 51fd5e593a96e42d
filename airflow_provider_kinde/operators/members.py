"""Add, change and remove the members of a Kinde organization, and their roles. Each operator may run again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow_provider_kinde.operators.base import IfExists, IfMissing, airflow_errors, listed, one_of, optional_list
from airflow_provider_kinde.operators.organization_base import OrganizationOperator, Result

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_kinde.resources.desired_members import FoundMember, OrganizationUsers


class _MembersOperator(OrganizationOperator):
    """What operators on an organization's members share."""

    template_fields: Sequence[str] = (*OrganizationOperator.template_fields, "users", "roles", "permissions")
    template_fields_renderers: ClassVar[dict[str, str]] = {"users": "json", "roles": "json", "permissions": "json"}

    def __init__(
        self,
        *,
        users: Sequence[Any] | str,
        roles: Sequence[str] | str | None = None,
        permissions: Sequence[str] | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.users = users
        self.roles = roles
        self.permissions = permissions

    @airflow_errors()
    def execute(self, context: Context) -> Result:
        """Read the members, and write what differs, 100 users to a request.

        :raises KindeInputError: an empty list, an invalid id, an unknown role, or an address that two users have.
        :raises KindeNotFoundError: no such organization or user.
        """
        from airflow_provider_kinde.resources.desired_members import OrganizationUsers, desired_members

        name = self._name()
        roles, permissions = optional_list(self.roles, "roles"), optional_list(self.permissions, "permissions")
        wanted = desired_members(listed(self.users, "users"), roles, permissions)
        with self._client(context) as client:
            code = self._code(client, name)
            found = self._act(OrganizationUsers(client, code, wanted))
        self.log.info("%s: %s", code, ", ".join(f"{len(ids)} {what}" for what, ids in found.items()))
        return {"org_code": code, **found}

    def _act(self, organization: OrganizationUsers) -> dict[str, list[str]]:
        raise NotImplementedError


class KindeAddOrganizationUsersOperator(_MembersOperator):
    """Make users members of an organization, however many.

    :param org_code: the organization's code (templated), or one of ``handle``, ``external_id`` and ``name``.
    :param users: ids, addresses, or mappings with ``id`` or ``email`` and their own ``roles`` and ``permissions``
        (templated): a list, or a text with commas.
    :param roles: role keys for users without roles of their own (templated). ``permissions`` likewise.
    :param if_exists: for those who are members already: ``skip`` leaves them alone, ``update`` gives them the roles
        that they lack (and takes none), ``fail`` fails the task before anything is written.
    :param kinde_conn_id: Airflow connection (templated).
    :returns: ``{org_code, added, updated, unchanged}``, the last three lists of user ids.
    """

    def __init__(self, *, if_exists: IfExists = "skip", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.if_exists = one_of("if_exists", if_exists, "skip", "update", "fail")

    def _act(self, organization: OrganizationUsers) -> dict[str, list[str]]:
        from airflow_provider_kinde.exceptions import KindeConflictError
        from airflow_provider_kinde.resources.fields import some

        organization.require_all()
        there = [user for user in organization.users if user.is_member]
        if there and self.if_exists == "fail":
            ids = some([user.id for user in there])
            raise KindeConflictError(
                f"already members of {organization.code}: {ids}", code="USER_ALREADY_IN_ORGANIZATION"
            )
        added = organization.add([user for user in organization.users if not user.is_member])
        due: list[FoundMember] = []
        if self.if_exists == "update":
            named = [user for user in there if user.desired.roles or user.desired.permissions is not None]
            organization.read_roles(named)
            due = [user for user in named if user.desired.permissions is not None or user.lacks]
            organization.set_roles(due, {user.id: user.roles | user.lacks for user in due})
        updated = [user.id for user in due]
        return {
            "added": added,
            "updated": updated,
            "unchanged": [user.id for user in there if user.id not in updated],
        }


class KindeUpdateOrganizationUsersOperator(_MembersOperator):
    """Say which roles members of an organization have, and which permissions they have beside these.

    :param org_code: the organization's code (templated), or one of ``handle``, ``external_id`` and ``name``.
    :param users: ids, addresses, or mappings with ``id`` or ``email`` and their own ``roles`` and ``permissions``
        (templated).
    :param roles: role keys for users without roles of their own (templated). ``permissions`` likewise.
    :param mode: ``replace``: exactly these roles and permissions; ``add``: these as well; ``remove``: without these.
        What is left out, roles or permissions, stays as it is. A permission that comes with a role cannot be taken
        from a member: the task fails before anything is written.
    :param if_missing: for those who are no members: ``fail`` before anything is written, or ``skip``.
    :param kinde_conn_id: Airflow connection (templated).
    :returns: ``{org_code, updated, unchanged, missing}``, the last three lists of user ids.
    """

    def __init__(
        self,
        *,
        mode: Literal["replace", "add", "remove"] = "replace",
        if_missing: IfMissing = "fail",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.mode = one_of("mode", mode, "replace", "add", "remove")
        self.if_missing = one_of("if_missing", if_missing, "skip", "fail")

    def _act(self, organization: OrganizationUsers) -> dict[str, list[str]]:
        from airflow_provider_kinde.exceptions import KindeInputError, KindeNotFoundError
        from airflow_provider_kinde.resources.fields import some

        if any(user.desired.roles is None and user.desired.permissions is None for user in organization.users):
            raise KindeInputError("roles or permissions are missing: name them for all users, or with each of them")
        outside = [user.id for user in organization.users if not user.is_member]
        if self.if_missing == "fail":
            organization.require_all()
            if outside:
                raise KindeNotFoundError(
                    f"not in {organization.code}: {some(outside)}", code="USER_NOT_IN_ORGANIZATION"
                )
        inside = [user for user in organization.users if user.is_member]
        organization.read_roles(inside)
        one_by_one = self.mode != "replace"
        changed = frozenset[str]()
        if one_by_one:
            named = [user for user in inside if user.desired.permissions]
            changed = frozenset(organization.change_permissions(named, take=self.mode == "remove"))
        targets = {user.id: self._target(user) for user in inside}
        due = [
            user
            for user in inside
            if targets[user.id] != user.roles or (user.desired.permissions is not None and not one_by_one)
        ]
        organization.set_roles(due, targets, with_permissions=not one_by_one)
        ids = changed.union(user.id for user in due)
        updated = [user.id for user in inside if user.id in ids]
        return {
            "updated": updated,
            "unchanged": [user.id for user in inside if user.id not in updated],
            "missing": outside + [str(name) for name in organization.missing if name.user_id],
        }

    def _target(self, user: FoundMember) -> frozenset[str]:
        from airflow_provider_kinde.resources.roles import target_of

        roles = user.desired.roles
        return user.roles if roles is None else target_of(self.mode, user.roles, roles)


class KindeRemoveOrganizationUsersOperator(_MembersOperator):
    """Take users out of an organization, however many. Their accounts stay.

    :param org_code: the organization's code (templated), or one of ``handle``, ``external_id`` and ``name``.
    :param users: ids, addresses, or mappings with ``id`` or ``email`` (templated).
    :param if_missing: for those who are no members: ``skip`` (as wanted) or ``fail`` before anything is written.
    :param kinde_conn_id: Airflow connection (templated).
    :returns: ``{org_code, removed, missing}``, the last two lists of user ids.
    """

    template_fields: Sequence[str] = (*OrganizationOperator.template_fields, "users")
    template_fields_renderers: ClassVar[dict[str, str]] = {"users": "json"}

    def __init__(self, *, users: Sequence[Any] | str, if_missing: IfMissing = "skip", **kwargs: Any) -> None:
        super().__init__(users=users, **kwargs)
        self.if_missing = one_of("if_missing", if_missing, "skip", "fail")

    def _act(self, organization: OrganizationUsers) -> dict[str, list[str]]:
        from airflow_provider_kinde.exceptions import KindeNotFoundError
        from airflow_provider_kinde.resources.fields import some

        outside = [user.id for user in organization.users if not user.is_member]
        outside += [str(name) for name in organization.missing if name.user_id]
        if self.if_missing == "fail":
            organization.require_all()
            if outside:
                raise KindeNotFoundError(
                    f"not in {organization.code}: {some(outside)}", code="USER_NOT_IN_ORGANIZATION"
                )
        return {
            "removed": organization.remove([user for user in organization.users if user.is_member]),
            "missing": outside,
        }
