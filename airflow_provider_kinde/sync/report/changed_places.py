"""Where a run changed something: in the accounts of the environment, and in each organization. Counts only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_kinde.sync.plan.plan import Plan

ENVIRONMENT = "/"
"""Stands for the environment itself: its accounts."""


def changes_by_place(plan: Plan) -> Mapping[str, int]:
    """Count the changes that were made, by the code of the organization; those of accounts under ``/``.

    :param plan: a plan that was carried out.
    :returns: the environment first, then each managed organization, also where nothing was changed.
    """
    done = Counter(
        operation.alias if operation.kind.endswith(("_membership", "_role")) else ENVIRONMENT
        for operation in plan.operations
        if operation.outcome == "done"
    )
    organizations = plan.snapshot.organizations if plan.snapshot else {}
    codes = {found.code: done[alias] for alias, found in organizations.items() if found.code}
    return {ENVIRONMENT: done[ENVIRONMENT], **codes}
