"""What the approval operator refuses when the DAG file is parsed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_kinde.operators import approval
from airflow_provider_kinde.version_compat import approval_operator


@pytest.mark.skipif(approval_operator() is None, reason="about Airflow 3.1 and later")
@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"approvers": [7]}, "7 is no user id"),
        ({"approvers": "carol"}, "a list is expected"),
        ({"approvers": [{"id": "carol"}]}, "id and name"),
        ({"response_timeout": 0}, "response_timeout=0"),
        ({"response_timeout": timedelta(-1)}, "response_timeout="),
    ],
)
def test_invalid_approvers_and_timeouts_are_refused_at_parse(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        approval.KindeSyncApprovalOperator(task_id="approve", spec="hr.yaml", **wrong)
