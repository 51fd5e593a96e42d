"""Policies for a Kinde sync: functions that look at a plan, and may block it with a reason."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_provider_kinde.sync import Block, PlannedRun

DOMAINS = ("@acme.com", "@acme.de")
ROLES = {"admin", "billing-admin"}


def admins_are_ours(run: PlannedRun) -> Iterator[str]:
    """No person outside the company's domains becomes an administrator. This block cannot be approved."""
    for change in run.changes:
        if change.kind == "add_role" and change.role in ROLES and not change.email.lower().endswith(DOMAINS):
            yield f"{change.id} would get the role {change.role} and has an address outside {', '.join(DOMAINS)}"


def not_everything_at_once(run: PlannedRun) -> Block | None:
    """People leave and join in one run only after a look. This block can be approved."""
    if run.summary["create"] > 50 and run.summary["suspend"] > 50:
        return Block(f"{run.summary['create']} people would join and {run.summary['suspend']} would leave", True)
    return None
