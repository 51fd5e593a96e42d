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

NEXT = {
    "Scope": "enable the scope for the machine-to-machine application in Kinde, under APIs",
    "Audience": "authorize the application for the Kinde Management API, and leave the connection's audience empty",
    "Credentials": "compare client ID and client secret with the machine-to-machine application of this environment",
    "Rate limit": "wait a minute, then test again",
    "Domain": "check the domain, such as acme.kinde.com and no custom domain, and whether this machine reaches it",
    "Kinde": "test again in a minute; if it stays, ask Kinde's support",
}
"""What to do next, for each thing that can be wrong."""


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
            works = f"Connected to {client.host}: the credentials work, and users can be read."
            return True, f"{works} Next: the command doctor checks the scopes that a sync needs."
    except KindeError as error:
        what = _what(error)
        return False, f"{what}: {error}. Next: {NEXT[what.partition(' (')[0]]}."
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
