"""The plugin that adds *Kinde* to Airflow's navigation (Airflow 3.1 and later; off by ``[kinde] ui = False``).

Airflow loads plugins in each of its processes, so the pages themselves are imported when one of them is asked for.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from airflow.providers.common.compat.sdk import AirflowPlugin

from airflow_provider_kinde.links.report import PREFIX, base_path, has_pages


class _Pages:
    """The pages, as an ASGI application."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await _application()(scope, receive, send)


@cache
def _application() -> Any:
    from airflow_provider_kinde.plugins.pages import make_application

    return make_application()


class KindePlugin(AirflowPlugin):
    """*Kinde* in the navigation: every sync with its runs, and the page of each plan and report."""

    name = "kinde"

    @classmethod
    def on_load(cls, *args: Any, **kwargs: Any) -> None:
        """Airflow calls this once in each process, before it reads what the plugin offers.

        :param args: of a later Airflow.
        :param kwargs: of a later Airflow.
        """
        if has_pages():
            where = f"{base_path()}{PREFIX}"
            cls.fastapi_apps = [{"app": _Pages(), "url_prefix": PREFIX, "name": "Kinde"}]
            cls.external_views = [
                {
                    "name": "Kinde",
                    "href": f"{where}/",
                    "destination": "nav",
                    "icon": f"{where}/icon.svg",
                    "nav_top_level": True,
                }
            ]
