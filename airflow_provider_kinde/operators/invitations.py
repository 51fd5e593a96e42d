"""Invite a person to a Kinde organization. The operator may run again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_kinde.operators.base import (
    IfMissing,
    TakesAddress,
    airflow_errors,
    check_texts,
    one_of,
    optional_list,
    set_address,
)
from airflow_provider_kinde.operators.organization_base import OrganizationOperator, Result

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class KindeInviteUserOperator(TakesAddress, OrganizationOperator):
    """Invite a person to an organization, unless an invitation is open or the person is a member.

    :param org_code: the organization's code (templated), or one of ``handle``, ``external_id`` and ``name``.
    :param email: the address to invite (templated).
    :param roles: role keys (templated).
    :param first_name: for the invitation (templated). ``last_name`` likewise.
    :param send_email: have Kinde send the invitation.
    :param if_exists: when an invitation is open or the person is a member: ``skip``, or ``fail`` the task.
    :param kinde_conn_id: Airflow connection (templated).
    :returns: ``{org_code, outcome, invite_code, user_id}`` with the outcome ``invited``, ``pending`` or ``member``.
    """

    template_fields: Sequence[str] = (
        *OrganizationOperator.template_fields,
        "email",
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
        """``POST /organization/{code}/invites``, after a look whether one is open.

        :raises KindeInputError: the address is none, or a role is unknown.
        :raises KindeConflictError: invited or a member already, with ``if_exists="fail"``.
        """
        from airflow_provider_kinde.client.create_once import create_once
        from airflow_provider_kinde.exceptions import KindeConflictError, KindeResponseError
        from airflow_provider_kinde.resources import fields
        from airflow_provider_kinde.resources.normalization import email_key
        from airflow_provider_kinde.resources.queries import UserName, check_keys, find_user, run_query, text

        name, who = self._name(), UserName.of(email=self.email)
        roles = optional_list(self.roles, "roles") or []
        check_texts(self, "first_name", "last_name")
        with self._client(context) as client:
            code = self._code(client, name)
            run_query(check_keys("role", roles), client)
            user = run_query(find_user(who), client)

            def look() -> Mapping[str, Any] | None:
                found = client.iter_organization_invites(code)
                return next((i for i in found if email_key(str(i.get("email") or "")) == email_key(who.email)), None)

            def send() -> Mapping[str, Any]:
                answer = client.create_organization_invite(
                    code,
                    who.email,
                    roles,
                    first_name=text(self.first_name) or None,
                    last_name=text(self.last_name) or None,
                    send_email=self.send_email,
                )
                made = fields.fields_of(fields.fields_of(answer).get("invite")) or look()
                if not made:
                    raise KindeResponseError("Kinde answered without an invitation, and lists none for the address")
                return dict(made)

            user_id = str(user["id"]) if user else None
            member, invite = fields.is_member(user, code), None
            if not member:
                invite = look()
            what = "member" if member else "pending" if invite else "invited"
            if what != "invited" and self.if_exists == "fail":
                raise KindeConflictError(f"{'a member' if member else 'invited'} already in {code}")
            if what == "invited":
                invite, _ = create_once(send, look)
            return {
                "org_code": code,
                "outcome": what,
                "invite_code": (invite or {}).get("code"),
                "user_id": user_id,
            }
