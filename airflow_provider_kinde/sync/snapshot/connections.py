"""The enterprise connections that the rows of HR name, found in Kinde."""

from __future__ import annotations

from typing import Any

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.exceptions import KindeInputError
from airflow_provider_kinde.resources.fields import is_enterprise
from airflow_provider_kinde.sync.spec.connection import DOMAIN
from airflow_provider_kinde.sync.spec.models import SyncSpec
from airflow_provider_kinde.sync.store import hr_rows
from airflow_provider_kinde.sync.store.people import People

SCOPE = "read:connections"


def find_connections(spec: SyncSpec, people: People, client: Any) -> None:
    """Check the connections of all people, and replace home realm domains by the ids of their connections.

    Ids take one list (``GET /connections``), domains one look-up each (``GET /connections?home_realm_domain=``). Rows
    that yield an unknown connection are rejected.

    :param spec: the spec.
    :param people: what HR says; its rows are brought up to date.
    :param client: a ``KindeClient``.
    :raises SpecError: the spec names one connection for all rows, and Kinde does not have it.
    """
    template = spec.person.connection
    if template is None:
        return
    known: dict[str, str] | None = None
    for number, value in hr_rows.connections(people.database):
        try:
            if value.startswith(DOMAIN):
                found = _with_domain(client, value.removeprefix(DOMAIN))
            else:
                known = read_connections(client) if known is None else known
                found = _checked(value, known)
        except KindeInputError as error:
            if template.constant:
                raise spec.error("person.connection", str(error)) from None
            people.reject("connection", value, f"person.connection: {error} (row {number})")
        else:
            hr_rows.set_connection(people.database, value, found)


def read_connections(client: Any, **query: str) -> dict[str, str]:
    """Read connections (``GET /connections``).

    Kinde's document wraps each connection in an object; the API is said to send it as it is.

    :param client: a ``KindeClient``.
    :param query: ``home_realm_domain``, for the connections with this domain.
    :returns: id -> strategy.
    """
    found = [
        item["connection"] if isinstance(item.get("connection"), dict) else item
        for item in client.iter_connections(**query)
    ]
    return {str(item["id"]): str(item.get("strategy") or "") for item in found if item.get("id")}


def _checked(connection: str, known: dict[str, str]) -> str:
    if connection not in known:
        there = ", ".join(sorted(known)[:20]) or "none"
        raise KindeInputError(f"Kinde has no connection {connection[:80]!r}; there are: {there}")
    if known[connection] and not is_enterprise(known[connection]):
        raise KindeInputError(f"the connection {connection} is of type {known[connection]}, not an enterprise one")
    return connection


def _with_domain(client: Any, domain: str) -> str:
    found = read_connections(client, home_realm_domain=domain)
    if len(found) != 1:
        which = (
            f"{counted(len(found), 'connection has', 'connections have')} ({', '.join(sorted(found))})"
            if found
            else "no connection has"
        )
        raise KindeInputError(f"{which} the home realm domain {domain[:80]!r}: name the connection by its id")
    return _checked(next(iter(found)), found)
