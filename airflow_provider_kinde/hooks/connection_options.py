"""From an Airflow connection to the arguments of a client. Knows the connection by its attributes alone."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_kinde.client.network_options import check_concurrency, check_proxies, check_verify
from airflow_provider_kinde.client.urls import base_url
from airflow_provider_kinde.hooks.connection_form import FIELD_BEHAVIOUR, FIELDS

log = logging.getLogger(__name__)

_PREFIX = "extra__kinde__"
_WHERE = "Set it under Admin > Connections, or in AIRFLOW_CONN_..."


def client_arguments(connection: Any, extra: Mapping[str, Any] | Any, conn_id: str) -> dict[str, Any]:
    """Read a connection.

    :param connection: an Airflow connection.
    :param extra: its extra, decoded.
    :param conn_id: its id, for messages.
    :returns: arguments for ``KindeClient``.
    :raises ValueError: a field is missing or makes no sense; the message names connection and field.
    """
    arguments: dict[str, Any] = {}
    for field, name in (("host", "domain"), ("login", "client_id"), ("password", "client_secret")):
        value = (getattr(connection, field, None) or "").strip()
        if not value:
            label = FIELD_BEHAVIOUR["relabeling"][field]
            raise ValueError(f"Connection {conn_id!r} has no {field} ({label}). {_WHERE}")
        arguments[name] = value
    try:
        arguments["domain"] = base_url(_domain(connection, arguments["domain"]))
    except ValueError as error:
        raise ValueError(f"Connection {conn_id!r}, host: {error}") from None
    if not isinstance(extra, Mapping):
        raise ValueError(f"Connection {conn_id!r}, extra: expected a JSON object, got a {type(extra).__name__}")
    values = {key.removeprefix(_PREFIX): value for key, value in extra.items() if value not in (None, "")}
    unknown = sorted(values.keys() - FIELDS.keys())
    if unknown:
        known = ", ".join(FIELDS)
        log.warning("Connection %r, extra: unknown %s; known are %s", conn_id, ", ".join(unknown), known)
    for key in FIELDS:
        if key in values:
            try:
                arguments[key] = _READ[key](values[key])
            except ValueError as error:
                raise ValueError(f"Connection {conn_id!r}, extra {key}: {error}") from None
    arguments.setdefault("token_cache", "host")
    return arguments


def _domain(connection: Any, host: str) -> str:
    """Put together what a connection URI was taken apart into."""
    port, scheme = getattr(connection, "port", None), (getattr(connection, "schema", None) or "").lower()
    if port:
        head, separator, rest = host.partition("://")
        netloc, slash, path = (rest if separator else head).partition("/")
        if ":" not in netloc.rpartition("]")[2]:
            netloc += f":{port}"
        host = f"{head}{separator}" * bool(separator) + netloc + slash + path
    return host if "://" in host or scheme not in ("http", "https") else f"{scheme}://{host}"


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"expected text, got {value!r}")
    return value.strip()


def _scopes(value: Any) -> list[str]:
    scopes = value.replace(",", " ").split() if isinstance(value, str) else value
    if not isinstance(scopes, list) or not all(isinstance(scope, str) for scope in scopes):
        raise ValueError(f"expected scopes separated by spaces, got {value!r}")
    return scopes


def _number(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if isinstance(value, bool) or not 0 < number < math.inf:
        raise ValueError(f"expected a number above 0, got {value!r}")
    return number


def _whole(value: Any) -> int:
    number = _number(value)
    if number != int(number):
        raise ValueError(f"expected a whole number, got {value!r}")
    return check_concurrency(int(number))


def _cache(value: Any) -> str:
    text = str(value).strip().lower()
    if text not in ("host", "process", "none"):
        raise ValueError(f"expected host, process or none, got {value!r}")
    return text


def _proxies(value: Any) -> dict[str, str] | str:
    if isinstance(value, str) and value.strip().startswith("{"):
        try:
            value = json.loads(value)
        except ValueError:
            raise ValueError('expected a URL or JSON such as {"https": "http://proxy:3128"}') from None
    if isinstance(value, str):
        check_proxies(value.strip())
        return value.strip()
    if not isinstance(value, dict) or not all(isinstance(url, str) for url in value.values()):
        # Not quoted: a proxy's URL may hold a password.
        raise ValueError('expected a URL or JSON such as {"https": "http://proxy:3128"}')
    check_proxies(value)
    return {str(scheme): url for scheme, url in value.items()}


def _verify(value: Any) -> bool | str:
    if not isinstance(value, (str, int)):
        return check_verify(value)
    text = str(value).strip()
    known = {"true": True, "yes": True, "1": True, "on": True, "false": False, "no": False, "0": False, "off": False}
    found = known.get(text.lower())
    return check_verify(text) if found is None else found


_READ: dict[str, Callable[[Any], Any]] = {
    "audience": _text,
    "scopes": _scopes,
    "timeout": _number,
    "max_concurrency": _whole,
    "requests_per_minute": _number,
    "token_cache": _cache,
    "proxies": _proxies,
    "verify": _verify,
}
