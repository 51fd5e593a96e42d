"""Invite a person to a Kinde organization. The operator may run again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_kinde.operators.base import (
    EmailParameterMixin,
    IfMissing,
    airflow_errors,
    check_texts,
    one_of,
    optional_list,
    set_address,
)
from airflow_provider_kinde.operators.organization_base import OrganizationOperator, Result

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class KindeInviteUserOperator(EmailParameterMixin, OrganizationOperator):
    """Invite a person to an organization, unless an invitation is open or the person is a member.

    :param org_code: the organization's code (templated), or one of ``handle``, ``external_id`` and ``name``.
    :param email: the address to invite (templated).
    :param roles: role keys (templated).
    :param first_name: first name, for the invitation (templated).
    :param last_name: last name, for the invitation (templated).
    :param send_email: have Kinde send the invitation.
    :param if_exists: when an invitation is open or the person is a member: ``skip``, or ``fail`` the task.
    :param kinde_conn_id: Airflow connection (templated).
    :returns: ``{org_code, outcome, invite_code, user_id}`` with the outcome ``invited``, ``pending`` or ``member``.
    """

    template_fields: Sequence[str] = (
        *OrganizationOperator.template_fields,
        "user_email",
        "roles",
        "first_name",
        "last_name",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"roles": "json"}

    def __init__(
        self,
        *,
        email: str,
        roles: Sequence[str] | str | None = None,
        first_name: str | None = None,
        last_name: str | None = None,
        send_email: bool = True,
        if_exists: IfMissing = "skip",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        set_address(self, email, kwargs)
        self.roles = roles
        self.first_name = first_name
        self.last_name = last_name
        self.send_email = send_email
        self.if_exists = one_of("if_exists", if_exists, "skip", "fail")

    @airflow_errors()
    def execute(self, context: Context) -> Result:
        """``POST /organization/{code}/invites``, unless an invitation is open.

        :param context: Airflow's context of the task.
        :raises KindeInputError: the address is none, or a role is unknown.
        :raises KindeConflictError: invited or a member already, with ``if_exists="fail"``.
        """
        from airflow_provider_kinde.exceptions import KindeConflictError
        from airflow_provider_kinde.resources.fields import is_member
        from airflow_provider_kinde.resources.invitations import create_invitation, find_invitation
        from airflow_provider_kinde.resources.queries import UserName, check_keys, find_user, run_query, text

        name, email = self._name(), UserName.of(email=self.user_email)
        roles = optional_list(self.roles, "roles") or []
        check_texts(self, "first_name", "last_name")
        with self._client(context) as client:
            code = self._code(client, name)
            run_query(check_keys("role", roles), client)
            user = run_query(find_user(email), client)
            member = is_member(user, code)
            invitation = None if member else find_invitation(client, code, email.email)
            outcome = "member" if member else "pending" if invitation else "invited"
            if outcome != "invited" and self.if_exists == "fail":
                raise KindeConflictError(f"{'a member' if member else 'invited'} already in {code}")
            if outcome == "invited":
                invitation = create_invitation(
                    client,
                    code,
                    email.email,
                    roles=roles,
                    first_name=text(self.first_name),
                    last_name=text(self.last_name),
                    send_email=self.send_email,
                )
            return {
                "org_code": code,
                "outcome": outcome,
                "invite_code": (invitation or {}).get("code"),
                "user_id": str(user["id"]) if user else None,
            }
