"""The plugin that adds *Kinde* to Airflow's navigation (Airflow 3.1 and later; off by ``[kinde] ui = False``).

With ``[kinde] webhooks`` it takes Kinde's webhooks as well.

Airflow loads plugins in each of its processes, so the pages themselves are imported when one of them is opened.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from airflow.providers.common.compat.sdk import AirflowPlugin

from airflow_provider_kinde.links.report import PREFIX, base_path, has_pages
from airflow_provider_kinde.version_compat import has_plugin_pages


class _Pages:
    """The pages, as an ASGI application."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await _application()(scope, receive, send)


@cache
def _application() -> Any:
    from fastapi import FastAPI

    application = FastAPI(title="Kinde", docs_url=None, redoc_url=None, openapi_url=None)
    if has_pages():
        from airflow_provider_kinde.plugins.pages import make_application

        application = make_application()
    if has_webhooks():
        from airflow_provider_kinde.plugins import webhooks

        webhooks.add_to(application)
    return application


def has_webhooks() -> bool:
    """Whether this Airflow takes Kinde's webhooks: 3.1 and later, with ``[kinde] webhooks``."""
    from airflow.providers.common.compat.sdk import conf

    try:
        return has_plugin_pages() and bool(str(conf.get("kinde", "webhooks", fallback="") or "").strip())
    except Exception:  # Airflow's errors of configuration have no type that all versions share
        return False


class KindePlugin(AirflowPlugin):
    """*Kinde* in the navigation: every sync with its runs, and the page of each plan and report."""

    name = "kinde"

    @classmethod
    def on_load(cls, *args: Any, **kwargs: Any) -> None:
        """Airflow calls this once in each process, before it reads what the plugin offers.

        :param args: of a later Airflow.
        :param kwargs: of a later Airflow.
        """
        if has_pages() or has_webhooks():
            cls.fastapi_apps = [{"app": _Pages(), "url_prefix": PREFIX, "name": "Kinde"}]
        if has_pages():
            where = f"{base_path()}{PREFIX}"
            cls.external_views = [
                {
                    "name": "Kinde",
                    "href": f"{where}/",
                    "destination": "nav",
                    "icon": f"{where}/icon.svg",
                    "nav_top_level": True,
                }
            ]
