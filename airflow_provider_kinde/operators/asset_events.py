"""What an event of an outlet tells the DAGs that it starts: the counts of the run, never a name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from airflow_provider_kinde.sync.plan.plan import Plan

COUNTS = ("outcome", "summary", "outcomes", "held", "rejected", "managed", "hash")


def attach(outlets: Collection[Any], context: Mapping[str, Any], extra: Callable[[str], Mapping[str, Any]]) -> None:
    """Attach something to the events of a task's outlets.

    :param outlets: of the task. Those without an address, such as aliases, get nothing.
    :param context: Airflow's context of the task.
    :param extra: what the event of an address carries.
    """
    for outlet in outlets:
        if uri := getattr(outlet, "uri", ""):
            context["outlet_events"][outlet].extra = dict(extra(uri))


def tell_outlets(outlets: Collection[Any], context: Mapping[str, Any], result: Mapping[str, Any], plan: Plan) -> None:
    """Attach the counts of a run to the events of the task's outlets.

    ``changes`` counts what was changed: in the organization of an asset ``kinde://<host>/<code>``, else in all.

    :param outlets: of the task.
    :param context: Airflow's context of the task.
    :param result: what the task returns.
    :param plan: the plan that was carried out.
    """
    if not outlets:
        return
    from airflow_provider_kinde.sync.report.changed_places import changes_by_place

    places = changes_by_place(plan)
    counts = {name: result[name] for name in COUNTS if name in result}

    def extra(uri: str) -> Mapping[str, Any]:
        parts = urlsplit(uri)
        code = parts.path.strip("/") if parts.scheme == "kinde" else ""
        return {"changes": places.get(code, 0) if code else sum(places.values()), **counts}

    attach(outlets, context, extra)
