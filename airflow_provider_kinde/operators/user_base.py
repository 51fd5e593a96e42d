"""What the operators on users share: finding the user, the parameters that are given, and what they return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_kinde.operators.base import (
    EmailParameterMixin,
    IfMissing,
    KindeOperator,
    airflow_errors,
    one_of,
    set_address,
)

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

Result = dict[str, Any]
PROFILE = ("given_name", "family_name", "picture")
FIELDS = (*PROFILE, "provided_id")
"""The texts of a user that an operator writes."""


class ExistingUserOperator(EmailParameterMixin, KindeOperator):
    """What the operators on an existing user share.

    :param user_id: the user's id (templated), or
    :param email: one of the user's addresses (templated).
    :param if_missing: when there is no such user: ``fail`` the task, or ``skip``, with the outcome ``missing``.
    :param kwargs: of :class:`~.base.KindeOperator` and of Airflow's ``BaseOperator``.
    """

    template_fields: Sequence[str] = ("kinde_conn_id", "user_id", "user_email")

    def __init__(
        self, *, user_id: str | None = None, email: str | None = None, if_missing: IfMissing = "fail", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.user_id = user_id
        set_address(self, email, kwargs, named=user_id is not None)
        self.if_missing = one_of("if_missing", if_missing, "skip", "fail")
        if user_id is None and email is None:
            raise ValueError("name the user by user_id or by email")

    @airflow_errors()
    def execute(self, context: Context) -> Result:
        """Find the user, and carry out the operation.

        :param context: Airflow's context of the task.
        :returns: ``{user_id, outcome, changed}``.
        :raises KindeInputError: the id or address cannot be one, or the address belongs to two users.
        :raises KindeNotFoundError: there is no such user, with ``if_missing="fail"``.
        """
        from airflow_provider_kinde.resources.queries import UserName, find_user, missing_user, run_query

        name = UserName.of(self.user_id, self.user_email)
        self._check()
        with self._client(context) as client:
            user = run_query(find_user(name), client)
            if user is not None:
                return self._act(client, user)
            if self.if_missing == "fail":
                raise missing_user([name])
            self.log.info("there is no such user: nothing to do")
            return result(name.user_id or None, "missing")

    def _check(self) -> None:
        """Refuse bad input before anything is sent."""

    def _act(self, client: Any, user: Mapping[str, Any]) -> Result:
        raise NotImplementedError


def result(user_id: Any, outcome: str, changed: Sequence[str] = ()) -> Result:
    """Return what goes to XCom: the id and what was done, without names and addresses.

    :param user_id: Kinde's id of the user.
    :param outcome: what the operator did.
    :param changed: names of the fields and keys of the properties that were written.
    """
    return {"user_id": user_id, "outcome": outcome, "changed": list(changed)}


def given(task: Any, *names: str) -> dict[str, Any]:
    """Return the parameters that are given: a blank text counts as left out.

    :param task: the operator.
    :param names: its parameters.
    """
    from airflow_provider_kinde.resources.queries import text

    values = {name: getattr(task, name) for name in names}
    return {name: text(value) or None if isinstance(value, str) else value for name, value in values.items()}
