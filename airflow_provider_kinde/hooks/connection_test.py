"""The Test button: which of domain, credentials, audience and scopes is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from airflow_provider_kinde.client.settings import Settings
from airflow_provider_kinde.exceptions import (
    KindeAuthError,
    KindeError,
    KindePermissionError,
    KindeRateLimitError,
    KindeResponseError,
)


def check(settings: Settings, on_token: Callable[[str], Any] | None = None) -> tuple[bool, str]:
    """Fetch a token and read one user, once each, in a few seconds.

    :param settings: of the connection.
    :param on_token: called with the token before it is used, to mask it in logs.
    :returns: whether it worked, and what was found or what to do; never raises.
    """
    from airflow_provider_kinde.client.client import KindeClient

    # Without the cache: a token from there would say nothing about the credentials.
    quick = replace(settings, timeout=min(10.0, settings.timeout), token_cache="none", max_tries=1)
    try:
        with KindeClient(quick, on_token=on_token) as client:
            client.get_users(page_size=1)
            return True, f"Connected to {client.host}: the credentials work, and users can be read."
    except KindeError as error:
        return False, f"{_what(error)}: {error}"
    except Exception as error:
        return False, f"Connection: {type(error).__name__}: {error}"


def _what(error: KindeError) -> str:
    if isinstance(error, KindePermissionError):
        return "Scope (domain and credentials are right)"
    if isinstance(error, KindeAuthError):
        kinds = {"invalid_client": "Credentials", "invalid_scope": "Scope"}
        audience = error.code in ("invalid_request", "unauthorized_client", "access_denied", "invalid_target")
        if audience or not error.path.startswith("/oauth2/"):
            return "Audience"
        return kinds.get(error.code, "Credentials")
    if isinstance(error, KindeRateLimitError):
        return "Rate limit (domain is right)"
    return "Domain" if isinstance(error, KindeResponseError) or error.status is None else "Kinde"
