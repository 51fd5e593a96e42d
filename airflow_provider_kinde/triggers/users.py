"""Waits for users, in the triggerer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_kinde.triggers.base import MAX_FAILURES, KindeWaitTrigger

if TYPE_CHECKING:
    from airflow_provider_kinde.resources.conditions import UserWait


class KindeUserTrigger(KindeWaitTrigger):
    """Waits until a user exists, is active, suspended or missing, or has an identity.

    :param user_id: the user's id, or
    :param email: one of the user's addresses.
    :param condition: ``exists``, ``active``, ``suspended`` or ``missing``.
    :param identity: an address, number or name that the user must sign in with.
    :param identity_type: the type of that identity, or of any.
    """

    def __init__(
        self,
        *,
        user_id: str | None = None,
        email: str | None = None,
        condition: str = "exists",
        identity: str | None = None,
        identity_type: str | None = None,
        kinde_conn_id: str = "kinde_default",
        poll_interval: float = 60.0,
        deadline: float | None = None,
        max_failures: int = MAX_FAILURES,
    ) -> None:
        super().__init__(
            kinde_conn_id=kinde_conn_id, poll_interval=poll_interval, deadline=deadline, max_failures=max_failures
        )
        self.user_id = user_id
        self.email = email
        self.condition = condition
        self.identity = identity
        self.identity_type = identity_type

    def settings(self) -> dict[str, Any]:
        """The arguments of this trigger."""
        return {
            "user_id": self.user_id,
            "email": self.email,
            "condition": self.condition,
            "identity": self.identity,
            "identity_type": self.identity_type,
        }

    def wait(self) -> UserWait:
        """What is waited for."""
        from airflow_provider_kinde.resources.conditions import UserWait
        from airflow_provider_kinde.resources.queries import UserName

        return UserWait(UserName.of(self.user_id, self.email), self.condition, self.identity, self.identity_type)
