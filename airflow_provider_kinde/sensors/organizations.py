"""Wait for a Kinde organization, for a user to be a member of one, or for an invitation to be accepted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from airflow_provider_kinde.operators.base import EmailParameterMixin, one_of, optional_list, set_address
from airflow_provider_kinde.sensors.base import KindeSensor

if TYPE_CHECKING:
    from airflow_provider_kinde.resources.conditions import Condition


class _OrganizationSensor(KindeSensor):
    template_fields: Sequence[str] = ("kinde_conn_id", "org_code", "handle", "external_id", "name")

    def __init__(
        self,
        *,
        org_code: str | None = None,
        handle: str | None = None,
        external_id: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.org_code = org_code
        self.handle = handle
        self.external_id = external_id
        self.name = name
        if org_code is None and handle is None and external_id is None and name is None:
            raise ValueError("name the organization by one of org_code, handle, external_id, name")


class KindeOrganizationSensor(_OrganizationSensor):
    """Wait until an organization exists, or is gone.

    :param org_code: its code (templated), or one of ``handle``, ``external_id`` and ``name``.
    :param condition: ``exists`` or ``missing``.
    :param kinde_conn_id: Airflow connection (templated).
    :param deferrable: wait in the triggerer; ``[operators] default_deferrable`` when left out.
    :param max_failures: how many failed checks in a row end the wait; see
        :class:`~airflow_provider_kinde.sensors.base.WaitSensor`.
    :returns: ``{org_code}``.
    """

    condition_class = "OrganizationCondition"

    def __init__(self, *, condition: Literal["exists", "missing"] = "exists", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.condition = one_of("condition", condition, "exists", "missing")


class KindeOrganizationUserSensor(EmailParameterMixin, _OrganizationSensor):
    """Wait until a user is a member of an organization, with some roles; or is no longer a member.

    The sensor also waits for a user or an organization that does not exist yet. A role key that Kinde does not have
    fails the task.

    :param org_code: the organization's code (templated), or one of ``handle``, ``external_id`` and ``name``.
    :param user_id: the user's id (templated), or
    :param email: one of the user's addresses (templated).
    :param roles: role keys that the member must have, all of them (templated): a list, or a text with commas.
    :param condition: ``member`` or ``missing``.
    :param kinde_conn_id: Airflow connection (templated).
    :param deferrable: wait in the triggerer; ``[operators] default_deferrable`` when left out.
    :param max_failures: how many failed checks in a row end the wait; see
        :class:`~airflow_provider_kinde.sensors.base.WaitSensor`.
    :returns: ``{user_id, org_code, roles}``, the roles among those in ``roles``.
    """

    condition_class = "MemberCondition"
    template_fields: Sequence[str] = (*_OrganizationSensor.template_fields, "user_id", "user_email", "roles")
    template_fields_renderers: ClassVar[dict[str, str]] = {"roles": "json"}

    def __init__(
        self,
        *,
        user_id: str | None = None,
        email: str | None = None,
        roles: Sequence[str] | str | None = None,
        condition: Literal["member", "missing"] = "member",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.user_id = user_id
        set_address(self, email, kwargs, named=user_id is not None)
        self.roles = roles
        self.condition = one_of("condition", condition, "member", "missing")
        if user_id is None and email is None:
            raise ValueError("name the user by user_id or by email")

    def _condition(self, **changes: Any) -> Condition:
        roles = [str(role) for role in optional_list(self.roles, "roles") or []]
        return super()._condition(roles=roles, **changes)


class KindeInvitationSensor(EmailParameterMixin, _OrganizationSensor):
    """Wait until an invitation to an organization was accepted.

    The sensor also waits for an organization and an invitation that do not exist yet. If the address is a member's
    already, there is nothing to wait for. An invitation that was revoked fails the task.

    :param org_code: the organization's code (templated), or one of ``handle``, ``external_id`` and ``name``.
    :param email: the invited address (templated), or
    :param invite_code: the invitation's code, as ``KindeInviteUserOperator`` returns it (templated). A code that Kinde
        does not have fails the task.
    :param kinde_conn_id: Airflow connection (templated).
    :param deferrable: wait in the triggerer; ``[operators] default_deferrable`` when left out.
    :param max_failures: how many failed checks in a row end the wait; see
        :class:`~airflow_provider_kinde.sensors.base.WaitSensor`.
    :returns: ``{org_code, invite_code, user_id}``; the code is ``None`` for a member who was not invited, the id for a
        user who accepted with another address.
    """

    condition_class = "InvitationCondition"
    template_fields: Sequence[str] = (*_OrganizationSensor.template_fields, "user_email", "invite_code")

    def __init__(self, *, email: str | None = None, invite_code: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        set_address(self, email, kwargs, named=invite_code is not None)
        self.invite_code = invite_code
        self.condition = "accepted"
        if (email is None) == (invite_code is None):
            raise ValueError("name the invitation by email or by invite_code, one of them")
