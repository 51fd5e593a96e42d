"""Waits for organizations and their members, in the triggerer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_kinde.triggers.base import MAX_FAILURES, KindeWaitTrigger

if TYPE_CHECKING:
    from airflow_provider_kinde.resources.conditions import MemberWait, OrganizationWait


class KindeOrganizationTrigger(KindeWaitTrigger):
    """Waits until an organization exists, or is gone.

    :param org_code: its code, or one of ``handle``, ``external_id`` and ``name``.
    :param condition: ``exists`` or ``missing``.
    """

    def __init__(
        self,
        *,
        org_code: str | None = None,
        handle: str | None = None,
        external_id: str | None = None,
        name: str | None = None,
        condition: str = "exists",
        kinde_conn_id: str = "kinde_default",
        poll_interval: float = 60.0,
        deadline: float | None = None,
        max_failures: int = MAX_FAILURES,
    ) -> None:
        super().__init__(
            kinde_conn_id=kinde_conn_id, poll_interval=poll_interval, deadline=deadline, max_failures=max_failures
        )
        self.org_code = org_code
        self.handle = handle
        self.external_id = external_id
        self.name = name
        self.condition = condition

    def settings(self) -> dict[str, Any]:
        """The arguments of this trigger."""
        return {
            "org_code": self.org_code,
            "handle": self.handle,
            "external_id": self.external_id,
            "name": self.name,
            "condition": self.condition,
        }

    def wait(self) -> OrganizationWait | MemberWait:
        """What is waited for."""
        from airflow_provider_kinde.resources.conditions import OrganizationWait
        from airflow_provider_kinde.resources.queries import OrganizationName

        name = OrganizationName.of(self.org_code, self.handle, self.external_id, self.name)
        return OrganizationWait(name, self.condition)


class KindeOrganizationUserTrigger(KindeOrganizationTrigger):
    """Waits until a user is in an organization, with some roles; or no longer in it.

    :param org_code: the organization's code, or one of ``handle``, ``external_id`` and ``name``.
    :param user_id: the user's id, or
    :param email: one of the user's addresses.
    :param roles: role keys that the member must have, all of them.
    :param condition: ``member`` or ``missing``.
    """

    def __init__(
        self,
        *,
        org_code: str | None = None,
        handle: str | None = None,
        external_id: str | None = None,
        name: str | None = None,
        user_id: str | None = None,
        email: str | None = None,
        roles: Sequence[str] = (),
        condition: str = "member",
        kinde_conn_id: str = "kinde_default",
        poll_interval: float = 60.0,
        deadline: float | None = None,
        max_failures: int = MAX_FAILURES,
    ) -> None:
        super().__init__(
            org_code=org_code,
            handle=handle,
            external_id=external_id,
            name=name,
            condition=condition,
            kinde_conn_id=kinde_conn_id,
            poll_interval=poll_interval,
            deadline=deadline,
            max_failures=max_failures,
        )
        self.user_id = user_id
        self.email = email
        self.roles = list(roles)

    def settings(self) -> dict[str, Any]:
        """The arguments of this trigger."""
        return {**super().settings(), "user_id": self.user_id, "email": self.email, "roles": self.roles}

    def wait(self) -> MemberWait:
        """What is waited for."""
        from airflow_provider_kinde.resources.conditions import MemberWait
        from airflow_provider_kinde.resources.queries import OrganizationName, UserName

        organization = OrganizationName.of(self.org_code, self.handle, self.external_id, self.name)
        return MemberWait(organization, UserName.of(self.user_id, self.email), tuple(self.roles), self.condition)
