"""All operations in one place: the methods that both clients and both hooks have, and the table made of them."""

from __future__ import annotations

import difflib

from airflow_provider_kinde.client.endpoints.base import OPERATIONS, Endpoint, P, R
from airflow_provider_kinde.client.endpoints.memberships import Invites, Memberships
from airflow_provider_kinde.client.endpoints.organizations import Organizations
from airflow_provider_kinde.client.endpoints.roles import Properties, Roles
from airflow_provider_kinde.client.endpoints.users import Identities, Users

__all__ = ["OPERATIONS", "Endpoint", "EndpointMethods", "find_endpoint"]


class EndpointMethods(
    Users[R, P], Identities[R, P], Organizations[R, P], Memberships[R, P], Invites[R, P], Roles[R, P], Properties[R, P]
):
    """Every operation as a method; a client adds how requests are sent."""


def find_endpoint(name: str) -> Endpoint:
    """Return an operation by the name of its method.

    :raises ValueError: no such operation.
    """
    if name not in OPERATIONS:
        near = difflib.get_close_matches(name, OPERATIONS)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(sorted(OPERATIONS))}"
        raise ValueError(f"{name!r} is no operation of Kinde's Management API; {hint}")
    return OPERATIONS[name]
