"""The tenant that a spec is for, and the client of it."""

from __future__ import annotations

from typing import Any


def client_of(connection: Any) -> Any:
    """Return the client: of a hook the one that the hook makes, with the connection opened.

    :param connection: a ``KindeClient`` or a ``KindeHook``.
    """
    return connection.get_conn() if hasattr(connection, "get_conn") else connection


def wrong_tenant(tenant: str | None, host: str) -> str:
    """Compare the tenant of a spec with the Kinde that a connection leads to.

    :param tenant: ``tenant`` of the spec; ``None`` if the spec may be used with any Kinde.
    :param host: host of the Kinde connection.
    :returns: the reason to stop; empty if the connection is the right one.
    """
    if not tenant or _host(tenant) == _host(host):
        return ""
    return f"wrong tenant: the spec is for {tenant}, the connection is for {host}"


def _host(text: str) -> str:
    return text.split("://")[-1].split("/")[0].strip().casefold()
