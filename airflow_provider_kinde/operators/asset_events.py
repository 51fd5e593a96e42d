"""What an event of an outlet tells the DAGs that it starts: the counts of the run, never a name."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from airflow_provider_kinde.sync.plan.plan import Plan

COUNTS = ("outcome", "summary", "outcomes", "held", "rejected", "managed", "hash")


def tell_outlets(outlets: Collection[Any], context: Mapping[str, Any], result: Mapping[str, Any], plan: Plan) -> None:
    """Attach the counts of a run to the events of the task's outlets.

    ``changes`` counts what was changed: in the organization of an asset ``kinde://<host>/<code>``, else in all.

    :param outlets: of the task. Those without an address, such as aliases, get no counts.
    :param context: Airflow's context of the task.
    :param result: what the task returns.
    :param plan: the plan that was carried out.
    """
    addressed = [outlet for outlet in outlets if getattr(outlet, "uri", "")]
    if not addressed:
        return
    from airflow_provider_kinde.sync.report.changed_places import changes_by_place

    places = changes_by_place(plan)
    counts = {name: result[name] for name in COUNTS if name in result}
    for outlet in addressed:
        parts = urlsplit(outlet.uri)
        code = parts.path.strip("/") if parts.scheme == "kinde" else ""
        changes = places.get(code, 0) if code else sum(places.values())
        context["outlet_events"][outlet].extra = {"changes": changes, **counts}
