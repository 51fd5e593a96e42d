"""What the factories check and pass on: the arguments of the DAG and its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from airflow_provider_kinde.operators.retry_policy import retry_arguments

START = datetime(2024, 1, 1, tzinfo=timezone.utc)
RETRIES: Mapping[str, Any] = {
    "retries": 3,
    "retry_delay": timedelta(minutes=1),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=15),
    **retry_arguments(),
}
"""A retry can help when Kinde or the HR source cannot be reached. Other errors fail a task at once all the same."""

NATIVE = (
    "render_template_as_native_obj=True: native rendering changes what is typed into the form (the HR id 1_0 would "
    "become 10, another person). Leave it out"
)
OWN_DATA = "a sync acts on today's HR data, whatever the run's date"
FIXED: Mapping[str, tuple[Any, str]] = {
    "catchup": (False, OWN_DATA),
    "max_active_runs": (1, "two runs at once would plan the same changes twice"),
}
"""What a DAG with a sync can only be set to, and why."""
LATE = (
    "with one run only, Airflow would start about one run in a hundred half a minute late: when it reads the DAG file "
    "just as a run ends, it goes on counting that run. The task sync runs once at a time all the same"
)
FIXED_ON_CHANGE: Mapping[str, tuple[Any, str]] = {**FIXED, "max_active_runs": (2, LATE)}
"""The same for a DAG of one task that an asset starts as soon as HR's data changes."""


def dag_arguments(given: Mapping[str, Any], params: Mapping[str, Any], fixed: Mapping[str, Any]) -> dict[str, Any]:
    """Merge what a DAG file gives for its DAG with what a factory sets.

    :param given: the further arguments of the factory's caller.
    :param params: the parameters of the factory's form.
    :param fixed: argument -> the reason why it can only be what the factory sets it to (``catchup=False``,
        ``max_active_runs=1``, ``schedule=None``).
    :returns: the arguments of the DAG.
    :raises ValueError: an argument cannot be so; the message gives the reason.
    """
    found = dict(given)
    if found.get("render_template_as_native_obj"):
        raise ValueError(NATIVE)
    for name, (value, reason) in fixed.items():
        if name in found and found.pop(name) != value:
            raise ValueError(f"{name}={given[name]!r}: {reason}. It can only be {value!r}")
    more = found.pop("params", None) or {}
    if not isinstance(more, Mapping):
        raise ValueError(f"params={more!r}: a mapping is expected")
    taken = ", ".join(sorted(set(more) & set(params)))
    if taken:
        raise ValueError(f"params: the form has {taken} already; choose other names")
    return {
        "start_date": START,
        **found,
        **{name: value for name, (value, _) in fixed.items()},
        "params": {**params, **more},
    }
