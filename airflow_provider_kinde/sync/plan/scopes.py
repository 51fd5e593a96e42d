"""The Kinde scopes that a plan needs, so that a missing one is told before the first write."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from airflow_provider_kinde.counted import counted
from airflow_provider_kinde.exceptions import KindePermissionError
from airflow_provider_kinde.sync.kinds import KINDS, MEMBERSHIP, SCOPES
from airflow_provider_kinde.sync.plan.plan import Plan
from airflow_provider_kinde.sync.snapshot.connections import SCOPE as CONNECTIONS
from airflow_provider_kinde.sync.snapshot.directories import SCOPE as DIRECTORIES
from airflow_provider_kinde.sync.spec.models import SyncSpec

READ = frozenset({"read:users", "read:roles", "read:organizations", "read:organization_users"})
"""What every plan needs."""

CONNECT = frozenset({"read:user_identities", "create:user_identities"})
"""What a sign-in by a connection needs, beside :data:`CONNECTIONS`."""

API_KEYS = frozenset({"read:api_keys", "delete:api_keys"})
"""What deleting a leaver's API keys needs."""


def needed_scopes(plan: Plan) -> set[str]:
    """Every scope that carrying out ``plan`` needs.

    :param plan: the plan.
    """
    found = set(READ)
    for kind in plan.operations.kinds():
        found |= SCOPES[kind]
        if kind == "suspend":
            found |= _ending(plan.spec)
    if plan.spec.check_directories:
        found.add(DIRECTORIES)
    if plan.spec.person.connection is not None:
        found.add(CONNECTIONS)
    if any("connection" in (o.after or {}) for o in plan.operations.of("create", "adopt", "update")):
        found |= CONNECT
    if _leaves_default(plan):
        found.add("update:organization_users")
    if any("properties" in (o.after or {}) for o in plan.operations.of("create", "adopt", "update")):
        found |= {"read:user_properties", "update:user_properties"}
    return found


def _ending(spec: SyncSpec) -> set[str]:
    """The scopes for what is ended with a suspension."""
    found = {"delete:user_sessions"} if spec.leaver.end_sessions else set()
    return found | API_KEYS if spec.leaver.delete_api_keys else found


def scopes_of(spec: SyncSpec) -> dict[str, list[str]]:
    """Every scope that a run of a spec may need, with the reasons. Needs no network.

    :param spec: the spec.
    :returns: scope -> what it is for.
    """
    found: dict[str, list[str]] = {}

    def need(why: str, scopes: Collection[str]) -> None:
        for scope in scopes:
            found.setdefault(scope, []).append(why)

    need("every plan", READ)
    kinds = {"create", "update", "rename", "enable"}
    kinds |= {"adopt"} if spec.joiner.adopt else set()
    if spec.organizations or spec.organizations_match:
        kinds |= {*MEMBERSHIP}
    if any(organization.create for organization in spec.organizations):
        kinds.add("create_organization")
    if {spec.leaver.action, spec.absent} != {"hold"}:
        kinds.add("suspend")
    if spec.leaver.delete_after_days is not None:
        kinds.add("delete")
    for kind in KINDS:
        if kind in kinds:
            need(kind.replace("_", " "), SCOPES[kind])
    if "suspend" in kinds:
        need("leavers: sessions and API keys", _ending(spec))
    if spec.joiner.leave_default_organization:
        need("leaving the default organization", {"update:organization_users"})
    if spec.check_directories:
        need("check_directories", {DIRECTORIES})
    if spec.person.connection is not None:
        need("person.connection", {CONNECTIONS, *CONNECT})
    if spec.person.properties:
        need("user properties", {"read:user_properties", "update:user_properties"})
    return dict(sorted(found.items()))


def _leaves_default(plan: Plan) -> bool:
    """Whether an account is created that Kinde may put into a default organization that is not the person's."""
    snapshot = plan.snapshot
    if snapshot is None or not snapshot.default_code:
        return False
    managed = any(o.code == snapshot.default_code for o in snapshot.organizations.values())
    return (managed or plan.spec.joiner.leave_default_organization) and plan.operations.creates_without_membership()


def missing_scopes(plan: Plan, client: Any) -> KindePermissionError | None:
    """The error to raise before anything is written, if the token is known to lack a scope that the plan needs.

    :param plan: the plan.
    :param client: a ``KindeClient``.
    """
    return lacking(needed_scopes(plan), client, "this plan")


def lacking(needed: Collection[str], client: Any, what: str) -> KindePermissionError | None:
    """The error to raise if the token is known to lack a scope; a shared token may be older than the application's.

    :param needed: scopes.
    :param client: a ``KindeClient``.
    :param what: what needs them, for the message.
    """
    for renew in (False, True):
        granted = client.granted_scopes(renew)
        missing = sorted(set(needed) - granted)
        if not granted or not missing:
            return None
    return KindePermissionError(
        f"{what} needs {counted(len(missing), 'scope')} that the Kinde application does not have: "
        f"{', '.join(missing)}. "
        "Enable them for it in Kinde under APIs, then run again; nothing was written",
        scope=missing[0],
    )
