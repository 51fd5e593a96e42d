"""From an Airflow connection to the settings of a client. Uses the connection's attributes only, and no Airflow."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from airflow_provider_kinde.client.settings import OPTIONS, Settings, SettingsError
from airflow_provider_kinde.client.urls import in_brackets
from airflow_provider_kinde.hooks.connection_form import FIELD_BEHAVIOUR, FIELDS, KEYS

log = logging.getLogger(__name__)

_PREFIX = "extra__kinde__"
_WHERE = "Set it under Admin > Connections, or in AIRFLOW_CONN_..."
_FIELDS = {"domain": "host", "client_id": "login", "client_secret": "password"}


def connection_settings(
    connection: Any, extra: Mapping[str, Any] | Any, conn_id: str, user_agent: str = ""
) -> Settings:
    """Read a connection.

    :param connection: an Airflow connection.
    :param extra: its extra, decoded.
    :param conn_id: its id, for messages.
    :param user_agent: the ``User-Agent`` header.
    :raises ValueError: a field is missing or has a value that it cannot have; the message names connection and field.
    """
    values: dict[str, Any] = {"token_cache": "host", "user_agent": user_agent}
    for name, field in _FIELDS.items():
        values[name] = (getattr(connection, field, None) or "").strip()
        if not values[name]:
            label = FIELD_BEHAVIOUR["relabeling"][field]
            raise ValueError(f"Connection {conn_id!r} has no {field} ({label}). {_WHERE}")
    values["domain"] = _domain(connection, values["domain"])
    if not isinstance(extra, Mapping):
        raise ValueError(f"Connection {conn_id!r}, extra: expected a JSON object, got a {type(extra).__name__}")
    extras = {key.removeprefix(_PREFIX): value for key, value in extra.items() if value not in (None, "")}
    unknown = ", ".join(sorted(extras.keys() - OPTIONS.keys() - FIELDS.keys()))
    if unknown:
        log.warning("Connection %r, extra: unknown %s; known are %s", conn_id, unknown, ", ".join(FIELDS))
    new = {name: key for name, key in KEYS.items() if key in extras}
    extras |= {name: extras[key] for name, key in new.items()}
    values |= {key: value for key, value in extras.items() if key in OPTIONS}
    try:
        return Settings(**values)
    except SettingsError as error:
        where = _FIELDS.get(error.option) or f"extra {new.get(error.option, error.option)}"
        raise ValueError(f"Connection {conn_id!r}, {where}: {error.reason}") from None


def _domain(connection: Any, host: str) -> str:
    """Put together again what Airflow takes apart in a connection URI."""
    port, scheme = getattr(connection, "port", None), (getattr(connection, "schema", None) or "").lower()
    if port:
        head, separator, rest = host.partition("://")
        netloc, slash, path = (rest if separator else head).partition("/")
        # Airflow takes the brackets off an IPv6 address in a URI.
        netloc = in_brackets(netloc)
        if ":" not in netloc.rpartition("]")[2]:
            netloc += f":{port}"
        host = f"{head}{separator}" * bool(separator) + netloc + slash + path
    return host if "://" in host or scheme not in ("http", "https") else f"{scheme}://{host}"
