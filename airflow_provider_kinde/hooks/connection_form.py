"""The connection form, written once for all versions of Airflow. Imports nothing heavy."""

from __future__ import annotations

from typing import Any


def _field(label: str, description: str, kind: str, *, default: Any = None, **schema: Any) -> dict[str, Any]:
    # "null" makes a field optional: without it the form cannot be saved while the field is empty.
    return {
        "label": label,
        "description": description,
        "schema": {"type": [kind, "null"], "default": default, "title": label, **schema},
    }


FIELDS: dict[str, dict[str, Any]] = {
    "audience": _field("Audience", "What the token is for; https://<domain>/api when left empty.", "string"),
    "scopes": _field(
        "Scopes", "Scopes to ask for, separated by spaces; all of the application when left empty.", "string"
    ),
    "timeout": _field("Timeout", "Seconds that Kinde may be silent; 30 when left empty.", "number"),
    "max_concurrency": _field(
        "Concurrent requests", "Requests under way at once at most; 16 when left empty.", "integer"
    ),
    "requests_per_minute": _field(
        "Requests per minute", "Requests that start in a minute at most; no limit when left empty.", "number"
    ),
    "token_cache": _field(
        "Token cache",
        "Who shares a token: all processes of this user on a host (host, encrypted on disk), this process, or none; "
        "host when left empty.",
        "string",
        # No default: Airflow masks what looks like a token's, and would store the mask in new connections.
        enum=["host", "process", "none"],
    ),
    "proxies": _field("Proxies", 'URL of a proxy, or JSON: {"https": "http://proxy:3128"}.', "string"),
    "verify": _field("Verify certificates", "true, false, or the path of a CA bundle; true when left empty.", "string"),
}
"""What goes into the connection's extra, by key."""

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
