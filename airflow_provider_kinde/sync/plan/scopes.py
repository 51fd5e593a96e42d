"""The Kinde scopes that a plan needs, so that a missing one is told before the first write."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from airflow_provider_kinde.exceptions import KindePermissionError
from airflow_provider_kinde.sync.kinds import SCOPES
from airflow_provider_kinde.sync.plan.planner import Plan
from airflow_provider_kinde.sync.snapshot.directories import SCOPE as DIRECTORIES

READ = frozenset({"read:users", "read:roles", "read:organizations", "read:organization_users"})
"""What every plan needs."""


def needed_scopes(plan: Plan) -> set[str]:
    """Every scope that carrying out ``plan`` needs.

    :param plan: the plan.
    """
    found = set(READ)
    for kind in plan.operations.kinds():
        found |= SCOPES[kind]
        if kind == "suspend" and plan.spec.leaver.end_sessions:
            found.add("delete:user_sessions")
    if plan.spec.check_directories:
        found.add(DIRECTORIES)
    if _leaves_default(plan):
        found.add("update:organization_users")
    if any("properties" in (o.after or {}) for o in plan.operations.of("create", "adopt", "update")):
        found |= {"read:user_properties", "update:user_properties"}
    return found


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
        f"{what} needs {len(missing)} scope(s) that the Kinde application does not have: {', '.join(missing)}. "
        "Enable them for it in Kinde under APIs, then run again; nothing was written",
        scope=missing[0],
    )
