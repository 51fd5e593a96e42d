"""The connection form, for all versions of Airflow: made of the options in ``client/settings.py``."""

from __future__ import annotations

from typing import Any

from airflow_provider_kinde.client.settings import OPTIONS, Option


def _field(option: Option) -> dict[str, Any]:
    # "null" makes a field optional: without it the form cannot be saved while the field is empty. No field has a
    # default: Airflow masks a field whose name looks like a secret, and would store the mask in new connections.
    schema: dict[str, Any] = {"type": [option.kind, "null"], "default": None, "title": option.label}
    if option.choices:
        schema["enum"] = list(option.choices)
    return {"label": option.label, "description": option.description, "schema": schema}


KEYS = {"token_cache": "share_access"}
"""Options whose key in the extra has another name. Of a key that holds the word "token" Airflow masks the value, and
with it each word "host" or "process" in every log."""

FIELDS: dict[str, dict[str, Any]] = {KEYS.get(name, name): _field(option) for name, option in OPTIONS.items()}
"""The fields of the connection's extra, by key."""

FIELD_BEHAVIOUR: dict[str, Any] = {
    "hidden-fields": ["schema", "port"],
    "relabeling": {"host": "Kinde domain", "login": "Client ID", "password": "Client secret"},
    "placeholders": {
        "host": "acme.kinde.com",
        "login": "of a machine-to-machine application",
        "password": "its client secret",
    },
}

CONNECTION_TYPE: dict[str, Any] = {
    "connection-type": "kinde",
    "hook-class-name": "airflow_provider_kinde.hooks.kinde.KindeHook",
    "hook-name": "Kinde",
    "ui-field-behaviour": FIELD_BEHAVIOUR,
    "conn-fields": FIELDS,
}
"""The entry for ``connection-types`` in the provider's metadata."""
