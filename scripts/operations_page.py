"""Writes ``docs/operations.md`` from the code: every operation's method, HTTP call, scope and operator.

``python -m scripts.operations_page`` writes it; a test fails when the page is not what the code says.
"""

from __future__ import annotations

from pathlib import Path

from airflow_provider_kinde.client.endpoints.api_keys import ApiKeys
from airflow_provider_kinde.client.endpoints.apis import Apis
from airflow_provider_kinde.client.endpoints.applications import Applications, Callbacks
from airflow_provider_kinde.client.endpoints.billing import Billing
from airflow_provider_kinde.client.endpoints.business import Business
from airflow_provider_kinde.client.endpoints.catalog import ENDPOINTS, EndpointMethods
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

PAGE = Path(__file__).resolve().parent.parent / "docs" / "operations.md"

AREAS: dict[str, type] = {
    "Users": Users,
    "Identities": Identities,
    "API keys": ApiKeys,
    "Organizations": Organizations,
    "Members of an organization": Memberships,
    "Invitations": Invites,
    "Roles and permissions": Roles,
    "Properties": Properties,
    "Connections": Connections,
    "SCIM directories": Directories,
    "Environments": Environments,
    "Feature flags": FeatureFlags,
    "Applications": Applications,
    "URLs of applications": Callbacks,
    "APIs": Apis,
    "Webhooks and events": Webhooks,
    "Subscribers": Subscribers,
    "Billing": Billing,
    "Connected apps": ConnectedApps,
    "Business": Business,
}
OPERATORS = {
    "create_user": ["KindeCreateUserOperator"],
    "update_user": ["KindeUpdateUserOperator", "KindeSuspendUserOperator", "KindeUnsuspendUserOperator"],
    "delete_user": ["KindeDeleteUserOperator"],
    "delete_user_sessions": ["KindeSuspendUserOperator"],
    "update_user_properties": ["KindeCreateUserOperator", "KindeUpdateUserOperator"],
    "create_organization": ["KindeCreateOrganizationOperator"],
    "update_organization": ["KindeUpdateOrganizationOperator"],
    "delete_organization": ["KindeDeleteOrganizationOperator"],
    "add_organization_users": ["KindeAddOrganizationUsersOperator"],
    "update_organization_users": ["KindeUpdateOrganizationUsersOperator"],
    "remove_organization_users": ["KindeRemoveOrganizationUsersOperator"],
    "create_organization_user_permission": ["KindeUpdateOrganizationUsersOperator"],
    "delete_organization_user_permission": ["KindeUpdateOrganizationUsersOperator"],
    "update_organization_properties": ["KindeUpdateOrganizationOperator"],
    "create_organization_invite": ["KindeInviteUserOperator"],
    "update_role_permissions": ["KindeUpdateRolePermissionsOperator"],
    "refresh_user_claims": ["KindeRefreshUserClaimsOperator"],
    "update_environement_feature_flag_override": ["KindeUpdateFeatureFlagsOperator"],
    "delete_environement_feature_flag_override": ["KindeUpdateFeatureFlagsOperator"],
    "update_organization_feature_flag_override": ["KindeUpdateFeatureFlagsOperator"],
    "delete_organization_feature_flag_override": ["KindeUpdateFeatureFlagsOperator"],
    "update_user_feature_flag_override": ["KindeUpdateFeatureFlagsOperator"],
}
"""Operation -> the operators that stand for it."""

HEAD = """# Operations

<!-- Written by scripts/operations_page.py from the code. -->

All {count} operations of Kinde's Management API have a method of their own on `KindeHook`, on `KindeAsyncHook`
(there as a coroutine) and on the clients below them. Path parameters come first. Query and body fields follow under
Kinde's names. Each can be given by name. The methods return decoded JSON, or `None` for an empty answer. If Kinde adds
an operation, use `request(method, path, params, json)` until it has a method. On a hook,
`get_connection` is Airflow's; Kinde's is `hook.call("get_connection", connection_id)`.

```python
from airflow_provider_kinde.hooks.kinde import KindeHook

hook = KindeHook()
address = {"type": "email", "details": {"email": "ada@acme.com"}}
user = hook.create_user(profile={"given_name": "Ada"}, identities=[address])
hook.add_organization_users("org_1234567890a", [{"id": user["id"], "roles": ["engineer"]}])
```

`KindeApiOperator(operation="...", arguments={...})` calls any of them from a DAG. If the last column names another
operator, prefer that one: it reads first and writes only what differs. Enable the *scope* for the application in Kinde.
"""


def page() -> str:
    """The page as Markdown."""
    parts = [HEAD.replace("{count}", str(len({operation.call for operation in ENDPOINTS.values()})))]
    for title, area in AREAS.items():
        parts += [f"## {title}", "", "| method | HTTP call | scope | operator |", "| --- | --- | --- | --- |"]
        parts += [_row(name) for name in ENDPOINTS if name in vars(area)]
        parts.append("")
    walks = ", ".join(f"`{name}`" for name in dir(EndpointMethods) if name.startswith("iter_"))
    parts.append(
        f"## All pages\n\n{walks} and `search_users` yield every item of every page of the list they are named after."
    )
    return "\n".join(parts) + "\n"


def _row(name: str) -> str:
    operation = ENDPOINTS[name]
    needed = [parameter for parameter in operation.parameters if parameter in operation.required]
    arguments = ", ".join([*needed, *(["…"] if len(needed) < len(operation.parameters) else [])])
    operators = ", ".join(f"`{operator}`" for operator in OPERATORS.get(name, []))
    cells = [f"`{name}({arguments})`", f"`{operation.call}`", f"`{operation.scope}`", operators]
    return f"| {' | '.join(cells)} |".replace("  |", " |")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
