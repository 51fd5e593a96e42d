"""An access review each quarter: lists for the owners of organizations, and, once they came back, the removals.

``kinde_access_review`` writes a table for each organization to ``storage_path``. Give each to its owner, who fills in
``decision``. Then trigger ``kinde_access_review_decided`` with the path of ``review.json`` and those of the tables.
``KINDE_SYNC_SPEC`` names the spec, as for ``kinde_hr_sync``.
"""

from __future__ import annotations

import os
from datetime import datetime, timezone
from typing import Any

from airflow.providers.common.compat.sdk import DAG, Param

from airflow_provider_kinde.operators.reviews import KindeAccessReviewOperator

spec = os.environ.get("KINDE_SYNC_SPEC", "kinde_hr_sync.yaml")
common: dict[str, Any] = {
    "start_date": datetime(2024, 1, 1, tzinfo=timezone.utc),
    "catchup": False,
    "tags": ["kinde", "hr"],
}

with DAG(
    "kinde_access_review",
    schedule="0 6 1 */3 *" if "KINDE_SYNC_SPEC" in os.environ else None,
    doc_md=__doc__,
    is_paused_upon_creation=True,
    **common,
) as review:
    KindeAccessReviewOperator(task_id="list", spec=spec)

with DAG(
    "kinde_access_review_decided",
    schedule=None,
    doc_md=__doc__,
    params={
        "review_path": Param("", type="string", title="review.json", description="As the log of the review says."),
        "decisions": Param(
            [], type="array", items={"type": "string"}, title="The tables that came back, one path a line"
        ),
        "plan_only": Param(True, type="boolean", title="Plan only", description="Changes nothing: look at it first."),
    },
    **common,
) as decided:
    KindeAccessReviewOperator(
        task_id="remove",
        spec=spec,
        review_path="{{ params.review_path }}",
        decisions="{{ params.decisions | tojson }}",
        plan_only="{{ params.plan_only | tojson }}",
    )
