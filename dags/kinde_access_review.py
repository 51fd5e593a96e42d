"""An access review each quarter: lists for the owners of organizations, and, once they came back, the removals.

A scheduled run writes a table for each organization to ``[kinde] storage_path``. Give each to its owner, who fills in
``decision``. Then trigger the DAG with the path of ``review.json`` and those of the tables that came back.
``KINDE_SYNC_SPEC`` names the spec, as for ``kinde_hr_sync``.
"""

from __future__ import annotations

import os
from datetime import datetime, timezone

from airflow.providers.common.compat.sdk import DAG, Param

from airflow_provider_kinde.operators.reviews import KindeAccessReviewOperator

spec = os.environ.get("KINDE_SYNC_SPEC")

with DAG(
    "kinde_access_review",
    schedule="0 6 1 */3 *" if spec else None,
    # Airflow 2 schedules no DAG without it.
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    is_paused_upon_creation=True,
    tags=["kinde", "example"],
    doc_md=__doc__,
    params={
        "decisions": Param(
            [],
            type=["array", "null"],
            items={"type": "string"},
            title="Tables that came back",
            description="Their paths, one a line. When empty, the run writes new lists.",
        ),
        "review_path": Param(
            None, type=["string", "null"], title="review.json", description="The path that the log of the review gives."
        ),
        "plan_only": Param(True, type="boolean", title="Plan only", description="Changes nothing: look at it first."),
    },
) as dag:
    KindeAccessReviewOperator(
        task_id="review",
        spec=spec or "kinde_hr_sync.yaml",
        decisions="{{ params.decisions | tojson }}",
        review_path="{{ params.review_path or '' }}",
        plan_only="{{ params.plan_only | tojson }}",
    )
