"""All endpoints in one place: the methods that both clients and both hooks have, and the table of them."""

from __future__ import annotations

from airflow_provider_kinde.client.endpoints.api_keys import ApiKeys
from airflow_provider_kinde.client.endpoints.apis import Apis
from airflow_provider_kinde.client.endpoints.applications import Applications, Callbacks
from airflow_provider_kinde.client.endpoints.base import ENDPOINTS, Endpoint, P, R
from airflow_provider_kinde.client.endpoints.billing import Billing
from airflow_provider_kinde.client.endpoints.business import Business
from airflow_provider_kinde.client.endpoints.connected_apps import ConnectedApps
from airflow_provider_kinde.client.endpoints.connections import Connections
from airflow_provider_kinde.client.endpoints.directories import Directories
from airflow_provider_kinde.client.endpoints.environments import Environments
from airflow_provider_kinde.client.endpoints.feature_flags import FeatureFlags
from airflow_provider_kinde.client.endpoints.memberships import Invites, Memberships
from airflow_provider_kinde.client.endpoints.organizations import Organizations
from airflow_provider_kinde.client.endpoints.roles import Properties, Roles
from airflow_provider_kinde.client.endpoints.subscribers import Subscribers
from airflow_provider_kinde.client.endpoints.users import Identities, Users
from airflow_provider_kinde.client.endpoints.webhooks import Webhooks
from airflow_provider_kinde.client.text import did_you_mean

__all__ = ["ENDPOINTS", "Endpoint", "EndpointMethods", "find_endpoint"]


class EndpointMethods(
    Users[R, P],
    Identities[R, P],
    ApiKeys[R, P],
    Organizations[R, P],
    Memberships[R, P],
    Invites[R, P],
    Roles[R, P],
    Properties[R, P],
    Connections[R, P],
    Directories[R, P],
    Environments[R, P],
    FeatureFlags[R, P],
    Applications[R, P],
    Callbacks[R, P],
    Apis[R, P],
    Webhooks[R, P],
    Subscribers[R, P],
    Billing[R, P],
    ConnectedApps[R, P],
    Business[R, P],
):
    """Every endpoint as a method; a client adds how requests are sent."""


def find_endpoint(name: str) -> Endpoint:
    """Return an endpoint by the name of its method.

    :param name: such as ``get_users``.
    :raises ValueError: there is no such endpoint; the message names similar ones.
    """
    if name not in ENDPOINTS:
        hint = did_you_mean(name, sorted(ENDPOINTS))
        raise ValueError(f"{name!r} is no operation of Kinde's Management API; {hint}")
    return ENDPOINTS[name]
