"""Wait for a Kinde user."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from airflow_provider_kinde.operators.base import EmailParameterMixin, one_of, set_address
from airflow_provider_kinde.sensors.base import KindeSensor


class KindeUserSensor(EmailParameterMixin, KindeSensor):
    """Wait until a user exists, is active, suspended or missing, or has an identity.

    :param user_id: the user's id (templated), or
    :param email: one of the user's addresses (templated).
    :param condition: ``exists``, ``active`` (exists and is not suspended), ``suspended`` or ``missing``.
    :param identity: an address, number or name that the user must sign in with (templated).
    :param identity_type: the type of that identity (templated): ``email``, ``phone``, ``username``,
        ``oauth2:google``, ...; without ``identity``, any of that type.
    :param kinde_conn_id: Airflow connection (templated).
    :param deferrable: wait in the triggerer; ``[operators] default_deferrable`` when left out.
    :param max_failures: how many failed checks in a row end the wait; see
        :class:`~airflow_provider_kinde.sensors.base.WaitSensor`.
    :returns: ``{user_id, state}`` with the state ``active``, ``suspended`` or ``missing``.
    """

    condition_class = "UserCondition"
    template_fields: Sequence[str] = ("kinde_conn_id", "user_id", "user_email", "identity", "identity_type")

    def __init__(
        self,
        *,
        user_id: str | None = None,
        email: str | None = None,
        condition: Literal["exists", "active", "suspended", "missing"] = "exists",
        identity: str | None = None,
        identity_type: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.user_id = user_id
        set_address(self, email, kwargs, named=user_id is not None)
        self.condition = one_of("condition", condition, "exists", "active", "suspended", "missing")
        self.identity = identity
        self.identity_type = identity_type
        if user_id is None and email is None:
            raise ValueError("name the user by user_id or by email")
