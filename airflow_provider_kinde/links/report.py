"""The button on a task of a sync that opens the page of its plan or report (Airflow 3.1 and later)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from airflow_provider_kinde.links.pushed import PushedLink
from airflow_provider_kinde.version_compat import has_plugin_pages

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

PREFIX = "/kinde"
"""Where the provider's pages are, below the address of Airflow's API server."""


class KindeReportLink(PushedLink):
    """Opens the page of the plan or report that a task of a sync wrote."""

    name = "Kinde report"
    key = "kinde_report_link"

    @staticmethod
    def push(context: Context) -> None:
        """Make the button work from now on.

        :param context: Airflow's context of the task.
        """
        if has_pages():
            ti = context["ti"]
            ti.xcom_push(key=KindeReportLink.key, value=page_address(ti.dag_id, ti.run_id, ti.task_id, ti.map_index))


def has_pages() -> bool:
    """Whether this Airflow shows the provider's pages: 3.1 and later, unless ``[kinde] ui`` is off."""
    from airflow.providers.common.compat.sdk import conf

    try:
        return has_plugin_pages() and bool(conf.getboolean("kinde", "ui", fallback=True))
    except Exception:  # Airflow's errors of configuration have no type that all versions share
        return False


def base_url() -> str:
    """The address of Airflow's interface, without a slash at its end; empty where it is not configured."""
    from airflow.providers.common.compat.sdk import conf

    return str(conf.get("api", "base_url", fallback="") or "").rstrip("/")


def base_path() -> str:
    """The path of Airflow's interface: empty, or such as ``/airflow``."""
    return urlsplit(base_url()).path.rstrip("/")


def answer_address(dag_id: str, run_id: str, task_id: str, map_index: int | None = -1) -> str:
    """The address at which an approval is answered: Airflow's own page of the task.

    :param dag_id: the DAG.
    :param run_id: the run.
    :param task_id: the task that asks.
    :param map_index: the index of a mapped task, else -1.
    """
    mapped = f"/mapped/{map_index}" if map_index is not None and map_index >= 0 else ""
    parts = (quote(part, safe="") for part in (dag_id, run_id, task_id))
    return "{}/dags/{}/runs/{}/tasks/{}{}/required_actions".format(base_url(), *parts, mapped)


def page_address(dag_id: str, run_id: str, task_id: str, map_index: int | None = -1) -> str:
    """The address of the page of one task's plan or report.

    :param dag_id: the DAG.
    :param run_id: the DAG run.
    :param task_id: the task that wrote it.
    :param map_index: the index of a mapped task; -1 or ``None`` for any other.
    """
    parts: dict[str, Any] = {"dag_id": dag_id, "run_id": run_id, "task_id": task_id}
    if map_index is not None and map_index >= 0:
        parts["map_index"] = map_index
    return f"{base_url()}{PREFIX}/run?{urlencode(parts)}"
