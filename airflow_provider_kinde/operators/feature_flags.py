"""Override Kinde's feature flags, for the environment, an organization or a user. The operator may run again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_kinde.operators.base import (
    EmailParameterMixin,
    KindeOperator,
    airflow_errors,
    mapping,
    set_address,
)

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class KindeUpdateFeatureFlagsOperator(EmailParameterMixin, KindeOperator):
    """Override feature flags, or remove overrides: for an organization, a user, or the environment if none is named.

    A flag that has the value already is not written. Kinde does not show the overrides of a user: these are written
    at each run. Kinde does not remove them either.

    :param flags: flag key to value: text, number, true or false; ``None`` removes the override (templated).
    :param org_code: the organization's code (templated), or one of ``handle``, ``external_id`` and ``name``.
    :param handle: the organization's handle (templated).
    :param external_id: the id that you gave to the organization (templated).
    :param name: the organization's name (templated).
    :param user_id: the user's id (templated), or
    :param email: one of the user's addresses (templated).
    :param kinde_conn_id: Airflow connection (templated).
    :returns: ``{org_code, user_id, outcome, changed}`` with the outcome ``updated`` or ``unchanged``; ``changed`` holds
        the keys of the flags that were written.
    :raises ValueError: an organization and a user are named, or ``flags`` is empty.
    """

    template_fields: Sequence[str] = (
        "kinde_conn_id",
        "flags",
        "org_code",
        "handle",
        "external_id",
        "name",
        "user_id",
        "user_email",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"flags": "json"}

    def __init__(
        self,
        *,
        flags: Mapping[str, Any] | str,
        org_code: str | None = None,
        handle: str | None = None,
        external_id: str | None = None,
        name: str | None = None,
        user_id: str | None = None,
        email: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.flags = flags
        self.org_code = org_code
        self.handle = handle
        self.external_id = external_id
        self.name = name
        self.user_id = user_id
        # An `email` in default_args is whom Airflow alerts; it never turns a flag of the environment into a user's.
        set_address(self, email, kwargs, named=True)
        self._of_organization = any(value is not None for value in (org_code, handle, external_id, name))
        self._of_user = user_id is not None or self.user_email is not None
        if self._of_organization and self._of_user:
            raise ValueError("name an organization or a user, not both; none for the environment")
        if not flags:
            raise ValueError("flags is empty")

    @airflow_errors()
    def execute(self, context: Context) -> dict[str, Any]:
        """Read the overrides, and write those that differ.

        :param context: Airflow's context of the task.
        :raises KindeInputError: a value cannot be one, a user's override cannot be removed, or a name is blank.
        :raises KindeNotFoundError: no such organization or user.
        """
        from airflow_provider_kinde.exceptions import KindeInputError
        from airflow_provider_kinde.resources import feature_flags
        from airflow_provider_kinde.resources.queries import (
            OrganizationName,
            UserName,
            find_user,
            missing_user,
            need_organization,
            run_query,
        )

        flags = feature_flags.flag_values(mapping(self.flags, "flags"))
        code = user_id = None
        if self._of_organization:
            organization = OrganizationName.of(self.org_code, self.handle, self.external_id, self.name)
        if self._of_user:
            user_name = UserName.of(self.user_id, self.user_email)
            if removed := sorted(key for key, value in flags.items() if value is None):
                raise KindeInputError(f"Kinde cannot remove a user's override of {', '.join(removed)}: give a value")
        with self._client(context) as client:
            if self._of_organization:
                code = str(run_query(need_organization(organization), client)["code"])
                changed = feature_flags.write_organization_flags(client, code, flags)
            elif self._of_user:
                user = run_query(find_user(user_name), client)
                if user is None:
                    raise missing_user([user_name])
                user_id = str(user["id"])
                changed = feature_flags.write_user_flags(client, user_id, flags)
            else:
                changed = feature_flags.write_environment_flags(client, flags)
        outcome = "updated" if changed else "unchanged"
        return {"org_code": code, "user_id": user_id, "outcome": outcome, "changed": changed}
