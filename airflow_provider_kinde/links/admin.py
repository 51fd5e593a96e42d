"""The button on a task that opens Kinde's admin area."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import BaseOperatorLink, XCom

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperator, Context

KEY = "kinde_admin_link"


class KindeAdminLink(BaseOperatorLink):
    """Opens the admin area of the Kinde environment that a task works on.

    Kinde documents no addresses of single users or organizations, so this is where both are found.
    """

    name = "Kinde admin"

    @property
    def xcom_key(self) -> str:
        """Where the address is: pushed as the task starts, so that the button works while it runs."""
        return KEY

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        """The address of the button; empty for a task that ended before it read its connection. Never raises.

        :param operator: the operator.
        :param ti_key: which task instance.
        """
        try:
            return str(XCom.get_value(key=self.xcom_key, ti_key=ti_key) or "")
        except Exception:
            return ""

    @staticmethod
    def push(context: Context, base_url: str) -> None:
        """Make the button work from now on.

        :param context: Airflow's context of the task.
        :param base_url: ``https://acme.kinde.com``.
        """
        context["ti"].xcom_push(key=KEY, value=f"{base_url}/admin")
