"""A tenant that is in use, to be probed."""

from __future__ import annotations

from typing import Any

from airflow_provider_kinde.client import KindeClient
from kinde_emulator import Emulator

CONNECTION = "conn_" + 32 * "0"
TENANT: dict[str, Any] = {
    "organizations": [{"name": "Default Organization", "is_default": True}, "Engineering"],
    "roles": [f"role-{number}" for number in range(12)],
    "permissions": ["read:all"],
    "connections": [{"id": CONNECTION, "name": "Okta"}],
    "users": [
        {"email": "ada@acme.com", "provided_id": "hr:1", "memberships": {"Engineering": ["role-1"]}, "sessions": 1},
        {"email": "Grace@acme.com", "permissions": {"Engineering": ["read:all"]}, "memberships": ["Engineering"]},
    ],
}


def fill(kinde: Emulator) -> Emulator:
    """Seed the tenant, and let its default organization sign in by a connection."""
    kinde.seed(TENANT)
    default = next(item["code"] for item in kinde.state()["organizations"] if item.get("is_default"))
    with connect(kinde) as client:
        client.enable_org_connection(default, CONNECTION)
    return kinde


def connect(kinde: Emulator, **options: Any) -> KindeClient:
    names = {"client_id": kinde.client_id, "client_secret": kinde.client_secret, **options}
    return KindeClient(kinde.url, **names)
