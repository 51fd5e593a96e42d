"""The parameter ``properties`` of operators: values become text, and keys are looked up before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from airflow_provider_kinde.operators.base import mapping


def property_texts(properties: Any) -> dict[str, Any]:
    """Return properties with numbers and truth values as text, as Kinde wants them.

    :param properties: the rendered parameter.
    :raises KindeInputError: it is no mapping.
    """
    found = mapping(properties, "properties")
    return {
        key: str(value).lower() if isinstance(value, bool) else str(value) if isinstance(value, (int, float)) else value
        for key, value in found.items()
    }


def check_property_keys(client: Any, properties: Mapping[str, Any]) -> None:
    """Check keys of properties before anything is written (``GET /properties``).

    Without the scope for this check, nothing is checked here. Kinde itself then refuses an unknown key.

    :param client: a ``KindeClient``.
    :param properties: property key -> value; nothing is read where it is empty.
    :raises KindeInputError: Kinde does not have one of them.
    """
    from airflow_provider_kinde.exceptions import KindePermissionError
    from airflow_provider_kinde.resources.queries import check_keys, run_query

    with suppress(KindePermissionError):
        run_query(check_keys("property", properties), client)
