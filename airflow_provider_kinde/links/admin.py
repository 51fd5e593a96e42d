"""The button on a task that opens Kinde's admin area."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_kinde.links.pushed import PushedLink

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


class KindeAdminLink(PushedLink):
    """Opens the admin area of the Kinde environment that a task works on.

    Kinde documents no addresses of single users or organizations, so this is where both are found.
    """

    name = "Kinde admin"
    key = "kinde_admin_link"

    @staticmethod
    def push(context: Context, base_url: str) -> None:
        """Make the button work from now on.

        :param context: Airflow's context of the task.
        :param base_url: ``https://acme.kinde.com``.
        """
        context["ti"].xcom_push(key=KindeAdminLink.key, value=f"{base_url}/admin")
