"""Change the permissions of a role, and refresh the claims of users. Each operator may run again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow_provider_kinde.operators.base import (
    IfMissing,
    KindeOperator,
    airflow_errors,
    listed,
    one_of,
    optional_list,
)

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class KindeUpdateRolePermissionsOperator(KindeOperator):
    """Say which permissions a role gives. What is so already is not written.

    Tokens that users hold keep the old permissions until they expire, or until
    :class:`KindeRefreshUserClaimsOperator` has run.

    :param role: the role's key (templated).
    :param permissions: permission keys (templated): a list, or a text with commas.
    :param mode: ``replace``: exactly these permissions; ``add``: these as well; ``remove``: without these.
    :param kinde_conn_id: Airflow connection (templated).
    :returns: ``{role_id, outcome, changed}`` with the outcome ``updated`` or ``unchanged``; ``changed`` holds the keys
        of the permissions that were given or taken.
    """

    template_fields: Sequence[str] = ("kinde_conn_id", "role", "permissions")
    template_fields_renderers: ClassVar[dict[str, str]] = {"permissions": "json"}

    def __init__(
        self,
        *,
        role: str,
        permissions: Sequence[str] | str,
        mode: Literal["replace", "add", "remove"] = "replace",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.role = role
        self.permissions = permissions
        self.mode = one_of("mode", mode, "replace", "add", "remove")

    @airflow_errors()
    def execute(self, context: Context) -> dict[str, Any]:
        """``PATCH /roles/{id}/permissions`` with what differs.

        :param context: Airflow's context of the task.
        :raises KindeInputError: Kinde does not have the role or a permission, or no key is given.
        """
        from airflow_provider_kinde.resources.roles import write_role_permissions

        role, permissions = role_key(self.role), optional_list(self.permissions, "permissions")
        if permissions is None or (not permissions and self.mode != "replace"):
            from airflow_provider_kinde.exceptions import KindeInputError

            raise KindeInputError("permissions is empty")
        keys = [str(key).strip() for key in permissions]
        with self._client(context) as client:
            role_id, changed = write_role_permissions(client, role, keys, self.mode)
        return {"role_id": role_id, "outcome": "updated" if changed else "unchanged", "changed": changed}


class KindeRefreshUserClaimsOperator(KindeOperator):
    """Have the next tokens of users carry what Kinde knows now: of some users, or of all holders of a role.

    Kinde does so by itself after a change of a user, a membership or a role of a user. It is needed after a change of
    what a role gives, and of feature flags of an organization or of the environment.

    :param users: ids or addresses (templated): a list, or a text with commas; or
    :param role: the key of a role, for all who hold it (templated).
    :param org_code: with ``role``: the organization in which they hold it (templated); any when left out. Or one of
        ``handle``, ``external_id`` and ``name``.
    :param handle: the organization's handle (templated).
    :param external_id: the id that you gave to the organization (templated).
    :param name: the organization's name (templated).
    :param if_missing: for users who do not exist: ``fail`` before anything is sent, or ``skip``. A holder of a role who
        is deleted in the meantime is no error.
    :param kinde_conn_id: Airflow connection (templated).
    :returns: ``{refreshed, missing}``: how many users, and the ids or addresses of those who do not exist.
    :raises ValueError: neither or both of ``users`` and ``role`` are given, or an organization without a role.
    """

    template_fields: Sequence[str] = ("kinde_conn_id", "users", "role", "org_code", "handle", "external_id", "name")
    template_fields_renderers: ClassVar[dict[str, str]] = {"users": "json"}

    def __init__(
        self,
        *,
        users: Sequence[str] | str | None = None,
        role: str | None = None,
        org_code: str | None = None,
        handle: str | None = None,
        external_id: str | None = None,
        name: str | None = None,
        if_missing: IfMissing = "fail",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.users = users
        self.role = role
        self.org_code = org_code
        self.handle = handle
        self.external_id = external_id
        self.name = name
        self.if_missing = one_of("if_missing", if_missing, "skip", "fail")
        if (users is None) == (role is None):
            raise ValueError("name users or a role, one of them")
        if role is None and any(value is not None for value in (org_code, handle, external_id, name)):
            raise ValueError("an organization is for the holders of a role: name the role")

    @airflow_errors()
    def execute(self, context: Context) -> dict[str, Any]:
        """``POST /users/{id}/refresh_claims`` for each user.

        :param context: Airflow's context of the task.
        :raises KindeInputError: an id or address cannot be one, or Kinde does not have the role.
        :raises KindeNotFoundError: no such user, with ``if_missing="fail"``, or no such organization.
        """
        from airflow_provider_kinde.resources.queries import (
            OrganizationName,
            UserName,
            find_users,
            missing_user,
            need_organization,
            run_query,
        )
        from airflow_provider_kinde.resources.roles import holders, refresh_claims

        given = (self.org_code, self.handle, self.external_id, self.name)
        organization = OrganizationName.of(*given) if any(value is not None for value in given) else None
        names = [] if self.users is None else [UserName.parse(user) for user in listed(self.users, "users")]
        role = role_key(self.role) if self.users is None else ""
        with self._client(context) as client:
            missing: list[str] = []
            if self.users is None:
                code = str(run_query(need_organization(organization), client)["code"]) if organization else None
                user_ids = holders(client, role, code)
            else:
                found = run_query(find_users(names), client)
                absent = [name for name, user in zip(names, found, strict=True) if user is None]
                if absent and self.if_missing == "fail":
                    raise missing_user(absent)
                missing = [str(name) for name in absent]
                user_ids = list(dict.fromkeys(str(user["id"]) for user in found if user))
            gone = refresh_claims(client, user_ids)
        return {"refreshed": len(user_ids) - len(gone), "missing": [*missing, *gone]}


def role_key(value: Any) -> str:
    """Return the key of a role.

    :param value: the rendered parameter.
    :raises KindeInputError: it is blank.
    """
    from airflow_provider_kinde.exceptions import KindeInputError
    from airflow_provider_kinde.resources.queries import text

    found = text(value)
    if not found:
        raise KindeInputError("role is empty: name a role by its key")
    return found
